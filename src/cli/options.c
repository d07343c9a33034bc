#include "cli/options.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

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

static int unknown(const struct option *opt, size_t n, const char *arg, struct ipw_err *err)
{
    const char *names[128];
    char word[64];
    size_t k = 0;
    for (size_t i = 0; i < n && k < 126; i++) {
        names[k++] = opt[i].name;
        if (opt[i].alias)
            names[k++] = opt[i].alias;
    }
    size_t len = strcspn(arg, "=");
    const char *start = arg + (arg[1] == '-' ? 2 : 1);
    size_t m = (size_t)(arg + len - start);
    m = m < sizeof word - 1 ? m : sizeof word - 1;
    memcpy(word, start, m);
    word[m] = '\0';
    const char *near = ipw_nearest(word, names, k);
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
            value = strchr(arg, '=');
            value += value != NULL;
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
