#include "energy/meter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"

enum {
    MAX_COLLECTORS = 32,
    LATENCY_READS = 9,
    LATENCY_BUDGET_NS = 100000000, /* a source that hangs must not hold up the start */
    BOUNDARY_PERIOD_NS = 5000000,
    BOUNDARY_LATENCY_NS = 50000,
};

struct driver {
    const struct energy_collector_ops *ops;
    struct energy_collector *c; /* NULL when nothing was opened */
    size_t first;               /* its first row */
};

struct meter {
    const struct ipw_env *env;
    struct energy_channels ch;
    struct driver drivers[MAX_COLLECTORS];
    size_t n_drivers;
    uint8_t *driver_of; /* per channel */
    char signature[256];
};

static const char *const mode_names[] = {"auto", "measured", "estimated", "none"};

int meter_mode_of(const char *word)
{
    for (int i = 0; i < 4; i++)
        if (ipw_streq(mode_names[i], word))
            return i;
    return -1;
}

const char *meter_mode_name(enum meter_mode m)
{
    return mode_names[m];
}

/* ---- reading ---- */

void meter_read(const struct meter *m, size_t i, struct energy_reading *r)
{
    const struct driver *d = &m->drivers[m->driver_of[i]];
    r->channel = (int32_t)i;
    r->raw = 0;
    r->t_before = ipw_now(m->env);
    r->status = d->c && m->ch.v[i].status == ENERGY_CHANNEL_OK
                    ? d->ops->read(d->c, m->env, i - d->first, &r->raw)
                    : -ENODEV;
    r->t_after = ipw_now(m->env);
}

void meter_mend(const struct meter *m)
{
    for (size_t i = 0; i < m->n_drivers; i++)
        if (m->drivers[i].c && m->drivers[i].ops->mend)
            m->drivers[i].ops->mend(m->drivers[i].c, m->env);
}

static int by_ns(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static int64_t latency(const struct meter *m, size_t i)
{
    int64_t took[LATENCY_READS], spent = 0;
    size_t n = 0;
    for (int k = 0; k < LATENCY_READS && spent < LATENCY_BUDGET_NS; k++) {
        struct energy_reading r;
        meter_read(m, i, &r);
        spent += r.t_after - r.t_before;
        if (!r.status)
            took[n++] = r.t_after - r.t_before;
    }
    qsort(took, n, sizeof took[0], by_ns);
    return n ? (took[n / 2] > 0 ? took[n / 2] : 1) : 0;
}

/* ---- opening ---- */

static void open_drivers(struct meter *m, bool estimated)
{
    for (size_t i = 0; energy_collectors[i]; i++) {
        const struct energy_collector_ops *ops = energy_collectors[i];
        if (ops->estimated != estimated || m->n_drivers == MAX_COLLECTORS)
            continue;
        struct driver *d = &m->drivers[m->n_drivers++];
        *d = (struct driver){ops, NULL, m->ch.n};
        ops->open(&d->c, m->env, &m->ch);
        m->driver_of = ipw_realloc(m->driver_of, m->ch.n + 1);
        for (size_t k = d->first; k < m->ch.n; k++) {
            m->driver_of[k] = (uint8_t)(d - m->drivers);
            snprintf(m->ch.v[k].source, sizeof m->ch.v[k].source, "%s", ops->name);
            m->ch.v[k].verified = ops->verified;
            if (m->ch.v[k].status == ENERGY_CHANNEL_OK)
                m->ch.v[k].latency_ns = latency(m, k);
        }
    }
    energy_scope_resolve(m->ch.v, m->ch.n);
}

static bool any_in_total(const struct meter *m)
{
    for (size_t i = 0; i < m->ch.n; i++)
        if (m->ch.v[i].in_total)
            return true;
    return false;
}

static int refuse_measured(const struct meter *m, struct ipw_err *err)
{
    char seen[240] = "";
    size_t len = 0;
    for (size_t i = 0; i < m->ch.n && len < sizeof seen - 1; i++)
        if (!m->ch.v[i].in_total && m->ch.v[i].status != ENERGY_CHANNEL_OK)
            len += (size_t)snprintf(seen + len, sizeof seen - len, "%s'%s' (%s)", len ? ", " : "",
                                    m->ch.v[i].id, energy_channel_status_name(m->ch.v[i].status));
    const struct energy_remedy *r = meter_remedy(m);
    return ipw_err_set(err, IPW_E_ENV,
                       "no full measurement here: %.200s cannot be read. %.660s; or --energy estimated",
                       len ? seen : "a counter of what computes", r ? r->text : "see ipw sensors");
}

int meter_open(struct meter **out, const struct ipw_env *env, enum meter_mode mode,
               struct ipw_err *err)
{
    struct meter *m = ipw_calloc(1, sizeof *m);
    m->env = env;
    if (mode == METER_AUTO || mode == METER_MEASURED)
        open_drivers(m, false);
    if (mode == METER_ESTIMATED || (mode == METER_AUTO && !any_in_total(m)))
        open_drivers(m, true);
    energy_signature(m->ch.v, m->ch.n, m->signature, sizeof m->signature);
    int rc = 0;
    if (mode == METER_MEASURED && !ipw_streq(meter_source(m), "measured"))
        rc = refuse_measured(m, err);
    else if (mode == METER_ESTIMATED && !any_in_total(m))
        rc = ipw_err_set(err, IPW_E_ENV, "no estimate here: %.600s; use --energy none",
                         meter_remedy(m) ? meter_remedy(m)->text : "no model fits");
    if (rc) {
        meter_close(m);
        m = NULL;
    }
    *out = m;
    return rc;
}

void meter_close(struct meter *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < m->n_drivers; i++)
        if (m->drivers[i].c)
            m->drivers[i].ops->close(m->drivers[i].c, m->env);
    free(m->driver_of);
    free(m->ch.v);
    free(m);
}

