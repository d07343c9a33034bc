/* Servers that ipw starts: waited for until they answer, found again for attribution, always stopped, and nothing else is.
 * A started server is in a process group of its own; a keeper process stops it when ipw is gone, however ipw went. */
#ifndef IPW_ENGINE_SERVERS_H
#define IPW_ENGINE_SERVERS_H

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/env.h"
#include "base/err.h"

/* A kind of server that is known by its program's name (llama-server, ollama, vllm, sglang). */
struct server_kind {
    const char *name;      /* "llama-server" */
    const char *engine;    /* the engine that asks it: "openai", "ollama" */
    const char *health;    /* path that answers 200 once it can be asked: "/health" */
    const char *base;      /* "/v1"; "" */
    int port;              /* when the command names none */
};
extern const struct server_kind server_kinds[]; /* the last row, name NULL, is any other command */

struct server {
    char name[64];           /* of the kind, or of the program */
    char base_url[300];      /* "http://127.0.0.1:8080/v1" */
    const struct server_kind *kind;
    pid_t pid;               /* leader of its group; 0: not running */
    char log[PATH_MAX];      /* what it printed */
    int64_t started_real_ns, ready_ns; /* ready_ns: from the start until it answered */
};

/* Starts command (words as a shell would split them, no shell is run), its output into the file log, and waits until it
 * answers. base_url NULL: taken from the command's --host and --port, else the kind's. detached: goes on when ipw ends
 * (`ipw servers start`); else the keeper stops it then. IPW_E_ENV with the last lines of the log when it ends or does not
 * answer within timeout_s; IPW_E_INTERRUPTED once *stop is not 0: it has then been stopped. */
int server_start(struct server *s, const struct ipw_env *env, const char *command, const char *base_url,
                 const char *log, bool detached, double timeout_s, const _Atomic int *stop, struct ipw_err *err);

/* SIGTERM to its group, SIGKILL after 10 s; returns when it is gone. Twice is once. */
int server_stop(struct server *s, struct ipw_err *err);

/* The process of this machine that listens on the address of base_url, 0: none, or it cannot be told (another user's). */
pid_t server_pid(const struct ipw_env *env, const char *base_url);

#endif
