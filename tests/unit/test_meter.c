/* ipw-meter, really run: an ordinary user gets descriptors through it; what it refuses; helpers that misbehave. */
#include "check.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/helper.h"
#include "base/str.h"
#include "energy/collector.h"
#include "fakes/fakefs.h"

extern const struct energy_collector_ops energy_perf;

static int fds_open(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

static int refuse(const struct ipw_env *env, uint32_t type, uint64_t config, int cpu)
{
    (void)env, (void)type, (void)config, (void)cpu;
    errno = EACCES;
    return -1;
}

static int really(const struct ipw_env *env, uint32_t type, uint64_t config, int cpu)
{
    (void)env;
    return ipw_env_host.io->perf_event_open(&ipw_env_host, type, config, cpu);
}

/* The machine's own files and descriptors under another root, with a perf_event_open of the test's. */
static struct ipw_env host_env(struct ipw_io *io, const char *root,
                               int (*open)(const struct ipw_env *, uint32_t, uint64_t, int), const char *meter)
{
    *io = *ipw_env_host.io;
    io->perf_event_open = open;
    struct ipw_env env = ipw_env_host;
    env.io = io;
    env.sys_root = root;
    env.at.meter = meter;
    return env;
}

/* A tree whose energy event is one that this kernel has: CPU time of CPU 0. */
static void make_meter_root(void)
{
    fakefs_write(TEST_METER_ROOT "/sys/bus/event_source/devices/power", "type", "1\n");
    fakefs_write(TEST_METER_ROOT "/sys/bus/event_source/devices/power", "cpumask", "0\n");
    fakefs_write(TEST_METER_ROOT "/sys/bus/event_source/devices/power", "events/energy-pkg", "event=0x00\n");
}

/* Opens the rows, reads the first twice; what happened as an exit status. */
enum { COUNTS = 40, STANDS, DENIED, NOT_REFUSED, OTHER };
static int use_collector(const struct ipw_env *env)
{
    struct energy_channels list = {0};
    struct energy_collector *c;
    uint64_t a = 0, b = 0;
    energy_perf.open(&c, env, &list);
    int result = OTHER;
    if (list.n == 1 && list.v[0].status == ENERGY_CHANNEL_DENIED)
        result = DENIED;
    if (list.n == 1 && list.v[0].status == ENERGY_CHANNEL_OK && c && !energy_perf.read(c, env, 0, &a)) {
        usleep(20000);
        if (!energy_perf.read(c, env, 0, &b))
            result = b > a ? COUNTS : STANDS;
    }
    if (c)
        energy_perf.close(c, env);
    free(list.v);
    return result;
}

static void test_helper(void **state)
{
    (void)state;
    struct ipw_io io;
    make_meter_root();
    int before = fds_open();
    int can = really(NULL, 1, 0, 0);
    if (can < 0) {
        print_message("perf_event_open is refused here (%s): the helper hands over nothing\n", strerror(errno));
        skip();
    }
    close(can);
    struct ipw_env env = host_env(&io, TEST_METER_ROOT "/sys", refuse, TEST_METER_FIXTURE);
    assert_int_equal(use_collector(&env), COUNTS);
    env.at.meter = "/nowhere/ipw-meter";
    assert_int_equal(use_collector(&env), DENIED);
    env.at.meter = NULL; /* an installed helper knows only the real /sys: not asked */
    assert_int_equal(use_collector(&env), DENIED);
    assert_int_equal(fds_open(), before);
    assert_true(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
}

/* An ordinary user: refused by the kernel, served by a helper with cap_perfmon that their group may run. */
static int as_user(unsigned id, const char *meter)
{
    pid_t pid = fork();
    if (pid == 0) {
        struct ipw_io io;
        if (setgroups(0, NULL) || setgid(id) || setuid(id))
            _exit(OTHER);
        struct ipw_env env = host_env(&io, TEST_METER_ROOT "/sys", really, meter);
        _exit(really(NULL, 1, 0, 0) >= 0 ? NOT_REFUSED : use_collector(&env));
    }
    int status;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : OTHER;
}

static bool copy(const char *from, const char *to)
{
    char bytes[65536];
    ssize_t n;
    int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    while ((n = read(in, bytes, sizeof bytes)) > 0)
        if (write(out, bytes, (size_t)n) != n)
            return false;
    close(in);
    return close(out) == 0 && n == 0;
}

static void test_ordinary_user(void **state)
{
    (void)state;
    enum { USER = 65534, STRANGER = 65533, PERFMON = 38 };
    static const uint8_t cap[20] = {1, 0, 0, 2, [8] = 0, [12] = 1 << (PERFMON - 32)}; /* revision 2, effective */
    char dir[] = "/tmp/ipw-meter-XXXXXX", meter[64];
    struct statvfs fs;
    struct stat st;
    make_meter_root();
    if (geteuid() != 0 || prctl(PR_CAPBSET_READ, PERFMON) != 1 || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 0 ||
        statvfs("/tmp", &fs) || fs.f_flag & ST_NOSUID) {
        print_message("not root, or no file capabilities here\n");
        skip();
    }
    assert_non_null(mkdtemp(dir));
    assert_int_equal(chmod(dir, 0755), 0);
    snprintf(meter, sizeof meter, "%s/ipw-meter", dir);
    assert_true(copy(TEST_METER_FIXTURE, meter));
    assert_int_equal(chown(meter, 0, USER), 0);
    assert_int_equal(chmod(meter, 0750), 0);
    int without = as_user(USER, meter);
    int rc = setxattr(meter, "security.capability", cap, sizeof cap, 0), with = as_user(USER, meter);
    int stranger = as_user(STRANGER, meter);
    bool hidden = stat(TEST_METER_ROOT, &st) != 0;
    fakefs_remove(dir);
    if (rc || hidden || without == NOT_REFUSED || without == OTHER) { /* OTHER: the build is in a private folder */
        print_message("no file capabilities, no refusal to overcome, or a private build folder\n");
        skip();
    }
    assert_int_equal(without, DENIED);
    assert_int_equal(with, COUNTS);
    assert_int_equal(stranger, DENIED);
}

/* How the shipped program ends with `fd` as its descriptor 3. */
static int run_meter(int fd, char *const argv[], char *const envp[])
{
    pid_t pid = fork();
    if (pid == 0) {
        if (fd < 0)
            close(3);
        else if (fd != 3)
            dup2(fd, 3);
        else
            fcntl(3, F_SETFD, 0);
        execve(argv[0], argv, envp);
        _exit(127);
    }
    int status;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_refusals(void **state)
{
    (void)state;
    char meter[] = TEST_METER, etc[] = "/etc/hostname", *argv[] = {meter, etc, NULL};
    char root[] = "IPW_SYSFS_ROOT=" TEST_METER_ROOT "/sys", *envp[] = {root, NULL};
    struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "/tmp/ipw-meter-test.sock"};
    int pair[2], stream[2], pipes[2];
    bool power = access("/sys/bus/event_source/devices/power/type", R_OK) == 0;
    make_meter_root();
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, stream), 0);
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    snprintf(name.sun_path, sizeof name.sun_path, "/tmp/ipw-meter-%d.sock", (int)getpid());
    int server = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), client = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    int udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), file = open(meter, O_RDONLY | O_CLOEXEC);
    assert_int_equal(bind(server, (struct sockaddr *)&name, sizeof name), 0);
    assert_int_equal(listen(server, 1), 0);
    assert_int_equal(connect(client, (struct sockaddr *)&name, sizeof name), 0);
    int lonely = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    int accepted = accept(server, NULL, NULL);
    const int bad[] = {-1, pipes[0], file, udp, stream[0], client, accepted, server, lonely};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(run_meter(bad[i], argv, envp), 2);
    /* Neither the variable nor the argument makes it look elsewhere: on a machine without the PMU there is none. */
    assert_int_equal(run_meter(pair[0], argv, envp), power ? 0 : 1);
    unlink(name.sun_path);
    const int all[] = {pair[0], pair[1], stream[0], stream[1], pipes[0], pipes[1], server, client, accepted, udp, file, lonely};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        close(all[i]);
}

