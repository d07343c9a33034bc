#include "engine/servers.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wordexp.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/proc_watch.h"
#include "base/str.h"
#include "net/http.h"
#include "net/url.h"

const struct server_kind server_kinds[] = {
    {"llama-server", "openai", "/health", "/v1", 8080},
    {"ollama", "ollama", "/api/version", "", 11434},
    {"vllm", "openai", "/health", "/v1", 8000},
    {"sglang", "openai", "/health", "/v1", 30000}, /* python -m sglang.launch_server */
    {"mlx_lm", "openai", "/v1/models", "/v1", 8080},
    {NULL, "openai", "/v1/models", "/v1", 0},
};

enum { STOP_MS = 10000, LOG_TAIL = 500 };

const struct server_kind *server_kind_of(char *const *argv)
{
    const struct server_kind *k = server_kinds;
    for (; k->word; k++)
        for (size_t i = 0; argv[i] && i < 4; i++) /* the program, or what an interpreter is given */
            if (ipw_starts(fs_basename(argv[i]), k->word))
                return k;
    return k;
}

static const char *value_of(char *const *argv, const char *flag)
{
    size_t n = strlen(flag);
    for (size_t i = 1; argv[0] && argv[i]; i++) {
        if (!strcmp(argv[i], flag))
            return argv[i + 1];
        if (!strncmp(argv[i], flag, n) && argv[i][n] == '=')
            return argv[i] + n + 1;
    }
    return NULL;
}

static int address(struct server *s, char *const *argv, const char *given, struct ipw_err *err)
{
    const char *host = value_of(argv, "--host"), *port = value_of(argv, "--port");
    char usual[16];
    if (given)
        return net_url_base(given, s->base_url, sizeof s->base_url, err);
    snprintf(usual, sizeof usual, "%d", s->kind->port);
    if (!port && !s->kind->port)
        return ipw_err_set(err, IPW_E_USAGE, "where will '%s' answer? give it --port N, or its address by --client-base-url",
                           argv[0]);
    bool any = !host || !strcmp(host, "0.0.0.0") || !strcmp(host, "::");
    snprintf(s->base_url, sizeof s->base_url, "http://%s:%s%s", any ? "127.0.0.1" : host, port ? port : usual, s->kind->base);
    return 0;
}

/* The status of a GET, 0: no answer. */
static long ask(const char *url)
{
    struct ipw_buf body = IPW_BUF_INIT;
    struct http_answer answer = {0};
    struct ipw_err ignored;
    struct http_get get = {.url = url, .stall_s = 2};
    (void)!http_to_memory(&get, 1 << 20, &body, &answer, &ignored);
    ipw_buf_release(&body);
    return answer.status;
}

static long ask_health(const struct server_kind *kind, const char *base_url)
{
    char root[300], url[400];
    net_url_root(base_url, root, sizeof root);
    snprintf(url, sizeof url, "%s%s", root, kind->health);
    return ask(url);
}

bool server_answers(const struct server_kind *kind, const char *base_url)
{
    long status = ask_health(kind, base_url);
    return status >= 200 && status < 300;
}

/* The last lines of a log, on one line. */
static void tail_of(const char *log, char out[LOG_TAIL + 1])
{
    FILE *f = fopen(log, "re");
    size_t n = 0;
    out[0] = '\0';
    if (f && !fseek(f, 0, SEEK_END)) {
        long size = ftell(f);
        fseek(f, size > LOG_TAIL ? size - LOG_TAIL : 0, SEEK_SET);
        n = fread(out, 1, LOG_TAIL, f);
    }
    if (f)
        fclose(f);
    out[n] = '\0';
    while (n && ipw_isspace((unsigned char)out[n - 1]))
        out[--n] = '\0';
    for (size_t i = 0; i < n; i++)
        out[i] = out[i] == '\n' || out[i] == '\r' ? '|' : out[i];
}

uint64_t server_began(const struct ipw_env *env, pid_t pid)
{
    struct proc_stat s;
    bool dead = proc_stat_read(env, pid, &s) || s.state == 'Z' || s.state == 'X'; /* nobody has asked how it ended */
    return dead ? 0 : s.began;
}

