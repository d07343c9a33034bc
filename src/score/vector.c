/* `ipw score --try`: one line of the vector form, scored and compared with what it expects. */
#include "score/vector.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "score/rational.h"

static int bad(struct ipw_err *err, size_t line, const char *what)
{
    return ipw_err_set(err, IPW_E_INPUT, "line %zu: %s", line, what);
}

static bool is_absent(const json_val *v)
{
    return json_type(v) == JSON_ABSENT || json_type(v) == JSON_NULL;
}

static bool all_strings(const json_val *arr)
{
    if (json_type(arr) != JSON_ARR)
        return is_absent(arr);
    for (struct json_iter it = json_iter(arr); json_next(&it);)
        if (!json_str(it.val))
            return false;
    return true;
}

/* ---- what a kind reports, each beside what the line expects of it ---- */

const json_val *trial_expects(struct trial *t, const char *key)
{
    const json_val *want = json_get(t->vec, key);
    t->expected += want != NULL;
    return want;
}

void trial_str(struct trial *t, const char *key, const char *got)
{
    const json_val *want = trial_expects(t, key);
    json_put_str(t->o, t->result, key, got);
    if (want)
        t->same &= json_type(want) == JSON_NULL ? !got : ipw_streq(json_str(want), got);
}

void trial_bool(struct trial *t, const char *key, bool got)
{
    const json_val *want = trial_expects(t, key);
    json_put_bool(t->o, t->result, key, got);
    if (want)
        t->same &= json_type(want) == JSON_BOOL && json_true(want) == got;
}

void trial_number(struct trial *t, const char *key, const char *got)
{
    const json_val *want = trial_expects(t, key);
    json_put_str(t->o, t->result, key, got);
    if (!want)
        return;
    const char *text = json_str(want);
    char digits[32];
    if (!text && !isnan(json_num(want))) {
        snprintf(digits, sizeof digits, "%.15g", json_num(want));
        text = digits;
    }
    if (!text || !got)
        t->same &= json_type(want) == JSON_NULL && !got;
    else
        t->same &= ipw_streq(text, got) || ipw_streq(number_read((struct span){text, strlen(text)}, &t->arena), got);
}

void trial_real(struct trial *t, const char *key, double got)
{
    const json_val *want = trial_expects(t, key);
    json_put_num(t->o, t->result, key, got);
    if (want)
        t->same &= isnan(got) ? json_type(want) == JSON_NULL : fabs(json_num(want) - got) <= 1e-9;
}

/* ---- kinds ---- */

static struct score_result run(struct trial *t)
{
    struct score_result r;
    scorer_find(t->kind)->score(&t->item, t->text, t->len, &t->arena, &r);
    return r;
}

static const char *check_mcq(struct trial *t)
{
    const json_val *n = json_get(t->vec, "n_choices"), *choices = json_get(t->vec, "choices");
    int64_t k = (int64_t)t->item.n_choices;
    if (!all_strings(choices))
        return "'choices' is neither null nor an array of strings";
    if (!is_absent(n) && !json_is_int(n, &k))
        return "'n_choices' is not a whole number";
    if (k < 1 || k > 26)
        return "'n_choices' is not 1 to 26";
    if (t->item.choices && (int64_t)t->item.n_choices != k)
        return "'n_choices' is not the number of 'choices'";
    t->item.n_choices = (size_t)k;
    return NULL;
}

static void try_mcq(struct trial *t)
{
    struct score_result r = run(t);
    trial_str(t, "expected", r.extracted);
    trial_str(t, "method", r.method);
}

static void try_numeric(struct trial *t)
{
    struct score_result r = run(t);
    trial_number(t, "expected", r.extracted);
    trial_str(t, "method", r.method);
}

static const char *check_exact(struct trial *t)
{
    if (!json_str(json_get(t->vec, "answer")))
        return "'answer' is missing or not a string";
    return all_strings(json_get(t->vec, "aliases")) ? NULL : "'aliases' is not an array of strings";
}

static void try_exact(struct trial *t)
{
    struct score_result r = run(t);
    trial_bool(t, "expected", r.status == SCORE_CORRECT);
    trial_bool(t, "contained", r.method != NULL);
    trial_str(t, "method", r.method);
}

