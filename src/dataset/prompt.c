/* What a record asks of a model, in our own words (datasets 1.3). A template's id names its version: change the
 * wording and raise the number, or stored results of two wordings look alike. */
#include "dataset/dataset.h"

#include <string.h>

#include "base/str.h"

void dataset_choices(const json_val *record, struct ipw_buf *out)
{
    char letter = 'A';
    for (struct json_iter it = json_iter(json_get(record, "choices")); json_next(&it); letter++)
        ipw_buf_addf(out, "\n%c. %s", letter, json_str(it.val) ? json_str(it.val) : "");
}

static void put_choices(const json_val *r, struct ipw_buf *b)
{
    ipw_buf_addc(b, '\n');
    dataset_choices(r, b);
    ipw_buf_addf(b,
                 "\n\nChoose the best answer or continuation. You may reason first; end with one line of the form "
                 "\"Answer: X\", where X is one of A-%c.",
                 'A' + (int)json_len(json_get(r, "choices")) - 1);
}

static void put_code(const json_val *r, struct ipw_buf *b)
{
    const char *test = json_str(json_get(r, "test"));
    if (json_str(json_get(r, "entry_point")))
        ipw_buf_adds(b, "\n\nWrite the whole Python function, signature included.");
    else if (test)
        ipw_buf_addf(b, "\n\nThe Python code has to pass these tests:\n\n%s", test);
    ipw_buf_adds(b, "\n\nReply with one Python code block.");
}

static const struct {
    const char *kind, *id;
    const char *request; /* behind the question */
    void (*put)(const json_val *r, struct ipw_buf *b);
    const char *before, *behind; /* of the answer in the form that is asked for; NULL: it has none that an example could show */
} templates[] = {
    {"mcq", "mcq/1", NULL, put_choices, "Answer: ", ""},
    {"numeric", "numeric/1", "\n\nYou may reason first; end with one line of the form \"Answer: <number>\".", NULL,
     "Answer: ", ""},
    {"math", "math/1", "\n\nYou may reason first; end with one line that holds the result as \\boxed{...}.", NULL,
     "\\boxed{", "}"},
    {"exact", "exact/1", "\n\nEnd with one line: <answer>your answer</answer>", NULL, "<answer>", "</answer>"},
    {"contains", "contains/1", "\n\nGive a short answer.", NULL, "", ""},
    {"short", "short/1", "\n\nEnd with one line of the form \"Answer: <a few words>\".", NULL,
     "Answer: ", ""},
    {"code", "code/1", NULL, put_code, NULL, NULL},
    {NULL, "plain/1", NULL, NULL, NULL, NULL}, /* instruction, judge, none: any word of ours would change the task */
};

static size_t template_of(const char *kind)
{
    size_t i = 0;
    while (templates[i].kind && !ipw_streq(templates[i].kind, kind))
        i++;
    return i;
}

/* A record's template is its type's; a lenient scorer needs no form to be kept. Without a type the scorer tells. */
static size_t choose(const json_val *r)
{
    const char *type = json_str(json_get(r, "type")), *scorer = json_str(json_get(r, "scorer"));
    if (type && (strcmp(type, "exact") || !ipw_streq(scorer, "contains")))
        return template_of(type);
    size_t i = template_of(scorer);
    return templates[i].kind ? i : template_of("exact");
}

void dataset_prompt(const json_val *record, struct ipw_buf *user, const char **tmpl)
{
    const char *context = json_str(json_get(record, "context"));
    const char *question = json_str(json_get(record, "question"));
    if (json_type(json_get(record, "messages")) == JSON_ARR) {
        *tmpl = "messages/1";
        return;
    }
    size_t i = choose(record);
    if (context)
        ipw_buf_addf(user, "%s\n\n", context);
    ipw_buf_adds(user, question ? question : "");
    if (templates[i].put)
        templates[i].put(record, user);
    if (templates[i].request)
        ipw_buf_adds(user, templates[i].request);
    *tmpl = templates[i].id;
}

bool dataset_reply(const json_val *record, struct ipw_buf *out)
{
    const char *answer = json_str(json_get(record, "answer")), *solution = json_str(json_get(record, "solution"));
    size_t i = choose(record);
    if (!templates[i].before || !answer || !*answer || json_get(record, "messages"))
        return false;
    if (solution && *solution)
        ipw_buf_addf(out, "%s\n", solution);
    ipw_buf_addf(out, "%s%s%s", templates[i].before, answer, templates[i].behind);
    return true;
}
