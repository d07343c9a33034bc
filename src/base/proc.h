/* Other programs: start one, wait for it, signal it; and the CPU time of it with all that it starts. */
#ifndef IPW_BASE_PROC_H
#define IPW_BASE_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct proc {
    pid_t pid;      /* 0: not started */
    int fd;         /* pidfd, -1 where the kernel has none */
    int status;     /* as waitpid gives it, once done */
    bool done;
    int exec_errno; /* why proc_start failed: ENOENT not found, EACCES and others not executable, 0 other reasons */
};

/* Starts argv[0] (looked up in PATH) in this process's group, so that the terminal's signals reach it. It gets standard
 * files, the signal mask of the caller, and default dispositions of what the caller catches, and of SIGPIPE and SIGXFSZ.
 * Every other descriptor must be close-on-exec. Returns only when the program runs or has failed to. */
int proc_start(struct proc *p, char *const argv[], struct ipw_err *err);

/* The same, with nothing to read and both its outputs in the file behind `output`. */
int proc_start_into(struct proc *p, char *const argv[], int output, struct ipw_err *err);

/* The same, as the leader of a process group of its own (the terminal's Ctrl-C does not reach it); of a session of its own
 * when it is to outlive us. */
int proc_start_group(struct proc *p, char *const argv[], int output, bool session, struct ipw_err *err);

/* What a program may use; 0: as much as this process may. */
struct proc_limits {
    uint64_t cpu_s, memory, file, files; /* seconds; bytes of address space, of a file; descriptors */
    uid_t uid;                           /* whom it runs as, with the group of the same number; 0: as we do */
};

/* All files that it gets; they stay the caller's. more: under the same numbers. */
struct proc_files {
    int input, output, errors;
    int more[3];
    size_t n_more;
};

/* The same, in a group of its own. It leaves no core file, and is what the kernel ends first when memory is short. */
int proc_start_limited(struct proc *p, char *const argv[], const struct proc_files *files, const struct proc_limits *limits,
                       struct ipw_err *err);

/* Bytes of memory that a process and all that it started hold, pages in common counted once; -1: the kernel does not tell. More
 * than `enough` need not be exact. */
int64_t proc_memory(pid_t pid, int64_t enough);

/* A small process that ends the group of that leader (SIGTERM, after 10 s SIGKILL) when this one is gone, however it went.
 * Returns a descriptor to give to proc_keep_end while the leader has not been waited for; -1: there is no keeper. */
int proc_keep(pid_t leader);
void proc_keep_end(int fd);

void proc_signal_group(const struct proc *p, int sig); /* nothing once the leader has been waited for */

/* True when it has ended (p->status is set); waits at most timeout_ms (-1: for ever), less when a signal comes. */
bool proc_wait(struct proc *p, int timeout_ms);

void proc_signal(const struct proc *p, int sig); /* nothing once it has been waited for */

/* What a shell would report: its exit code, 128 + the signal that ended it. */
int proc_exit_code(const struct proc *p);
void proc_release(struct proc *p); /* the descriptor; the process goes on */

/* CPU time of every descendant of this process, living and dead, threads included. proc_tree_new makes this process the
 * reaper of orphans, so that a grandchild whose parent has ended still counts. What a process spent before it was
 * noticed arrives when it is noticed or waited for, so the value may lag by a scan, and never runs backwards. Lost is only
 * the time of children that their parent asked the kernel to forget (SIGCHLD ignored) and that ended between two scans.
 */
struct proc_tree;
struct proc_tree *proc_tree_new(void);
void proc_tree_free(struct proc_tree *t);

/* Looks for new descendants and reaps orphans other than `mine` (0: none). One thread; a few times a second. */
void proc_tree_scan(struct proc_tree *t, pid_t mine);
int64_t proc_tree_cpu(struct proc_tree *t); /* ns since proc_tree_new; any thread, no allocation, no lock */

#endif
