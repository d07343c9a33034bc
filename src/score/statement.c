/* Statements of an answer, "the answer to this question is (B)": rule 3 of datasets 2.2. */
#include "score/letter.h"

#include <string.h>

/* From the end of the head on: link, colon, filler, colon, quote, letter, quote. No choice here can be taken back
 * with profit, so none is. */
static bool statement_tail(struct span t, size_t i, struct statement *st)
{
    static const char *const links[] = {"is", "are", "was", "would be",     "should be", "must be",
                                        "=",  ":",   "-",   "\xe2\x80\x93", NULL};
    static const char *const fillers[] = {"definitely", "clearly", "therefore", "option", "choice", "letter", NULL};
    i = scan_ws(t, i);
    i = scan_ws(t, i + scan_any_nocase(t, i, links));
    i = scan_ws(t, i + (scan_at(t, i) == ':'));
    i = scan_ws(t, i + scan_any_nocase(t, i, fillers));
    i = scan_ws(t, i + (scan_at(t, i) == ':'));
    char open = scan_at(t, i), close;
    bool quoted = open == '(' || open == '[' || open == '"' || open == '\'';
    i = scan_ws(t, i + quoted);
    if (!ipw_isalpha((unsigned char)scan_at(t, i)))
        return false;
    st->letter = i++;
    size_t j = scan_ws(t, i);
    close = scan_at(t, j);
    bool closed = letter_closes(close) || close == '"' || close == '\'';
    st->bracketed = quoted && closed && letter_alone(t, j + 1);
    if (closed && letter_alone(t, j + 1))
        st->end = j + 1;
    else if (letter_alone(t, j))
        st->end = j;
    else if (j > i)
        st->end = j - 1; /* a space follows the letter even so */
    else
        return false;
    return true;
}

static size_t word_end(struct span t, size_t i)
{
    size_t len;
    for (; scan_word_at(t, i); i += len)
        scan_char(t.s + i, t.n - i, &len);
    return i;
}

/* Tries the tail at the end of the word [from, to) and then at each shorter end: a pattern's \w+ gives back. */
static bool tail_in_word(struct span t, size_t from, size_t to, struct statement *st)
{
    for (; to > from; to = scan_back(t, to))
        if (statement_tail(t, to, st))
            return true;
    return false;
}

/* "to the question", "for this hard question" between the head and the link. */
static bool statement_aim(struct span t, size_t i, struct statement *st)
{
    static const char *const preps[] = {"to", "for", "of", NULL}, *const these[] = {"the", "this", "that", NULL};
    size_t k, j = scan_ws(t, i);
    if (j == i || !(k = scan_any_nocase(t, j, preps)))
        return false;
    i = j + k;
    j = scan_ws(t, i);
    if (j == i || !(k = scan_any_nocase(t, j, these)))
        return false;
    i = j + k;
    j = scan_ws(t, i);
    size_t end = word_end(t, j), second = scan_ws(t, end);
    if (j == i || end == j)
        return false;
    return (second > end && tail_in_word(t, second, word_end(t, second), st)) || tail_in_word(t, j, end, st);
}

bool statement_at(struct span t, size_t i, struct statement *st)
{
    static const char *const heads[] = {"answer", "option", "choice", NULL};
    size_t k = scan_any_nocase(t, i, heads);
    if (!k || scan_word_before(t, i))
        return false;
    st->start = i;
    i += k;
    i += ipw_tolower(scan_at(t, i)) == 's';
    return !scan_word_at(t, i) && (statement_aim(t, i, st) || statement_tail(t, i, st));
}

/* The body "answer ... " ends with the phrase as whole words. */
static bool ends_in(struct span t, const char *phrase)
{
    size_t n = strlen(phrase);
    while (t.n && scan_space(t.s[t.n - 1]))
        t.n--;
    return t.n >= n && scan_is_nocase(t, t.n - n, phrase) && !scan_word_before(t, t.n - n);
}

/* The 14 characters before the head end with "not the [right]": that statement says no. */
static bool denied_before(struct span t, size_t start)
{
    size_t from = start;
    for (int i = 0; i < 14 && from; i++)
        from = scan_back(t, from);
    struct span pre = scan_trim(scan_sub(t, from, start));
    static const char *const adjectives[] = {"right", "correct", NULL};
    for (size_t i = 0; adjectives[i]; i++) {
        size_t n = strlen(adjectives[i]);
        if (pre.n >= n && scan_is_nocase(pre, pre.n - n, adjectives[i])) {
            pre.n -= n;
            break;
        }
    }
    return ends_in(pre, "not the");
}

/* Something in the body binds the letter: a verb, a colon, "=", a dash, or "option" right before it. */
static bool bound(struct span body)
{
    static const char *const verbs[] = {"is", "are", "was", "be", NULL};
    for (size_t i = 0; i < body.n; i++) {
        size_t k;
        if (strchr(":=-", body.s[i]) && body.s[i])
            return true;
        if (scan_is(body, i, "\xe2\x80\x93"))
            return true;
        if ((k = scan_any_nocase(body, i, verbs)) && !scan_word_before(body, i) && !scan_word_at(body, i + k))
            return true;
    }
    struct span end = scan_trim(body);
    return end.n >= 6 && (scan_is_nocase(end, end.n - 6, "option") || scan_is_nocase(end, end.n - 6, "choice"));
}

bool statement_holds(struct span t, const struct statement *st)
{
    struct span body = scan_sub(t, st->start, st->letter);
    char c = t.s[st->letter], next = scan_at(t, st->end);
    bool clause_ends = st->end == t.n || (next && strchr("\n.,);:", next));
    if (ends_in(body, "not") || ends_in(body, "cannot be") || denied_before(t, st->start))
        return false;
    if (!st->bracketed && !letter_upper(c) && !(memchr(body.s, ':', body.n) && clause_ends))
        return false;
    if (!st->bracketed && c == 'I' && letter_prose(t, st->end))
        return false;
    return st->bracketed || bound(body);
}
