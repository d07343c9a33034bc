#include "run/runner.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/str.h"
#include "run/arrival.h"
#include "run/likely.h"
#include "run/warmup.h"
#include "score/score.h"
#include "store/pack.h"

enum { ROW_OF_UNSENT = 10, STAMPS = 1024, STAMPS_ALONE = 32768, EVENTS = 256 };
static const int64_t GRACE_NS = 3000000000; /* a signal lets the query end by itself this long: 5 s in all */
static const int64_t BACKOFF_NS = 1000000000; /* before a retry, when the server does not say how long */
static const int64_t BACKOFF_MAX_S = 300;
static const int64_t NEVER = INT64_MAX;

/* One request in flight. Buffers are reserved when it is submitted: a token's arrival hardly ever allocates. */
struct slot {
    bool busy, warmup;
    uint32_t id;
    struct run_item item;
    const struct question *question;
    char tmpl[160];
    struct ipw_buf answer, thinking;
    int64_t *stamps;
    size_t *ends; /* of the answer's text, behind the piece of each stamp */
    size_t n_stamps, cap_stamps;
    size_t n_thinking;      /* of them: reasoning kept apart */
    int64_t t_due, t_send, t_first, t_visible, t_last; /* t_visible: first token that is no reasoning kept apart */
    int64_t free_ns; /* since when it is free */
    size_t in_flight; /* with this one, when it was asked */
};

struct again { /* a request to be asked once more */
    struct run_item item;
    int64_t due_ns;
};

struct runner {
    const struct run_ctx *c;
    enum dataset_asking how;
    struct slot *slot;
    size_t n_slots, *free, n_free; /* a stack: those that a ramp has not opened yet lie lowest, the later the lower */
    size_t in_flight, cursor;
    struct warmup warm;
    struct arrival arrival;
    bool measuring; /* the warm-up is over */
    int64_t due_ns; /* open loop: of the request at the cursor; NEVER: not drawn yet */
    double *trace_s; /* by cursor; NULL: none */
    struct run_item *trace;
    struct again *again;
    size_t n_again, cap_again;
    size_t sent, unsent_row; /* measured requests that were sent; that were not, one after another */
    char cause[400];         /* of the first that was not answered */
    struct run_load load;
    int64_t cpu0_ns;
    uint32_t generation;
    _Atomic uint64_t tokens;  /* the work thread writes these two, the writer's tick reads them */
    _Atomic int64_t question;
    _Atomic int64_t stop_ns; /* when the first signal was seen; 0: none */
};

static int64_t max_tokens(const struct run_plan *plan, const struct question *q)
{
    return plan->max_tokens > 0 ? plan->max_tokens : q->max_tokens > 0 ? q->max_tokens : RUN_MAX_TOKENS_DEFAULT;
}

/* Fast counters are read at the very boundary, by the thread that saw it; only with one request in flight. */
static void read_boundary(struct runner *r)
{
    if (r->in_flight == 1)
        recorder_boundary(r->c->recorder);
}

/* ---- asking ---- */

/* What is asked of the engine; texts are in the arena. */
static int request_of(const struct runner *r, const json_val *record, struct slot *s, struct ipw_arena *arena,
                      struct engine_req *req, struct ipw_err *err)
{
    const char *tmpl = NULL;
    int rc = 0;
    if (r->how == DATASET_ANSWER) {
        struct dataset_message *m;
        req->n_messages = dataset_messages(r->c->wording, record, arena, &m, &tmpl);
        struct engine_message *out = ipw_arena_alloc(arena, req->n_messages * sizeof *out);
        for (size_t i = 0; i < req->n_messages; i++)
            out[i] = (struct engine_message){m[i].role, m[i].content};
        req->messages = out;
    } else {
        rc = run_likely_request(record, r->c->wording, r->how, arena, req, &tmpl, err);
    }
    snprintf(s->tmpl, sizeof s->tmpl, "%s", tmpl ? tmpl : "");
    return rc;
}

static void reserve_pieces(struct slot *s, size_t room)
{
    if (s->cap_stamps >= room)
        return;
    s->cap_stamps = room;
    s->stamps = ipw_realloc(s->stamps, room * sizeof *s->stamps);
    s->ends = ipw_realloc(s->ends, room * sizeof *s->ends);
}

