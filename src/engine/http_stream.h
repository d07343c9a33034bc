/* Inside of the HTTP engines: http_engine.c asks, http_open.c prepares. */
#ifndef IPW_ENGINE_HTTP_STREAM_H
#define IPW_ENGINE_HTTP_STREAM_H

#include <stdatomic.h>

#include "engine/dialect.h"
#include "engine/letters.h"

enum { POOL = 64 << 10 };

/* One request. Its buffers keep their memory from one to the next. */
struct stream {
    bool busy, failed, first, last, whole;
    bool bytes, framed; /* anything of a body came; a frame did */
    bool tried_version; /* --client-base-url without /v1: asked again with it */
    bool versioned;     /* the address that was asked last has it */
    uint32_t id;
    char *body;
    size_t body_len;
    size_t n_options; /* 0: an answer is asked for */
    bool lettered;    /* what the server told about them is in likely */
    struct engine_likely likely[LETTERS_MAX];
    struct frames frames;
    struct ipw_buf prompt, detail;
    struct piece sum; /* counts and words so far; its texts are not used */
    int64_t chunks, thinking_chunks;
    long status;
    int64_t t_ns; /* of the piece being read */
};

struct engine {
    struct http_engine h;
    struct http_loop *loop;
    struct stream *stream;
    uint32_t n_streams, *free, n_free;
    struct queued {
        struct engine_event ev;
        size_t at; /* TOKEN: of its bytes in `text`; END: number of the stream */
    } *queue; /* of this and earlier polls: from..n are not handed out yet */
    size_t from, n, cap;
    struct ipw_buf text;
    struct http_ask *ask; /* something is asked outside of a run */
    bool answered;       /* the base URL has proved right */
    _Atomic int aborted;
    char pool[POOL];
};

/* Something asked outside of a run, and waited for. */
struct http_ask {
    struct http_reply *reply;
    frames_fn *on_frame;
    void *ud;
    struct frames frames;
    struct http_result result;
    char why[300];
    bool done;
};

extern const struct http_loop_ops http_engine_loop;

#endif
