/* A text with placeholders in braces, "Q: {question}", which people write. */
#ifndef IPW_BASE_FORM_H
#define IPW_BASE_FORM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

enum { FORM_MAX = 64 << 10 };

/* names: NULL-terminated, with their braces. Sets has[i] where names[i] stands in the text. A word of small letters and _ in
 * braces that is none of them is IPW_E_INPUT, with its line; anything else in braces (JSON) is text. So is one that is too
 * long, not UTF-8, or has a NUL. source: its name for messages. */
int form_check(const char *source, const char *text, size_t len, const char *const *names, bool *has, struct ipw_err *err);

/* Puts values[i] where names[i] stands; NULL is nothing. What is put in is not looked into. */
void form_fill(const char *text, const char *const *names, const char *const *values, struct ipw_buf *out);

/* "mine.txt@0123456789ab": a file's name and the beginning of its text's SHA-256. */
void form_id(const char *path, const char *text, size_t len, char *out, size_t size);

#endif
