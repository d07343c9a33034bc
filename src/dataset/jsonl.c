/* Records from JSONL text: every line is checked before a question is asked (datasets 1.0). */
#include "dataset/dataset.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/str.h"

enum { CHOICES_MIN = 2, CHOICES_MAX = 26 };

static bool is_absent(const json_val *v)
{
    return json_type(v) == JSON_ABSENT || json_type(v) == JSON_NULL;
}

static bool is_blank(const char *s)
{
    while (ipw_isspace((unsigned char)*s))
        s++;
    return !*s;
}

static int wrong(struct ipw_err *err, const char *key, const json_val *v, const char *need)
{
    return ipw_err_set(err, IPW_E_INPUT, "'%s' is %s; %s is needed", key, json_type_name(json_type(v)), need);
}

static int check_fields(const json_val *r, struct ipw_err *err)
{
    static const struct {
        const char *need;
        enum json_type type, element;
        const char *keys[12];
    } rows[] = {
        {"a string",
         JSON_STR,
         JSON_ABSENT,
         {"type", "scorer", "question", "context", "answer", "subject", "source", "license", "test", "entry_point"}},
        {"an array of strings", JSON_ARR, JSON_STR, {"choices", "aliases", "instruction_id_list"}},
        {"an array of objects", JSON_ARR, JSON_OBJ, {"messages"}},
        {"an object", JSON_OBJ, JSON_ABSENT, {"meta"}},
        {"a number", JSON_NUM, JSON_ABSENT, {"arrival_s"}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (const char *const *key = rows[i].keys; *key; key++) {
            const json_val *v = json_get(r, *key);
            if (is_absent(v))
                continue;
            if (json_type(v) != rows[i].type)
                return wrong(err, *key, v, rows[i].need);
            if (rows[i].element == JSON_ABSENT)
                continue;
            for (struct json_iter it = json_iter(v); json_next(&it);)
                if (json_type(it.val) != rows[i].element)
                    return ipw_err_set(err, IPW_E_INPUT, "'%s' holds %s; %s is needed", *key,
                                       json_type_name(json_type(it.val)), rows[i].need);
        }
    return 0;
}

static int check_type(const char *type, struct ipw_err *err)
{
    static const char *const types[] = {"mcq",         "numeric", "math",     "short",   "exact", "code",
                                        "instruction", "judge",   "pairwise", "agentic", "none",  "fixed_length"};
    const size_t n = sizeof types / sizeof types[0];
    for (size_t i = 0; i < n; i++)
        if (!type || !strcmp(type, types[i]))
            return 0;
    const char *near = ipw_nearest(type, types, n);
    return ipw_err_set(err, IPW_E_INPUT,
                       "type '%s' is unknown%s%s%s; types: mcq numeric math short exact code instruction judge "
                       "pairwise agentic none",
                       type, near ? ", did you mean '" : "", near ? near : "", near ? "'" : "");
}

static int check_mcq(const json_val *r, struct ipw_err *err)
{
    size_t n = json_len(json_get(r, "choices"));
    const char *answer = json_str(json_get(r, "answer"));
    if (is_absent(json_get(r, "choices")))
        return ipw_err_set(err, IPW_E_INPUT, "'choices' is missing; an mcq record needs an array of option texts");
    if (n < CHOICES_MIN || n > CHOICES_MAX)
        return ipw_err_set(err, IPW_E_INPUT, "'choices' has %zu elements; an mcq record needs %d to %d", n, CHOICES_MIN,
                           CHOICES_MAX);
    if (!answer)
        return ipw_err_set(err, IPW_E_INPUT, "'answer' is missing; an mcq record needs the letter of the right choice");
    if (strlen(answer) != 1 || answer[0] < 'A' || answer[0] >= 'A' + (int)n)
        return ipw_err_set(err, IPW_E_INPUT, "answer '%.40s' is not the letter of a choice; give A to %c", answer,
                           'A' + (int)n - 1);
    return 0;
}

static int check_messages(const json_val *messages, struct ipw_err *err)
{
    if (!json_len(messages))
        return ipw_err_set(err, IPW_E_INPUT, "'messages' is empty; give at least one {\"role\", \"content\"}");
    for (struct json_iter it = json_iter(messages); json_next(&it);)
        if (!json_str(json_get(it.val, "role")) || !json_str(json_get(it.val, "content")))
            return ipw_err_set(err, IPW_E_INPUT, "'messages' element %zu lacks a string 'role' or 'content'; give both",
                               it.i);
    return 0;
}

/* Absent: 0; else a positive whole number. */
static int check_max_tokens(const json_val *r, int64_t *out, struct ipw_err *err)
{
    const json_val *v = json_get(r, "max_tokens");
    *out = 0;
    if (is_absent(v) || (json_is_int(v, out) && *out > 0))
        return 0;
    return ipw_err_set(err, IPW_E_INPUT, "'max_tokens' is not a whole number above 0; correct it or leave it out");
}

static int check_record(const json_val *r, struct question *q, struct ipw_err *err)
{
    if (json_type(r) != JSON_OBJ)
        return ipw_err_set(err, IPW_E_INPUT,
                           "this is %s; each line must be an object, {\"id\": ..., \"question\": ...}",
                           json_type_name(json_type(r)));
    const json_val *id = json_get(r, "id"), *messages = json_get(r, "messages");
    const char *question, *type;
    if (is_absent(id))
        return ipw_err_set(err, IPW_E_INPUT, "'id' is missing; give every record its own");
    if (json_type(id) != JSON_STR)
        return wrong(err, "id", id, "a string");
    if (is_blank(json_str(id)))
        return ipw_err_set(err, IPW_E_INPUT, "'id' is empty; give every record its own");
    if (check_fields(r, err) || check_max_tokens(r, &q->max_tokens, err))
        return err->code;
    type = json_str(json_get(r, "type"));
    question = json_str(json_get(r, "question"));
    if (!question && is_absent(messages))
        return ipw_err_set(err, IPW_E_INPUT, "'question' is missing; a record needs it, or 'messages'");
    if (question && is_absent(messages) && is_blank(question))
        return ipw_err_set(err, IPW_E_INPUT, "'question' is empty; a record needs its text");
    if (!is_absent(messages) && check_messages(messages, err))
        return err->code;
    if (check_type(type, err))
        return err->code;
    if (ipw_streq(type, "mcq") || ipw_streq(json_str(json_get(r, "scorer")), "mcq"))
        return check_mcq(r, err);
    return 0;
}

/* s stays where it is: it becomes the question's record. */
static int read_line(struct dataset *d, const char *s, size_t n, struct ipw_err *err)
{
    struct question q = {.record = s, .record_len = n};
    struct json_doc *doc;
    if (json_read(&doc, s, n, 0, err))
        return ipw_err_wrap(err, "each line must be one JSON object");
    const json_val *r = json_root(doc);
    int rc = check_record(r, &q, err);
    if (!rc) {
        const char *type = json_str(json_get(r, "type"));
        q.id = ipw_arena_strdup(&d->arena, json_str(json_get(r, "id")));
        q.type = ipw_arena_strdup(&d->arena, type ? type : "exact");
        q.subject = ipw_arena_strdup(&d->arena, json_str(json_get(r, "subject")));
        d->v[d->n++] = q;
    }
    json_doc_free(doc);
    return rc;
}

static size_t count_lines(const char *text, size_t len)
{
    size_t n = 1;
    for (size_t i = 0; i < len; i++)
        n += text[i] == '\n';
    return n;
}

/* Splits text into records; lines[k] is the line of question k. */
static int read_lines(struct dataset *d, const char *source, const char *text, size_t len, size_t *lines, struct ipw_err *err)
{
    static const char bom[] = "\xef\xbb\xbf";
    size_t i = len >= 3 && !memcmp(text, bom, 3) ? 3 : 0;
    for (size_t line = 1; i < len; line++) {
        const char *s = text + i, *nl = memchr(s, '\n', len - i);
        size_t n = nl ? (size_t)(nl - s) : len - i;
        i += n + 1;
        while (n && ipw_isspace((unsigned char)s[n - 1]))
            n--;
        while (n && ipw_isspace((unsigned char)*s)) {
            s++;
            n--;
        }
        if (!n)
            continue;
        lines[d->n] = line;
        if (read_line(d, s, n, err))
            return ipw_err_wrap(err, "'%s' line %zu", source, line);
    }
    return 0;
}

struct key {
    const char *id;
    size_t line;
};

static int by_id(const void *a, const void *b)
{
    const struct key *x = a, *y = b;
    int c = strcmp(x->id, y->id);
    return c ? c : (x->line > y->line) - (x->line < y->line);
}

/* The id that is given a second time first. */
static int check_ids(const struct dataset *d, const char *source, const size_t *lines, struct ipw_err *err)
{
    struct key *k = ipw_calloc(d->n, sizeof *k);
    const struct key *first = NULL, *again = NULL;
    for (size_t i = 0; i < d->n; i++)
        k[i] = (struct key){d->v[i].id, lines[i]};
    qsort(k, d->n, sizeof *k, by_id);
    for (size_t i = 1; i < d->n; i++)
        if (!strcmp(k[i].id, k[i - 1].id) && (!again || k[i].line < again->line)) {
            first = &k[i - 1];
            again = &k[i];
        }
    int rc = again ? ipw_err_set(err, IPW_E_INPUT,
                                 "'%s' line %zu: id '%.100s' is that of line %zu too; give every "
                                 "record its own",
                                 source, again->line, again->id, first->line)
                   : 0;
    free(k);
    return rc;
}

int dataset_read_in_place(struct dataset *d, const char *source, const char *text, size_t len, struct ipw_err *err)
{
    struct fs_sha256 *h = fs_sha256_new();
    fs_sha256_add(h, text, len);
    fs_sha256_end(h, d->sha256);
    size_t n = count_lines(text, len), *lines = ipw_calloc(n, sizeof *lines);
    free(d->v);
    d->v = ipw_calloc(n, sizeof *d->v);
    d->n = 0;
    int rc = read_lines(d, source, text, len, lines, err);
    if (!rc && !d->n)
        rc = ipw_err_set(err, IPW_E_INPUT, "'%s' holds no record; give one JSON object a line", source);
    if (!rc)
        rc = check_ids(d, source, lines, err);
    free(lines);
    return rc;
}

int dataset_read_jsonl(struct dataset *d, const char *source, const char *text, size_t len, struct ipw_err *err)
{
    return dataset_read_in_place(d, source, ipw_arena_strndup(&d->arena, text, len), len, err);
}
