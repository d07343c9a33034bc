/* Every chip of /sys/class/hwmon that measures energy or power, and the ina3221 of NVIDIA's older kernels: what its
 * sensors are is said by the table in hwmon_chips.c. Rules: telemetry 3.3, 3.5 to 3.7, 3.10, 3.11. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "energy/hwmon.h"
#include "energy/hwmon_id.h"
#include "energy/sysfs.h"

enum { OFFSET_UW = 500000 };

#define IIO "/sys/bus/i2c/drivers/ina3221x"

struct sensor {
    enum hwmon_attr attr;
    int n, curr; /* N of the voltage or of the only file, N of the current */
    char label[48];
};

struct source {
    struct sysfs_file file[2]; /* the second of a product */
    struct hwmon_chip chip;
    char label[48]; /* as the sensor had it, "" none */
    char attr[24];  /* "power1_average" */
};

struct energy_collector {
    size_t n;
    struct source *v; /* one per row */
};

struct opening {
    const struct ipw_env *env;
    struct energy_channels *list;
    size_t first; /* our first row */
    struct source *v;
    size_t n, cap;
    struct hwmon_chip *chips;
    size_t n_chips, cap_chips;
};

/* ---- reading ---- */

static int read_source(struct source *s, const struct ipw_env *env, uint64_t *raw)
{
    int64_t mv, ma, uw;
    if (!*s->file[1].path)
        return sysfs_file_u64(&s->file[0], env, raw);
    int rc = sysfs_file_i64(&s->file[0], env, &mv);
    rc = rc ? rc : sysfs_file_i64(&s->file[1], env, &ma);
    if (rc)
        return rc;
    /* A shunt's offset makes an idle rail look a little negative; more than that flows back, and is no power used. */
    if (__builtin_mul_overflow(mv, ma, &uw) || uw < -OFFSET_UW)
        return -ERANGE;
    *raw = uw < 0 ? 0 : (uint64_t)uw;
    return 0;
}

static int hwmon_read(struct energy_collector *c, const struct ipw_env *env, size_t local, uint64_t *raw)
{
    return read_source(&c->v[local], env, raw);
}

static void hwmon_mend(struct energy_collector *c, const struct ipw_env *env)
{
    for (size_t i = 0; i < c->n; i++)
        for (int k = 0; k < 2; k++)
            if (sysfs_file_gone(&c->v[i].file[k]) && hwmon_chip_is_same(&c->v[i].chip, env))
                sysfs_file_reopen(&c->v[i].file[k], env);
}

/* ---- what a channel's device is called ---- */

static int64_t number_at_end(const char *label)
{
    int64_t n;
    size_t at = strlen(label);
    while (at && ipw_isdigit((unsigned char)label[at - 1]))
        at--;
    return ipw_parse_i64(label + at, &n) ? n : 0;
}

static void set_device(const struct opening *o, struct energy_channel *row, const struct hwmon_rule *rule,
                       const struct hwmon_chip *c, const struct sensor *s)
{
    snprintf(row->name, sizeof row->name, "%s", *s->label ? s->label : c->name);
    switch (rule->device) {
    case HWMON_BY_LABEL:
        snprintf(row->device, sizeof row->device, "%s", *s->label ? s->label : c->name);
        return;
    case HWMON_BY_WORD:
        snprintf(row->device, sizeof row->device, "%s", rule->word);
        return;
    case HWMON_BY_NUMBER:
        snprintf(row->device, sizeof row->device, "%s-%lld", rule->word, (long long)number_at_end(s->label));
        return;
    case HWMON_BY_NODE:
        snprintf(row->device, sizeof row->device, "%s-%lld", rule->word,
                 (long long)hwmon_chip_package(c, o->env, number_at_end(s->label)));
        return;
    case HWMON_BY_CHIP:
        snprintf(row->device, sizeof row->device, "%s-%d", rule->word, c->nth);
        return;
    case HWMON_BY_PCI:
    case HWMON_BY_SOCKET:
        snprintf(row->device, sizeof row->device, "%s", c->name);
        if (c->is_gpu)
            gpu_sysfs_fill(row, &c->gpu);
        if (rule->device == HWMON_BY_SOCKET && hwmon_chip_is_apu(c, o->env)) {
            row->scope = ENERGY_SCOPE_CPU_PACKAGE; /* the package's energy, by another way */
            snprintf(row->device, sizeof row->device, "package-0");
        }
        return;
    }
}

