#include "dataset/wording.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/form.h"
#include "base/str.h"

enum { QUESTION, CONTEXT, CHOICES, LETTERS, SUBJECT, TEST, PARTS };
static const char *const names[PARTS + 1] = {"{question}", "{context}", "{choices}", "{letters}", "{subject}", "{test}", NULL};

static const struct dataset_wording ours;

static const char *text_of(const json_val *record, const char *key)
{
    return json_str(json_get(record, key));
}

/* ---- the user's template ---- */

int dataset_wording_text(struct dataset_wording *w, const char *path, const char *text, size_t len, struct ipw_err *err)
{
    bool has[PARTS] = {false};
    int rc = form_check(path, text, len, names, has, err);
    if (rc)
        return rc;
    if (!has[QUESTION])
        return ipw_err_set(err, IPW_E_INPUT, "'%s': a template has {question} where the question belongs", path);
    size_t end = len && text[len - 1] == '\n' ? len - 1 : len; /* an editor's, not the author's */
    w->text = ipw_strndup(text, end && end < len && text[end - 1] == '\r' ? end - 1 : end);
    for (int i = 0; i < PARTS; i++)
        w->has |= (unsigned)has[i] << i;
    form_id(path, text, len, w->text_id, sizeof w->text_id);
    return 0;
}

static void fill(const struct dataset_wording *w, const json_val *record, struct ipw_buf *out)
{
    struct ipw_buf choices = IPW_BUF_INIT;
    size_t n = json_len(json_get(record, "choices"));
    char letters[] = "A-Z";
    dataset_choices(record, &choices);
    letters[2] = n ? (char)('A' + n - 1) : 'A';
    const char *const values[PARTS] = {text_of(record, "question"), text_of(record, "context"), choices.s + (choices.len > 0),
                                       n ? letters : NULL, text_of(record, "subject"), text_of(record, "test")};
    form_fill(w->text, names, values, out);
    ipw_buf_release(&choices);
}

/* The user message, and the id of how it is put. */
static void prompt(const struct dataset_wording *w, const json_val *record, struct ipw_buf *out, const char **tmpl)
{
    if (!w->text || json_get(record, "messages")) {
        dataset_prompt(record, out, tmpl);
        return;
    }
    fill(w, record, out);
    *tmpl = w->text_id;
}

/* ---- examples ---- */

void dataset_wording_release(struct dataset_wording *w)
{
    for (size_t i = 0; w->example && i < w->shots->n; i++)
        json_doc_free(w->example[i]);
    free(w->example);
    dataset_close(w->shots);
    free(w->text);
    *w = (struct dataset_wording){0};
}

int dataset_wording_shots(struct dataset_wording *w, struct dataset *shots, size_t n, struct ipw_err *err)
{
    w->shots = shots;
    w->n_shots = n;
    w->example = ipw_calloc(shots->n + 1, sizeof *w->example);
    snprintf(w->shots_id, sizeof w->shots_id, "%.12s", shots->sha256);
    for (size_t i = 0; i < shots->n; i++) {
        struct ipw_buf reply = IPW_BUF_INIT;
        int rc = json_read(&w->example[i], shots->v[i].record, shots->v[i].record_len, 0, err);
        bool shows = !rc && dataset_reply(json_root(w->example[i]), &reply);
        ipw_buf_release(&reply);
        if (!rc && !shows)
            rc = ipw_err_set(err, IPW_E_INPUT, "it is of type '%s' or has no answer: an example shows how one is to be answered",
                             shots->v[i].type);
        if (rc)
            return ipw_err_wrap(err, "example '%s' of '%s'", shots->v[i].id, shots->name);
    }
    return 0;
}

static bool is_among(const json_val *choices, const char *s)
{
    for (struct json_iter it = json_iter(choices); json_next(&it);)
        if (ipw_streq(json_str(it.val), s))
            return true;
    return false;
}

/* Sets ask different things in the same words ("Which of these is true?"); choices in another order are the same thing. */
static bool is_same(const json_val *a, const json_val *b)
{
    const json_val *y = json_get(b, "choices");
    bool same = ipw_streq(text_of(a, "question"), text_of(b, "question")) && ipw_streq(text_of(a, "context"), text_of(b, "context"));
    for (struct json_iter it = json_iter(same ? json_get(a, "choices") : NULL); same && json_next(&it);)
        same = is_among(y, json_str(it.val));
    return same;
}

/* The examples of a question, w->n_shots of them if there are so many. */
static size_t examples_of(const struct dataset_wording *w, const json_val *record, const json_val *out[WORDING_SHOTS_MAX])
{
    const char *subject = text_of(record, "subject"), *type = text_of(record, "type");
    size_t n = 0;
    for (int own = subject != NULL; own >= 0; own--) {
        n = 0;
        for (size_t i = 0; i < w->shots->n && n < w->n_shots; i++) {
            const json_val *e = json_root(w->example[i]);
            if (ipw_streq(text_of(e, "type"), type) && (!own || ipw_streq(w->shots->v[i].subject, subject)) &&
                !is_same(e, record))
                out[n++] = e;
        }
        if (n == w->n_shots)
            break;
    }
    return n;
}

static const char *with_shots(const struct dataset_wording *w, const char *tmpl, struct ipw_arena *arena)
{
    char id[128];
    if (!w->n_shots)
        return ipw_arena_strdup(arena, tmpl);
    snprintf(id, sizeof id, "%s+%zu@%s", tmpl, w->n_shots, w->shots_id);
    return ipw_arena_strdup(arena, id);
}

