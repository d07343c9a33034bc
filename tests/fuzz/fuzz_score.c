/* Every scorer and the vector form on arbitrary bytes. What a scorer returns must hold together, and what it took
 * out of a text must read the same when the text is that alone. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "score/judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds)
{
    if (!holds)
        abort();
}

/* One question that asks for all that IFEval can check. */
static const char instructions[] =
    "{\"instruction_id_list\":[\"keywords:existence\",\"keywords:frequency\",\"keywords:forbidden_words\","
    "\"keywords:letter_frequency\",\"language:response_language\",\"length_constraints:number_sentences\","
    "\"length_constraints:number_paragraphs\",\"length_constraints:number_words\","
    "\"length_constraints:nth_paragraph_first_word\",\"detectable_content:number_placeholders\","
    "\"detectable_content:postscript\",\"detectable_format:number_bullet_lists\","
    "\"detectable_format:constrained_response\",\"detectable_format:number_highlighted_sections\","
    "\"detectable_format:multiple_sections\",\"detectable_format:json_format\",\"detectable_format:title\","
    "\"combination:two_responses\",\"combination:repeat_prompt\",\"startend:end_checker\",\"startend:quotation\","
    "\"change_case:capital_word_frequency\",\"change_case:english_capital\",\"change_case:english_lowercase\","
    "\"punctuation:no_comma\"],\"kwargs\":[{\"keywords\":[\"a\"]},{\"keyword\":\"b\",\"relation\":\"at least\","
    "\"frequency\":1},{\"forbidden_words\":[\"c\"]},{\"letter\":\"d\",\"let_relation\":\"less than\",\"let_frequency\":3},"
    "{\"language\":\"de\"},{\"num_sentences\":2,\"relation\":\"at least\"},{\"num_paragraphs\":2},{\"num_words\":2,"
    "\"relation\":\"at least\"},{\"num_paragraphs\":2,\"nth_paragraph\":1,\"first_word\":\"e\"},{\"num_placeholders\":1},"
    "{\"postscript_marker\":\"P.S.\"},{\"num_bullets\":2},{},{\"num_highlights\":1},{\"section_spliter\":\"S\","
    "\"num_sections\":1},{},{},{},{\"prompt_to_repeat\":\"f\"},{\"end_phrase\":\"g\"},{},{\"capital_frequency\":1,"
    "\"capital_relation\":\"at least\"},{},{},{}]}";

static void try_scorers(const char *text, size_t len)
{
    static const char *const choices[] = {"red", "dark red", "12", "the"}, *const aliases[] = {"A", "+", "\xff"};
    static const char *const golds[] = {"B", "1,000", "paris", NULL};
    struct ipw_arena arena;
    struct json_doc *doc;
    struct ipw_err err;
    ipw_arena_init(&arena);
    check(!json_read(&doc, instructions, strlen(instructions), 0, &err));
    const json_val *record = json_root(doc);
    for (size_t g = 0; g < sizeof golds / sizeof golds[0]; g++)
        for (size_t i = 0; scorers[i]; i++) {
            struct score_item item = {.record = record, .answer = golds[g], .aliases = aliases, .n_aliases = 3,
                                      .choices = choices, .n_choices = 4};
            struct score_result r;
            scorers[i]->score(&item, text, len, &arena, &r);
            check(r.value >= 0 && r.value <= 1 && (r.value > 0.5) == (r.status == SCORE_CORRECT));
            check((r.status == SCORE_UNSCORED) == (r.reason != NULL));
            check(golds[g] || r.status == SCORE_UNSCORED || !strncmp(scorers[i]->name, "ifeval", 6));
            check(r.status != SCORE_UNPARSED || !r.extracted);
        }
    json_doc_free(doc);
    const char *visible;
    size_t n;
    score_strip_think(text, len, &visible, &n);
    check(n <= len);

    int preference;
    judge_verdict((struct span){text, len}, &arena);
    check(!judge_preference((struct span){text, len}, &preference) || (preference >= -2 && preference <= 2));

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
    if (!score_vector(json_root(doc), 1, NULL, o, out, &pass, &err))
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
