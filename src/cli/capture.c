#include "cli/capture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/meter.h"
#include "cli/scrub.h"

enum {
    FILE_BYTES = 64 << 10,
    TREE_BYTES = 4 << 20,
    TREE_FILES = 20000,
    LONG_BYTES = 16 << 20, /* /proc/cpuinfo before it is condensed */
    READING_BYTES = 32 << 20,
};
#define TICK_NS ((int64_t)50000000)

/* What collectors may want on another day, besides what they opened now. A component may be a pattern. */
static const char *const wanted[] = {
    "/sys/class/powercap/*/enabled",
    "/sys/class/powercap/*/name",
    "/sys/class/powercap/*/*_uj",
    "/sys/class/powercap/*/*_uw",
    "/sys/class/powercap/*/constraint_*_name",
    "/sys/class/hwmon/*/name",
    "/sys/class/hwmon/*/[pecit]*[0-9]_*", /* power, energy, curr, in, temp */
    "/sys/class/hwmon/*/update_interval",
    "/sys/class/hwmon/*/device/uevent",
    "/sys/class/hwmon/*/device/vendor",
    "/sys/class/hwmon/*/device/device",
    "/sys/class/drm/card*/device/vendor",
    "/sys/class/drm/card*/device/device",
    "/sys/class/drm/card*/device/class",
    "/sys/class/drm/card*/device/uevent",
    "/sys/class/drm/card*/device/unique_id",
    "/sys/class/drm/card*/device/gpu_metrics",
    "/sys/class/drm/card*/device/gpu_busy_percent",
    "/sys/class/drm/card*/device/mem_info_vram_*",
    "/sys/class/drm/card*/device/hwmon/*/name",
    "/sys/class/drm/card*/device/hwmon/*/[pecitf]*[0-9]_*",
    "/sys/class/power_supply/*/type",
    "/sys/class/power_supply/*/scope",
    "/sys/class/power_supply/*/status",
    "/sys/class/power_supply/*/online",
    "/sys/class/power_supply/*/present",
    "/sys/class/power_supply/*/*_now",
    "/sys/class/power_supply/*/*_full*",
    "/sys/class/power_supply/*/capacity",
    "/sys/class/power_supply/*/technology",
    "/sys/class/power_supply/*/manufacturer",
    "/sys/class/power_supply/*/model_name",
    "/sys/class/power_supply/*/serial_number",
    "/sys/class/power_supply/*/device/uevent",
    "/sys/bus/event_source/devices/power*/type",
    "/sys/bus/event_source/devices/power*/cpumask",
    "/sys/bus/event_source/devices/power*/events/*",
    "/sys/bus/event_source/devices/power*/format/*",
    "/sys/devices/system/cpu/online",
    "/sys/devices/system/cpu/possible",
    "/sys/devices/system/cpu/cpu[0-9]*/topology/*_id",
    "/sys/devices/system/cpu/cpu[0-9]*/topology/thread_siblings_list",
    "/proc/cpuinfo",
    "/proc/stat",
    "/proc/driver/nvidia/version",
    "/proc/sys/kernel/perf_event_paranoid",
    "/proc/device-tree/model",
    "/proc/device-tree/compatible",
};

static const char readme[] =
    "What `ipw sensors --capture` saw on a machine, so that its counters can be replayed elsewhere.\n\n"
    "tree/            /sys (tree/A is /sys/A) and /proc (tree/proc) as far as ipw looks at them\n"
    "sensors.json     ipw sensors -o json\n"
    "readings.jsonl   20 readings a second of every channel; times in ns since the machine was started\n"
    "denied.txt       files that could not be read, with their mode and errno. Where that was EACCES the copy is empty and\n"
    "                 has mode 0000; it must keep that mode to say 'denied' again (root may read it all the same)\n\n"
    "Replay: IPW_SYSFS_ROOT=$PWD/tree IPW_PROC_ROOT=$PWD/tree/proc ipw sensors\n\n"
    "Counters stand still in a replay. Perf events and libraries (NVML, IOReport) are no files: only their readings are\n"
    "here. Serial numbers, UUIDs, MAC addresses and the host's name are replaced by digits of a salted hash. Look through\n"
    "the files before you share them.\n";

