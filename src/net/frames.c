#include "net/frames.h"

#include <string.h>

void frames_init(struct frames *f)
{
    *f = (struct frames){0};
    ipw_buf_init(&f->line);
    ipw_buf_init(&f->data);
}

void frames_release(struct frames *f)
{
    ipw_buf_release(&f->line);
    ipw_buf_release(&f->data);
}

void frames_reset(struct frames *f, enum frames_kind kind)
{
    f->kind = kind;
    f->have_data = f->after_cr = false;
    ipw_buf_clear(&f->line);
    ipw_buf_clear(&f->data);
}

/* What has been seen of the event that is going on. A single data line stays where it is (at, len) until it is clear
 * whether another follows. */
struct view {
    const char *at;
    size_t len;
};

static void keep(struct frames *f, struct view *v)
{
    if (v->at)
        ipw_buf_add(&f->data, v->at, v->len);
    v->at = NULL;
}

static bool dispatch(struct frames *f, struct view *v, frames_fn *fn, void *ud)
{
    bool go = true;
    if (f->have_data)
        go = v->at ? fn(ud, v->at, v->len) : fn(ud, f->data.s, f->data.len);
    v->at = NULL;
    f->have_data = false;
    ipw_buf_clear(&f->data);
    return go;
}

/* One line of an event stream, without its end. */
static bool on_line(struct frames *f, struct view *v, const char *p, size_t n, bool borrowed, frames_fn *fn, void *ud)
{
    if (!n)
        return dispatch(f, v, fn, ud);
    if (n < 4 || memcmp(p, "data", 4) != 0 || (n > 4 && p[4] != ':'))
        return true; /* a comment, event, id, retry */
    size_t skip = n > 4 ? 5 : 4;
    skip += n > skip && p[skip] == ' ';
    if (f->have_data) {
        keep(f, v);
        ipw_buf_addc(&f->data, '\n');
    }
    if (f->have_data || !borrowed)
        ipw_buf_add(&f->data, p + skip, n - skip);
    else
        *v = (struct view){p + skip, n - skip};
    f->have_data = true;
    return true;
}

static bool put_line(struct frames *f, struct view *v, const char *p, size_t n, bool borrowed, frames_fn *fn, void *ud)
{
    if (f->kind == FRAMES_SSE)
        return on_line(f, v, p, n, borrowed, fn, ud);
    return !n || fn(ud, p, n);
}

static const char *line_end(const struct frames *f, const char *p, size_t n)
{
    const char *lf = memchr(p, '\n', n);
    const char *cr = memchr(p, '\r', lf ? (size_t)(lf - p) : n);
    return cr && f->kind == FRAMES_SSE ? cr : lf;
}

bool frames_feed(struct frames *f, const char *p, size_t n, frames_fn *fn, void *ud)
{
    struct view v = {0};
    const char *end = p + n;
    if (f->line.len + f->data.len + n > FRAMES_MAX)
        return false;
    if (f->kind == FRAMES_WHOLE) {
        ipw_buf_add(&f->line, p, n);
        return true;
    }
    while (p < end) {
        if (f->after_cr && *p == '\n') {
            f->after_cr = false;
            p++;
            continue;
        }
        f->after_cr = false;
        const char *e = line_end(f, p, (size_t)(end - p));
        if (!e) {
            ipw_buf_add(&f->line, p, (size_t)(end - p));
            break;
        }
        bool go;
        if (f->line.len) {
            ipw_buf_add(&f->line, p, (size_t)(e - p));
            go = put_line(f, &v, f->line.s, f->line.len, false, fn, ud);
            ipw_buf_clear(&f->line);
        } else
            go = put_line(f, &v, p, (size_t)(e - p), true, fn, ud);
        if (!go)
            return false;
        f->after_cr = *e == '\r';
        p = e + 1;
    }
    keep(f, &v);
    return true;
}

bool frames_end(struct frames *f, frames_fn *fn, void *ud)
{
    struct view v = {0};
    bool go = true;
    if (f->line.len && f->kind == FRAMES_WHOLE)
        go = fn(ud, f->line.s, f->line.len);
    else if (f->line.len)
        go = put_line(f, &v, f->line.s, f->line.len, false, fn, ud);
    if (go && f->kind == FRAMES_SSE)
        go = dispatch(f, &v, fn, ud);
    frames_reset(f, f->kind);
    return go;
}
