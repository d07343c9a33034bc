/* Figures: finished queries committed per second (one transaction each, 1 kB answers), and the resume scan of a run
 * of a million queries. usage: bench_store FOLDER (made, must not exist; removed by the caller) */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/env.h"
#include "base/fs.h"
#include "base/mem.h"
#include "run/todo.h"

enum { COMMITS = 20000, ROWS = 1000000 };

static void must(int rc, const struct ipw_err *err)
{
    if (!rc)
        return;
    fprintf(stderr, "bench_store: %s\n", err->text);
    exit(3);
}

static double seconds(int64_t since)
{
    return (double)(ipw_now(&ipw_env_host) - since) * 1e-9;
}

static void put(struct store *s, long i, const char *answer, const char *record, struct ipw_err *err)
{
    char id[32];
    snprintf(id, sizeof id, "bench/%ld", i);
    struct store_query q = {.query_id = id, .domain = "math", .attempt = 1, .segment = 1, .t_send = i * 1000,
                            .t_first = i * 1000 + 10, .t_first_answer = i * 1000 + 10, .t_last = i * 1000 + 900,
                            .t_end = i * 1000 + 901, .n_in = 100, .n_out = 200, .n_reason = STORE_NULL,
                            .token_source = "engine", .stop = "eos", .in_flight = 1};
    struct store_text t = {.prompt = "prompt", .answer = answer, .stamps = answer, .stamps_size = 400};
    struct store_question o = {id, "numeric", "numeric", "numeric/1", record};
    must(store_put_query(s, &q, &t, &o, err), err);
}

static double commit_rate(const char *dir, struct ipw_err *err)
{
    static char answer[1025], readings[200];
    struct store *s;
    memset(answer, 'a', sizeof answer - 1);
    must(store_create(&s, dir, err), err);
    int64_t t0 = ipw_now(&ipw_env_host);
    for (long i = 0; i < COMMITS; i++) {
        struct store_reading_block b = {1, 1, i * 1000, i * 1000 + 900, 20, 1, readings, sizeof readings};
        must(store_begin(s, err), err);
        put(s, i, answer, "{\"id\":\"bench\"}", err);
        must(store_add_readings(s, &b, err), err);
        must(store_commit(s, err), err);
    }
    double rate = COMMITS / seconds(t0);
    store_close(s);
    return rate;
}

static double scan(const char *dir, struct ipw_err *err)
{
    struct store *s;
    struct dataset data = {.n = ROWS, .v = ipw_calloc(ROWS, sizeof *data.v)};
    must(store_create(&s, dir, err), err);
    must(store_begin(s, err), err);
    for (long i = 0; i < ROWS; i++)
        put(s, i, "short", "{}", err);
    must(store_commit(s, err), err);
    store_close(s);
    for (long i = 0; i < ROWS; i++) {
        char id[32];
        snprintf(id, sizeof id, "bench/%ld", i);
        data.v[i].id = ipw_strdup(id);
    }
    struct run_plan plan;
    struct run_todo todo;
    run_plan_init(&plan);
    int64_t t0 = ipw_now(&ipw_env_host);
    must(store_open(&s, dir, true, err), err);
    must(run_todo_make(&todo, &data, &plan, s, false, err), err);
    double took = seconds(t0);
    if (todo.n != 0 || todo.total != ROWS)
        fprintf(stderr, "bench_store: the scan found %zu of %zu still owed\n", todo.n, todo.total);
    store_close(s);
    run_todo_release(&todo);
    run_plan_release(&plan);
    return took;
}

int main(int argc, char **argv)
{
    struct ipw_err err;
    char a[600], b[600];
    if (argc != 2) {
        fprintf(stderr, "usage: bench_store FOLDER\n");
        return 2;
    }
    snprintf(a, sizeof a, "%s/commits", argv[1]);
    snprintf(b, sizeof b, "%s/scan", argv[1]);
    must(fs_mkdirs(a, &err) ? err.code : fs_mkdirs(b, &err), &err);
    printf("finished queries committed, one transaction each  %8.0f /s\n", commit_rate(a, &err));
    printf("resume scan of %d queries                   %8.2f s\n", ROWS, scan(b, &err));
    return 0;
}
