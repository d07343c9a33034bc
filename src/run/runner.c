#include "run/runner.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/str.h"
#include "run/baseline.h"
#include "score/score.h"
#include "store/pack.h"

enum { IN_FLIGHT = 1, WARMUPS = 512 };
static const int64_t GRACE_NS = 3000000000; /* a signal lets the query end by itself this long: 5 s in all */

/* One request in flight. Buffers are reserved when it is submitted: a token's arrival does not allocate. */
struct slot {
    bool busy, warmup;
    uint32_t id;
    struct run_item item;
    const struct question *question;
    const char *tmpl;
    struct ipw_buf user, answer;
    int64_t *stamps;
    size_t n_stamps, cap_stamps;
    int64_t t_send, t_first, t_last;
};

struct runner {
    const struct run_ctx *c;
    struct slot slot[IN_FLIGHT];
    size_t in_flight, next_item, warmups;
    struct warmup {
        double tokens_s[WARMUPS], celsius[WARMUPS], t_s[WARMUPS]; /* decoding speed of the last, oldest first */
        size_t n;
        int64_t since_ns;
    } warm;
    uint32_t next_id;
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

static struct engine_message *messages_of(const json_val *record, struct slot *s, size_t *n)
{
    dataset_prompt(record, &s->user, &s->tmpl);
    const json_val *given = json_get(record, "messages");
    struct engine_message *out = ipw_calloc(json_len(given) + 1, sizeof *out);
    *n = 0;
    for (struct json_iter it = json_iter(given); json_next(&it);)
        out[(*n)++] = (struct engine_message){json_str(json_get(it.val, "role")), json_str(json_get(it.val, "content"))};
    if (!*n)
        out[(*n)++] = (struct engine_message){"user", s->user.s};
    return out;
}

static int ask(struct runner *r, struct run_item item, bool warmup, struct ipw_err *err)
{
    const struct run_ctx *c = r->c;
    struct slot *s = r->slot;
    while (s->busy)
        s++;
    s->item = item;
    s->warmup = warmup;
    s->question = &c->data->v[item.question];
    s->t_send = s->t_first = s->t_last = STORE_NULL;
    s->n_stamps = 0;
    int64_t limit = max_tokens(c->plan, s->question);
    size_t room = limit < 32768 ? (size_t)limit : 32768;
    ipw_buf_clear(&s->user);
    ipw_buf_clear(&s->answer);
    ipw_buf_reserve(&s->answer, room * 16);
    if (s->cap_stamps < room) {
        s->cap_stamps = room;
        s->stamps = ipw_realloc(s->stamps, room * sizeof *s->stamps);
    }

    struct json_doc *doc;
    int rc = json_read(&doc, s->question->record, s->question->record_len, 0, err);
    if (rc)
        return ipw_err_wrap(err, "question '%s'", s->question->id);
    size_t n;
    struct engine_message *messages = messages_of(json_root(doc), s, &n);
    struct engine_req req = {
        .id = s->id = ++r->next_id,
        .messages = messages,
        .n_messages = n,
        .max_tokens = limit,
        .seed = ipw_rng_at((uint64_t)c->plan->seed, ipw_hash64(s->question->id, strlen(s->question->id)))};
    rc = c->ops->submit(c->engine, &req, err);
    free(messages);
    json_doc_free(doc);
    if (!warmup)
        atomic_store_explicit(&r->question, (int64_t)item.question, memory_order_relaxed);
    s->busy = !rc;
    r->in_flight += !rc;
    return rc;
}

/* ---- warm-up ---- */

/* The hottest sensor of what computes, NAN without one. */
static double celsius_now(const struct runner *r)
{
    const struct meter *m = r->c->recorder->meter;
    size_t n;
    const struct energy_channel *ch = meter_channels(m, &n);
    double most = NAN;
    for (size_t i = 0; i < n; i++) {
        struct energy_reading x;
        if (ch[i].kind != ENERGY_KIND_GAUGE || !ipw_ends(ch[i].id, ":temperature") || !meter_takes_part(m, i))
            continue;
        meter_read(m, i, &x);
        if (!x.status)
            most = fmax(most, (double)x.raw * 1e-3);
    }
    return most;
}

static void note_warmup(struct runner *r, const struct slot *s, const struct engine_event *ev)
{
    struct warmup *w = &r->warm;
    if (ev->n_out < 2 || s->t_first == STORE_NULL || s->t_last <= s->t_first)
        return; /* too short an answer tells no speed */
    if (w->n == WARMUPS) {
        w->n--;
        memmove(w->tokens_s, w->tokens_s + 1, w->n * sizeof w->tokens_s[0]);
        memmove(w->celsius, w->celsius + 1, w->n * sizeof w->celsius[0]);
        memmove(w->t_s, w->t_s + 1, w->n * sizeof w->t_s[0]);
    }
    w->tokens_s[w->n] = (double)(ev->n_out - 1) * 1e9 / (double)(s->t_last - s->t_first);
    w->celsius[w->n] = celsius_now(r);
    w->t_s[w->n++] = (double)(ev->t_ns - w->since_ns) * 1e-9;
}

/* Degrees in 30 s over the last 30 s. */
static double slope(const struct warmup *w)
{
    size_t from = w->n ? w->n - 1 : 0;
    while (from && w->t_s[w->n - 1] - w->t_s[from] < 30)
        from--;
    double dt = w->n ? w->t_s[w->n - 1] - w->t_s[from] : 0;
    return dt > 0 ? (w->celsius[w->n - 1] - w->celsius[from]) * 30 / dt : (double)NAN;
}

static bool warmup_owed(struct runner *r)
{
    struct warmup *w = &r->warm;
    if (!w->since_ns)
        w->since_ns = ipw_now(r->c->env);
    if (!r->c->steady)
        return r->warmups < (size_t)r->c->plan->warmup;
    return !run_is_warm(w->tokens_s, w->n, (double)(ipw_now(r->c->env) - w->since_ns) * 1e-9, slope(w));
}

static int ask_more(struct runner *r, struct ipw_err *err)
{
    const struct run_todo *todo = r->c->todo;
    int rc = 0;
    while (!rc && r->in_flight < IN_FLIGHT && !atomic_load(&r->stop_ns)) {
        /* warm-up asks the first questions of the run beforehand and forgets the answers */
        bool warmup = !r->next_item && warmup_owed(r);
        if (warmup)
            rc = ask(r, todo->v[r->warmups++ % todo->n], true, err);
        else if (r->next_item < todo->n)
            rc = ask(r, todo->v[r->next_item++], false, err);
        else
            break;
    }
    return rc;
}

/* ---- answers ---- */

static int64_t rel(const struct runner *r, int64_t t)
{
    return t == STORE_NULL ? STORE_NULL : t - r->c->segment->anchor_ns;
}

/* Without a thinking part the first token is the first answer token; with one the tokens do not tell where it is. */
static int64_t first_answer(const struct slot *s)
{
    const char *visible;
    size_t n;
    return score_strip_think(s->answer.s, s->answer.len, &visible, &n) == THINK_NONE ? s->t_first : STORE_NULL;
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

    if (!json_read(&doc, q->record, q->record_len, 0, &ignored))
        scorer = ipw_arena_strdup(a, scorer_name_for(json_root(doc)));
    json_doc_free(doc);
    store_pack_stamps(s->stamps, s->n_stamps, s->t_send, &stamps);
    size_t n_stamps = stamps.len;
    rec->q = (struct store_query){.query_id = q->id,
                                  .domain = q->subject,
                                  .reason = ev->reason,
                                  .token_source = "engine",
                                  .stop = ev->stop,
                                  .attempt = s->item.attempt,
                                  .segment = r->c->segment->id,
                                  .t_send = rel(r, s->t_send),
                                  .t_first = rel(r, s->t_first),
                                  .t_first_answer = rel(r, first_answer(s)),
                                  .t_last = rel(r, s->t_last),
                                  .t_end = s->t_send == STORE_NULL ? STORE_NULL : rel(r, ev->t_ns),
                                  .n_in = ev->n_in,
                                  .n_cached = ev->n_cached,
                                  .n_out = ev->n_out,
                                  .n_reason = STORE_NULL,
                                  .in_flight = IN_FLIGHT,
                                  .status = (int)ev->status,
                                  .logprob_mean = NAN,
                                  .logprob_min = NAN,
                                  .margin_first = NAN};
    rec->text = (struct store_text){.prompt = ipw_arena_strndup(a, ev->prompt, ev->prompt_len),
                                    .answer = ipw_arena_strndup(a, s->answer.s, s->answer.len),
                                    .stamps = ipw_arena_strndup(a, stamps.s, n_stamps),
                                    .stamps_size = n_stamps};
    rec->question = (struct store_question){.query_id = q->id,
                                            .type = q->type,
                                            .scorer = scorer,
                                            .tmpl = s->tmpl,
                                            .record = ipw_arena_strndup(a, q->record, q->record_len)};
    ipw_buf_release(&stamps);
    writer_put(&r->c->recorder->writer, rec);
}

static void on_end(struct runner *r, struct slot *s, const struct engine_event *ev)
{
    read_boundary(r);
    bool aborted = ipw_streq(ev->reason, "interrupted");
    if (s->warmup)
        note_warmup(r, s, ev);
    else if (!aborted)
        hand_over(r, s, ev);
    s->busy = false;
    r->in_flight--;
}

static void on_event(struct runner *r, const struct engine_event *ev)
{
    struct slot *s = r->slot;
    while (s->id != ev->id)
        s++;
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
        s->t_last = ev->t_ns;
        if (s->n_stamps < s->cap_stamps)
            s->stamps[s->n_stamps++] = ev->t_ns;
        ipw_buf_add(&s->answer, ev->text, ev->len);
        atomic_store_explicit(&r->tokens, atomic_load_explicit(&r->tokens, memory_order_relaxed) + 1, memory_order_relaxed);
        break;
    case ENGINE_END:
        on_end(r, s, ev);
        break;
    }
}

