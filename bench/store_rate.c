/* How fast the run store takes finished queries and how fast a resume finds what is done.
 *
 *   store_rate [FOLDER]     FOLDER: where the two runs are made and removed again; $TMPDIR, else /tmp
 *
 * One transaction per finished query: its row, its text (a 1 kB answer), its question (300 bytes) and 200 bytes of
 * readings. The scan reads query_id, sample, attempt and status of 1,000,000 rows, from a file that was just written. */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/status.h"
#include "store/store.h"

enum { COMMITS = 20000, ROWS = 1000000, ROWS_PER_COMMIT = 10000 };

static struct ipw_err err;

static void must(int rc)
{
    if (!rc)
        return;
    fprintf(stderr, "store_rate: %s\n", err.text);
    exit(1);
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void put(struct store *s, int i, const char *answer, const char *record)
{
    char id[40];
    snprintf(id, sizeof id, "bench-%08x-%d", (unsigned)i * 2654435761u, i); /* no order, like hashes of questions */
    int64_t t = (int64_t)i * 1000000000;
    struct store_query q = {.query_id = id, .domain = "math", .attempt = 1, .segment = 1, .status = QUERY_OK,
                            .t_send = t, .t_first = t + 200000000, .t_first_answer = t + 200000000,
                            .t_last = t + 900000000, .t_end = t + 900001000, .n_in = 120, .n_cached = 0,
                            .n_out = 64, .n_reason = STORE_NULL, .token_source = "engine", .stop = "eos",
                            .in_flight = 1, .logprob_mean = NAN, .logprob_min = NAN, .margin_first = NAN};
    static const char stamps[128];
    struct store_text text = {.prompt = record, .answer = answer, .stamps = stamps, .stamps_size = sizeof stamps};
    struct store_question question = {.query_id = id, .type = "mcq", .scorer = "mcq", .tmpl = "plain",
                                      .record = record};
    must(store_put_query(s, &q, &text, &question, &err));
}

static void begin_run(struct store **s, const char *dir)
{
    struct store_segment seg = {.pid = getpid(), .host = "bench"};
    must(fs_mkdirs(dir, &err));
    must(store_create(s, dir, &err));
    must(store_begin(*s, &err));
    must(store_add_segment(*s, &seg, &err));
    must(store_commit(*s, &err));
}

static void remove_run(const char *dir)
{
    static const char *const files[] = {"run.db", "run.db-wal", "run.db-shm", "lock"};
    char path[PATH_MAX];
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        fs_join(path, sizeof path, dir, files[i]);
        unlink(path);
    }
    rmdir(dir);
}

static double commit_rate(const char *dir, const char *answer, const char *record)
{
    struct store *s;
    static const char data[200];
    begin_run(&s, dir);
    double t0 = seconds();
    for (int i = 0; i < COMMITS; i++) {
        struct store_reading_block b = {.segment = 1, .channel = 1, .t0_ns = i, .t1_ns = i + 1, .n = 20, .fmt = 1,
                                        .data = data, .size = sizeof data};
        must(store_begin(s, &err));
        put(s, i, answer, record);
        must(store_add_readings(s, &b, &err));
        must(store_commit(s, &err));
    }
    double rate = COMMITS / (seconds() - t0);
    store_close(s);
    remove_run(dir);
    return rate;
}

static int on_key(const char *query_id, int64_t sample, int64_t attempt, int status, void *ud)
{
    *(size_t *)ud += query_id && sample == 0 && attempt == 1 && status == QUERY_OK;
    return 0;
}

static double scan_time(const char *dir)
{
    struct store *s;
    size_t n = 0;
    begin_run(&s, dir);
    for (int i = 0; i < ROWS; i++) {
        if (i % ROWS_PER_COMMIT == 0)
            must(store_begin(s, &err));
        put(s, i, "short", "{}");
        if (i % ROWS_PER_COMMIT == ROWS_PER_COMMIT - 1)
            must(store_commit(s, &err));
    }
    store_close(s);
    double t0 = seconds();
    must(store_open(&s, dir, true, &err));
    must(store_each_key(s, on_key, &n, &err));
    double t = seconds() - t0;
    store_close(s);
    remove_run(dir);
    if (n != ROWS) {
        fprintf(stderr, "store_rate: the scan saw %zu rows of %d\n", n, ROWS);
        exit(1);
    }
    return t;
}

int main(int argc, char **argv)
{
    const char *tmp = argc > 1 ? argv[1] : getenv("TMPDIR");
    char dir[PATH_MAX], answer[1025], record[301];
    snprintf(dir, sizeof dir, "%s/store_rate.%d", tmp ? tmp : "/tmp", (int)getpid());
    memset(answer, 'a', sizeof answer - 1);
    memset(record, 'r', sizeof record - 1);
    answer[sizeof answer - 1] = record[sizeof record - 1] = '\0';
    double rate = commit_rate(dir, answer, record), scan = scan_time(dir);
    printf("%-42s %10s %10s\n", "figure", "measured", "limit");
    printf("%-42s %10.0f %10s\n", "finished queries committed, per second", rate, ">= 5000");
    printf("%-42s %10.2f %10s\n", "resume scan of 1,000,000 rows, seconds", scan, "<= 1");
    return rate >= 5000 && scan <= 1 ? 0 : 1;
}
