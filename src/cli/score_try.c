/* ipw score --try: scorers on text. */
#include "cli/score.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/str.h"
#include "cli/cli.h"
#include "score/sandbox.h"
#include "score/score.h"

enum { MAX_FILE = 1 << 30 };

static bool blank(const char *s, size_t n)
{
    while (n && ipw_isspace((unsigned char)s[n - 1]))
        n--;
    return n == 0;
}

static int try_line(const char *file, const char *line, size_t len, size_t number, struct sandbox **sandbox, int *pass,
                    struct ipw_err *err)
{
    struct json_doc *doc;
    struct json_out *o = json_out_new();
    json_node *out = json_new_obj(o);
    int rc = json_read(&doc, line, len, 0, err);
    if (!rc)
        rc = score_vector(json_root(doc), number, sandbox, o, out, pass, err);
    json_doc_free(doc);
    if (!rc) {
        char *s = json_write(o, out, false);
        struct ipw_buf b = IPW_BUF_INIT;
        ipw_buf_addf(&b, "%s\n", s);
        rc = cli_print(b.s, b.len) ? IPW_E_IO : 0;
        ipw_buf_release(&b);
        free(s);
    } else {
        ipw_err_wrap(err, "'%s' line %zu", file, number);
    }
    json_out_free(o);
    return rc;
}

int score_try(const char *file)
{
    struct ipw_err err;
    struct ipw_buf text = IPW_BUF_INIT;
    struct sandbox *sandbox = NULL;
    int code = 0, failed = 0;
    if (fs_read(file, MAX_FILE, &text, &err)) {
        ipw_buf_release(&text);
        return cli_fail(&err);
    }
    size_t number = 0;
    for (char *p = text.s, *end = text.s + text.len; p < end && !code;) {
        char *nl = memchr(p, '\n', (size_t)(end - p));
        size_t len = (size_t)((nl ? nl : end) - p);
        int pass = 1;
        number++;
        if (!blank(p, len) && try_line(file, p, len, number, &sandbox, &pass, &err))
            code = cli_fail(&err);
        failed += pass == 0;
        p += len + 1;
    }
    sandbox_close(sandbox);
    ipw_buf_release(&text);
    return code ? code : failed ? 1 : 0;
}
