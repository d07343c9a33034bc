#include "run/judging.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "score/judge.h"

enum { EVENTS = 64, FAILURES = 10, REPLY_MAX = 4 << 20 };
static const int64_t STEP_NS = 100000000, BACKOFF_NS = 1000000000;

static const char no_form[] = "the judge's replies do not end in the form that was asked for", no_answer[] = "the judge failed";

/* One case: its games one after another. */
struct slot {
    bool busy, flying; /* has a case; waits for the engine */
    uint32_t id;       /* of the request in flight */
    int64_t due_ns;    /* not flying: when it goes on */
    struct judge_case c;
    char *owned[4];
    struct judgement v;
    int tries;
    char key[65];
    struct ipw_buf text[2];
};

struct judging {
    struct judging_cfg cfg;
    int (*done)(void *, const struct judgement *, struct ipw_err *);
    void *ud;
    struct slot *slot;
    size_t busy, failures; /* failures: one after another */
    uint32_t generation;
    struct judging_counts counts;
};

struct judging *judging_new(const struct judging_cfg *cfg, int (*done)(void *, const struct judgement *, struct ipw_err *),
                            void *ud)
{
    struct judging *j = ipw_calloc(1, sizeof *j);
    j->cfg = *cfg;
    j->done = done;
    j->ud = ud;
    j->slot = ipw_calloc(cfg->at_once, sizeof *j->slot);
    for (size_t i = 0; i < cfg->at_once; i++)
        for (int k = 0; k < 2; k++)
            ipw_buf_init(&j->slot[i].text[k]);
    return j;
}

static void drop_case(struct slot *s)
{
    for (int k = 0; k < 4; k++)
        free(s->owned[k]);
    memset(s->owned, 0, sizeof s->owned);
    s->busy = s->flying = false;
}

void judging_free(struct judging *j)
{
    if (!j)
        return;
    for (size_t i = 0; i < j->cfg.at_once; i++) {
        drop_case(&j->slot[i]);
        for (int k = 0; k < 2; k++)
            ipw_buf_release(&j->slot[i].text[k]);
    }
    free(j->slot);
    free(j);
}

const struct judging_counts *judging_counts(const struct judging *j)
{
    return &j->counts;
}

/* ---- what was written before ---- */

/* A reply depends on who writes, by which seed and how far, and on the prompt, which holds all else. */
static void make_key(const struct judging *j, struct slot *s, const struct ipw_buf *prompt)
{
    char with[64];
    struct fs_sha256 *h = fs_sha256_new();
    snprintf(with, sizeof with, "%llu %lld", (unsigned long long)(j->cfg.seed + (uint64_t)s->tries),
             (long long)j->cfg.max_tokens);
    fs_sha256_add(h, j->cfg.judge, strlen(j->cfg.judge) + 1);
    fs_sha256_add(h, with, strlen(with) + 1);
    fs_sha256_add(h, prompt->s, prompt->len);
    fs_sha256_end(h, s->key);
}

static bool kept_path(const struct judging *j, const struct slot *s, bool make, char path[PATH_MAX])
{
    struct ipw_err ignored;
    char name[3 + 64 + 6];
    if (!j->cfg.cache)
        return false;
    snprintf(name, sizeof name, "%.2s", s->key);
    fs_join(path, PATH_MAX, j->cfg.cache, name);
    if (make && fs_mkdirs(path, &ignored))
        return false;
    snprintf(name, sizeof name, "%.2s/%s.json", s->key, s->key);
    fs_join(path, PATH_MAX, j->cfg.cache, name);
    return true;
}

/* A file that cannot be read is asked anew. */
static bool look_up(struct judging *j, struct slot *s)
{
    struct ipw_buf file = IPW_BUF_INIT;
    struct json_doc *doc = NULL;
    struct ipw_err ignored;
    char path[PATH_MAX];
    size_t g = s->v.games;
    bool found = kept_path(j, s, false, path) && fs_exists(path) && !fs_read(path, REPLY_MAX, &file, &ignored) &&
                 !json_read(&doc, file.s, file.len, 0, &ignored) && json_str(json_get(json_root(doc), "text"));
    if (found) {
        const json_val *r = json_root(doc);
        ipw_buf_clear(&s->text[g]);
        ipw_buf_adds(&s->text[g], json_str(json_get(r, "text")));
        s->v.n_in[g] = s->v.n_out[g] = ENGINE_UNKNOWN;
        json_is_int(json_get(r, "n_in"), &s->v.n_in[g]);
        json_is_int(json_get(r, "n_out"), &s->v.n_out[g]);
        j->counts.cached++;
    }
    json_doc_free(doc);
    ipw_buf_release(&file);
    return found;
}

