#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yyjson.h>

#include "base/mem.h"
#include "base/str.h"

/* json_val and json_node are yyjson's own values under names that keep yyjson.h out of other files. */
static const yyjson_val *rd(const json_val *v)
{
    return (const yyjson_val *)v;
}

static const json_val *wrap(const yyjson_val *v)
{
    return (const json_val *)v;
}

static yyjson_val *rdm(const json_val *v)
{
    return (yyjson_val *)(uintptr_t)v; /* yyjson's getters take non-const and do not write */
}

int json_read(struct json_doc **doc, const char *text, size_t len, int flags, struct ipw_err *err)
{
    yyjson_read_err e;
    yyjson_read_flag f = YYJSON_READ_NOFLAG;
    if (flags & JSON_COMMENTS)
        f |= YYJSON_READ_ALLOW_COMMENTS | YYJSON_READ_ALLOW_TRAILING_COMMAS;
    if (flags & JSON_NAN)
        f |= YYJSON_READ_ALLOW_INF_AND_NAN;
    if (flags & JSON_BIG)
        f |= YYJSON_READ_BIGNUM_AS_RAW;
    *doc = (struct json_doc *)yyjson_read_opts((char *)(uintptr_t)text, len, f, NULL, &e);
    if (*doc)
        return 0;
    return ipw_err_set(err, IPW_E_INPUT, "not JSON: %s at byte %zu", e.msg, e.pos);
}

int json_read_in(struct json_doc **doc, void *mem, size_t size, const char *text, size_t len, struct ipw_err *err)
{
    yyjson_alc pool;
    yyjson_read_err e;
    if (!yyjson_alc_pool_init(&pool, mem, size))
        return json_read(doc, text, len, 0, err);
    *doc = (struct json_doc *)yyjson_read_opts((char *)(uintptr_t)text, len, YYJSON_READ_NOFLAG, &pool, &e);
    if (*doc)
        return 0;
    if (e.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION)
        return json_read(doc, text, len, 0, err);
    return ipw_err_set(err, IPW_E_INPUT, "not JSON: %s at byte %zu", e.msg, e.pos);
}

int json_read_settings(struct json_doc **doc, const char *source, const char *text, size_t len, struct ipw_err *err)
{
    yyjson_read_err e;
    *doc = (struct json_doc *)yyjson_read_opts((char *)(uintptr_t)text, len,
                                               YYJSON_READ_ALLOW_COMMENTS | YYJSON_READ_ALLOW_TRAILING_COMMAS, NULL, &e);
    if (!*doc) {
        size_t line = 1;
        for (size_t i = 0; i < e.pos && i < len; i++)
            line += text[i] == '\n';
        return ipw_err_set(err, IPW_E_INPUT, "'%.300s' line %zu: not JSON: %s", source, line, e.msg);
    }
    if (json_type(json_root(*doc)) == JSON_OBJ)
        return 0;
    json_doc_free(*doc);
    *doc = NULL;
    return ipw_err_set(err, IPW_E_INPUT, "'%.300s': an object is needed: { \"key\": value }", source);
}

void json_doc_free(struct json_doc *doc)
{
    yyjson_doc_free((yyjson_doc *)doc);
}

const json_val *json_root(const struct json_doc *doc)
{
    return wrap(yyjson_doc_get_root((yyjson_doc *)(uintptr_t)doc));
}

enum json_type json_type(const json_val *v)
{
    switch (yyjson_get_type(rdm(v))) {
    case YYJSON_TYPE_NULL:
        return JSON_NULL;
    case YYJSON_TYPE_BOOL:
        return JSON_BOOL;
    case YYJSON_TYPE_RAW: /* of JSON_BIG */
    case YYJSON_TYPE_NUM:
        return JSON_NUM;
    case YYJSON_TYPE_STR:
        return JSON_STR;
    case YYJSON_TYPE_ARR:
        return JSON_ARR;
    case YYJSON_TYPE_OBJ:
        return JSON_OBJ;
    default:
        return JSON_ABSENT;
    }
}

const char *json_type_name(enum json_type t)
{
    static const char *const names[] = {"absent", "null",  "a boolean", "a number",
                                        "a string", "an array", "an object"};
    return names[t];
}

const json_val *json_get(const json_val *obj, const char *key)
{
    return wrap(yyjson_obj_get(rdm(obj), key));
}

const json_val *json_at(const json_val *arr, size_t i)
{
    return wrap(yyjson_arr_get(rdm(arr), i));
}

size_t json_len(const json_val *v)
{
    return yyjson_get_len(rdm(v));
}

const char *json_str(const json_val *v)
{
    return yyjson_get_str(rdm(v));
}

double json_num(const json_val *v)
{
    if (yyjson_is_raw(rdm(v)))
        return strtod(yyjson_get_raw(rdm(v)), NULL);
    return yyjson_is_num(rdm(v)) ? yyjson_get_num(rdm(v)) : (double)NAN;
}

bool json_is_int(const json_val *v, int64_t *out)
{
    yyjson_val *y = rdm(v);
    if (yyjson_is_sint(y)) {
        *out = yyjson_get_sint(y);
        return true;
    }
    if (yyjson_is_uint(y) && yyjson_get_uint(y) <= INT64_MAX) {
        *out = (int64_t)yyjson_get_uint(y);
        return true;
    }
    return false;
}