static void make_room(const struct runner *r, struct slot *s, int64_t limit)
{
    size_t most = r->n_slots == 1 ? STAMPS_ALONE : STAMPS, room = limit < (int64_t)most ? (size_t)limit : most;
    ipw_buf_clear(&s->answer);
    ipw_buf_clear(&s->thinking);
    ipw_buf_reserve(&s->answer, room * (r->n_slots == 1 ? 16 : 5));
    reserve_pieces(s, room);
}

static int ask(struct runner *r, struct run_item item, bool warmup, int64_t due_ns, struct ipw_err *err)
{
    const struct run_ctx *c = r->c;
    size_t at = r->free[r->n_free - 1];
    struct slot *s = &r->slot[at];
    s->item = item;
    s->warmup = warmup;
    s->question = &c->data->v[item.question];
    s->t_send = s->t_first = s->t_visible = s->t_last = STORE_NULL;
    s->t_due = due_ns;
    s->n_stamps = s->n_thinking = 0;
    int64_t limit = max_tokens(c->plan, s->question);
    make_room(r, s, limit);

    struct json_doc *doc;
    int rc = json_read(&doc, s->question->record, s->question->record_len, 0, err);
    if (rc)
        return ipw_err_wrap(err, "question '%s'", s->question->id);
    uint64_t draw = ipw_rng_at((uint64_t)c->plan->seed, ipw_hash64(s->question->id, strlen(s->question->id)));
    struct engine_req req = {.id = s->id = ++r->generation * (uint32_t)r->n_slots + (uint32_t)at,
                             .max_tokens = limit,
                             .seed = item.sample ? ipw_rng_at(draw, (uint64_t)item.sample) : draw};
    struct ipw_arena arena = {0};
    rc = request_of(r, json_root(doc), s, &arena, &req, err);
    rc = rc ? rc : c->ops->submit(c->engine, &req, err);
    ipw_arena_release(&arena);
    json_doc_free(doc);
    if (rc)
        return rc;
    if (!warmup)
        atomic_store_explicit(&r->question, (int64_t)item.question, memory_order_relaxed);
    s->busy = true;
    r->n_free--;
    s->in_flight = ++r->in_flight;
    return 0;
}

/* ---- when ---- */

