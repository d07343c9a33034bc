/* The text of bare `ipw`; greet.c finds out what it says. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/greet.h"
#include "cli/model.h"
#include "cli/sources.h"
#include "cli/version.h"
#include "report/report.h"
#include "run/estimate.h"
#include "run/machine.h"

enum { WIDE = 60, INDENT = 17, MAX_SOURCES = 16 };

/* ---- lines ---- */

/* "  label          text                hint": a hint that does not fit beside the text stands below it, whole. */
static void line(const char *label, const char *text, const char *hint, int columns, struct ipw_buf *out)
{
    bool wide = columns >= WIDE;
    int indent = wide ? INDENT : 4;
    if (!wide && *label)
        ipw_buf_addf(out, "  %s\n", label);
    size_t at = out->len;
    if (*text)
        report_fold(text, columns, indent, indent, out);
    else
        ipw_buf_addf(out, "%*s\n", indent, "");
    if (wide)
        memcpy(out->s + at + 2, label, strlen(label));
    if (!hint)
        return;
    out->s[--out->len] = '\0';
    const char *last = strrchr(out->s + at, '\n');
    int used = (int)strlen(last ? last + 1 : out->s + at), room = columns - 1 - used - (int)strlen(hint);
    if (room < 2)
        ipw_buf_addf(out, "\n%*s%s\n", wide && (int)strlen(hint) < columns - 1 - indent ? columns - 1 - (int)strlen(hint) : indent, "", hint);
    else
        ipw_buf_addf(out, "%*s%s\n", wide ? room : 2, "", hint);
}

/* ---- this machine ---- */

static void drop(char *s, const char *part)
{
    for (char *at; (at = strstr(s, part));)
        memmove(at, at + strlen(part), strlen(at + strlen(part)) + 1);
}

/* "13th Gen Intel(R) Core(TM) i7-13700H" is known as Core i7-13700H. */
static void short_name(const char *name, char *out, size_t size)
{
    static const char *const noise[] = {"(R)", "(TM)", "(tm)", "NVIDIA ", "GeForce ", "Intel ", " Processor", " CPU", " GPU",
                                        " Graphics"};
    const char *gen = strstr(name, "th Gen ");
    snprintf(out, size, "%s", gen && gen - name < 4 ? gen + strlen("th Gen ") : name);
    for (size_t i = 0; i < sizeof noise / sizeof noise[0]; i++)
        drop(out, noise[i]);
    static const char *const ends[] = {" @ ", " with ", " w/ "};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        if (strstr(out, ends[i]))
            *strstr(out, ends[i]) = '\0';
    char *cores = strstr(out, "-Core");
    while (cores && cores > out && ipw_isdigit((unsigned char)cores[-1]))
        cores--;
    if (cores && cores > out)
        cores[-1] = '\0';
}

/* "RTX 4070 Laptop", "2 x H100 80GB HBM3"; "" without a GPU that its driver names. */
static void gpus(const struct meter *m, char *out, size_t size)
{
    size_t n = 0, count = 0;
    const struct energy_channel *c = m ? meter_channels(m, &n) : NULL, *first = NULL;
    char pci[64], name[96];
    out[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        bool gpu = *c[i].name && energy_pci_id(c[i].device, pci, sizeof pci), seen = false;
        for (size_t k = 0; k < i && gpu && !seen; k++)
            seen = ipw_streq(c[k].device, c[i].device);
        count += gpu && !seen;
        first = !first && gpu ? &c[i] : first;
    }
    if (!first)
        return;
    short_name(first->name, name, sizeof name);
    if (count > 1)
        snprintf(out, size, "%zu x %s", count, name);
    else
        snprintf(out, size, "%s", name);
}

static void add(struct ipw_buf *s, const char *text)
{
    ipw_buf_addf(s, "%s%s", s->len && *text ? ", " : "", text);
}

static void machine(const struct greeting *g, int columns, struct ipw_buf *out)
{
    struct run_machine m;
    struct ipw_buf s = IPW_BUF_INIT;
    char text[160], info[4096];
    long long kb;
    run_machine_read(&m, g->env);
    gpus(g->meter, text, sizeof text);
    bool gpu = *text;
    add(&s, text);
    if (!*m.cpu)
        ipw_env_read(g->env, "/proc/device-tree/model", m.cpu, sizeof m.cpu);
    short_name(m.cpu, text, sizeof text);
    add(&s, text);
    if (!gpu) {
        snprintf(text, sizeof text, "%d CPU%s", m.cpus, m.cpus == 1 ? "" : "s");
        add(&s, text);
    }
    if (ipw_env_read(g->env, "/proc/meminfo", info, sizeof info) > 0 && sscanf(info, "MemTotal: %lld kB", &kb) == 1) {
        snprintf(text, sizeof text, "%.0f GB", ceil((double)kb / (1 << 20)));
        add(&s, text);
    }
    add(&s, m.hypervisor ? "virtual machine" : ipw_streq(m.power_source, "mains") ? "on mains" : m.power_source ? "on battery" : "");
    line("This machine", s.s, NULL, columns, out);
    ipw_buf_release(&s);
}

/* ---- its joules ---- */