/* A reply that cannot be kept is only asked for once more another time. */
static void keep(const struct judging *j, const struct slot *s)
{
    struct ipw_err ignored;
    char path[PATH_MAX];
    size_t g = s->v.games;
    if (!kept_path(j, s, true, path))
        return;
    struct json_out *o = json_out_new();
    json_node *r = json_new_obj(o);
    json_put_str(o, r, "judge", j->cfg.judge);
    json_put_str(o, r, "form", j->cfg.form->id);
    json_put_str(o, r, "text", s->text[g].s);
    if (s->v.n_in[g] != ENGINE_UNKNOWN)
        json_put_int(o, r, "n_in", s->v.n_in[g]);
    if (s->v.n_out[g] != ENGINE_UNKNOWN)
        json_put_int(o, r, "n_out", s->v.n_out[g]);
    char *text = json_write(o, r, true);
    fs_write_atomic(path, text, strlen(text), &ignored);
    free(text);
    json_out_free(o);
}

/* ---- one case ---- */

static int end_case(struct judging *j, struct slot *s, const char *reason, struct ipw_err *err)
{
    s->v.reason = reason;
    for (size_t g = 0; g < 2; g++)
        s->v.text[g] = s->text[g].s;
    if (reason)
        s->v.games += s->text[s->v.games].len > 0; /* what it wrote instead of a verdict */
    int rc = j->done(j->ud, &s->v, err);
    drop_case(s);
    j->busy--;
    return rc;
}

/* Whether the reply to this game holds what it has to. */
static bool read_reply(const struct judging *j, struct slot *s)
{
    struct ipw_arena arena = {0};
    size_t g = s->v.games;
    enum think_status status;
    struct span t = scan_visible(s->text[g].s, s->text[g].len, &arena, &status);
    bool found;
    if (j->cfg.form->pairwise)
        found = judge_preference(t, &s->v.preference[g]);
    else
        found = (s->v.verdict = judge_verdict(t, &arena)) != NULL;
    ipw_arena_release(&arena);
    return found;
}

static int submit(struct judging *j, struct slot *s, const struct ipw_buf *prompt, struct ipw_err *err)
{
    struct engine_message m = {"user", prompt->s};
    s->id = ++j->generation * (uint32_t)j->cfg.at_once + (uint32_t)(s - j->slot);
    struct engine_req req = {.id = s->id, .messages = &m, .n_messages = 1, .max_tokens = j->cfg.max_tokens,
                             .seed = j->cfg.seed + (uint64_t)s->tries};
    size_t g = s->v.games;
    ipw_buf_clear(&s->text[g]);
    s->v.n_in[g] = s->v.n_out[g] = ENGINE_UNKNOWN;
    s->flying = true;
    j->counts.asked++;
    return j->cfg.ops->submit(j->cfg.engine, &req, err);
}

/* From a reply, or from the beginning, to the next request in flight or the end of the case. */
static int go_on(struct judging *j, struct slot *s, bool replied, struct ipw_err *err)
{
    struct ipw_buf prompt = IPW_BUF_INIT;
    size_t games = j->cfg.form->pairwise ? 2 : 1;
    int rc = 0;
    for (;;) {
        if (replied) {
            bool found = read_reply(j, s);
            s->v.games += found;
            s->tries = found ? 0 : s->tries + 1;
            j->counts.again += !found;
        }
        if (s->v.games == games || s->tries == JUDGE_TRIES) {
            rc = end_case(j, s, s->v.games == games ? NULL : no_form, err);
            break;
        }
        ipw_buf_clear(&s->text[s->v.games]);
        ipw_buf_clear(&prompt);
        judge_form_fill(j->cfg.form, &s->c, s->v.games == 1, s->tries, &prompt);
        make_key(j, s, &prompt);
        if (!(replied = look_up(j, s))) {
            rc = submit(j, s, &prompt, err);
            break;
        }
    }
    ipw_buf_release(&prompt);
    return rc;
}

