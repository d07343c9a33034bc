#include "table/source.h"

#include <string.h>
#include <strings.h>

#include "base/fs.h"
#include "base/str.h"

static bool ends(const char *s, const char *suffix)
{
    size_t n = strlen(s), k = strlen(suffix);
    return n >= k && !strcasecmp(s + n - k, suffix);
}

int source_format_of(const char *path, enum source_format *format, struct ipw_err *err)
{
    static const struct {
        const char *suffix;
        enum source_format format;
    } rows[] = {{".jsonl", SOURCE_JSONL}, {".ndjson", SOURCE_JSONL},    {".parquet", SOURCE_PARQUET},
                {".csv", SOURCE_CSV},     {".csv.gz", SOURCE_CSV}, {".tsv", SOURCE_TSV}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (ends(path, rows[i].suffix)) {
            *format = rows[i].format;
            return 0;
        }
    if (ends(path, ".arrow") || ends(path, ".feather"))
        return ipw_err_set(err, IPW_E_INPUT, "'%s' is an Arrow file; make Parquet of it: python3 -c \"import pyarrow as a, "
                           "pyarrow.parquet as p; p.write_table(a.ipc.open_stream('%s').read_all(), 'set.parquet')\"", path, path);
    return ipw_err_set(err, IPW_E_INPUT, "'%s' is neither .jsonl, .parquet, .csv nor .tsv; name it by what it is", path);
}

const char *source_name(const struct source *src)
{
    return src->name ? src->name : fs_basename(src->path);
}

static void add_parquet(struct ipw_buf *sql, const struct source *src)
{
    ipw_buf_adds(sql, src->select ? " FROM (SELECT * REPLACE (file_row_number" : " FROM read_parquet(");
    if (src->select)
        ipw_buf_addf(sql, " + %zu AS file_row_number) FROM read_parquet(", src->before);
    duck_quote(sql, src->path);
    ipw_buf_adds(sql, src->select ? ", file_row_number = true))" : ")");
}

/* What DuckDB would guess changes texts: dates and rare keys get other forms. So every column stays JSON. */
static void add_jsonl(struct ipw_buf *sql, const struct source *src)
{
    ipw_buf_adds(sql, " FROM read_json(");
    duck_quote(sql, src->path);
    ipw_buf_adds(sql, ", format = 'newline_delimited', auto_detect = false, columns = {");
    for (struct json_iter it = json_iter(src->columns); json_next(&it);) {
        ipw_buf_adds(sql, it.i > 1 ? ", " : "");
        duck_quote(sql, json_str(it.val));
        ipw_buf_adds(sql, ": 'JSON'");
    }
    ipw_buf_adds(sql, "})");
}

/* Nothing of a CSV file is guessed: a text stays as it is ("007", a date), and no line is a comment. */
static void add_csv(struct ipw_buf *sql, const struct source *src)
{
    ipw_buf_adds(sql, " FROM read_csv(");
    duck_quote(sql, src->path);
    ipw_buf_addf(sql, ", header = true, all_varchar = true, skip = 0, comment = '', quote = '\"', escape = '\"', "
                      "max_line_size = 2097152, delim = '%s')", src->format == SOURCE_TSV ? "\t" : ",");
}

static int add_from(struct ipw_buf *sql, const struct source *src, struct ipw_err *err)
{
    if (strpbrk(src->path, "*?["))
        return ipw_err_set(err, IPW_E_INPUT, "the name '%s' looks like a pattern; give the file one without * ? [", src->path);
    if (src->format == SOURCE_PARQUET)
        add_parquet(sql, src);
    else if (src->format == SOURCE_JSONL)
        add_jsonl(sql, src);
    else
        add_csv(sql, src);
    return 0;
}

static int add_name(void *ud, const struct duck_text *text, size_t n, struct ipw_err *err)
{
    struct ipw_buf *names = ud;
    (void)n, (void)err;
    ipw_buf_add(names, text[0].s, text[0].n);
    ipw_buf_addc(names, '\0');
    return 0;
}

/* DuckDB cannot say what is wrong with a file none of whose readings fits. */
static void say_csv(const struct source *src, struct ipw_err *err)
{
    if (err->code == IPW_E_INPUT && strstr(err->text, "Error when sniffing"))
        ipw_err_set(err, IPW_E_INPUT, "'%s' cannot be read as %s: every line needs as many columns as the first, and a quote its end",
                    source_name(src), src->format == SOURCE_TSV ? "TSV" : "CSV with ',' between columns");
}

int source_columns(struct duck *d, const struct source *src, struct ipw_buf *names, struct ipw_err *err)
{
    struct ipw_buf sql = IPW_BUF_INIT;
    ipw_buf_adds(&sql, "SELECT column_name FROM (DESCRIBE SELECT *");
    int rc = add_from(&sql, src, err);
    ipw_buf_adds(&sql, ")");
    if (!rc && (rc = duck_each(d, sql.s, add_name, names, err))) {
        say_csv(src, err);
        if (!strstr(err->text, source_name(src)))
            ipw_err_wrap(err, "'%s'", source_name(src));
    }
    ipw_buf_release(&sql);
    return rc;
}

static bool has(const struct ipw_buf *names, const char *name)
{
    for (const char *p = names->s; p < names->s + names->len; p += strlen(p) + 1)
        if (!strcmp(p, name))
            return true;
    return false;
}

static int check_columns(struct duck *d, const struct source *src, struct ipw_err *err)
{
    struct ipw_buf names = IPW_BUF_INIT;
    int rc = source_columns(d, src, &names, err);
    for (struct json_iter it = json_iter(src->columns); !rc && json_next(&it);)
        if (!has(&names, json_str(it.val)))
            rc = ipw_err_set(err, IPW_E_INPUT, "'%s' has no column '%s'; it is another version than the one that is meant",
                             source_name(src), json_str(it.val));
    ipw_buf_release(&names);
    return rc;
}

struct counted {
    struct source_sink sink;
    size_t number;
};

static int give(void *ud, const struct duck_text *text, size_t n, struct ipw_err *err)
{
    struct counted *c = ud;
    (void)n;
    return c->sink.row(c->sink.ud, ++c->number, text[0].s, text[0].n, err);
}

enum { PASS = 16 << 20 };

static int each_line(const struct source *src, const _Atomic int *stop, struct source_sink sink, struct ipw_err *err)
{
    const char *text;
    size_t len, line = 1, skip, passed = 0;
    int rc = fs_map(src->path, &text, &len, err);
    if (rc)
        return rc;
    skip = len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3) ? 3 : 0;
    for (size_t i = skip; i < len && !rc; line++) {
        const char *s = text + i, *nl = memchr(s, '\n', len - i);
        size_t n = nl ? (size_t)(nl - s) : len - i;
        i += n + 1;
        if (i - passed > (size_t)PASS)
            fs_map_pass(text, passed = (size_t)(s - text));
        while (n && ipw_isspace((unsigned char)s[n - 1]))
            n--;
        if (n)
            rc = sink.row(sink.ud, line, s, n, err);
        if (!rc && stop && atomic_load(stop))
            rc = ipw_err_set(err, IPW_E_INTERRUPTED, "interrupted");
    }
    fs_unmap(text, len);
    return rc;
}

int source_each(struct duck *d, const struct source *src, const _Atomic int *stop, struct source_sink sink, struct ipw_err *err)
{
    struct ipw_buf sql = IPW_BUF_INIT;
    struct counted c = {sink, 0};
    if (src->format == SOURCE_JSONL && !src->select)
        return each_line(src, stop, sink, err);
    if (src->columns && src->format != SOURCE_JSONL && check_columns(d, src, err))
        return err->code;
    ipw_buf_addf(&sql, "SELECT CAST(to_json(r) AS VARCHAR) FROM (SELECT %s", src->select ? src->select : "*");
    int rc = add_from(&sql, src, err);
    if (src->where)
        ipw_buf_addf(&sql, " WHERE %s", src->where);
    ipw_buf_adds(&sql, ") r");
    if (!rc && (rc = duck_each(d, sql.s, give, &c, err)))
        say_csv(src, err);
    ipw_buf_release(&sql);
    return rc;
}
