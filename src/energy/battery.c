/* Batteries through /sys/class/power_supply (telemetry 3.9): the whole laptop, screen included, and only while it runs
 * on them. A gauge chip says what is left, so its number falls; raw must rise, so raw = TOP - what is left. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "energy/collector.h"
#include "energy/sysfs.h"

#define FOLDER "/sys/class/power_supply"
/* More uWh or uAh than any battery holds; small enough to be exact in a double. */
#define TOP (INT64_C(1) << 40)

enum what { LEFT, POWER, PRODUCT };

/* The ways a battery tells its energy and its power; of each the first that is there is taken. */
static const struct way {
    enum what what;
    const char *suffix, *file, *second;
    double unit_nj; /* of charge: times the voltage when opened, V */
    bool charge;
} ways[] = {
    {LEFT, "energy", "energy_now", NULL, 3.6e6, false},            /* uWh */
    {LEFT, "energy", "charge_now", NULL, 3.6e6, true},             /* uAh */
    {POWER, "power", "power_now", NULL, 1000, false},              /* uW */
    {PRODUCT, "power", "current_now", "voltage_now", 1000, false}, /* uA x uV = 1e-6 uW */
};

struct source {
    struct sysfs_file file[2];
    enum what what;
};

struct energy_collector {
    struct sysfs_file *status; /* one per battery */
    size_t n_status, cap_status;
    struct source *v; /* one per row */
    size_t n, cap;
};

/* ---- reading ---- */

/* 0 while the machine runs on its batteries: one of them discharges (others may rest), none charges. Else nothing that
 * they say is what the machine uses. */
static int check_discharging(struct energy_collector *c, const struct ipw_env *env)
{
    bool any = false;
    for (size_t i = 0; i < c->n_status; i++) {
        char text[32];
        ssize_t n = sysfs_file_read(&c->status[i], env, text, sizeof text - 1);
        if (n < 0)
            return (int)n;
        text[n] = '\0';
        if (ipw_starts(text, "Charging"))
            return -EBUSY;
        any |= ipw_starts(text, "Discharging");
    }
    return any ? 0 : -EBUSY;
}

static int read_source(struct source *s, const struct ipw_env *env, uint64_t *raw)
{
    int64_t v, second = 0, uw;
    int rc = sysfs_file_i64(&s->file[0], env, &v);
    if (!rc && s->what == PRODUCT)
        rc = sysfs_file_i64(&s->file[1], env, &second);
    if (rc)
        return rc;
    if (s->what == LEFT) {
        if (v < 0 || v > TOP)
            return -ERANGE;
        *raw = (uint64_t)(TOP - v);
        return 0;
    }
    if (s->what == POWER)
        uw = v;
    else if (__builtin_mul_overflow(v, second, &uw))
        return -ERANGE;
    else
        uw /= 1000000;
    if (uw == INT64_MIN)
        return -ERANGE;
    *raw = (uint64_t)(uw < 0 ? -uw : uw); /* some drivers give what flows out as negative */
    return 0;
}

static int battery_read(struct energy_collector *c, const struct ipw_env *env, size_t local, uint64_t *raw)
{
    int rc = check_discharging(c, env);
    return rc ? rc : read_source(&c->v[local], env, raw);
}

static void mend_file(struct sysfs_file *f, const struct ipw_env *env)
{
    if (sysfs_file_gone(f)) /* BAT0 is BAT0: these names are the firmware's */
        sysfs_file_reopen(f, env);
}

static void battery_mend(struct energy_collector *c, const struct ipw_env *env)
{
    for (size_t i = 0; i < c->n_status; i++)
        mend_file(&c->status[i], env);
    for (size_t i = 0; i < c->n; i++) {
        mend_file(&c->v[i].file[0], env);
        mend_file(&c->v[i].file[1], env);
    }
}

/* ---- opening ---- */

static void close_source(struct source *s, const struct ipw_env *env)
{
    sysfs_file_close(&s->file[0], env);
    sysfs_file_close(&s->file[1], env);
}

static int open_source(struct source *s, const struct ipw_env *env)
{
    uint64_t raw;
    int rc = 0;
    for (int k = 0; k < 2 && !rc && *s->file[k].path; k++)
        rc = sysfs_file_open(&s->file[k], env);
    rc = rc ? rc : read_source(s, env, &raw);
    if (rc)
        close_source(s, env);
    return rc;
}

static void set_plugged(struct energy_channel *row, const char *why)
{
    row->status = ENERGY_CHANNEL_ERROR;
    energy_remedy_set(&row->remedy, "E_BATT_PLUGGED",
                      "battery metering needs the charger unplugged (%.100s), so the battery is left out. Unplug it, wait for "
             "'Discharging' in " FOLDER "/%.40s/status, and let a run take 10 minutes or more",
             why, row->device);
}

static void set_unreadable(struct energy_channel *row, const struct source *s, int rc)
{
    row->status = rc == -EACCES || rc == -EPERM ? ENERGY_CHANNEL_DENIED : ENERGY_CHANNEL_ERROR;
    energy_remedy_set(&row->remedy, "E_HWMON_READ",
                      "'%s' gives no number (%s), so the battery is left out; look for it in dmesg", s->file[0].path,
             strerror(-rc));
}

