/* fake_powercap MOUNTPOINT [options]: a FUSE tree that stands for /sys (use MOUNTPOINT as IPW_SYSFS_ROOT) with RAPL
 * zones whose energy is computed at each read from the closed form of curve.h. MOUNTPOINT/truth_epoch holds the
 * CLOCK_MONOTONIC_RAW ns of the start. Prints "ready" when mounted; SIGTERM unmounts. */
#define FUSE_USE_VERSION 31
#include <fuse.h>

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fakes/rapl_model.h"

enum { MAX_NODES = 64, MAX_OPEN = 4096 };

struct node {
    char path[96];
    char text[48]; /* fixed content; "" when counter */
    int zone;      /* enum rapl_zone, -1: fixed */
    bool folder;
};

static struct rapl_model model = RAPL_MODEL_DEFAULT;
static struct node nodes[MAX_NODES];
static int n_nodes;
static int64_t epoch_ns;

static int64_t since_start(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec - epoch_ns;
}

static struct node *add(const char *path, bool folder, int zone)
{
    if (n_nodes == MAX_NODES)
        abort();
    struct node *n = &nodes[n_nodes++];
    snprintf(n->path, sizeof n->path, "%s", path);
    n->folder = folder;
    n->zone = zone;
    return n;
}

static void add_zone(const char *name, const char *label, int zone, uint64_t range_uj)
{
    char path[96];
    snprintf(path, sizeof path, "/class/powercap/%s", name);
    add(path, true, -1);
    const struct {
        const char *file;
        uint64_t value;
    } numbers[] = {{"max_energy_range_uj", range_uj}, {"constraint_0_max_power_uw", 100000000}};
    snprintf(path, sizeof path, "/class/powercap/%s/name", name);
    struct node *n = add(path, false, -1);
    snprintf(n->text, sizeof n->text, "%s\n", label);
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "/class/powercap/%s/%s", name, numbers[i].file);
        n = add(path, false, -1);
        snprintf(n->text, sizeof n->text, "%llu\n", (unsigned long long)numbers[i].value);
    }
    snprintf(path, sizeof path, "/class/powercap/%s/energy_uj", name);
    add(path, false, zone);
}

static const struct node *find(const char *path)
{
    for (int i = 0; i < n_nodes; i++)
        if (!strcmp(nodes[i].path, path))
            return &nodes[i];
    return NULL;
}

/* A zone that is away has no entries. */
static const struct node *find_now(const char *path)
{
    bool away = strstr(path, "/intel-rapl") && rapl_in(&model.vanish, since_start());
    return away ? NULL : find(path);
}

static int fs_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
    (void)fi;
    const struct node *n = fi ? find(path) : find_now(path);
    if (!n)
        return -ENOENT;
    memset(st, 0, sizeof *st);
    st->st_mode = n->folder ? S_IFDIR | 0755 : S_IFREG | 0444;
    st->st_nlink = 1;
    st->st_size = n->folder ? 0 : 4096;
    return 0;
}

static int fs_readdir(const char *path, void *buf, fuse_fill_dir_t fill, off_t off,
                      struct fuse_file_info *fi, enum fuse_readdir_flags flags)
{
    (void)off;
    (void)fi;
    (void)flags;
    size_t len = strcmp(path, "/") ? strlen(path) : 0;
    fill(buf, ".", NULL, 0, 0);
    fill(buf, "..", NULL, 0, 0);
    for (int i = 0; i < n_nodes; i++) {
        const char *p = nodes[i].path;
        if (!strncmp(p, path, len) && p[len] == '/' && p[len + 1] && !strchr(p + len + 1, '/') &&
            find_now(p))
            fill(buf, p + len + 1, NULL, 0, 0);
    }
    return 0;
}

static int fs_open(const char *path, struct fuse_file_info *fi)
{
    const struct node *n = find_now(path);
    if (!n)
        return -ENOENT;
    int64_t t = since_start();
    int rc = n->zone < 0 ? 0 : rapl_open(&model, t);
    fi->direct_io = 1;
    fi->fh = (uint64_t)t;
    return -rc;
}

