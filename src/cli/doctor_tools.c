/* ipw doctor: what computes, where files go, and the programs around ipw. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/doctor.h"
#include "cli/models.h"
#include "cli/paths.h"
#include "cli/sets.h"
#include "cli/sources.h"
#include "engine/engine.h"
#include "score/sandbox.h"

/* ---- engines ---- */

void doctor_engine(struct doctor *d)
{
    for (size_t i = 0; engines[i]; i++) {
        struct engine_here here = {0};
        if (engines[i]->here)
            engines[i]->here(&here);
        if (here.problem.code)
            doctor_add(d, FINDING_MISSING, NULL, "%s: %s", engines[i]->build(NULL), here.problem.text)->name = engines[i]->name;
        else
            doctor_add(d, FINDING_OK, NULL, "%s; backends: %s%s%s", engines[i]->build(NULL), *here.backends ? here.backends : "-",
                       *here.cpu_variant ? "; CPU kernels: " : "", here.cpu_variant)->name = engines[i]->name;
    }
    if (!engines[0])
        doctor_add(d, FINDING_MISSING, "Build it in:\n    cmake --preset release -DIPW_LLAMA=ON", "no engine in this build");
}

static bool gpu_is_metered(const struct doctor *d)
{
    struct source_line line[8];
    size_t n = sources_of(d->meter, line, 8);
    return n && ipw_streq(line[0].part, "GPU");
}

void doctor_gpu(struct doctor *d)
{
    int found = 0;
    for (size_t i = 0; engines[i]; i++) {
        struct engine_here here = {0};
        if (engines[i]->here)
            engines[i]->here(&here);
        if (here.problem.code) /* said above */
            return;
        for (int k = 0; k < here.n; k++, found++)
            doctor_add(d, FINDING_OK, NULL, "%s, %.1f of %.1f GB free", here.gpu[k].name, (double)here.gpu[k].free_bytes / 1e9,
                       (double)here.gpu[k].total_bytes / 1e9);
    }
    if (!found && gpu_is_metered(d))
        doctor_add(d, FINDING_MISSING, "quickstart.sh builds the backend that fits:\n    ./quickstart.sh",
                   "one is here, but this build computes on the CPU only");
    else if (!found)
        doctor_add(d, FINDING_OK, NULL, "none that this build can use: the CPU computes");
}

/* ---- models ---- */

void doctor_models(struct doctor *d)
{
    struct local_models m = {0};
    struct ipw_err err = {0};
    size_t good = 0;
    int rc = cli_models(d->cli, NULL, &m, &err);
    const struct local_model *bad = NULL;
    for (size_t i = 0; i < m.n; i++) {
        good += !m.v[i].problem;
        bad = m.v[i].problem && !bad ? &m.v[i] : bad;
    }
    if (rc)
        doctor_add(d, FINDING_NOTE, NULL, "%s", err.text);
    if (good)
        doctor_add(d, FINDING_OK, NULL, "%zu here that can be asked: ipw model list", good);
    else
        doctor_add(d, FINDING_MISSING, "A small one to begin with:\n    ipw model pull smollm2-135m",
                   "none found of Ollama, LM Studio, the hub or llama.cpp");
    if (bad)
        doctor_add(d, FINDING_NOTE, NULL, "%zu cannot be asked, as '%s': %s", m.n - good, bad->name, bad->problem);
    local_models_release(&m);
}

/* ---- question sets ---- */

void doctor_sets(struct doctor *d)
{
    size_t n, bad = 0, questions;
    struct ipw_err err, first = {0};
    char **here = sets_here(&n);
    for (size_t i = 0; i < n; i++) {
        if (set_check(here[i], &questions, &err) && !bad++)
            first = err;
        free(here[i]);
    }
    free(here);
    doctor_add(d, FINDING_OK, NULL, "starter is built in, %zu more in your folder: ipw dataset list", n);
    if (bad)
        doctor_add(d, FINDING_NOTE, NULL, "%zu cannot be trusted: %s", bad, first.text);
}

