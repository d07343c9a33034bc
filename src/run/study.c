#include "run/study.h"

#include <string.h>

#include "base/str.h"

enum { MAX_RUNS = 10000, MAX_TIMES = 1000 };

void study_init(struct study *s)
{
    *s = (struct study){.n_settings = 1, .repeats = 1};
    s->settings = ipw_arena_alloc(&s->arena, sizeof *s->settings);
}

void study_release(struct study *s)
{
    ipw_arena_release(&s->arena);
    json_doc_free(s->doc);
    *s = (struct study){0};
}

void study_list_add(struct study *s, struct study_list *l, const char *text)
{
    const char **v = ipw_arena_alloc(&s->arena, (l->n + 1) * sizeof *v);
    if (l->n)
        memcpy(v, l->v, l->n * sizeof *v);
    v[l->n++] = ipw_arena_strdup(&s->arena, text);
    l->v = v;
}

bool study_label_ok(const char *key)
{
    size_t n = strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789_");
    return !key[n] && n && n <= 40 && ipw_isalpha((unsigned char)*key);
}

size_t study_cells(const struct study *s)
{
    size_t n = s->n_settings * (size_t)s->repeats;
    const size_t lists[] = {s->models.n, s->datasets.n, s->engines.n};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        n *= lists[i] ? lists[i] : 1;
    return n;
}

static const char *take(const struct study_list *l, size_t *i)
{
    size_t n = l->n ? l->n : 1, k = *i % n;
    *i /= n;
    return l->n ? l->v[k] : NULL;
}

struct study_cell study_cell_at(const struct study *s, size_t i)
{
    struct study_cell c = {.repeat = (int64_t)(i % (size_t)s->repeats) + 1};
    i /= (size_t)s->repeats;
    c.setting = &s->settings[i % s->n_settings];
    i /= s->n_settings;
    c.engine = take(&s->engines, &i);
    c.dataset = take(&s->datasets, &i);
    c.model = take(&s->models, &i);
    return c;
}

/* ---- a file ---- */

struct reading {
    struct study *study;
    struct study_setting *setting;
    const char *source;
    struct ipw_err *err;
};

struct key {
    const char *name, *takes;
    bool (*read)(struct reading *r, const json_val *v); /* false: not what the key takes */
};

#define TEXT(field)                                                                                                    \
    static bool read_##field(struct reading *r, const json_val *v)                                                     \
    {                                                                                                                  \
        r->study->field = json_str(v);                                                                                 \
        return r->study->field && *r->study->field;                                                                    \
    }
TEXT(name)
TEXT(about)
TEXT(preset)
TEXT(after)
TEXT(judge)

static bool read_list(struct study *s, struct study_list *l, const json_val *v)
{
    bool ok = json_type(v) == JSON_ARR && json_len(v);
    for (struct json_iter it = json_iter(v); ok && json_next(&it);)
        if ((ok = json_str(it.val) && *json_str(it.val)))
            study_list_add(s, l, json_str(it.val));
    return ok;
}
static bool read_models(struct reading *r, const json_val *v)
{
    return read_list(r->study, &r->study->models, v);
}
static bool read_datasets(struct reading *r, const json_val *v)
{
    return read_list(r->study, &r->study->datasets, v);
}
static bool read_engines(struct reading *r, const json_val *v)
{
    return read_list(r->study, &r->study->engines, v);
}
static bool read_options(struct reading *r, const json_val *v)
{
    r->study->options = v;
    return json_type(v) == JSON_OBJ;
}
static bool read_times(const json_val *v, int64_t *out)
{
    return json_is_int(v, out) && *out >= 1 && *out <= MAX_TIMES;
}
static bool read_repeats(struct reading *r, const json_val *v)
{
    return read_times(v, &r->study->repeats);
}
static bool read_blocks(struct reading *r, const json_val *v)
{
    return read_times(v, &r->study->blocks);
}
static bool read_label(struct reading *r, const json_val *v)
{
    r->setting->label = v;
    bool ok = json_type(v) == JSON_OBJ;
    for (struct json_iter it = json_iter(v); ok && json_next(&it);) {
        enum json_type t = json_type(it.val);
        ok = study_label_ok(it.key) && (t == JSON_STR || t == JSON_NUM || t == JSON_BOOL);
    }
    return ok;
}
static bool read_setting_options(struct reading *r, const json_val *v)
{
    r->setting->options = v;
    return json_type(v) == JSON_OBJ;
}
static bool read_before(struct reading *r, const json_val *v)
{
    r->setting->before = json_str(v);
    return r->setting->before && *r->setting->before;
}

