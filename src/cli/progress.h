/* The progress line of a run, on stderr when it is a terminal. */
#ifndef IPW_CLI_PROGRESS_H
#define IPW_CLI_PROGRESS_H

#include "run/writer.h"

struct progress {
    bool tty;
    int64_t started_ns; /* CLOCK_MONOTONIC_RAW */
    size_t done_before; /* answers that were there when this session began */
    int columns;        /* of the terminal when the last line was drawn */
};

void progress_begin(struct progress *p, bool tty, size_t done_before);
void progress_draw(const struct run_progress *r, void *progress); /* a writer's tick */
void progress_end(struct progress *p);                            /* clears the line */

/* "2:30 left", "" when it cannot be told. */
void progress_left(const struct progress *p, const struct run_progress *r, char *out, size_t size);

#endif
