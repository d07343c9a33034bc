/* ipw doctor: what can be measured on this machine, what is missing and the exact command for it. It reports, so that it
 * ends with 0 whatever it finds. */
#include "cli/doctor.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/meter.h"
#include "cli/remedy.h"
#include "cli/sources.h"
#include "cli/terminal.h"
#include "cli/version.h"
#include "report/report.h"

enum { MAX_SOURCES = 32, WIDE = 60 };

struct finding *doctor_add(struct doctor *d, enum finding_status status, const char *remedy, const char *fmt, ...)
{
    struct ipw_buf text = IPW_BUF_INIT;
    va_list ap;
    va_start(ap, fmt);
    ipw_buf_vaddf(&text, fmt, ap);
    va_end(ap);
    IPW_GROW(d->v, d->n, d->cap);
    struct finding *f = &d->v[d->n++];
    *f = (struct finding){d->group, d->name, status, ipw_buf_take(&text), ipw_strdup(remedy)};
    return f;
}

/* ---- energy ---- */

/* A part that computes and is not read is missing; another one is worth a note. */
static void doctor_sources(struct doctor *d)
{
    struct source_line line[MAX_SOURCES];
    size_t n = sources_of(d->meter, line, MAX_SOURCES);
    for (size_t i = 0; i < n; i++) {
        const struct source_line *l = &line[i];
        const struct energy_remedy *r = &l->channel->remedy;
        enum finding_status s = l->ready ? FINDING_OK : l->counts ? FINDING_MISSING : FINDING_NOTE;
        doctor_add(d, s, r->id ? r->text : NULL, "%s", l->text)->name = l->part;
    }
}

static void doctor_total(struct doctor *d)
{
    const char *source = meter_source(d->meter);
    size_t n;
    const struct energy_channel *c = meter_channels(d->meter, &n);
    bool calibrated = true;
    for (size_t i = 0; i < n; i++)
        calibrated &= !(c[i].in_total && c[i].estimated && c[i].gain_u > 0.25);
    if (ipw_streq(source, "estimated") && !calibrated)
        doctor_add(d, FINDING_NOTE,
                   "With the processors' own watts (idle, all cores busy; from a data sheet or a wall meter) it is known to "
                   "about half:\n"
                   "    ipw calibrate --pmin W --pmax W",
                   "estimated by a CPU load model: ~, off by up to a factor of two; GPUs are not in it");
    else if (ipw_streq(source, "estimated"))
        doctor_add(d, FINDING_NOTE, NULL, "estimated by a CPU load model with this machine's own watts (ipw calibrate): ~");
    else if (ipw_streq(source, "none"))
        doctor_add(d, FINDING_MISSING, NULL, "nothing can be measured or estimated here");
    else
        doctor_add(d, ipw_streq(source, "measured") ? FINDING_OK : FINDING_NOTE, NULL, "%s: %s", source,
                   meter_signature(d->meter));
}

static void doctor_calibration(struct doctor *d)
{
    if (d->trouble)
        doctor_add(d, FINDING_MISSING, NULL, "%s", d->trouble);
}

static void doctor_perf(struct doctor *d)
{
    char level[16], type[16];
    if (ipw_env_read(&d->cli->env, "/sys/bus/event_source/devices/power/type", type, sizeof type) < 0 ||
        ipw_env_read(&d->cli->env, "/proc/sys/kernel/perf_event_paranoid", level, sizeof level) < 0)
        return;
    int64_t n;
    bool open = ipw_parse_i64(level, &n) && n <= 0;
    doctor_add(d, open ? FINDING_OK : FINDING_NOTE, NULL, "kernel.perf_event_paranoid is %s%s", level,
               open ? "" : "; RAPL by perf needs 0 or the helper ipw-meter");
}

/* ---- the table ---- */

static const struct check {
    const char *group, *name;
    void (*run)(struct doctor *d);
} checks[] = {
    {"energy", "source", doctor_sources},      {"energy", "total", doctor_total},
    {"energy", "perf events", doctor_perf},    {"energy", "calibration", doctor_calibration},
    {"machine", "processor", doctor_processor},
    {"machine", "virtual", doctor_virtual},    {"machine", "power", doctor_power},
    {"machine", "governor", doctor_governor},  {"machine", "memory", doctor_memory},
    {"machine", "load", doctor_load},          {"machine", "clock", doctor_clock},
    {"engine", "engine", doctor_engine},       {"engine", "GPU", doctor_gpu},
    {"files", "models", doctor_models},        {"files", "questions", doctor_sets},
    {"files", "runs", doctor_runs_folder},     {"files", "data", doctor_data_folder},
    {"tools", "ipw", doctor_path},             {"tools", "sandbox", doctor_sandbox},
};
enum { N_CHECKS = sizeof checks / sizeof checks[0] };

