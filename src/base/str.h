/* Strings: bytes, C locale; UTF-8 only where the name says so. */
#ifndef IPW_BASE_STR_H
#define IPW_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool ipw_isspace(unsigned char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}
static inline bool ipw_isdigit(unsigned char c)
{
    return c >= '0' && c <= '9';
}
static inline bool ipw_isalpha(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
static inline bool ipw_isalnum(unsigned char c)
{
    return ipw_isalpha(c) || ipw_isdigit(c);
}
static inline char ipw_tolower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}
static inline char ipw_toupper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
}

bool ipw_streq(const char *a, const char *b); /* NULL equals only NULL */
bool ipw_starts(const char *s, const char *prefix);
bool ipw_ends(const char *s, const char *suffix);

/* Whole-string conversions; false (out untouched) for anything else, also for out of range. */
bool ipw_parse_i64(const char *s, int64_t *out);
bool ipw_parse_u64(const char *s, uint64_t *out);
bool ipw_parse_f64(const char *s, double *out); /* finite */

/* The candidate nearest to `word` (Damerau-Levenshtein, at most a third of its length away), else NULL. */
const char *ipw_nearest(const char *word, const char *const *candidates, size_t n);

bool ipw_utf8_valid(const char *s, size_t n);
char *ipw_utf8_repair(const char *s, size_t n, size_t *out_n); /* bad bytes become U+FFFD; caller frees */
/* Bytes at the end of s[0..n) that begin a UTF-8 sequence which is not complete yet (0 to 3). */
size_t ipw_utf8_tail(const char *s, size_t n);

/* A slug for folder names: lower case letters, digits, '.', '-'; others become one '-'; at most size-1. */
void ipw_slug(const char *s, char *out, size_t size);

uint64_t ipw_hash64(const void *p, size_t n); /* FNV-1a, for ordering and tables, not for integrity */

#endif
