/* ipw model: the GGUF files that are here. The commands under it, and what they share. */
#include "cli/model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/terminal.h"

const char *model_bytes(int64_t bytes, char out[24])
{
    static const struct {
        double unit;
        const char *name;
    } units[] = {{1e12, "TB"}, {1e9, "GB"}, {1e6, "MB"}, {1e3, "kB"}, {1, "B"}};
    if (bytes < 0)
        return snprintf(out, 24, "-"), out;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        double x = (double)bytes / units[i].unit;
        if (x < 1 && i + 1 < sizeof units / sizeof units[0])
            continue;
        snprintf(out, 24, x < 10 && units[i].unit > 1e6 ? "%.1f %s" : "%.0f %s", x, units[i].name);
        break;
    }
    return out;
}

const char *model_count(int64_t n, char out[24])
{
    if (n < 0)
        snprintf(out, 24, "-");
    else if (n >= 999500000)
        snprintf(out, 24, n < 99950000000 ? "%.1f B" : "%.0f B", (double)n / 1e9);
    else if (n >= 999500)
        snprintf(out, 24, "%.0f M", (double)n / 1e6);
    else
        snprintf(out, 24, "%lld", (long long)n);
    return out;
}

void model_bar_draw(void *ud, int64_t done, int64_t total)
{
    struct model_bar *b = ud;
    const struct ipw_env *env = &b->cli->env;
    int64_t now = ipw_now(env);
    char have[24], all[24], speed[24], left[40] = "";
    (void)total;
    if (!b->start_ns) {
        b->start_ns = now;
        b->start_done = done;
    }
    if (!b->cli->err_tty || now - b->last_ns < 200000000 || !terminal_takes(STDERR_FILENO))
        return;
    b->last_ns = now;
    double seconds = (double)(now - b->start_ns) / 1e9, rate = seconds > 1 ? (double)(done - b->start_done) / seconds : 0;
    int64_t at = b->before + done;
    if (rate > 0)
        snprintf(left, sizeof left, "  %s/s  %.0f s left", model_bytes((int64_t)rate, speed), (double)(b->total - at) / rate);
    fprintf(stderr, "\r\033[K%s %s of %s%s", b->what, model_bytes(at, have), model_bytes(b->total, all), left);
    fflush(stderr);
}

void model_bar_end(struct model_bar *b)
{
    if (b->last_ns)
        fprintf(stderr, "\r\033[K");
    b->last_ns = b->start_ns = 0;
}

static bool same_file(const char *a, const struct stat *b)
{
    struct stat st;
    return a && !stat(a, &st) && st.st_dev == b->st_dev && st.st_ino == b->st_ino;
}

int model_resolve(const struct cli *cli, const char *spec, struct local_models *all, const struct local_model **local,
                  char **path, struct ipw_err *err)
{
    struct stat st;
    *local = NULL;
    *path = NULL;
    int rc = cli_models(cli, NULL, all, err);
    if (rc)
        return rc;
    if (!stat(spec, &st)) {
        for (size_t i = 0; i < all->n && !*local; i++)
            if (same_file(all->v[i].path, &st))
                *local = &all->v[i];
        *path = ipw_strdup(spec);
        return 0;
    }
    if ((rc = cli_model_find(all, spec, local, err)))
        return rc;
    if (!(*local)->path || access((*local)->path, R_OK))
        return ipw_err_set(err, IPW_E_INPUT, "model '%s' cannot be read: it is %s%s%s", spec,
                           (*local)->problem ? (*local)->problem : "gone", (*local)->remedy ? "; this mends it: " : "",
                           (*local)->remedy ? (*local)->remedy : "; ipw model list shows the others");
    *path = ipw_strdup((*local)->path);
    return 0;
}

static const struct command *const subs[] = {&model_command_list, &model_command_show, &model_command_pull,
                                             &model_command_import, &model_command_verify, NULL};

const struct command command_model = {
    .name = "model",
    .group = "Prepare",
    .summary = "GGUF files already here (Ollama, LM Studio, hub cache); pull",
    .usage = "ipw model list | show NAME | pull NAME | import FILE | verify NAME",
    .details = "Models that other programs have already put on this machine can be asked where they lie: nothing is copied. "
               "The names that `ipw model list` prints are what -m takes.",
    .examples = "ipw model list\nipw profile -m ollama:qwen3:4b     # a name out of that list\n",
    .subs = subs,
};
