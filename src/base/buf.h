/* A growable byte string, always NUL-terminated. IPW_BUF_INIT needs no allocation; ipw_buf_take gives the
 * bytes away. Growth past the 1 GiB cap is a bug, so readers of outside data check sizes first. */
#ifndef IPW_BASE_BUF_H
#define IPW_BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>

struct ipw_buf {
    char *s; /* never NULL: "" when empty */
    size_t len, cap;
};

extern char ipw_buf_empty[1];
#define IPW_BUF_INIT {ipw_buf_empty, 0, 0}

void ipw_buf_init(struct ipw_buf *b);
void ipw_buf_release(struct ipw_buf *b);
void ipw_buf_clear(struct ipw_buf *b);                /* keeps the memory */
char *ipw_buf_take(struct ipw_buf *b);                /* caller frees; b is empty again */
void ipw_buf_reserve(struct ipw_buf *b, size_t more); /* so that `more` bytes fit without allocation */
void ipw_buf_add(struct ipw_buf *b, const void *p, size_t n);
void ipw_buf_adds(struct ipw_buf *b, const char *s);
void ipw_buf_addc(struct ipw_buf *b, char c);
void ipw_buf_addf(struct ipw_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void ipw_buf_vaddf(struct ipw_buf *b, const char *fmt, va_list ap);

#endif
