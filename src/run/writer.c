#include "run/writer.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/str.h"
#include "score/score.h"
#include "store/pack.h"

enum { ROUND_MS = 250, MAX_FAILURES = 100 };
static const int64_t SECOND = 1000000000;

struct pending { /* readings of one channel that wait for a transaction */
    struct store_reading *v;
    size_t n, cap;
    uint64_t last_raw; /* for the watts of the progress line */
    int64_t last_t;
    bool throttle; /* a gauge of enum energy_throttle bits, of which `bits` held last */
    bool throttled; /* a gauge that counts them: `bits` is the last count, read at seen_ns */
    uint64_t bits;
    int64_t seen_ns;
};

struct throttle {
    int64_t t_ns;
    size_t channel;
    uint64_t bits;
};

struct run_record *run_record_new(void)
{
    return ipw_calloc(1, sizeof(struct run_record));
}

void run_record_free(struct run_record *r)
{
    ipw_arena_release(&r->arena);
    free(r);
}

/* ---- readings ---- */

static void add_throttle(struct writer *w, int64_t t_ns, int32_t channel, uint64_t bits)
{
    IPW_GROW(w->throttle, w->n_throttle, w->cap_throttle);
    w->throttle[w->n_throttle++] = (struct throttle){t_ns - w->segment->anchor_ns, (size_t)channel, bits};
}

/* Bits that changed; or a count that went up since it was read last: then the heat was in between. */
static void note_throttle(struct writer *w, struct pending *p, const struct energy_reading *r)
{
    if (p->throttle && r->raw != p->bits) {
        add_throttle(w, r->t_before, r->channel, r->raw);
    } else if (p->throttled && p->seen_ns && r->raw > p->bits) {
        add_throttle(w, p->seen_ns, r->channel, ENERGY_THROTTLE_HEAT);
        add_throttle(w, r->t_before, r->channel, 0);
    }
    p->bits = r->raw;
    p->seen_ns = r->t_before;
}

static void keep(struct writer *w, const struct energy_reading *r, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct pending *p = &w->pending[r[i].channel];
        IPW_GROW(p->v, p->n, p->cap);
        p->v[p->n++] = (struct store_reading){r[i].t_before - w->segment->anchor_ns,
                                              r[i].t_after - w->segment->anchor_ns, r[i].raw, r[i].status};
        if ((p->throttle || p->throttled) && !r[i].status && meter_takes_part(w->meter, (size_t)r[i].channel))
            note_throttle(w, p, &r[i]);
    }
}

static void drain(struct writer *w)
{
    struct energy_reading r[256];
    size_t n;
    while ((n = sampler_take(w->sampler, r, 256)))
        keep(w, r, n);
    while ((n = energy_ring_take(w->boundary, r, 256)))
        keep(w, r, n);
}

/* Power of the total's counters since the last round, from raw differences: good enough for the eye. */
static double watts_now(struct writer *w)
{
    const struct energy_channel *ch = meter_channels(w->meter, &(size_t){0});
    double sum = NAN;
    for (size_t i = 0; i < w->n_channels; i++) {
        struct pending *p = &w->pending[i];
        if (!p->n || !ch[i].in_total || ch[i].kind != ENERGY_KIND_COUNTER)
            continue;
        struct store_reading *last = &p->v[p->n - 1];
        double dt = (double)(last->t_after - p->last_t), de = (double)(last->raw - p->last_raw) * ch[i].unit_nj;
        if (p->last_t && last->status == 0 && last->raw >= p->last_raw && dt > 0)
            sum = (isnan(sum) ? 0 : sum) + de / dt;
        if (last->status == 0) {
            p->last_t = last->t_after;
            p->last_raw = last->raw;
        }
    }
    return sum;
}

static int put_readings(struct writer *w, struct ipw_err *err)
{
    struct ipw_buf blob = IPW_BUF_INIT;
    int rc = 0;
    for (size_t i = 0; i < w->n_channels && !rc; i++) {
        struct pending *p = &w->pending[i];
        if (!p->n)
            continue;
        int64_t t0 = INT64_MAX, t1 = INT64_MIN;
        for (size_t k = 0; k < p->n; k++) {
            t0 = p->v[k].t_before < t0 ? p->v[k].t_before : t0;
            t1 = p->v[k].t_after > t1 ? p->v[k].t_after : t1;
        }
        ipw_buf_clear(&blob);
        store_pack_readings(p->v, p->n, t0, &blob);
        struct store_reading_block b = {.segment = w->segment->id, .channel = w->segment->channel_id[i], .t0_ns = t0,
                                        .t1_ns = t1, .n = (int64_t)p->n, .fmt = 1, .data = blob.s, .size = blob.len};
        rc = store_add_readings(w->store, &b, err);
        p->n = 0;
    }
    ipw_buf_release(&blob);
    return rc;
}