static void count_tokens(struct judging *j, struct slot *s, const struct engine_event *ev)
{
    size_t g = s->v.games;
    s->v.n_in[g] = ev->n_in;
    s->v.n_out[g] = ev->n_out;
    j->counts.n_in += ev->n_in == ENGINE_UNKNOWN ? 0 : ev->n_in;
    j->counts.n_out += ev->n_out == ENGINE_UNKNOWN ? 0 : ev->n_out;
}

static int on_end(struct judging *j, struct slot *s, const struct engine_event *ev, struct ipw_err *err)
{
    s->flying = false;
    if (ev->status == QUERY_OK || ev->status == QUERY_TRUNCATED || ev->status == QUERY_EMPTY || ev->status == QUERY_REFUSED) {
        j->failures = 0;
        count_tokens(j, s, ev);
        if (s->text[s->v.games].len)
            keep(j, s);
        return go_on(j, s, true, err);
    }
    if (ipw_streq(ev->reason, "prompt_too_long"))
        return end_case(j, s, "the judge's context is too short: --ctx", err);
    if (++j->failures >= FAILURES)
        return ipw_err_set(err, IPW_E_ENV, "the judge does not answer (%s%s%s); what it has judged is kept, go on with the same "
                           "command", ev->reason ? ev->reason : "error", ev->detail ? ": " : "", ev->detail ? ev->detail : "");
    ipw_buf_clear(&s->text[s->v.games]);
    j->counts.again++;
    if (++s->tries == JUDGE_TRIES)
        return end_case(j, s, no_answer, err);
    s->due_ns = ev->t_ns + (ev->retry_after_s >= 0 ? ev->retry_after_s * 1000000000 : BACKOFF_NS << (s->tries - 1));
    return 0;
}

/* ---- all of them ---- */

static int step(struct judging *j, struct ipw_err *err)
{
    struct engine_event ev[EVENTS];
    int64_t now = ipw_now(j->cfg.env);
    int rc = 0;
    if (atomic_load(j->cfg.stop))
        return ipw_err_set(err, IPW_E_INTERRUPTED, "interrupted");
    int64_t wake = now + STEP_NS;
    for (size_t i = 0; i < j->cfg.at_once && !rc; i++) {
        struct slot *s = &j->slot[i];
        if (!s->busy || s->flying)
            continue;
        if (s->due_ns <= now)
            rc = go_on(j, s, false, err);
        else
            wake = s->due_ns < wake ? s->due_ns : wake;
    }
    if (rc || !j->busy)
        return rc;
    int n = j->cfg.ops->poll(j->cfg.engine, wake, ev, EVENTS, err);
    if (n < 0)
        return -n;
    for (int i = 0; i < n && !rc; i++) {
        struct slot *s = &j->slot[ev[i].id % j->cfg.at_once];
        if (!s->flying || s->id != ev[i].id)
            continue;
        if (ev[i].kind == ENGINE_TOKEN && !ev[i].thinking)
            ipw_buf_add(&s->text[s->v.games], ev[i].text, ev[i].len);
        else if (ev[i].kind == ENGINE_END)
            rc = on_end(j, s, &ev[i], err);
    }
    return rc;
}

int judging_ask(struct judging *j, int64_t tag, const struct judge_case *c, struct ipw_err *err)
{
    size_t at = 0;
    int rc = 0;
    while (!rc && j->busy == j->cfg.at_once)
        rc = step(j, err);
    if (rc)
        return rc;
    while (j->slot[at].busy)
        at++;
    struct slot *s = &j->slot[at];
    const char *const text[] = {c->question, c->reference, c->answer, c->other};
    for (int k = 0; k < 4; k++)
        s->owned[k] = text[k] ? ipw_strdup(text[k]) : NULL;
    s->c = (struct judge_case){s->owned[0], s->owned[1], s->owned[2], s->owned[3]};
    s->v = (struct judgement){.tag = tag};
    s->busy = true;
    s->tries = 0;
    s->due_ns = 0;
    for (int k = 0; k < 2; k++)
        ipw_buf_clear(&s->text[k]);
    j->busy++;
    return go_on(j, s, false, err);
}

int judging_finish(struct judging *j, struct ipw_err *err)
{
    int rc = 0;
    while (!rc && j->busy)
        rc = step(j, err);
    return rc;
}
