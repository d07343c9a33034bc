#include "cli/shipped.h"

#include <string.h>

#include "base/fs.h"
#include "base/str.h"

enum { FILE_MAX_BYTES = 1 << 20 };

#define SHIPPED(id) extern const unsigned char ipw_embed_##id[]; extern const size_t ipw_embed_##id##_len
SHIPPED(preset_quick);
SHIPPED(preset_paper);
SHIPPED(study_power_caps);
SHIPPED(study_paper);
#define ROW(name, id) {name, ipw_embed_##id, &ipw_embed_##id##_len}

const struct shipped shipped_presets[] = {ROW("quick", preset_quick), ROW("paper", preset_paper), {NULL, NULL, NULL}};
const struct shipped shipped_studies[] = {
    ROW("power-caps", study_power_caps), ROW("paper-2511.07885", study_paper), {NULL, NULL, NULL}};

static int unknown(const struct shipped *list, const char *what, const char *spec, struct ipw_err *err)
{
    const char *names[16];
    char all[200] = "";
    size_t n = 0;
    for (; list[n].name; n++) {
        size_t k = strlen(all);
        names[n] = list[n].name;
        snprintf(all + k, sizeof all - k, "%s%s", n ? ", " : "", names[n]);
    }
    const char *near = ipw_nearest(spec, names, n);
    if (near)
        return ipw_err_set(err, IPW_E_INPUT, "no %s '%s': did you mean '%s'?", what, spec, near);
    return ipw_err_set(err, IPW_E_INPUT, "no %s '%s'; there is %s, or give the path of a file", what, spec, all);
}

int shipped_read(const struct shipped *list, const char *what, const char *spec, struct ipw_buf *text,
                 struct ipw_err *err)
{
    for (size_t i = 0; list[i].name; i++)
        if (!strcmp(list[i].name, spec)) {
            ipw_buf_add(text, list[i].text, *list[i].len);
            return 0;
        }
    if (!strchr(spec, '/') && !ipw_ends(spec, ".json") && !fs_exists(spec))
        return unknown(list, what, spec, err);
    return fs_read(spec, FILE_MAX_BYTES, text, err);
}

int shipped_preset(const char *spec, struct option *opt, size_t n, struct ipw_err *err)
{
    struct ipw_buf text = IPW_BUF_INIT;
    struct json_doc *doc = NULL;
    int rc = shipped_read(shipped_presets, "preset", spec, &text, err);
    if (!rc)
        rc = json_read_settings(&doc, spec, text.s, text.len, err);
    if (!rc)
        rc = options_from_json(opt, n, json_root(doc), spec, NULL, err);
    json_doc_free(doc);
    ipw_buf_release(&text);
    return rc;
}