/* A triple, and what it tells: the machine slept, or somebody set the clock. */
static int put_clock(struct writer *w, int64_t now, struct ipw_err *err)
{
    struct ipw_clock_triple t = ipw_clock_triple(w->env), last = w->clock;
    char text[64];
    w->last_clock_ns = now;
    t.raw -= w->segment->anchor_ns;
    w->clock = t;
    int rc = store_add_clock(w->store, w->segment->id, t.raw, t.boot, t.real, err);
    if (rc || !last.real)
        return rc;
    int64_t slept = segment_jump_ns(&last, &t, false), step = segment_jump_ns(&last, &t, true);
    snprintf(text, sizeof text, "%.3f s", (double)(slept ? slept : step) * 1e-9);
    return slept  ? store_add_event(w->store, w->segment->id, t.raw, "suspend", text, err)
           : step ? store_add_event(w->store, w->segment->id, t.raw, "clock_step", text, err)
                  : 0;
}

static int put_throttle(struct writer *w, struct ipw_err *err)
{
    const struct energy_channel *ch = meter_channels(w->meter, &(size_t){0});
    int rc = 0;
    for (size_t i = 0; i < w->n_throttle && !rc; i++) {
        const struct throttle *t = &w->throttle[i];
        char text[160];
        snprintf(text, sizeof text, "%s%s%s %s", t->bits & ENERGY_THROTTLE_HEAT ? "heat " : "",
                 t->bits & ENERGY_THROTTLE_CAP ? "cap " : "", t->bits & ENERGY_THROTTLE_BRAKE ? "brake" : "",
                 ch[t->channel].id);
        rc = store_add_event(w->store, w->segment->id, t->t_ns, t->bits ? "throttle" : "throttle_end", text, err);
    }
    w->n_throttle = 0;
    return rc;
}

static int put_lost(struct writer *w, int64_t now, struct ipw_err *err)
{
    uint32_t lost = sampler_lost(w->sampler) + energy_ring_lost(w->boundary);
    char text[64];
    if (!lost)
        return 0;
    snprintf(text, sizeof text, "%u readings", lost);
    return store_add_event(w->store, w->segment->id, now - w->segment->anchor_ns, "lost_readings", text, err);
}

/* ---- queries ---- */

static void count(struct writer *w, const struct run_record *r)
{
    struct run_progress *p = &w->progress;
    p->done++;
    if (r->q.status != QUERY_OK && r->q.status != QUERY_TRUNCATED) {
        p->failed++;
        return;
    }
    struct json_doc *doc;
    struct ipw_err ignored;
    if (json_read(&doc, r->question.record, strlen(r->question.record), 0, &ignored))
        return;
    struct ipw_arena arena = {0};
    struct score_result s = {.status = SCORE_UNSCORED};
    const struct scorer_ops *ops = scorer_find(r->question.scorer);
    if (ops && !ops->slow)
        score_by(ops->name, json_root(doc), NULL, r->text.answer, strlen(r->text.answer), &arena, &s);
    p->scored += s.status != SCORE_UNSCORED;
    p->right += s.status == SCORE_CORRECT && s.value > 0.5;
    ipw_arena_release(&arena);
    json_doc_free(doc);
}

/* Tokens that were counted by pieces, or not at all. Here, because on the work thread it would hold up other streams. */
static void count_tokens(const struct writer *w, struct run_record *r)
{
    const struct scorer_ops *scorer = scorer_find(r->question.scorer);
    bool weak = !r->q.token_source || !strcmp(r->q.token_source, "chunks");
    if (!w->tokenizer || !weak || (scorer && scorer->likely) || r->q.status == QUERY_NOT_SENT)
        return;
    int64_t answer = tokenizer_count(w->tokenizer, r->text.answer, strlen(r->text.answer));
    int64_t thinking = r->text.thinking ? tokenizer_count(w->tokenizer, r->text.thinking, strlen(r->text.thinking)) : 0;
    if (answer < 0 || thinking < 0)
        return;
    r->q.n_out = answer + thinking;
    r->q.n_reason = r->text.thinking ? thinking : r->q.n_reason;
    r->q.token_source = "tokenizer";
}

/* Once a second; STORE_NULL: never yet. */
static bool due(int64_t last, int64_t now)
{
    return last == STORE_NULL || now - last >= SECOND;
}

/* The words of the first failures of this process. */
static int put_failure(struct writer *w, const struct run_record *r, struct ipw_err *err)
{
    if (!*r->detail || w->n_failures == MAX_FAILURES)
        return 0;
    if (!w->n_failures++)
        memcpy(w->first_failure, r->detail, sizeof w->first_failure);
    struct ipw_buf text = IPW_BUF_INIT;
    ipw_buf_addf(&text, "%s: %s: %s", r->q.query_id, r->q.reason ? r->q.reason : "?", r->detail);
    int64_t t = r->q.t_end == STORE_NULL ? ipw_now(w->env) - w->segment->anchor_ns : r->q.t_end;
    int rc = store_add_event(w->store, w->segment->id, t, "request_failed", text.s, err);
    ipw_buf_release(&text);
    return rc;
}

