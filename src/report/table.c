#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "report/internal.h"

enum { WRAP = 16 }; /* the last column wraps rather than the others are cut, down to this width */

/* The last column is where sentences stand: it goes on in lines below, at word ends. */
static void add_wrapped(struct ipw_buf *out, const char *s, int width, int indent)
{
    struct ipw_buf text = IPW_BUF_INIT;
    report_text(s, &text);
    const char *p = text.s;
    while (report_width(p) > width) {
        int n = 0, cut = 0;
        for (int i = 0; p[i] && n < width; i++) {
            n += ((unsigned char)p[i] & 0xc0) != 0x80;
            cut = p[i + 1] == ' ' ? i + 1 : cut;
        }
        bool inside = !cut; /* of a word that is longer than the column */
        for (int i = 0, k = 0; inside && k <= width; i++) {
            cut = k == width ? i : cut;
            k += ((unsigned char)p[i] & 0xc0) != 0x80;
        }
        ipw_buf_addf(out, "%.*s\n%*s", cut, p, indent, "");
        p += cut + !inside;
    }
    report_cut(p, width, out);
    ipw_buf_release(&text);
}

static bool is_right(const struct report_table *t, size_t column)
{
    return column < 8 * sizeof t->right && t->right >> column & 1;
}

static void text_row(const struct report_table *t, const char *const *row, const int *width, int gap,
                     struct ipw_buf *out)
{
    int indent = 0;
    for (size_t c = 0; c < t->n_cols; c++) {
        bool right = is_right(t, c);
        int w = report_width(row[c]), pad = w < width[c] ? width[c] - w : 0;
        ipw_buf_addf(out, "%*s", c ? gap : 0, "");
        indent += c ? gap : 0;
        if (c + 1 == t->n_cols && !right) {
            add_wrapped(out, row[c], width[c], indent);
            break;
        }
        ipw_buf_addf(out, "%*s", right ? pad : 0, "");
        report_cut(row[c], width[c], out);
        ipw_buf_addf(out, "%*s", right ? 0 : pad, "");
        indent += width[c];
    }
    ipw_buf_addc(out, '\n');
}

/* The column that gives way: the last one while it has room to wrap, then the widest of words; NULL when none may: half a
 * number is another number. */
static int *widest_words(const struct report_table *t, int *width)
{
    int *widest = NULL;
    if (!is_right(t, t->n_cols - 1) && width[t->n_cols - 1] > WRAP)
        return &width[t->n_cols - 1];
    for (size_t c = 0; c < t->n_cols; c++)
        if (!is_right(t, c) && width[c] > 6 && (!widest || width[c] > *widest))
            widest = &width[c];
    return widest;
}

/* To fit, words are cut (the last column's wrap); if that is not enough, columns move together. */
static void text(const struct report_table *t, int limit, struct ipw_buf *out)
{
    int *width = ipw_calloc(t->n_cols + 1, sizeof *width), total = 0, gaps = (int)t->n_cols - 1;
    for (size_t c = 0; c < t->n_cols; c++) {
        width[c] = report_width(t->head[c]);
        for (size_t r = 0; r < t->n_rows; r++) {
            int w = report_width(t->cells[r * t->n_cols + c]);
            width[c] = w > width[c] ? w : width[c];
        }
        total += width[c];
    }
    int gap = 2, *words;
    for (total += gap * gaps; total > limit && (words = widest_words(t, width)); total--)
        (*words)--;
    gap -= total > limit;
    text_row(t, t->head, width, gap, out);
    for (size_t r = 0; r < t->n_rows; r++)
        text_row(t, t->cells + r * t->n_cols, width, gap, out);
    free(width);
}

/* RFC 4180; line breaks are the cell's own, other control characters have no place in a table. */
static void csv_cell(const char *s, struct ipw_buf *out)
{
    bool quoted = strpbrk(s, ",\"\r\n");
    if (quoted)
        ipw_buf_addc(out, '"');
    while (*s) {
        if (*s == '"')
            ipw_buf_addc(out, '"');
        if (*s == '\n' || *s == '\r')
            ipw_buf_addc(out, *s++);
        else
            s += report_char(s, out);
    }
    if (quoted)
        ipw_buf_addc(out, '"');
}

static void csv_row(const char *const *row, size_t n, struct ipw_buf *out)
{
    for (size_t c = 0; c < n; c++) {
        if (c)
            ipw_buf_addc(out, ',');
        csv_cell(strcmp(row[c], "-") != 0 ? row[c] : "", out);
    }
    ipw_buf_adds(out, "\r\n");
}

static void md_row(const char *const *row, size_t n, struct ipw_buf *out)
{
    for (size_t c = 0; c < n; c++) {
        ipw_buf_adds(out, "| ");
        for (const char *s = row[c]; *s;) {
            if (*s == '|')
                ipw_buf_addc(out, '\\');
            s += report_char(s, out);
        }
        ipw_buf_addc(out, ' ');
    }
    ipw_buf_adds(out, "|\n");
}

void report_table(const struct report_table *t, const char *format, int width, struct ipw_buf *out)
{
    if (!strcmp(format, "table")) {
        text(t, width, out);
        return;
    }
    bool md = !strcmp(format, "md");
    (md ? md_row : csv_row)(t->head, t->n_cols, out);
    for (size_t c = 0; md && c < t->n_cols; c++)
        ipw_buf_adds(out, is_right(t, c) ? "|---:" : "|---");
    if (md)
        ipw_buf_adds(out, "|\n");
    for (size_t r = 0; r < t->n_rows; r++)
        (md ? md_row : csv_row)(t->cells + r * t->n_cols, t->n_cols, out);
}
