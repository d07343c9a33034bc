/* The end of a run: what is shown, what the exit code says. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "cli/complete.h"
#include "cli/profile.h"
#include "cli/sets.h"
#include "cli/terminal.h"
#include "cli/watch.h"
#include "report/report.h"

static int show(struct profile *p, const struct table_run *run, const struct accuracy_result *figures)
{
    struct ipw_buf out = IPW_BUF_INIT;
    if (!strcmp(p->format, "json")) {
        char *json = report_summary_json(run, figures);
        ipw_buf_adds(&out, json);
        free(json);
    } else {
        struct profile_lines lines;
        profile_next(p, run, &lines);
        struct report_screen screen = {
            .color = p->cli->color,
            .why = strcmp(p->plan.energy, "auto") ? "it was asked for by --energy"
                   : p->machine.hypervisor        ? "this virtual machine shows no energy counter"
                                                  : NULL,
            .next = lines.next};
        report_screen(run, figures, &screen, &out);
    }
    int rc = cli_print(out.s, out.len);
    ipw_buf_release(&out);
    return rc;
}

int profile_verdict(const struct profile *p, const struct table_run *run, const struct accuracy_result *figures)
{
    const char *reason = NULL;
    for (size_t i = 0; i < run->n && !reason; i++)
        if (run->v[i].status == QUERY_ERROR || run->v[i].status == QUERY_TIMEOUT)
            reason = run->v[i].reason;
    size_t failed = figures->by_query[QUERY_ERROR] + figures->by_query[QUERY_TIMEOUT];
    if (failed <= (size_t)p->allow_failures)
        return 0;
    const char *said = p->recorder.writer.first_failure;
    cli_say("%zu question%s failed (%s%s%s); %s, --allow-failures N accepts them", failed, failed == 1 ? "" : "s",
            reason ? reason : "error", *said ? ": " : "", said,
            ipw_streq(reason, "prompt_too_long") && !p->plan.base_url && !p->plan.serve ? "a new run with a larger --ctx has room for them"
                                                 : "--resume RUN --retry-errors asks them again");
    return 1;
}

/* How long it will take, before it is taken. */
static void announce(const struct profile *p)
{
    char words[32];
    double seconds = p->estimate.seconds + 3 * p->baseline.seconds;
    bool hint = !p->resume && !p->datasets.n && !p->plan.max_queries && p->todo.n > 40 * (size_t)p->plan.samples;
    if (p->plan.duration_s > 0)
        cli_say("%zu question%s of %s, again and again for %g s", p->todo.n, p->todo.n == 1 ? "" : "s", p->data->name,
                p->plan.duration_s);
    else if (p->plan.samples > 1)
        cli_say("%zu answer%s to questions of %s, %lld to each, %s%s", p->todo.n, p->todo.n == 1 ? "" : "s", p->data->name,
                (long long)p->plan.samples, run_estimate_words(seconds, words), hint ? "; -n 40 is shorter" : "");
    else
        cli_say("%zu question%s of %s, %s%s", p->todo.n, p->todo.n == 1 ? "" : "s", p->data->name,
                run_estimate_words(seconds, words), hint ? "; -n 40 is shorter" : "");
    profile_samples_warn(p);
    if (p->plan.threads > p->machine.cpus && p->machine.cpus > 0)
        cli_say("%lld threads on %d CPU%s wait for each other and may take very much longer; --threads %d is the most that "
                "helps", (long long)p->plan.threads, (int)p->machine.cpus, p->machine.cpus == 1 ? "" : "s", (int)p->machine.cpus);
    if (!p->options)
        sets_say_unscored(p->data);
    cli_say("into %s", p->dir);
    if (p->watch && !terminal_moves(p->cli->err_tty))
        cli_say("--watch needs a terminal that it can draw in, and stderr is none; going on without");
}

int profile_one(struct profile *p)
{
    struct ipw_err err;
    struct table_run run = {0};
    struct accuracy_result figures = {0};
    int rc = profile_prepare(p, &err);
    if (!rc && p->todo.n) {
        announce(p);
        rc = profile_ask(p, &err);
    }
    if (rc && (rc != IPW_E_INTERRUPTED || !p->asked))
        return cli_fail(&err);
    struct ipw_err finish_err;
    int frc = cli_complete(p->store, p->dir, p->allow_missing, &run, &figures, &finish_err);
    int code = frc ? cli_fail(&finish_err) : 0;
    if (rc == IPW_E_INTERRUPTED) {
        cli_say("interrupted; what was answered is saved. Go on with: ipw profile --resume %s",
                cli_quote(p->dir, (char[PATH_MAX]){0}, PATH_MAX));
        code = ipw_err_exit_code(rc);
    } else if (!frc) {
        code = show(p, &run, &figures);
        code = code ? code : profile_verdict(p, &run, &figures);
    }
    table_run_release(&run);
    accuracy_release(&figures);
    return code;
}
