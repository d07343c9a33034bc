/* The last <answer> tag, equal to the gold but for white space around it: what generated puzzles ask for. */
#include "score/short.h"

#include <string.h>

static void score(const struct score_item *item, const char *text, size_t len, struct ipw_arena *arena,
                  struct score_result *out)
{
    struct span t, read;
    if (!short_begin(item, text, len, arena, &t, out) || !scan_tag(t, &read))
        return;
    out->method = "tag";
    out->extracted = short_shown(read, arena);
    for (size_t i = 0; i <= item->n_aliases; i++) {
        const char *g = i ? item->aliases[i - 1] : item->answer;
        struct span gold;
        gold.s = score_canon(g, strlen(g), arena, &gold.n);
        gold = scan_trim(gold);
        if (gold.n == read.n && !memcmp(gold.s, read.s, read.n))
            out->value = 1;
    }
    out->status = out->value > 0 ? SCORE_CORRECT : SCORE_INCORRECT;
}

const struct scorer_ops scorer_exact_tag = {
    .name = "exact_tag",
    .version = 1,
    .what = "what stands in the last <answer> tag, and nothing else",
    .votes = true,
    .score = score,
};
