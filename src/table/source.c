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

static int add_from(struct ipw_buf *sql, const struct source *src, struct ipw_err *err)
{
    if (strpbrk(src->path, "*?["))
        return ipw_err_set(err, IPW_E_INPUT, "the name '%s' looks like a pattern; give the file one without * ? [", src->path);
    ipw_buf_addf(sql, " FROM %s(", src->format == SOURCE_PARQUET ? "read_parquet" : src->format == SOURCE_JSONL ? "read_json" : "read_csv");
    duck_quote(sql, src->path);
    if (src->format == SOURCE_PARQUET)
        ipw_buf_adds(sql, src->select ? ", file_row_number = true)" : ")");
    else if (src->format == SOURCE_JSONL)
        ipw_buf_adds(sql, ", format = 'newline_delimited')");
    else
        ipw_buf_addf(sql, ", header = true, max_line_size = 2097152, delim = '%s')", src->format == SOURCE_TSV ? "\t" : ",");
    return 0;
}

static int add_name(void *ud, const struct duck_text *text, size_t n, struct ipw_err *err)
{
    struct ipw_buf *names = ud;
    (void)n, (void)err;
    ipw_buf_add(names, text[0].s, text[0].n);
    ipw_buf_addc(names, '\n');
    return 0;
}

int source_columns(struct duck *d, const struct source *src, struct ipw_buf *names, struct ipw_err *err)
{
    struct ipw_buf sql = IPW_BUF_INIT;
    ipw_buf_adds(&sql, "SELECT column_name FROM (DESCRIBE SELECT *");
    int rc = add_from(&sql, src, err);
    ipw_buf_adds(&sql, ")");
    if (!rc && (rc = duck_each(d, sql.s, add_name, names, err)))
        ipw_err_wrap(err, "'%s'", src->path);
    ipw_buf_release(&sql);
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

static int each_line(const struct source *src, const _Atomic int *stop, struct source_sink sink, struct ipw_err *err)
{
    const char *text;
    size_t len, line = 1, skip;
    int rc = fs_map(src->path, &text, &len, err);
    if (rc)
        return rc;
    skip = len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3) ? 3 : 0;
    for (size_t i = skip; i < len && !rc; line++) {
        const char *s = text + i, *nl = memchr(s, '\n', len - i);
        size_t n = nl ? (size_t)(nl - s) : len - i;
        i += n + 1;
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
    ipw_buf_addf(&sql, "SELECT CAST(to_json(r) AS VARCHAR) FROM (SELECT %s", src->select ? src->select : "*");
    int rc = add_from(&sql, src, err);
    if (src->where)
        ipw_buf_addf(&sql, " WHERE %s", src->where);
    ipw_buf_adds(&sql, ") r");
    if (!rc)
        rc = duck_each(d, sql.s, give, &c, err);
    ipw_buf_release(&sql);
    return rc;
}
