/* The run store under rough handling: two writers, readers at work, kill -9, a full disk, a folder that cannot be
 * written. */
#include "store_dir.h"

#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "base/rng.h"

static void test_lock_and_readers(void **state)
{
    struct store *w, *second, *r, *before;
    char pid[80];
    struct store_query q = a_query("q1", 1, QUERY_OK);
    ok(store_create(&w, *state, &err));
    snprintf(pid, sizeof pid, "is being written by process %ld; wait for it or stop it", (long)getpid());
    assert_int_equal(store_open(&second, *state, true, &err), IPW_E_LOCKED);
    assert_null(second);
    says(pid);
    assert_int_equal(store_create(&second, *state, &err), IPW_E_LOCKED);

    ok(store_begin(w, &err));
    ok(put(w, &q, "a"));
    ok(store_commit(w, &err));
    ok(store_begin(w, &err));
    ok((q.query_id = "q2", put(w, &q, "b")));
    ok(store_open(&before, *state, false, &err)); /* inside the writer's transaction */
    assert_int_equal(keys(before), 1);
    ok(store_commit(w, &err));
    ok(store_open(&r, *state, false, &err));
    assert_int_equal(keys(r), 2);
    assert_int_equal(keys(before), 1); /* its own moment, for all its scans */
    assert_int_equal(store_begin(r, &err), IPW_E_BUG);
    store_close(r);
    store_close(before);

    ok(store_begin(w, &err));
    ok((q.query_id = "q3", put(w, &q, "c")));
    ok(store_begin(w, &err)); /* rolls the open one back */
    assert_int_equal(keys(w), 2);
    ok((q.query_id = "q4", put(w, &q, "d")));
    store_close(w); /* rolls back too */
    ok(store_open(&w, *state, true, &err)); /* the lock went with its holder */
    assert_int_equal(keys(w), 2);
    store_close(w);

    struct stat closed, read;
    stat(in(*state, "run.db"), &closed);
    ok(store_open(&r, *state, false, &err));
    assert_int_equal(keys(r), 2);
    store_close(r);
    stat(in(*state, "run.db"), &read);
    assert_true(closed.st_mtim.tv_sec == read.st_mtim.tv_sec && closed.st_mtim.tv_nsec == read.st_mtim.tv_nsec);
    assert_true(!fs_exists(in(*state, "run.db-wal")) && !fs_exists(in(*state, "run.db-shm"))); /* reading leaves nothing */
    assert_int_equal(store_create(&w, *state, &err), IPW_E_INPUT);
    says("holds a run already");
    assert_null(w);
}

/* ---- children ---- */

static int wait_for(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

/* Runs fn(dir) in a child; its result, or -1 if it died otherwise. */
static int in_child(int (*fn)(const char *), const char *dir)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        _exit(fn(dir));
    int status = wait_for(pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

enum { PASS, FAIL, SKIP };
#define child_check(cond)                                                                          \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            fprintf(stderr, "%s:%d: %s; last error: %s\n", __FILE__, __LINE__, #cond, err.text);   \
            return FAIL;                                                                           \
        }                                                                                          \
    } while (0)

static int read_only_child(const char *dir)
{
    struct store *s;
    int n = 0;
    if (geteuid() == 0 && (setgroups(0, NULL) || setgid(65534) || setuid(65534)))
        return SKIP;
    child_check(store_open(&s, dir, false, &err) == 0);
    child_check(store_each_key(s, count_key, &n, &err) == 0 && n == 1);
    store_close(s);
    int rc = store_open(&s, dir, true, &err);
    child_check(rc == IPW_E_LOCKED || (rc == IPW_E_IO && strstr(err.text, "ermission")));
    return PASS;
}

static int unclosed_child(const char *dir)
{
    struct store *s;
    if (geteuid() == 0 && (setgroups(0, NULL) || setgid(65534) || setuid(65534)))
        return SKIP;
    child_check(store_open(&s, dir, false, &err) == IPW_E_IO && strstr(err.text, "was not closed"));
    return PASS;
}

static void test_read_only_folder(void **state)
{
    struct store *s;
    struct store_query q = a_query("q", 1, QUERY_OK);
    char odd[PATH_MAX];
    snprintf(odd, sizeof odd, "%s/a?b#c%%41", (const char *)*state); /* what a URI would read otherwise */
    assert_int_equal(mkdir(odd, 0755), 0);
    ok(store_create(&s, odd, &err));
    ok(store_begin(s, &err));
    ok(put(s, &q, "a"));
    ok(store_commit(s, &err));
    chmod(odd, 0555);
    int live = in_child(read_only_child, odd); /* beside a writer */
    chmod(odd, 0755);
    store_close(s);
    chmod(odd, 0555);
    int first = in_child(read_only_child, odd);
    chmod(odd, 0755);
    ok(fs_write_atomic(in(odd, "run.db-wal"), "x", 1, &err)); /* as a kill leaves it */
    chmod(odd, 0555);
    int second = in_child(unclosed_child, odd);
    chmod(odd, 0755);
    static const char *const files[] = {"run.db", "run.db-wal", "run.db-shm", "lock"};
    for (size_t i = 0; i < 4; i++)
        unlink(in(odd, files[i]));
    rmdir(odd);
    if (first == SKIP)
        skip();
    assert_int_equal(live, PASS);
    assert_int_equal(first, PASS);
    assert_int_equal(second, PASS);
}

