/* Asking an engine that asks a server, and looking at every event. */
#ifndef IPW_TESTS_ASK_H
#define IPW_TESTS_ASK_H

#include "base/buf.h"
#include "engine/engine.h"

enum { ASK_PATIENCE_S = 20 };

struct asked {
    int sent, firsts, tokens; /* events */
    bool first_thinking, ended;
    int64_t t_sent, t_first, t_last;
    struct ipw_buf text, thinking, detail, prompt;
    struct engine_event end; /* its texts are those above */
};

static inline void asked_init(struct asked *a)
{
    *a = (struct asked){.text = IPW_BUF_INIT, .thinking = IPW_BUF_INIT, .detail = IPW_BUF_INIT, .prompt = IPW_BUF_INIT};
}

static inline void asked_release(struct asked *a)
{
    ipw_buf_release(&a->text);
    ipw_buf_release(&a->thinking);
    ipw_buf_release(&a->detail);
    ipw_buf_release(&a->prompt);
}

/* What holds for every event of every engine: order, times that do not go back, one end. */
static inline void asked_event(struct asked *a, const struct engine_event *ev)
{
    assert_false(a->ended);
    assert_true(ev->t_ns >= a->t_last);
    a->t_last = ev->t_ns;
    switch (ev->kind) {
    case ENGINE_SENT:
        a->sent++;
        a->t_sent = ev->t_ns;
        break;
    case ENGINE_FIRST:
        assert_true(a->sent > 0);
        assert_int_equal(a->tokens, 0);
        a->firsts++;
        a->first_thinking = ev->thinking;
        a->t_first = ev->t_ns;
        break;
    case ENGINE_TOKEN:
        assert_true(a->sent > 0);
        a->tokens++;
        ipw_buf_add(ev->thinking ? &a->thinking : &a->text, ev->text, ev->len);
        break;
    case ENGINE_END:
        a->ended = true;
        a->end = *ev;
        ipw_buf_adds(&a->detail, ev->detail ? ev->detail : "");
        ipw_buf_add(&a->prompt, ev->prompt, ev->prompt_len);
        break;
    }
    assert_true(a->firsts <= 1);
}

/* Waits until all of n requests, whose ids are first, first + 1, ..., have ended. */
static inline void ask_wait(const struct engine_ops *ops, struct engine *e, struct asked *a, uint32_t first, size_t n)
{
    struct engine_event ev[16];
    struct ipw_err err = {0};
    const struct ipw_env *env = &ipw_env_host;
    int64_t until = ipw_now(env) + (int64_t)ASK_PATIENCE_S * 1000000000;
    for (size_t ended = 0; ended < n;) {
        if (ipw_now(env) > until)
            fail_msg("no end after %d s: %zu of %zu", ASK_PATIENCE_S, ended, n);
        int k = ops->poll(e, ipw_now(env) + 100000000, ev, sizeof ev / sizeof *ev, &err);
        if (k < 0)
            fail_msg("%s", err.text);
        for (int i = 0; i < k; i++) {
            assert_in_range(ev[i].id, first, first + n - 1);
            asked_event(&a[ev[i].id - first], &ev[i]);
            ended += ev[i].kind == ENGINE_END;
        }
    }
}

static inline void ask_submit(const struct engine_ops *ops, struct engine *e, uint32_t id, const char *prompt)
{
    struct ipw_err err = {0};
    struct engine_message m = {"user", prompt};
    struct engine_req req = {.id = id, .messages = &m, .n_messages = 1, .max_tokens = 64};
    if (ops->submit(e, &req, &err))
        fail_msg("%s", err.text);
}

static inline void ask_one(const struct engine_ops *ops, struct engine *e, const char *prompt, struct asked *a)
{
    asked_init(a);
    ask_submit(ops, e, 7, prompt);
    ask_wait(ops, e, a, 7, 1);
}

#endif
