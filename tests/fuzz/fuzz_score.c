/* Every scorer and the vector form on arbitrary bytes. What a scorer returns must hold together, and what it took
 * out of a text must read the same when the text is that alone. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "score/score.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds)
{
    if (!holds)
        abort();
}

static void try_scorers(const char *text, size_t len)
{
    static const char *const choices[] = {"red", "dark red", "12", "the"}, *const aliases[] = {"A", "+", "\xff"};
    static const char *const golds[] = {"B", "1,000", "paris", NULL};
    struct ipw_arena arena;
    ipw_arena_init(&arena);
    for (size_t g = 0; g < sizeof golds / sizeof golds[0]; g++)
        for (size_t i = 0; scorers[i]; i++) {
            struct score_item item = {golds[g], aliases, 3, choices, 4};
            struct score_result r;
            scorers[i]->score(&item, text, len, &arena, &r);
            check(r.value == (r.status == SCORE_CORRECT));
            check((r.status == SCORE_UNSCORED) == (r.reason != NULL));
            check(golds[g] || r.status == SCORE_UNSCORED);
            check(r.status != SCORE_UNPARSED || !r.extracted);
        }
    const char *visible;
    size_t n;
    score_strip_think(text, len, &visible, &n);
    check(n <= len);

    struct score_item number = {.answer = "1"};
    struct score_result a, b;
    scorer_find("numeric")->score(&number, text, len, &arena, &a);
    if (a.extracted && strlen(a.extracted) < 600 && !strstr(a.extracted, "...")) {
        scorer_find("numeric")->score(&number, a.extracted, strlen(a.extracted), &arena, &b);
        check(ipw_streq(a.extracted, b.extracted));
    }
    ipw_arena_release(&arena);
}

static void try_vector(const char *text, size_t len)
{
    struct json_doc *doc;
    struct ipw_err err;
    if (json_read(&doc, text, len, 0, &err))
        return;
    struct json_out *o = json_out_new();
    json_node *out = json_new_obj(o);
    int pass;
    if (!score_vector(json_root(doc), 1, o, out, &pass, &err))
        free(json_write(o, out, false));
    json_out_free(o);
    json_doc_free(doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try_scorers((const char *)data, size);
    try_vector((const char *)data, size);
    return 0;
}