static void joules(const struct greeting *g, int columns, struct ipw_buf *out)
{
    struct source_line src[MAX_SOURCES];
    char text[200];
    size_t n = g->meter ? sources_of(g->meter, src, MAX_SOURCES) : 0;
    const char *label = "Joules", *hint = "ipw doctor energy";
    for (size_t i = 0; i < n; i++) {
        if (!src[i].counts && !(src[i].ready && src[i].channel->in_system))
            continue;
        snprintf(text, sizeof text, "%s: %s", src[i].part, src[i].text);
        line(label, text, src[i].ready ? NULL : hint, columns, out);
        label = "";
        hint = src[i].ready ? hint : NULL; /* once is enough */
    }
    const char *source = g->meter ? meter_source(g->meter) : "none";
    if (ipw_streq(source, "estimated"))
        line(label, "so far estimated: a CPU load model, marked ~", NULL, columns, out);
    else if (ipw_streq(source, "none") || !n)
        line(label, "nothing to measure or to estimate with", hint, columns, out);
    if (g->trouble)
        line("", g->trouble, NULL, columns, out);
}

/* ---- models, and what to do with them ---- */

const struct local_model *greeting_model(const struct local_models *m)
{
    for (size_t i = 0; m && i < m->n; i++)
        if (!m->v[i].problem)
            return &m->v[i];
    return NULL;
}

/* As many as a line holds, and how many more there are. */
static void models(const struct greeting *g, int columns, struct ipw_buf *out)
{
    struct ipw_buf s = IPW_BUF_INIT;
    size_t n = 0, shown = 0;
    int room = columns - 1 - (columns >= WIDE ? INDENT : 4) - (int)strlen("  +999");
    for (size_t i = 0; g->models && i < g->models->n; i++) {
        const struct local_model *m = &g->models->v[i];
        char one[300], bytes[24];
        if (m->problem)
            continue;
        n++;
        int len = snprintf(one, sizeof one, "%s%s (%s)", shown ? "  " : "", m->name, model_bytes(m->bytes, bytes));
        if (shown + 1 < n || (shown && (int)s.len + len > room))
            continue;
        ipw_buf_adds(&s, one);
        shown++;
    }
    if (n > shown)
        ipw_buf_addf(&s, "  +%zu", n - shown);
    line("Models here", n ? s.s : "none found", n ? NULL : "ipw model list", columns, out);
    ipw_buf_release(&s);
}

static void age(int64_t ns, char *out, size_t size)
{
    static const struct {
        double s;
        const char *unit;
    } units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}};
    double s = (double)ns * 1e-9;
    snprintf(out, size, "just now");
    for (size_t i = 0; i < sizeof units / sizeof units[0] && s >= 60; i++)
        if (s >= units[i].s) {
            snprintf(out, size, "%.0f %s ago", floor(s / units[i].s), units[i].unit);
            return;
        }
}

static void newest(const struct greeting *g, int columns, struct ipw_buf *out)
{
    const struct run_brief *r = g->newest;
    if (!r) {
        line("Newest run", "none yet", NULL, columns, out);
        return;
    }
    struct ipw_buf s = IPW_BUF_INIT, resume = IPW_BUF_INIT;
    char j[24], when[32], quoted[PATH_MAX];
    age(g->now_real_ns - r->started_real_ns, when, sizeof when);
    ipw_buf_addf(&s, "%s%s%s on %s, ", r->model_name ? r->model_name : "a model", r->quant ? " " : "", r->quant ? r->quant : "",
                 r->dataset_name ? r->dataset_name : "questions");
    if (!r->complete && !r->running)
        ipw_buf_addf(&s, "cut off at %lld of %lld, ", (long long)r->n_asked, (long long)r->n_total);
    else if (r->running)
        ipw_buf_addf(&s, "running, %lld of %lld, ", (long long)r->n_asked, (long long)r->n_total);
    else if (isfinite(r->accuracy))
        ipw_buf_addf(&s, "%.0f %% right, ", 100 * r->accuracy);
    report_num(r->per_query_j, j);
    if (r->complete && isfinite(r->per_query_j))
        ipw_buf_addf(&s, "%s%s J/query, ", ipw_streq(r->energy_source, "estimated") ? "~" : "", j);
    ipw_buf_adds(&s, when);
    if (!r->complete && !r->running)
        ipw_buf_addf(&resume, "ipw profile --resume %s", cli_quote(r->dir, quoted, sizeof quoted));
    line("Newest run", s.s, resume.len ? resume.s : r->complete ? "ipw analyze" : NULL, columns, out);
    ipw_buf_release(&s);
    ipw_buf_release(&resume);
}

static void try(const struct greeting *g, int columns, struct ipw_buf *out)
{
    const struct local_model *m = greeting_model(g->models);
    struct ipw_buf s = IPW_BUF_INIT;
    char quoted[1200], words[32];
    if (!m) {
        line("Try", "ipw model pull smollm2-135m", "a small model to begin with", columns, out);
    } else {
        ipw_buf_addf(&s, "ipw profile -m %s", cli_quote(m->name, quoted, sizeof quoted));
        line("Try", s.s, isfinite(g->try_s) ? run_estimate_words(g->try_s, words) : NULL, columns, out);
    }
    ipw_buf_release(&s);
}

void greeting_text(const struct greeting *g, int columns, struct ipw_buf *out)
{
    const char *hint = "ipw help for all commands";
    int gap = columns - 1 - (int)strlen(cli_version) - (int)strlen(hint);
    if (gap >= 2)
        ipw_buf_addf(out, "%s%*s%s\n\n", cli_version, gap, "", hint);
    else
        ipw_buf_addf(out, "%s\n%s\n\n", cli_version, hint);
    machine(g, columns, out);
    joules(g, columns, out);
    models(g, columns, out);
    newest(g, columns, out);
    ipw_buf_addc(out, '\n');
    try(g, columns, out);
}
