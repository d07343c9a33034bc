/* Figure: stored multiple-choice answers of 2 kB scored again, with the run read, its figures computed and its files
 * written, as `ipw score RUN` does. usage: bench_rescore FOLDER IPW (made, must not exist; removed by the caller) */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/env.h"
#include "base/fs.h"
#include "store/store.h"

enum { ANSWERS = 100000, SIZE = 2000 };

static void must(int rc, const struct ipw_err *err)
{
    if (!rc)
        return;
    fprintf(stderr, "bench_rescore: %s\n", err->text);
    exit(3);
}

/* Reasoning that speaks of letters and numbers, then one of the ways models end. */
static const char *answer(long i, char out[SIZE + 100])
{
    static const char thought[] = "Let me compare (A) with (B): 12 apples, 3.5 kg each, cannot be D because the answer "
                                  "has to be a noble gas. In that case one rules out C; I am not sure yet. ";
    static const char *const last[] = {"Answer: %c", "The answer is (%c).", "**%c**", "\\boxed{%c}", "So it must be %c"};
    size_t n = 0;
    while (n + sizeof thought - 1 + 40 < SIZE) {
        memcpy(out + n, thought, sizeof thought - 1);
        n += sizeof thought - 1;
    }
    out[n++] = '\n';
    n += (size_t)snprintf(out + n, 60, last[i % 5], 'A' + (int)(i % 4));
    while (n < SIZE)
        out[n++] = ' ';
    out[n] = '\0';
    return out;
}

static void make(const char *dir, struct ipw_err *err)
{
    char id[32], text[SIZE + 100], record[400];
    struct store *s;
    must(store_create(&s, dir, err), err);
    must(store_begin(s, err), err);
    must(store_put_meta(s, "run_id", "bench", err), err);
    must(store_put_meta(s, "dataset", "{\"name\":\"bench\",\"n\":100000}", err), err);
    for (long i = 0; i < ANSWERS; i++) {
        snprintf(id, sizeof id, "bench/%ld", i);
        snprintf(record, sizeof record,
                 "{\"id\":\"%s\",\"type\":\"mcq\",\"question\":\"Which of these is a noble gas? (%ld)\","
                 "\"choices\":[\"argon\",\"oxygen\",\"nitrogen\",\"iron\"],\"answer\":\"%c\"}",
                 id, i, 'A' + (int)(i % 3));
        struct store_query q = {.query_id = id, .attempt = 1, .segment = 1, .t_send = i * 1000, .t_first = i * 1000 + 10,
                                .t_first_answer = i * 1000 + 10, .t_last = i * 1000 + 900, .t_end = i * 1000 + 901,
                                .n_in = 100, .n_out = 200, .n_reason = STORE_NULL, .in_flight = 1};
        struct store_text t = {.prompt = "prompt", .answer = answer(i, text)};
        struct store_question o = {id, "mcq", "mcq", "mcq/1", record};
        must(store_put_query(s, &q, &t, &o, err), err);
    }
    must(store_commit(s, err), err);
    store_close(s);
}

int main(int argc, char **argv)
{
    struct ipw_err err;
    char command[1200];
    struct rusage use;
    if (argc != 3) {
        fprintf(stderr, "usage: bench_rescore FOLDER IPW\n");
        return 2;
    }
    must(fs_mkdirs(argv[1], &err), &err);
    make(argv[1], &err);
    snprintf(command, sizeof command, "'%s' score '%s'", argv[2], argv[1]);
    int64_t t0 = ipw_now(&ipw_env_host);
    if (system(command) != 0)
        return 3;
    double wall = (double)(ipw_now(&ipw_env_host) - t0) * 1e-9;
    getrusage(RUSAGE_CHILDREN, &use);
    printf("%d answers of %d bytes scored again  %6.2f s, %.2f s of one core\n", ANSWERS, SIZE, wall,
           (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) + 1e-6 * (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec));
    return 0;
}
