/* ipw-meter: the one program of ipw that may hold a capability (cap_perfmon). It opens the energy events of the kernel's
 * `power` PMU, hands the descriptors over the Unix socket it was started with (descriptor 3), and ends. A descriptor
 * gives counts of energy and nothing else. The program looks at no argument, no variable and no byte from its caller;
 * all it opens is named below.
 *
 * One message per event that could be opened: the text "energy-pkg 0" (event, CPU), the descriptor beside it. Ends
 * with 0, or 1 when there is no such PMU, 2 when descriptor 3 is not one end of a socket pair. */
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifndef METER_ROOT /* a test builds another program with a tree of its own; nothing at run time can */
#define METER_ROOT ""
#define METER_SYSFS_ONLY 1
#else
#define METER_SYSFS_ONLY 0
#endif
#define PMU METER_ROOT "/sys/bus/event_source/devices/power/"

enum { SOCK = 3, MAX_CPU = 1 << 20, MAX_EVENTS = 1024 };

static const struct {
    const char *name, *path;
} events[] = {
    {"energy-pkg", PMU "events/energy-pkg"},     {"energy-ram", PMU "events/energy-ram"},
    {"energy-cores", PMU "events/energy-cores"}, {"energy-gpu", PMU "events/energy-gpu"},
    {"energy-psys", PMU "events/energy-psys"},
};

/* One end of socketpair(2): such a socket has no name, and neither has its peer. */
static int is_pair(int fd)
{
    struct sockaddr_un mine, peer;
    socklen_t n = sizeof mine, m = sizeof peer, size = sizeof(int);
    int domain, type;
    return !getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) && domain == AF_UNIX &&
           !getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) && type == SOCK_SEQPACKET &&
           !getsockname(fd, (struct sockaddr *)&mine, &n) && n == sizeof mine.sun_family &&
           !getpeername(fd, (struct sockaddr *)&peer, &m) && m == sizeof peer.sun_family;
}

/* A file of /sys, NUL-terminated; 0 when there is none. */
static int text_of(const char *path, char *out, size_t size)
{
    struct statfs fs;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t n = 0;
    if (!METER_SYSFS_ONLY || (!fstatfs(fd, &fs) && fs.f_type == SYSFS_MAGIC))
        n = read(fd, out, size - 1);
    close(fd);
    out[n > 0 ? n : 0] = '\0';
    return n > 0;
}

/* A number that fits in max, and where it ends; NULL when there is none. */
static const char *number(const char *s, int base, unsigned long max, unsigned long *out)
{
    char *end;
    if (!strchr("0123456789", *s) || !*s)
        return NULL;
    *out = strtoul(s, &end, base);
    return *out <= max ? end : NULL;
}

static void give(const char *event, unsigned long cpu, int fd)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {{0}};
    char text[48];
    struct iovec part = {text, (size_t)snprintf(text, sizeof text, "%s %lu", event, cpu)};
    struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes,
                         .msg_controllen = sizeof control.bytes};
    struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(c), &fd, sizeof fd);
    sendmsg(SOCK, &msg, MSG_NOSIGNAL);
}

static void open_event(unsigned long type, const char *event, unsigned long config, unsigned long cpu)
{
    struct perf_event_attr attr = {.size = sizeof attr, .type = (unsigned)type, .config = config};
    int fd = (int)syscall(SYS_perf_event_open, &attr, -1, (int)cpu, -1, PERF_FLAG_FD_CLOEXEC);
    if (fd < 0)
        return;
    give(event, cpu, fd);
    close(fd);
}

/* Every CPU of a list such as "0,18" or "0-1,4". */
static int open_on(const char *cpus, unsigned long type, const char *event, unsigned long config)
{
    unsigned long a, b, opened = 0;
    for (const char *p = cpus; (p = number(p, 10, MAX_CPU, &a)); p++) {
        b = a;
        if (*p == '-' && !(p = number(p + 1, 10, MAX_CPU, &b)))
            return 0;
        for (; a <= b && opened++ < MAX_EVENTS; a++)
            open_event(type, event, config, a);
        if (*p != ',')
            return 1;
    }
    return 0;
}

int main(void)
{
    char text[64], cpus[4096];
    unsigned long type, config;
    if (!is_pair(SOCK))
        return 2;
    if (!text_of(PMU "type", text, sizeof text) || !number(text, 10, 0xffffffff, &type) ||
        !text_of(PMU "cpumask", cpus, sizeof cpus))
        return 1;
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++)
        if (text_of(events[i].path, text, sizeof text) && !strncmp(text, "event=", 6) &&
            number(text + 6, 0, 0xff, &config))
            open_on(cpus, type, events[i].name, config);
    return 0;
}
