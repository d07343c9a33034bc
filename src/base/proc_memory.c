/* What a process and its descendants hold of the machine's memory, as /proc tells it. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/proc.h"
#include "base/str.h"

enum { MAX_PIDS = 1024 };

struct family {
    size_t n;
    int pid[MAX_PIDS]; /* parents before their children */
};

static ssize_t read_text(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    return n;
}

/* Children of each of its threads. */
static void add_children(struct family *f, int pid)
{
    char path[300], text[8192];
    snprintf(path, sizeof path, "/proc/%d/task", pid);
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        char *p = text, *end;
        if (!ipw_isdigit((unsigned char)*e->d_name))
            continue;
        snprintf(path, sizeof path, "/proc/%d/task/%s/children", pid, e->d_name);
        read_text(path, text, sizeof text);
        for (long child; (child = strtol(p, &end, 10)) > 0 && end != p && f->n < MAX_PIDS; p = end)
            f->pid[f->n++] = (int)child;
    }
    if (dir)
        closedir(dir);
}

/* A line "Name:  12 kB" in bytes; 0: there is none. */
static int64_t bytes_of(const char *text, const char *name)
{
    long long kb;
    const char *line = strstr(text, name);
    return line && sscanf(line + strlen(name), "%lld", &kb) == 1 ? (int64_t)kb * 1024 : 0;
}

/* Also what is swapped out, and the tables of pages. */
static int64_t held(int pid)
{
    char path[64], text[4096];
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    if (read_text(path, text, sizeof text) <= 0)
        return -1;
    return bytes_of(text, "\nVmRSS:") + bytes_of(text, "\nVmSwap:") + bytes_of(text, "\nVmPTE:");
}

/* Pages that n processes have in common count as 1/n for each. */
static int64_t share(int pid)
{
    char path[64], text[4096];
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", pid);
    read_text(path, text, sizeof text);
    return strstr(text, "\nPss:") ? bytes_of(text, "\nPss:") + bytes_of(text, "\nSwapPss:") : held(pid);
}

static int64_t sum(const struct family *f, int64_t (*of)(int pid))
{
    int64_t total = 0;
    for (size_t i = 0; i < f->n; i++) {
        int64_t n = of(f->pid[i]);
        total += n > 0 ? n : 0; /* it may just have ended */
    }
    return total;
}

int64_t proc_memory(pid_t pid, int64_t enough)
{
    struct family *f = malloc(sizeof *f);
    if (!f)
        return -1;
    f->n = 1;
    f->pid[0] = (int)pid;
    for (size_t i = 0; i < f->n; i++)
        add_children(f, f->pid[i]);
    int64_t total = held((int)pid) < 0 ? -1 : sum(f, held);
    if (total > enough) /* the quick look counts pages in common once for each */
        total = sum(f, share);
    free(f);
    return total;
}