struct opening {
    const struct ipw_env *env;
    struct energy_channels *list;
    struct energy_collector c;
    char plugged[128]; /* why it does not run on batteries; "": it does */
};

static void add_way(struct opening *o, const char *battery, const struct way *w)
{
    struct source s = {.what = w->what};
    int64_t uv = sysfs_number(o->env, 0, FOLDER "/%s/voltage_now", battery);
    struct energy_channel *row = energy_channels_add(o->list);
    sysfs_file_init(&s.file[0], FOLDER "/%s/%s", battery, w->file);
    sysfs_file_init(&s.file[1], w->second ? FOLDER "/%s/%s" : "%.0s", battery, w->second);
    snprintf(row->id, sizeof row->id, "battery:%s:%s", battery, w->suffix);
    sysfs_word(row->id);
    snprintf(row->device, sizeof row->device, "%s", battery);
    row->scope = ENERGY_SCOPE_BATTERY;
    row->kind = w->what == LEFT ? ENERGY_KIND_COUNTER : ENERGY_KIND_POWER_INST;
    row->unit_nj = w->charge ? w->unit_nj * 1e-6 * (double)uv : w->unit_nj;
    row->quantum_nj = w->what == LEFT ? INT64_C(36000000000) : 0; /* 10 mWh: what most gauges step by */
    row->gain_u = w->charge ? 0.10 : 0.05;                        /* the voltage sinks as it empties and under load */
    int rc = 0;
    if (*o->plugged)
        set_plugged(row, o->plugged);
    else if (w->charge && uv <= 0)
        set_unreadable(row, &s, -ENODATA);
    else if ((rc = open_source(&s, o->env)))
        set_unreadable(row, &s, rc);
    IPW_GROW(o->c.v, o->c.n, o->c.cap);
    o->c.v[o->c.n++] = s;
}

static bool is_there(const struct ipw_env *env, const char *battery, const char *file)
{
    char text[32];
    return !file || sysfs_text(env, text, sizeof text, FOLDER "/%s/%s", battery, file) != -ENOENT;
}

static void add_battery(struct opening *o, const char *battery)
{
    const char *done = "";
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
        if (!ipw_streq(done, ways[i].suffix) && !(*done && *o->plugged) && is_there(o->env, battery, ways[i].file) &&
            is_there(o->env, battery, ways[i].second)) {
            add_way(o, battery, &ways[i]);
            done = ways[i].suffix;
        }
}

/* Of the machine, not of a mouse. */
static bool is_battery(const struct ipw_env *env, const char *name)
{
    char type[32], scope[32];
    sysfs_text(env, type, sizeof type, FOLDER "/%s/type", name);
    sysfs_text(env, scope, sizeof scope, FOLDER "/%s/scope", name);
    return ipw_streq(type, "Battery") && !ipw_streq(scope, "Device") &&
           sysfs_number(env, 1, FOLDER "/%s/present", name) != 0;
}

static void find_charger(struct opening *o, const char *name)
{
    char text[32];
    sysfs_text(o->env, text, sizeof text, FOLDER "/%s/type", name);
    bool mains = ipw_streq(text, "Mains") || ipw_starts(text, "USB") || ipw_streq(text, "Wireless");
    if (mains && sysfs_number(o->env, 0, FOLDER "/%s/online", name) > 0)
        snprintf(o->plugged, sizeof o->plugged, "'%.60s' is online", name);
}

static void open_status(struct opening *o, const char *name)
{
    struct sysfs_file f;
    if (!sysfs_file_init(&f, FOLDER "/%s/status", name) || sysfs_file_open(&f, o->env))
        return;
    IPW_GROW(o->c.status, o->c.n_status, o->c.cap_status);
    o->c.status[o->c.n_status++] = f;
}

static void battery_close(struct energy_collector *c, const struct ipw_env *env)
{
    for (size_t i = 0; i < c->n_status; i++)
        sysfs_file_close(&c->status[i], env);
    for (size_t i = 0; i < c->n; i++)
        close_source(&c->v[i], env);
    free(c->status);
    free(c->v);
    free(c);
}

static void battery_open(struct energy_collector **out, const struct ipw_env *env, struct energy_channels *list)
{
    struct opening o = {.env = env, .list = list};
    struct sysfs_names names;
    sysfs_list(env, FOLDER, "", &names);
    for (size_t i = 0; i < names.n; i++) {
        find_charger(&o, names.v[i]);
        if (is_battery(env, names.v[i]))
            open_status(&o, names.v[i]);
    }
    if (!*o.plugged && check_discharging(&o.c, env))
        snprintf(o.plugged, sizeof o.plugged, "no battery is discharging");
    for (size_t i = 0; i < names.n; i++)
        if (is_battery(env, names.v[i]))
            add_battery(&o, names.v[i]);
    sysfs_names_release(&names);
    *out = ipw_malloc(sizeof **out);
    **out = o.c;
    if (o.c.n && !*o.plugged)
        return;
    battery_close(*out, env);
    *out = NULL;
}

extern const struct energy_collector_ops energy_battery;
const struct energy_collector_ops energy_battery = {
    .name = "battery",
    .what = "laptop batteries: the whole machine, while it is unplugged",
    .verified = "fixture",
    .open = battery_open,
    .read = battery_read,
    .mend = battery_mend,
    .close = battery_close,
};