struct names {
    char **v;
    size_t n, cap;
};

struct capture {
    const struct ipw_env *env; /* the machine */
    struct names opened, listed;
    const char *dir;
    struct scrub scrub;
    struct ipw_buf notes;
    size_t files, bytes, readings;
    bool full, learning;
    int rc;
    struct ipw_err *err; /* of rc */
};

/* ---- what collectors look at ---- */

static void add_name(struct names *l, const char *name)
{
    IPW_GROW(l->v, l->n, l->cap);
    l->v[l->n++] = ipw_strdup(name);
}

static void names_release(struct names *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->v[i]);
    free(l->v);
}

static int watch_open(const struct ipw_env *env, const char *path)
{
    struct capture *c = env->ud;
    add_name(&c->opened, path);
    return c->env->io->open(c->env, path);
}

static int watch_list(const struct ipw_env *env, const char *path, void (*fn)(const char *name, void *ud), void *ud)
{
    struct capture *c = env->ud;
    add_name(&c->listed, path);
    return c->env->io->list(c->env, path, fn, ud);
}

/* ---- copies ---- */

/* The copy's path, false for what is not copied: other roots, and names that could lead out of the folder. */
static bool copy_path(const struct capture *c, const char *path, char *out, size_t size)
{
    const char *rest = ipw_starts(path, "/sys/") ? path + 4 : ipw_starts(path, "/proc/") ? path : NULL;
    if (!rest || strstr(path, "/../") || ipw_ends(path, "/.."))
        return false;
    struct ipw_buf clean = IPW_BUF_INIT; /* folders of HID devices are named after a MAC address or a serial number */
    scrub_path(&c->scrub, rest, &clean);
    bool fits = (size_t)snprintf(out, size, "%s/tree%s", c->dir, clean.s) < size;
    ipw_buf_release(&clean);
    return fits;
}

static bool stat_of(const struct capture *c, const char *path, struct stat *st)
{
    char real[PATH_MAX];
    ipw_env_path(c->env, path, real, sizeof real);
    return !stat(real, st);
}

static void make_folder(struct capture *c, const char *path)
{
    if (!c->rc && (c->rc = fs_mkdirs(path, c->err)))
        ipw_err_set(c->err, c->rc, "cannot make folder '%.400s'; choose another with --capture DIR", path);
}

static void write_file(struct capture *c, const char *path, const char *text, size_t n, mode_t mode)
{
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%.*s", (int)(fs_basename(path) - path - 1), path);
    make_folder(c, folder);
    if (c->rc)
        return;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    ssize_t k = 0;
    for (size_t at = 0; fd >= 0 && k >= 0 && at < n; at += k > 0 ? (size_t)k : 0)
        k = write(fd, text + at, n - at);
    if (fd < 0 || k < 0 || (mode != 0644 && fchmod(fd, mode)))
        c->rc = ipw_err_set(c->err, IPW_E_IO, "cannot write '%.400s': %s; choose another folder with --capture DIR", path,
                            fs_reason(errno));
    if (fd >= 0)
        close(fd);
}

/* Reads up to max bytes; 0 or an errno. */
static int read_whole(const struct capture *c, const char *path, size_t max, struct ipw_buf *out)
{
    int fd = c->env->io->open(c->env, path), e = fd < 0 ? errno : 0;
    while (fd >= 0 && out->len < max) {
        char part[16384];
        ssize_t n = c->env->io->pread(c->env, fd, part, sizeof part, (off_t)out->len);
        if (n <= 0) {
            e = n < 0 ? errno : 0;
            break;
        }
        ipw_buf_add(out, part, (size_t)n);
    }
    if (fd >= 0)
        c->env->io->close(c->env, fd);
    return e;
}

/* A big machine's /proc/cpuinfo: of all processors but the first only what tells them apart. */
static void condense(struct ipw_buf *b)
{
    static const char *const keys[] = {"processor", "physical id", "core id", "siblings", "cpu cores", "CPU part"};
    struct ipw_buf out = IPW_BUF_INIT;
    int seen = 0;
    for (const char *p = b->s; *p;) {
        size_t n = strcspn(p, "\n"), next = n + (p[n] == '\n');
        bool keep = !n;
        seen += ipw_starts(p, "processor");
        for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
            keep |= ipw_starts(p, keys[i]);
        if (seen <= 1 || keep)
            ipw_buf_add(&out, p, next);
        p += next;
    }
    ipw_buf_release(b);
    *b = out;
}