static const struct key setting_keys[] = {
    {"label", "an object of texts; its keys are small letters, digits and _", read_label},
    {"options", "an object of options of ipw profile", read_setting_options},
    {"before", "a command line", read_before},
};

static int read_object(struct reading *r, const json_val *obj, const struct key *keys, size_t n)
{
    unsigned seen = 0;
    for (struct json_iter it = json_iter(obj); json_next(&it);) {
        const char *names[16];
        size_t k = 0;
        for (; k < n && strcmp(keys[k].name, it.key) != 0; k++)
            names[k] = keys[k].name;
        if (k == n) {
            const char *near = ipw_nearest(it.key, names, n);
            return ipw_err_set(r->err, IPW_E_INPUT, "'%.300s': unknown key '%.60s'%s%s%s", r->source, it.key,
                               near ? ": did you mean '" : "; ipw study show tells what there is", near ? near : "",
                               near ? "'?" : "");
        }
        if (seen & 1u << k)
            return ipw_err_set(r->err, IPW_E_INPUT, "'%.300s': '%s' stands there twice; keep one", r->source, it.key);
        seen |= 1u << k;
        r->err->code = 0;
        if (!keys[k].read(r, it.val))
            return r->err->code ? r->err->code
                                : ipw_err_set(r->err, IPW_E_INPUT, "'%.300s': '%s' takes %s", r->source, it.key,
                                              keys[k].takes);
    }
    return 0;
}

static bool read_settings(struct reading *r, const json_val *v)
{
    struct study *s = r->study;
    s->n_settings = json_type(v) == JSON_ARR ? json_len(v) : 0;
    if (!s->n_settings)
        return false;
    s->settings = ipw_arena_alloc(&s->arena, s->n_settings * sizeof *s->settings);
    struct json_iter it = json_iter(v);
    for (r->setting = s->settings; json_next(&it); r->setting++)
        if (json_type(it.val) != JSON_OBJ ||
            read_object(r, it.val, setting_keys, sizeof setting_keys / sizeof setting_keys[0]))
            return false;
    return true;
}

static const struct key keys[] = {
    {"name", "a text", read_name},
    {"about", "a text", read_about},
    {"preset", "the name of a preset", read_preset},
    {"models", "a list of GGUF files", read_models},
    {"datasets", "a list of question sets", read_datasets},
    {"engines", "a list of engines", read_engines},
    {"options", "an object of options of ipw profile", read_options},
    {"settings", "a list of { \"label\", \"options\", \"before\" }", read_settings},
    {"repeats", "a whole number from 1 to 1000", read_repeats},
    {"blocks", "a whole number from 1 to 1000", read_blocks},
    {"after", "a command line", read_after},
    {"judge", "the name of a judge", read_judge},
};

int study_read(struct study *s, const char *source, const char *text, size_t len, struct ipw_err *err)
{
    struct reading r = {.study = s, .source = source, .err = err};
    int rc = json_read_settings(&s->doc, source, text, len, err);
    if (!rc)
        rc = read_object(&r, json_root(s->doc), keys, sizeof keys / sizeof keys[0]);
    double runs = (double)s->n_settings * (double)s->repeats; /* in double: it cannot overflow */
    const size_t lists[] = {s->models.n, s->datasets.n, s->engines.n};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        runs *= lists[i] ? (double)lists[i] : 1;
    if (!rc && runs > MAX_RUNS)
        rc = ipw_err_set(err, IPW_E_INPUT, "'%.300s' makes %.0f runs; %d at most: cut it into several studies", source, runs,
                         MAX_RUNS);
    return rc;
}
