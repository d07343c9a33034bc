/* ipw measure: joules, watts and seconds of any command, or of this machine until Ctrl-C. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/meter.h"
#include "cli/measure.h"
#include "cli/version.h"
#include "energy/cpuinfo.h"

enum { OWN_FAILURE = 125, CANNOT_RUN = 126, NOT_FOUND = 127, SLICE_MS = 250, PENDING = 64 };
#define MS ((int64_t)1000000)
#define IDLE_S 5

struct measure {
    struct cli *cli;
    char *format, *baseline, *energy, *devices, *include, *log_path, *out_path;
    int64_t interval_ms;
    double duration_s;
    const char **command; /* NULL-terminated; NULL: none */

    struct ipw_env env;
    struct cli here; /* with that env, for as long as the meter is open */ /* the machine's, but CPU time is the command's */
    struct ipw_clock clock;
    struct proc_tree *tree;
    int stat_fd;

    struct meter *meter;
    struct energy_session *session;
    struct measure_log log;
    _Atomic int64_t lost;
    struct energy_window *idle, *whole;
    struct energy_window *step[PENDING]; /* intervals that end later than they can be told */
    size_t n_steps;
    struct energy_window *current;
};

/* ---- whose CPU time the estimator counts ---- */

static int64_t command_cpu(const struct ipw_env *env)
{
    const struct measure *m = env->ud;
    return m->tree ? proc_tree_cpu(m->tree) : 0;
}

static int64_t machine_cpu(const struct ipw_env *env)
{
    const struct measure *m = env->ud;
    uint64_t ns;
    return energy_cpu_busy(env, m->stat_fd, &ns) ? 0 : (int64_t)ns;
}

/* ---- signals of a command ---- */

static _Atomic int running, waiting_signal; /* the command's pid; what came before there was one */

/* The terminal sends Ctrl-C to the command too; what was sent to ipw alone goes on to it. ipw itself stays until the
 * command ends, so that the joules are still told. */
static void forward(int sig, siginfo_t *info, void *context)
{
    (void)context;
    int pid = atomic_load(&running);
    if (pid < 0) /* it has ended, and so has the patience with a library that hangs */
        _exit(130);
    if (info->si_code > 0)
        return;
    if (pid > 0)
        kill(pid, sig);
    else if (!pid)
        atomic_store(&waiting_signal, sig);
}

static void forward_signals(void)
{
    static const int list[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    struct sigaction a = {.sa_sigaction = forward, .sa_flags = SA_RESTART | SA_SIGINFO}, old;
    sigemptyset(&a.sa_mask);
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++)
        if (!sigaction(list[i], NULL, &old) && old.sa_handler != SIG_IGN)
            sigaction(list[i], &a, NULL);
}

/* ---- intervals ---- */

static void say_steps(struct measure *m, bool all)
{
    while (m->n_steps && (all || energy_window_ready(m->step[0]))) {
        struct ipw_buf line = IPW_BUF_INIT;
        const struct energy_result *r = energy_window_result(m->step[0]);
        measure_line(m->meter, r, (double)(r->t1 - energy_window_t0(m->whole)) * 1e-9, &line);
        fputs(line.s, stderr);
        ipw_buf_release(&line);
        energy_window_free(m->step[0]);
        memmove(m->step, m->step + 1, --m->n_steps * sizeof m->step[0]);
    }
}

static int64_t step(struct measure *m, int64_t next)
{
    int64_t now = ipw_now(&m->env);
    if (!m->interval_ms)
        return INT64_MAX;
    if (now >= next) {
        if (m->n_steps == PENDING)
            say_steps(m, true);
        energy_window_end(m->current);
        m->step[m->n_steps++] = m->current;
        m->current = energy_window_begin(m->session);
        next += ((now - next) / (m->interval_ms * MS) + 1) * m->interval_ms * MS;
    }
    say_steps(m, false);
    return next;
}

static int wait_ms(int64_t now, int64_t next)
{
    int64_t ms = next == INT64_MAX ? SLICE_MS : (next - now) / MS + 1;
    return ms < 1 ? 1 : ms > SLICE_MS ? SLICE_MS : (int)ms;
}

