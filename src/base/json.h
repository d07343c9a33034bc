/* JSON, over yyjson (included nowhere else). Reading gives borrowed values that live as long as the document;
 * writing builds a tree and prints it. Unknown numbers are NAN on the way in and null on the way out. */
#ifndef IPW_BASE_JSON_H
#define IPW_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* ---- reading ---- */
struct json_doc;
typedef struct json_val json_val; /* borrowed from its document; every getter accepts NULL */

/* Parses one JSON text of len bytes (strict, UTF-8 checked). On error err names the byte offset and what was
 * expected, code IPW_E_INPUT, *doc NULL. flags JSON_COMMENTS: comments and trailing commas are allowed;
 * JSON_NAN: NaN and Infinity too; JSON_BIG: a number that fits no 64 bits keeps its digits for json_print. */
enum { JSON_COMMENTS = 1, JSON_NAN = 2, JSON_BIG = 4 };
int json_read(struct json_doc **doc, const char *text, size_t len, int flags, struct ipw_err *err);
/* The same, into size bytes of the caller's that live as long as the document: what fits there (about 16 times the text)
 * allocates nothing. */
int json_read_in(struct json_doc **doc, void *mem, size_t size, const char *text, size_t len, struct ipw_err *err);
/* A file of settings that people write: an object, comments and trailing commas allowed. source: its name for the error,
 * which gives the line. */
int json_read_settings(struct json_doc **doc, const char *source, const char *text, size_t len, struct ipw_err *err);
void json_doc_free(struct json_doc *doc); /* NULL is fine */
const json_val *json_root(const struct json_doc *doc);

enum json_type { JSON_ABSENT, JSON_NULL, JSON_BOOL, JSON_NUM, JSON_STR, JSON_ARR, JSON_OBJ };
enum json_type json_type(const json_val *v); /* JSON_ABSENT for NULL */
const char *json_type_name(enum json_type t);

const json_val *json_get(const json_val *obj, const char *key); /* NULL if absent or not an object */
const json_val *json_at(const json_val *arr, size_t i);         /* NULL if absent; i may be any order */
size_t json_len(const json_val *v);                             /* array, object: elements; string: bytes */
const char *json_str(const json_val *v);                        /* NULL if not a string */
double json_num(const json_val *v);                             /* NAN if not a number */
bool json_is_int(const json_val *v, int64_t *out);              /* an integer that fits */
bool json_true(const json_val *v);

/* for (struct json_iter it = json_iter(obj); json_next(&it);) uses it.key (NULL in arrays) and it.val */
struct json_iter {
    const char *key;
    const json_val *val;
    const void *cur;
    size_t i, n;
    bool obj;
};
struct json_iter json_iter(const json_val *v);
bool json_next(struct json_iter *it);

/* One line of JSON for a value; caller frees. */
char *json_print(const json_val *v);

/* ---- writing ---- */
struct json_out; /* owns every node; strings are copied */
typedef struct json_node json_node;

struct json_out *json_out_new(void);
void json_out_free(struct json_out *o);
json_node *json_new_obj(struct json_out *o);
json_node *json_new_arr(struct json_out *o);

/* obj: `key` is copied and set; arr: key must be NULL and the value is appended. */
void json_put(struct json_out *o, json_node *to, const char *key, json_node *node);
json_node *json_put_obj(struct json_out *o, json_node *to, const char *key);
json_node *json_put_arr(struct json_out *o, json_node *to, const char *key);
void json_put_str(struct json_out *o, json_node *to, const char *key, const char *s); /* NULL: null */
void json_put_strn(struct json_out *o, json_node *to, const char *key, const char *s, size_t n);
void json_put_num(struct json_out *o, json_node *to, const char *key, double x); /* NAN, inf: null */
void json_put_int(struct json_out *o, json_node *to, const char *key, int64_t x);
void json_put_bool(struct json_out *o, json_node *to, const char *key, bool x);
void json_put_null(struct json_out *o, json_node *to, const char *key);
void json_put_val(struct json_out *o, json_node *to, const char *key, const json_val *v); /* a copy */

/* obj with the members of patch put in (RFC 7386: objects member by member, null takes one out). */
json_node *json_patched(struct json_out *o, json_node *obj, const json_val *patch);

/* Text of a node; pretty is two-space indented with a final newline, else one line without. Invalid UTF-8 in
 * strings is replaced. Caller frees. */
char *json_write(struct json_out *o, json_node *node, bool pretty);

#endif
