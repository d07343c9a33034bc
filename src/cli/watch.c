#include "cli/watch.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/env.h"
#include "base/json.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/terminal.h"
#include "report/report.h"

enum { LABEL = 12, NUMBER = 21 }; /* columns of the names; of names and figures, where the graph begins */

/* ---- a frame ---- */

static void end_line(struct ipw_buf *out, size_t at, int columns)
{
    while (out->len > at && ((int)(out->len - at) > columns - 1 || out->s[out->len - 1] == ' '))
        out->s[--out->len] = '\0';
    ipw_buf_addc(out, '\n');
}

/* Both sides of a line; the left one gives way. */
static void sides(const char *left, const char *right, int columns, struct ipw_buf *out)
{
    int room = columns - 1 - (int)strlen(right) - 2, at;
    struct ipw_buf s = IPW_BUF_INIT;
    report_cut(left, room, &s);
    at = report_width(s.s);
    ipw_buf_addf(out, "%s%*s%s\n", s.s, *right ? columns - 1 - (int)strlen(right) - at : 0, "", right);
    ipw_buf_release(&s);
}

/* The last seconds, as tall as they are against the tallest. */
static void graph(const struct watch_view *v, int width, double top, struct ipw_buf *out)
{
    static const char levels[] = " .:-=+*#%@";
    size_t n = v->n_power < (size_t)width ? v->n_power : (size_t)width;
    for (size_t i = v->n_power - n; i < v->n_power; i++) {
        double share = top > 0 ? v->power[i] / top : 0;
        int level = isfinite(share) ? (int)lround(share * 9) : 0;
        ipw_buf_addc(out, levels[level < 0 ? 0 : level > 9 ? 9 : level]);
    }
}

static void power(const struct watch_view *v, int columns, struct ipw_buf *out)
{
    char watts[32] = "-", scale[40] = "";
    double top = 0;
    size_t at = out->len;
    for (size_t i = 0; i < v->n_power; i++)
        top = fmax(top, v->power[i]);
    if (isfinite(v->watts))
        snprintf(watts, sizeof watts, "%s%.*f W", v->estimated ? "~" : "", v->watts < 10, v->watts);
    if (v->n_power)
        snprintf(scale, sizeof scale, "  0 to %.*f W, 1 s each", top < 10, top);
    ipw_buf_addf(out, "   %-*s%-*s", LABEL - 3, "Power", NUMBER - LABEL, watts);
    graph(v, columns - 1 - NUMBER - (int)strlen(scale), top, out);
    ipw_buf_addf(out, "%*s", columns - 1 - (int)(out->len - at), scale);
    end_line(out, at, columns);
}

void watch_frame(const struct watch_view *v, int columns, struct ipw_buf *out)
{
    char right[64], left[96], bar[21];
    size_t filled = v->total ? v->done * 20 / v->total : 0, at;
    memset(bar, '.', 20);
    memset(bar, '#', filled > 20 ? 20 : filled);
    bar[20] = '\0';
    snprintf(right, sizeof right, "%zu of %zu [%s]", v->done, v->total, bar);
    ipw_buf_addc(out, ' ');
    sides(v->title, right, columns - 1, out);
    power(v, columns, out);

    at = out->len;
    ipw_buf_addf(out, "   %-*s", LABEL - 3, "Speed");
    ipw_buf_addf(out, isfinite(v->tokens_s) ? "%.*f tokens/s in the last 2 s, prompts and pauses included" : "-", v->tokens_s < 10, v->tokens_s);
    end_line(out, at, columns);

    snprintf(left, sizeof left, "   %-*s%zu of %zu", LABEL - 3, "Right", v->right, v->done);
    if (v->failed)
        snprintf(left + strlen(left), sizeof left - strlen(left), ", %zu failed", v->failed);
    sides(left, v->left, columns, out);

    ipw_buf_addf(out, "   %-*s", LABEL - 3, "Asked");
    report_cut(v->question ? v->question : "(warming up)", columns - 1 - LABEL, out);
    ipw_buf_addc(out, '\n');
}

/* ---- the state ---- */

void watch_begin(struct watch *w, bool on, bool tty, size_t done_before, const char *title, const struct dataset *data)
{
    *w = (struct watch){.on = on && terminal_moves(tty), .data = data, .shown = -1};
    progress_begin(&w->line, tty, done_before);
    snprintf(w->title, sizeof w->title, "%s", title);
}

/* What was asked, in one line. */
static void take_question(struct watch *w, int64_t index)
{
    struct json_doc *doc;
    struct ipw_err ignored;
    const struct question *q = &w->data->v[index];
    w->shown = index;
    w->question[0] = '\0';
    if (json_read(&doc, q->record, q->record_len, 0, &ignored))
        return;
    const char *text = json_str(json_get(json_root(doc), "question"));
    for (struct json_iter it = json_iter(json_get(json_root(doc), "messages")); !text && json_next(&it);)
        if (ipw_streq(json_str(json_get(it.val, "role")), "user"))
            text = json_str(json_get(it.val, "content"));
    snprintf(w->question, sizeof w->question, "%s", text ? text : q->id);
    w->question[strlen(w->question) - ipw_utf8_tail(w->question, strlen(w->question))] = '\0';
    for (char *p = w->question; *p; p++)
        *p = ipw_isspace((unsigned char)*p) ? ' ' : *p;
    json_doc_free(doc);
}

