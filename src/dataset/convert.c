/* A public set's records to ours, as a row of share/datasets.json says. */
#include "dataset/catalogue.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/fs.h"
#include "base/str.h"

enum { CHOICES_MAX = 26, ID_SIZE = 256 };

/* What a column holds instead of what is needed. */
static int wrong_type(const char *key, const json_val *v, const char *need, struct ipw_err *err)
{
    if (json_type(v) <= JSON_NULL)
        return ipw_err_set(err, IPW_E_INPUT, "'%s' is missing; %s is needed", key, need);
    return ipw_err_set(err, IPW_E_INPUT, "'%s' is %s; %s is needed", key, json_type_name(json_type(v)), need);
}

/* "gsm8k/7": the set's name and what stands behind the last '/' of the source's id. A user's own ids stay; "" as the key:
 * there are none, rows are counted. */
static int put_id(const struct catalogue_set *set, const json_val *from, size_t number, struct json_out *o, json_node *to,
                  char *id, size_t size, struct ipw_err *err)
{
    const char *key = json_str(json_get(set->row, "id"));
    const json_val *v = json_get(from, key ? key : "task_id");
    int64_t n;
    if (key && !*key)
        snprintf(id, size, "%s/%zu", set->name, number);
    else if (json_str(v))
        snprintf(id, size, "%s%s%s", key ? "" : set->name, key ? "" : "/", key ? json_str(v) : fs_basename(json_str(v)));
    else if (json_is_int(v, &n))
        snprintf(id, size, "%s/%lld", set->name, (long long)n);
    else
        return wrong_type(key ? key : "task_id", v, "a text or a whole number", err);
    if (json_str(v) && strlen(set->name) + strlen(json_str(v)) >= size - 1)
        return ipw_err_set(err, IPW_E_INPUT, "'%s' has %zu bytes; give a shorter one, of 200 at most", key ? key : "task_id",
                           strlen(json_str(v)));
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

/* A number from 0, as text too: all that CSV has. -1: it is none. */
static int64_t index_of(const json_val *gold)
{
    const char *s = json_str(gold);
    int64_t index = -1;
    if (json_is_int(gold, &index))
        return index;
    return s && *s && strlen(s) < 4 && !s[strspn(s, "0123456789")] ? strtol(s, NULL, 10) : -1;
}

/* The index of the right choice in the source: by its letter, its text in any case, or its number. -1: none. -2: two choices
 * are alike. */
static int right_choice(const json_val *gold, const json_val *choices)
{
    const char *answer = json_str(gold);
    const int n = (int)json_len(choices);
    int found = -1;
    if (answer && answer[0] >= 'A' && answer[0] < 'A' + n && !answer[1])
        return answer[0] - 'A';
    for (struct json_iter it = json_iter(choices); answer && json_next(&it);)
        if (json_str(it.val) && !strcasecmp(json_str(it.val), answer))
            found = found == -1 ? (int)it.i - 1 : -2;
    int64_t index = index_of(gold);
    return found != -1 ? found : index < n ? (int)index : -1;
}

static int wrong_answer(const json_val *gold, int right, size_t n, struct ipw_err *err)
{
    if (!gold)
        return ipw_err_set(err, IPW_E_INPUT, "the answer is missing; give a letter, an index from 0, or the text of a choice");
    char *text = json_print(gold);
    if (json_type(gold) == JSON_ARR)
        ipw_err_set(err, IPW_E_INPUT, "there are %zu right answers %.60s; an mcq record has one", json_len(gold), text);
    else if (right == -2)
        ipw_err_set(err, IPW_E_INPUT, "the answer %.60s is more than one of the %zu choices; give its letter", text, n);
    else
        ipw_err_set(err, IPW_E_INPUT, "the answer %.60s is none of the %zu choices; give a letter, an index from 0, or the text", text,
                    n);
    free(text);
    return err->code;
}

static int put_order(const struct catalogue_set *set, const json_val *choices, size_t n, int right, const char *id,
                     struct json_out *o, json_node *to, struct ipw_err *err)
{
    struct order order[CHOICES_MAX];
    bool shuffled = json_true(json_get(set->row, "shuffle"));
    for (size_t i = 0; i < n; i++)
        order[i].from = i;
    if (shuffled)
        shuffle(order, n, id);
    json_node *list = json_put_arr(o, to, "choices");
    for (size_t i = 0; i < n; i++) {
        const char *text = json_str(json_at(choices, order[i].from));
        bool blank = text && !text[strspn(text, " \t\r\n")]; /* a public set is asked as it is */
        if (!text || (blank && !set->source))
            return ipw_err_set(err, IPW_E_INPUT, "choice %c is %s; every choice needs a text", 'A' + (int)order[i].from,
                               text ? "empty" : "no text");
        json_put_str(o, list, NULL, text);
        if (order[i].from == (size_t)right)
            json_put_str(o, to, "answer", (char[]){(char)('A' + i), '\0'});
    }
    if (shuffled) { /* where each choice stood in the source */
        json_node *meta = json_put_obj(o, to, "meta");
        list = json_put_arr(o, meta, "order");
        for (size_t i = 0; i < n; i++)
            json_put_int(o, list, NULL, (int64_t)order[i].from);
    }
    return 0;
}

/* The row's choices; doc: what they were read from, when they are a text, as in CSV. */
static const json_val *choices_of(const struct catalogue_set *set, const json_val *from, struct json_doc **doc)
{
    const json_val *choices = json_get(set->row, "choices");
    struct ipw_err ignored;
    *doc = NULL;
    if (json_str(choices))
        choices = json_get(from, json_str(choices));
    const char *text = json_str(choices);
    return text && !json_read(doc, text, strlen(text), 0, &ignored) ? json_root(*doc) : choices;
}

static int put_choices(const struct catalogue_set *set, const json_val *from, const char *id, struct json_out *o,
                       json_node *to, struct ipw_err *err)
{
    struct json_doc *doc;
    const json_val *choices = choices_of(set, from, &doc), *gold = json_get(from, json_str(json_get(set->row, "answer")));
    size_t n = json_len(choices);
    if (json_type(gold) == JSON_ARR && json_len(gold) == 1)
        gold = json_at(gold, 0);
    int right = n <= CHOICES_MAX ? right_choice(gold, choices) : -1, rc;
    if (json_type(choices) != JSON_ARR || n < 2 || n > CHOICES_MAX)
        rc = ipw_err_set(err, IPW_E_INPUT, "there are no 2 to %d choices; a list of texts is needed, in CSV as a JSON array",
                         CHOICES_MAX);
    else if (right < 0)
        rc = wrong_answer(gold, right, n, err);
    else
        rc = put_order(set, choices, n, right, id, o, to, err);
    json_doc_free(doc);
    return rc;
}

/* Of a question that has no right answer: as the asking of the others shows them. */
static void list_choices(const struct catalogue_set *set, const json_val *from, struct ipw_buf *question)
{
    struct json_doc *doc;
    const json_val *choices = choices_of(set, from, &doc);
    for (struct json_iter it = json_iter(json_type(choices) == JSON_ARR ? choices : NULL); json_next(&it) && it.i <= CHOICES_MAX;)
        ipw_buf_addf(question, "%s%c. %s", it.i == 1 ? "\n\n" : "\n", 'A' + (int)it.i - 1, json_str(it.val) ? json_str(it.val) : "");
    json_doc_free(doc);
}

/* A number as text: "70,000" stays as it is, the scorer reads it. Of several the others are aliases. */
static int put_answer(const struct catalogue_set *set, const json_val *from, struct json_out *o, json_node *to,
                      struct ipw_err *err)
{
    const char *key = json_str(json_get(set->row, "answer"));
    const json_val *gold = key ? json_get(from, key) : NULL;
    if (key && json_type(gold) == JSON_ARR) {
        json_node *aliases = json_put_arr(o, to, "aliases");
        for (struct json_iter it = json_iter(gold); json_next(&it);) {
            if (!json_str(it.val))
                return ipw_err_set(err, IPW_E_INPUT, "'%s' holds %s; texts are needed", key, json_type_name(json_type(it.val)));
            if (it.i == 1)
                json_put_str(o, to, "answer", json_str(it.val));
            else
                json_put_str(o, aliases, NULL, json_str(it.val));
        }
        return 0;
    }
    if (key && json_type(gold) == JSON_NUM) {
        char *text = json_print(gold);
        json_put_str(o, to, "answer", text);
        free(text);
    } else if (key && json_str(gold)) {
        json_put_str(o, to, "answer", json_str(gold));
    } else if (key && json_type(gold) == JSON_BOOL) {
        json_put_str(o, to, "answer", json_true(gold) ? "true" : "false");
    } else if (key) {
        return wrong_type(key, gold, "a text or a number", err);
    }
    return 0;
}

/* No right answer: the question can be asked, not scored. Of public sets only those that a judge compares have such. */
static bool is_without_gold(const struct catalogue_set *set, const json_val *from)
{
    const bool judged = ipw_streq(set->type, "judge") || ipw_streq(set->type, "pairwise");
    const char *key = json_str(json_get(set->row, "answer"));
    const json_val *gold = json_get(from, key ? key : "");
    const char *text = json_str(gold);
    if (!key)
        return !set->source && json_get(set->row, "choices");
    return (!set->source || judged) && (json_type(gold) <= JSON_NULL || (json_type(gold) == JSON_NUM && isnan(json_num(gold))) || (text && !text[strspn(text, " \t\r\n")]) ||
                                    (json_type(gold) == JSON_ARR && !json_len(gold)));
}

/* A text that ends before it should: what C reads ends at a NUL. */
static bool is_cut(const json_val *v)
{
    return json_str(v) && strlen(json_str(v)) < json_len(v);
}

static int check_cut(const json_val *from, struct ipw_err *err)
{
    for (struct json_iter it = json_iter(from); json_next(&it);) {
        bool cut = is_cut(it.val);
        for (struct json_iter in = json_iter(json_type(it.val) == JSON_ARR ? it.val : NULL); json_next(&in);)
            cut |= is_cut(in.val);
        if (cut)
            return ipw_err_set(err, IPW_E_INPUT, "'%.60s' holds a NUL character; take it out", it.key);
    }
    return 0;
}

static int put_question(const struct catalogue_set *set, const json_val *from, bool gold, struct json_out *o, json_node *to,
                        struct ipw_err *err)
{
    const char *lead = json_str(json_get(set->row, "lead")), *key = json_str(json_get(set->row, "question"));
    const char *context = json_str(json_get(set->row, "context")), *text = json_str(json_get(from, key));
    if (!text || (context && !json_str(json_get(from, context))))
        return wrong_type(text ? context : key, json_get(from, text ? context : key), "a text", err);
    struct ipw_buf question = IPW_BUF_INIT;
    ipw_buf_addf(&question, "%s%s", lead ? lead : "", text);
    if (!gold)
        list_choices(set, from, &question);
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

/* The reference's own records name the set they come from, and that decides who judges. */
static const char *type_of(const struct catalogue_set *set, const json_val *from)
{
    const json_val *metadata = json_get(from, json_str(json_get(set->row, "metadata"))); /* an object, or the text of one */
    const char *text = json_str(metadata), *type = set->type;
    struct json_doc *doc = NULL;
    struct ipw_err ignored;
    if (text && !json_read(&doc, text, strlen(text), 0, &ignored))
        metadata = json_root(doc);
    if (json_type(metadata) == JSON_OBJ) {
        const char *name = json_str(json_get(json_get(metadata, "config"), "dataset_name"));
        type = ipw_streq(name, "allenai/WildChat") || ipw_streq(name, "lmsys/lmsys-chat-1m") ? "pairwise" : "judge";
    }
    json_doc_free(doc);
    return type;
}

static int copy(const json_val *keys, const json_val *from, struct json_out *o, json_node *to, struct ipw_err *err)
{
    for (struct json_iter it = json_iter(keys); json_next(&it);) {
        const json_val *v = json_get(from, json_str(it.val));
        if (!v)
            return ipw_err_set(err, IPW_E_INPUT, "'%s' is missing", json_str(it.val));
        json_put_val(o, to, json_str(it.val), v);
    }
    return 0;
}

static int convert(const struct catalogue_set *set, const json_val *from, size_t number, struct json_out *o, json_node *to,
                   bool *gold, struct ipw_err *err)
{
    const char *subject = json_str(json_get(set->row, "subject")), *key = json_str(json_get(set->row, "subject_key"));
    char id[ID_SIZE];
    int rc;
    *gold = !is_without_gold(set, from);
    if (json_type(from) != JSON_OBJ)
        return ipw_err_set(err, IPW_E_INPUT, "this is %s; an object is needed", json_type_name(json_type(from)));
    if ((rc = check_cut(from, err)) || (rc = put_id(set, from, number, o, to, id, sizeof id, err)))
        return rc;
    json_put_str(o, to, "type", *gold || strcmp(set->type, "mcq") ? type_of(set, from) : "none");
    if ((rc = put_question(set, from, *gold, o, to, err)))
        return rc;
    if (*gold)
        rc = json_get(set->row, "choices") ? put_choices(set, from, id, o, to, err) : put_answer(set, from, o, to, err);
    if (!rc && !(rc = copy(json_get(set->row, "copy"), from, o, to, err)) && set->shots)
        rc = copy(json_get(set->hub, "copy"), from, o, to, err);
    if (key && json_str(json_get(from, key)))
        subject = json_str(json_get(from, key));
    if (subject)
        json_put_str(o, to, "subject", subject);
    const char *canary = json_str(json_get(from, json_str(json_get(set->row, "canary"))));
    if (canary && *canary)
        json_put_str(o, to, "canary", canary);
    if (set->source)
        json_put_str(o, to, "source", set->source);
    if (set->license)
        json_put_str(o, to, "license", set->license);
    return rc;
}

int catalogue_record(const struct catalogue_set *set, size_t number, const char *text, size_t len, struct ipw_buf *out, bool *gold,
                     struct ipw_err *err)
{
    struct json_doc *doc = NULL;
    struct json_out *o = json_out_new();
    json_node *to = json_new_obj(o);
    int rc = json_read(&doc, text, len, JSON_NAN | JSON_BIG, err);
    *gold = true;
    if (!rc && !dropped(set, json_root(doc)) && !(rc = convert(set, json_root(doc), number, o, to, gold, err))) {
        char *s = json_write(o, to, false);
        ipw_buf_adds(out, s);
        ipw_buf_addc(out, '\n');
        free(s);
    }
    json_doc_free(doc);
    json_out_free(o);
    return rc;
}

int catalogue_convert(const struct catalogue_set *set, const char *text, size_t len, struct ipw_buf *out,
                      struct ipw_err *err)
{
    int rc = 0;
    size_t line = 1;
    bool gold;
    for (const char *p = text, *end = text + len; p < end && !rc; line++) {
        const char *nl = memchr(p, '\n', (size_t)(end - p));
        size_t n = (size_t)((nl ? nl : end) - p);
        bool blank = !n || (n == 1 && *p == '\r');
        if (!blank && (rc = catalogue_record(set, line, p, n, out, &gold, err)))
            ipw_err_wrap(err, "'%s' line %zu", set->member ? fs_basename(set->member) : set->name, line);
        p += n + 1;
    }
    return rc;
}
