#include "base/proc_watch.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

static const int64_t LOOK_NS = 2000000000;

struct watched {
    pid_t pid;
    uint64_t began, cpu, base; /* ticks; base: what it had spent before it counted */
    int alive;
};

struct proc_watch {
    const struct ipw_env *env;
    pthread_mutex_t lock;
    struct watched *v;
    size_t n, cap;
    struct pair {
        pid_t pid, parent;
    } *all; /* of the look that is going on */
    size_t n_all, cap_all;
    int64_t looked_ns, cpu_ns;
    uint64_t began; /* when the newest process began at proc_watch_new: what began later counts whole */
};

int proc_stat_read(const struct ipw_env *env, pid_t pid, struct proc_stat *out)
{
    char path[64], text[1024];
    unsigned long long user, system, began;
    int parent;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    if (pid <= 0 || ipw_env_read(env, path, text, sizeof text) < 0)
        return -1;
    const char *p = strrchr(text, ')'); /* the name may hold anything; proc(5): what follows is field 3 */
    if (!p || sscanf(p + 1, " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d %*d %*d %llu",
                     &out->state, &parent, &user, &system, &began) != 5)
        return -1;
    out->parent = parent;
    out->began = began;
    out->cpu = user + system;
    return 0;
}

static struct watched *find(struct proc_watch *w, pid_t pid)
{
    for (size_t i = 0; i < w->n; i++)
        if (w->v[i].pid == pid && w->v[i].alive)
            return &w->v[i];
    return NULL;
}

static void on_name(const char *name, void *ud)
{
    struct proc_watch *w = ud;
    struct proc_stat s;
    int64_t pid;
    if (!ipw_parse_i64(name, &pid) || proc_stat_read(w->env, (pid_t)pid, &s))
        return;
    IPW_GROW(w->all, w->n_all, w->cap_all);
    w->all[w->n_all++] = (struct pair){(pid_t)pid, s.parent};
}

static void add(struct proc_watch *w, pid_t pid)
{
    struct proc_stat s;
    if (find(w, pid) || proc_stat_read(w->env, pid, &s))
        return;
    IPW_GROW(w->v, w->n, w->cap);
    w->v[w->n++] = (struct watched){pid, s.began, s.cpu, w->began && s.began > w->began ? 0 : s.cpu, 1};
}

/* Children of those known, until there are no more. */
static void look(struct proc_watch *w)
{
    w->n_all = 0;
    w->env->io->list(w->env, "/proc", on_name, w);
    for (size_t before = 0; before != w->n;) {
        before = w->n;
        for (size_t i = 0; i < w->n_all; i++)
            if (find(w, w->all[i].parent))
                add(w, w->all[i].pid);
    }
    w->looked_ns = ipw_now(w->env);
}

static void update(struct proc_watch *w)
{
    int64_t sum = 0, tick = 1000000000 / sysconf(_SC_CLK_TCK);
    if (ipw_now(w->env) - w->looked_ns > LOOK_NS)
        look(w);
    for (size_t i = 0; i < w->n; i++) {
        struct watched *x = &w->v[i];
        struct proc_stat s;
        if (x->alive && (proc_stat_read(w->env, x->pid, &s) || s.began != x->began))
            x->alive = 0; /* gone, or its number is another's now: what it had spent stays */
        else if (x->alive) {
            x->cpu = s.cpu > x->cpu ? s.cpu : x->cpu;
            x->alive = s.state != 'Z'; /* dead, and nobody has asked how it ended */
        }
        sum += (int64_t)(x->cpu - x->base) * tick;
    }
    w->cpu_ns = sum > w->cpu_ns ? sum : w->cpu_ns;
}

struct proc_watch *proc_watch_new(const struct ipw_env *env, pid_t pid)
{
    struct proc_watch *w = ipw_calloc(1, sizeof *w);
    struct proc_stat s;
    w->env = env;
    pthread_mutex_init(&w->lock, NULL);
    add(w, pid);
    if (!w->n) {
        proc_watch_free(w);
        return NULL;
    }
    look(w);
    for (size_t i = 0; i < w->n_all; i++)
        if (!proc_stat_read(env, w->all[i].pid, &s) && s.began > w->began)
            w->began = s.began;
    return w;
}

void proc_watch_free(struct proc_watch *w)
{
    if (!w)
        return;
    pthread_mutex_destroy(&w->lock);
    free(w->v);
    free(w->all);
    free(w);
}

int64_t proc_watch_cpu(struct proc_watch *w)
{
    pthread_mutex_lock(&w->lock);
    update(w);
    int64_t ns = w->cpu_ns;
    pthread_mutex_unlock(&w->lock);
    return ns;
}

size_t proc_watch_pids(struct proc_watch *w, pid_t *out, size_t cap)
{
    size_t n = 0;
    pthread_mutex_lock(&w->lock);
    for (size_t i = 0; i < w->n; i++)
        if (w->v[i].alive && n++ < cap)
            out[n - 1] = w->v[i].pid;
    pthread_mutex_unlock(&w->lock);
    return n;
}