static int by_arrival(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

/* The records' arrival_s, and the order of asking by it. */
static int read_trace(struct runner *r, struct ipw_err *err)
{
    const struct run_todo *todo = r->c->todo;
    struct timed {
        double s;
        struct run_item item;
    } *v = ipw_calloc(todo->n, sizeof *v);
    int rc = 0;
    for (size_t i = 0; i < todo->n && !rc; i++) {
        const struct question *q = &r->c->data->v[todo->v[i].question];
        struct json_doc *doc;
        if ((rc = json_read(&doc, q->record, q->record_len, 0, err)))
            break;
        v[i].item = todo->v[i];
        v[i].s = json_num(json_get(json_root(doc), "arrival_s"));
        json_doc_free(doc);
        if (!(v[i].s >= 0))
            rc = ipw_err_set(err, IPW_E_INPUT, "question '%s' has no arrival_s: --arrival trace needs one in every record, "
                             "seconds from the beginning", q->id);
    }
    qsort(v, todo->n, sizeof *v, by_arrival);
    r->trace_s = ipw_calloc(todo->n, sizeof *r->trace_s);
    r->trace = ipw_calloc(todo->n, sizeof *r->trace);
    for (size_t i = 0; i < todo->n; i++) {
        r->trace_s[i] = v[i].s;
        r->trace[i] = v[i].item;
    }
    free(v);
    return rc;
}

/* The request at the cursor; false when there is none any more. */
static bool at_cursor(const struct runner *r, struct run_item *item)
{
    const struct run_todo *todo = r->c->todo;
    if (r->cursor < todo->n) {
        *item = r->trace ? r->trace[r->cursor] : todo->v[r->cursor];
        return true;
    }
    if (!(r->c->plan->duration_s > 0) || r->trace)
        return false;
    *item = todo->v[r->cursor % todo->n];
    item->sample += (int64_t)(r->cursor / todo->n);
    return true;
}

static int64_t ends_ns(const struct runner *r)
{
    double s = r->c->plan->duration_s;
    return s > 0 ? r->arrival.t0_ns + (int64_t)(s * 1e9) : NEVER;
}

/* When the next request is due, NEVER: none is left. Needs a free slot. again: its place there, n_again: at the cursor. */
static int64_t next_due(struct runner *r, struct run_item *item, size_t *again)
{
    int64_t due;
    for (*again = 0; *again < r->n_again; ++*again)
        if (r->again[*again].due_ns <= ipw_now(r->c->env)) {
            *item = r->again[*again].item;
            return r->again[*again].due_ns;
        }
    if (!at_cursor(r, item))
        return NEVER;
    if (r->arrival.kind == ARRIVAL_CLOSED) {
        size_t top = r->free[r->n_free - 1];
        int64_t opens = arrival_opens_ns(&r->arrival, top);
        due = r->slot[top].free_ns > opens ? r->slot[top].free_ns : opens;
    } else {
        if (r->due_ns == NEVER)
            r->due_ns = arrival_next_ns(&r->arrival, r->trace_s ? r->trace_s[r->cursor] : 0);
        due = r->due_ns;
    }
    return due < ends_ns(r) ? due : NEVER;
}

static int begin_measuring(struct runner *r, struct ipw_err *err)
{
    const struct ipw_env *env = r->c->env;
    int rc = r->arrival.kind == ARRIVAL_TRACE ? read_trace(r, err) : 0;
    r->measuring = true;
    r->load.t0_ns = ipw_now(env);
    r->cpu0_ns = env->clock->thread_cpu ? env->clock->thread_cpu(env) : 0;
    arrival_begin(&r->arrival, r->load.t0_ns);
    for (size_t i = 0; i < r->n_slots; i++) { /* lowest on top, whatever the warm-up did */
        r->free[i] = r->n_slots - 1 - i;
        r->slot[i].free_ns = r->load.t0_ns;
    }
    return rc;
}

/* Asks what is due; *wake_ns: when something will be, if nothing happens before. */
static int ask_more(struct runner *r, int64_t *wake_ns, struct ipw_err *err)
{
    const struct run_todo *todo = r->c->todo;
    int rc = 0;
    *wake_ns = NEVER;
    while (!rc && r->n_free && !atomic_load(&r->stop_ns)) {
        /* warm-up asks the first questions of the run beforehand and forgets the answers */
        if (!r->measuring && warmup_owed(&r->warm)) {
            rc = ask(r, todo->v[r->warm.asked++ % todo->n], true, ipw_now(r->c->env), err);
            continue;
        }
        if (!r->measuring && r->in_flight)
            break;
        if (!r->measuring && (rc = begin_measuring(r, err)))
            break;
        struct run_item item;
        size_t again;
        int64_t due = next_due(r, &item, &again);
        if (due == NEVER)
            break;
        if (due > ipw_now(r->c->env)) {
            *wake_ns = due;
            break;
        }
        rc = ask(r, item, false, due, err);
        if (again < r->n_again)
            r->again[again] = r->again[--r->n_again];
        else {
            r->cursor++;
            r->due_ns = NEVER;
        }
        r->load.t_last_ask_ns = due;
        if (!r->load.t_full_ns && (r->in_flight == r->n_slots || r->arrival.kind != ARRIVAL_CLOSED) &&
            due >= r->load.t0_ns + (int64_t)(r->arrival.ramp_s * 1e9))
            r->load.t_full_ns = due;
    }
    for (size_t i = 0; i < r->n_again; i++)
        *wake_ns = r->again[i].due_ns < *wake_ns ? r->again[i].due_ns : *wake_ns;
    return rc;
}

/* ---- answers ---- */

static int64_t rel(const struct runner *r, int64_t t)
{
    return t == STORE_NULL ? STORE_NULL : t - r->c->segment->anchor_ns;
}

/* Where reasoning ends and the answer begins, in pieces of the stream: kept apart by the server, or by tags in the text. */
static void split_thinking(struct runner *r, const struct slot *s, const struct engine_event *ev, struct store_query *q)
{
    const char *visible;
    size_t n, pieces = s->n_thinking;
    enum think_status think = score_strip_think(s->answer.s, s->answer.len, &visible, &n);
    int64_t first = s->n_thinking ? s->t_visible : s->t_first;
    if (think == THINK_STRIPPED) {
        size_t at = n ? (size_t)(visible - s->answer.s) : s->answer.len;
        for (pieces = 0; pieces < s->n_stamps && s->ends[pieces] <= at;)
            pieces++;
        first = pieces < s->n_stamps ? s->stamps[pieces] : STORE_NULL;
    } else if (think == THINK_UNCLOSED) {
        pieces = s->n_stamps;
        first = STORE_NULL;
    }
    if (q->t_send != STORE_NULL)
        q->t_first_answer = rel(r, first);
    if (pieces && s->n_stamps && ev->n_reason == ENGINE_UNKNOWN && ev->n_out != ENGINE_UNKNOWN)
        q->n_reason = (int64_t)llround((double)ev->n_out * (double)pieces / (double)s->n_stamps);
}

static void hand_over(struct runner *r, struct slot *s, const struct engine_event *ev)
{
    struct run_record *rec = run_record_new();
    struct ipw_arena *a = &rec->arena;
    const struct question *q = s->question;
    struct json_doc *doc = NULL;
    struct ipw_err ignored;
    struct ipw_buf stamps = IPW_BUF_INIT;
    const char *scorer = "none";

    if (!json_read(&doc, q->record, q->record_len, 0, &ignored)) {
        scorer = r->how == DATASET_ANSWER ? ipw_arena_strdup(a, scorer_name_for(json_root(doc))) : run_likely_scorer(r->how);
        run_likely_answer(json_root(doc), r->how, ev, &s->answer);
    }
    json_doc_free(doc);
    store_pack_stamps(s->stamps, s->n_stamps, s->t_send, &stamps);
    size_t n_stamps = stamps.len;
    bool of_text = r->how == DATASET_PERPLEXITY && ev->likely;
    bool sent = ev->status != QUERY_NOT_SENT && s->t_send != STORE_NULL;
    rec->q = (struct store_query){.query_id = q->id,
                                  .domain = q->subject,
                                  .reason = ev->reason,
                                  .token_source = ev->token_source,
                                  .stop = ev->stop,
                                  .sample = s->item.sample,
                                  .attempt = s->item.attempt,
                                  .segment = r->c->segment->id,
                                  .t_send = sent ? rel(r, s->t_send) : STORE_NULL,
                                  .t_first = sent ? rel(r, s->t_first) : STORE_NULL,
                                  .t_first_answer = STORE_NULL,
                                  .t_last = sent ? rel(r, s->t_last) : STORE_NULL,
                                  .t_end = sent ? rel(r, ev->t_ns) : STORE_NULL,
                                  .n_in = ev->n_in,
                                  .n_cached = ev->n_cached,
                                  .n_out = ev->n_out,
                                  .n_reason = ev->n_reason,
                                  .in_flight = (int64_t)s->in_flight,
                                  .status = (int)ev->status,
                                  .logprob_mean = of_text ? ev->likely->ll / (double)ev->likely->n_tokens : (double)NAN,
                                  .logprob_min = of_text ? ev->likely->worst : (double)NAN,
                                  .margin_first = NAN};
    split_thinking(r, s, ev, &rec->q);
    if (r->c->ops->caps & ENGINE_REMOTE) {
        rec->served = (struct store_served){rel(r, s->t_due), ev->load_ns, ev->prompt_ns, ev->decode_ns};
        rec->q.served = &rec->served;
    }
    if (ev->detail)
        snprintf(rec->detail, sizeof rec->detail, "%s", ev->detail);
    rec->text = (struct store_text){.prompt = ipw_arena_strndup(a, ev->prompt, ev->prompt_len),
                                    .answer = ipw_arena_strndup(a, s->answer.s, s->answer.len),
                                    .thinking = s->thinking.len
                                                    ? ipw_arena_strndup(a, s->thinking.s, s->thinking.len)
                                                    : NULL,
                                    .stamps = ipw_arena_strndup(a, stamps.s, n_stamps),
                                    .stamps_size = n_stamps};
    rec->question = (struct store_question){.query_id = q->id,
                                            .type = q->type,
                                            .scorer = scorer,
                                            .tmpl = ipw_arena_strdup(a, s->tmpl),
                                            .record = ipw_arena_strndup(a, q->record, q->record_len)};
    ipw_buf_release(&stamps);
    writer_put(&r->c->recorder->writer, rec);
}

/* What the server may take the next time: it was busy, or the connection was lost. */
static bool passing(const struct engine_event *ev)
{
    static const char *const reasons[] = {"connect", "aborted_stream", "http_408", "http_429", "http_500", "http_502",
                                          "http_503", "http_504", "http_529"};
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        if (ipw_streq(reasons[i], ev->reason))
            return true;
    return false;
}

static void ask_again(struct runner *r, const struct slot *s, const struct engine_event *ev)
{
    struct run_item item = s->item;
    int64_t tries = ++item.retries, wait = ev->retry_after_s >= 0 ? ev->retry_after_s * 1000000000 : BACKOFF_NS << (tries - 1);
    if (tries > r->c->plan->retries || !passing(ev) || wait > BACKOFF_MAX_S * 1000000000)
        return;
    item.attempt += ev->status != QUERY_NOT_SENT; /* that row is replaced */
    IPW_GROW(r->again, r->n_again, r->cap_again);
    r->again[r->n_again++] = (struct again){item, ev->t_ns + wait};
}

/* Whether it makes sense to go on is decided in trouble(). */
static void note_failure(struct runner *r, const struct slot *s, const struct engine_event *ev)
{
    bool failed = ev->status == QUERY_ERROR || ev->status == QUERY_NOT_SENT || ev->status == QUERY_TIMEOUT;
    if (failed && !*r->cause)
        snprintf(r->cause, sizeof r->cause, "%s%s%s", ev->reason, ev->detail ? ": " : "", ev->detail ? ev->detail : "");
    if (s->warmup) { /* what a server refuses now it will refuse later */
        bool refused = ev->status == QUERY_NOT_SENT || ipw_streq(ev->reason, "no_logprobs") ||
                       (ev->reason && ipw_starts(ev->reason, "http_4"));
        r->unsent_row += refused ? ROW_OF_UNSENT : 0;
    } else if (ev->status == QUERY_NOT_SENT)
        r->unsent_row++;
    else {
        r->unsent_row = 0;
        r->sent++;
    }
}

static void on_end(struct runner *r, struct slot *s, const struct engine_event *ev)
{
    read_boundary(r);
    bool aborted = ipw_streq(ev->reason, "interrupted");
    if (!aborted)
        note_failure(r, s, ev);
    if (s->warmup)
        warmup_note(&r->warm, ev, ev->likely ? s->t_send : s->t_first, ev->likely ? ev->t_ns : s->t_last);
    else if (!aborted) {
        hand_over(r, s, ev);
        ask_again(r, s, ev);
    }
    s->busy = false;
    s->free_ns = ev->t_ns;
    r->free[r->n_free++] = (size_t)(s - r->slot);
    r->in_flight--;
}

static void on_token(struct runner *r, struct slot *s, const struct engine_event *ev)
{
    s->t_last = ev->t_ns;
    if (!ev->thinking && s->t_visible == STORE_NULL)
        s->t_visible = ev->t_ns;
    ipw_buf_add(ev->thinking ? &s->thinking : &s->answer, ev->text, ev->len);
    if (s->n_stamps == s->cap_stamps)
        reserve_pieces(s, 2 * s->cap_stamps);
    s->ends[s->n_stamps] = s->answer.len;
    s->stamps[s->n_stamps++] = ev->t_ns;
    s->n_thinking += ev->thinking;
    atomic_store_explicit(&r->tokens, atomic_load_explicit(&r->tokens, memory_order_relaxed) + 1, memory_order_relaxed);
}

static void on_event(struct runner *r, const struct engine_event *ev)
{
    struct slot *s = &r->slot[ev->id % r->n_slots];
    switch (ev->kind) {
    case ENGINE_SENT:
        s->t_send = ev->t_ns;
        read_boundary(r);
        break;
    case ENGINE_FIRST:
        s->t_first = ev->t_ns;
        read_boundary(r);
        break;
    case ENGINE_TOKEN:
        on_token(r, s, ev);
        break;
    case ENGINE_END:
        on_end(r, s, ev);
        break;
    }
}

/* Nothing is sent any more: 0, or the reason to stop. */
static int trouble(const struct runner *r, bool over, struct ipw_err *err)
{
    if (r->unsent_row < ROW_OF_UNSENT && !(over && r->unsent_row && !r->sent))
        return 0;
    return ipw_err_set(err, IPW_E_ENV, "%s (%s); nothing more is asked",
                       r->measuring ? "requests do not reach the server" : "the server does not take the first request",
                       r->cause);
}

static int loop(struct runner *r, struct ipw_err *err)
{
    const struct run_ctx *c = r->c;
    struct engine_event ev[EVENTS];
    for (;;) {
        int64_t wake;
        if (atomic_load(c->signals) && !atomic_load(&r->stop_ns))
            atomic_store(&r->stop_ns, ipw_now(c->env));
        if (writer_failed(&c->recorder->writer))
            return 0; /* recorder_stop has the reason */
        int rc = trouble(r, false, err);
        if (rc || (rc = ask_more(r, &wake, err)))
            return rc;
        if (!r->in_flight && (wake == NEVER || atomic_load(&r->stop_ns)))
            break;
        int64_t deadline = ipw_now(c->env) + 100000000;
        int n = c->ops->poll(c->engine, wake < deadline ? wake : deadline, ev, EVENTS, err);
        if (n < 0)
            return -n;
        for (int i = 0; i < n; i++)
            on_event(r, &ev[i]);
    }
    if (atomic_load(&r->stop_ns))
        return ipw_err_set(err, IPW_E_INTERRUPTED, "interrupted");
    return trouble(r, true, err);
}

/* From the writer thread, 4 times a second: the work thread may be deep inside a long prefill. */
static void on_tick(const struct run_progress *p, void *ud)
{
    struct runner *r = ud;
    int64_t seen = atomic_load(&r->stop_ns);
    if (atomic_load(r->c->signals) && !seen)
        atomic_store(&r->stop_ns, ipw_now(r->c->env));
    else if (seen && ipw_now(r->c->env) - seen > GRACE_NS)
        r->c->ops->abort(r->c->engine);
    if (!r->c->progress)
        return;
    struct run_progress now = *p;
    now.tokens = atomic_load_explicit(&r->tokens, memory_order_relaxed);
    now.question = atomic_load_explicit(&r->question, memory_order_relaxed);
    r->c->progress(&now, r->c->ud);
}

static void slots_new(struct runner *r)
{
    r->n_slots = r->arrival.slots;
    r->slot = ipw_calloc(r->n_slots, sizeof *r->slot);
    r->free = ipw_calloc(r->n_slots, sizeof *r->free);
    for (size_t i = 0; i < r->n_slots; i++) {
        ipw_buf_init(&r->slot[i].answer);
        ipw_buf_init(&r->slot[i].thinking);
        r->free[r->n_free++] = r->n_slots - 1 - i;
    }
}

static void runner_free(struct runner *r)
{
    for (size_t i = 0; i < r->n_slots; i++) {
        ipw_buf_release(&r->slot[i].answer);
        ipw_buf_release(&r->slot[i].thinking);
        free(r->slot[i].stamps);
        free(r->slot[i].ends);
    }
    free(r->slot);
    free(r->free);
    free(r->again);
    free(r->trace);
    free(r->trace_s);
    free(r);
}

int run_execute(const struct run_ctx *c, struct run_load *load, struct ipw_err *err)
{
    struct runner *r = ipw_calloc(1, sizeof *r);
    r->c = c;
    (void)dataset_asking_find(c->plan->scoring, &r->how); /* the caller has checked it */
    r->warm = (struct warmup){.recorder = c->recorder, .steady = c->steady, .of = (size_t)c->plan->warmup};
    r->due_ns = NEVER;
    atomic_store(&r->question, -1);
    int rc = arrival_init(&r->arrival, c->plan, err);
    if (!rc) {
        slots_new(r);
        writer_on_tick(&c->recorder->writer, on_tick, r);
        rc = c->todo->n ? loop(r, err) : 0;
        writer_on_tick(&c->recorder->writer, NULL, NULL);
    }
    if (r->measuring) {
        r->load.t1_ns = ipw_now(c->env);
        r->load.cpu_ns = c->env->clock->thread_cpu ? c->env->clock->thread_cpu(c->env) - r->cpu0_ns : -1;
        r->load.pieces = atomic_load(&r->tokens);
        r->load.requests = r->sent;
    }
    *load = r->load;
    runner_free(r);
    return rc;
}
