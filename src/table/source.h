/* Rows of a file that somebody else made: Parquet, CSV and TSV through DuckDB, JSONL line by line, as JSON objects that
 * come one after another. The whole file is never in memory. */
#ifndef IPW_TABLE_SOURCE_H
#define IPW_TABLE_SOURCE_H

#include "base/json.h"
#include "table/duck.h"

enum source_format { SOURCE_JSONL, SOURCE_PARQUET, SOURCE_CSV, SOURCE_TSV };

struct source {
    const char *path;
    const char *name; /* for messages; NULL: the path's last part */
    enum source_format format;
    const char *select; /* SQL expressions over the columns (of Parquet also file_row_number, from 0); NULL: all columns */
    const char *where;  /* which rows, with select; NULL: all */
    const json_val *columns; /* names that select needs, an array; NULL: not checked. Of JSONL these are read, each as JSON */
    size_t before;           /* rows of the files that came before: file_row_number goes on from there */
};
const char *source_name(const struct source *src);

/* By what the name ends in (.parquet .csv .tsv .jsonl); an Arrow file is refused with the line that makes Parquet of it. */
int source_format_of(const char *path, enum source_format *format, struct ipw_err *err);

/* Of Parquet, CSV, TSV: the columns' names, a NUL behind each. */
int source_columns(struct duck *d, const struct source *src, struct ipw_buf *names, struct ipw_err *err);

/* Calls row with every row's JSON and its number: of JSONL the line's, else counted from 1. d is not needed for JSONL without select. */
struct source_sink {
    int (*row)(void *ud, size_t number, const char *json, size_t n, struct ipw_err *err);
    void *ud;
};
int source_each(struct duck *d, const struct source *src, const _Atomic int *stop, struct source_sink sink, struct ipw_err *err);

#endif
