/* A judge's prompt of one's own, filled with texts, on arbitrary bytes: form, question, answer and another, divided by 0. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "score/judge.h"
#include "score/judge_form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *part[4], *all = malloc(size + 4), *at = all;
    struct judge_form f;
    struct json_doc *doc;
    struct ipw_err err;
    struct ipw_buf out = IPW_BUF_INIT;
    int a, b;
    memcpy(all, data, size);
    memset(all + size, 0, 4);
    for (int i = 0; i < 4; i++) {
        part[i] = at;
        at += at < all + size ? strlen(at) + 1 : 0;
    }
    if (!judge_form_read(&f, "form", part[0], strlen(part[0]), &err)) {
        struct judge_case c = {part[1], part[2], part[2], part[3]};
        judge_form_fill(&f, &c, size & 1, (int)(size & 2), &out);
        check(!memchr(out.s, '\0', out.len));
    }
    judge_games_read(part[1], &a, &b);
    ipw_buf_clear(&out);
    if (!json_read(&doc, (const char *)data, size, 0, &err)) {
        judge_question(json_root(doc), &out);
        ipw_buf_clear(&out);
        check(judge_gold(json_root(doc), &out) == (out.len > 0));
        json_doc_free(doc);
    }
    ipw_buf_release(&out);
    free(all);
    return 0;
}
