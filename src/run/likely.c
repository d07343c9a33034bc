#include "run/likely.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

int run_likely_request(const json_val *record, const struct dataset_wording *wording, enum dataset_asking how,
                       struct ipw_arena *arena, struct engine_req *req, const char **tmpl, struct ipw_err *err)
{
    struct dataset_options o;
    if (!dataset_wording_options(wording, record, how, arena, &o))
        return ipw_err_set(err, IPW_E_BUG, "a question without choices was to be compared");
    const char **v = ipw_arena_alloc(arena, o.n * sizeof *v);
    memcpy(v, o.v, o.n * sizeof *v);
    req->context = o.context;
    req->options = v;
    req->n_options = o.n;
    *tmpl = o.tmpl;
    return 0;
}

static int64_t characters(const char *s)
{
    int64_t n = 0;
    for (; *s; s++)
        n += ((unsigned char)*s & 0xc0) != 0x80;
    return n;
}

void run_likely_answer(const json_val *record, enum dataset_asking how, const struct engine_event *ev, struct ipw_buf *answer)
{
    static const char *const of[DATASET_ASKING_N] = {[DATASET_LOGLIK] = "options", [DATASET_LETTERS] = "letters",
                                                     [DATASET_PERPLEXITY] = "text"};
    struct ipw_arena arena = {0};
    struct dataset_options o;
    if (!ev->likely || !dataset_options(record, how, &arena, &o) || o.n != ev->n_likely)
        return;
    struct json_out *out = json_out_new();
    json_node *top = json_new_obj(out);
    json_put_str(out, top, "of", of[how]);
    json_node *ll = json_put_arr(out, top, "loglik"), *tokens = json_put_arr(out, top, "tokens");
    json_node *greedy = json_put_arr(out, top, "greedy"), *chars = json_put_arr(out, top, "chars");
    json_node *bytes = json_put_arr(out, top, "bytes");
    for (size_t i = 0; i < o.n; i++) {
        const char *text = o.v[i] + (how != DATASET_PERPLEXITY && o.v[i][0] == ' ');
        json_put_num(out, ll, NULL, ev->likely[i].ll);
        json_put_int(out, tokens, NULL, ev->likely[i].n_tokens);
        json_put_bool(out, greedy, NULL, ev->likely[i].greedy);
        json_put_int(out, chars, NULL, characters(text));
        json_put_int(out, bytes, NULL, (int64_t)strlen(text));
    }
    char *text = json_write(out, top, false);
    ipw_buf_adds(answer, text);
    free(text);
    json_out_free(out);
    ipw_arena_release(&arena);
}

const char *run_likely_scorer(enum dataset_asking how)
{
    return how == DATASET_PERPLEXITY ? "perplexity" : "loglik";
}
