#include "dataset/catalogue.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"

extern const unsigned char ipw_embed_datasets_json[];
extern const size_t ipw_embed_datasets_json_len;

struct catalogue {
    struct json_doc *doc;
    struct catalogue_set *set;
    size_t n;
};

struct catalogue *catalogue_open(void)
{
    struct catalogue *c = ipw_calloc(1, sizeof *c);
    struct ipw_err err;
    if (json_read(&c->doc, (const char *)ipw_embed_datasets_json, ipw_embed_datasets_json_len, JSON_COMMENTS, &err))
        IPW_BUG("share/datasets.json: %s", err.text);
    const json_val *sets = json_get(json_root(c->doc), "sets");
    c->set = ipw_calloc(json_len(sets), sizeof *c->set);
    for (struct json_iter it = json_iter(sets); json_next(&it);) {
        struct catalogue_set *s = &c->set[c->n++];
        *s = (struct catalogue_set){.name = json_str(json_get(it.val, "name")),
                                    .what = json_str(json_get(it.val, "what")),
                                    .type = json_str(json_get(it.val, "type")),
                                    .source = json_str(json_get(it.val, "source")),
                                    .license = json_str(json_get(it.val, "license")),
                                    .note = json_str(json_get(it.val, "note")),
                                    .package = json_str(json_get(it.val, "package")),
                                    .member = json_str(json_get(it.val, "member")),
                                    .hub = json_get(it.val, "hub"),
                                    .refused = json_str(json_get(it.val, "refused")),
                                    .row = it.val};
        json_is_int(json_get(it.val, "n"), &s->n);
    }
    return c;
}

void catalogue_close(struct catalogue *c)
{
    if (!c)
        return;
    json_doc_free(c->doc);
    free(c->set);
    free(c);
}

const struct catalogue_set *catalogue_sets(const struct catalogue *c, size_t *n)
{
    *n = c->n;
    return c->set;
}

const struct catalogue_set *catalogue_find(const struct catalogue *c, const char *name)
{
    for (size_t i = 0; i < c->n; i++)
        if (ipw_streq(c->set[i].name, name))
            return &c->set[i];
    return NULL;
}

bool catalogue_shots(const struct catalogue_set *set, char name[100], struct catalogue_set *out)
{
    const json_val *shots = json_get(set->hub, "shots");
    if (!shots || set->shots)
        return false;
    snprintf(name, 100, "%.90s%s", set->name, CATALOGUE_SHOTS);
    *out = *set;
    out->name = name;
    out->source = json_str(json_get(shots, "source"));
    out->package = out->member = out->note = NULL;
    out->hub = shots;
    out->shots = true;
    out->n = 0;
    return true;
}

const json_val *catalogue_hub(const struct catalogue_set *set, const char *key)
{
    const json_val *v = json_get(set->hub, key);
    return v ? v : json_get(json_get(set->row, "hub"), key);
}

struct catalogue_package catalogue_package(const struct catalogue *c, const char *key)
{
    const json_val *p = key ? json_get(json_get(json_root(c->doc), "packages"), key) : NULL;
    struct catalogue_package out = {.name = json_str(json_get(p, "name")),
                                    .version = json_str(json_get(p, "version")),
                                    .file = json_str(json_get(p, "file")),
                                    .sha256 = json_str(json_get(p, "sha256"))};
    json_is_int(json_get(p, "bytes"), &out.bytes);
    return out;
}
