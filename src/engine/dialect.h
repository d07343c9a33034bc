/* What differs between servers that are asked over HTTP: addresses, the body of a request, the meaning of a frame. The rest
 * is http_engine.c. To add one: a file like openai.c with a `struct dialect` and its `struct engine_ops`. */
#ifndef IPW_ENGINE_DIALECT_H
#define IPW_ENGINE_DIALECT_H

#include "base/json.h"
#include "engine/http_engine.h"
#include "net/frames.h"

/* What one frame (or a whole answer) says. Texts live as long as its document. */
struct piece {
    const char *text, *thinking;
    size_t text_len, thinking_len; /* 0: none */
    const json_val *logprobs;    /* of the tokens in it; NULL */
    const char *error;           /* the server gave up: its words */
    const char *stop;            /* static; NULL: not yet */
    bool refused;                /* the server or the model would not answer */
    bool last;                   /* nothing of meaning follows */
    int64_t n_in, n_cached, n_out, n_reason, load_ns, prompt_ns, decode_ns; /* ENGINE_UNKNOWN */
};

struct dialect {
    const char *base;         /* where such a server usually is */
    const char *path[2];      /* of ENDPOINT_CHAT, ENDPOINT_COMPLETIONS, after the base URL */
    const char *version_path; /* tried when `path` is not there: "/v1"; NULL */
    enum frames_kind frames;  /* of a stream */
    const char *whole_type;   /* content type of an answer that is no stream although one was asked for; NULL */
    char *(*body)(const struct http_engine *e, const struct engine_req *req); /* JSON; caller frees */
    void (*read)(const json_val *frame, struct piece *p); /* pure: p comes with everything unknown */
    /* Once, before anything is asked: the model's facts, the server's build, what else it has. */
    int (*learn)(struct http_engine *e, struct ipw_err *err);
};

extern const struct dialect dialect_openai, dialect_ollama;

void piece_init(struct piece *p);
void piece_text(struct piece *p, const json_val *text);         /* NULL or no string: none */
void piece_thinking(struct piece *p, const json_val *thinking);

/* "prompt": the texts of the messages, after the system's (NULL: none), with an empty line between. */
void dialect_prompt(struct json_out *o, json_node *body, const char *system, const struct engine_req *req);

/* *to is kept when there is no such whole number of 0 or more. */
void dialect_int(const json_val *obj, const char *key, int64_t *to);

/* Its text, with the members of --extra-body in it; frees o. */
char *dialect_body(const struct http_engine *e, struct json_out *o, json_node *body);

/* [{"role", "content"}, ...] with the system prompt first. */
void dialect_messages(struct json_out *o, json_node *body, const struct http_engine *e, const struct engine_req *req);

#endif