static int fs_read(const char *path, char *buf, size_t size, off_t off, struct fuse_file_info *fi)
{
    const struct node *n = find(path);
    char text[48];
    if (!n)
        return -ENOENT;
    if (n->zone < 0) {
        snprintf(text, sizeof text, "%s", n->text);
    } else {
        uint64_t uj;
        int rc = rapl_read(&model, (enum rapl_zone)n->zone, (int64_t)fi->fh, since_start(), &uj);
        if (model.slow_ns) {
            struct timespec ts = {model.slow_ns / 1000000000, model.slow_ns % 1000000000};
            nanosleep(&ts, NULL);
        }
        if (rc)
            return -rc;
        snprintf(text, sizeof text, "%llu\n", (unsigned long long)uj);
    }
    size_t len = strlen(text);
    if (off < 0 || (size_t)off >= len)
        return 0;
    size = size < len - (size_t)off ? size : len - (size_t)off;
    memcpy(buf, text + off, size);
    return (int)size;
}

static void *fs_init(struct fuse_conn_info *conn, struct fuse_config *cfg)
{
    (void)conn;
    cfg->attr_timeout = cfg->entry_timeout = cfg->negative_timeout = 0;
    cfg->nullpath_ok = 0;
    return NULL;
}

static const struct fuse_operations ops = {
    .init = fs_init,
    .getattr = fs_getattr,
    .readdir = fs_readdir,
    .open = fs_open,
    .read = fs_read,
};

enum opt {
    LOW = 256, HIGH, PERIOD, RANGE, NEAR_WRAP, RESET, STALL, SLOW, VANISH, EACCES_AT, EIO_EVERY,
    PACKAGES, MMIO, PSYS, ON_SIGNAL,
};

static const struct option options[] = {
    {"low", 1, 0, LOW},
    {"high", 1, 0, HIGH},
    {"period-s", 1, 0, PERIOD},
    {"range-uj", 1, 0, RANGE},
    {"start-near-wrap", 1, 0, NEAR_WRAP},
    {"reset-at", 1, 0, RESET},
    {"stall-at", 1, 0, STALL},
    {"slow-ms", 1, 0, SLOW},
    {"vanish-at", 1, 0, VANISH},
    {"eacces-at", 1, 0, EACCES_AT},
    {"eio-every", 1, 0, EIO_EVERY},
    {"packages", 1, 0, PACKAGES},
    {"mmio", 0, 0, MMIO},
    {"psys", 0, 0, PSYS},
    {"on-signal", 0, 0, ON_SIGNAL},
    {0, 0, 0, 0},
};

static int usage(void)
{
    fputs("usage: fake_powercap MOUNTPOINT [--low W] [--high W] [--period-s S] [--range-uj R]\n"
          "  [--start-near-wrap J] [--reset-at S] [--stall-at S:DUR] [--slow-ms N] [--vanish-at S[:DUR]]\n"
          "  [--eacces-at S[:DUR]] [--eio-every N] [--packages 1|2] [--mmio] [--psys] [--on-signal]\n",
          stderr);
    return 2;
}

static int64_t ns(double s)
{
    return llround(s * 1e9);
}

static struct fault fault_of(const char *text)
{
    char *end;
    double at = strtod(text, &end);
    return (struct fault){ns(at), *end == ':' ? ns(strtod(end + 1, NULL)) : INT64_MAX};
}

/* --on-signal: the times of faults count from SIGUSR1, so that a test can put them where its run is. */
static struct rapl_model armed = RAPL_MODEL_DEFAULT;

static void on_usr1(int sig)
{
    (void)sig;
    int64_t now = since_start();
    struct fault *const to[] = {&model.stall, &model.vanish, &model.eacces};
    const struct fault *const from[] = {&armed.stall, &armed.vanish, &armed.eacces};
    for (int i = 0; i < 3; i++)
        if (from[i]->at >= 0)
            *to[i] = (struct fault){now + from[i]->at, from[i]->len};
    if (armed.reset_at >= 0)
        model.reset_at = now + armed.reset_at;
}

