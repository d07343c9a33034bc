#include "engine/dialect.h"

#include <stdlib.h>
#include <string.h>

void piece_init(struct piece *p)
{
    *p = (struct piece){.n_in = ENGINE_UNKNOWN, .n_cached = ENGINE_UNKNOWN, .n_out = ENGINE_UNKNOWN,
                        .n_reason = ENGINE_UNKNOWN, .load_ns = ENGINE_UNKNOWN, .prompt_ns = ENGINE_UNKNOWN,
                        .decode_ns = ENGINE_UNKNOWN};
}

void piece_text(struct piece *p, const json_val *text)
{
    p->text = json_str(text);
    p->text_len = p->text ? json_len(text) : 0;
}

void piece_thinking(struct piece *p, const json_val *thinking)
{
    p->thinking = json_str(thinking);
    p->thinking_len = p->thinking ? json_len(thinking) : 0;
}

char *dialect_body(const struct http_engine *e, struct json_out *o, json_node *body)
{
    struct json_doc *doc = NULL;
    struct ipw_err ignored;
    const char *extra = e->cfg.http.extra_body;
    if (extra && !json_read(&doc, extra, strlen(extra), 0, &ignored))
        body = json_patched(o, body, json_root(doc));
    json_doc_free(doc);
    char *text = json_write(o, body, false);
    json_out_free(o);
    return text;
}

void dialect_messages(struct json_out *o, json_node *body, const struct http_engine *e, const struct engine_req *req)
{
    json_node *list = json_put_arr(o, body, "messages");
    if (e->cfg.system) {
        json_node *m = json_put_obj(o, list, NULL);
        json_put_str(o, m, "role", "system");
        json_put_str(o, m, "content", e->cfg.system);
    }
    for (size_t i = 0; i < req->n_messages; i++) {
        json_node *m = json_put_obj(o, list, NULL);
        json_put_str(o, m, "role", req->messages[i].role);
        json_put_str(o, m, "content", req->messages[i].content);
    }
}

void dialect_prompt(struct json_out *o, json_node *body, const char *system, const struct engine_req *req)
{
    struct ipw_buf prompt = IPW_BUF_INIT;
    if (system)
        ipw_buf_addf(&prompt, "%s\n\n", system);
    for (size_t i = 0; i < req->n_messages; i++)
        ipw_buf_addf(&prompt, "%s%s", i ? "\n\n" : "", req->messages[i].content);
    json_put_strn(o, body, "prompt", prompt.s, prompt.len);
    ipw_buf_release(&prompt);
}

void dialect_int(const json_val *obj, const char *key, int64_t *to)
{
    int64_t v;
    if (json_is_int(json_get(obj, key), &v) && v >= 0)
        *to = v;
}
