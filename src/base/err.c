#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
    int exit_code;
    const char *word;
} map[] = {
    {0, "ok"},
#define XX(name, exit_code, word) {exit_code, word},
    IPW_ERR_MAP(XX)
#undef XX
};

int ipw_err_set(struct ipw_err *err, int code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(err->text, sizeof err->text, fmt, ap);
    va_end(ap);
    err->code = code;
    return code;
}

int ipw_err_wrap(struct ipw_err *err, const char *fmt, ...)
{
    char inner[sizeof err->text];
    memcpy(inner, err->text, sizeof inner);
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(err->text, sizeof err->text, fmt, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n < sizeof err->text)
        snprintf(err->text + n, sizeof err->text - (size_t)n, ": %.*s",
                 (int)(sizeof inner - (size_t)n), inner);
    return err->code;
}

int ipw_err_exit_code(int code)
{
    if (code < 0 || (size_t)code >= sizeof map / sizeof map[0])
        return 4;
    return map[code].exit_code;
}

const char *ipw_err_word(int code)
{
    if (code < 0 || (size_t)code >= sizeof map / sizeof map[0])
        return "unknown";
    return map[code].word;
}

void ipw_bug(const char *file, int line, const char *fmt, ...)
{
    va_list ap;
    fprintf(stderr, "ipw: bug at %s:%d: ", file, line);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputs("; please report it\n", stderr);
    _exit(4);
}