/* ---- what is measured ---- */

/* Starts the command and waits for it; *code is what ipw exits with. */
static int run_command(struct measure *m, int *code, struct ipw_err *err)
{
    struct proc p;
    forward_signals();
    int rc = proc_start(&p, (char *const *)(uintptr_t)m->command, err);
    if (rc) {
        *code = p.exec_errno == ENOENT ? NOT_FOUND : p.exec_errno ? CANNOT_RUN : OWN_FAILURE;
        return rc;
    }
    atomic_store(&running, p.pid);
    int early = atomic_exchange(&waiting_signal, 0);
    if (early)
        proc_signal(&p, early);
    int64_t next = energy_window_t0(m->whole) + m->interval_ms * MS;
    do {
        next = step(m, next);
        if (m->tree)
            proc_tree_scan(m->tree, p.pid);
    } while (!proc_wait(&p, wait_ms(ipw_now(&m->env), next)));
    energy_window_end(m->whole);
    atomic_store(&running, -1);
    *code = proc_exit_code(&p);
    proc_release(&p);
    return 0;
}

static void run_machine(struct measure *m)
{
    int64_t t0 = energy_window_t0(m->whole), next = t0 + m->interval_ms * MS;
    int64_t end = m->duration_s > 0 ? t0 + (int64_t)(m->duration_s * 1e9) : INT64_MAX;
    if (m->duration_s <= 0)
        cli_say("metering this machine; Ctrl-C ends it and shows the joules");
    while (!atomic_load(m->cli->signals) && ipw_now(&m->env) < end) {
        next = step(m, next);
        int64_t now = ipw_now(&m->env), until = now + wait_ms(now, next) * MS;
        m->env.clock->sleep_until(&m->env, until < end ? until : end);
    }
    energy_window_end(m->whole);
}

/* The quick baseline. False: a signal came. */
static bool look_at_idle(struct measure *m)
{
    if (strcmp(m->baseline, "quick") != 0)
        return true;
    if (!strcmp(meter_source(m->meter), "estimated") || !strcmp(meter_source(m->meter), "none")) {
        cli_say("no baseline: an idle machine tells nothing about %s joules", meter_source(m->meter));
        return true;
    }
    cli_say("%d s of idle first (--baseline quick)", IDLE_S);
    m->idle = energy_window_begin(m->session);
    int64_t t0 = energy_window_t0(m->idle), end = t0 + IDLE_S * 1000 * MS;
    while (!atomic_load(m->cli->signals) && ipw_now(&m->env) < end)
        m->env.clock->sleep_until(&m->env, end);
    energy_window_end(m->idle);
    if (m->log.f)
        measure_log_window(&m->log, "idle", t0, ipw_now(&m->env));
    return !atomic_load(m->cli->signals);
}

/* ---- the result ---- */

static int show(struct measure *m, int exit_code, struct ipw_err *err)
{
    struct measured r = {.meter = m->meter, .result = energy_window_result(m->whole),
                         .idle = m->idle ? energy_window_result(m->idle) : NULL,
                         .command = m->command, .exit_code = exit_code, .lost = m->lost};
    struct ipw_buf out = IPW_BUF_INIT;
    int rc = 0;
    if (m->log.f)
        measure_log_window(&m->log, m->command ? "command" : "machine", r.result->t0, r.result->t1);
    (strcmp(m->format, "json") ? measure_table : measure_json)(&r, &out);
    if (m->out_path)
        rc = fs_write_atomic(m->out_path, out.s, out.len, err);
    else if (cli_print(out.s, out.len))
        rc = err->code = IPW_E_IO; /* it has been said */
    ipw_buf_release(&out);
    return rc;
}

static void on_batch(const struct energy_batch *b, void *ud)
{
    struct measure *m = ud;
    m->lost += b->lost;
    if (m->log.f)
        measure_log_batch(b, &m->log);
}

