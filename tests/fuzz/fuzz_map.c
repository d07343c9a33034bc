/* A user's --map, a file's column names and one of its rows, out of arbitrary bytes: a first line, a second (names between tabs)
 * and the rest. What is converted must be readable as a record, and names must come back out of their SQL. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dataset/catalogue.h"
#include "dataset/dataset.h"
#include "dataset/mapping.h"
#include "table/duck.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_quote(const char *name)
{
    struct ipw_buf sql = IPW_BUF_INIT;
    duck_quote_name(&sql, name);
    const char *p = sql.s + 1, *end = sql.s + sql.len - 1;
    if (sql.len < 2 || *sql.s != '"' || *end != '"')
        abort();
    for (; *name; name++, p++)
        if (p >= end || *p != *name || (*p == '"' && *++p != '"'))
            abort();
    if (p != end)
        abort();
    ipw_buf_release(&sql);
}

static void convert(const struct mapping *m, const char *row, size_t len)
{
    struct ipw_buf out = IPW_BUF_INIT;
    struct dataset d = {0};
    struct json_doc *doc;
    struct ipw_err err = {0};
    bool gold;
    char *text = mapping_row(m);
    if (json_read(&doc, text, strlen(text), 0, &err))
        abort();
    struct catalogue_set set = {.name = "mine", .type = mapping_type(m), .row = json_root(doc)};
    int rc = catalogue_record(&set, 1, row, len, &out, &gold, &err);
    if (rc && (rc != IPW_E_INPUT || !*err.text))
        abort();
    ipw_arena_init(&d.arena);
    if (!rc && dataset_read_jsonl(&d, "fuzz", out.s, out.len, &err) && !strstr(err.text, "is empty"))
        abort();
    free(d.v);
    ipw_arena_release(&d.arena);
    ipw_buf_release(&out);
    json_doc_free(doc);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1), *names, *row;
    struct ipw_buf columns = IPW_BUF_INIT;
    struct mapping m = {0};
    struct ipw_err err = {0};
    memcpy(text, data, size);
    text[size] = '\0';
    char *end = text + size;
    if (!(names = memchr(text, '\n', size)) || !(row = memchr(names + 1, '\n', (size_t)(end - names - 1))))
        goto out;
    *names++ = *row++ = '\0';
    for (char *p = names; p < row; p++)
        ipw_buf_addc(&columns, (char)(*p == '\t' ? '\0' : *p));
    for (const char *p = columns.s; p < columns.s + columns.len; p += strlen(p) + 1)
        check_quote(p);
    int rc = mapping_parse(&m, text, &err);
    if (rc && (rc != IPW_E_USAGE || !*err.text))
        abort();
    if (!rc && (rc = mapping_complete(&m, "fuzz", &columns, &err)) && rc != IPW_E_INPUT)
        abort();
    if (!rc)
        convert(&m, row, (size_t)(end - row));
out:
    ipw_buf_release(&columns);
    free(text);
    return 0;
}
