/* A public set's records to ours, as a row of share/datasets.json says. */
#include "dataset/catalogue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/fs.h"
#include "base/str.h"

enum { CHOICES_MAX = 26 };

/* "gsm8k/7": the set's name and what stands behind the last '/' of the source's id. */
static int put_id(const struct catalogue_set *set, const json_val *from, struct json_out *o, json_node *to, char *id,
                  size_t size, struct ipw_err *err)
{
    const char *given = json_str(json_get(from, "task_id"));
    if (!given)
        return ipw_err_set(err, IPW_E_INPUT, "'task_id' is missing");
    snprintf(id, size, "%s/%s", set->name, fs_basename(given));
    json_put_str(o, to, "id", id);
    return 0;
}

struct order {
    char key[65];
    size_t from; /* index in the source */
};

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct order *)a)->key, ((const struct order *)b)->key);
}

/* An order that is the record's own on every machine, whatever else is in the set: by sha256 of "id|i". */
static void shuffle(struct order *v, size_t n, const char *id)
{
    for (size_t i = 0; i < n; i++) {
        char text[300];
        int len = snprintf(text, sizeof text, "%.200s|%zu", id, i);
        struct fs_sha256 *h = fs_sha256_new();
        fs_sha256_add(h, text, (size_t)len);
        fs_sha256_end(h, v[i].key);
        v[i].from = i;
    }
    qsort(v, n, sizeof *v, by_key);
}

/* The index of the right choice in the source: by its letter, or by its text in any case. -1: neither. */
static int right_choice(const char *answer, const json_val *choices)
{
    size_t n = json_len(choices);
    if (answer && answer[0] >= 'A' && answer[0] < 'A' + (int)n && !answer[1])
        return answer[0] - 'A';
    for (struct json_iter it = json_iter(choices); answer && json_next(&it);)
        if (json_str(it.val) && !strcasecmp(json_str(it.val), answer))
            return (int)it.i - 1;
    return -1;
}

static int put_choices(const struct catalogue_set *set, const json_val *from, const char *id, struct json_out *o,
                       json_node *to, struct ipw_err *err)
{
    const json_val *choices = json_get(set->row, "choices");
    struct order order[CHOICES_MAX];
    if (json_str(choices))
        choices = json_get(from, json_str(choices));
    size_t n = json_len(choices);
    int right = right_choice(json_str(json_get(from, json_str(json_get(set->row, "answer")))), choices);
    if (json_type(choices) != JSON_ARR || n < 2 || n > CHOICES_MAX)
        return ipw_err_set(err, IPW_E_INPUT, "there are no 2 to %d choices", CHOICES_MAX);
    if (right < 0)
        return ipw_err_set(err, IPW_E_INPUT, "the answer is none of the %zu choices", n);
    for (size_t i = 0; i < n; i++)
        order[i].from = i;
    if (json_true(json_get(set->row, "shuffle")))
        shuffle(order, n, id);
    json_node *list = json_put_arr(o, to, "choices");
    for (size_t i = 0; i < n; i++) {
        const char *text = json_str(json_at(choices, order[i].from));
        if (!text)
            return ipw_err_set(err, IPW_E_INPUT, "a choice is no text");
        json_put_str(o, list, NULL, text);
        if (order[i].from == (size_t)right)
            json_put_str(o, to, "answer", (char[]){(char)('A' + i), '\0'});
    }
    return 0;
}

/* A number as text: "70,000" stays as it is, the scorer reads it. */
static int put_answer(const struct catalogue_set *set, const json_val *from, struct json_out *o, json_node *to,
                      struct ipw_err *err)
{
    const char *key = json_str(json_get(set->row, "answer")), *answer = key ? json_str(json_get(from, key)) : NULL;
    if (key && !answer)
        return ipw_err_set(err, IPW_E_INPUT, "'%s' is missing or no text", key);
    if (answer)
        json_put_str(o, to, "answer", answer);
    return 0;
}

