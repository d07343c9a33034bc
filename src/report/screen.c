#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "report/internal.h"

/* A terminal of 24 x 80; a model's and a machine's name may take so much of it. */
enum { LINES = 24, WIDTH = 80, NAME = 56, DEVICE = 64 };

static bool source_is(const struct table_run *run, const char *word)
{
    return ipw_streq(run->energy_source, word);
}

/* A partial total may hold the estimator's joules. */
static bool any_estimated(const struct table_run *run)
{
    for (size_t i = 0; i < run->n; i++)
        if (run->v[i].energy_status == ENERGY_ESTIMATED)
            return true;
    return false;
}

static size_t lines_of(const struct ipw_buf *b)
{
    size_t n = 0;
    for (const char *p = b->s; (p = strchr(p, '\n')); p++)
        n++;
    return n;
}

/* ---- the answer in words ---- */

static void cost(const struct table_run *run, const struct accuracy_result *r, struct ipw_buf *s)
{
    char j[32];
    bool estimated = any_estimated(run);
    const char *mark = estimated ? "~" : "", *word = estimated ? ", estimated" : "";
    const char *more = source_is(run, "partial") ? "more than " : "";
    report_joules(r->total_j, j);
    if (r->ipj.est > 0) {
        report_joules(1 / r->ipj.est, j);
        if (source_is(run, "partial"))
            ipw_buf_addf(s, " One right answer cost %s%s%s; the %s that did the work was not metered.", more, mark, j,
                         report_unmetered(run));
        else
            ipw_buf_addf(s, " One right answer cost %s%s%s.", mark, j, word);
    } else if (r->n_scored && r->n_correct == 0 && isnan(r->total_j)) {
        ipw_buf_adds(s, " No answer was right.");
    } else if (r->n_scored && r->n_correct == 0) {
        ipw_buf_addf(s, " No answer was right; together they cost %s%s%s%s.", more, mark, j, word);
    } else if (!r->n_scored && !isnan(r->total_j)) {
        ipw_buf_addf(s, " Together they cost %s%s%s%s.", more, mark, j, word);
    }
}

static void sentence(const struct table_run *run, const struct accuracy_result *r, struct ipw_buf *out)
{
    struct ipw_buf s = IPW_BUF_INIT;
    struct ipw_buf name = IPW_BUF_INIT;
    ipw_buf_addf(&name, "%s%s%s", run->model_name ? run->model_name : "The model", run->quant ? " " : "",
                 run->quant ? run->quant : "");
    report_cut(name.s, NAME, &s);
    if (r->perplexity.n)
        ipw_buf_addf(&s, " read %.0f tokens, %zu piece%s of a text, on this machine", r->perplexity.tokens, r->perplexity.n,
                     r->perplexity.n == 1 ? "" : "s");
    else if (r->n_scored && r->samples.k > 1)
        ipw_buf_addf(&s, " gave %.*f right answers of %zu, %zu to each question, on this machine",
                     r->n_correct != floor(r->n_correct), r->n_correct, r->n_scored, r->samples.k);
    else if (r->n_scored)
        ipw_buf_addf(&s, " answered %.*f of %zu question%s right on this machine", r->n_correct != floor(r->n_correct),
                     r->n_correct, r->n_scored, r->n_scored == 1 ? "" : "s");
    else
        ipw_buf_addf(&s, " was asked %zu question%s on this machine", r->n_rows, r->n_rows == 1 ? "" : "s");
    if (run->device) {
        ipw_buf_adds(&s, " (");
        report_cut(run->device, DEVICE, &s);
        ipw_buf_addc(&s, ')');
    }
    ipw_buf_adds(&s, r->n_scored || r->perplexity.n || !r->n_rows ? "." : "; no answer could be scored.");
    if (!run->complete)
        ipw_buf_addf(&s, " Not finished: %zu of %lld asked.", r->n_rows, (long long)run->dataset_n);
    cost(run, r, &s);
    report_wrap(s.s, 1, 1, out);
    ipw_buf_release(&s);
    ipw_buf_release(&name);
}

