#include "base/form.h"

#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "base/str.h"

/* Which name stands at s: its index, or that of the NULL behind the last. */
static size_t name_at(const char *s, const char *const *names)
{
    size_t i = 0;
    while (names[i] && !ipw_starts(s, names[i]))
        i++;
    return i;
}

/* Length of a word in braces, 0: none stands at s. */
static size_t braced(const char *s)
{
    size_t n = 1;
    if (*s != '{')
        return 0;
    while ((s[n] >= 'a' && s[n] <= 'z') || s[n] == '_')
        n++;
    return n > 1 && s[n] == '}' ? n + 1 : 0;
}

int form_check(const char *source, const char *text, size_t len, const char *const *names, bool *has, struct ipw_err *err)
{
    struct ipw_buf known = IPW_BUF_INIT;
    int line = 1, rc = 0;
    if (len > FORM_MAX || memchr(text, '\0', len))
        return ipw_err_set(err, IPW_E_INPUT, "'%s': a text of at most %d bytes is needed", source, FORM_MAX);
    if (!ipw_utf8_valid(text, len))
        return ipw_err_set(err, IPW_E_INPUT, "'%s' is not UTF-8; save it as UTF-8", source);
    for (const char *s = text; *s && !rc; s++) {
        size_t n = braced(s), i = n ? name_at(s, names) : 0;
        line += *s == '\n';
        if (n && names[i])
            has[i] = true;
        else if (n) {
            for (i = 0; names[i]; i++)
                ipw_buf_addf(&known, " %s", names[i]);
            rc = ipw_err_set(err, IPW_E_INPUT, "'%s', line %d: '%.*s' is no placeholder; there are%s", source, line,
                             n < 40 ? (int)n : 40, s, known.s);
        }
    }
    ipw_buf_release(&known);
    return rc;
}

void form_fill(const char *text, const char *const *names, const char *const *values, struct ipw_buf *out)
{
    while (*text) {
        size_t plain = strcspn(text, "{"), i;
        ipw_buf_add(out, text, plain);
        text += plain;
        if (!*text)
            return;
        if (!names[i = name_at(text, names)]) {
            ipw_buf_addc(out, *text++);
            continue;
        }
        ipw_buf_adds(out, values[i] ? values[i] : "");
        text += strlen(names[i]);
    }
}

void form_id(const char *path, const char *text, size_t len, char *out, size_t size)
{
    struct fs_sha256 *h = fs_sha256_new();
    char hex[65];
    fs_sha256_add(h, text, len);
    fs_sha256_end(h, hex);
    snprintf(out, size, "%.60s@%.12s", fs_basename(path), hex);
}
