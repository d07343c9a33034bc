/* Scanning answers: spans of text that score_canon made, and the character classes its rules need. Positions are
 * bytes; a character that is not ASCII counts as a word character or not by its code point, as \w does. */
#ifndef IPW_SCORE_SCAN_H
#define IPW_SCORE_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/str.h"
#include "score/score.h"

struct span {
    const char *s;
    size_t n;
};

/* Code point at s (n > 0 bytes left) and its length; an ill-formed byte is U+FFFD of length 1. */
uint32_t scan_char(const char *s, size_t n, size_t *len);
size_t scan_back(struct span t, size_t i);      /* where the character that ends at i > 0 begins */
uint32_t scan_lower(uint32_t c);                /* Latin, Greek and Cyrillic; the UTF-8 length never changes */
void scan_put(char *s, uint32_t c, size_t len); /* writes c as len bytes of UTF-8 */
bool scan_uspace(uint32_t c);                   /* Unicode white space, for text before score_canon */

/* White space of canonical text: all that is not ASCII has been folded into it. */
static inline bool scan_space(char c)
{
    return ipw_isspace((unsigned char)c) || (c >= 0x1c && c <= 0x1f);
}

bool scan_word_at(struct span t, size_t i);     /* \w begins at i; false at the end */
bool scan_word_before(struct span t, size_t i); /* \w ends at i; false at the start */
bool scan_edge(struct span t, size_t i);        /* \b */

static inline char scan_at(struct span t, size_t i)
{
    return i < t.n ? t.s[i] : '\0';
}

size_t scan_ws(struct span t, size_t i);                       /* first non-space at or after i */
size_t scan_line(struct span t, size_t i);                     /* the '\n' at or after i, or the end */
size_t scan_find(struct span t, size_t i, const char *needle); /* t.n if there is none */
size_t scan_find_nocase(struct span t, size_t i, const char *needle);
bool scan_is(struct span t, size_t i, const char *word);        /* `word` stands at i */
bool scan_is_nocase(struct span t, size_t i, const char *word); /* ASCII case ignored; word in lower case */
/* Length of the first of the NULL-terminated words that stands at i, 0 if none does. */
size_t scan_any(struct span t, size_t i, const char *const *words);
size_t scan_any_nocase(struct span t, size_t i, const char *const *words);

struct span scan_sub(struct span t, size_t from, size_t to);
struct span scan_trim(struct span t);

/* Replaces every `needle` in s[0..n) by the no longer `with`, left to right, once; returns the new length. */
size_t scan_replace(char *s, size_t n, const char *needle, const char *with);

/* What every scorer reads: thinking removed, cut to the last 1 MiB (answers stand at the end), canonical. */
struct span scan_visible(const char *text, size_t len, struct ipw_arena *arena, enum think_status *status);

/* Content of the last <answer>..</answer>, trimmed. */
bool scan_tag(struct span t, struct span *in);

/* \text{..}, \mathbf{..} and their kin replaced by their content. In the arena. */
struct span scan_unwrap(struct span t, struct ipw_arena *arena);

#endif
