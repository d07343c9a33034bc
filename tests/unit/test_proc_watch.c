/* The CPU time of processes that are not ours to wait for, and who listens where: live ones of this machine. */
#include "check.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/proc_watch.h"
#include "engine/servers.h"

static void burn(double seconds)
{
    struct timespec t;
    do
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    while ((double)t.tv_sec + (double)t.tv_nsec * 1e-9 < seconds);
}

/* A process that burns, then a child of it that burns and lives on. */
static pid_t start(int ready)
{
    pid_t pid = fork();
    if (pid)
        return pid;
    char c;
    if (read(ready, &c, 1) != 1)
        _exit(1);
    burn(0.3);
    if (!fork()) {
        burn(0.3);
        for (;;)
            pause();
    }
    for (;;)
        pause();
}

static void test_tree(void **state)
{
    (void)state;
    int go[2];
    pid_t seen[8];
    assert_int_equal(pipe(go), 0);
    pid_t pid = start(go[0]);
    struct proc_watch *w = proc_watch_new(&ipw_env_host, pid);
    assert_non_null(w);
    assert_true(proc_watch_cpu(w) < 50000000);
    assert_int_equal(write(go[1], "x", 1), 1);
    int64_t last = 0, cpu = 0;
    for (int i = 0; i < 300 && cpu < 560000000; i++) { /* the child is found at the next look, 2 s at most */
        usleep(50000);
        cpu = proc_watch_cpu(w);
        assert_true(cpu >= last);
        last = cpu;
    }
    assert_true(cpu >= 560000000 && cpu <= 800000000);
    assert_int_equal(proc_watch_pids(w, seen, 8), 2);
    assert_int_equal(seen[0], pid);
    kill(seen[1], SIGKILL);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    assert_true(proc_watch_cpu(w) >= cpu); /* the dead keep what they spent */
    for (int i = 0; i < 500 && proc_watch_pids(w, seen, 8); i++) { /* a signal takes its time */
        usleep(10000);
        assert_true(proc_watch_cpu(w) >= cpu);
    }
    assert_int_equal(proc_watch_pids(w, seen, 8), 0);
    proc_watch_free(w);
    assert_null(proc_watch_new(&ipw_env_host, pid));
    close(go[0]);
    close(go[1]);
}

static void test_listener(void **state)
{
    (void)state;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    char url[64];
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, n), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/v1", ntohs(a.sin_port));
    assert_int_equal(server_pid(&ipw_env_host, url), 0); /* bound is not listening */
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(server_pid(&ipw_env_host, url), getpid());
    close(fd);
    assert_int_equal(server_pid(&ipw_env_host, url), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_tree), cmocka_unit_test(test_listener)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