/* ---- speed, phases, answers ---- */

static void row(const char *label, const char *text, struct ipw_buf *out)
{
    ipw_buf_addf(out, "   %-14s %s\n", label, text);
}

static void time_of(double s, struct ipw_buf *to)
{
    char a[24];
    double scale = s < 0.0995 ? 1e3 : 1;
    report_num(s * scale, a);
    ipw_buf_addf(to, "%s %s", a, scale > 1 ? "ms" : "s");
}

static void load(const struct load_figures *f, struct ipw_buf *out)
{
    struct ipw_buf s = IPW_BUF_INIT;
    char a[24], b[24];
    if (!f->any)
        return;
    report_num(f->requests_s, a);
    report_num(f->tokens_s, b);
    ipw_buf_addf(&s, "%zu at once   %s requests/s   %s tokens/s", f->in_flight, a, b);
    row("Load", s.s, out);
    ipw_buf_clear(&s);
    ipw_buf_adds(&s, "sent ");
    time_of(f->delay_s.p50, &s);
    ipw_buf_adds(&s, " late (p99 ");
    time_of(f->delay_s.p99, &s);
    report_num(f->cpu_share * 100, a);
    ipw_buf_addf(&s, ")   its thread %s %% busy", a);
    row("Client", s.s, out);
    if (f->bound) {
        ipw_buf_clear(&s);
        ipw_buf_addf(&s, "the client was the bottleneck: %s; times and throughput are its own as much as the server's", f->bound);
        report_wrap(s.s, 18, 18, out);
    }
    ipw_buf_release(&s);
}

static void speed(const struct accuracy_result *r, bool read_only, struct ipw_buf *out)
{
    struct ipw_buf s = IPW_BUF_INIT;
    char a[24], b[24];
    double scale = r->ttft_s.p50 < 0.0995 ? 1e3 : 1;
    report_num(r->ttft_s.p50 * scale, a);
    report_num(r->ttft_s.p90 * scale, b);
    if (r->ttft_s.n)
        ipw_buf_addf(&s, "TTFT %s %s (p90 %s)", a, scale > 1 ? "ms" : "s", b);
    else
        ipw_buf_adds(&s, "- (no first token came)");
    report_num(r->decode_tok_s, a);
    if (!isnan(r->decode_tok_s))
        ipw_buf_addf(&s, "   %s tokens/s", a);
    if (read_only) {
        ipw_buf_clear(&s);
        report_num(r->n_in / (r->e2e_s.mean * (double)r->e2e_s.n), a);
        ipw_buf_addf(&s, "%s tokens/s read", a);
    }
    scale = r->e2e_s.mean < 0.0995 ? 1e3 : 1;
    report_num(r->e2e_s.mean * scale, a);
    if (r->e2e_s.n)
        ipw_buf_addf(&s, "   %s %s %s", a, scale > 1 ? "ms" : "s",
                     r->perplexity.n ? "a piece" : r->samples.k > 1 ? "an answer" : "a question");
    row("Speed", s.s, out);
    ipw_buf_release(&s);
    load(&r->load, out);
}

static void phase(const struct table_run *run, const struct phase_figures *p, struct report_unit u, const char *what,
                  struct ipw_buf *s)
{
    char n[24];
    report_num(p->j_per_token * u.scale, n);
    if (isnan(p->j_per_token))
        ipw_buf_addf(s, "- per %s token (%s)", what, p->reason ? p->reason : "tokens not known");
    else
        ipw_buf_addf(s, "%s%s %sJ per %s token", report_mark(run, false), n, u.prefix, what);
}

