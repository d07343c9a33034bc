#include "cli/options.h"

#include <stdio.h>
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

int options_parse(struct option *opt, size_t n, int argc, char **argv, const char **rest, size_t *n_rest, bool *help,
                  struct ipw_err *err)
{
    *n_rest = 0;
    *help = false;
    for (int i = 0; i < argc; i++) {
        const char *arg = argv[i], *value = NULL;
        if (!strcmp(arg, "--")) {
            while (++i < argc)
                rest[(*n_rest)++] = argv[i];
            return 0;
        }
        if (!strcmp(arg, "--help") || !strcmp(arg, "-h")) {
            *help = true;
            return 0;
        }
        if (arg[0] != '-' || !arg[1]) {
            rest[(*n_rest)++] = arg;
            continue;
        }
        struct option *o;
        if (arg[1] == '-') {
            size_t len = strcspn(arg + 2, "=");
            o = by_name(opt, n, arg + 2, len);
            value = arg[2 + len] == '=' ? arg + 2 + len + 1 : NULL;
        } else {
            o = by_letter(opt, n, arg[1]);
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

void options_help(const struct option *opt, size_t n, struct ipw_buf *out)
{
    for (size_t i = 0; i < n; i++) {
        char left[64], letter[8] = "";
        if (!opt[i].help)
            continue;
        if (opt[i].letter)
            snprintf(letter, sizeof letter, "-%c, ", opt[i].letter);
        snprintf(left, sizeof left, "%s--%s%s%s", letter, opt[i].name, opt[i].value ? " " : "",
                 opt[i].value ? opt[i].value : "");
        ipw_buf_addf(out, strlen(left) < 26 ? "  %-26s%s\n" : "  %s\n                            %s\n", left,
                     opt[i].help);
    }
}