static void note(struct capture *c, const char *path, const struct stat *st, int e)
{
    ipw_buf_addf(&c->notes, "%s: mode %04o, errno %d (%s)\n", path, (unsigned)st->st_mode & 07777, e, strerror(e));
}

/* Secrets stand in files of these names; a number that a collector reads is none. */
static void learn(struct capture *c, const char *path)
{
    static const char *const names[] = {"uevent", "serial_number", "unique_id", "serial", "uuid"};
    struct ipw_buf text = IPW_BUF_INIT;
    struct stat st;
    bool wanted_name = false;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        wanted_name |= ipw_streq(fs_basename(path), names[i]);
    if (wanted_name && stat_of(c, path, &st) && S_ISREG(st.st_mode) && !read_whole(c, path, FILE_BYTES, &text))
        scrub_learn(&c->scrub, fs_basename(path), text.s, text.len);
    ipw_buf_release(&text);
}

static void copy(struct capture *c, const char *path)
{
    if (c->learning) {
        learn(c, path);
        return;
    }
    char to[PATH_MAX];
    struct stat st, there;
    if (c->rc || c->full || !copy_path(c, path, to, sizeof to) || !stat_of(c, path, &st) || !S_ISREG(st.st_mode) ||
        !lstat(to, &there))
        return;
    struct ipw_buf text = IPW_BUF_INIT, clean = IPW_BUF_INIT;
    bool cpuinfo = ipw_streq(path, "/proc/cpuinfo");
    int e = read_whole(c, path, cpuinfo ? LONG_BYTES : FILE_BYTES + 1, &text);
    if (e == ENOENT || e == ENODEV) /* gone in the meantime */
        goto out;
    if (cpuinfo && text.len > FILE_BYTES)
        condense(&text);
    if (text.len > FILE_BYTES) {
        ipw_buf_addf(&c->notes, "%s: cut at %d bytes\n", path, FILE_BYTES);
        text.s[text.len = FILE_BYTES] = '\0';
    }
    if (c->files >= TREE_FILES || c->bytes + text.len > TREE_BYTES) {
        ipw_buf_addf(&c->notes, "%s: left out, with all after it: the tree is full\n", path);
        c->full = true;
        goto out;
    }
    if (e) {
        note(c, path, &st, e);
        ipw_buf_clear(&text);
    }
    scrub_text(&c->scrub, fs_basename(path), text.s, text.len, &clean);
    write_file(c, to, clean.s, clean.len, e == EACCES || e == EPERM ? 0 : 0644);
    c->files++;
    c->bytes += clean.len;
out:
    ipw_buf_release(&text);
    ipw_buf_release(&clean);
}

static void on_name(const char *name, void *ud)
{
    if (!strchr(name, '/'))
        add_name(ud, name);
}

/* A listed folder is there with all its folders, also those without a file: their names and number are what is seen. What
 * is a link to nowhere stands as a folder. Processes come and go, so /proc itself is not listed. */
static void copy_listing(struct capture *c, const char *path)
{
    char to[PATH_MAX], child[PATH_MAX];
    struct names names = {0};
    struct stat st;
    if (!ipw_streq(path, "/proc") && copy_path(c, path, to, sizeof to) &&
        !c->env->io->list(c->env, path, on_name, &names)) {
        make_folder(c, to);
        for (size_t i = 0; i < names.n && !c->rc && c->files < TREE_FILES; i++) {
            if ((size_t)snprintf(child, sizeof child, "%s/%s", path, names.v[i]) >= sizeof child ||
                (stat_of(c, child, &st) && !S_ISDIR(st.st_mode)) || !copy_path(c, child, to, sizeof to))
                continue;
            make_folder(c, to);
            c->files++;
        }
    }
    names_release(&names);
}

static bool is_display(const struct capture *c, const char *folder)
{
    char path[PATH_MAX], class[32];
    snprintf(path, sizeof path, "%s/class", folder);
    return ipw_env_read(c->env, path, class, sizeof class) > 0 && ipw_starts(class, "0x03");
}

