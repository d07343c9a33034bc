/* Errors. A fallible function returns 0 or a code of IPW_ERR_MAP and fills *err (its last argument, never
 * NULL). The text is lower case, names the subject in single quotes and ends with what to do next. */
#ifndef IPW_BASE_ERR_H
#define IPW_BASE_ERR_H

/* name, exit code of the program, word in logs */
#define IPW_ERR_MAP(XX)                                                                            \
    XX(USAGE, 2, "usage")                                                                          \
    XX(INPUT, 2, "bad input")                                                                      \
    XX(ENV, 3, "environment")                                                                      \
    XX(IO, 3, "input or output")                                                                   \
    XX(LOCKED, 3, "locked")                                                                        \
    XX(BUG, 4, "bug")                                                                              \
    XX(INTERRUPTED, 130, "interrupted")

enum ipw_errcode {
    IPW_OK = 0,
#define XX(name, exit_code, word) IPW_E_##name,
    IPW_ERR_MAP(XX)
#undef XX
};

struct ipw_err {
    int code;
    char text[1000];
};

/* Fills *err and returns code, so that a caller writes `return ipw_err_set(err, IPW_E_IO, ...)`. */
int ipw_err_set(struct ipw_err *err, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "context: " before the text that is there; returns err->code. */
int ipw_err_wrap(struct ipw_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

int ipw_err_exit_code(int code);
const char *ipw_err_word(int code);

/* A mistake of ours: prints file, line and text, exits 4. Also the out-of-memory handler's way out. */
#define IPW_BUG(...) ipw_bug(__FILE__, __LINE__, __VA_ARGS__)
_Noreturn void ipw_bug(const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