static const char *const words[] = {"ok", "note", "missing"};

static bool is_group(const char *name)
{
    for (size_t i = 0; i < N_CHECKS; i++)
        if (ipw_streq(checks[i].group, name))
            return true;
    return false;
}

/* ---- what people see ---- */

/* Commands begin near the margin, so that few are wider than the screen. */
static void add_remedy(const char *text, int columns, int indent, struct ipw_buf *out)
{
    for (const char *p = text, *end; *p; p = end + (*end == '\n')) {
        end = p + strcspn(p, "\n");
        char *line = ipw_strndup(p, (size_t)(end - p));
        if (ipw_starts(line, "    ")) {
            ipw_buf_addf(out, "  %s\n", line);
        } else {
            report_fold(line, columns, indent, indent, out);
        }
        free(line);
    }
}

static void add_finding(const struct finding *f, bool full, int columns, struct ipw_buf *out)
{
    bool wide = columns >= WIDE;
    int indent = wide ? 24 : 4;
    size_t at = out->len;
    if (!wide)
        ipw_buf_addf(out, "  %-7s  %s\n", words[f->status], f->name);
    report_fold(f->text, columns, indent, indent, out);
    if (wide) { /* into the margin of the text's first line */
        char head[32];
        int n = snprintf(head, sizeof head, "  %-7s  %-11s", words[f->status], f->name);
        memcpy(out->s + at, head, (size_t)(n < indent ? n : indent));
    }
    if (f->remedy && !ipw_streq(f->group, "energy"))
        add_remedy(f->remedy, columns, indent, out);
    else if (f->remedy && !full)
        report_fold("why and what helps: ipw doctor energy", columns, indent, indent, out);
}

/* Its energy is read from another source: what would make it readable too helps nobody. */
static bool is_read(const struct energy_channel *c, size_t n, const struct energy_channel *row)
{
    for (size_t i = 0; i < n; i++) {
        bool whole = c[i].in_total && (c[i].scope == ENERGY_SCOPE_MODULE || c[i].scope == ENERGY_SCOPE_SOC_IN);
        bool same = c[i].scope == row->scope && (row->status == ENERGY_CHANNEL_ABSENT || ipw_streq(c[i].device, row->device));
        if (c[i].status == ENERGY_CHANNEL_OK && !c[i].estimated && (same || (whole && row->status == ENERGY_CHANNEL_ABSENT)))
            return true;
    }
    return false;
}

static void add_remedies(const struct meter *m, int columns, struct ipw_buf *out)
{
    size_t n, kept = 0;
    const struct energy_channel *c = meter_channels(m, &n);
    struct energy_channel *list = ipw_calloc(n + 1, sizeof *list);
    for (size_t i = 0; i < n; i++)
        if (c[i].status == ENERGY_CHANNEL_OK || !is_read(c, n, &c[i]))
            list[kept++] = c[i];
    remedies_add(list, kept, columns, out);
    free(list);
}

static void as_table(const struct doctor *d, bool full, int columns, struct ipw_buf *out)
{
    const char *group = NULL;
    char head[96];
    snprintf(head, sizeof head, "%s: what can be measured here, and with what", cli_version);
    report_fold(head, columns, 0, 0, out);
    for (size_t i = 0; i < d->n; i++) {
        if (!ipw_streq(group, d->v[i].group))
            ipw_buf_addf(out, "\n%c%s\n", ipw_toupper(d->v[i].group[0]), d->v[i].group + 1);
        group = d->v[i].group;
        add_finding(&d->v[i], full, columns, out);
    }
    if (!full)
        return;
    add_remedies(d->meter, columns, out);
    for (size_t i = 0; i < d->n; i++)
        if (ipw_streq(d->v[i].name, "total") && d->v[i].remedy) {
            ipw_buf_adds(out, "\nestimate\n");
            add_remedy(d->v[i].remedy, columns, 2, out);
        }
    ipw_buf_addc(out, '\n');
    report_fold("Every channel, and what is in the total: ipw sensors", columns, 0, 0, out);
}

