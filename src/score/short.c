#include "score/short.h"

#include <string.h>

enum { SHOWN_MAX = 400 };

/* "Answer: x" at i, the start of a line that may open with marks of emphasis, a quote or a list. */
static bool answer_line(struct span t, size_t i, struct span *in)
{
    static const char *const lead[] = {"the ", "my ", "final ", NULL};
    while (i < t.n && strchr(" \t*_#>-", t.s[i]) && t.s[i])
        i++;
    for (size_t k; (k = scan_any_nocase(t, i, lead));)
        i += k;
    if (!scan_is_nocase(t, i, "answer"))
        return false;
    for (i += strlen("answer"); scan_at(t, i) == '*' || scan_at(t, i) == '_' || scan_at(t, i) == ' ';)
        i++;
    if (scan_at(t, i) != ':')
        return false;
    for (i++; i < t.n && (scan_space(t.s[i]) || t.s[i] == '*' || t.s[i] == '_');)
        i++;
    *in = scan_trim(scan_sub(t, i, scan_line(t, i)));
    return in->n > 0;
}

static bool last_answer_line(struct span t, struct span *in)
{
    bool any = false;
    struct span line;
    for (size_t i = 0; i < t.n; i = scan_line(t, i) + 1)
        if (answer_line(t, i, &line)) {
            *in = line;
            any = true;
            i = (size_t)(line.s + line.n - t.s); /* "Answer:" may have its text further down */
        }
    return any;
}

const char *short_answer(struct span t, struct span *in)
{
    *in = t;
    return scan_tag(t, in) ? "tag" : last_answer_line(t, in) ? "line" : "text";
}

const char *short_shown(struct span t, struct ipw_arena *arena)
{
    size_t n = t.n < SHOWN_MAX ? t.n : SHOWN_MAX;
    return ipw_arena_strndup(arena, t.s, n - ipw_utf8_tail(t.s, n));
}

bool short_begin(const struct score_item *item, const char *text, size_t len, struct ipw_arena *arena, struct span *t,
                 struct score_result *out)
{
    enum think_status think;
    *t = scan_trim(scan_visible(text, len, arena, &think));
    *out = (struct score_result){.status = SCORE_UNPARSED};
    if (!item->answer) {
        out->status = SCORE_UNSCORED;
        out->reason = "the record has no answer";
    }
    return item->answer && t->n;
}