bool json_true(const json_val *v)
{
    return yyjson_is_true(rdm(v));
}

struct json_iter json_iter(const json_val *v)
{
    struct json_iter it = {.obj = json_type(v) == JSON_OBJ};
    if (it.obj || json_type(v) == JSON_ARR) {
        it.n = yyjson_get_len(rdm(v));
        it.cur = it.n ? unsafe_yyjson_get_first(rdm(v)) : NULL;
    }
    return it;
}

bool json_next(struct json_iter *it)
{
    if (it->i >= it->n)
        return false;
    yyjson_val *cur = (yyjson_val *)(uintptr_t)it->cur;
    if (it->obj) {
        it->key = yyjson_get_str(cur);
        it->val = wrap(cur + 1);
        cur = unsafe_yyjson_get_next(cur + 1);
    } else {
        it->val = wrap(cur);
        cur = unsafe_yyjson_get_next(cur);
    }
    it->cur = cur;
    it->i++;
    return true;
}

char *json_print(const json_val *v)
{
    char *s = yyjson_val_write(rd(v), YYJSON_WRITE_ALLOW_INF_AND_NAN, NULL);
    if (!s)
        IPW_BUG("cannot print a JSON value");
    return s;
}

/* ---- writing ---- */

static yyjson_mut_doc *md(struct json_out *o)
{
    return (yyjson_mut_doc *)o;
}

static yyjson_mut_val *mv(json_node *n)
{
    return (yyjson_mut_val *)n;
}

struct json_out *json_out_new(void)
{
    yyjson_mut_doc *d = yyjson_mut_doc_new(NULL);
    if (!d)
        IPW_BUG("out of memory for a JSON document");
    return (struct json_out *)d;
}

void json_out_free(struct json_out *o)
{
    yyjson_mut_doc_free(md(o));
}

json_node *json_new_obj(struct json_out *o)
{
    return (json_node *)yyjson_mut_obj(md(o));
}

json_node *json_new_arr(struct json_out *o)
{
    return (json_node *)yyjson_mut_arr(md(o));
}

void json_put(struct json_out *o, json_node *to, const char *key, json_node *node)
{
    bool ok = key ? yyjson_mut_obj_add(mv(to), yyjson_mut_strcpy(md(o), key), mv(node))
                  : yyjson_mut_arr_append(mv(to), mv(node));
    if (!ok)
        IPW_BUG("cannot put JSON '%s'", key ? key : "element");
}

json_node *json_put_obj(struct json_out *o, json_node *to, const char *key)
{
    json_node *n = json_new_obj(o);
    json_put(o, to, key, n);
    return n;
}

json_node *json_put_arr(struct json_out *o, json_node *to, const char *key)
{
    json_node *n = json_new_arr(o);
    json_put(o, to, key, n);
    return n;
}

void json_put_strn(struct json_out *o, json_node *to, const char *key, const char *s, size_t n)
{
    if (ipw_utf8_valid(s, n)) {
        json_put(o, to, key, (json_node *)yyjson_mut_strncpy(md(o), s, n));
        return;
    }
    char *fixed = ipw_utf8_repair(s, n, &n);
    json_put(o, to, key, (json_node *)yyjson_mut_strncpy(md(o), fixed, n));
    free(fixed);
}

void json_put_str(struct json_out *o, json_node *to, const char *key, const char *s)
{
    if (s)
        json_put_strn(o, to, key, s, strlen(s));
    else
        json_put_null(o, to, key);
}

void json_put_num(struct json_out *o, json_node *to, const char *key, double x)
{
    json_put(o, to, key,
             (json_node *)(isfinite(x) ? yyjson_mut_real(md(o), x) : yyjson_mut_null(md(o))));
}

void json_put_int(struct json_out *o, json_node *to, const char *key, int64_t x)
{
    json_put(o, to, key, (json_node *)yyjson_mut_sint(md(o), x));
}

void json_put_bool(struct json_out *o, json_node *to, const char *key, bool x)
{
    json_put(o, to, key, (json_node *)yyjson_mut_bool(md(o), x));
}

void json_put_null(struct json_out *o, json_node *to, const char *key)
{
    json_put(o, to, key, (json_node *)yyjson_mut_null(md(o)));
}

void json_put_val(struct json_out *o, json_node *to, const char *key, const json_val *v)
{
    if (v)
        json_put(o, to, key, (json_node *)yyjson_val_mut_copy(md(o), rdm(v)));
    else
        json_put_null(o, to, key);
}

json_node *json_patched(struct json_out *o, json_node *obj, const json_val *patch)
{
    return (json_node *)yyjson_mut_merge_patch(md(o), mv(obj), yyjson_val_mut_copy(md(o), rdm(patch)));
}

char *json_write(struct json_out *o, json_node *node, bool pretty)
{
    (void)o;
    yyjson_write_flag f = pretty ? YYJSON_WRITE_PRETTY_TWO_SPACES | YYJSON_WRITE_NEWLINE_AT_END
                                 : YYJSON_WRITE_NOFLAG;
    char *s = yyjson_mut_val_write(mv(node), f, NULL);
    if (!s)
        IPW_BUG("cannot print a JSON tree");
    return s;
}
