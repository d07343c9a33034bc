#include <string.h>

#include "base/str.h"
#include "report/internal.h"

enum { WIDTH = 79 };

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

void report_wrap(const char *text, int first, int rest, struct ipw_buf *out)
{
    int column = 0, indent = first;
    for (const char *p = text; *p;) {
        int n = (int)strcspn(p, " ");
        if (column && column + 1 + n > WIDTH) {
            ipw_buf_addc(out, '\n');
            column = 0;
            indent = rest;
        }
        ipw_buf_addf(out, "%*s", column ? 1 : indent, "");
        column += (column ? 1 : indent) + n;
        ipw_buf_add(out, p, (size_t)n);
        p += n + (p[n] == ' ');
    }
    ipw_buf_addc(out, '\n');
}
