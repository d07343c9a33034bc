#include "energy/meter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

enum {
    MAX_COLLECTORS = 32,
    MAX_UNMETERED = 32,
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
    bool computing_known;
    bool chosen; /* by --devices or a *_VISIBLE_DEVICES variable */
    char unmetered[MAX_UNMETERED][96]; /* what computes without a channel in the total */
    size_t n_unmetered;
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

static void open_drivers(struct meter *m, const struct meter_cfg *cfg, bool estimated)
{
    const struct energy_collector_ops *const *list = cfg->collectors ? cfg->collectors : energy_collectors;
    for (size_t i = 0; list[i]; i++) {
        const struct energy_collector_ops *ops = list[i];
        if (ops->estimated != estimated || m->n_drivers == MAX_COLLECTORS)
            continue;
        struct driver *d = &m->drivers[m->n_drivers++];
        *d = (struct driver){ops, NULL, m->ch.n};
        ops->open(&d->c, m->env, &m->ch);
        if (cfg->calibration && d->c && ops->calibrate)
            ops->calibrate(d->c, cfg->calibration, m->ch.v + d->first, m->ch.n - d->first);
        m->driver_of = ipw_realloc(m->driver_of, m->ch.n + 1);
        for (size_t k = d->first; k < m->ch.n; k++) {
            m->driver_of[k] = (uint8_t)(d - m->drivers);
            snprintf(m->ch.v[k].source, sizeof m->ch.v[k].source, "%s", ops->name);
            m->ch.v[k].verified = ops->verified;
            if (m->ch.v[k].status == ENERGY_CHANNEL_OK)
                m->ch.v[k].latency_ns = latency(m, k);
        }
    }
}

static void resolve(struct meter *m)
{
    energy_scope_resolve(m->ch.v, m->ch.n);
    energy_signature(m->ch.v, m->ch.n, m->signature, sizeof m->signature);
}

/* ---- what the user chose ---- */

static bool is_gpu(const struct energy_channel *c)
{
    char pci[64];
    return energy_pci_id(c->device, pci, sizeof pci);
}

static bool is_item(const struct energy_channel *c, const char *item)
{
    char pci[64];
    int64_t index;
    if (ipw_parse_i64(item, &index))
        return c->gpu == index;
    if (energy_pci_id(item, pci, sizeof pci))
        return ipw_streq(pci, c->device);
    return *item && ipw_starts(c->uuid, item);
}

/* Calls fn for each item of "a, b,c"; the first non-zero result ends it. */
static int each_item(const char *list, int (*fn)(struct meter *, const char *, struct ipw_err *), struct meter *m,
                     struct ipw_err *err)
{
    int rc = 0;
    for (const char *p = list; *p && !rc;) {
        char item[128];
        size_t n = strcspn(p, ","), skip = strspn(p, " ");
        size_t len = n > skip ? n - skip : 0;
        while (len && p[skip + len - 1] == ' ')
            len--;
        snprintf(item, sizeof item, "%.*s", (int)len, p + skip);
        rc = *item ? fn(m, item, err) : 0;
        p += n + (p[n] == ',');
    }
    return rc;
}

static int select_device(struct meter *m, const char *item, struct ipw_err *err)
{
    bool found = false;
    for (size_t i = 0; i < m->ch.n; i++)
        if (is_gpu(&m->ch.v[i]) && is_item(&m->ch.v[i], item)) {
            m->ch.v[i].unused = false;
            found = true;
        }
    return found ? 0 : ipw_err_set(err, IPW_E_INPUT, "device '%s' is not here; ipw sensors lists the devices", item);
}

static int include_channel(struct meter *m, const char *item, struct ipw_err *err)
{
    for (size_t i = 0; i < m->ch.n; i++)
        if (ipw_streq(m->ch.v[i].id, item)) {
            m->ch.v[i].included = true;
            return 0;
        }
    return ipw_err_set(err, IPW_E_INPUT, "channel '%s' is not here; ipw sensors lists the channels", item);
}

static int choose(struct meter *m, const struct meter_cfg *cfg, struct ipw_err *err)
{
    int rc = 0;
    m->chosen = cfg->devices;
    if (cfg->devices) {
        for (size_t i = 0; i < m->ch.n; i++)
            m->ch.v[i].unused = is_gpu(&m->ch.v[i]);
        if (!ipw_streq(cfg->devices, "-1")) /* CUDA's word for none */
            rc = each_item(cfg->devices, select_device, m, err);
        if (rc && cfg->stop_at_unknown) {
            ipw_env_log(m->env, "the list of visible devices '%.100s' ends where it names no GPU of this machine", cfg->devices);
            rc = 0;
        }
    }
    return rc || !cfg->include ? rc : each_item(cfg->include, include_channel, m, err);
}

static bool any_in_total(const struct meter *m)
{
    for (size_t i = 0; i < m->ch.n; i++)
        if (m->ch.v[i].in_total)
            return true;
    return false;
}

/* The same energy can be read from another source, so that nothing is lost. */
static bool read_elsewhere(const struct meter *m, const struct energy_channel *c)
{
    for (size_t i = 0; i < m->ch.n; i++)
        if (m->ch.v[i].status == ENERGY_CHANNEL_OK && !m->ch.v[i].estimated && m->ch.v[i].scope == c->scope &&
            ipw_streq(m->ch.v[i].device, c->device))
            return true;
    return false;
}

static int refuse_measured(const struct meter *m, struct ipw_err *err)
{
    char seen[240] = "";
    size_t len = 0;
    for (size_t i = 0; i < m->ch.n && len < sizeof seen - 1; i++)
        if (!m->ch.v[i].in_total && m->ch.v[i].status != ENERGY_CHANNEL_OK && !read_elsewhere(m, &m->ch.v[i]))
            len += (size_t)snprintf(seen + len, sizeof seen - len, "%s'%s' (%s)", len ? ", " : "",
                                    m->ch.v[i].id, energy_channel_status_name(m->ch.v[i].status));
    const struct energy_remedy *r = meter_remedy(m);
    int sentence = r ? energy_remedy_sentence(r) : 0;
    return ipw_err_set(err, IPW_E_ENV,
                       "no full measurement here: %.200s cannot be read. %.*s%s; or --energy estimated",
                       len ? seen : "a counter of what computes", r && sentence < 660 ? sentence : 660,
                       r ? r->text : "See ipw doctor energy",
                       r && r->text[sentence] ? " The commands for it: ipw doctor energy" : "");
}

int meter_require_measured(const struct meter *m, struct ipw_err *err)
{
    return ipw_streq(meter_source(m), "measured") ? 0 : refuse_measured(m, err);
}

int meter_open(struct meter **out, const struct ipw_env *env, const struct meter_cfg *cfg,
               struct ipw_err *err)
{
    struct meter *m = ipw_calloc(1, sizeof *m);
    int rc = 0;
    m->env = env;
    if (cfg->mode == METER_AUTO || cfg->mode == METER_MEASURED) {
        open_drivers(m, cfg, false);
        rc = choose(m, cfg, err);
    }
    resolve(m);
    if (!rc && (cfg->mode == METER_ESTIMATED || (cfg->mode == METER_AUTO && !any_in_total(m)))) {
        open_drivers(m, cfg, true);
        resolve(m);
    }
    if (!rc && cfg->mode == METER_MEASURED)
        rc = meter_require_measured(m, err);
    else if (!rc && cfg->mode == METER_ESTIMATED && !any_in_total(m))
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

/* ---- what computes ---- */

/* Scopes that hold the CPU's energy, and a GPU's whatever its device. */
static bool holds(const struct energy_channel *c, bool cpu, const char *pci)
{
    static const unsigned machine = 1u << ENERGY_SCOPE_SOC_IN | 1u << ENERGY_SCOPE_MODULE | 1u << ENERGY_SCOPE_WALL |
                                    1u << ENERGY_SCOPE_PLATFORM | 1u << ENERGY_SCOPE_BATTERY;
    if (machine >> c->scope & 1)
        return true;
    return cpu ? c->scope == ENERGY_SCOPE_CPU_PACKAGE : ipw_streq(c->device, pci);
}

/* Graphics inside a processor: its package holds them. */
static bool is_integrated(const struct meter *m, const char *pci)
{
    for (size_t i = 0; i < m->ch.n; i++)
        if (m->ch.v[i].scope == ENERGY_SCOPE_IGPU && ipw_streq(m->ch.v[i].device, pci))
            return true;
    return false;
}

void meter_computing(struct meter *m, const struct meter_device *dev, size_t n)
{
    char pci[64];
    m->computing_known = true;
    m->n_unmetered = 0;
    for (size_t i = 0; i < m->ch.n; i++) {
        bool computes = !is_gpu(&m->ch.v[i]);
        for (size_t k = 0; k < n && !computes; k++) /* a module is its CPU too */
            computes = ipw_streq(dev[k].key, "cpu") ? m->ch.v[i].scope == ENERGY_SCOPE_MODULE
                                                    : energy_pci_id(dev[k].key, pci, sizeof pci) &&
                                                          ipw_streq(pci, m->ch.v[i].device);
        m->ch.v[i].unused = !computes;
    }
    resolve(m);
    bool any = any_in_total(m);
    for (size_t k = 0; k < n; k++) {
        bool cpu = ipw_streq(dev[k].key, "cpu"), metered = false;
        if (!energy_pci_id(dev[k].key, pci, sizeof pci))
            snprintf(pci, sizeof pci, "%.63s", dev[k].key);
        cpu |= is_integrated(m, pci);
        for (size_t i = 0; i < m->ch.n && !metered; i++)
            metered = m->ch.v[i].in_total && holds(&m->ch.v[i], cpu, pci);
        if (!metered && any && m->n_unmetered < MAX_UNMETERED)
            snprintf(m->unmetered[m->n_unmetered++], sizeof m->unmetered[0], "%s", cpu ? "CPU package" : dev[k].name);
    }
}

bool meter_takes_part(const struct meter *m, size_t i)
{
    return m->computing_known && !m->ch.v[i].unused;
}

size_t meter_unmetered(const struct meter *m, const char **names, size_t cap)
{
    size_t n = m->n_unmetered < cap ? m->n_unmetered : cap;
    for (size_t i = 0; i < n; i++)
        names[i] = m->unmetered[i];
    return n;
}

void meter_learn_period(struct meter *m, size_t i, int64_t period_ns)
{
    m->ch.v[i].period_ns = period_ns;
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
    /* a GPU that was chosen, or that nobody has said to be idle yet; one that sleeps takes next to nothing */
    bool word = is_gpu(c) && !m->computing_known && m->chosen && !ipw_streq(c->remedy.id, "E_AMD_SUSPENDED");
    if (c->unused || (c->status != ENERGY_CHANNEL_DENIED && c->status != ENERGY_CHANNEL_ERROR))
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
    if (ipw_streq(source, "measured") && (m->n_unmetered || !computing)) /* memory alone computes nothing */
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

/* Denied can be helped at once, an error perhaps, absence least; what adds nothing to the total does not help. */
const struct energy_remedy *meter_remedy(const struct meter *m)
{
    static const enum energy_channel_status order[] = {
        ENERGY_CHANNEL_DENIED, ENERGY_CHANNEL_ERROR, ENERGY_CHANNEL_ABSENT};
    for (size_t k = 0; k < 3; k++)
        for (size_t i = 0; i < m->ch.n; i++)
            if (m->ch.v[i].status == order[k] && m->ch.v[i].remedy.id && !read_elsewhere(m, &m->ch.v[i]) &&
                energy_scope_adds(m->ch.v[i].scope))
                return &m->ch.v[i].remedy;
    return NULL;
}
