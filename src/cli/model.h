/* Between the files of `ipw model`. */
#ifndef IPW_CLI_MODEL_H
#define IPW_CLI_MODEL_H

#include "cli/models.h"

/* "2.6 GB", "98 MB", "23 kB", "-" for a negative number; returns out. */
const char *model_bytes(int64_t bytes, char out[24]);
/* "4.0 B", "135 M", "-"; returns out. */
const char *model_count(int64_t n, char out[24]);

/* A progress line on stderr, where that is a terminal. */
struct model_bar {
    const struct cli *cli;
    const char *what;             /* "pulled", "checked" */
    int64_t before, total;        /* bytes of earlier files; of all files */
    int64_t start_ns, start_done; /* of this file */
    int64_t last_ns;              /* when it was drawn */
};
void model_bar_draw(void *ud, int64_t done, int64_t total); /* struct model_bar; bytes of this file */
void model_bar_end(struct model_bar *bar);

/* The file behind a name or a path; local: its entry in all, NULL for a path that is in none of the places. */
int model_resolve(const struct cli *cli, const char *spec, struct local_models *all, const struct local_model **local,
                  char **path, struct ipw_err *err);

int model_list(struct cli *cli, int argc, char **argv);
int model_show(struct cli *cli, int argc, char **argv);
int model_pull(struct cli *cli, int argc, char **argv);
int model_import(struct cli *cli, int argc, char **argv);
int model_verify(struct cli *cli, int argc, char **argv);
extern const struct command model_command_list, model_command_show, model_command_pull, model_command_import,
    model_command_verify;

#endif