/* ---- rows ---- */

static void set_unreadable(struct energy_channel *row, const struct source *s, int rc)
{
    bool denied = rc == -EACCES || rc == -EPERM;
    row->status = denied ? ENERGY_CHANNEL_DENIED : ENERGY_CHANNEL_ERROR;
    row->remedy.id = denied ? "E_HWMON_EACCES" : "E_HWMON_READ";
    if (denied)
        snprintf(
            row->remedy.text, sizeof row->remedy.text,
            "'%s' is not readable by this user, so its energy is left out (amd_energy counters are group-readable, "
            "0440).\nFor this boot:\n    sudo chgrp \"$(id -gn)\" %s && sudo chmod g+r %s",
            s->file[0].path, s->file[0].path, s->file[0].path);
    else
        snprintf(
            row->remedy.text, sizeof row->remedy.text,
            "'%s' gives no number (%s), so its energy is left out; look for %s in dmesg, and at '%s/power1_enable' "
            "where there is one",
            s->file[0].path, strerror(-rc), s->chip.name, s->chip.folder);
}

static int open_source(struct source *s, const struct ipw_env *env)
{
    uint64_t raw;
    int rc = 0;
    for (int k = 0; k < 2 && !rc && *s->file[k].path; k++)
        rc = sysfs_file_open(&s->file[k], env);
    rc = rc ? rc : read_source(s, env, &raw);
    if (rc)
        for (int k = 0; k < 2; k++)
            sysfs_file_close(&s->file[k], env);
    return rc;
}

static const struct kind {
    enum hwmon_attr attr;
    enum energy_kind kind;
    double unit_nj;
    const char *file, *second; /* by the number */
} kinds[] = {
    {HWMON_ENERGY, ENERGY_KIND_COUNTER, 1000, "energy%d_input", NULL},
    {HWMON_POWER, ENERGY_KIND_POWER_INST, 1000, "power%d_input", NULL},
    {HWMON_AVERAGE, ENERGY_KIND_POWER_AVG, 1000, "power%d_average", NULL},
    {HWMON_PRODUCT, ENERGY_KIND_POWER_INST, 1000, "in%d_input", "curr%d_input"},
    {HWMON_IIO, ENERGY_KIND_POWER_INST, 1000000, "in_power%d_input", NULL},
};

static const struct kind *kind_of(enum hwmon_attr attr)
{
    const struct kind *k = kinds;
    while (k->attr != attr)
        k++;
    return k;
}

/* The largest power that the card allows, W; 0 unknown. */
static double limit_w(const struct ipw_env *env, const struct hwmon_chip *c, int n)
{
    static const char *const files[] = {"cap", "max", "rated_max", "crit"};
    int64_t most = 0;
    for (size_t i = 0; c->is_gpu && i < sizeof files / sizeof files[0]; i++) {
        int64_t uw = sysfs_number(env, 0, "%s/power%d_%s", c->folder, n, files[i]);
        most = uw > most ? uw : most;
    }
    return 1e-6 * (double)most;
}

static void set_times(struct energy_channel *row, const struct ipw_env *env, const struct hwmon_rule *rule,
                      const struct hwmon_chip *c, const struct sensor *s)
{
    const int64_t ms = 1000000, day = 86400000;
    int64_t interval = sysfs_number(env, 0, "%s/power%d_average_interval", c->folder, s->n);
    int64_t update = sysfs_number(env, 0, "%s/update_interval", c->folder);
    row->period_ns = rule->period_ns;
    if (row->kind == ENERGY_KIND_POWER_AVG)
        row->window_ns = interval > 0 && interval < day ? interval * ms : rule->window_ns;
    else if (!row->period_ns && update > 0 && update < day)
        row->period_ns = update * ms;
}

