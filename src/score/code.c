/* Blocks between fences of backticks. What stands in a block is read as Python as far as needed to know a fence that ends it
 * from one in a string, as docstrings show examples; one that is no Python ends at the first fence that can be its end. */
#include "score/code.h"

#include <string.h>

enum { PATIENCE = 16 }; /* blocks whose strings never end: each is read to the end of the answer, so a hostile one is not */

static size_t ticks_at(struct span t, size_t i)
{
    size_t n = 0;
    while (scan_at(t, i + n) == '`')
        n++;
    return n;
}

/* Behind the string that begins at i. One of three quotes that never ends: the end of the text, and *ends is false. */
static size_t string_end(struct span t, size_t i, bool *ends)
{
    const char quote = t.s[i];
    bool triple = scan_at(t, i + 1) == quote && scan_at(t, i + 2) == quote;
    for (i += triple ? 3 : 1; i < t.n; i++) {
        if (t.s[i] == '\\')
            i++;
        else if (!triple && t.s[i] == '\n')
            return i;
        else if (t.s[i] == quote && (!triple || (scan_at(t, i + 1) == quote && scan_at(t, i + 2) == quote)))
            return i + (triple ? 3 : 1);
    }
    *ends = *ends && !triple;
    return t.n;
}

/* The fence of n ticks that ends the Python from i on; false: its strings do not end. */
static bool python_end(struct span t, size_t i, size_t n, size_t *to)
{
    bool ends = true;
    while (i < t.n) {
        size_t k = t.s[i] == '`' ? ticks_at(t, i) : 0;
        if (k >= n)
            break;
        if (t.s[i] == '#')
            i = scan_line(t, i);
        else if (t.s[i] == '"' || t.s[i] == '\'')
            i = string_end(t, i, &ends);
        else
            i += k ? k : 1;
    }
    *to = i < t.n ? i : t.n;
    return ends;
}

/* The first fence with nothing behind it on its line, else the first at all. */
static size_t any_end(struct span t, size_t i)
{
    size_t first = scan_find(t, i, "```");
    for (size_t at = first; at < t.n;) {
        size_t behind = at + ticks_at(t, at), next = scan_find(t, behind, "```");
        size_t line = scan_line(scan_sub(t, 0, next), behind);
        if (!scan_trim(scan_sub(t, behind, line)).n && (line < next || next == t.n))
            return at;
        at = next;
    }
    return first;
}

static size_t block_end(struct span t, size_t from, size_t n, int *patience)
{
    size_t to;
    if (*patience <= 0)
        return scan_find(t, from, "```");
    if (python_end(t, from, n, &to) && to < t.n)
        return to;
    --*patience;
    return any_end(t, from);
}

static bool is_python(struct span t, size_t i)
{
    static const char *const names[] = {"python", "python3", "py", NULL};
    while (scan_at(t, i) == ' ')
        i++;
    for (size_t k = 0; names[k]; k++)
        if (scan_is_nocase(t, i, names[k]) && !scan_word_at(t, i + strlen(names[k])))
            return true;
    return false;
}

/* Takes off every line what its fence is indented by. */
static struct span dedent(struct span t, size_t indent, struct ipw_arena *arena)
{
    char *s = ipw_arena_strndup(arena, t.s, t.n);
    size_t n = 0;
    for (size_t i = 0, line; i < t.n; i = line) {
        size_t k = 0;
        while (k < indent && (scan_at(t, i + k) == ' ' || scan_at(t, i + k) == '\t'))
            k++;
        line = scan_line(t, i + k);
        line += line < t.n;
        memcpy(s + n, t.s + i + k, line - i - k);
        n += line - i - k;
    }
    return (struct span){s, n};
}

struct span code_in(struct span t, struct ipw_arena *arena)
{
    struct span best = {t.s, 0};
    size_t best_indent = 0, first = scan_find(t, 0, "```");
    bool python = false;
    int patience = PATIENCE;
    for (size_t i = first, begun = 0; i < t.n;) {
        size_t n = ticks_at(t, i), next = scan_find(t, i + n, "```"), indent = i;
        size_t line = scan_line(scan_sub(t, 0, next), i + n);
        if (line == next && next < t.n) { /* opened and closed on one line: words in a sentence */
            begun = next + ticks_at(t, next);
            i = scan_find(t, begun, "```");
            continue;
        }
        while (indent > begun && (t.s[indent - 1] == ' ' || t.s[indent - 1] == '\t'))
            indent--;
        indent = indent == 0 || t.s[indent - 1] == '\n' ? i - indent : 0;
        size_t from = line < t.n ? line + 1 : t.n, to = block_end(t, from, n, &patience);
        bool marked = is_python(t, i + n);
        struct span in = scan_sub(t, from, to);
        if ((marked || !python) && scan_trim(in).n) {
            best = in;
            best_indent = indent;
            python = marked;
        }
        begun = to + ticks_at(t, to);
        i = scan_find(t, begun, "```");
    }
    if (!best.n) /* a lone fence may be the end of a block that the prompt has opened */
        return scan_sub(t, 0, first);
    return best_indent ? dedent(best, best_indent, arena) : best;
}
