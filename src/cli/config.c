#include "cli/config.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/meter.h"
#include "cli/paths.h"

enum { FILE_MAX_BYTES = 1 << 20 };

/* What may stand at the top: options that several commands share. */
static const char *const shared[] = {"output", "output-dir", "energy", "devices", "include",
                                     "threads", "model",     "dataset", "allow-missing", NULL};
enum { N_SHARED = sizeof shared / sizeof shared[0] - 1 };

static bool is_shared(const char *key)
{
    for (size_t i = 0; i < N_SHARED; i++)
        if (!strcmp(shared[i], key))
            return true;
    return false;
}

/* "profile", "dataset pull": a name of the list, and one below it. */
static bool is_command(const struct command *const *list, const char *key)
{
    size_t n = strcspn(key, " ");
    for (size_t i = 0; list[i]; i++)
        if (strlen(list[i]->name) == n && !strncmp(list[i]->name, key, n))
            return key[n] ? list[i]->subs && is_command(list[i]->subs, key + n + 1) : true;
    return false;
}

static int unknown(const char *source, const char *key, struct ipw_err *err)
{
    const char *names[N_SHARED + 64];
    size_t n = 0;
    for (; n < N_SHARED; n++)
        names[n] = shared[n];
    for (size_t i = 0; commands[i] && n < sizeof names / sizeof names[0]; i++)
        names[n++] = commands[i]->name;
    const char *near = ipw_nearest(key, names, n);
    if (near)
        return ipw_err_set(err, IPW_E_INPUT, "'%.300s': unknown key '%.60s': did you mean '%s'?", source, key, near);
    return ipw_err_set(err, IPW_E_INPUT,
                       "'%.300s': unknown key '%.60s'; options of one command stand under its name: \"profile\": { ... }",
                       source, key);
}

/* What one command's section does not name is taken from the top. */
static int apply(const json_val *top, const char *source, const char *command, struct option *opt, size_t n,
                 struct ipw_err *err)
{
    for (struct json_iter it = json_iter(top); json_next(&it);) {
        bool ours = is_shared(it.key); /* --dataset, not ipw dataset */
        if (!ours && !is_command(commands, it.key))
            return unknown(source, it.key, err);
        if (!ours && json_type(it.val) != JSON_OBJ)
            return ipw_err_set(err, IPW_E_INPUT, "'%.300s': '%.60s' takes an object of its options", source, it.key);
    }
    /* a copy whose options are marked as they are settled: seen tells the commands what was a flag */
    struct option *copy = ipw_calloc(n ? n : 1, sizeof *copy);
    for (size_t i = 0; i < n; i++) {
        copy[i] = opt[i];
        copy[i].seen |= !strcmp(opt[i].name, "devices") && cli_devices_given();
    }
    const json_val *own = json_get(top, command);
    int rc = options_from_json(copy, n, own, source, NULL, err);
    for (size_t i = 0; i < n; i++)
        copy[i].seen |= json_get(own, copy[i].name) || (copy[i].alias && json_get(own, copy[i].alias));
    if (!rc)
        rc = options_from_json(copy, n, top, source, shared, err);
    free(copy);
    return rc;
}

int config_apply_text(const char *source, const char *text, size_t len, const char *command, struct option *opt, size_t n,
                      struct ipw_err *err)
{
    struct json_doc *doc;
    int rc = json_read_settings(&doc, source, text, len, err);
    if (!rc)
        rc = apply(json_root(doc), source, command, opt, n, err);
    json_doc_free(doc);
    return rc;
}

int config_apply(const char *command, struct option *opt, size_t n, struct ipw_err *err)
{
    char path[PATH_MAX];
    struct ipw_buf text = IPW_BUF_INIT;
    if (!*cli_config_file("config.json", path) || !fs_exists(path))
        return 0;
    int rc = fs_read(path, FILE_MAX_BYTES, &text, err);
    if (!rc)
        rc = config_apply_text(path, text.s, text.len, command, opt, n, err);
    ipw_buf_release(&text);
    return rc;
}