static void phases(const struct table_run *run, const struct accuracy_result *r, struct ipw_buf *out)
{
    struct ipw_buf s = IPW_BUF_INIT;
    double largest = fmax(r->prefill.j_per_token, r->decode.j_per_token); /* one unit for both */
    if (isnan(largest))
        return;
    struct report_unit u = report_unit_of(largest);
    phase(run, &r->prefill, u, "prompt", &s);
    ipw_buf_adds(&s, "   ");
    phase(run, &r->decode, u, "output", &s);
    if (*report_mark(run, false) && !isnan(r->prefill.j_per_token)) /* the mark hangs left of the column */
        ipw_buf_addf(out, "   %-14s%s\n", "Phases", s.s);
    else
        row("Phases", s.s, out);
    ipw_buf_release(&s);
}

/* What an answer's reasoning cost, and how often it never came to an answer: the token limit was too low. */
static void thinking(const struct table_run *run, const struct thinking_figures *t, struct ipw_buf *out)
{
    struct ipw_buf s = IPW_BUF_INIT;
    char n[24];
    if (!t->n)
        return;
    ipw_buf_addf(&s, "%-14s in %zu answer%s", "Thinking", t->n, t->n == 1 ? "" : "s");
    report_num(100 * t->share, n);
    if (!isnan(t->share))
        ipw_buf_addf(&s, ": %s %% of their tokens", n);
    report_num(t->j / (double)t->n, n);
    if (!isnan(t->j))
        ipw_buf_addf(&s, ", %s%s J each", report_mark(run, false), n);
    if (t->n_unclosed)
        ipw_buf_addf(&s, "; %zu never came to an answer: give them more --max-tokens", t->n_unclosed);
    report_wrap(s.s, 3, 18, out);
    ipw_buf_release(&s);
}

static void add_if(struct ipw_buf *s, size_t n, const char *what)
{
    if (n)
        ipw_buf_addf(s, ", %zu %s", n, what);
}

static const char *missing_reason(const struct table_run *run)
{
    for (size_t i = 0; i < run->n; i++)
        if (isnan(run->v[i].energy_j) && run->v[i].status != QUERY_NOT_SENT && run->v[i].energy_reason)
            return run->v[i].energy_reason;
    return "not known";
}

static const char *unscored_reason(const struct table_run *run)
{
    for (size_t i = 0; i < run->n; i++)
        if (run->v[i].score == SCORE_UNSCORED && run->v[i].score_reason)
            return run->v[i].score_reason;
    return NULL;
}

/* "counter_gap" in a sentence. */
static void add_reason(const char *reason, struct ipw_buf *s)
{
    size_t from = s->len;
    report_cut(reason, 30, s);
    for (size_t i = from; i < s->len; i++)
        s->s[i] = s->s[i] == '_' ? ' ' : s->s[i];
}

static void unscored(const struct table_run *run, const struct accuracy_result *r, struct ipw_buf *out)
{
    struct ipw_buf s = IPW_BUF_INIT;
    char lo[24], hi[24];
    report_num(100 * r->all_wrong, lo);
    report_num(100 * r->all_right, hi);
    ipw_buf_addf(&s, "%zu not scored", r->n_unscored);
    if (unscored_reason(run)) {
        ipw_buf_adds(&s, " (");
        add_reason(unscored_reason(run), &s);
        ipw_buf_addc(&s, ')');
    }
    ipw_buf_addf(&s, ": all told %s to %s %% right", lo, hi);
    row("", s.s, out);
    ipw_buf_release(&s);
}

/* " (4 http 429, 2 timeout)": each kind apart, the count left out when there is but one. */
static void add_failures(const struct table_run *run, size_t errors, struct ipw_buf *s)
{
    struct report_failure kinds[REPORT_FAILURES];
    size_t n = report_failures(run, kinds);
    for (size_t i = 0; i < n; i++) {
        ipw_buf_adds(s, i ? ", " : " (");
        if (n > 1 || kinds[i].n < errors)
            ipw_buf_addf(s, "%zu ", kinds[i].n);
        add_reason(kinds[i].reason, s);
    }
    ipw_buf_adds(s, n ? ")" : "");
}

