#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"

enum { MAX_PIDS = 4096 };
#define TICK_NS ((int64_t)10000000) /* USER_HZ is part of the kernel's interface */
#define SCAN_SHARE 50               /* a scan may cost 2 % of one CPU */

struct list {
    _Atomic int n;
    _Atomic int pid[MAX_PIDS]; /* parents before their children */
};

struct proc_tree {
    struct list list[2]; /* list[gen & 1] is the one to read; the other is being written */
    _Atomic unsigned gen;
    _Atomic int64_t most; /* the highest value given so far */
    int64_t before;       /* of children that were waited for before */
    int64_t next_scan_ns;
    struct kin {
        int pid, parent;
    } *kin;
    size_t n_kin, cap_kin;
};

static int64_t now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static int64_t waited_for(void)
{
    struct rusage u;
    getrusage(RUSAGE_CHILDREN, &u);
    return ((int64_t)u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000000 +
           ((int64_t)u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000;
}

static const char *number(const char *p, int64_t *out)
{
    *out = 0;
    for (p += strspn(p, " "); ipw_isdigit((unsigned char)*p); p++)
        *out = *out * 10 + (*p - '0');
    return p;
}

/* The parent and the CPU time of waited-for children: fields 4, 16 and 17 of /proc/PID/stat. The name in brackets may
 * hold anything, so counting begins behind the last one. False when the process is gone. */
static bool read_stat(int pid, int *parent, int64_t *children_ns)
{
    char path[32], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    const char *p = n > 0 ? strrchr(text, ')') : NULL;
    int64_t v[15] = {0}; /* fields 4 to 17 */
    if (!p || strlen(p) < 4)
        return false;
    p += 3; /* ") S" */
    for (int i = 4; i <= 17; i++) {
        p += strspn(p, " ");
        p += *p == '-';
        p = number(p, &v[i - 4]);
    }
    *parent = (int)v[0];
    *children_ns = (v[12] + v[13]) * TICK_NS;
    return true;
}

static int64_t own_ns(int pid)
{
    clockid_t id;
    struct timespec ts;
    if (clock_getcpuclockid(pid, &id) || clock_gettime(id, &ts))
        return 0;
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* Parents first: a child that is waited for between its parent's look and its own is missed once, never counted twice.
 * Times only grow, so the highest sum so far is the best one. */
int64_t proc_tree_cpu(struct proc_tree *t)
{
    int64_t sum;
    unsigned gen;
    do {
        gen = atomic_load(&t->gen);
        const struct list *l = &t->list[gen & 1];
        sum = waited_for() - t->before;
        for (int i = 0, n = atomic_load(&l->n); i < n; i++) {
            int parent, pid = atomic_load(&l->pid[i]);
            int64_t children;
            if (read_stat(pid, &parent, &children))
                sum += children + own_ns(pid);
        }
    } while (atomic_load(&t->gen) != gen); /* the list may have been overwritten */
    int64_t most = atomic_load(&t->most);
    while (most < sum && !atomic_compare_exchange_weak(&t->most, &most, sum))
        ;
    return most < sum ? sum : most;
}

/* ---- looking ---- */

static void find_kin(struct proc_tree *t)
{
    t->n_kin = 0;
    DIR *dir = opendir("/proc");
    for (struct dirent *e; dir && (e = readdir(dir));) {
        int64_t pid, ignored;
        int parent;
        if (!ipw_parse_i64(e->d_name, &pid) || !read_stat((int)pid, &parent, &ignored))
            continue;
        IPW_GROW(t->kin, t->n_kin, t->cap_kin);
        t->kin[t->n_kin++] = (struct kin){(int)pid, parent};
    }
    if (dir)
        closedir(dir);
}

static int by_parent(const void *a, const void *b)
{
    const struct kin *x = a, *y = b;
    return x->parent != y->parent ? (x->parent > y->parent) - (x->parent < y->parent)
                                  : (x->pid > y->pid) - (x->pid < y->pid);
}

static void add_children(const struct proc_tree *t, struct list *l, int parent)
{
    size_t lo = 0, hi = t->n_kin;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (t->kin[mid].parent < parent)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (int n = atomic_load(&l->n); lo < t->n_kin && t->kin[lo].parent == parent && n < MAX_PIDS; lo++) {
        atomic_store(&l->pid[n++], t->kin[lo].pid);
        atomic_store(&l->n, n);
    }
}

static void reap(pid_t mine)
{
    siginfo_t s = {0};
    while (!waitid(P_ALL, 0, &s, WEXITED | WNOHANG | WNOWAIT) && s.si_pid && s.si_pid != mine) {
        waitpid(s.si_pid, NULL, WNOHANG);
        s.si_pid = 0;
    }
}

void proc_tree_scan(struct proc_tree *t, pid_t mine)
{
    int64_t begun = now_ns();
    reap(mine);
    if (begun < t->next_scan_ns)
        return;
    unsigned gen = atomic_load(&t->gen) + 1;
    struct list *l = &t->list[gen & 1];
    find_kin(t);
    if (t->n_kin)
        qsort(t->kin, t->n_kin, sizeof *t->kin, by_parent);
    atomic_store(&l->n, 0);
    add_children(t, l, getpid());
    for (int i = 0; i < atomic_load(&l->n); i++)
        add_children(t, l, atomic_load(&l->pid[i]));
    atomic_store(&t->gen, gen);
    int64_t done = now_ns();
    t->next_scan_ns = done + (done - begun) * SCAN_SHARE;
}

struct proc_tree *proc_tree_new(void)
{
    struct proc_tree *t = ipw_calloc(1, sizeof *t);
#ifdef __linux__
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* refused only by kernels before 3.4: orphans are then not counted */
#endif
    t->before = waited_for();
    return t;
}

void proc_tree_free(struct proc_tree *t)
{
    if (!t)
        return;
    free(t->kin);
    free(t);
}