/* Waits until it answers; a reason in err when it will not. */
static int wait_ready(struct server *s, const struct ipw_env *env, const struct server_start *how, const char *name,
                      struct ipw_err *err)
{
    int64_t from = ipw_now(env), until = from + (int64_t)(how->timeout_s * 1e9);
    char tail[LOG_TAIL + 1];
    for (;;) {
        bool ended = proc_wait(&s->proc, 0);
        if (!ended && server_answers(s->kind, s->base_url))
            break;
        if (ended || ipw_now(env) > until) {
            tail_of(how->log, tail);
            return ended ? ipw_err_set(err, IPW_E_ENV, "'%s' ended (exit code %d) before it answered at %s; its last words: "
                                       "%s (all of them: %s)", name, proc_exit_code(&s->proc), s->base_url, tail, how->log)
                         : ipw_err_set(err, IPW_E_ENV, "'%s' does not answer at %s after %g s; is that its address? Its last "
                                       "words: %s (all of them: %s)", name, s->base_url, how->timeout_s, tail, how->log);
        }
        if (how->stop && atomic_load(how->stop))
            return ipw_err_set(err, IPW_E_INTERRUPTED, "interrupted");
        proc_wait(&s->proc, 50);
    }
    s->ready_s = (double)(ipw_now(env) - from) * 1e-9;
    return 0;
}

static int launch(struct server *s, const struct ipw_env *env, const struct server_start *how, char *const *argv,
                  struct ipw_err *err)
{
    s->kind = server_kind_of(argv);
    int rc = address(s, argv, how->base_url, err);
    if (rc)
        return rc;
    if (ask_health(s->kind, s->base_url))
        return ipw_err_set(err, IPW_E_ENV, "something answers at %s already: stop it, ask it without --serve, or give this one "
                           "another --port", s->base_url);
    int log = open(how->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (log < 0)
        return ipw_err_set(err, IPW_E_IO, "cannot write '%s': %s; choose another folder", how->log, fs_reason(errno));
    rc = proc_start_group(&s->proc, argv, log, how->detached, err);
    close(log);
    if (rc)
        return rc;
    s->keeper = how->detached ? -1 : proc_keep(s->proc.pid);
    s->began = server_began(env, s->proc.pid);
    rc = wait_ready(s, env, how, argv[0], err);
    if (rc)
        server_stop(s);
    return rc;
}

int server_start(struct server *s, const struct ipw_env *env, const struct server_start *how, struct ipw_err *err)
{
    wordexp_t words;
    *s = (struct server){.keeper = -1, .proc.fd = -1};
    if (how->argv)
        return launch(s, env, how, how->argv, err);
    int bad = wordexp(how->command, &words, WRDE_NOCMD | WRDE_UNDEF);
    if (bad)
        return ipw_err_set(err, IPW_E_USAGE, "'%s': %s", how->command,
                           bad == WRDE_BADCHAR   ? "a command with its words is needed; quote | & ; < > ( ) { }"
                           : bad == WRDE_BADVAL  ? "it names a variable that is not set"
                           : bad == WRDE_CMDSUB  ? "$(...) is not run here; put its result there"
                                                 : "a quote is not closed");
    int rc = words.we_wordc ? launch(s, env, how, words.we_wordv, err)
                            : ipw_err_set(err, IPW_E_USAGE, "which server? a command is needed, as 'llama-server -m FILE'");
    wordfree(&words);
    return rc;
}

void server_stop(struct server *s)
{
    if (s->proc.pid <= 0)
        return;
    proc_signal_group(&s->proc, SIGTERM);
    for (int ms = 0; ms < STOP_MS && !proc_wait(&s->proc, 100); ms += 100)
        ;
    proc_signal_group(&s->proc, SIGKILL);
    while (!proc_wait(&s->proc, -1))
        ;
    kill(-s->proc.pid, SIGKILL); /* what it started and left behind; the group keeps its number while one of it lives */
    proc_keep_end(s->keeper);
    proc_release(&s->proc);
    s->proc.pid = 0;
    s->keeper = -1;
}

bool server_stop_pid(const struct ipw_env *env, pid_t pid, uint64_t began)
{
    for (int ms = 0; ms <= 2 * STOP_MS; ms += 50) {
        if (!began || server_began(env, pid) != began)
            return true;
        if (ms == 0 || ms == STOP_MS)
            if (kill(-pid, ms ? SIGKILL : SIGTERM) && errno != ESRCH)
                return false;
        env->clock->sleep_until(env, ipw_now(env) + 50000000);
    }
    return false;
}