/* No loader, no library: nothing of the user's environment has a part in it. */
static void test_static(void **state)
{
    (void)state;
    Elf64_Ehdr head;
    Elf64_Phdr part;
    FILE *f = fopen(TEST_METER, "rb");
    assert_non_null(f);
    assert_int_equal(fread(&head, sizeof head, 1, f), 1);
    for (int i = 0; i < head.e_phnum; i++) {
        assert_int_equal(fseek(f, (long)head.e_phoff + i * (long)head.e_phentsize, SEEK_SET), 0);
        assert_int_equal(fread(&part, sizeof part, 1, f), 1);
        assert_true(part.p_type != PT_INTERP && part.p_type != PT_DYNAMIC);
    }
    fclose(f);
}

/* Under strace: every file that the program opens is one of the PMU's (libc asks for the name of its own program). */
static void test_opens(void **state)
{
    (void)state;
    char log[] = "/tmp/ipw-strace-XXXXXX", strace[] = "/usr/bin/strace", quiet[] = "-qq", out[] = "-o", what[] = "-e", set[] = "-E",
         calls[] = "trace=%file,%process,%network,perf_event_open", meter[] = TEST_METER, arg[] = "/etc/hostname", line[512];
    char preload[] = "LD_PRELOAD=/tmp/evil.so", root[] = "METER_ROOT=/tmp", *envp[] = {root, NULL};
    char *argv[] = {strace, quiet, what, calls, set, preload, out, log, meter, arg, NULL};
    int pair[2], fd = mkstemp(log), opens = 0;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    int rc = access(strace, X_OK) == 0 ? run_meter(pair[0], argv, envp) : 127;
    FILE *f = fdopen(fd, "r");
    while (fgets(line, sizeof line, f)) {
        bool start = ipw_starts(line, "execve(\"" TEST_METER), open = ipw_starts(line, "open");
        if (strchr(line, '"') && !start && !strstr(line, "\"/sys/bus/event_source/devices/power/") &&
            !ipw_starts(line, "sendmsg") && !ipw_starts(line, "readlink(\"/proc/self/exe\""))
            fail_msg("ipw-meter reaches for: %s", line);
        opens += open;
    }
    fclose(f);
    unlink(log);
    close(pair[0]);
    close(pair[1]);
    if (rc == 127 || !opens) {
        print_message("no strace here\n");
        skip();
    }
}