static void fill_row(struct opening *o, struct energy_channel *row, const struct hwmon_rule *rule,
                     const struct source *src, const struct sensor *s)
{
    const struct hwmon_chip *c = &src->chip;
    snprintf(row->id, sizeof row->id, "hwmon:%.31s%s%.20s/%.36s", c->name, c->is_gpu ? "@" : "",
             c->is_gpu ? c->key : "", *s->label ? s->label : src->attr);
    sysfs_word(row->id);
    row->scope = rule->scope;
    row->kind = kind_of(s->attr)->kind;
    row->unit_nj = kind_of(s->attr)->unit_nj;
    row->quantum_nj = row->kind == ENERGY_KIND_COUNTER ? 1000 : 0;
    int64_t percent = sysfs_number(o->env, 0, "%s/power%d_accuracy", c->folder, s->n);
    row->gain_u = percent > 0 && percent < 100 ? 0.01 * (double)percent : rule->gain_u;
    row->pmax_w = c->is_gpu && c->gpu.asleep ? 0 : 2 * limit_w(o->env, c, s->n);
    set_times(row, o->env, rule, c, s);
    set_device(o, row, rule, c, s);
    if (rule->flags & HWMON_LATE) {
        energy_remedy_set(&row->remedy, "E_INTELGPU_LATE",
                          "the kernel follows this 32-bit register only while somebody reads it: what it shows first after "
                 "minutes of silence is too low. ipw reads it from the start of a run to its end, so only joules that "
                 "you work out by hand from two reads are at risk");
    }
}

static bool add_sensor(struct opening *o, const struct hwmon_chip *c, const struct sensor *s)
{
    const struct hwmon_rule *rule = hwmon_rule_find(c->name, s->attr, s->n, s->label);
    const struct kind *k = kind_of(s->attr);
    struct source src = {.chip = *c};
    char second[24] = "";
    if (rule->flags & HWMON_SKIP)
        return false;
    snprintf(src.attr, sizeof src.attr, k->file, s->n);
    snprintf(src.label, sizeof src.label, "%s", s->label);
    if (!sysfs_file_init(&src.file[0], "%s/%s", c->folder, src.attr))
        return false;
    sysfs_file_init(&src.file[1], "%s", "");
    if (k->second) {
        snprintf(second, sizeof second, k->second, s->curr);
        if (!sysfs_file_init(&src.file[1], "%s/%s", c->folder, second))
            return false;
    }
    struct energy_channel *row = energy_channels_add(o->list);
    fill_row(o, row, rule, &src, s);
    int rc = c->is_gpu && c->gpu.asleep ? 0 : open_source(&src, o->env);
    if (c->is_gpu && c->gpu.asleep)
        gpu_sysfs_set_asleep(row, &c->gpu);
    else if (rc)
        set_unreadable(row, &src, rc);
    IPW_GROW(o->v, o->n, o->cap);
    o->v[o->n++] = src;
    return true;
}

/* ---- sensors of a chip ---- */

static void read_label(struct sensor *s, const struct ipw_env *env, const char *folder, const char *file)
{
    static const char *const nothing[] = {"", "(null)"};
    sysfs_text(env, s->label, sizeof s->label, "%s/%s", folder, file);
    for (size_t i = 0; i < 2; i++)
        if (ipw_streq(s->label, nothing[i]))
            s->label[0] = '\0';
}

static bool is_number(const struct ipw_env *env, const char *folder, int n)
{
    return sysfs_number(env, 0, "%s/energy%d_input", folder, n) > 0;
}

/* energyN_input, powerN_input, powerN_average. */
static size_t add_plain(struct opening *o, const struct hwmon_chip *c)
{
    struct sysfs_names names;
    char file[32], want[64];
    size_t added = 0;
    for (size_t k = 0; k < 3; k++) {
        sysfs_list(o->env, c->folder, kinds[k].attr == HWMON_ENERGY ? "energy" : "power", &names);
        for (size_t i = 0; i < names.n; i++) {
            struct sensor s = {.attr = kinds[k].attr};
            size_t at = strcspn(names.v[i], "0123456789");
            s.n = (int)strtol(names.v[i] + at, NULL, 10);
            snprintf(want, sizeof want, kinds[k].file, s.n);
            if (s.n < 0 || s.n > 1000 || !ipw_streq(want, names.v[i]) ||
                sysfs_number(o->env, 0, "%s/power%d_is_battery", c->folder, s.n) == 1)
                continue;
            snprintf(file, sizeof file, "%.*s%d_label", (int)at, names.v[i], s.n);
            read_label(&s, o->env, c->folder, file);
            if (!*s.label && kinds[k].attr != HWMON_ENERGY) {
                snprintf(file, sizeof file, "power%d_oem_info", s.n);
                read_label(&s, o->env, c->folder, file);
            }
            if (!*s.label && ipw_streq(c->name, "ina238"))
                snprintf(s.label, sizeof s.label, "VIN"); /* as NVIDIA's tools call it; others see a rail */
            bool zero = hwmon_rule_find(c->name, s.attr, s.n, s.label)->flags & HWMON_NONZERO && !c->gpu.asleep &&
                        !is_number(o->env, c->folder, s.n) && is_number(o->env, c->folder, s.n + 1);
            added += !zero && add_sensor(o, c, &s);
        }
        sysfs_names_release(&names);
    }
    return added;
}

