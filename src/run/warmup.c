#include "run/warmup.h"

#include <math.h>
#include <string.h>

#include "base/str.h"
#include "run/baseline.h"

/* The hottest sensor of what computes, NAN without one. */
static double celsius_now(const struct recorder *r)
{
    const struct meter *m = r->meter;
    size_t n;
    const struct energy_channel *ch = meter_channels(m, &n);
    double most = NAN;
    for (size_t i = 0; i < n; i++) {
        struct energy_reading x;
        if (ch[i].kind != ENERGY_KIND_GAUGE || !ipw_ends(ch[i].id, ":temperature") || !meter_takes_part(m, i))
            continue;
        meter_read(m, i, &x);
        if (!x.status)
            most = fmax(most, (double)x.raw * 1e-3);
    }
    return most;
}

void warmup_note(struct warmup *w, const struct engine_event *end, int64_t t_first, int64_t t_last)
{
    int64_t steps = end->likely ? end->n_in : end->n_out - 1;
    if (steps < 1 || t_first == ENGINE_UNKNOWN || t_last <= t_first)
        return; /* too short an answer tells no speed */
    if (w->n == WARMUPS) {
        w->n--;
        memmove(w->tokens_s, w->tokens_s + 1, w->n * sizeof w->tokens_s[0]);
        memmove(w->celsius, w->celsius + 1, w->n * sizeof w->celsius[0]);
        memmove(w->t_s, w->t_s + 1, w->n * sizeof w->t_s[0]);
    }
    w->tokens_s[w->n] = (double)steps * 1e9 / (double)(t_last - t_first);
    w->celsius[w->n] = celsius_now(w->recorder);
    w->t_s[w->n++] = (double)(end->t_ns - w->since_ns) * 1e-9;
}

/* Degrees in 30 s over the last 30 s. */
static double slope(const struct warmup *w)
{
    size_t from = w->n ? w->n - 1 : 0;
    while (from && w->t_s[w->n - 1] - w->t_s[from] < 30)
        from--;
    double dt = w->n ? w->t_s[w->n - 1] - w->t_s[from] : 0;
    return dt > 0 ? (w->celsius[w->n - 1] - w->celsius[from]) * 30 / dt : (double)NAN;
}

bool warmup_owed(struct warmup *w)
{
    int64_t now = ipw_now(w->recorder->env);
    if (!w->since_ns)
        w->since_ns = now;
    if (!w->steady)
        return w->asked < w->of;
    return !run_is_warm(w->tokens_s, w->n, (double)(now - w->since_ns) * 1e-9, slope(w));
}