static int loop(struct runner *r, struct ipw_err *err)
{
    const struct run_ctx *c = r->c;
    struct engine_event ev[16];
    for (;;) {
        if (atomic_load(c->signals) && !atomic_load(&r->stop_ns))
            atomic_store(&r->stop_ns, ipw_now(c->env));
        if (writer_failed(&c->recorder->writer))
            return 0; /* recorder_stop has the reason */
        int rc = ask_more(r, err);
        if (rc)
            return rc;
        if (!r->in_flight)
            break;
        int n = c->ops->poll(c->engine, ipw_now(c->env) + 100000000, ev, 16, err);
        if (n < 0)
            return -n;
        for (int i = 0; i < n; i++)
            on_event(r, &ev[i]);
    }
    if (atomic_load(&r->stop_ns))
        return ipw_err_set(err, IPW_E_INTERRUPTED, "interrupted");
    return 0;
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

int run_execute(const struct run_ctx *c, struct ipw_err *err)
{
    struct runner *r = ipw_calloc(1, sizeof *r);
    r->c = c;
    atomic_store(&r->question, -1);
    for (size_t i = 0; i < IN_FLIGHT; i++) {
        ipw_buf_init(&r->slot[i].user);
        ipw_buf_init(&r->slot[i].answer);
    }
    writer_on_tick(&c->recorder->writer, on_tick, r);
    int rc = c->todo->n ? loop(r, err) : 0;
    writer_on_tick(&c->recorder->writer, NULL, NULL);
    for (size_t i = 0; i < IN_FLIGHT; i++) {
        ipw_buf_release(&r->slot[i].user);
        ipw_buf_release(&r->slot[i].answer);
        free(r->slot[i].stamps);
    }
    free(r);
    return rc;
}