static int open_all(struct measure *m, struct ipw_err *err)
{
    m->clock = *m->cli->env.clock;
    m->clock.cpu = m->command ? command_cpu : machine_cpu;
    m->env = m->cli->env;
    m->env.clock = &m->clock;
    m->env.ud = m;
    m->stat_fd = m->command ? -1 : m->env.io->open(&m->env, "/proc/stat");
    m->here = *m->cli;
    m->here.env = m->env;
    int rc = cli_meter_open(&m->meter, &m->here, &(struct cli_meter){m->energy, m->devices, m->include}, err);
    if (!rc && !strcmp(m->energy, "measured"))
        rc = meter_require_measured(m->meter, err);
    if (rc)
        return rc;
    if (m->command && !strcmp(meter_source(m->meter), "estimated"))
        m->tree = proc_tree_new();
    if (m->log_path &&
        (rc = measure_log_open(&m->log, m->log_path, &m->env, m->meter, cli_version, m->command, err)))
        return rc;
    return energy_session_open(&m->session, &m->env, m->meter, on_batch, m, err);
}

static void close_windows(struct measure *m)
{
    say_steps(m, true);
    if (m->current)
        energy_window_end(m->current);
    energy_window_free(m->current);
    energy_window_free(m->idle);
    energy_window_free(m->whole);
    energy_session_close(m->session);
    m->session = NULL;
}

static int measure_run(struct measure *m)
{
    struct ipw_err err = {0};
    int code = 0, rc = open_all(m, &err);
    if (rc) {
        cli_fail(&err);
        return OWN_FAILURE;
    }
    if (!look_at_idle(m)) {
        close_windows(m);
        return 130;
    }
    m->whole = energy_window_begin(m->session);
    if (m->interval_ms)
        m->current = energy_window_begin(m->session);
    if (m->log.f)
        measure_log_window(&m->log, m->command ? "command" : "machine", energy_window_t0(m->whole), INT64_MIN);
    if (m->command)
        rc = run_command(m, &code, &err);
    else
        run_machine(m);
    if (rc) {
        cli_fail(&err);
    } else if (show(m, code, &err)) {
        if (*err.text)
            cli_fail(&err);
        code = OWN_FAILURE;
    }
    close_windows(m);
    if (measure_log_close(&m->log, &err)) {
        cli_fail(&err);
        code = OWN_FAILURE;
    }
    return code;
}

/* ---- the command line ---- */

extern const struct command command_measure;

/* Also by other paths, and when it is not there yet. */
static bool same_file(const char *a, const char *b)
{
    struct stat x, y;
    char in_a[PATH_MAX], in_b[PATH_MAX];
    bool has_a = !stat(a, &x), has_b = !stat(b, &y);
    if (!has_a && !has_b && !strcmp(fs_basename(a), fs_basename(b))) {
        snprintf(in_a, sizeof in_a, "%.*s.", (int)(fs_basename(a) - a), a);
        snprintf(in_b, sizeof in_b, "%.*s.", (int)(fs_basename(b) - b), b);
        has_a = !stat(in_a, &x);
        has_b = !stat(in_b, &y);
    }
    return !strcmp(a, b) || (has_a && has_b && x.st_dev == y.st_dev && x.st_ino == y.st_ino);
}

static int check(struct measure *m, const char *const *rest, size_t n_rest, struct ipw_err *err)
{
    static const char *const formats[] = {"table", "json", NULL};
    if (n_rest)
        return ipw_err_set(err, IPW_E_USAGE, "unexpected '%s': the command comes after --, as in ipw measure -- %s",
                           rest[0], rest[0]);
    if (m->command && !m->command[0])
        return ipw_err_set(err, IPW_E_USAGE, "there is no command after --; without -- this machine is metered");
    if (m->out_path && m->log_path && same_file(m->out_path, m->log_path))
        return ipw_err_set(err, IPW_E_USAGE, "'--out' and '--log' are both '%s'; name two files", m->out_path);
    if (m->command && m->duration_s > 0)
        return ipw_err_set(err, IPW_E_USAGE, "a command says itself when it ends; leave out --duration, or use timeout(1)");
    if (meter_mode_of(m->energy) < 0)
        return ipw_err_set(err, IPW_E_USAGE, "unknown mode '%s': --energy takes auto, measured, estimated, none",
                           m->energy);
    if (strcmp(m->baseline, "none") != 0 && strcmp(m->baseline, "quick") != 0)
        return ipw_err_set(err, IPW_E_USAGE, "unknown baseline '%s': --baseline takes none, quick", m->baseline);
    return cli_format(m->format, formats, err);
}