/* Helpers that are not ipw-meter: this very program, by the name it was started with. */
static void send_text(const char *text, int fd)
{
    int two[2] = {fd, fd};
    union {
        char bytes[CMSG_SPACE(sizeof two)];
        struct cmsghdr align;
    } control = {{0}};
    struct iovec part = {NULL, strlen(text)};
    memcpy(&part.iov_base, &text, sizeof text);
    struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd >= 0) {
        msg.msg_control = control.bytes;
        msg.msg_controllen = sizeof control.bytes;
        struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof two);
        memcpy(CMSG_DATA(c), two, sizeof two);
    }
    sendmsg(IPW_HELPER_FD, &msg, MSG_NOSIGNAL);
}

static int play(const char *part)
{
    if (ipw_streq(part, "hang")) { /* ends itself, leaves a child that holds the socket */
        pid_t pid = fork();
        char text[32];
        if (pid == 0) {
            sleep(60);
            _exit(0);
        }
        snprintf(text, sizeof text, "%d", (int)pid);
        send_text(text, -1);
        return 0;
    }
    if (ipw_streq(part, "babble")) {
        int null = open("/dev/null", O_RDONLY), zero = open("/dev/zero", O_RDONLY);
        char text[200];
        memset(text, 'x', sizeof text - 1);
        text[sizeof text - 1] = '\0';
        send_text(text, null);
        send_text("energy-pkg 0", -1);
        send_text("energy-pkg 0", null); /* gives no count */
        send_text("energy-pkg 99", zero);
        send_text("energy-none 0", zero);
        send_text("energy-pkg 0 ", zero);
    }
    return part[0] == 's' ? 1 : 0; /* "silent" */
}

static void test_bad_helpers(void **state)
{
    (void)state;
    char dir[] = "/tmp/ipw-helper-XXXXXX", self[512], path[64], text[64];
    struct ipw_io io;
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(n > 0 && mkdtemp(dir));
    self[n] = '\0';
    make_meter_root();
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    int before = fds_open(), fd, status;
    const char *const parts[] = {"silent", "babble", "hang"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, parts[i]);
        assert_int_equal(symlink(self, path), 0);
        struct ipw_env env = host_env(&io, TEST_METER_ROOT "/sys", refuse, path);
        int64_t t = ipw_now(&ipw_env_host);
        assert_int_equal(use_collector(&env), DENIED);
        t = ipw_now(&ipw_env_host) - t;
        assert_true(i < 2 ? t < 1500000000 : t > 1900000000 && t < 4000000000);
        assert_int_equal(fds_open(), before);
    }
    waitpid(-1, NULL, 0); /* the orphan of "hang" */
    assert_true(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
    /* the whole group goes */
    struct ipw_helper p;
    assert_int_equal(ipw_helper_start(&p, path), 0);
    assert_true(ipw_helper_receive(&p, &ipw_env_host, ipw_now(&ipw_env_host) + 2000000000, text, sizeof text, &fd) > 0);
    assert_int_equal(ipw_helper_receive(&p, &ipw_env_host, ipw_now(&ipw_env_host) + 50000000, text, 4, &fd), -ETIMEDOUT);
    ipw_helper_end(&p);
    assert_int_equal(waitpid((pid_t)strtol(text, NULL, 10), &status, 0), (pid_t)strtol(text, NULL, 10));
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_int_equal(ipw_helper_start(&p, dir), -EACCES);
    assert_int_equal(ipw_helper_start(&p, "/nowhere"), -ENOENT);
    assert_int_equal(fds_open(), before);
    fakefs_remove(dir);
}

int main(int argc, char **argv)
{
    const char *part = argc ? strrchr(argv[0], '/') : NULL;
    if (part && (ipw_streq(part, "/silent") || ipw_streq(part, "/babble") || ipw_streq(part, "/hang")))
        _exit(play(part + 1));
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_helper), cmocka_unit_test(test_ordinary_user), cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_static), cmocka_unit_test(test_opens),         cmocka_unit_test(test_bad_helpers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