static int put_question(const struct catalogue_set *set, const json_val *from, struct json_out *o, json_node *to,
                        struct ipw_err *err)
{
    const char *lead = json_str(json_get(set->row, "lead")), *key = json_str(json_get(set->row, "question"));
    const char *context = json_str(json_get(set->row, "context")), *text = json_str(json_get(from, key));
    if (!text || (context && !json_str(json_get(from, context))))
        return ipw_err_set(err, IPW_E_INPUT, "'%s' is missing or no text", text ? context : key);
    struct ipw_buf question = IPW_BUF_INIT;
    ipw_buf_addf(&question, "%s%s", lead ? lead : "", text);
    json_put_str(o, to, "question", question.s);
    ipw_buf_release(&question);
    if (context)
        json_put_str(o, to, "context", json_str(json_get(from, context)));
    return 0;
}

static bool among(const json_val *values, const char *s)
{
    for (struct json_iter it = json_iter(values); s && json_next(&it);)
        if (ipw_streq(json_str(it.val), s))
            return true;
    return false;
}

/* A record that the set leaves out: one of its list's elements (or a field of one) is among the values of a `drop` rule. */
static bool dropped(const struct catalogue_set *set, const json_val *from)
{
    for (struct json_iter rule = json_iter(json_get(set->row, "drop")); json_next(&rule);) {
        const char *field = json_str(json_get(rule.val, "field"));
        const json_val *list = json_get(from, json_str(json_get(rule.val, "key")));
        for (struct json_iter it = json_iter(list); json_next(&it);)
            if (among(json_get(rule.val, "values"), json_str(field ? json_get(it.val, field) : it.val)))
                return true;
    }
    return false;
}

static int convert(const struct catalogue_set *set, const json_val *from, struct json_out *o, json_node *to,
                   struct ipw_err *err)
{
    char id[256];
    int rc;
    if ((rc = put_id(set, from, o, to, id, sizeof id, err)))
        return rc;
    json_put_str(o, to, "type", set->type);
    if ((rc = put_question(set, from, o, to, err)))
        return rc;
    rc = json_get(set->row, "choices") ? put_choices(set, from, id, o, to, err) : put_answer(set, from, o, to, err);
    for (struct json_iter it = json_iter(json_get(set->row, "copy")); !rc && json_next(&it);) {
        const json_val *v = json_get(from, json_str(it.val));
        if (!v)
            rc = ipw_err_set(err, IPW_E_INPUT, "'%s' is missing", json_str(it.val));
        else
            json_put_val(o, to, json_str(it.val), v);
    }
    json_put_str(o, to, "subject", json_str(json_get(set->row, "subject")));
    json_put_str(o, to, "source", set->source);
    json_put_str(o, to, "license", set->license);
    return rc;
}

int catalogue_convert(const struct catalogue_set *set, const char *text, size_t len, struct ipw_buf *out,
                      struct ipw_err *err)
{
    int rc = 0;
    size_t line = 1;
    for (const char *p = text, *end = text + len; p < end && !rc; line++) {
        const char *nl = memchr(p, '\n', (size_t)(end - p));
        size_t n = (size_t)((nl ? nl : end) - p);
        struct json_doc *doc = NULL;
        struct json_out *o = json_out_new();
        json_node *to = json_new_obj(o);
        bool blank = !n || (n == 1 && *p == '\r');
        if (!blank && !(rc = json_read(&doc, p, n, 0, err)) && !dropped(set, json_root(doc)) &&
            !(rc = convert(set, json_root(doc), o, to, err))) {
            char *s = json_write(o, to, false);
            ipw_buf_addf(out, "%s\n", s);
            free(s);
        }
        if (rc)
            ipw_err_wrap(err, "'%s' line %zu", fs_basename(set->member), line);
        json_doc_free(doc);
        json_out_free(o);
        p += n + 1;
    }
    return rc;
}