static void add_products(struct opening *o, const struct hwmon_chip *c)
{
    const struct hwmon_pair *p;
    for (size_t k = 0; (p = hwmon_pair_find(c->name, k)); k++) {
        struct sensor s = {.attr = HWMON_PRODUCT, .n = p->in, .curr = p->curr};
        char file[32], text[32];
        snprintf(file, sizeof file, "in%d_label", p->in);
        read_label(&s, o->env, c->folder, file);
        if (!ipw_streq(s.label, "NC") && /* not connected */
            sysfs_text(o->env, text, sizeof text, "%s/curr%d_input", c->folder, p->curr) != -ENOENT)
            add_sensor(o, c, &s);
    }
}

static void keep_chip(struct opening *o, struct hwmon_chip *c)
{
    for (size_t i = 0; i < o->n_chips; i++)
        c->nth += ipw_streq(o->chips[i].name, c->name);
    IPW_GROW(o->chips, o->n_chips, o->cap_chips);
    o->chips[o->n_chips++] = *c;
}

static void add_chips(struct opening *o)
{
    struct sysfs_names names;
    struct hwmon_chip c;
    sysfs_list(o->env, "/sys/class/hwmon", "hwmon", &names);
    for (size_t i = 0; i < names.n; i++) {
        if (!hwmon_chip_read(&c, o->env, names.v[i]) || (c.is_gpu && c.gpu.second_die))
            continue;
        keep_chip(o, &c);
        if (!add_plain(o, &c))
            add_products(o, &c);
    }
    sysfs_names_release(&names);
}

/* NVIDIA's kernels before JetPack 5: ina3221x/1-0040/iio:device0/{rail_name_0, in_power0_input, ...}. */
static void add_iio(struct opening *o)
{
    struct sysfs_names chips, folders;
    char at[128];
    sysfs_list(o->env, IIO, "", &chips);
    for (size_t i = 0; i < chips.n; i++) {
        snprintf(at, sizeof at, IIO "/%.40s", chips.v[i]);
        sysfs_list(o->env, at, "iio:device", &folders);
        for (size_t k = 0; k < folders.n; k++) {
            struct hwmon_chip c = {.name = "ina3221x"};
            snprintf(c.folder, sizeof c.folder, "%.80s/%.40s", at, folders.v[k]);
            snprintf(c.key, sizeof c.key, "%.40s", chips.v[i]);
            for (int n = 0; n < 3; n++) {
                struct sensor s = {.attr = HWMON_IIO, .n = n};
                char file[32];
                snprintf(file, sizeof file, "rail_name_%d", n);
                read_label(&s, o->env, c.folder, file);
                if (*s.label && !ipw_streq(s.label, "NC"))
                    add_sensor(o, &c, &s);
            }
        }
        sysfs_names_release(&folders);
    }
    sysfs_names_release(&chips);
}

/* ---- the total of a Jetson ---- */

/* The device tree says so; where a container hides it, labels are all there is. */
static bool is_jetson(const struct ipw_env *env)
{
    char text[512];
    int n = ipw_env_read(env, "/proc/device-tree/compatible", text, sizeof text);
    bool tegra = false;
    for (int i = 0; i < n; i += (int)strlen(text + i) + 1) /* texts with a NUL after each */
        tegra |= ipw_starts(text + i, "nvidia,tegra");
    return tegra;
}

