#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <limits.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/str.h"
#include "cli/config.h"
#include "cli/greet.h"
#include "cli/manual.h"
#include "cli/paths.h"
#include "cli/terminal.h"
#include "report/report.h"

static _Atomic int signals;

/* The first signal asks for an orderly end, the second ends at once. */
static void on_signal(int sig)
{
    (void)sig;
    if (atomic_fetch_add(&signals, 1) > 0)
        _exit(130);
}

static void catch_signals(void)
{
    static const int orderly[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction a = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&a.sa_mask);
    struct sigaction old;
    for (size_t i = 0; i < sizeof orderly / sizeof orderly[0]; i++)
        if (orderly[i] != SIGHUP || sigaction(SIGHUP, NULL, &old) || old.sa_handler != SIG_IGN) /* nohup */
            sigaction(orderly[i], &a, NULL);
    a.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &a, NULL);
    sigaction(SIGXFSZ, &a, NULL); /* a file size limit is a full disk: write() says so */
}

static void on_log(const struct ipw_env *env, const char *text)
{
    (void)env;
    cli_say("%s", text);
}

#ifdef __APPLE__
#define secure_getenv(name) (issetugid() ? NULL : getenv(name))
#endif

const char *cli_setting(const char *name)
{
    const char *s = secure_getenv(name); /* a program with capabilities takes no files and libraries from its caller */
    return s ? s : "";
}

/* NULL: the usual place; "": none. */
static const char *path_setting(const char *name)
{
    return secure_getenv(name);
}

/* Where DuckDB's library may be: the one that was named, else beside the program, in lib/ipw, in the cache, the system's. */
static const char *const *duckdb_paths(void)
{
    static char beside[PATH_MAX + 32], lib[PATH_MAX + 32], cache[PATH_MAX];
    static const char *paths[] = {NULL, NULL, NULL, NULL, NULL};
    char dir[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", dir, sizeof dir - 1);
    char *slash = n > 0 ? (dir[n] = '\0', strrchr(dir, '/')) : NULL;
    size_t k = 0;
    if ((paths[0] = path_setting("IPW_DUCKDB_LIB")))
        return paths;
    if (slash) {
        *slash = '\0';
        snprintf(beside, sizeof beside, "%s/libduckdb.so", dir);
        snprintf(lib, sizeof lib, "%s/../lib/ipw/libduckdb.so", dir);
        paths[k++] = beside;
        paths[k++] = lib;
    }
    if (*cli_cache_file("lib/libduckdb-1.5.5.so", cache))
        paths[k++] = cache;
    paths[k] = "libduckdb.so";
    return paths;
}

/* bin/ipw's libexec/ipw-meter, wherever both were installed; NULL where there is none. */
static const char *installed_meter(void)
{
    static char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 32);
    char *slash = n > 0 ? (path[n] = '\0', strrchr(path, '/')) : NULL;
    if (!slash)
        return NULL;
    memcpy(slash, "/../libexec/ipw-meter", sizeof "/../libexec/ipw-meter");
    char *real = realpath(path, NULL);
    if (!real)
        return NULL;
    snprintf(path, sizeof path, "%s", real);
    free(real);
    return path;
}

void cli_say(const char *fmt, ...)
{
    char text[2000];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    for (char *p = text; *p; p++) /* names and messages come from outside: they do not move the cursor */
        if ((unsigned char)*p < 0x20 || *p == 0x7f || ((unsigned char)*p == 0xc2 && (p[1] & 0xe0) == 0x80))
            *p = '?';
    fflush(stdout);
    terminal_live(0);
    if (!isatty(STDERR_FILENO)) { /* one message, one line: for grep and logs */
        fprintf(stderr, "ipw: %s\n", text);
        return;
    }
    int drawn = terminal_line(0);
    if (drawn)
        fprintf(stderr, "\r%*s\r", drawn, "");
    struct ipw_buf out = IPW_BUF_INIT;
    report_fold(*text ? text : "?", terminal_columns(STDERR_FILENO), 5, 5, &out);
    memcpy(out.s, "ipw: ", 5);
    fwrite(out.s, 1, out.len, stderr);
    ipw_buf_release(&out);
}

