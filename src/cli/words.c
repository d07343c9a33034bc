/* What a shell may complete. The values of an option come from its help, what stands without an option from the usage
 * line: both tell people the same. */
#include <ctype.h>
#include <string.h>

#include "base/str.h"
#include "cli/manual.h"
#include "cli/models.h"

enum { MAX_WORDS = 32, MAX_WORD = 48 };

struct words {
    char v[MAX_WORDS][MAX_WORD];
    size_t n;
};

static bool plain(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!islower((unsigned char)s[i]) && !isdigit((unsigned char)s[i]) && s[i] != '_' && s[i] != '-')
            return false;
    return len > 0 && len < MAX_WORD;
}

static void keep(struct words *w, const char *s, size_t len)
{
    if (w->n < MAX_WORDS)
        snprintf(w->v[w->n++], MAX_WORD, "%.*s", (int)len, s);
}

/* "idle watts: auto, quick or none (auto)" into its words. Prose is no list: it has spaces between, or the default in
 * brackets is none of its words. */
static void values(const char *help, struct words *w)
{
    const char *open = strrchr(help, '('), *colon = strstr(help, ": "), *from = colon && colon < open ? colon + 2 : help;
    size_t end = strlen(help);
    char list[200], given[MAX_WORD];
    bool known = false;
    w->n = 0;
    if (!open || help[end - 1] != ')' || (size_t)(open - from) >= sizeof list)
        return;
    snprintf(list, sizeof list, "%.*s", (int)(open - from), from);
    snprintf(given, sizeof given, "%.*s", (int)(help + end - 1 - (open + 1)), open + 1);
    for (char *or; (or = strstr(list, " or ")) != NULL;)
        memcpy(or, ",   ", 4);
    for (const char *p = list; *p; p += strspn(p, ", ")) {
        size_t len = strcspn(p, ",");
        const char *next = p + len;
        while (len && p[len - 1] == ' ')
            len--;
        if (plain(p, len)) {
            keep(w, p, len);
            known |= !strcmp(w->v[w->n - 1], given);
        } else if (!isupper((unsigned char)*p)) { /* FILE stands for something */
            break;
        }
        p = next;
    }
    if (!known)
        w->n = 0;
}

static const char *kind_of(const char *placeholder)
{
    return strstr(placeholder, "FILE") || strstr(placeholder, "MODEL") ? ":files\n"
           : strstr(placeholder, "DIR") || strstr(placeholder, "RUN")  ? ":folders\n"
                                                                      : "";
}

static bool in_one_line(const char *s)
{
    while (*s && !iscntrl((unsigned char)*s))
        s++;
    return !*s;
}

/* The names that `ipw model list` prints. */
static void add_models(const char *of, int of_len, struct ipw_buf *out)
{
    struct local_models m = {0};
    struct ipw_err ignored;
    cli_models(NULL, NULL, &m, &ignored);
    for (size_t i = 0; i < m.n; i++)
        if (!m.v[i].problem && in_one_line(m.v[i].name))
            ipw_buf_addf(out, "%.*s%s\t%s %s\n", of_len, of, m.v[i].name, m.v[i].arch, m.v[i].quant);
    local_models_release(&m);
}

/* of: "--energy=" where the value is part of the word. */
static void option_values(const struct option *o, const char *of, int of_len, struct ipw_buf *out)
{
    struct words w;
    values(o->help ? o->help : "", &w);
    for (size_t i = 0; i < w.n; i++)
        ipw_buf_addf(out, "%.*s%s\t\n", of_len, of, w.v[i]);
    if (ipw_streq(o->value, "MODEL"))
        add_models(of, of_len, out);
    ipw_buf_adds(out, kind_of(o->value ? o->value : ""));
}

static void options(const struct option *opt, size_t n, struct ipw_buf *out)
{
    for (size_t i = 0; i < n; i++)
        if (opt[i].help)
            ipw_buf_addf(out, "--%s\t%s\n", opt[i].name, opt[i].help);
}

/* What stands in "ipw analyze [accuracy] RUN... [-o FORMAT]" without an option: the word "accuracy", and a run's folder. True
 * when there is any. */
static bool operands(const struct command *cmd, struct ipw_buf *out)
{
    const char *p = strstr(cmd->usage, cmd->name);
    bool any = false, value = false;
    for (p = p ? p + strlen(cmd->name) : ""; *p && *p != '\n';) {
        p += strspn(p, " [");
        size_t len = strcspn(p, " []\n");
        const char *kind = ":files\n";
        if (*p == '-') {
            value = true;
        } else if (len && !value) {
            char word[MAX_WORD];
            snprintf(word, sizeof word, "%.*s", (int)len, p);
            if (isupper((unsigned char)*p)) {
                kind = *kind_of(word) ? kind_of(word) : kind;
                ipw_buf_adds(out, strstr(out->s, kind) ? "" : kind);
                any = true;
            } else if (plain(p, len) && strcmp(word, "options") != 0) {
                ipw_buf_addf(out, "%s\t\n", word);
                any = true;
            }
        } else {
            value = false;
        }
        p += len;
        if (*p == ']')
            value = false;
        p += strspn(p, "]");
    }
    return any;
}

void manual_words(const struct command *cmd, const struct option *opt, size_t n, const char *before, const char *word,
                  struct ipw_buf *out)
{
    size_t n_common;
    const struct option *common = manual_common(&n_common);
    const char *equals = ipw_starts(word, "--") ? strchr(word, '=') : NULL, *named = equals ? word : before;
    const struct option *o = options_find(opt, n, named);
    if (!o)
        o = options_find(common, n_common, named);
    if (o && o->type != OPTION_FLAG) {
        option_values(o, word, equals ? (int)(equals + 1 - word) : 0, out);
    } else if (*word == '-' || !operands(cmd, out)) {
        options(opt, n, out);
        options(common, n_common, out);
    }
}