static void as_json(const struct doctor *d, struct ipw_buf *out)
{
    struct json_out *o = json_out_new();
    json_node *top = json_new_obj(o);
    json_put_str(o, top, "schema", "ipw.doctor/1");
    json_put_str(o, top, "version", cli_version);
    json_put_str(o, top, "energy", meter_source(d->meter));
    json_node *list = json_put_arr(o, top, "checks");
    for (size_t i = 0; i < d->n; i++) {
        json_node *n = json_put_obj(o, list, NULL);
        json_put_str(o, n, "group", d->v[i].group);
        json_put_str(o, n, "name", d->v[i].name);
        json_put_str(o, n, "status", words[d->v[i].status]);
        json_put_str(o, n, "text", d->v[i].text);
        json_put_str(o, n, "remedy", d->v[i].remedy);
    }
    char *s = json_write(o, top, true);
    ipw_buf_adds(out, s);
    free(s);
    json_out_free(o);
}

void doctor_report(const struct cli *cli, const struct meter *meter, const char *trouble, const char *group,
                   const char *format, int columns, struct ipw_buf *out)
{
    struct doctor d = {.cli = cli, .meter = meter, .trouble = trouble};
    run_machine_read(&d.machine, &cli->env);
    for (size_t i = 0; i < N_CHECKS; i++) {
        if (group && !ipw_streq(group, checks[i].group))
            continue;
        d.group = checks[i].group;
        d.name = checks[i].name;
        checks[i].run(&d);
    }
    if (ipw_streq(format, "json"))
        as_json(&d, out);
    else
        as_table(&d, ipw_streq(group, "energy"), columns, out);
    for (size_t i = 0; i < d.n; i++) {
        free(d.v[i].text);
        free(d.v[i].remedy);
    }
    free(d.v);
}

extern const struct command command_doctor;

static int doctor(struct cli *cli, int argc, char **argv)
{
    static const char *const formats[] = {"table", "json", NULL};
    char *format = ipw_strdup("table");
    struct option opt[] = {
        {"output", NULL, 'o', OPTION_TEXT, &format, 0, 0, "FORMAT", "table or json (table)", false}};
    const char **rest = ipw_calloc((size_t)argc + 1, sizeof *rest);
    struct ipw_buf out = IPW_BUF_INIT;
    struct meter *m = NULL;
    struct ipw_err err, trouble;
    size_t n_rest;
    int code;
    if (cli_options(&command_doctor, opt, 1, argc, argv, rest, &n_rest, &code) ||
        (code = n_rest > 1 ? cli_extra(rest + 1, n_rest - 1) : 0))
        goto out;
    int rc = cli_format(format, formats, &err);
    if (!rc && n_rest && !is_group(rest[0]))
        rc = ipw_err_set(&err, IPW_E_USAGE, "'%s' is nothing that can be checked alone: energy, machine, engine, files or "
                         "tools", rest[0]);
    if (!rc)
        rc = cli_meter_look(&m, cli, &trouble, &err);
    if (rc) {
        code = cli_fail(&err);
        goto out;
    }
    doctor_report(cli, m, trouble.code ? trouble.text : NULL, n_rest ? rest[0] : NULL, format, terminal_text(STDOUT_FILENO), &out);
    code = cli_print(out.s, out.len);
out:
    meter_close(m);
    ipw_buf_release(&out);
    free(format);
    free(rest);
    return code;
}

const struct command command_doctor = {
    .name = "doctor",
    .group = "Measure",
    .summary = "what can be measured here, what is missing, the command for it",
    .usage = "ipw doctor [energy|machine|engine|files|tools] [-o table|json]",
    .details = "Looks at everything that measuring here needs: energy counters and who may read them, the machine"
               " and its clocks, the engine and its backends, models, disk, other programs. It reports and "
               "changes nothing, so it exits 0; for what is missing it prints the commands that mend it, ready to"
               " be pasted. A group alone is shown in full.\n",
    .examples = "ipw doctor\n"
                "ipw doctor energy   # why joules cannot be read, and what to do\n",
    .run = doctor,
};
