/* What to type after a run: lines that work when they are pasted. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/str.h"
#include "cli/models.h"
#include "cli/profile.h"
#include "run/runs.h"

/* " --output-dir DIR" where it is not the usual one. */
static const char *where(const struct profile *p, char *out, size_t size)
{
    char quoted[PATH_MAX];
    out[0] = '\0';
    if (p->output_dir && strcmp(p->output_dir, "runs") != 0)
        snprintf(out, size, " --output-dir %s", cli_quote(p->output_dir, quoted, sizeof quoted));
    return out;
}

/* Whether compare would take this run and one before it. */
static bool has_partner(const struct profile *p, const struct table_run *run)
{
    struct run_briefs runs;
    struct ipw_err ignored;
    bool found = false;
    if (!runs_list(&runs, p->output_dir, &ignored))
        for (size_t i = 0; i < runs.n && !found; i++)
            found = !runs.v[i].problem && runs.v[i].complete && strcmp(fs_basename(runs.v[i].dir), fs_basename(p->dir)) != 0 &&
                    ipw_streq(runs.v[i].dataset_sha256, run->dataset_sha256) &&
                    ipw_streq(runs.v[i].signature, run->signature) && ipw_streq(runs.v[i].energy_source, run->energy_source);
    runs_release(&runs);
    return found;
}

/* Another model that is here; "" when there is none. */
static void other_model(const struct profile *p, char *out, size_t size)
{
    struct local_models all;
    struct ipw_err ignored;
    struct stat mine = {0}, other;
    out[0] = '\0';
    if (stat(p->plan.model, &mine))
        return;
    if (!cli_models(p->cli, NULL, &all, &ignored))
        for (size_t i = 0; i < all.n && !*out; i++)
            if (!all.v[i].problem && !stat(all.v[i].path, &other) &&
                (other.st_ino != mine.st_ino || other.st_dev != mine.st_dev))
                snprintf(out, size, "%s", all.v[i].name);
    local_models_release(&all);
}

/* The same questions to it: what decides which they are goes along. */
static void ask_it(const struct profile *p, const char *model, const char *elsewhere, char *out, size_t size)
{
    char quoted[PATH_MAX], set[PATH_MAX] = "", n[32] = "", how[40] = "";
    if (p->datasets.n)
        snprintf(set, sizeof set, " --dataset %s", cli_quote(p->datasets.v[0], quoted, sizeof quoted));
    if (p->plan.max_queries)
        snprintf(n, sizeof n, " -n %lld", (long long)p->plan.max_queries);
    if (p->plan.scoring)
        snprintf(how, sizeof how, " --scoring %.20s", p->plan.scoring);
    snprintf(out, size, "ipw profile -m %s%s%s%s%s", cli_quote(model, (char[PATH_MAX]){0}, PATH_MAX), set, how, n, elsewhere);
}

static bool waits_for_judge(const struct table_run *run)
{
    for (size_t i = 0; i < run->n; i++)
        if (ipw_streq(run->v[i].score_reason, TABLE_JUDGE_NOT_ASKED))
            return true;
    return false;
}

void profile_next(const struct profile *p, const struct table_run *run, struct profile_lines *l)
{
    char elsewhere[PATH_MAX + 32], quoted[PATH_MAX], model[512];
    size_t n = 0;
    where(p, elsewhere, sizeof elsewhere);
    if (waits_for_judge(run))
        snprintf(l->text[n++], sizeof l->text[0], "ipw judge %s -m JUDGE.gguf", cli_quote(p->dir, quoted, sizeof quoted));
    if (has_partner(p, run))
        snprintf(l->text[n++], sizeof l->text[0], "ipw compare%s%s", elsewhere, *elsewhere ? "" : "             this run and the one before it");
    else
        snprintf(l->text[n++], sizeof l->text[0], "ipw analyze %s", cli_quote(p->dir, quoted, sizeof quoted));
    if (!p->resume) {
        other_model(p, model, sizeof model);
        if (*model)
            ask_it(p, model, elsewhere, l->text[n++], sizeof l->text[0]);
    }
    if (ipw_streq(run->energy_source, "measured"))
        snprintf(l->text[n++], sizeof l->text[0], "ipw list%s", elsewhere);
    else
        snprintf(l->text[n++], sizeof l->text[0], "ipw doctor energy       what is missing here to measure");
    for (size_t i = 0; i < n; i++)
        l->next[i] = l->text[i];
    l->next[n] = NULL;
}