/* Two rows per transaction and, once committed, its number into the pipe. */
_Noreturn static void write_for_ever(const char *dir, int from, int fd)
{
    struct store *s;
    char id[32], answer[3000];
    memset(answer, 'x', sizeof answer - 1);
    answer[sizeof answer - 1] = '\0';
    if (from ? store_open(&s, dir, true, &err) : store_create(&s, dir, &err))
        _exit(1);
    for (int i = from;; i++) {
        if (store_begin(s, &err))
            _exit(2);
        for (int k = 0; k < 2; k++) {
            snprintf(id, sizeof id, "%d-%d", i, k);
            struct store_query q = a_query(id, 1, QUERY_OK);
            if (put(s, &q, answer))
                _exit(3);
        }
        if (store_commit(s, &err) || write(fd, &i, sizeof i) != sizeof i)
            _exit(4);
    }
}

static int collect(const char *query_id, int64_t sample, int64_t attempt, int status, void *ud)
{
    int i, k;
    assert_int_equal(sscanf(query_id, "%d-%d", &i, &k), 2);
    assert_true(sample == 0 && attempt == 1 && status == QUERY_OK && k < 2);
    ((unsigned char *)ud)[2 * i + k]++;
    return 0;
}

static void test_kill(void **state)
{
    enum { ROUNDS = 20, MOST = 1000000 };
    unsigned char *seen = calloc(1, 2 * MOST);
    int next = 0;
    for (uint64_t round = 0; round < ROUNDS; round++) {
        int fd[2], last = next - 1, i;
        struct store *s;
        assert_int_equal(pipe(fd), 0);
        fflush(NULL);
        pid_t pid = fork();
        if (pid == 0)
            write_for_ever(*state, next, fd[1]);
        close(fd[1]);
        assert_int_equal(read(fd[0], &last, sizeof last), sizeof last); /* it is under way */
        struct timespec pause = {0, (long)(ipw_rng_at(20, round) % 60000000)};
        nanosleep(&pause, NULL);
        kill(pid, SIGKILL);
        assert_true(WIFSIGNALED(wait_for(pid)));
        while (read(fd[0], &i, sizeof i) == sizeof i)
            last = i;
        close(fd[0]);

        ok(store_open(&s, *state, true, &err));
        memset(seen, 0, 2 * MOST);
        ok(store_each_key(s, collect, seen, &err));
        store_close(s);
        for (i = 0; i <= last; i++)
            assert_true(seen[2 * i] == 1 && seen[2 * i + 1] == 1);
        next = last + 1;
        if (seen[2 * next]) { /* committed, but killed before it could say so */
            assert_int_equal(seen[2 * next + 1], 1);
            next++;
        }
        assert_true(seen[2 * next] == 0 && seen[2 * next + 1] == 0);
        check_rows(*state, "PRAGMA integrity_check", "ok\n");
        check_rows(*state, "SELECT count(*) FROM query LEFT JOIN text ON query = id WHERE length(answer) IS NOT 2999",
                   "0\n");
    }
    free(seen);
}

/* Writes until the disk refuses; then what was committed is there, whole. */
static int fill(const char *dir, const char *word)
{
    struct store *s;
    char id[32], answer[10000];
    int rc = 0, committed = 0, n = 0;
    memset(answer, 'x', sizeof answer - 1);
    answer[sizeof answer - 1] = '\0';
    child_check(store_create(&s, dir, &err) == 0);
    for (int i = 0; i < 10000 && !rc; i++) {
        snprintf(id, sizeof id, "%d", i);
        struct store_query q = a_query(id, 1, QUERY_OK);
        if (!(rc = store_begin(s, &err)) && !(rc = put(s, &q, answer)) && !(rc = store_commit(s, &err)))
            committed++;
    }
    child_check(rc == IPW_E_IO && committed > 10);
    child_check(strstr(err.text, dir) && strstr(err.text, word) && strstr(err.text, "ipw profile --resume"));
    child_check(store_each_key(s, count_key, &n, &err) == 0 && n == committed);
    store_close(s);
    n = 0;
    child_check(store_open(&s, dir, false, &err) == 0);
    child_check(store_each_key(s, count_key, &n, &err) == 0 && n == committed);
    store_close(s);
    return PASS;
}

static int file_limit_child(const char *dir)
{
    struct rlimit limit = {1 << 20, 1 << 20};
    signal(SIGXFSZ, SIG_IGN);
    return setrlimit(RLIMIT_FSIZE, &limit) ? SKIP : fill(dir, "File too large");
}

static int full_disk_child(const char *dir)
{
    if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
        mount("tmpfs", dir, "tmpfs", 0, "size=1m"))
        return SKIP;
    return fill(dir, "the disk is full");
}

static void test_file_limit(void **state)
{
    assert_int_equal(in_child(file_limit_child, *state), PASS);
}

static void test_full_disk(void **state)
{
    int rc = in_child(full_disk_child, *state);
    if (rc == SKIP) {
        print_message("no small file system can be mounted here\n");
        skip();
    }
    assert_int_equal(rc, PASS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_dir(test_lock_and_readers), with_dir(test_read_only_folder), with_dir(test_kill),
        with_dir(test_file_limit),       with_dir(test_full_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
