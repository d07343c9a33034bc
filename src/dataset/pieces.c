/* A text file as questions: pieces whose perplexity is asked for, each behind the text that comes before it. */
#include "dataset/dataset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/str.h"

static const size_t text_max = (size_t)64 << 20;

static bool space(char c)
{
    return ipw_isspace((unsigned char)c);
}

/* The end of the piece that begins at `from`: before the white space in front of its last word, so that the next one begins
 * with it, as a model's tokens do. Texts without white space are cut between characters. */
static size_t piece_end(const char *text, size_t len, size_t from, size_t bytes)
{
    size_t end = from + bytes, blank = from;
    while (blank < len && space(text[blank]))
        blank++;
    end = end < blank + 1 ? blank + 1 : end; /* something to read is in it */
    if (end >= len)
        return len;
    for (size_t i = end; i > from + bytes / 2 && i > blank; i--)
        if (space(text[i]) && !space(text[i - 1]))
            return i;
    while (end < len && ((unsigned char)text[end] & 0xc0) == 0x80)
        end++;
    return end;
}

/* So much of the text before a piece, from the beginning of a word if there is one. */
static size_t context_from(const char *text, size_t at, size_t bytes)
{
    size_t from = at > bytes ? at - bytes : 0;
    if (!from)
        return 0;
    for (size_t i = from; i < at && i < from + bytes / 2; i++)
        if (!space(text[i]) && space(text[i - 1]))
            return i;
    while (from < at && ((unsigned char)text[from] & 0xc0) == 0x80)
        from++;
    return from;
}

static void put_piece(const char *name, size_t number, const char *text, size_t context, size_t from, size_t to,
                      struct ipw_buf *jsonl)
{
    char id[160];
    snprintf(id, sizeof id, "%.120s/%zu", name, number);
    struct json_out *o = json_out_new();
    json_node *r = json_new_obj(o);
    json_put_str(o, r, "id", id);
    json_put_str(o, r, "type", "none");
    if (context < from)
        json_put_strn(o, r, "context", text + context, from - context);
    json_put_strn(o, r, "question", text + from, to - from);
    char *line = json_write(o, r, false);
    ipw_buf_adds(jsonl, line);
    ipw_buf_addc(jsonl, '\n');
    free(line);
    json_out_free(o);
}

int dataset_text_pieces(const char *name, const char *text, size_t len, size_t bytes, struct ipw_buf *jsonl, struct ipw_err *err)
{
    if (memchr(text, '\0', len) || !ipw_utf8_valid(text, len))
        return ipw_err_set(err, IPW_E_INPUT, "'%s' is not UTF-8 text; convert it, for instance with iconv", name);
    while (len && space(text[len - 1])) /* no piece of nothing at the end */
        len--;
    if (!len)
        return ipw_err_set(err, IPW_E_INPUT, "'%s' holds no text; give a file to read", name);
    size_t n = 0;
    for (size_t from = 0, to; from < len; from = to) {
        to = piece_end(text, len, from, bytes);
        put_piece(name, ++n, text, context_from(text, from, bytes), from, to, jsonl);
    }
    return 0;
}

int dataset_open_text(struct dataset **out, const char *path, int64_t bytes, struct ipw_err *err)
{
    struct ipw_buf text = IPW_BUF_INIT, jsonl = IPW_BUF_INIT;
    struct dataset *d = ipw_calloc(1, sizeof *d);
    ipw_arena_init(&d->arena);
    *out = NULL;
    snprintf(d->name, sizeof d->name, "%.120s", fs_basename(path));
    int rc = fs_read(path, text_max, &text, err);
    if (!rc)
        rc = dataset_text_pieces(d->name, text.s, text.len, (size_t)bytes, &jsonl, err);
    if (!rc)
        rc = dataset_read_jsonl(d, path, jsonl.s, jsonl.len, err);
    ipw_buf_release(&text);
    ipw_buf_release(&jsonl);
    if (rc)
        dataset_close(d);
    else
        *out = d;
    return rc;
}