static void note_power(struct watch *w, double watts, int64_t now)
{
    if (isfinite(watts)) {
        w->sum += watts;
        w->n_sum++;
    }
    if (now - w->second_ns < 1000000000 || !w->n_sum)
        return;
    if (w->n_power == WATCH_POWER)
        memmove(w->power, w->power + 1, --w->n_power * sizeof w->power[0]);
    w->power[w->n_power++] = w->sum / (double)w->n_sum;
    w->sum = 0;
    w->n_sum = 0;
    w->second_ns = now;
}

static double tokens_s(struct watch *w, uint64_t tokens, int64_t now)
{
    enum { N = sizeof w->seen / sizeof w->seen[0] };
    if (w->n_seen == N)
        memmove(w->seen, w->seen + 1, --w->n_seen * sizeof w->seen[0]);
    w->seen[w->n_seen].t_ns = now;
    w->seen[w->n_seen++].tokens = tokens;
    double dt = (double)(now - w->seen[0].t_ns) * 1e-9;
    return dt >= 0.5 ? (double)(tokens - w->seen[0].tokens) / dt : (double)NAN;
}

/* ---- the screen ---- */

/* The cursor rests below the frame, so that whatever ends the program, the prompt comes there. After a change of width the
 * terminal has folded the old lines: as many rows more. */
static void to_top(struct watch *w, int columns, struct ipw_buf *out)
{
    int rows = terminal_live(0);
    for (int i = 0; i < WATCH_LINES && rows && columns < w->columns; i++)
        rows += w->width[i] > columns ? (w->width[i] - 1) / columns : 0;
    if (rows)
        ipw_buf_addf(out, "\033[%dA\r%s", rows, columns != w->columns ? "\033[J" : "");
}

static void put(const struct ipw_buf *b)
{
    if (write(STDERR_FILENO, b->s, b->len) < 0)
        return; /* a terminal that is gone: the signal for that comes by itself */
}

static void clear(struct watch *w)
{
    struct ipw_buf b = IPW_BUF_INIT;
    to_top(w, terminal_columns(STDERR_FILENO), &b);
    if (b.len) {
        ipw_buf_adds(&b, "\033[J");
        put(&b);
    }
    ipw_buf_release(&b);
}

static void draw(struct watch *w, const struct watch_view *v, int columns)
{
    struct ipw_buf text = IPW_BUF_INIT, b = IPW_BUF_INIT;
    watch_frame(v, columns, &text);
    ipw_buf_adds(&b, "\033[?2026h"); /* terminals that know it show the frame at once */
    to_top(w, columns, &b);
    int line = 0;
    for (char *p = text.s, *end; (end = strchr(p, '\n')); p = end + 1) {
        *end = '\0';
        w->width[line++] = report_width(p);
        ipw_buf_addf(&b, "\033[2K%s\n", p); /* whole, so that the terminal folds what is seen and no more */
    }
    ipw_buf_adds(&b, "\033[?2026l");
    put(&b);
    w->columns = columns;
    terminal_live(WATCH_LINES);
    ipw_buf_release(&text);
    ipw_buf_release(&b);
}

void watch_draw(const struct run_progress *r, void *ud)
{
    struct watch *w = ud;
    char left[64];
    if (!w->on) {
        progress_draw(r, &w->line);
        return;
    }
    int64_t now = ipw_now(&ipw_env_host);
    if (r->question >= 0 && r->question != w->shown)
        take_question(w, r->question);
    note_power(w, r->watts, now);
    double speed = tokens_s(w, r->tokens, now);
    if (!terminal_takes(STDERR_FILENO))
        return;
    int columns = terminal_columns(STDERR_FILENO);
    if (columns < WATCH_COLUMNS || terminal_rows(STDERR_FILENO) <= WATCH_LINES) {
        clear(w);
        progress_draw(r, &w->line);
        return;
    }
    progress_end(&w->line);
    progress_left(&w->line, r, left, sizeof left);
    draw(w,
         &(struct watch_view){.title = w->title, .done = r->done, .total = r->total, .right = r->right, .failed = r->failed,
                              .watts = w->n_power && isfinite(r->watts) ? w->power[w->n_power - 1] : r->watts, .tokens_s = speed, .estimated = r->estimated, .left = left,
                              .question = w->shown < 0 ? NULL : w->question, .power = w->power, .n_power = w->n_power},
         columns);
}

void watch_end(struct watch *w)
{
    clear(w);
    progress_end(&w->line);
}
