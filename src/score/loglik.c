/* Log-likelihoods as the engine gave them (src/run/likely.c): which option is the likeliest, as it is or per character or byte
 * of its text. Of perplexity there is no right or wrong, only sums. */
#include "score/score.h"

#include <math.h>
#include <stdio.h>

#include "base/json.h"
#include "base/str.h"

static const char *const letters[] = {"A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "L", "M",
                                      "N", "O", "P", "Q", "R", "S", "T", "U", "V", "W", "X", "Y", "Z"};
enum { LETTERS = sizeof letters / sizeof letters[0] };

static void unscored(struct score_result *out, const char *reason)
{
    *out = (struct score_result){.status = SCORE_UNSCORED, .reason = reason};
}

static struct json_doc *read_text(const char *text, size_t len)
{
    struct json_doc *doc = NULL;
    struct ipw_err ignored;
    return json_read(&doc, text, len, 0, &ignored) ? NULL : doc;
}

/* The first of the likeliest; -1 when none is known. per: the list of lengths that each is divided by, NULL: by none. */
static int likeliest(const json_val *ll, const json_val *per)
{
    struct json_iter it = json_iter(ll), by = json_iter(per);
    double top = -INFINITY;
    int best = -1;
    for (int i = 0; json_next(&it); i++) {
        double x = json_num(it.val), n = per && json_next(&by) ? json_num(by.val) : 1;
        x = n > 0 ? x / n : (double)NAN;
        if (isfinite(x) && (best < 0 || x > top)) {
            best = i;
            top = x;
        }
    }
    return best;
}

static void score(const struct score_item *item, const char *text, size_t len, const char *per, struct score_result *out)
{
    if (!item->answer || item->answer[0] < 'A' || item->answer[0] > 'Z' || item->answer[1]) {
        unscored(out, "no gold answer");
        return;
    }
    if (!len) { /* it failed */
        *out = (struct score_result){.status = SCORE_UNPARSED};
        return;
    }
    struct json_doc *doc = read_text(text, len);
    const json_val *root = doc ? json_root(doc) : NULL, *ll = json_get(root, "loglik"), *lengths = per ? json_get(root, per) : NULL;
    bool of_letters = ipw_streq(json_str(json_get(root, "of")), "letters");
    if (!json_len(ll) || json_type(ll) != JSON_ARR || json_len(ll) > LETTERS)
        unscored(out, "no log-likelihoods were stored");
    else if (per && (of_letters || json_len(lengths) != json_len(ll)))
        unscored(out, "letters have no length");
    else {
        int best = likeliest(ll, lengths);
        bool right = best >= 0 && letters[best][0] == item->answer[0];
        *out = (struct score_result){.status = best < 0 ? SCORE_UNPARSED : right ? SCORE_CORRECT : SCORE_INCORRECT,
                                     .value = right,
                                     .extracted = best < 0 ? NULL : letters[best],
                                     .method = best < 0 ? NULL : of_letters ? "letters" : "options"};
    }
    json_doc_free(doc);
}

static void score_loglik(const struct score_item *item, const char *text, size_t len, struct ipw_arena *arena, struct score_result *out)
{
    (void)arena;
    score(item, text, len, NULL, out);
}

static void score_norm_char(const struct score_item *item, const char *text, size_t len, struct ipw_arena *arena,
                            struct score_result *out)
{
    (void)arena;
    score(item, text, len, "chars", out);
}

static void score_norm_byte(const struct score_item *item, const char *text, size_t len, struct ipw_arena *arena,
                            struct score_result *out)
{
    (void)arena;
    score(item, text, len, "bytes", out);
}

static void score_perplexity(const struct score_item *item, const char *text, size_t len, struct ipw_arena *arena,
                             struct score_result *out)
{
    (void)item;
    struct json_doc *doc = read_text(text, len);
    const json_val *root = doc ? json_root(doc) : NULL;
    double ll = json_num(json_at(json_get(root, "loglik"), 0)), bytes = json_num(json_at(json_get(root, "bytes"), 0));
    double n = json_num(json_at(json_get(root, "tokens"), 0));
    json_doc_free(doc);
    unscored(out, "perplexity is no verdict");
    if (!(ll <= 0 && n >= 1 && n < 1e9 && bytes >= 1 && bytes < 1e9))
        return;
    char sums[96];
    snprintf(sums, sizeof sums, SCORE_SUMS, -ll, n, bytes);
    out->extracted = ipw_arena_strdup(arena, sums);
}

static const char *const beside[] = {"loglik_norm_char", "loglik_norm_byte", NULL};

const struct scorer_ops scorer_loglik = {
    .name = "loglik",
    .version = 1,
    .what = "the likeliest of the choices",
    .likely = true,
    .beside = beside,
    .score = score_loglik,
};

const struct scorer_ops scorer_loglik_norm_char = {
    .name = "loglik_norm_char",
    .version = 1,
    .what = "the likeliest of the choices per character of its text",
    .likely = true,
    .score = score_norm_char,
};

const struct scorer_ops scorer_loglik_norm_byte = {
    .name = "loglik_norm_byte",
    .version = 1,
    .what = "the likeliest of the choices per byte of its text",
    .likely = true,
    .score = score_norm_byte,
};

const struct scorer_ops scorer_perplexity = {
    .name = "perplexity",
    .version = 1,
    .what = "no verdict: the sums that perplexity is made of",
    .likely = true,
    .score = score_perplexity,
};
