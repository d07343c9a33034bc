#include "cli/options.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

void option_list_add(struct option_list *l, const char *text)
{
    IPW_GROW(l->v, l->n, l->cap);
    l->v[l->n++] = ipw_strdup(text);
}

void option_list_release(struct option_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->v[i]);
    free(l->v);
    *l = (struct option_list){0};
}

static struct option *by_letter(struct option *opt, size_t n, char c)
{
    for (size_t i = 0; i < n; i++)
        if (opt[i].letter && opt[i].letter == c)
            return &opt[i];
    return NULL;
}

static struct option *by_name(struct option *opt, size_t n, const char *name, size_t len)
{
    for (size_t i = 0; i < n; i++)
        for (int k = 0; k < 2; k++) {
            const char *s = k ? opt[i].alias : opt[i].name;
            if (s && strlen(s) == len && !strncmp(s, name, len))
                return &opt[i];
        }
    return NULL;
}

static const char *nearest(const struct option *opt, size_t n, const char *word)
{
    const char *names[128];
    size_t k = 0;
    for (size_t i = 0; i < n && k < 126; i++) {
        names[k++] = opt[i].name;
        if (opt[i].alias)
            names[k++] = opt[i].alias;
    }
    return ipw_nearest(word, names, k);
}

static int unknown(const struct option *opt, size_t n, const char *arg, struct ipw_err *err)
{
    char word[64];
    size_t len = strcspn(arg, "=");
    const char *start = arg + (arg[1] == '-' ? 2 : 1);
    size_t m = (size_t)(arg + len - start);
    m = m < sizeof word - 1 ? m : sizeof word - 1;
    memcpy(word, start, m);
    word[m] = '\0';
    const char *near = nearest(opt, n, word);
    if (near)
        return ipw_err_set(err, IPW_E_USAGE, "unknown option '%s': did you mean '--%s'?", arg, near);
    return ipw_err_set(err, IPW_E_USAGE, "unknown option '%s': --help lists them", arg);
}

static int set(struct option *o, const char *value, struct ipw_err *err)
{
    int64_t i;
    double x;
    o->seen = true;
    switch (o->type) {
    case OPTION_FLAG:
        *(bool *)o->to = true;
        return 0;
    case OPTION_TEXT:
        free(*(char **)o->to);
        *(char **)o->to = ipw_strdup(value);
        return 0;
    case OPTION_INT:
        if (!ipw_parse_i64(value, &i) || (double)i < o->min || (double)i > o->max)
            return ipw_err_set(err, IPW_E_USAGE, "'--%s %s': a whole number from %.0f to %.0f is needed", o->name,
                               value, o->min, o->max);
        *(int64_t *)o->to = i;
        return 0;
    case OPTION_REAL:
        if (!ipw_parse_f64(value, &x) || x < o->min || x > o->max)
            return ipw_err_set(err, IPW_E_USAGE, "'--%s %s': a number from %g to %g is needed", o->name, value, o->min,
                               o->max);
        *(double *)o->to = x;
        return 0;
    case OPTION_LIST:
        option_list_add(o->to, value);
        return 0;
    }
    return 0;
}

static struct option *find(struct option *opt, size_t n, const char *word)
{
    if (word[0] != '-' || !word[1])
        return NULL;
    return word[1] == '-' ? by_name(opt, n, word + 2, strcspn(word + 2, "=")) : by_letter(opt, n, word[1]);
}

const struct option *options_find(const struct option *opt, size_t n, const char *word)
{
    return find((struct option *)(uintptr_t)opt, n, word); /* which finds and writes nothing */
}

static enum help_form help_form(const char *arg)
{
    static const char *const names[] = {"", "--help", "--help=page", "--help=part", "--help=words"};
    for (int i = HELP_TEXT; i <= HELP_WORDS; i++)
        if (!strcmp(arg, names[i]))
            return (enum help_form)i;
    return strcmp(arg, "-h") ? HELP_NONE : HELP_TEXT;
}