/* ---- folders ---- */

/* The folder, or the nearest one above it that is there. */
static void nearest_folder(const char *path, char out[PATH_MAX])
{
    snprintf(out, PATH_MAX, "%s", path);
    while (!fs_exists(out)) {
        char *slash = strrchr(out, '/');
        if (!slash || slash == out) {
            snprintf(out, PATH_MAX, "%s", slash ? "/" : ".");
            return;
        }
        *slash = '\0';
    }
}

static void folder(struct doctor *d, const char *path, const char *what, const char *remedy)
{
    char at[PATH_MAX];
    struct statvfs v;
    nearest_folder(path, at);
    if (access(at, W_OK)) {
        doctor_add(d, FINDING_MISSING, remedy, "%s in '%s' cannot be written: %s", what, path, strerror(errno));
        return;
    }
    if (statvfs(at, &v))
        return;
    double gb = (double)v.f_bavail * (double)v.f_frsize / 1e9;
    doctor_add(d, gb < 1 ? FINDING_NOTE : FINDING_OK, NULL, "%s in '%s', %.*f GB free%s", what, path, gb < 10, gb,
               gb < 1 ? ": make room" : "");
}

void doctor_runs_folder(struct doctor *d)
{
    folder(d, "runs", "runs of ipw started here:",
           "Start it in a folder of yours, or name one:\n    ipw profile -m MODEL --output-dir DIR");
}

void doctor_data_folder(struct doctor *d)
{
    char dir[PATH_MAX];
    cli_data_dir("", dir);
    if (*dir)
        folder(d, dir, "question sets and models that are pulled:", "Name another:\n    export IPW_DATA=/where/they/go");
    else
        doctor_add(d, FINDING_MISSING, "Name one:\n    export IPW_DATA=/where/they/go",
                   "no folder for question sets and models: HOME is not set");
}

/* ---- other programs of this name ---- */

/* The first line of a script, or "". */
static bool is_python(const char *path)
{
    char head[256] = "";
    FILE *f = fopen(path, "re");
    if (!f)
        return false;
    size_t n = fread(head, 1, sizeof head - 1, f);
    fclose(f);
    head[n] = '\0';
    return ipw_starts(head, "#!") && strstr(head, "python");
}

struct on_path {
    char first[PATH_MAX], other[PATH_MAX];
    bool first_is_mine, ipwc;
};

static void look_in(const char *dir, const struct stat *mine, struct on_path *p)
{
    char path[PATH_MAX];
    struct stat st;
    if (snprintf(path, sizeof path, "%s/ipwc", dir) < (int)sizeof path && !access(path, X_OK))
        p->ipwc = true;
    if (snprintf(path, sizeof path, "%s/ipw", dir) >= (int)sizeof path || access(path, X_OK) || stat(path, &st) ||
        !S_ISREG(st.st_mode))
        return;
    bool same = st.st_dev == mine->st_dev && st.st_ino == mine->st_ino;
    if (!*p->first) {
        snprintf(p->first, sizeof p->first, "%s", path);
        p->first_is_mine = same;
    }
    if (!same && !*p->other)
        snprintf(p->other, sizeof p->other, "%s", path);
}