/* ---- what it is ---- */

const struct energy_channel *meter_channels(const struct meter *m, size_t *n)
{
    *n = m->ch.n;
    return m->ch.v;
}

const char *meter_signature(const struct meter *m)
{
    return m->signature;
}

/* A counter that exists but cannot be read, while others of its scope are in the total and its device is not:
 * the signature's word then says more than is measured (one of two sockets). */
static bool leaves_hole(const struct meter *m, const struct energy_channel *c)
{
    bool word = false;
    if (c->status != ENERGY_CHANNEL_DENIED && c->status != ENERGY_CHANNEL_ERROR)
        return false;
    for (size_t i = 0; i < m->ch.n; i++)
        if (m->ch.v[i].in_total && m->ch.v[i].scope == c->scope) {
            if (ipw_streq(m->ch.v[i].device, c->device))
                return false;
            word = true;
        }
    return word;
}

const char *meter_source(const struct meter *m)
{
    const char *source = "none";
    bool computing = false;
    for (size_t i = 0; i < m->ch.n; i++)
        if (m->ch.v[i].in_total) {
            source = m->ch.v[i].estimated ? "estimated" : "measured";
            computing |= m->ch.v[i].scope != ENERGY_SCOPE_DRAM;
        }
    if (ipw_streq(source, "measured") && !computing) /* memory alone computes nothing */
        source = "partial";
    for (size_t i = 0; i < m->ch.n && ipw_streq(source, "measured"); i++)
        if (leaves_hole(m, &m->ch.v[i]))
            source = "partial";
    return source;
}

bool meter_boundary(const struct meter *m, size_t i)
{
    const struct energy_channel *c = &m->ch.v[i];
    return c->status == ENERGY_CHANNEL_OK && c->kind == ENERGY_KIND_COUNTER && c->period_ns > 0 &&
           c->period_ns <= BOUNDARY_PERIOD_NS && c->latency_ns > 0 &&
           c->latency_ns <= BOUNDARY_LATENCY_NS;
}

/* Denied can be helped at once, an error perhaps, absence least. */
const struct energy_remedy *meter_remedy(const struct meter *m)
{
    static const enum energy_channel_status order[] = {
        ENERGY_CHANNEL_DENIED, ENERGY_CHANNEL_ERROR, ENERGY_CHANNEL_ABSENT};
    for (size_t k = 0; k < 3; k++)
        for (size_t i = 0; i < m->ch.n; i++)
            if (m->ch.v[i].status == order[k] && m->ch.v[i].remedy.id)
                return &m->ch.v[i].remedy;
    return NULL;
}