int options_parse(struct option *opt, size_t n, int argc, char **argv, const char **rest, size_t *n_rest,
                  enum help_form *help, struct ipw_err *err)
{
    *n_rest = 0;
    *help = HELP_NONE;
    for (int i = 0; i < argc; i++) {
        const char *arg = argv[i], *value = NULL;
        if (!strcmp(arg, "--")) {
            while (++i < argc)
                rest[(*n_rest)++] = argv[i];
            return 0;
        }
        if ((*help = help_form(arg)) != HELP_NONE) {
            *n_rest = 0;
            while (++i < argc)
                rest[(*n_rest)++] = argv[i];
            return 0;
        }
        if (arg[0] != '-' || !arg[1]) {
            rest[(*n_rest)++] = arg;
            continue;
        }
        struct option *o = find(opt, n, arg);
        if (arg[1] == '-') {
            if ((value = strchr(arg, '=')))
                value++;
        } else {
            value = arg[2] ? arg + 2 : NULL;
        }
        if (!o)
            return unknown(opt, n, arg, err);
        if (o->type == OPTION_FLAG && value)
            return ipw_err_set(err, IPW_E_USAGE, "'--%s' takes no value", o->name);
        if (o->type != OPTION_FLAG && !value) {
            if (i + 1 >= argc)
                return ipw_err_set(err, IPW_E_USAGE, "'--%s' needs a value: --%s %s", o->name, o->name, o->value);
            value = argv[++i];
        }
        int rc = set(o, value, err);
        if (rc)
            return rc;
    }
    return 0;
}

/* ---- from a file ---- */

static bool takes_int(const struct option *o, const json_val *v)
{
    int64_t i;
    if (!json_is_int(v, &i) || (double)i < o->min || (double)i > o->max)
        return false;
    *(int64_t *)o->to = i;
    return true;
}

static bool takes_real(const struct option *o, const json_val *v)
{
    double x = json_num(v);
    if (!(x >= o->min && x <= o->max))
        return false;
    *(double *)o->to = x;
    return true;
}

static bool takes_list(const struct option *o, const json_val *v)
{
    struct option_list l = {0};
    bool ok = json_str(v) || (json_type(v) == JSON_ARR && json_len(v));
    if (json_str(v))
        option_list_add(&l, json_str(v));
    for (struct json_iter it = json_iter(v); ok && json_next(&it);)
        if ((ok = json_str(it.val)))
            option_list_add(&l, json_str(it.val));
    if (ok) {
        option_list_release(o->to);
        *(struct option_list *)o->to = l;
    } else {
        option_list_release(&l);
    }
    return ok;
}

static bool takes(const struct option *o, const json_val *v)
{
    switch (o->type) {
    case OPTION_FLAG:
        if (json_type(v) == JSON_BOOL)
            *(bool *)o->to = json_true(v);
        return json_type(v) == JSON_BOOL;
    case OPTION_TEXT:
        if (!json_str(v))
            return false;
        free(*(char **)o->to);
        *(char **)o->to = ipw_strdup(json_str(v));
        return true;
    case OPTION_INT:
        return takes_int(o, v);
    case OPTION_REAL:
        return takes_real(o, v);
    case OPTION_LIST:
        return takes_list(o, v);
    }
    return false;
}

static int refuse(const struct option *o, const char *source, const char *key, struct ipw_err *err)
{
    if (o->type == OPTION_INT || o->type == OPTION_REAL)
        return ipw_err_set(err, IPW_E_INPUT, "'%.300s': '%s' takes a %snumber from %.10g to %.10g", source, key,
                           o->type == OPTION_INT ? "whole " : "", o->min, o->max);
    return ipw_err_set(err, IPW_E_INPUT, "'%.300s': '%s' takes %s", source, key,
                       o->type == OPTION_FLAG   ? "true or false"
                       : o->type == OPTION_LIST ? "a text or a list of texts"
                                                : "a text");
}

static bool listed(const char *const *list, const char *word)
{
    while (*list && strcmp(*list, word) != 0)
        list++;
    return *list != NULL;
}

int options_from_json(struct option *opt, size_t n, const json_val *obj, const char *source, const char *const *only,
                      struct ipw_err *err)
{
    for (struct json_iter it = json_iter(obj); json_next(&it);) {
        struct option *o = by_name(opt, n, it.key, strlen(it.key));
        if (only && (!o || !listed(only, it.key)))
            continue;
        if (!o) {
            const char *near = nearest(opt, n, it.key);
            return ipw_err_set(err, IPW_E_INPUT, "'%.300s': unknown key '%.60s'%s%s%s", source, it.key,
                               near ? ": did you mean '" : "; keys are the long names of options", near ? near : "",
                               near ? "'?" : "");
        }
        if (!o->seen && !takes(o, it.val))
            return refuse(o, source, it.key, err);
    }
    return 0;
}

