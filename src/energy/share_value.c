#include "energy/share_value.h"

#include <math.h>

enum { AVERAGE_WINDOWS = 5 };
#define LOW_U 0.15  /* as in attribute.c */
#define NULL_U 0.5
#define BLIND 0.3   /* one sigma of a request's power, relative to those beside it, where work says nothing */
#define PHASE 0.15  /* the same, of a prompt: some cost more than their tokens say, and a step is shared */

static int64_t round_nj(double x)
{
    return llround(fmax(fmin(x, 4e18), -4e18));
}

static struct energy_value missing(const char *method, const char *reason)
{
    return (struct energy_value){.u_nj = -1, .status = ENERGY_MISSING, .method = method, .reason = reason};
}

static double quadratic(const double cov[SHARE_WORKS * SHARE_WORKS], const double d[SHARE_WORKS])
{
    double s = 0;
    for (int i = 0; i < SHARE_WORKS; i++)
        for (int k = 0; k < SHARE_WORKS; k++)
            s += d[i] * cov[i * SHARE_WORKS + k] * d[k];
    return fmax(s, 0);
}

static struct energy_value valued(const struct share_context *c, int64_t nj, double u, double tau, const char *method, bool known)
{
    struct energy_value v = missing(method, NULL);
    const struct energy_channel *ch = c->ch;
    v.nj = nj;
    if (!ch->estimated && nj <= 0 && !(u > 0))
        v.reason = "reads_zero";
    else if (!ch->estimated && known && u > NULL_U * (double)nj && u > 0)
        v.reason = "low_resolution";
    if (v.reason)
        return v;
    bool low = u > LOW_U * (double)nj;
    v.u_nj = round_nj(u);
    v.reason = !known ? "no_work" : low ? "low_resolution" : NULL;
    v.status = ch->estimated ? ENERGY_ESTIMATED : low || !known ? ENERGY_LOW_RESOLUTION : ENERGY_MEASURED;
    if (nj < 0 || (ch->pmax_w > 0 && (double)nj > ch->pmax_w * tau + 2 * u)) {
        v.status = ENERGY_IMPLAUSIBLE;
        v.reason = nj < 0 ? "negative" : "above_pmax";
    }
    return v;
}

/* One sigma of a request's share: the coefficients', the spread of requests around their work, idle power's, the ends. */
static double sigma(const struct share_context *c, const struct share_sums *s, bool prefill)
{
    double spread = c->r->by_time ? BLIND : c->r->spread;
    double part = s->active > 0 && prefill ? s->prefill / s->active : 1, own = prefill ? s->free_prefill : s->free;
    double flight = prefill ? s->flight_before_s : s->flight_s;
    double u2 = c->r->by_time ? 0 : quadratic(c->cov, prefill ? s->dp : s->d);
    u2 += prefill ? pow(PHASE * s->prefill, 2) : 0;
    u2 += spread * spread * (own * own + s->others * part * (prefill ? s->prefill : s->active));
    u2 += isfinite(c->u_idle_w) ? pow(flight * c->u_idle_w * 1e9, 2) : 0;
    return sqrt(u2 + s->u2);
}

void share_values(struct energy_query_value *out, const struct share_context *c, const struct share_request *r,
                  const struct share_sums *s, bool known, const char *why)
{
    const char *method = c->r->by_time ? "shared_time" : "shared";
    bool averaged = c->ch->kind == ENERGY_KIND_POWER_AVG, phases = r->t_first >= r->t_send && r->t_first <= r->t_end;
    known = known || c->r->by_time;
    if (why) {
        out->total = out->prefill = out->decode = missing(method, why);
        return;
    }
    double tau = (double)(r->t_end - r->t_send), u = sigma(c, s, false), up = sigma(c, s, true);
    if (!known) /* it may have taken as much as the others in the same time */
        u = hypot(u, c->mean_w * s->flight_s * 1e9);
    out->total = valued(c, (int64_t)s->nj, u, tau, method, known);
    if (averaged && tau < AVERAGE_WINDOWS * (double)c->window_ns && out->total.status == ENERGY_MEASURED) {
        out->total.status = ENERGY_LOW_RESOLUTION;
        out->total.reason = "low_resolution";
    }
    out->prefill = out->decode = missing(method, phases ? "averaged_power" : "no_first_token");
    if (phases && !averaged) {
        out->prefill = valued(c, (int64_t)s->prefill_nj, up, tau, method, known);
        out->decode = valued(c, (int64_t)(s->nj - s->prefill_nj), up > u ? up : u, tau, method, known);
    }
}