/* Copies every file that `rest` (components, some of them patterns) matches below `path`. */
static void copy_matches(struct capture *c, const char *path, const char *rest)
{
    char part[NAME_MAX + 1], next[PATH_MAX];
    size_t n = strcspn(rest, "/");
    const char *after = rest + n + (rest[n] == '/');
    struct names names = {0};
    snprintf(part, sizeof part, "%.*s", (int)n, rest);
    if (!strpbrk(part, "*["))
        add_name(&names, part);
    else if (c->env->io->list(c->env, path, on_name, &names))
        names.n = 0;
    for (size_t i = 0; i < names.n && !c->rc; i++) {
        if (fnmatch(part, names.v[i], 0) || (size_t)snprintf(next, sizeof next, "%s/%s", path, names.v[i]) >= sizeof next)
            continue;
        if (*after)
            copy_matches(c, next, after);
        else
            copy(c, next);
    }
    names_release(&names);
}

static void copy_displays(struct capture *c)
{
    static const char *const files[] = {"vendor", "device", "class", "uevent"};
    static const char devices[] = "/sys/bus/pci/devices";
    struct names names = {0};
    char path[PATH_MAX];
    if (!c->env->io->list(c->env, devices, on_name, &names))
        for (size_t i = 0; i < names.n; i++) {
            snprintf(path, sizeof path, "%s/%s", devices, names.v[i]);
            size_t len = strlen(path);
            for (size_t k = 0; is_display(c, path) && k < sizeof files / sizeof files[0]; k++) {
                snprintf(path + len, sizeof path - len, "/%s", files[k]);
                copy(c, path);
                path[len] = '\0';
            }
        }
    names_release(&names);
}

static void copy_files(struct capture *c)
{
    for (size_t i = 0; i < c->opened.n; i++)
        copy(c, c->opened.v[i]);
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        copy_matches(c, "", wanted[i] + 1);
    copy_displays(c);
}

static void copy_tree(struct capture *c)
{
    c->learning = true; /* all secrets first: any folder may be named after one */
    copy_files(c);
    c->learning = false;
    copy_files(c);
    for (size_t i = 0; i < c->listed.n; i++)
        copy_listing(c, c->listed.v[i]);
}

/* ---- readings ---- */

static void add_reading(struct ipw_buf *out, const char *id_json, const struct energy_reading *r)
{
    char raw[32] = "null";
    if (!r->status)
        snprintf(raw, sizeof raw, "%" PRIu64, r->raw);
    ipw_buf_addf(out, "{\"t_before\":%" PRId64 ",\"t_after\":%" PRId64 ",\"id\":%s,\"raw\":%s,\"status\":%" PRId32 "}\n",
                 r->t_before, r->t_after, id_json, raw, r->status);
}

static char **quote_ids(const struct energy_channel *ch, size_t n)
{
    char **ids = ipw_calloc(n + 1, sizeof *ids);
    struct json_out *o = json_out_new();
    for (size_t i = 0; i < n; i++) {
        json_node *list = json_new_arr(o);
        json_put_str(o, list, NULL, ch[i].id);
        char *text = json_write(o, list, false); /* ["id"] */
        ids[i] = ipw_strndup(text + 1, strlen(text) - 2);
        free(text);
    }
    json_out_free(o);
    return ids;
}

static void record(struct capture *c, const struct meter *m, double seconds, const _Atomic int *signals, struct ipw_buf *out)
{
    size_t n;
    const struct energy_channel *ch = meter_channels(m, &n);
    char **ids = quote_ids(ch, n);
    int64_t next = ipw_now(c->env), end = next + (int64_t)(seconds * 1e9);
    while (next <= end && !atomic_load(signals) && out->len < READING_BYTES) {
        for (size_t i = 0; i < n; i++) {
            struct energy_reading r;
            if (ch[i].status != ENERGY_CHANNEL_OK)
                continue;
            meter_read(m, i, &r);
            add_reading(out, ids[i], &r);
            c->readings++;
        }
        int64_t now = ipw_now(c->env);
        next = next + TICK_NS > now ? next + TICK_NS : now; /* slow sources: as often as they answer */
        while (ipw_now(c->env) < next && !atomic_load(signals))
            c->env->clock->sleep_until(c->env, next);
    }
    for (size_t i = 0; i < n; i++)
        free(ids[i]);
    free(ids);
}

