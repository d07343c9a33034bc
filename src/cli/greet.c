/* Bare `ipw`: finds out what the greeting says. Quick: opens the counters, reads headers of models, one summary. */
#include "cli/greet.h"

#include <math.h>
#include <unistd.h>

#include "cli/meter.h"
#include "cli/terminal.h"
#include "dataset/dataset.h"
#include "run/estimate.h"

/* How long the question set that is built in would take. */
static double starter_s(const struct local_model *m)
{
    struct dataset *data;
    struct run_estimate e;
    struct ipw_err ignored;
    if (!m || dataset_open(&data, "starter", &(struct dataset_cfg){0}, &ignored))
        return NAN;
    run_estimate_of(&e, data->n, m->bytes, NULL);
    dataset_close(data);
    return e.seconds;
}

int greet(struct cli *cli)
{
    struct ipw_err trouble, err;
    struct meter *meter = NULL;
    struct local_models models = {0};
    struct greeting g = {.env = &cli->env, .models = &models};
    struct ipw_buf out = IPW_BUF_INIT;
    if (cli_meter_look(&meter, cli, &trouble, &err))
        trouble = err;
    g.meter = meter;
    g.trouble = trouble.code ? trouble.text : NULL;
    g.try_s = starter_s(greeting_model(&models));
    greeting_text(&g, terminal_text(STDOUT_FILENO), &out);
    int code = cli_print(out.s, out.len);
    ipw_buf_release(&out);
    meter_close(meter);
    return code;
}