static int measure(struct cli *cli, int argc, char **argv)
{
    struct measure m = {.cli = cli, .format = ipw_strdup("table"), .baseline = ipw_strdup("none"),
                        .energy = ipw_strdup("auto"), .stat_fd = -1};
    struct option opt[] = {
        {"output", NULL, 'o', OPTION_TEXT, &m.format, 0, 0, "FORMAT", "table or json (table)", false},
        {"out", NULL, 0, OPTION_TEXT, &m.out_path, 0, 0, "FILE", "the result into FILE, not after the command's output", false},
        {"interval", NULL, 0, OPTION_INT, &m.interval_ms, 100, 1e9, "MS", "watts on stderr every MS milliseconds", false},
        {"baseline", NULL, 0, OPTION_TEXT, &m.baseline, 0, 0, "KIND", "idle watts before: none or quick (none)", false},
        {"log", NULL, 0, OPTION_TEXT, &m.log_path, 0, 0, "FILE", "raw readings and clocks as JSON lines", false},
        {"energy", NULL, 0, OPTION_TEXT, &m.energy, 0, 0, "MODE", "auto, measured, estimated, none (auto)", false},
        {"devices", NULL, 0, OPTION_TEXT, &m.devices, 0, 0, "LIST", "GPUs: indices, UUIDs, PCI addresses (all)", false},
        {"include", NULL, 0, OPTION_TEXT, &m.include, 0, 0, "IDS", "channels that belong to the total too", false},
        {"duration", NULL, 0, OPTION_REAL, &m.duration_s, 0.01, 1e9, "S", "without a command: end after S seconds", false},
    };
    int own = 0, code;
    while (own < argc && strcmp(argv[own], "--") != 0)
        own++;
    const char **rest = ipw_calloc((size_t)argc + 1, sizeof *rest);
    struct ipw_err err;
    size_t n_rest;
    if (own < argc) {
        m.command = ipw_calloc((size_t)(argc - own), sizeof *m.command);
        for (int i = own + 1; i < argc; i++)
            m.command[i - own - 1] = argv[i];
    }
    if (cli_options(&command_measure, opt, sizeof opt / sizeof opt[0], own, argv, rest, &n_rest, &code)) {
        code = code ? OWN_FAILURE : 0;
    } else if (check(&m, rest, n_rest, &err)) {
        cli_fail(&err);
        code = OWN_FAILURE;
    } else {
        code = measure_run(&m);
    }
    meter_close(m.meter);
    proc_tree_free(m.tree);
    if (m.log.f)
        measure_log_close(&m.log, &err);
    if (m.stat_fd >= 0)
        m.env.io->close(&m.env, m.stat_fd);
    char *const texts[] = {m.format, m.baseline, m.energy, m.devices, m.include, m.log_path, m.out_path};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        free(texts[i]);
    free(m.command);
    free(rest);
    return code;
}

const struct command command_measure = {
    .name = "measure",
    .group = "Measure",
    .summary = "joules of any command:  ipw measure -- CMD...",
    .usage = "ipw measure [options] [-- CMD...]",
    .details = "Runs the command as it would run without ipw (same terminal, input, descriptors, signals) and says its "
               "joules, watts and seconds. Without a command it meters this machine until Ctrl-C or --duration. Counters "
               "meter the whole device, so what else runs is in the joules; --baseline quick looks at the idle machine "
               "for 5 s first and shows what is above it.\n",
    .examples = "ipw measure -- make -j8\n"
                "ipw measure -o json --out joules.json -- ./train.sh\n"
                "ipw measure --interval 1000 --duration 60   # watts, each second\n",
    .run = measure,
};
