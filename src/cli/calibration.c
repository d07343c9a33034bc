#include "cli/calibration.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/str.h"
#include "cli/paths.h"
#include "energy/cpuinfo.h"

static const char schema[] = "ipw.calibration/1";

enum { FILE_MAX_BYTES = 65536 };

/* The processor as text: watts of one are no watts of another, nor of the same one with other threads given to us. */
static int processor(const struct cli *cli, char *name, size_t size)
{
    struct energy_cpuinfo cpu;
    energy_cpuinfo_read(&cpu, &cli->env);
    if (*cpu.name)
        snprintf(name, size, "%s", cpu.name);
    else
        snprintf(name, size, "%s model 0x%x", *cpu.vendor ? cpu.vendor : "unknown", (unsigned)cpu.model);
    return cpu.n_cpus;
}

static int file_path(char out[PATH_MAX], struct ipw_err *err)
{
    if (*cli_config_file("calibration.json", out))
        return 0;
    return ipw_err_set(err, IPW_E_ENV,
                       "no folder for settings: neither XDG_CONFIG_HOME nor HOME holds an absolute path; set one");
}

static int damaged(const char *path, const char *why, struct ipw_err *err)
{
    return ipw_err_set(err, IPW_E_INPUT, "'%.300s' is damaged: %.400s; run ipw calibrate again, or delete the file", path, why);
}

static int parse(const struct cli *cli, const char *path, const struct ipw_buf *text, struct energy_calibration *out,
                 bool *found, struct ipw_err *err)
{
    struct json_doc *doc;
    struct ipw_err why;
    if (json_read(&doc, text->s, text->len, JSON_COMMENTS, &why))
        return damaged(path, why.text, err);
    const json_val *top = json_root(doc);
    const char *cpu = json_str(json_get(top, "cpu"));
    double idle = json_num(json_get(top, "idle_w")), most = json_num(json_get(top, "max_w"));
    int64_t threads = 0;
    int rc = 0;
    char here[128];
    if (!ipw_streq(json_str(json_get(top, "schema")), schema))
        rc = damaged(path, "its 'schema' is not ipw.calibration/1", err);
    else if (!cpu || !json_is_int(json_get(top, "threads"), &threads))
        rc = damaged(path, "'cpu' or 'threads' is missing", err);
    else if (!(idle >= 0 && most > idle && isfinite(most)))
        rc = damaged(path, "0 <= 'idle_w' < 'max_w' does not hold", err);
    else if ((*found = processor(cli, here, sizeof here) == threads && ipw_streq(here, cpu)))
        *out = (struct energy_calibration){idle, most};
    json_doc_free(doc);
    return rc;
}

int calibration_load(const struct cli *cli, struct energy_calibration *out, bool *found, struct ipw_err *err)
{
    char path[PATH_MAX];
    struct ipw_buf text = IPW_BUF_INIT;
    *found = false;
    if (file_path(path, err) || !fs_exists(path))
        return 0; /* no settings, no calibration */
    int rc = fs_read(path, FILE_MAX_BYTES, &text, err);
    if (!rc)
        rc = parse(cli, path, &text, out, found, err);
    ipw_buf_release(&text);
    return rc;
}

int calibration_store(const struct cli *cli, const struct energy_calibration *k, const char *source, char path[PATH_MAX],
                      char **json, struct ipw_err *err)
{
    char name[128], date[32], folder[PATH_MAX];
    time_t now = (time_t)(cli->env.clock->real(&cli->env) / 1000000000);
    struct tm tm;
    int rc = file_path(path, err);
    if (rc)
        return rc;
    snprintf(folder, sizeof folder, "%.*s", (int)(fs_basename(path) - path - 1), path);
    if ((rc = fs_mkdirs(folder, err)))
        return rc;
    int threads = processor(cli, name, sizeof name);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
    struct json_out *o = json_out_new();
    json_node *top = json_new_obj(o);
    json_put_str(o, top, "schema", schema);
    json_put_str(o, top, "cpu", name);
    json_put_int(o, top, "threads", threads);
    json_put_num(o, top, "idle_w", k->idle_w);
    json_put_num(o, top, "max_w", k->max_w);
    json_put_str(o, top, "source", source);
    json_put_str(o, top, "date", date);
    char *text = json_write(o, top, true);
    json_out_free(o);
    rc = fs_write_atomic(path, text, strlen(text), err);
    if (json && !rc)
        *json = text;
    else
        free(text);
    return rc;
}