static void answers(const struct table_run *run, const struct accuracy_result *r, struct ipw_buf *out)
{
    struct ipw_buf s = IPW_BUF_INIT;
    struct report_verdicts v = report_verdicts_of(run);
    size_t errors = r->by_query[QUERY_ERROR] + r->by_query[QUERY_TIMEOUT];
    if (r->perplexity.n)
        ipw_buf_addf(&s, "%-14s %zu read", "Pieces", r->perplexity.n);
    else
        ipw_buf_addf(&s, "%-14s %zu read, %zu unreadable%s", "Answers", v.correct + v.incorrect, v.unparsed,
                     v.unparsed ? " (counted wrong)" : "");
    add_if(&s, r->by_query[QUERY_TRUNCATED], "of these cut off");
    add_if(&s, r->by_query[QUERY_EMPTY], "empty");
    add_if(&s, r->by_query[QUERY_REFUSED], "refused");
    ipw_buf_addf(&s, ", %zu error%s", errors, errors == 1 ? "" : "s");
    add_failures(run, errors, &s);
    add_if(&s, r->by_query[QUERY_NOT_SENT], "not sent");
    add_if(&s, v.pending, "to be scored");
    const char *scorer = run->settings[TABLE_SETTING_SCORER].text;
    if (scorer)
        ipw_buf_addf(&s, ", scored again by %s", scorer);
    report_wrap(s.s, 3, 18, out);
    if (r->n_unscored && !r->perplexity.n)
        unscored(run, r, out);
    if (!source_is(run, "none") && r->n_energy < r->n_scored) {
        ipw_buf_clear(&s);
        ipw_buf_addf(&s, "for %zu of %zu %s (the rest: ", r->n_energy, r->n_scored, r->samples.k > 1 ? "answers" : "questions");
        add_reason(missing_reason(run), &s);
        ipw_buf_addc(&s, ')');
        row("Joules", s.s, out);
    }
    if (run->shared) {
        ipw_buf_clear(&s);
        ipw_buf_addf(&s, "joules of requests in flight together are shared by %s",
                     !strcmp(run->shared, "shared") ? "what each was doing: prompt and answer tokens"
                                                    : "time: what ran does not tell prompt from answer tokens");
        report_wrap(s.s, 18, 18, out);
    }
    if (r->n_slowed) {
        ipw_buf_clear(&s);
        ipw_buf_addf(&s, "the hardware slowed itself down in %zu of %zu %s", r->n_slowed, r->n_rows,
                     r->samples.k > 1 ? "answers" : "questions");
        row("Heat", s.s, out);
    }
    ipw_buf_release(&s);
}

/* What was asked for was no answer. */
static void likely(const struct table_run *run, struct ipw_buf *out)
{
    struct ipw_buf s = IPW_BUF_INIT;
    const char *how = run->settings[TABLE_SETTING_MODE].text;
    if (!strcmp(table_mode(run), TABLE_ANSWERS))
        return;
    ipw_buf_addf(&s, "%-14s log-likelihood%s; " REPORT_MODE_NOTE, "Scoring",
                 ipw_streq(how, "letters") ? " of the letters" : ipw_streq(how, "loglik") ? " of the choices" : " of the text");
    report_wrap(s.s, 3, 18, out);
    for (size_t i = 0; i < run->n_beside; i++) {
        char n[24];
        ipw_buf_clear(&s);
        report_num(100 * run->beside[i].sum / run->beside[i].n, n);
        ipw_buf_addf(&s, "%s %% by %s", n, run->beside[i].name);
        row("", s.s, out);
    }
    ipw_buf_release(&s);
}

/* ---- where the joules come from ---- */

static const struct {
    const char *scope, *words;
    bool cpu; /* it holds the CPU package */
} scopes[] = {{"cpu_package", "CPU package", true}, {"dram", "DRAM", false},         {"gpu_board", "GPU board", false},
              {"gpu_chip", "GPU chip", false},      {"ane", "ANE", false},           {"module", "module", true},
              {"soc_in", "SoC input", true},        {"battery", "battery", true},    {"wall", "wall", true},
              {"platform", "platform", true},       {"cpu_core", "CPU cores", false}, {"rail", "rail", false}};

