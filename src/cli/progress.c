#include "cli/progress.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/env.h"
#include "cli/terminal.h"

void progress_begin(struct progress *p, bool tty, size_t done_before)
{
    *p = (struct progress){.tty = tty, .started_ns = ipw_now(&ipw_env_host), .done_before = done_before};
}

void progress_left(const struct progress *p, const struct run_progress *r, char *out, size_t size)
{
    size_t done = r->done - p->done_before;
    double spent = (double)(ipw_now(&ipw_env_host) - p->started_ns) * 1e-9;
    if (!done || r->done >= r->total) {
        out[0] = '\0';
        return;
    }
    long s = lround(spent / (double)done * (double)(r->total - r->done));
    if (s >= 3600)
        snprintf(out, size, "%ld h %02ld min left", s / 3600, s / 60 % 60);
    else
        snprintf(out, size, "%ld:%02ld left", s / 60, s % 60);
}

void progress_draw(const struct run_progress *r, void *ud)
{
    struct progress *p = ud;
    char line[256], left[64], watts[32] = "", bar[21];
    if (!p->tty || !terminal_takes(STDERR_FILENO))
        return;
    progress_left(p, r, left, sizeof left);
    if (isfinite(r->watts) && r->watts >= 0)
        snprintf(watts, sizeof watts, "  %s%.0f W", r->estimated ? "~" : "", r->watts);
    size_t filled = r->total ? r->done * 20 / r->total : 0;
    memset(bar, '.', 20);
    memset(bar, '#', filled);
    bar[20] = '\0';
    int n = snprintf(line, sizeof line, " %zu of %zu [%s]  %zu right%s%s%s", r->done, r->total, bar, r->right, watts, *left ? "  " : "",
                     left);
    int columns = terminal_columns(STDERR_FILENO), before = terminal_line(0);
    if (n > columns - 1)
        line[n = columns - 1] = '\0';
    if (!terminal_moves(true)) {
        fprintf(stderr, "\r%s%*s", line, before > n ? before - n : 0, "");
    } else {
        if (columns < p->columns && before > columns) /* the terminal has folded the last one */
            fprintf(stderr, "\033[%dA\r\033[J", (before - 1) / columns);
        fprintf(stderr, "\r\033[2K%s", line);
    }
    fflush(stderr);
    terminal_line(n);
    p->columns = columns;
}

void progress_end(struct progress *p)
{
    int width = p->tty ? terminal_line(0) : 0;
    if (width)
        fprintf(stderr, "\r%*s\r", width, "");
}
