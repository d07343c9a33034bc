/* What is put before options whose log-likelihood is asked for: the forms that published figures were made with. */
#include "dataset/dataset.h"

#include <string.h>

#include "base/str.h"

static const char *const names[DATASET_ASKING_N] = {"answer", "loglik", "letters", "perplexity"};

const char *dataset_asking_name(enum dataset_asking how)
{
    return names[how];
}

bool dataset_asking_find(const char *name, enum dataset_asking *how)
{
    for (*how = 0; *how < DATASET_ASKING_N; ++*how)
        if (!name || !strcmp(name, names[*how]))
            return true;
    return false;
}

/* Sets whose question is the beginning of a sentence, by their source. */
static const char *const beginnings[] = {"Rowan/hellaswag", "allenai/openbookqa"};

static bool is_beginning(const json_val *record)
{
    const char *source = json_str(json_get(record, "source"));
    for (size_t i = 0; source && i < sizeof beginnings / sizeof beginnings[0]; i++)
        if (ipw_starts(source, beginnings[i]))
            return true;
    return false;
}

/* Without the marks that HellaSwag's WikiHow half has: " [title]" ends a sentence, other brackets go, one space for two. */
static void add_plain(struct ipw_buf *b, const char *s)
{
    size_t from = b->len;
    const char *stop = s; /* the next ']' or end of a line */
    while (*s) {
        stop = *s == '[' && stop <= s ? s + strcspn(s, "]\n") : stop;
        if (ipw_starts(s, " [title]")) {
            ipw_buf_adds(b, ". ");
            s += strlen(" [title]");
        } else if (*s == '[' && *stop == ']') {
            s = stop + 1;
        } else {
            ipw_buf_addc(b, *s++);
        }
    }
    size_t to = from;
    for (size_t i = from; i < b->len; i++)
        if (b->s[i] != ' ' || (to > from && b->s[to - 1] != ' '))
            b->s[to++] = b->s[i];
    while (to > from && ipw_isspace((unsigned char)b->s[to - 1]))
        to--;
    b->s[b->len = to] = '\0';
}

static void add_trimmed(struct ipw_buf *b, const char *s)
{
    size_t n = s ? strlen(s) : 0;
    while (n && ipw_isspace((unsigned char)s[n - 1]))
        n--;
    ipw_buf_add(b, s, n);
}

static void put_context(const json_val *record, enum dataset_asking how, bool beginning, struct ipw_buf *b)
{
    const char *context = json_str(json_get(record, "context")), *question = json_str(json_get(record, "question"));
    if (context)
        ipw_buf_addf(b, "%s\n", context);
    if (beginning) {
        add_plain(b, question ? question : "");
        return;
    }
    ipw_buf_adds(b, how == DATASET_LETTERS ? "" : "Question: ");
    add_trimmed(b, question);
    if (how == DATASET_LETTERS)
        dataset_choices(record, b);
    ipw_buf_adds(b, "\nAnswer:");
}

static const char *keep(struct ipw_arena *arena, struct ipw_buf *b)
{
    const char *s = ipw_arena_strndup(arena, b->s, b->len);
    ipw_buf_clear(b);
    return s;
}

bool dataset_options(const json_val *record, enum dataset_asking how, struct ipw_arena *arena, struct dataset_options *out)
{
    const json_val *choices = json_get(record, "choices"), *context = json_get(record, "context");
    const char *question = json_str(json_get(record, "question"));
    *out = (struct dataset_options){.tmpl = "perplexity/1"};
    if (how == DATASET_PERPLEXITY) {
        out->context = json_str(context) ? json_str(context) : "";
        out->v[out->n++] = question;
        return question;
    }
    if (!question || json_len(choices) < 2 || json_len(choices) > DATASET_OPTIONS_MAX)
        return false;
    struct ipw_buf b = IPW_BUF_INIT;
    bool beginning = how == DATASET_LOGLIK && is_beginning(record);
    out->tmpl = how == DATASET_LETTERS ? "letters/1" : beginning ? "beginning/1" : "question/1";
    put_context(record, how, beginning, &b);
    out->context = keep(arena, &b);
    for (struct json_iter it = json_iter(choices); json_next(&it);) {
        ipw_buf_addc(&b, ' ');
        if (how == DATASET_LETTERS)
            ipw_buf_addc(&b, (char)('A' + (int)out->n));
        else if (beginning)
            add_plain(&b, json_str(it.val) ? json_str(it.val) : "");
        else
            ipw_buf_adds(&b, json_str(it.val) ? json_str(it.val) : "");
        out->v[out->n++] = keep(arena, &b);
    }
    ipw_buf_release(&b);
    return true;
}