static const struct {
    const char *source, *words;
} sources[] = {{"powercap", "RAPL"}, {"perf", "RAPL"}, {"nvml", "NVML counter"}, {"ioreport", "IOReport"}};

static const char *source_words(const char *source)
{
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++)
        if (ipw_streq(sources[i].source, source))
            return sources[i].words;
    return source;
}

static bool same_source(const struct table_run *run, size_t i)
{
    return i + 1 < run->n_members &&
           ipw_streq(source_words(run->members[i].source), source_words(run->members[i + 1].source));
}

/* "GPU board 48 W (NVML counter) + CPU package 11 W + DRAM 2 W (RAPL)": the source behind the last of its members.
 * False when none of them holds the CPU. */
static bool add_members(const struct table_run *run, struct ipw_buf *s)
{
    bool cpu = false;
    for (size_t i = 0; i < run->n_members; i++) {
        const struct table_member *m = &run->members[i];
        const char *words = m->scope;
        for (size_t k = 0; k < sizeof scopes / sizeof scopes[0]; k++)
            if (ipw_streq(scopes[k].scope, m->scope)) {
                words = scopes[k].words;
                cpu |= scopes[k].cpu;
            }
        char w[24];
        report_num(m->w, w);
        ipw_buf_addf(s, "%s%s", i ? " + " : "", words);
        if (isfinite(m->w))
            ipw_buf_addf(s, " %s W", w);
        if (!same_source(run, i))
            ipw_buf_addf(s, " (%s)", source_words(m->source));
    }
    return cpu;
}

/* What the machine takes without a question, and what is left of the joules then. */
static void idle(const struct table_run *run, const struct accuracy_result *r, struct ipw_buf *s)
{
    char w[24];
    if (!isfinite(run->idle_w))
        return;
    report_num(run->idle_w, w);
    ipw_buf_addf(s, " Idle was %s W", w);
    if (run->idle_drifts) {
        report_num(run->idle_after_w, w);
        ipw_buf_addf(s, ", %s W after", w);
    }
    report_num(r->ipj_net.est, w);
    if (isfinite(r->ipj_net.est))
        ipw_buf_addf(s, "; net IPJ %s /J%s", w, run->idle_quick ? ", indicative" : "");
    ipw_buf_addc(s, '.');
}

static void estimated(const struct table_run *run, const char *why, struct ipw_buf *s)
{
    char factor[24];
    report_num(1 + 2 * run->gain_u, factor);
    ipw_buf_adds(s, "~ estimated: a CPU load model");
    if (why) {
        ipw_buf_adds(s, ", because ");
        report_cut(why, 60, s);
    }
    ipw_buf_addf(s, ". It can be off by a factor of %s; never ranked with measured runs. ",
                 !isfinite(run->gain_u) || run->gain_u == 0.5 ? "two" : factor);
    ipw_buf_adds(s, "To measure, run where counters are; what is missing: ipw doctor energy");
}

static void metered(const struct table_run *run, const struct accuracy_result *r, struct ipw_buf *s)
{
    ipw_buf_adds(s, "Joules: ");
    bool cpu = add_members(run, s);
    ipw_buf_adds(s, any_estimated(run) ? ": a CPU load model, ~ off by up to a factor of two." : ".");
    for (size_t i = 0; i < run->n_unmetered; i++)
        cpu |= ipw_ends(run->unmetered[i], "CPU package"); /* it is in the list */
    ipw_buf_adds(s, cpu ? " Not metered: " : " CPU package not metered, nor ");
    for (size_t i = 0; i < run->n_unmetered; i++) {
        report_cut(run->unmetered[i], 40, s);
        ipw_buf_adds(s, i + 1 < run->n_unmetered ? ", " : " (which computed), ");
    }
    ipw_buf_adds(s, "display, board, power supply.");
    idle(run, r, s);
}