/* ---- the whole ---- */

static void put(struct capture *c, const char *name, const struct ipw_buf *text)
{
    char path[PATH_MAX];
    struct ipw_buf clean = IPW_BUF_INIT;
    if ((size_t)snprintf(path, sizeof path, "%s/%s", c->dir, name) >= sizeof path)
        c->rc = ipw_err_set(c->err, IPW_E_INPUT, "path '%.300s' is too long; choose a shorter one", c->dir);
    scrub_text(&c->scrub, name, text->s, text->len, &clean);
    if (!c->rc)
        write_file(c, path, clean.s, clean.len, 0644);
    ipw_buf_release(&clean);
}

static int prepare(struct capture *c, struct ipw_err *err)
{
    int rc = fs_mkdirs(c->dir, err);
    DIR *d = rc ? NULL : opendir(c->dir);
    size_t names = 0;
    while (d && readdir(d))
        names++;
    if (rc || !d)
        return ipw_err_set(err, IPW_E_ENV, "cannot make folder '%.300s': %s; choose another with --capture DIR", c->dir,
                           rc ? "no permission, or a file is in the way" : strerror(errno));
    closedir(d);
    if (names > 2)
        return ipw_err_set(err, IPW_E_INPUT, "folder '%.300s' is not empty; name a new one: --capture DIR", c->dir);
    unsigned char salt[16];
    if (getentropy(salt, sizeof salt))
        return ipw_err_set(err, IPW_E_ENV, "no random numbers to hash names with: %s; try again", strerror(errno));
    for (size_t i = 0; i < sizeof salt; i++)
        snprintf(c->scrub.salt + 2 * i, 3, "%02x", salt[i]);
    if (gethostname(c->scrub.host, sizeof c->scrub.host - 1))
        c->scrub.host[0] = '\0';
    return 0;
}

int capture(const struct cli *cli, const char *dir, double seconds,
            void (*as_json)(const struct meter *m, struct ipw_buf *out), struct ipw_err *err)
{
    struct ipw_io io = *cli->env.io;
    io.open = watch_open;
    io.list = watch_list;
    struct capture c = {.env = &cli->env, .dir = dir, .err = err, .notes = IPW_BUF_INIT};
    struct cli watched = *cli; /* the same machine, but what is opened and listed is remembered */
    struct ipw_buf json = IPW_BUF_INIT, readings = IPW_BUF_INIT, said = IPW_BUF_INIT, about = IPW_BUF_INIT;
    struct meter *m = NULL;
    watched.env.io = &io;
    watched.env.ud = &c;
    if (!(c.rc = prepare(&c, err)) &&
        !(c.rc = cli_meter_open(&m, &watched, &(struct cli_meter){0}, err))) {
        as_json(m, &json);
        copy_tree(&c);
        cli_say("recording for %g s into %s", seconds, dir);
        record(&c, m, seconds, cli->signals, &readings);
        ipw_buf_adds(&about, readme);
        put(&c, "sensors.json", &json);
        put(&c, "readings.jsonl", &readings);
        put(&c, "denied.txt", &c.notes);
        put(&c, "README", &about);
    }
    meter_close(m);
    if (!c.rc && atomic_load(cli->signals))
        c.rc = ipw_err_set(err, IPW_E_INTERRUPTED, "interrupted; '%.300s' holds what was read until then", dir);
    ipw_buf_addf(&said, "%zu files and %zu readings in %s\nSerial numbers and names are hashed; look through it before you "
                 "share it.\n", c.files, c.readings, dir);
    if (!c.rc && cli_print(said.s, said.len))
        c.rc = ipw_err_set(err, IPW_E_IO, "the result could not be printed; '%.300s' is complete", dir);
    scrub_release(&c.scrub);
    names_release(&c.opened);
    names_release(&c.listed);
    ipw_buf_release(&c.notes);
    ipw_buf_release(&json);
    ipw_buf_release(&readings);
    ipw_buf_release(&about);
    ipw_buf_release(&said);
    return c.rc;
}
