#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

char ipw_buf_empty[1];

void ipw_buf_init(struct ipw_buf *b)
{
    *b = (struct ipw_buf)IPW_BUF_INIT;
}

void ipw_buf_release(struct ipw_buf *b)
{
    if (b->cap)
        free(b->s);
    ipw_buf_init(b);
}

void ipw_buf_clear(struct ipw_buf *b)
{
    b->len = 0;
    if (b->cap)
        b->s[0] = '\0';
}

char *ipw_buf_take(struct ipw_buf *b)
{
    char *s = b->cap ? b->s : ipw_strdup("");
    ipw_buf_init(b);
    return s;
}

void ipw_buf_reserve(struct ipw_buf *b, size_t more)
{
    if (b->len + more < b->cap)
        return;
    size_t want = b->cap ? b->cap * 2 : 64;
    if (want < b->len + more + 1)
        want = b->len + more + 1;
    if (want > (size_t)1 << 30)
        IPW_BUG("a string of %zu bytes", want);
    b->s = ipw_realloc(b->cap ? b->s : NULL, want);
    b->cap = want;
    b->s[b->len] = '\0';
}

void ipw_buf_add(struct ipw_buf *b, const void *p, size_t n)
{
    ipw_buf_reserve(b, n);
    if (n)
        memcpy(b->s + b->len, p, n);
    b->len += n;
    b->s[b->len] = '\0';
}

void ipw_buf_adds(struct ipw_buf *b, const char *s)
{
    ipw_buf_add(b, s, strlen(s));
}

void ipw_buf_addc(struct ipw_buf *b, char c)
{
    ipw_buf_add(b, &c, 1);
}

void ipw_buf_vaddf(struct ipw_buf *b, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    if (n < 0)
        IPW_BUG("format '%s'", fmt);
    ipw_buf_reserve(b, (size_t)n);
    vsnprintf(b->s + b->len, (size_t)n + 1, fmt, ap);
    b->len += (size_t)n;
}

void ipw_buf_addf(struct ipw_buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    ipw_buf_vaddf(b, fmt, ap);
    va_end(ap);
}
