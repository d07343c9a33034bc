/* Of ipw profile: how questions are put, by --template and --shots. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/profile.h"
#include "cli/sets.h"

enum { TEMPLATE_MAX_BYTES = 1 << 20 };

static int read_template(struct profile *p, struct ipw_err *err)
{
    struct ipw_buf text = IPW_BUF_INIT;
    if (!p->plan.template_file)
        return 0;
    int rc = fs_read(p->plan.template_file, TEMPLATE_MAX_BYTES, &text, err);
    if (!rc)
        rc = dataset_wording_text(&p->wording, p->plan.template_file, text.s, text.len, err);
    ipw_buf_release(&text);
    return rc;
}

static int no_shots(const char *set, int64_t n, struct ipw_err *err)
{
    struct catalogue *c = catalogue_open();
    const struct catalogue_set *row = catalogue_find(c, set);
    if (row && json_get(row->hub, "shots"))
        ipw_err_set(err, IPW_E_USAGE, "'--shots %lld': the examples of '%s' are not here: ipw dataset pull %s --from hub; or name a file "
                    "of answered questions with --shots-from FILE.jsonl", (long long)n, set, set);
    else
        ipw_err_set(err, IPW_E_USAGE, "'--shots %lld': no examples are here for '%s'; name a file of answered questions with "
                    "--shots-from FILE.jsonl", (long long)n, set);
    catalogue_close(c);
    return err->code;
}

/* The examples that were pulled with the set lie beside it. */
static int find_shots(struct profile *p, char path[PATH_MAX], struct ipw_err *err)
{
    const char *set = p->data->name;
    if (p->plan.shots_from) {
        sets_path(p->plan.shots_from, path);
        return 0;
    }
    int rc = sets_file(set, CATALOGUE_SHOTS ".jsonl", path, err);
    return rc || fs_exists(path) ? rc : no_shots(set, p->plan.shots, err);
}

static int read_shots(struct profile *p, struct ipw_err *err)
{
    struct dataset *shots;
    char path[PATH_MAX];
    if (!p->plan.shots)
        return p->plan.shots_from ? ipw_err_set(err, IPW_E_USAGE, "'--shots-from' goes with --shots N: how many come before each "
                                                "question")
                                  : 0;
    int rc = find_shots(p, path, err);
    if (rc || (rc = sets_open(&shots, path, 0, 0, err)))
        return rc;
    return dataset_wording_shots(&p->wording, shots, (size_t)p->plan.shots, err);
}

int profile_wording(struct profile *p, struct ipw_err *err)
{
    enum dataset_asking how;
    char is[sizeof p->wording.text_id + sizeof p->wording.shots_id + 2];
    dataset_wording_release(&p->wording);
    dataset_asking_find(p->plan.scoring, &how);
    int rc = read_template(p, err);
    if (rc || (rc = read_shots(p, err)) || (rc = dataset_wording_check(&p->wording, p->data, how, err)))
        return rc;
    if (!p->plan.template_file && !p->plan.shots)
        return 0;
    snprintf(is, sizeof is, "%s %s", p->wording.text_id, p->wording.shots_id);
    if (p->plan.wording && strcmp(p->plan.wording, is) != 0)
        return ipw_err_set(err, IPW_E_INPUT, "the run's template or examples have changed since it began (%s, now %s); put the old "
                           "files back, or start anew", p->plan.wording, is);
    free(p->plan.wording);
    p->plan.wording = ipw_strdup(is);
    return 0;
}
