/* Who judged a run's answers, how far that can be trusted, and what it cost. */
#include <math.h>
#include <stdio.h>

#include "base/str.h"
#include "report/internal.h"

static void row(const char *name, const struct ipw_buf *s, struct ipw_buf *out)
{
    struct ipw_buf line = IPW_BUF_INIT;
    ipw_buf_addf(&line, "%-14s %s", name, s->s);
    report_wrap(line.s, 3, 18, out);
    ipw_buf_release(&line);
}

static void percent(double x, char out[24])
{
    snprintf(out, 24, "%.1f %%", 100 * x);
}

static void verdicts(const struct table_judge *j, struct ipw_buf *s)
{
    double judged = j->n - j->unscored;
    char share[24], given[24];
    if (!(judged > 0)) {
        ipw_buf_adds(s, "none");
        return;
    }
    percent(j->right / judged, share);
    if (ipw_streq(j->scorer, "pairwise")) {
        ipw_buf_addf(s, "%.0f win%s, %.0f tie%s, %.0f loss%s of %.0f against %s: %s with ties half; %.0f changed with the order",
                     j->wins, j->wins == 1 ? "" : "s", j->ties, j->ties == 1 ? "" : "s", j->losses, j->losses == 1 ? "" : "es",
                     judged, j->against ? j->against : "the sets' answers", share, j->flips);
        return;
    }
    ipw_buf_addf(s, "%s right of %.0f", share, judged);
    if (j->not_attempted > 0 && j->not_attempted < judged) {
        percent(j->right / (judged - j->not_attempted), given);
        ipw_buf_addf(s, "; %.0f gave no result, %s right of the others", j->not_attempted, given);
    }
}

static void agreement(const struct table_judge *j, struct ipw_buf *s)
{
    char same[24];
    percent(j->agreement, same);
    ipw_buf_addf(s, "%s of %.0f labels by people, kappa ", same, j->labels);
    if (isnan(j->kappa))
        ipw_buf_adds(s, "undefined: all labels are the same");
    else
        ipw_buf_addf(s, "%.2f", j->kappa);
    if (!(j->kappa >= TABLE_JUDGE_KAPPA))
        ipw_buf_addf(s, "; under %g it corrects nothing", TABLE_JUDGE_KAPPA);
    else if (j->labels < 100)
        ipw_buf_adds(s, "; fewer than 100 tell little");
}

static void cost(const struct table_judge *j, struct ipw_buf *s)
{
    char joules[32];
    ipw_buf_addf(s, "%.0f repl%s", j->asked, j->asked == 1 ? "y" : "ies");
    if (j->cached > 0)
        ipw_buf_addf(s, ", %.0f more kept from before", j->cached);
    if (j->asked > 0 && isfinite(j->energy_j)) {
        report_joules(j->energy_j, joules);
        ipw_buf_addf(s, "; %s%s in %.1f s, in no figure of the run", ipw_streq(j->energy_source, "estimated") ? "~" : "", joules,
                     j->seconds);
    } else if (j->asked > 0) {
        ipw_buf_adds(s, "; its joules were not metered");
    }
}

void report_judge(const struct table_judge *j, struct ipw_buf *out)
{
    struct ipw_buf s = IPW_BUF_INIT;
    report_text(j->model, &s);
    ipw_buf_addf(&s, ", %s%s", j->form, j->same_family ? "; of the family of the model it judges, whose answers it may prefer" : "");
    row("Judge", &s, out);
    ipw_buf_clear(&s);
    verdicts(j, &s);
    row("Verdicts", &s, out);
    if (j->unscored > 0) {
        ipw_buf_clear(&s);
        ipw_buf_addf(&s, "%.0f of %.0f answers (%s)%s", j->unscored, j->n, j->reason ? j->reason : "unknown",
                     table_judge_invalid(j) ? ": more than 2 %, so no accuracy can be read from these verdicts" : "");
        row("No verdict", &s, out);
    }
    if (j->labels > 0) {
        ipw_buf_clear(&s);
        agreement(j, &s);
        row("Agreement", &s, out);
    }
    if (isfinite(j->corrected)) {
        char at[24], lo[24], hi[24];
        percent(j->corrected, at);
        percent(j->corrected_lo, lo);
        percent(j->corrected_hi, hi);
        ipw_buf_clear(&s);
        ipw_buf_addf(&s, "%s right (%s to %s) after its errors on the labels", at, lo, hi);
        row("Corrected", &s, out);
    }
    ipw_buf_clear(&s);
    cost(j, &s);
    row("It took", &s, out);
    ipw_buf_release(&s);
}
