/* --watch: a run as it goes, drawn in place on stderr: power, tokens/s, the question that is being answered. */
#ifndef IPW_CLI_WATCH_H
#define IPW_CLI_WATCH_H

#include "base/buf.h"
#include "cli/progress.h"
#include "dataset/dataset.h"

enum { WATCH_LINES = 5, WATCH_COLUMNS = 80, WATCH_POWER = 200 };

/* What a frame shows. */
struct watch_view {
    const char *title;    /* "SmolLM2-135M Q4_1 on starter" */
    size_t done, total, right, failed;
    double watts, tokens_s; /* NAN: not known */
    bool estimated;
    const char *left;     /* "2:30 left"; "" not known */
    const char *question; /* NULL: none yet, the model is warmed up */
    const double *power;  /* W, one a second, oldest first */
    size_t n_power;
};

/* WATCH_LINES lines, each at most columns - 1 wide. Pure. */
void watch_frame(const struct watch_view *v, int columns, struct ipw_buf *out);

/* Progress of a run: the plain line, or frames where `on` and the terminal is large enough. */
struct watch {
    struct progress line;
    bool on;
    const struct dataset *data;
    char title[160], question[400];
    int64_t shown; /* the question that is in `question`; -1: none */
    double power[WATCH_POWER], sum;
    size_t n_power, n_sum;
    int64_t second_ns;
    struct {
        int64_t t_ns;
        uint64_t tokens;
    } seen[9]; /* two seconds of ticks */
    size_t n_seen;
    int columns, width[WATCH_LINES]; /* of the frame that is on the screen, and of its lines */
};

void watch_begin(struct watch *w, bool on, bool tty, size_t done_before, const char *title, const struct dataset *data);
void watch_draw(const struct run_progress *r, void *watch); /* a writer's tick */
void watch_end(struct watch *w);                            /* clears what it drew */

#endif