static void wait_for_signal(void)
{
    armed = model;
    model.stall.at = model.vanish.at = model.eacces.at = model.reset_at = -1;
    struct sigaction a = {.sa_handler = on_usr1, .sa_flags = SA_RESTART};
    sigemptyset(&a.sa_mask);
    sigaction(SIGUSR1, &a, NULL);
}

static void build_tree(int packages, bool mmio, bool psys)
{
    add("/", true, -1);
    add("/class", true, -1);
    add("/class/powercap", true, -1);
    add("/class/powercap/intel-rapl", true, -1);
    for (int i = 0; i < packages; i++) {
        char zone[32], label[32];
        snprintf(zone, sizeof zone, "intel-rapl:%d", i);
        snprintf(label, sizeof label, "package-%d", i);
        add_zone(zone, label, RAPL_PACKAGE, model.range_uj);
        snprintf(zone, sizeof zone, "intel-rapl:%d:0", i);
        add_zone(zone, "dram", RAPL_DRAM, model.range_uj);
    }
    if (psys)
        add_zone("intel-rapl:a", "psys", RAPL_PSYS, model.range_uj);
    if (mmio)
        add_zone("intel-rapl-mmio:0", "package-0", RAPL_PACKAGE, model.range_uj);
    struct node *n = add("/truth_epoch", false, -1);
    snprintf(n->text, sizeof n->text, "%lld\n", (long long)epoch_ns);
}

static int serve(const char *program, const char *mountpoint)
{
    char *argv[] = {strdup(program), NULL};
    struct fuse_args args = FUSE_ARGS_INIT(1, argv);
    struct fuse *f = fuse_new(&args, &ops, sizeof ops, NULL);
    int rc = 1;
    if (f && fuse_mount(f, mountpoint) == 0) {
        if (fuse_set_signal_handlers(fuse_get_session(f)) == 0) {
            puts("ready");
            fflush(stdout);
            rc = fuse_loop_mt(f, 0) < 0;
            fuse_remove_signal_handlers(fuse_get_session(f));
        }
        fuse_unmount(f);
    }
    if (f)
        fuse_destroy(f);
    fuse_opt_free_args(&args);
    free(argv[0]);
    return rc;
}

int main(int argc, char **argv)
{
    double near_wrap = -1;
    int packages = 1, c;
    bool mmio = false, psys = false, on_signal = false;
    while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
        double x = optarg ? strtod(optarg, NULL) : 0;
        switch (c) {
        case LOW:
            model.curve.low_w = x;
            break;
        case HIGH:
            model.curve.high_w = x;
            break;
        case PERIOD:
            model.curve.period_ns = ns(x);
            break;
        case RANGE:
            model.range_uj = strtoull(optarg, NULL, 10);
            break;
        case NEAR_WRAP:
            near_wrap = x;
            break;
        case RESET:
            model.reset_at = ns(x);
            break;
        case STALL:
            model.stall = fault_of(optarg);
            break;
        case SLOW:
            model.slow_ns = ns(x / 1000);
            break;
        case VANISH:
            model.vanish = fault_of(optarg);
            break;
        case EACCES_AT:
            model.eacces = fault_of(optarg);
            break;
        case EIO_EVERY:
            model.eio_every = strtoull(optarg, NULL, 10);
            break;
        case PACKAGES:
            packages = (int)x;
            break;
        case MMIO:
            mmio = true;
            break;
        case PSYS:
            psys = true;
            break;
        case ON_SIGNAL:
            on_signal = true;
            break;
        default:
            return usage();
        }
    }
    if (on_signal)
        wait_for_signal();
    if (optind + 1 != argc || packages < 1 || packages > 2 || model.curve.period_ns < 2)
        return usage();
    if (near_wrap >= 0)
        model.start_j = (double)rapl_modulus(&model) * 1e-6 - near_wrap;
    epoch_ns = since_start(); /* epoch_ns is 0 until here */
    build_tree(packages, mmio, psys);
    return serve(argv[0], argv[optind]);
}