static void add_no_total(struct opening *o, bool rails)
{
    struct energy_channel *row = energy_channels_add(o->list);
    snprintf(row->id, sizeof row->id, "hwmon:jetson");
    snprintf(row->device, sizeof row->device, "module");
    row->scope = ENERGY_SCOPE_SOC_IN;
    row->kind = ENERGY_KIND_POWER_INST;
    row->unit_nj = 1000;
    row->status = ENERGY_CHANNEL_ABSENT;
    energy_remedy_set(&row->remedy, "E_JETSON_NOTOTAL",
                      "this is a Jetson, but %s, so there is no total. %s",
             rails ? "its power rails have names that ipw does not know" : "its power monitor (ina3221) is not there",
             rails ? "Add the rails that do not overlap: ipw sensors lists them, --include takes their ids"
                   : "In a container, mount /sys read-only.\nLoad its driver:\n    sudo modprobe ina3221");
    IPW_GROW(o->v, o->n, o->cap);
    o->v[o->n++] = (struct source){.file = {{.live = LIVE_FD_INIT}, {.live = LIVE_FD_INIT}}};
}

static void find_jetson_total(struct opening *o)
{
    bool jetson = is_jetson(o->env), rails = false;
    const char **labels = ipw_calloc(o->n + 1, sizeof *labels);
    bool *marks = ipw_calloc(o->n + 1, sizeof *marks);
    for (size_t i = 0; i < o->n; i++) {
        const struct hwmon_chip *c = &o->v[i].chip;
        bool is_rail = hwmon_fits("ina3221*", c->name) || ipw_streq(c->name, "ina238");
        labels[i] = is_rail ? o->v[i].label : "";
        rails |= is_rail;
    }
    if (jetson && hwmon_jetson_total(labels, o->n, marks)) {
        for (size_t i = 0; i < o->n; i++)
            if (marks[i])
                o->list->v[o->first + i].scope = ENERGY_SCOPE_SOC_IN;
    } else if (jetson) {
        add_no_total(o, rails);
    }
    free(labels);
    free(marks);
}

/* ---- ids ---- */

/* Appends to each id that another row has too what tells them apart: the file, the address of the chip, a number. */
static void make_unique(struct opening *o)
{
    struct energy_channel *row = o->list->v + o->first;
    bool *twice = ipw_calloc(o->n + 1, sizeof *twice);
    for (int pass = 0; pass < 3; pass++) {
        for (size_t i = 0; i < o->n; i++)
            for (size_t k = twice[i] = 0; k < o->n && !twice[i]; k++)
                twice[i] = k != i && ipw_streq(row[i].id, row[k].id) &&
                           (pass || ipw_streq(o->v[i].chip.folder, o->v[k].chip.folder));
        for (size_t i = 0; i < o->n; i++) {
            const struct source *s = &o->v[i];
            char more[80] = "";
            if (!twice[i])
                continue;
            if (pass == 0)
                snprintf(more, sizeof more, ":%s", s->attr);
            else if (pass == 1 && *s->chip.key)
                snprintf(more, sizeof more, "@%s", s->chip.key);
            else if (pass == 2)
                snprintf(more, sizeof more, "#%zu", i);
            size_t len = strlen(row[i].id), most = sizeof row[i].id - strlen(more) - 1;
            len = len < most ? len : most;
            memcpy(row[i].id + len, more, strlen(more) + 1);
            sysfs_word(row[i].id);
        }
    }
    free(twice);
}

static void hwmon_open(struct energy_collector **out, const struct ipw_env *env, struct energy_channels *list)
{
    struct opening o = {.env = env, .list = list, .first = list->n};
    add_chips(&o);
    add_iio(&o);
    make_unique(&o);
    find_jetson_total(&o);
    free(o.chips);
    *out = NULL;
    if (!o.n)
        return;
    *out = ipw_malloc(sizeof **out);
    **out = (struct energy_collector){o.n, o.v};
}

static void hwmon_close(struct energy_collector *c, const struct ipw_env *env)
{
    for (size_t i = 0; i < c->n; i++)
        for (int k = 0; k < 2; k++)
            sysfs_file_close(&c->v[i].file[k], env);
    free(c->v);
    free(c);
}

extern const struct energy_collector_ops energy_hwmon;
const struct energy_collector_ops energy_hwmon = {
    .name = "hwmon",
    .what = "sensors of GPUs, Jetson and Grace modules, Arm servers, ACPI meters; others on request",
    .verified = "fixture",
    .open = hwmon_open,
    .read = hwmon_read,
    .mend = hwmon_mend,
    .close = hwmon_close,
};
