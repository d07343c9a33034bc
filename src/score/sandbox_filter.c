/* Written as the kernel's filter machine takes it: a call is looked up in a list, three of them by their arguments.
 *
 * Refused is what makes memory that belongs to no process (so that no limit sees it: shared anonymous maps, memfd, System V
 * memory and queues, keys), what makes a namespace with powers of its own (and file systems without a limit in it), what talks
 * past the network namespace (sockets of virtual machines), what looks into other processes, and what only widens the kernel's
 * surface. */
#include "score/sandbox_filter.h"

#if defined __linux__ && (defined __x86_64__ || defined __aarch64__)
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __x86_64__
#define MACHINE AUDIT_ARCH_X86_64
#define MAX_CALL 0x3fffffffu /* above: the x32 way to make the same calls */
#else
#define MACHINE AUDIT_ARCH_AARCH64
#define MAX_CALL 0xffffffffu
#endif

#define NAMESPACES                                                                                                   \
    (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | 0x80 /* time */)
#define MAP_BOTH (MAP_SHARED | MAP_ANONYMOUS)

/* Numbers that every machine has in common since Linux 5.0, where headers may be older. */
enum { OPEN_TREE = 428, MOVE_MOUNT, FSOPEN, FSCONFIG, FSMOUNT, FSPICK, CLONE3 = 435, PIDFD_GETFD = 438, MOUNT_SETATTR = 442 };
enum { IO_URING_SETUP = 425, IO_URING_ENTER, IO_URING_REGISTER, MEMFD_SECRET = 447 };

static const unsigned refused[] = {
    /* memory of nobody */
    __NR_memfd_create, MEMFD_SECRET, __NR_shmget, __NR_shmat, __NR_msgget, __NR_semget, __NR_mq_open, __NR_add_key,
    __NR_request_key, __NR_keyctl,
    /* namespaces, file systems */
    __NR_unshare, __NR_setns, __NR_mount, __NR_umount2, __NR_pivot_root, __NR_chroot, OPEN_TREE, MOVE_MOUNT, FSOPEN, FSCONFIG,
    FSMOUNT, FSPICK, MOUNT_SETATTR, __NR_open_by_handle_at, __NR_name_to_handle_at, __NR_quotactl, __NR_fanotify_init,
    /* other processes */
    __NR_ptrace, __NR_process_vm_readv, __NR_process_vm_writev, PIDFD_GETFD, __NR_kcmp,
    /* the kernel */
    __NR_bpf, __NR_perf_event_open, __NR_userfaultfd, IO_URING_SETUP, IO_URING_ENTER, IO_URING_REGISTER, __NR_syslog, __NR_acct,
    __NR_swapon, __NR_reboot, __NR_init_module, __NR_finit_module, __NR_kexec_load,
};
enum { N_REFUSED = sizeof refused / sizeof refused[0], MOST = 2 * N_REFUSED + 40 };

struct program {
    struct sock_filter code[MOST];
    unsigned short n;
};

static void add(struct program *p, unsigned short code, unsigned char yes, unsigned char no, unsigned k)
{
    p->code[p->n++] = (struct sock_filter){code, yes, no, k};
}

static void load(struct program *p, size_t at)
{
    add(p, BPF_LD | BPF_W | BPF_ABS, 0, 0, (unsigned)at);
}

static void load_argument(struct program *p, size_t i) /* its lower half: both machines are little-endian */
{
    load(p, offsetof(struct seccomp_data, args) + 8 * i);
}

static void answer(struct program *p, unsigned what)
{
    add(p, BPF_RET | BPF_K, 0, 0, what);
}

/* Ends with that error if the loaded number is k. */
static void refuse(struct program *p, unsigned k, int error)
{
    add(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, k);
    answer(p, SECCOMP_RET_ERRNO | (unsigned)error);
}

static void write_program(struct program *p)
{
    static const unsigned families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};
    enum { N_FAMILIES = sizeof families / sizeof families[0] };
    load(p, offsetof(struct seccomp_data, arch));
    add(p, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, MACHINE);
    answer(p, SECCOMP_RET_KILL_PROCESS);
    load(p, offsetof(struct seccomp_data, nr));
    add(p, BPF_JMP | BPF_JGT | BPF_K, 0, 1, MAX_CALL);
    answer(p, SECCOMP_RET_KILL_PROCESS);
    for (size_t i = 0; i < N_REFUSED; i++)
        refuse(p, refused[i], EPERM);
    refuse(p, CLONE3, ENOSYS); /* its flags lie in memory; the C library takes clone then */

    add(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 4, __NR_clone);
    load_argument(p, 0);
    add(p, BPF_JMP | BPF_JSET | BPF_K, 0, 1, NAMESPACES);
    answer(p, SECCOMP_RET_ERRNO | EPERM);
    answer(p, SECCOMP_RET_ALLOW);

    add(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 5, __NR_mmap);
    load_argument(p, 3);
    add(p, BPF_ALU | BPF_AND | BPF_K, 0, 0, MAP_BOTH);
    add(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, MAP_BOTH);
    answer(p, SECCOMP_RET_ERRNO | EPERM);
    answer(p, SECCOMP_RET_ALLOW);

    add(p, BPF_JMP | BPF_JEQ | BPF_K, 0, N_FAMILIES + 2, __NR_socket);
    load_argument(p, 0);
    for (unsigned char i = 0; i < N_FAMILIES; i++)
        add(p, BPF_JMP | BPF_JEQ | BPF_K, (unsigned char)(N_FAMILIES - i), 0, families[i]);
    answer(p, SECCOMP_RET_ERRNO | EAFNOSUPPORT);
    answer(p, SECCOMP_RET_ALLOW);
}

int sandbox_filter(void)
{
    struct program p = {.n = 0};
    write_program(&p);
    ssize_t size = (ssize_t)(p.n * sizeof *p.code);
    int fd = memfd_create("filter", MFD_CLOEXEC);
    if (fd >= 0 && write(fd, p.code, (size_t)size) == size && !lseek(fd, 0, SEEK_SET))
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}
#else
int sandbox_filter(void)
{
    return -1;
}
#endif