static void joules(const struct table_run *run, const struct accuracy_result *r, const char *why, struct ipw_buf *out)
{
    struct ipw_buf s = IPW_BUF_INIT;
    if (isnan(r->total_j)) {
        ipw_buf_adds(&s, "No joules: ");
        report_cut(r->energy_reason ? r->energy_reason : "no energy counter was read", 44, &s);
        ipw_buf_adds(&s, ". What is missing here: ipw doctor energy");
    } else if (source_is(run, "estimated")) {
        estimated(run, why, &s);
    } else {
        metered(run, r, &s);
    }
    report_wrap(s.s, 1, 3, out);
    ipw_buf_release(&s);
}

/* ---- the end ---- */

/* The folder, and as many of its files as fit beside it. */
static void saved(const struct table_run *run, struct ipw_buf *out)
{
    static const char *const files[] = {"summary.json, run.db, queries.jsonl", "summary.json, run.db", "run.db"};
    struct ipw_buf s = IPW_BUF_INIT;
    size_t i = 0;
    report_text(run->dir, &s);
    if (!ipw_ends(s.s, "/"))
        ipw_buf_addc(&s, '/');
    while (i < 3 && 8 + report_width(s.s) + 4 + (int)strlen(files[i]) > WIDTH)
        i++;
    ipw_buf_addf(out, " Saved  %s%s%s\n", s.s, i < 3 ? "    " : "", i < 3 ? files[i] : "");
    ipw_buf_release(&s);
}

static size_t count(const char *const *list)
{
    size_t n = 0;
    while (list && list[n])
        n++;
    return n;
}

/* pass@k and the subjects, as long as the screen has no more lines than `limit`: first the smaller k go, then the subjects.
 * ipw analyze shows them all. */
static void parts(const struct accuracy_result *r, size_t limit, size_t lines, struct ipw_buf *out)
{
    struct ipw_buf s = IPW_BUF_INIT;
    for (int turn = 0; turn < 3; turn++) {
        ipw_buf_clear(&s);
        report_samples(r, !turn, &s);
        if (turn < 2)
            report_domains_row(r, &s);
        if (lines + lines_of(&s) <= limit)
            break;
    }
    ipw_buf_adds(out, s.s);
    ipw_buf_release(&s);
}

void report_screen(const struct table_run *run, const struct accuracy_result *r, const struct report_screen *opt,
                   struct ipw_buf *out)
{
    struct ipw_buf head = IPW_BUF_INIT, top = IPW_BUF_INIT, rest = IPW_BUF_INIT;
    sentence(run, r, &head);
    ipw_buf_addc(&head, '\n');
    report_figures(run, r, opt->color, &head);
    ipw_buf_addc(&head, '\n');
    speed(r, strcmp(table_mode(run), TABLE_ANSWERS) != 0, &top);
    phases(run, r, &rest);
    thinking(run, &r->thinking, &rest);
    answers(run, r, &rest);
    likely(run, &rest);
    ipw_buf_addc(&rest, '\n');
    joules(run, r, opt->why, &rest);
    ipw_buf_addc(&rest, '\n');
    saved(run, &rest);

    parts(r, LINES - 1, lines_of(&head) + lines_of(&top) + lines_of(&rest), &head);

    /* what a full screen can do without: that it is fast enough, then all hints but the first */
    size_t lines = lines_of(&head) + lines_of(&top) + lines_of(&rest), next = count(opt->next);
    bool fast = r->interactive && lines + next < LINES;
    ipw_buf_adds(out, head.s);
    ipw_buf_adds(out, top.s);
    if (fast)
        row("", "fast enough to talk to (first token < 2 s, > 10 tokens/s)", out);
    ipw_buf_adds(out, rest.s);
    while (next > 1 && lines + fast + next > LINES)
        next--;
    for (size_t i = 0; i < next; i++) {
        ipw_buf_addf(out, " %-6s ", i ? "" : "Next");
        report_text(opt->next[i], out);
        ipw_buf_addc(out, '\n');
    }
    ipw_buf_release(&head);
    ipw_buf_release(&top);
    ipw_buf_release(&rest);
}