static void try_think(struct trial *t)
{
    const char *visible;
    size_t n;
    enum think_status s = score_strip_think(t->text, t->len, &visible, &n);
    const json_val *want = trial_expects(t, "visible");
    json_put_strn(t->o, t->result, "visible", visible, n);
    if (want)
        t->same &= json_str(want) && json_len(want) == n && !memcmp(json_str(want), visible, n);
    trial_str(t, "status", think_status_name(s));
}

static const struct {
    const char *name, *text; /* the key of the text that is tried; NULL: the kind has none */
    const char *(*check)(struct trial *t); /* what is wrong with the line, or NULL; NULL: its text is all it needs */
    void (*run)(struct trial *t);
} kinds[] = {
    {"mcq", "response", check_mcq, try_mcq},
    {"numeric", "response", NULL, try_numeric},
    {"exact", "response", check_exact, try_exact},
    {"strip_think", "response", NULL, try_think},
    {"squad_norm", "input", NULL, try_squad_norm},
    {"squad_f1", "pred", check_pair, try_squad_f1},
    {"gaia_exact", "pred", check_pair, try_gaia},
    {"last_boxed", "input", NULL, try_last_boxed},
    {"math_equal", "pred", check_pair, try_math_equal},
    {"hendrycks_strip_string", "input", NULL, try_hendrycks},
    {"hendrycks_is_equiv", "a", check_pair, try_hendrycks_equal},
    {"minerva_normalize", "input", NULL, try_minerva},
    {"ifeval", "response", check_ifeval, try_ifeval},
    {"python_tests", "response", NULL, try_code},
    {"python_asserts", "response", NULL, try_code},
    {"python_stdio", "response", NULL, try_code},
    {"pass_at_k", NULL, check_counts, try_pass_at_k},
    {"judge_yesno", "judge", NULL, try_judge_yesno},
    {"judge_pairwise", "judge", NULL, try_judge_pairwise},
    {"pairwise_two_game", NULL, NULL, try_two_games},
    {"cohen_kappa", NULL, check_labels, try_kappa},
};

static int verdict(struct trial *t, json_node *out, const char *reason)
{
    if (reason) {
        json_put_null(t->o, out, "pass");
        json_put_str(t->o, out, "reason", reason);
        return -1;
    }
    json_put_bool(t->o, out, "pass", t->same);
    return t->same;
}

int score_vector(const json_val *vec, size_t line, struct sandbox **sandbox, struct json_out *o, json_node *out, int *pass,
                 struct ipw_err *err)
{
    struct trial t = {.vec = vec, .sandbox = sandbox, .o = o, .same = true};
    char reason[120];
    size_t k = 0;
    const char *wrong = NULL;
    if (json_type(vec) != JSON_OBJ)
        return bad(err, line, "not an object; a line is {\"kind\": ..., \"response\": ...}");
    if (!(t.kind = json_str(json_get(vec, "kind"))))
        return bad(err, line, "'kind' is missing or not a string, such as mcq or numeric");
    while (k < sizeof kinds / sizeof kinds[0] && strcmp(kinds[k].name, t.kind))
        k++;
    bool built = k < sizeof kinds / sizeof kinds[0];
    const char *key = built ? kinds[k].text : NULL;
    t.text = key ? json_str(json_get(vec, key)) : NULL;
    if (key && !t.text)
        return ipw_err_set(err, IPW_E_INPUT, "line %zu: '%s' is missing or not a string", line, key);
    t.len = key ? json_len(json_get(vec, key)) : 0;
    ipw_arena_init(&t.arena);
    if (built) {
        score_item_from(vec, &t.arena, &t.item);
        wrong = kinds[k].check ? kinds[k].check(&t) : NULL;
    }
    if (wrong) {
        ipw_arena_release(&t.arena);
        return bad(err, line, wrong);
    }
    json_put_int(o, out, "line", (int64_t)line);
    json_put_str(o, out, "kind", t.kind);
    if (built) {
        t.result = json_put_obj(o, out, "result");
        kinds[k].run(&t);
        *pass = verdict(&t, out, t.expected ? NULL : "the line expects nothing");
    } else {
        snprintf(reason, sizeof reason, "kind '%s' is not built", t.kind);
        json_put_null(o, out, "result");
        *pass = verdict(&t, out, reason);
    }
    ipw_arena_release(&t.arena);
    return 0;
}
