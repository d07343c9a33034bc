/* ipw dataset export: a set as a file. */
#include <stdlib.h>

#include "base/fs.h"
#include "base/mem.h"
#include "cli/sets.h"

static int export_set(struct cli *cli, int argc, char **argv)
{
    char *file = NULL;
    struct option opt[] = {{"out", NULL, 0, OPTION_TEXT, &file, 0, 0, "FILE", "where to write it (JSONL)", false}};
    const char **rest = ipw_calloc((size_t)argc + 1, sizeof *rest);
    struct ipw_buf out = IPW_BUF_INIT;
    struct dataset *d = NULL;
    struct ipw_err err = {0};
    size_t n_rest;
    int code;
    (void)cli;
    if (cli_options(&command_dataset_export, opt, 1, argc, argv, rest, &n_rest, &code))
        goto out;
    if (n_rest != 1 || !file)
        ipw_err_set(&err, IPW_E_USAGE, "which set, and where to? ipw dataset export NAME --out FILE");
    else if (!sets_open(&d, rest[0], 0, 0, &err) && !sets_may_print(d, file, &err)) {
        for (size_t i = 0; i < d->n && !d->map; i++)
            ipw_buf_addf(&out, "%.*s\n", (int)d->v[i].record_len, d->v[i].record);
        if (!fs_write_atomic(file, d->map ? d->map : out.s, d->map ? d->map_len : out.len, &err))
            cli_say("the %zu questions of %s are in %s%s", d->n, d->name, file, sets_has_canary(d) ? SET_CANARY : "");
    }
    code = err.code ? cli_fail(&err) : 0;
out:
    dataset_close(d);
    ipw_buf_release(&out);
    free(file);
    free(rest);
    return code;
}

const struct command command_dataset_export = {
    .name = "export",
    .summary = "a set as a JSONL file",
    .usage = "ipw dataset export NAME --out FILE",
    .run = export_set,
};
