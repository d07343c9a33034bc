/* Which process of this machine listens on an address: /proc/net/tcp{,6} names the socket, /proc/PID/fd who has it. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "engine/servers.h"
#include "net/url.h"

enum { LISTEN = 10 };

struct search {
    const struct ipw_env *env;
    char want[64]; /* "socket:[123]" */
    pid_t pid, found;
};

static void on_fd(const char *name, void *ud)
{
    struct search *s = ud;
    char path[PATH_MAX], real[PATH_MAX], target[64];
    if (s->found || !ipw_isdigit((unsigned char)*name))
        return;
    snprintf(path, sizeof path, "/proc/%d/fd/%.20s", (int)s->pid, name);
    ipw_env_path(s->env, path, real, sizeof real);
    ssize_t n = readlink(real, target, sizeof target - 1);
    target[n > 0 ? n : 0] = '\0';
    if (!strcmp(target, s->want))
        s->found = s->pid;
}

static void on_pid(const char *name, void *ud)
{
    struct search *s = ud;
    int64_t pid;
    char path[64];
    if (s->found || !ipw_parse_i64(name, &pid))
        return;
    s->pid = (pid_t)pid;
    snprintf(path, sizeof path, "/proc/%lld/fd", (long long)pid);
    s->env->io->list(s->env, path, on_fd, s);
}

/* The socket that listens on the port, 0: none. */
static unsigned long long inode_of(const struct ipw_env *env, const char *table, unsigned port)
{
    char path[PATH_MAX], line[512];
    unsigned long long inode = 0;
    ipw_env_path(env, table, path, sizeof path);
    FILE *f = fopen(path, "re");
    while (f && !inode && fgets(line, sizeof line, f)) {
        unsigned at, state;
        unsigned long long node;
        /* sl: address:port remote:port state queues timer retransmits uid timeout inode */
        if (sscanf(line, " %*d: %*[0-9A-F]:%x %*[0-9A-F]:%*x %x %*s %*s %*s %*s %*s %llu", &at, &state, &node) == 3 &&
            at == port && state == LISTEN)
            inode = node;
    }
    if (f)
        fclose(f);
    return inode;
}

pid_t server_pid(const struct ipw_env *env, const char *base_url)
{
    static const char *const tables[] = {"/proc/net/tcp", "/proc/net/tcp6"};
    unsigned port = net_url_port(base_url);
    struct search s = {.env = env};
    for (size_t i = 0; i < 2 && !s.found; i++) {
        unsigned long long inode = inode_of(env, tables[i], port);
        if (!inode)
            continue;
        snprintf(s.want, sizeof s.want, "socket:[%llu]", inode);
        env->io->list(env, "/proc", on_pid, &s);
    }
    return s.found;
}