void doctor_path(struct doctor *d)
{
    struct on_path p = {0};
    struct stat mine = {0};
    char *list = ipw_strdup(cli_setting("PATH")), *save;
    if (stat("/proc/self/exe", &mine))
        mine = (struct stat){0};
    for (char *dir = strtok_r(list, ":", &save); dir; dir = strtok_r(NULL, ":", &save))
        look_in(dir, &mine, &p);
    free(list);
    if (*p.other && is_python(p.other))
        doctor_add(d, FINDING_NOTE, p.ipwc ? "This one, whatever comes first:\n    ipwc doctor" : NULL,
                   "'%s' is another program, the Python ipw of arXiv 2511.07885%s: it asks servers and logs to Python "
                   "tables, this one computes in-process and from counters; their results share keys",
                   p.other, p.first_is_mine ? " (behind this one)" : ", and comes first");
    else if (*p.other)
        doctor_add(d, FINDING_NOTE, p.ipwc ? "This one, whatever comes first:\n    ipwc doctor" : NULL,
                   "'%s' is another build%s", p.other, p.first_is_mine ? " (behind this one)" : ", and comes first");
    else
        doctor_add(d, FINDING_OK, NULL, *p.first ? "'%s', and no other of that name" : "not on PATH, nor another of that name",
                   p.first);
}

/* ---- the sandbox ---- */

/* What installs a package, by ID or ID_LIKE of /etc/os-release. */
static const char *install(const char *package, char *out, size_t size)
{
    static const struct {
        const char *like, *command;
    } known[] = {{"debian", "apt-get install"}, {"ubuntu", "apt-get install"}, {"fedora", "dnf install"}, {"rhel", "dnf install"},
                 {"arch", "pacman -S"},         {"suse", "zypper install"},    {"alpine", "apk add"}};
    struct ipw_buf text = IPW_BUF_INIT;
    struct ipw_err ignored;
    snprintf(out, size, "Install the package %s", package);
    if (!fs_read("/etc/os-release", 1 << 16, &text, &ignored))
        for (const char *p = text.s; p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL)
            for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
                const char *at = ipw_starts(p, "ID") ? strstr(p, known[i].like) : NULL;
                if (at && at < p + strcspn(p, "\n"))
                    snprintf(out, size, "Install it:\n    sudo %s %s", known[i].command, package);
            }
    ipw_buf_release(&text);
    return out;
}

/* The switch of the kernel that forbids it, if one does. */
static const char *allow_bwrap(const struct doctor *d)
{
    static const struct {
        const char *path, *value, *remedy;
    } switches[] = {
        {"/proc/sys/kernel/unprivileged_userns_clone", "0",
         "The kernel forbids user namespaces; for this boot:\n    sudo sysctl kernel.unprivileged_userns_clone=1"},
        {"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1",
         "AppArmor forbids user namespaces; for this boot:\n    sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0"},
    };
    char text[16];
    for (size_t i = 0; i < sizeof switches / sizeof switches[0]; i++)
        if (ipw_env_read(&d->cli->env, switches[i].path, text, sizeof text) > 0 && !strcmp(text, switches[i].value))
            return switches[i].remedy;
    return "In a container, allow it:\n    --security-opt seccomp=unconfined";
}

/* By the scorers' own sandbox, so that what is said here is what they find. */
void doctor_sandbox(struct doctor *d)
{
    static const char unscored[] = "answers that are programs cannot be run shut in, so they stay unscored";
    const char *what;
    char text[128];
    struct sandbox *s = sandbox_open();
    switch (sandbox_lack(s, &what)) {
    case SANDBOX_LACKS_NOTHING:
        doctor_add(d, FINDING_OK, NULL, "bwrap works: answers that are programs can be run shut in");
        break;
    case SANDBOX_LACKS_BWRAP:
        doctor_add(d, FINDING_NOTE, install("bubblewrap", text, sizeof text), "no bwrap: %s", unscored);
        break;
    case SANDBOX_LACKS_PYTHON:
        doctor_add(d, FINDING_NOTE, install("python3", text, sizeof text), "no python3 in /usr/bin: %s", unscored);
        break;
    case SANDBOX_LACKS_LEAVE:
        doctor_add(d, FINDING_NOTE, allow_bwrap(d), "bwrap is not allowed to work (%s): %s", what, unscored);
        break;
    case SANDBOX_LACKS_LIMIT:
        doctor_add(d, FINDING_NOTE, "Run ipw as an ordinary user", "%s: %s", what, unscored);
        break;
    }
    sandbox_close(s);
}
