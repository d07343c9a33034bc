/* A metering session without a run: readings are kept in memory, and any stretch of time between begin and end of a
 * window can be given joules, by the same energy_attribute as a run's questions.
 *
 * Memory: 32 bytes a reading. While no window is open, the last minute is kept. While one is, everything since a minute
 * before it is kept, up to 131,072 readings of a channel (4 MiB, 1.8 hours at 20 Hz); then those more than a minute away
 * from now and from the edges of windows are thinned to four a second (11 MB for a channel and a day). Thinning changes
 * no counter's joules: those depend on what stands beside the edges. */
#ifndef IPW_ENERGY_SESSION_H
#define IPW_ENERGY_SESSION_H

#include "energy/attribute.h"
#include "energy/meter.h"

struct energy_session;
struct energy_window;

/* What has come in since the last batch, for a log. Times are ns of ipw_now(). */
struct energy_batch {
    const struct energy_reading *v;
    size_t n;
    uint32_t lost; /* readings for which there was no room */
    const struct energy_triple {
        int64_t raw, boot, real;
    } *clock;                            /* once a second, else NULL */
    const struct energy_span *suspended; /* found since the last batch, or NULL */
};

/* Called on the session's thread four times a second, a last time by energy_session_close. */
typedef void energy_tap(const struct energy_batch *b, void *ud);

/* Starts sampling. The meter stays the caller's, and must not be closed before the session. tap may be NULL. */
int energy_session_open(struct energy_session **out, const struct ipw_env *env, struct meter *m, energy_tap *tap,
                        void *ud, struct ipw_err *err);
void energy_session_close(struct energy_session *s); /* after every window was freed */

/* Windows may overlap, and be begun, ended, asked and freed by any thread (one thread at a time for one window). */
struct energy_window *energy_window_begin(struct energy_session *s);
void energy_window_end(struct energy_window *w); /* takes the stamp first; waits for nothing; twice is once */
int64_t energy_window_t0(const struct energy_window *w); /* by the thread that began it */
void energy_window_free(struct energy_window *w);

enum energy_total { ENERGY_TOTAL_COMPONENT, ENERGY_TOTAL_ACCEL, ENERGY_TOTAL_SYSTEM, ENERGY_TOTAL_N };

struct energy_result {
    int64_t t0, t1;
    double seconds;
    size_t n;                     /* channels of the meter, in its order */
    struct energy_value *channel; /* missing ("no_readings") for gauges and what cannot be read */
    struct energy_value total[ENERGY_TOTAL_N];
    double gain_u[ENERGY_TOTAL_N]; /* one sigma, relative, of the members weighted by their joules; NAN unknown */
};

/* True when every channel has been read so long after the window's end that its value covers it, or has had time
 * enough. False for a window that has not ended. Does not wait. */
bool energy_window_ready(struct energy_window *w);

/* The joules of a window that has ended. Waits until it is ready: at most 0.3 s when all counters are fast, 2.6 s
 * otherwise. The result lives as long as the window, and its readings are let go. NULL when it has not ended. */
const struct energy_result *energy_window_result(struct energy_window *w);

bool energy_value_known(const struct energy_value *v); /* its nj is a number */

#endif
