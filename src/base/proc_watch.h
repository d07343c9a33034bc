/* CPU time of a process that this one did not start, with all that it starts (proc.h has those of our own). */
#ifndef IPW_BASE_PROC_WATCH_H
#define IPW_BASE_PROC_WATCH_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/env.h"

struct proc_watch;

/* NULL: there is no such process, or this kernel does not tell (no /proc). */
struct proc_watch *proc_watch_new(const struct ipw_env *env, pid_t pid);
void proc_watch_free(struct proc_watch *w); /* NULL is fine */

/* ns since proc_watch_new, of the living and the dead, to a clock tick (10 ms) for each. Never runs backwards; new
 * descendants are looked for every 2 s. Any thread. */
int64_t proc_watch_cpu(struct proc_watch *w);

/* The processes alive at the last look; how many there are, of which the first cap are in out. */
size_t proc_watch_pids(struct proc_watch *w, pid_t *out, size_t cap);

/* A line of /proc/PID/stat: parent, state, start in clock ticks since boot, CPU time in ticks. False: it is none. */
struct proc_stat {
    pid_t parent;
    char state;
    uint64_t began, cpu;
};
int proc_stat_read(const struct ipw_env *env, pid_t pid, struct proc_stat *out); /* 0 or -1 */

#endif
