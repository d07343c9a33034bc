#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "report/internal.h"

enum { WIDTH = 80 };

/* C1 controls, and the code points that reorder, join or hide the text around them. */
static bool deceives(unsigned c)
{
    return (c >= 0x80 && c < 0xa0) || c == 0xad || c == 0x61c || (c >= 0x200b && c <= 0x200f) ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff;
}

size_t report_char(const char *s, struct ipw_buf *out)
{
    unsigned char b = (unsigned char)*s;
    size_t n = b < 0x80 ? 1 : b < 0xe0 ? 2 : b < 0xf0 ? 3 : 4;
    if (strnlen(s, n) < n || !ipw_utf8_valid(s, n)) {
        ipw_buf_addc(out, '?');
        return 1;
    }
    unsigned c = n == 1 ? b : b & (0xffu >> (n + 1));
    for (size_t i = 1; i < n; i++)
        c = c << 6 | ((unsigned char)s[i] & 0x3f);
    if (c < 0x20 || c == 0x7f || deceives(c))
        ipw_buf_addc(out, '?');
    else
        ipw_buf_add(out, s, n);
    return n;
}

void report_text(const char *s, struct ipw_buf *out)
{
    while (s && *s)
        s += report_char(s, out);
}

int report_width(const char *s)
{
    struct ipw_buf seen = IPW_BUF_INIT;
    int n = 0;
    for (; *s; n++)
        s += report_char(s, &seen);
    ipw_buf_release(&seen);
    return n;
}

void report_cut(const char *s, int width, struct ipw_buf *out)
{
    bool cut = s && report_width(s) > width;
    for (int n = 0; s && *s && n < width - (cut ? 2 : 0); n++)
        s += report_char(s, out);
    if (cut)
        ipw_buf_adds(out, "..");
}

/* How many spaces after this word hold: `ipw COMMAND WORD` and `--flag VALUE` are pasted. */
static int held_after(const char *word, size_t n)
{
    if (n == 3 && !strncmp(word, "ipw", n))
        return 2;
    return n > 2 && !strncmp(word, "--", 2) && !strchr(";,.", word[n - 1]);
}

/* Bytes up to the next place where a line may end: a space outside of a 'quoted path' and of what held_after joins. An
 * apostrophe within a word opens no quote. */
static size_t unbreakable(const char *p, const char *end)
{
    const char *word = p;
    bool quoted = false;
    int held = 0;
    for (const char *q = p; q < end; q++) {
        if (*q == '\'' && (quoted || q == word || q[-1] == '('))
            quoted = !quoted && memchr(q + 1, '\'', (size_t)(end - q - 1));
        if (*q != ' ' || quoted)
            continue;
        int more = held_after(word, (size_t)(q - word));
        held = more > held - 1 ? more : held - 1;
        if (held <= 0 || strchr(".;,", q[-1]))
            return (size_t)(q - p);
        word = q + 1;
    }
    return (size_t)(end - p);
}

static void fold_line(const char *p, const char *end, int columns, int first, int rest, struct ipw_buf *out)
{
    struct ipw_buf word = IPW_BUF_INIT;
    int column = 0, indent = first;
    while (p < end) {
        size_t n = unbreakable(p, end);
        char *raw = ipw_strndup(p, n);
        ipw_buf_clear(&word);
        report_text(raw, &word);
        free(raw);
        int width = report_width(word.s);
        if (column && column + 1 + width > columns - 1) {
            ipw_buf_addc(out, '\n');
            column = 0;
            indent = rest;
        }
        ipw_buf_addf(out, "%*s", column ? 1 : indent, "");
        column += (column ? 1 : indent) + width;
        ipw_buf_add(out, word.s, word.len);
        p += n + (p + n < end);
    }
    ipw_buf_addc(out, '\n');
    ipw_buf_release(&word);
}

void report_fold(const char *text, int columns, int first, int rest, struct ipw_buf *out)
{
    static const char command[] = "    ";
    for (const char *p = text, *end; *p; p = end + (*end == '\n')) {
        end = p + strcspn(p, "\n");
        bool whole = p != text && !strncmp(p, command, strlen(command));
        if (whole) {
            char *line = ipw_strndup(p, (size_t)(end - p));
            ipw_buf_addf(out, "%*s", rest, "");
            report_text(line, out);
            ipw_buf_addc(out, '\n');
            free(line);
        } else {
            fold_line(p, end, columns, p == text ? first : rest, rest, out);
        }
    }
}

void report_wrap(const char *text, int first, int rest, struct ipw_buf *out)
{
    report_fold(text, WIDTH, first, rest, out);
}
