/* Servers that ipw starts: waited for until they answer, and always stopped, and nothing else is. A started server leads a
 * process group of its own; a keeper stops it when ipw is gone, however ipw went. */
#ifndef IPW_ENGINE_SERVERS_H
#define IPW_ENGINE_SERVERS_H

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/env.h"
#include "base/proc.h"

/* A kind of server, known by a word of its command. */
struct server_kind {
    const char *word;   /* "llama-server"; NULL, the last row: any other */
    const char *engine; /* what asks it: "openai", "ollama" */
    const char *health; /* path that answers below 300 once it can be asked */
    const char *base;   /* what its base URL has after the port: "/v1" */
    int port;           /* when the command names none; 0: it must */
};
extern const struct server_kind server_kinds[];

struct server {
    const struct server_kind *kind;
    char base_url[300]; /* "http://127.0.0.1:8080/v1" */
    struct proc proc;
    int keeper;         /* -1: none, it outlives us */
    uint64_t began;     /* of the process, so that its number is known to be its own; 0 unknown */
    double ready_s;     /* from its start until it answered */
};

struct server_start {
    const char *command;  /* words as in a shell: quotes, ~, $NAME; no pipes, nothing is run to expand it */
    char *const *argv;    /* instead of command: the words as they are */
    const char *base_url; /* NULL: from its --host and --port, or as its kind does */
    const char *log;      /* file for what it prints, appended to */
    bool detached;        /* it goes on when we end */
    double timeout_s;     /* until it answers */
    const _Atomic int *stop; /* gives up, and stops it, once this is not 0 */
};

/* Starts it and waits until it answers. IPW_E_ENV with the last words of its log when it ends before, does not answer in
 * time, or something else answers there already; IPW_E_INPUT when there is no such program; then nothing of it is left. */
int server_start(struct server *s, const struct ipw_env *env, const struct server_start *how, struct ipw_err *err);

/* SIGTERM to its group, SIGKILL after 10 s; returns when its leader is gone. Twice is once. */
void server_stop(struct server *s);

/* The same for one that an earlier process started: nothing unless process pid began then. False: it could not be ended. */
bool server_stop_pid(const struct ipw_env *env, pid_t pid, uint64_t began);

/* When process pid began, in clock ticks since boot; 0: there is none, or it cannot be told. */
uint64_t server_began(const struct ipw_env *env, pid_t pid);

/* The process of this machine that listens on the port of base_url; 0: none, or one of another user's. */
pid_t server_pid(const struct ipw_env *env, const char *base_url);

/* It answers now. */
bool server_answers(const struct server_kind *kind, const char *base_url);

const struct server_kind *server_kind_of(char *const *argv);

#endif