static int check_one(const struct dataset_wording *w, const struct question *q, const json_val *record, enum dataset_asking how,
                     struct ipw_err *err)
{
    static const struct {
        const char *key;
        int part;
    } needed[] = {{"context", CONTEXT}, {"choices", CHOICES}, {"test", TEST}};
    const json_val *shots[WORDING_SHOTS_MAX];
    if (json_get(record, "messages"))
        return 0;
    for (size_t i = 0; w->text && i < sizeof needed / sizeof needed[0]; i++)
        if (json_len(json_get(record, needed[i].key)) && !(w->has & 1U << needed[i].part) &&
            !(needed[i].part == CHOICES && how == DATASET_LOGLIK) && !(needed[i].part == TEST && text_of(record, "entry_point")))
            return ipw_err_set(err, IPW_E_USAGE, "question '%s' has '%s', which the template '%s' does not show; put %s into it",
                               q->id, needed[i].key, w->text_id, names[needed[i].part]);
    size_t n = w->n_shots ? examples_of(w, record, shots) : 0;
    if (n < w->n_shots)
        return ipw_err_set(err, IPW_E_USAGE, "question '%s': '%s' has %zu example%s of its type, --shots %zu are asked for",
                           q->id, w->shots->name, n, n == 1 ? "" : "s", w->n_shots);
    return 0;
}

int dataset_wording_check(const struct dataset_wording *w, const struct dataset *data, enum dataset_asking how, struct ipw_err *err)
{
    int rc = 0;
    if (!w->text && !w->n_shots)
        return 0;
    if (how == DATASET_PERPLEXITY)
        return ipw_err_set(err, IPW_E_USAGE, "--scoring perplexity reads a text as it is: leave --template and --shots out");
    for (size_t i = 0; i < data->n && !rc; i++) {
        struct json_doc *doc;
        if (!(rc = json_read(&doc, data->v[i].record, data->v[i].record_len, 0, err)))
            rc = check_one(w, &data->v[i], json_root(doc), how, err);
        json_doc_free(doc);
    }
    return rc;
}

/* ---- putting a question ---- */

static const char *keep(struct ipw_arena *arena, struct ipw_buf *b)
{
    const char *s = ipw_arena_strndup(arena, b->s, b->len);
    ipw_buf_clear(b);
    return s;
}

size_t dataset_messages(const struct dataset_wording *w, const json_val *record, struct ipw_arena *arena,
                        struct dataset_message **out, const char **tmpl)
{
    const json_val *given = json_get(record, "messages"), *shots[WORDING_SHOTS_MAX];
    struct ipw_buf b = IPW_BUF_INIT;
    w = w ? w : &ours;
    size_t n_shots = given || !w->n_shots ? 0 : examples_of(w, record, shots), n = 0;
    struct dataset_message *m = ipw_arena_alloc(arena, (json_len(given) + 2 * n_shots + 1) * sizeof *m);
    const char *ignored, *id;
    for (struct json_iter it = json_iter(given); json_next(&it);)
        m[n++] = (struct dataset_message){text_of(it.val, "role"), text_of(it.val, "content")};
    for (size_t i = 0; i < n_shots; i++) {
        prompt(w, shots[i], &b, &ignored);
        m[n++] = (struct dataset_message){"user", keep(arena, &b)};
        dataset_reply(shots[i], &b);
        m[n++] = (struct dataset_message){"assistant", keep(arena, &b)};
    }
    prompt(w, record, &b, &id);
    if (!n || n_shots)
        m[n++] = (struct dataset_message){"user", keep(arena, &b)};
    *tmpl = given ? id : with_shots(w, id, arena);
    *out = m;
    ipw_buf_release(&b);
    return n;
}

/* The choice that is right, by its letter; NULL: none is. */
static const char *right_option(const json_val *record, const struct dataset_options *o)
{
    const char *answer = text_of(record, "answer");
    size_t i = answer && *answer >= 'A' && !answer[1] ? (size_t)(*answer - 'A') : DATASET_OPTIONS_MAX;
    return i < o->n ? o->v[i] : NULL;
}

bool dataset_wording_options(const struct dataset_wording *w, const json_val *record, enum dataset_asking how,
                             struct ipw_arena *arena, struct dataset_options *out)
{
    const json_val *shots[WORDING_SHOTS_MAX];
    struct ipw_buf b = IPW_BUF_INIT;
    if (!dataset_options(record, how, arena, out))
        return false;
    if (!w || how == DATASET_PERPLEXITY || (!w->text && !w->n_shots))
        return true;
    size_t n = w->n_shots ? examples_of(w, record, shots) : 0;
    for (size_t i = 0; i < n; i++) {
        struct dataset_options o;
        if (!dataset_options(shots[i], how, arena, &o)) /* no choices, which only mcq records have to have */
            continue;
        if (w->text)
            fill(w, shots[i], &b);
        else
            ipw_buf_adds(&b, o.context);
        const char *right = right_option(shots[i], &o);
        ipw_buf_addf(&b, "%s\n\n", right ? right : "");
    }
    if (w->text)
        fill(w, record, &b);
    else
        ipw_buf_adds(&b, out->context);
    out->context = keep(arena, &b);
    out->tmpl = with_shots(w, w->text ? w->text_id : out->tmpl, arena);
    ipw_buf_release(&b);
    return true;
}