int cli_fail(const struct ipw_err *err)
{
    cli_say("%s", err->text);
    return ipw_err_exit_code(err->code);
}

const char *cli_quote(const char *path, char *out, size_t size)
{
    size_t n = 0, plain = strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/+=:@%,");
    if (!path[plain] && *path) {
        snprintf(out, size, "%s", path);
        return out;
    }
    out[n++] = '\'';
    for (const char *p = path; *p && n + 6 < size; p++)
        n += (size_t)snprintf(out + n, size - n, *p == '\'' ? "'\\''" : "%c", *p);
    snprintf(out + n, size - n, "'");
    return out;
}

int cli_extra(const char *const *rest, size_t n)
{
    struct ipw_err err;
    if (!n)
        return 0;
    ipw_err_set(&err, IPW_E_USAGE, "unexpected '%s'; --help tells what can be given", rest[0]);
    return cli_fail(&err);
}

/* A file that is opened later must not become somebody's closed stdout or stderr. */
static void hold_standard_files(void)
{
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd ? O_RDONLY : O_WRONLY) < 0)
            _exit(3); /* the wrong direction on purpose: using it is still an error */
}

/* "profile", "dataset pull": what was typed, for the settings file. */
static char command_path[64];

static void enter(const char *name)
{
    size_t n = strlen(command_path);
    snprintf(command_path + n, sizeof command_path - n, "%s%s", n ? " " : "", name);
}

/* What no flag said is taken from the settings file; true after an error that has been said. */
static bool unsettled(struct option *opt, size_t n, int *exit_code)
{
    struct ipw_err err;
    int rc = config_apply(command_path, opt, n, &err);
    *exit_code = rc ? cli_fail(&err) : 0;
    return rc != 0;
}

bool cli_options(const struct command *cmd, struct option *opt, size_t n, int argc, char **argv, const char **rest,
                 size_t *n_rest, int *exit_code)
{
    struct ipw_err err;
    struct ipw_buf out = IPW_BUF_INIT;
    enum help_form help;
    if (options_parse(opt, n, argc, argv, rest, n_rest, &help, &err)) {
        *exit_code = cli_fail(&err);
        return true;
    }
    switch (help) {
    case HELP_NONE:
        return unsettled(opt, n, exit_code);
    case HELP_TEXT:
        manual_text(cmd, opt, n, terminal_text(STDOUT_FILENO), &out);
        break;
    case HELP_PAGE:
        manual_page(cmd, opt, n, &out);
        break;
    case HELP_PART:
        manual_part(cmd, opt, n, &out);
        break;
    case HELP_WORDS:
        manual_words(cmd, opt, n, *n_rest > 0 ? rest[0] : "", *n_rest > 1 ? rest[1] : "", &out);
        break;
    }
    *exit_code = cli_print(out.s, out.len);
    ipw_buf_release(&out);
    return true;
}

int cli_print(const char *text, size_t len)
{
    if (fwrite(text, 1, len, stdout) == len && !fflush(stdout))
        return 0;
    if (errno == EPIPE)
        return 0;
    struct ipw_err err;
    ipw_err_set(&err, IPW_E_IO, "cannot write the result: %s", fs_reason(errno));
    return cli_fail(&err);
}

int cli_format(const char *given, const char *const *formats, struct ipw_err *err)
{
    char list[200] = "";
    for (size_t i = 0; formats[i]; i++) {
        if (ipw_streq(given, formats[i]))
            return 0;
        size_t k = strlen(list);
        snprintf(list + k, sizeof list - k, "%s%s", i ? ", " : "", formats[i]);
    }
    return ipw_err_set(err, IPW_E_USAGE, "unknown format '%s': -o takes %s", given, list);
}

