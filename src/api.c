/* libipw: include/ipw.h over a meter and a session. Beside src/cli the only place that reads the environment. */
#include "ipw.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "energy/session.h"

struct ipw_meter {
    pid_t pid; /* that opened it */
    struct ipw_env env;
    char *roots[5];
    struct meter *meter;
    struct energy_session *session;
    _Atomic int windows;
};

struct ipw_window {
    ipw_meter *meter;
    struct energy_window *window;
    char *name;
};

static bool forked(const ipw_meter *m)
{
    return m->pid != getpid();
}

int ipw_abi_version(void)
{
    return IPW_ABI_VERSION;
}

const char *ipw_error_text(int code)
{
    static const char *const texts[] = {
        "success", "no such thing: check the arguments",
        "nothing to measure with, or no permission: see the text of ipw_meter_open",
        "not now: end the window first, or free the meter's windows first",
        "the meter belongs to the parent process: open another one after fork"};
    return code >= 0 && code <= IPW_ERROR_FORKED ? texts[code] : "unknown error code";
}

/* ---- the meter ---- */

static char *setting(const char *name)
{
    const char *s = secure_getenv(name);
    return ipw_strdup(s ? s : "");
}

static const char *given(const char *s)
{
    return *s ? s : NULL;
}

static void read_environment(ipw_meter *m)
{
    static const char *const names[] = {"IPW_SYSFS_ROOT", "IPW_PROC_ROOT", "IPW_DEV_ROOT", "IPW_NVML_LIB",
                                        "IPW_IOREPORT_LIB"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        m->roots[i] = setting(names[i]); /* copies: the program may change its environment */
    m->env = ipw_env_host;
    m->env.sys_root = m->roots[0];
    m->env.proc_root = m->roots[1];
    m->env.dev_root = m->roots[2];
    m->env.at.nvml = given(m->roots[3]);
    m->env.at.ioreport = given(m->roots[4]);
}

static void release(ipw_meter *m)
{
    energy_session_close(m->session);
    meter_close(m->meter);
    for (size_t i = 0; i < sizeof m->roots / sizeof m->roots[0]; i++)
        free(m->roots[i]);
    free(m);
}

static int open_meter(ipw_meter *m, const struct ipw_meter_options *o, struct ipw_err *err)
{
    struct meter_cfg cfg = {.mode = METER_AUTO};
    if (o && o->size < sizeof *o)
        return ipw_err_set(err, IPW_E_INPUT, "options: 'size' is %zu; set it to sizeof(struct ipw_meter_options)", o->size);
    if (o) {
        int mode = o->energy ? meter_mode_of(o->energy) : METER_AUTO;
        if (mode < 0 || mode == METER_NONE)
            return ipw_err_set(err, IPW_E_INPUT, "unknown mode '%s'; use auto, measured or estimated", o->energy);
        cfg = (struct meter_cfg){.mode = (enum meter_mode)mode, .devices = o->devices, .include = o->include};
    }
    int rc = meter_open(&m->meter, &m->env, &cfg, err);
    if (!rc && !strcmp(meter_source(m->meter), "none")) {
        const struct energy_remedy *r = meter_remedy(m->meter);
        return ipw_err_set(err, IPW_E_ENV, "nothing to measure with here; %.*s", r ? energy_remedy_sentence(r) : 40,
                           r ? r->text : "ipw doctor energy tells more");
    }
    return rc ? rc : energy_session_open(&m->session, &m->env, m->meter, NULL, NULL, err);
}

int ipw_meter_open(ipw_meter **meter, const struct ipw_meter_options *options, char *error, size_t error_size)
{
    struct ipw_err err = {0};
    if (error && error_size)
        *error = '\0';
    if (!meter)
        return IPW_ERROR_ARGUMENT;
    *meter = NULL;
    ipw_meter *m = ipw_calloc(1, sizeof *m);
    m->pid = getpid();
    read_environment(m);
    int rc = open_meter(m, options, &err);
    if (!rc) {
        *meter = m;
        return IPW_SUCCESS;
    }
    release(m);
    if (error && error_size)
        snprintf(error, error_size, "%s", err.text);
    return rc == IPW_E_INPUT ? IPW_ERROR_ARGUMENT : IPW_ERROR_ENVIRONMENT;
}

int ipw_meter_close(ipw_meter *m)
{
    if (!m)
        return IPW_SUCCESS;
    if (forked(m))
        return IPW_ERROR_FORKED;
    if (atomic_load(&m->windows))
        return IPW_ERROR_STATE;
    release(m);
    return IPW_SUCCESS;
}

const char *ipw_meter_source(const ipw_meter *m)
{
    return m && !forked(m) ? meter_source(m->meter) : NULL;
}

const char *ipw_meter_signature(const ipw_meter *m)
{
    return m && !forked(m) ? meter_signature(m->meter) : NULL;
}

size_t ipw_meter_channel_count(const ipw_meter *m)
{
    size_t n = 0;
    if (m && !forked(m))
        meter_channels(m->meter, &n);
    return n;
}

int ipw_meter_channel(const ipw_meter *m, size_t i, struct ipw_channel *out)
{
    size_t n;
    if (!m || !out)
        return IPW_ERROR_ARGUMENT;
    if (forked(m))
        return IPW_ERROR_FORKED;
    const struct energy_channel *c = meter_channels(m->meter, &n);
    if (i >= n)
        return IPW_ERROR_ARGUMENT;
    *out = (struct ipw_channel){.id = c[i].id,
                                .device = c[i].device,
                                .scope = energy_scope_name(c[i].scope),
                                .kind = energy_kind_name(c[i].kind),
                                .status = energy_channel_status_name(c[i].status),
                                .why = c[i].why,
                                .remedy = c[i].remedy.id ? c[i].remedy.text : NULL,
                                .in_total = c[i].in_total,
                                .in_system = c[i].in_system,
                                .estimated = c[i].estimated};
    return IPW_SUCCESS;
}

/* ---- windows ---- */

int ipw_window_begin(ipw_meter *m, const char *name, ipw_window **window)
{
    if (!m || !window)
        return IPW_ERROR_ARGUMENT;
    *window = NULL;
    if (forked(m))
        return IPW_ERROR_FORKED;
    ipw_window *w = ipw_calloc(1, sizeof *w);
    w->meter = m;
    w->name = ipw_strdup(name ? name : "");
    atomic_fetch_add(&m->windows, 1);
    w->window = energy_window_begin(m->session);
    *window = w;
    return IPW_SUCCESS;
}

int ipw_window_end(ipw_window *w)
{
    if (!w)
        return IPW_ERROR_ARGUMENT;
    if (forked(w->meter))
        return IPW_ERROR_FORKED;
    energy_window_end(w->window);
    return IPW_SUCCESS;
}

int ipw_window_ready(ipw_window *w)
{
    return w && !forked(w->meter) && energy_window_ready(w->window);
}

const char *ipw_window_name(const ipw_window *w)
{
    return w && !forked(w->meter) ? w->name : NULL;
}

void ipw_window_free(ipw_window *w)
{
    if (!w || forked(w->meter))
        return;
    energy_window_free(w->window);
    atomic_fetch_sub(&w->meter->windows, 1);
    free(w->name);
    free(w);
}

static void tell(struct ipw_energy *out, const struct energy_result *r, const struct energy_value *v, double gain_u)
{
    bool known = energy_value_known(v);
    out->joules = known ? (double)v->nj * 1e-9 : (double)NAN;
    out->seconds = r->seconds;
    out->watts = r->seconds > 0 ? out->joules / r->seconds : (double)NAN;
    out->uncertainty_j = known && v->u_nj >= 0 ? (double)v->u_nj * 1e-9 : (double)NAN;
    out->gain_u = known ? gain_u : (double)NAN;
    out->status = energy_status_name((int)v->status);
    out->reason = v->reason;
}

static int result_of(ipw_window *w, const struct ipw_energy *out, const struct energy_result **r)
{
    if (!w || !out)
        return IPW_ERROR_ARGUMENT;
    if (forked(w->meter))
        return IPW_ERROR_FORKED;
    *r = energy_window_result(w->window);
    return *r ? IPW_SUCCESS : IPW_ERROR_STATE;
}

int ipw_window_energy(ipw_window *w, enum ipw_total total, struct ipw_energy *out)
{
    static const enum energy_total totals[] = {ENERGY_TOTAL_COMPONENT, ENERGY_TOTAL_ACCEL, ENERGY_TOTAL_SYSTEM};
    const struct energy_result *r;
    if ((unsigned)total > IPW_TOTAL_SYSTEM)
        return IPW_ERROR_ARGUMENT;
    int rc = result_of(w, out, &r);
    if (!rc)
        tell(out, r, &r->total[totals[total]], r->gain_u[totals[total]]);
    return rc;
}

int ipw_window_channel_energy(ipw_window *w, size_t i, struct ipw_energy *out)
{
    const struct energy_result *r;
    size_t n;
    int rc = result_of(w, out, &r);
    if (rc)
        return rc;
    const struct energy_channel *c = meter_channels(w->meter->meter, &n);
    if (i >= n)
        return IPW_ERROR_ARGUMENT;
    tell(out, r, &r->channel[i], c[i].gain_u > 0 ? c[i].gain_u : (double)NAN);
    return IPW_SUCCESS;
}
