/* Bare `ipw`: finds out what the greeting says. Quick: opens the counters, reads headers of models, one summary. */
#include "cli/greet.h"

#include <math.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/str.h"
#include "cli/meter.h"
#include "cli/models.h"
#include "cli/terminal.h"
#include "dataset/dataset.h"
#include "run/estimate.h"

/* An earlier run of that file tells best how long the next takes. */
static const struct run_brief *earlier(const struct run_briefs *runs, const struct local_model *m)
{
    for (size_t i = 0; i < runs->n; i++)
        if (!runs->v[i].problem && runs->v[i].complete && runs->v[i].model_bytes == m->bytes &&
            ipw_streq(runs->v[i].model_file, fs_basename(m->path)))
            return &runs->v[i];
    return NULL;
}

/* How long the question set that is built in would take. */
static double starter_s(const struct local_model *m, const struct run_briefs *runs)
{
    struct dataset *data;
    struct run_estimate e;
    struct ipw_err ignored;
    if (!m || dataset_open(&data, "starter", &(struct dataset_cfg){0}, &ignored))
        return NAN;
    run_estimate_of(&e, data->n, m->bytes, earlier(runs, m));
    dataset_close(data);
    return e.seconds;
}

int greet(struct cli *cli)
{
    struct ipw_err trouble, err;
    struct meter *meter = NULL;
    struct local_models models = {0};
    struct run_briefs runs = {0};
    struct ipw_buf out = IPW_BUF_INIT;
    if (cli_meter_look(&meter, cli, &trouble, &err))
        trouble = err;
    cli_models(cli, NULL, &models, &err); /* what is found before an error is shown; ipw model list tells the error */
    runs_list(&runs, "runs", &err);       /* likewise */
    struct greeting g = {.env = &cli->env, .meter = meter, .trouble = trouble.code ? trouble.text : NULL, .models = &models,
                         .now_real_ns = cli->env.clock->real(&cli->env)};
    for (size_t i = 0; i < runs.n && !g.newest; i++)
        g.newest = runs.v[i].problem ? NULL : &runs.v[i];
    g.try_s = starter_s(greeting_model(&models), &runs);
    greeting_text(&g, terminal_text(STDOUT_FILENO), &out);
    int code = cli_print(out.s, out.len);
    ipw_buf_release(&out);
    local_models_release(&models);
    runs_release(&runs);
    meter_close(meter);
    return code;
}