/* One transaction: the records that wait, every reading so far, a clock triple a second. */
static int commit(struct writer *w, struct run_record *list, int64_t now, struct ipw_err *err)
{
    int rc = store_begin(w->store, err);
    if (rc)
        return rc;
    for (struct run_record *r = list; r; r = r->next)
        count_tokens(w, r);
    for (struct run_record *r = list; r && !rc; r = r->next)
        if (!(rc = store_put_query(w->store, &r->q, &r->text, &r->question, err)))
            rc = put_failure(w, r, err);
    if (!rc)
        rc = put_readings(w, err);
    if (!rc && due(w->last_clock_ns, now))
        rc = put_clock(w, now, err);
    if (!rc)
        rc = put_throttle(w, err);
    if (!rc)
        rc = put_lost(w, now, err);
    w->last_readings_ns = now;
    return rc ? rc : store_commit(w->store, err);
}

static void round_(struct writer *w, struct run_record *list)
{
    int64_t now = ipw_now(w->env);
    drain(w);
    double watts = watts_now(w);
    if (!isnan(watts))
        w->progress.watts = watts;
    if ((list || due(w->last_readings_ns, now)) && !atomic_load(&w->failed) && commit(w, list, now, &w->err))
        atomic_store(&w->failed, true);
    while (list) {
        struct run_record *next = list->next;
        count(w, list);
        run_record_free(list);
        list = next;
    }
    pthread_mutex_lock(&w->lock);
    if (w->tick)
        w->tick(&w->progress, w->ud);
    pthread_mutex_unlock(&w->lock);
}

static void do_job(struct writer *w, struct writer_job *job)
{
    job->rc = store_begin(w->store, job->err);
    if (!job->rc)
        job->rc = job->fn(w->store, job->ud, job->err);
    if (!job->rc)
        job->rc = store_commit(w->store, job->err);
    pthread_mutex_lock(&w->lock);
    w->job = NULL;
    pthread_cond_signal(&w->job_done);
    pthread_mutex_unlock(&w->lock);
}

static void *writer_main(void *arg)
{
    struct writer *w = arg;
    bool stop = false;
    while (!stop) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += ROUND_MS * 1000000;
        until.tv_sec += until.tv_nsec / SECOND;
        until.tv_nsec %= SECOND;
        pthread_mutex_lock(&w->lock);
        while (!w->head && !w->stop && !w->job)
            if (pthread_cond_timedwait(&w->wake, &w->lock, &until) == ETIMEDOUT)
                break;
        struct run_record *list = w->head;
        w->head = NULL;
        w->tail = &w->head;
        stop = w->stop;
        struct writer_job *job = w->job;
        pthread_mutex_unlock(&w->lock);
        if (job)
            do_job(w, job);
        if (stop)
            w->last_readings_ns = w->last_clock_ns = STORE_NULL; /* the last round writes whatever there is, and the time */
        round_(w, list);
    }
    return NULL;
}

int writer_start(struct writer *w, struct ipw_err *err)
{
    pthread_condattr_t attr;
    const struct energy_channel *ch = meter_channels(w->meter, &w->n_channels);
    w->pending = ipw_calloc(w->n_channels ? w->n_channels : 1, sizeof *w->pending);
    w->tail = &w->head;
    w->progress.watts = NAN;
    w->last_clock_ns = w->last_readings_ns = STORE_NULL;
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_init(&attr);
#ifndef __APPLE__
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
#endif
    pthread_cond_init(&w->wake, &attr);
    pthread_cond_init(&w->job_done, NULL);
    pthread_condattr_destroy(&attr);
    for (size_t i = 0; i < w->n_channels; i++) {
        w->pending[i].throttle = ipw_ends(ch[i].id, ":throttle");
        w->pending[i].throttled = ipw_ends(ch[i].id, ":throttled");
    }
    int e = pthread_create(&w->thread, NULL, writer_main, w);
    if (e)
        return ipw_err_set(err, IPW_E_ENV, "cannot start the writer thread: %s", strerror(e));
    return 0;
}

void writer_put(struct writer *w, struct run_record *r)
{
    r->next = NULL;
    pthread_mutex_lock(&w->lock);
    *w->tail = r;
    w->tail = &r->next;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
}

void writer_on_tick(struct writer *w, void (*fn)(const struct run_progress *, void *ud), void *ud)
{
    pthread_mutex_lock(&w->lock);
    w->tick = fn;
    w->ud = ud;
    pthread_mutex_unlock(&w->lock);
}

int writer_call(struct writer *w, int (*fn)(struct store *, void *ud, struct ipw_err *), void *ud, struct ipw_err *err)
{
    struct writer_job job = {.fn = fn, .ud = ud, .err = err};
    pthread_mutex_lock(&w->lock);
    w->job = &job;
    pthread_cond_signal(&w->wake);
    while (w->job)
        pthread_cond_wait(&w->job_done, &w->lock);
    pthread_mutex_unlock(&w->lock);
    return job.rc;
}

bool writer_failed(struct writer *w)
{
    return atomic_load(&w->failed);
}

int writer_stop(struct writer *w, struct ipw_err *err)
{
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->wake);
    pthread_cond_destroy(&w->job_done);
    for (size_t i = 0; i < w->n_channels; i++)
        free(w->pending[i].v);
    free(w->pending);
    free(w->throttle);
    if (!atomic_load(&w->failed))
        return 0;
    *err = w->err;
    return err->code;
}
