#include "cli/runs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "cli/study.h"
#include "run/load.h"
#include "store/store.h"

const char *cli_run_dir(const char *arg, const char *output_dir, char out[PATH_MAX])
{
    snprintf(out, PATH_MAX, "%s", arg);
    for (size_t n = strlen(out); n > 1 && out[n - 1] == '/';)
        out[--n] = '\0';
    if (fs_exists(out) || strlen(output_dir) + strlen(arg) + 2 > PATH_MAX)
        return out;
    char within[PATH_MAX];
    fs_join(within, sizeof within, output_dir, arg);
    if (fs_exists(within))
        memcpy(out, within, strlen(within) + 1);
    return out;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void cli_run_dirs(const char *const *args, size_t n, const char *output_dir, struct option_list *dirs)
{
    for (size_t i = 0; i < n; i++) {
        char dir[PATH_MAX];
        struct run_briefs list = {0};
        struct ipw_err ignored;
        size_t from = dirs->n;
        if (study_folder(cli_run_dir(args[i], output_dir, dir)))
            (void)!runs_list(&list, dir, &ignored);
        for (size_t k = 0; k < list.n; k++)
            option_list_add(dirs, list.v[k].dir);
        if (dirs->n > from)
            qsort(dirs->v + from, dirs->n - from, sizeof *dirs->v, by_name);
        else
            option_list_add(dirs, dir);
        runs_release(&list);
    }
}

int cli_newest_run(const char *output_dir, char out[PATH_MAX], struct ipw_err *err)
{
    struct run_briefs list;
    int rc = runs_list(&list, output_dir, err);
    if (!rc && (!list.n || list.v[0].problem))
        rc = ipw_err_set(err, IPW_E_INPUT, "no run in '%s' yet; make one with ipw profile -m MODEL.gguf, or name the folder of a "
                         "run", output_dir);
    if (!rc)
        memcpy(out, list.v[0].dir, sizeof list.v[0].dir);
    runs_release(&list);
    return rc;
}

int cli_load_run(const char *dir, struct table_run *run, struct ipw_err *err)
{
    struct store *store;
    *run = (struct table_run){0};
    int rc = store_open(&store, dir, false, err);
    if (rc)
        return rc;
    rc = run_load(run, store, dir, err);
    store_close(store);
    if (!rc && !run->complete && store_writer(dir))
        cli_say("'%s' is being written; these are its figures so far", dir);
    else if (!rc && !run->complete)
        cli_say("'%s' is not finished; go on with: ipw profile --resume %s", dir, cli_quote(dir, (char[PATH_MAX]){0}, PATH_MAX));
    return rc;
}
