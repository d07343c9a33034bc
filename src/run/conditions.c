#include "run/conditions.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "energy/channel.h"

struct idle {
    int64_t segment, t;
    char kind[16];
    double w, u_w, seconds;
};

struct span { /* bits held on one channel from t0 until t1 */
    int64_t segment, t0, t1;
    uint64_t channel; /* hash of its id */
    unsigned bits;
};

struct run_conditions {
    struct idle *idle;
    size_t n_idle, cap_idle;
    struct span *span;
    size_t n_span, cap_span;
};

static void load_idle(struct run_conditions *c, const json_val *list)
{
    for (struct json_iter it = json_iter(list); json_next(&it);) {
        struct idle x = {.w = json_num(json_get(it.val, "w")), .u_w = json_num(json_get(it.val, "u_w")),
                         .seconds = json_num(json_get(it.val, "seconds"))};
        const char *kind = json_str(json_get(it.val, "kind"));
        if (!kind || !json_is_int(json_get(it.val, "segment"), &x.segment) ||
            !json_is_int(json_get(it.val, "t_ns"), &x.t) || !isfinite(x.w))
            continue;
        snprintf(x.kind, sizeof x.kind, "%s", kind);
        IPW_GROW(c->idle, c->n_idle, c->cap_idle);
        c->idle[c->n_idle++] = x;
    }
}

/* "heat cap nvml:...": words, then the channel. */
static unsigned bits_of(const char *detail, uint64_t *channel)
{
    static const struct {
        const char *word;
        unsigned bit;
    } words[] = {{"heat ", ENERGY_THROTTLE_HEAT}, {"cap ", ENERGY_THROTTLE_CAP}, {"brake ", ENERGY_THROTTLE_BRAKE}};
    unsigned bits = 0;
    const char *id = detail ? detail : "";
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strstr(id, words[i].word))
            bits |= words[i].bit;
    id = strrchr(id, ' ') ? strrchr(id, ' ') + 1 : id;
    *channel = ipw_hash64(id, strlen(id));
    return bits;
}

static int on_event(int64_t segment, int64_t t_ns, const char *kind, const char *detail, void *ud)
{
    struct run_conditions *c = ud;
    uint64_t channel;
    if (!kind || !ipw_starts(kind, "throttle"))
        return 0;
    unsigned bits = bits_of(detail, &channel);
    for (size_t i = c->n_span; i-- > 0;)
        if (c->span[i].segment == segment && c->span[i].channel == channel) {
            if (c->span[i].t1 == INT64_MAX)
                c->span[i].t1 = t_ns;
            break;
        }
    if (!ipw_streq(kind, "throttle"))
        return 0;
    IPW_GROW(c->span, c->n_span, c->cap_span);
    c->span[c->n_span++] = (struct span){segment, t_ns, INT64_MAX, channel, bits};
    return 0;
}

int run_conditions_load(struct run_conditions **out, struct store *store, struct ipw_err *err)
{
    struct run_conditions *c = *out = ipw_calloc(1, sizeof *c);
    struct json_doc *doc;
    const char *text = store_meta(store, "idle");
    if (text && !json_read(&doc, text, strlen(text), 0, err)) {
        load_idle(c, json_root(doc));
        json_doc_free(doc);
    }
    return store_each_event(store, on_event, c, err);
}

void run_conditions_free(struct run_conditions *c)
{
    if (!c)
        return;
    free(c->idle);
    free(c->span);
    free(c);
}

static const struct idle *idle_of(const struct run_conditions *c, int64_t segment, const char *kind)
{
    for (size_t i = 0; i < c->n_idle; i++)
        if (c->idle[i].segment == segment && ipw_streq(c->idle[i].kind, kind))
            return &c->idle[i];
    return NULL;
}

double run_idle_at(const struct run_conditions *c, int64_t segment, int64_t t, double *u_w)
{
    const struct idle *a = idle_of(c, segment, "loaded"), *b = idle_of(c, segment, "after");
    *u_w = NAN;
    if (!a)
        return NAN;
    double g = b && b->t > a->t ? (double)(t - a->t) / (double)(b->t - a->t) : 0;
    g = g < 0 ? 0 : g > 1 ? 1 : g;
    *u_w = b ? hypot((1 - g) * a->u_w, g * b->u_w) : a->u_w;
    return b ? (1 - g) * a->w + g * b->w : a->w;
}

double run_idle_w(const struct run_conditions *c, const char *kind)
{
    double sum = 0;
    size_t n = 0;
    for (size_t i = 0; i < c->n_idle; i++)
        if (ipw_streq(c->idle[i].kind, kind)) {
            sum += c->idle[i].w;
            n++;
        }
    return n ? sum / (double)n : (double)NAN;
}

double run_load_j(const struct run_conditions *c)
{
    double j = NAN;
    for (size_t i = 0; i < c->n_idle; i++)
        if (ipw_streq(c->idle[i].kind, "load"))
            j = (isnan(j) ? 0 : j) + c->idle[i].w * c->idle[i].seconds;
    return j;
}

bool run_idle_drifts(const struct run_conditions *c)
{
    double a = run_idle_w(c, "loaded"), b = run_idle_w(c, "after");
    return fabs(b - a) > 2 || fabs(b - a) > 0.05 * a;
}

bool run_idle_quick(const struct run_conditions *c)
{
    for (size_t i = 0; i < c->n_idle; i++)
        if (c->idle[i].seconds < 20 && !ipw_streq(c->idle[i].kind, "load"))
            return true;
    return false;
}

unsigned run_throttle_in(const struct run_conditions *c, int64_t segment, int64_t t0, int64_t t1)
{
    unsigned bits = 0;
    for (size_t i = 0; i < c->n_span; i++)
        if (c->span[i].segment == segment && c->span[i].t0 < t1 && c->span[i].t1 > t0)
            bits |= c->span[i].bits;
    return bits;
}
