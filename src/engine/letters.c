#include "engine/letters.h"

#include <math.h>
#include <stddef.h>

/* The letter that a token is, -1: none. */
static int letter_of(const char *token)
{
    if (!token)
        return -1;
    while (*token == ' ')
        token++;
    token += *token == '(';
    return *token >= 'A' && *token <= 'Z' && !token[1] ? *token - 'A' : -1;
}

struct list {
    double *ll, top;
    int first;
};

static void add(struct list *l, const char *token, double logprob)
{
    int i = letter_of(token);
    if (!(logprob <= 0)) /* no logarithm of a probability */
        return;
    if (logprob > l->top) {
        l->top = logprob;
        l->first = i;
    }
    if (i < 0)
        return;
    double top = fmax(l->ll[i], logprob);
    l->ll[i] = isinf(top) ? top : top + log(exp(l->ll[i] - top) + exp(logprob - top));
}

bool letters_read(const json_val *logprobs, double ll[LETTERS_MAX], int *first)
{
    struct list l = {ll, -INFINITY, -1};
    const json_val *list = json_get(json_at(json_get(logprobs, "content"), 0), "top_logprobs");
    const json_val *named = json_at(json_get(logprobs, "top_logprobs"), 0);
    for (int i = 0; i < LETTERS_MAX; i++)
        ll[i] = -INFINITY;
    for (struct json_iter it = json_iter(list); json_next(&it);)
        add(&l, json_str(json_get(it.val, "token")), json_num(json_get(it.val, "logprob")));
    if (!list)
        for (struct json_iter it = json_iter(named); json_next(&it);)
            add(&l, it.key, json_num(it.val));
    *first = l.first;
    return json_len(list) || json_type(named) == JSON_OBJ;
}
