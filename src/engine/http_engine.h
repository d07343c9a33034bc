/* Engines that ask a server over HTTP: what openai.c and ollama.c share. One thread, many requests (net/loop.h). */
#ifndef IPW_ENGINE_HTTP_ENGINE_H
#define IPW_ENGINE_HTTP_ENGINE_H

#include "base/buf.h"
#include "base/mem.h"
#include "engine/engine.h"
#include "net/frames.h"
#include "net/loop.h"

struct dialect;
enum { ENDPOINT_CHAT, ENDPOINT_COMPLETIONS };

/* What a server says when it is asked for something before the run. */
struct http_reply {
    long status;
    struct ipw_buf body;
};

struct http_engine { /* what a dialect sees; the rest is in http_engine.c */
    const struct ipw_env *env;
    struct engine_cfg cfg;   /* texts are the arena's */
    const struct dialect *dialect;
    int endpoint;
    char *base;              /* without a slash at its end */
    char *root;              /* scheme and host alone: where /props and /health are */
    struct engine_model model;
    const char *build;       /* of the server, NULL unknown */
    struct ipw_buf names;    /* models it has, "a, b", for messages */
    struct ipw_arena arena;
};

/* Asks at once and waits; path stands after `at` (base or root). body NULL: GET. on_frame (may be NULL) sees the frames as
 * they come, however long; without it the server has 5 s, after that the status is 0. IPW_E_ENV when there is no server, IPW_E_INTERRUPTED after cfg.stop; a status of any kind is no error. */
int http_engine_ask(struct http_engine *e, const char *at, const char *path, const char *body, frames_fn *on_frame, void *ud,
                    struct http_reply *reply, struct ipw_err *err);

/* The server's words about an error, for people: a few hundred bytes into out. */
void http_engine_said(const struct ipw_buf *body, char *out, size_t size);

int http_engine_open(struct engine **out, const struct ipw_env *env, const struct engine_cfg *cfg, const struct dialect *d,
                     struct ipw_err *err);
int http_engine_submit(struct engine *e, const struct engine_req *req, struct ipw_err *err);
int http_engine_poll(struct engine *e, int64_t deadline_ns, struct engine_event *ev, int cap, struct ipw_err *err);
void http_engine_cancel(struct engine *e, uint32_t id);
void http_engine_abort(struct engine *e);
int http_engine_devices(struct engine *e, struct engine_device *out, int cap);
const struct engine_model *http_engine_model(struct engine *e);
const char *http_engine_build(struct engine *e);
const char *http_engine_cpu_variant(struct engine *e);
void http_engine_close(struct engine *e);

#endif