int cli_unknown_command(const struct command *const *list, const char *within, const char *name)
{
    const char *names[64];
    size_t n = 0;
    struct ipw_err err;
    for (size_t i = 0; list[i] && n < 64; i++)
        names[n++] = list[i]->name;
    const char *near = ipw_nearest(name, names, n);
    if (near)
        ipw_err_set(&err, IPW_E_USAGE, "unknown command '%s': did you mean '%s'?", name, near);
    else
        ipw_err_set(&err, IPW_E_USAGE, "unknown command '%s': %s --help lists them", name, within);
    return cli_fail(&err);
}

int cli_run(const struct command *cmd, struct cli *cli, int argc, char **argv)
{
    enter(cmd->name);
    if (!cmd->subs)
        return cmd->run(cli, argc, argv);
    if (!argc || !strcmp(argv[0], "--help") || !strcmp(argv[0], "-h"))
        return cli_help_subs(cmd);
    for (size_t i = 0; cmd->subs[i]; i++)
        if (!strcmp(cmd->subs[i]->name, argv[0]))
            return cli_run(cmd->subs[i], cli, argc - 1, argv + 1);
    char within[64];
    snprintf(within, sizeof within, "ipw %s", cmd->name);
    return cli_unknown_command(cmd->subs, within, argv[0]);
}

/* --sysfs DIR, of every command: where the host's /sys is, in a container that has another one. Taken out of argv, up to
 * a "--"; false after an error that has been said. */
static bool take_sysfs(struct cli *cli, int *argc, char **argv)
{
    static const char flag[] = "--sysfs";
    const size_t n = sizeof flag - 1;
    int kept = 1;
    for (int i = 1; i < *argc; i++) {
        if (!strcmp(argv[i], "--")) {
            while (i < *argc)
                argv[kept++] = argv[i++];
            break;
        }
        bool joined = !strncmp(argv[i], flag, n) && argv[i][n] == '=';
        if (!joined && strcmp(argv[i], flag) != 0) {
            argv[kept++] = argv[i];
            continue;
        }
        const char *dir = joined ? argv[i] + n + 1 : i + 1 < *argc ? argv[++i] : "";
        char probe[512];
        snprintf(probe, sizeof probe, "%s/class", dir);
        if (!*dir || access(probe, X_OK)) {
            cli_say("'--sysfs %s': there is no /sys (no 'class' in it); name the folder where the host's /sys is mounted", dir);
            return false;
        }
        cli->env.sys_root = dir;
    }
    argv[kept] = NULL;
    *argc = kept;
    return true;
}

int cli_main(int argc, char **argv)
{
    struct cli cli = {.env = ipw_env_host,
                      .out_tty = isatty(STDOUT_FILENO),
                      .err_tty = isatty(STDERR_FILENO),
                      .signals = &signals};
    hold_standard_files();
    setlocale(LC_CTYPE, "");
    catch_signals();
    cli.env.sys_root = cli_setting("IPW_SYSFS_ROOT");
    cli.env.proc_root = cli_setting("IPW_PROC_ROOT");
    cli.env.dev_root = cli_setting("IPW_DEV_ROOT");
    cli.env.at.nvml = path_setting("IPW_NVML_LIB");
    cli.env.at.ioreport = path_setting("IPW_IOREPORT_LIB");
    cli.env.at.duckdb = duckdb_paths();
    cli.env.at.meter = path_setting("IPW_METER");
    cli.env.log = on_log;
    cli.color = cli.out_tty && !*cli_setting("NO_COLOR") && strcmp(cli_setting("TERM"), "dumb") != 0;

    if (!take_sysfs(&cli, &argc, argv))
        return ipw_err_exit_code(IPW_E_USAGE);
    if (!cli.env.at.meter && !*cli.env.sys_root) /* it knows only the machine's own /sys */
        cli.env.at.meter = installed_meter();
    if (argc < 2)
        return greet(&cli);
    const char *name = argv[1];
    if (!strcmp(name, "--help") || !strcmp(name, "-h"))
        name = "help";
    if (!strcmp(name, "--version"))
        name = "version";
    for (size_t i = 0; commands[i]; i++)
        if (!strcmp(commands[i]->name, name))
            return cli_run(commands[i], &cli, argc > 2 ? argc - 2 : 0, argv + 2);
    return cli_unknown_command(commands, "ipw", name);
}
