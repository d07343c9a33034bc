#include "fakes/fakefs.h"
#include "fakes/fixtures/gpu_metrics.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define P "class/powercap/"
#define PKG_RANGE "262143328850\n"
#define CPU_XEON                                                                                   \
    "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 85\n"                  \
    "model name\t: Intel(R) Xeon(R) Gold 6230 CPU @ 2.10GHz\nstepping\t: 7\n"                      \
    "flags\t\t: fpu vme msr rdrand\n\nprocessor\t: 1\nvendor_id\t: GenuineIntel\n"
#define CPU_AMD                                                                                    \
    "processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 1\n"                  \
    "model name\t: AMD EPYC 7763 64-Core Processor\nstepping\t: 1\nflags\t\t: fpu msr\n"
#define CPU_SGX                                                                                    \
    "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 106\n"                 \
    "model name\t: Intel(R) Xeon(R) Platinum 8380\nstepping\t: 6\nflags\t\t: fpu sgx sgx_lc\n"
#define CPU_VM                                                                                     \
    "processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 26\nmodel\t\t: 2\n"                  \
    "model name\t: AMD EPYC\nstepping\t: 1\nflags\t\t: fpu hypervisor\nprocessor\t: 1\n"
#define STAT "cpu  100 20 30 4000 50 6 7 80 90 0\ncpu0 1 2 3 4 5 6 7 8 9 0\n"

/* Text NULL: a folder. "-> x": a symbolic link. "hex: 78 00 ...": these bytes. Rows of one driver may stand in a file of
 * their own, tests/fakes/fixtures/<driver>.inc, included below. */
static const struct {
    const char *fixture, *path, *text;
} table[] = {
    /* two sockets, psys as zone 10, an MMIO copy of socket 0, another control type */
    {"xeon2", "proc/cpuinfo", CPU_XEON},
    {"xeon2", P "intel-rapl/enabled", "1\n"},
    {"xeon2", P "intel-rapl:0/name", "package-1\n"}, /* zone order is not package order */
    {"xeon2", P "intel-rapl:0/energy_uj", "261999999999\n"},
    {"xeon2", P "intel-rapl:0/max_energy_range_uj", PKG_RANGE},
    {"xeon2", P "intel-rapl:0/constraint_0_max_power_uw", "125000000\n"},
    {"xeon2", P "intel-rapl:0:0/name", "dram\n"},
    {"xeon2", P "intel-rapl:0:0/energy_uj", "1234567\n"},
    {"xeon2", P "intel-rapl:0:0/max_energy_range_uj", "65712999613\n"},
    {"xeon2", P "intel-rapl:1/name", "package-0\n"},
    {"xeon2", P "intel-rapl:1/energy_uj", "42\n"},
    {"xeon2", P "intel-rapl:1/max_energy_range_uj", PKG_RANGE},
    {"xeon2", P "intel-rapl:1/constraint_0_max_power_uw", "125000000\n"},
    {"xeon2", P "intel-rapl:1:0/name", "dram\n"},
    {"xeon2", P "intel-rapl:1:0/energy_uj", "7654321\n"},
    {"xeon2", P "intel-rapl:1:0/max_energy_range_uj", "65712999613\n"},
    {"xeon2", P "intel-rapl:a/name", "psys\n"},
    {"xeon2", P "intel-rapl:a/energy_uj", "5000000\n"},
    {"xeon2", P "intel-rapl:a/max_energy_range_uj", "4294967295000000\n"},
    {"xeon2", P "intel-rapl-mmio:0/name", "package-1\n"},
    {"xeon2", P "intel-rapl-mmio:0/energy_uj", "261999999999\n"},
    {"xeon2", P "intel-rapl-mmio:0/max_energy_range_uj", PKG_RANGE},
    {"xeon2", P "dtpm/enabled", "1\n"},
    {"xeon2", P "dtpm:0/power_uw", "1\n"},
    /* a laptop */
    {"client", "proc/cpuinfo", CPU_XEON},
    {"client", P "intel-rapl:0/name", "package-0\n"},
    {"client", P "intel-rapl:0/energy_uj", "1000\n"},
    {"client", P "intel-rapl:0/max_energy_range_uj", PKG_RANGE},
    {"client", P "intel-rapl:0/constraint_0_max_power_uw", "15000000\n"},
    {"client", P "intel-rapl:0:0/name", "core\n"},
    {"client", P "intel-rapl:0:0/energy_uj", "500\n"},
    {"client", P "intel-rapl:0:0/max_energy_range_uj", PKG_RANGE},
    {"client", P "intel-rapl:0:1/name", "uncore\n"},
    {"client", P "intel-rapl:0:1/energy_uj", "100\n"},
    {"client", P "intel-rapl:0:1/max_energy_range_uj", PKG_RANGE},
    {"client", P "intel-rapl:1/name", "psys\n"},
    {"client", P "intel-rapl:1/energy_uj", "2000\n"},
    {"client", P "intel-rapl:1/max_energy_range_uj", PKG_RANGE},
    /* AMD, and a part with two dies */
    {"amd", "proc/cpuinfo", CPU_AMD},
    {"amd", P "intel-rapl:0/name", "package-0\n"},
    {"amd", P "intel-rapl:0/energy_uj", "65532610986\n"},
    {"amd", P "intel-rapl:0/max_energy_range_uj", "65532610987\n"},
    {"amd", P "intel-rapl:0:0/name", "core\n"},
    {"amd", P "intel-rapl:0:0/energy_uj", "9\n"},
    {"amd", P "intel-rapl:0:0/max_energy_range_uj", "65532610987\n"},
    {"dies", "proc/cpuinfo", CPU_XEON},
    {"dies", P "intel-rapl:0/name", "package-0-die-0\n"},
    {"dies", P "intel-rapl:0/energy_uj", "1\n"},
    {"dies", P "intel-rapl:0/max_energy_range_uj", PKG_RANGE},
    {"dies", P "intel-rapl:1/name", "package-0-die-1\n"},
    {"dies", P "intel-rapl:1/energy_uj", "2\n"},
    {"dies", P "intel-rapl:1/max_energy_range_uj", PKG_RANGE},
    /* zone numbers are hex: a is 10, 10 is 16 */
    {"many", "proc/cpuinfo", CPU_XEON},
    {"many", P "intel-rapl:a/name", "package-10\n"},
    {"many", P "intel-rapl:a/energy_uj", "1\n"},
    {"many", P "intel-rapl:a/max_energy_range_uj", PKG_RANGE},
    {"many", P "intel-rapl:a:0/name", "dram\n"},
    {"many", P "intel-rapl:a:0/energy_uj", "1\n"},
    {"many", P "intel-rapl:a:0/max_energy_range_uj", PKG_RANGE},
    {"many", P "intel-rapl:10/name", "package-16\n"},
    {"many", P "intel-rapl:10/energy_uj", "1\n"},
    {"many", P "intel-rapl:10/max_energy_range_uj", PKG_RANGE},
    {"many", P "intel-rapl:10:0/name", "dram\n"},
    {"many", P "intel-rapl:10:0/energy_uj", "1\n"},
    {"many", P "intel-rapl:10:0/max_energy_range_uj", PKG_RANGE},
    {"many", P "intel-rapl:g/energy_uj", "1\n"}, /* no zone names, these */
    {"many", P "intel-rapl:/energy_uj", "1\n"},
    {"many", P "intel-rapl:0:/energy_uj", "1\n"},
    {"many", P "intel-rapl:0:0:0/energy_uj", "1\n"},
    {"many", P "intel-rapl-x:0/energy_uj", "1\n"},
    {"sgx", "proc/cpuinfo", CPU_SGX},
    {"sgx", P "intel-rapl:0/name", "package-0\n"},
    {"sgx", P "intel-rapl:0/energy_uj", "1\n"},
    {"sgx", P "intel-rapl:0/max_energy_range_uj", PKG_RANGE},
    /* counters that give no number */
    {"empty", P "intel-rapl:0/name", "package-0\n"},
    {"empty", P "intel-rapl:0/energy_uj", ""},
    {"newline", P "intel-rapl:0/name", "package-0\n"},
    {"newline", P "intel-rapl:0/energy_uj", "\n"},
    {"garbage", P "intel-rapl:0/name", "package-0\n"},
    {"garbage", P "intel-rapl:0/energy_uj", "12x4\n"},
    {"bare", P "intel-rapl:0/name", "package-0"},
    {"bare", P "intel-rapl:0/energy_uj", "  2619"},
    {"bare", P "intel-rapl:0/max_energy_range_uj", "262143328850"},
    {"negative", P "intel-rapl:0/name", "package-0\n"},
    {"negative", P "intel-rapl:0/energy_uj", "-5\n"},
    {"huge", P "intel-rapl:0/name", "package-0\n"},
    {"huge", P "intel-rapl:0/energy_uj", "18446744073709551616\n"},
    /* nothing there */
    {"masked", "proc/cpuinfo", CPU_XEON},
    {"masked", P, NULL},
    {"dangling", "proc/cpuinfo", CPU_XEON},
    {"dangling", P "intel-rapl:0", "-> ../../devices/virtual/powercap/intel-rapl/intel-rapl:0"},
    {"none", "proc/cpuinfo", CPU_XEON},
    {"none", "proc/stat", STAT},
    {"vm", "proc/cpuinfo", CPU_VM},
    {"vm", "proc/stat", STAT},
    {"nothing", "class/", NULL},
#include "fakes/fixtures/thermal.inc"
#include "fakes/fixtures/perf.inc"
#include "fakes/fixtures/estimator.inc"
#include "fakes/fixtures/ioreport.inc"
#include "fakes/fixtures/amdgpu.inc"
#include "fakes/fixtures/battery.inc"
#include "fakes/fixtures/hwmon.inc"
};

static void fail(const char *what, const char *path)
{
    perror(what);
    fprintf(stderr, "fakefs: cannot make '%s'\n", path);
    exit(1);
}

static void make_folders(char *path)
{
    for (char *p = path + 1; (p = strchr(p, '/')); p++) {
        *p = '\0';
        mkdir(path, 0755);
        *p = '/';
    }
}

void fakefs_write(const char *root, const char *path, const char *text)
{
    char full[512];
    snprintf(full, sizeof full, "%s/%s", root, path);
    make_folders(full);
    if (!text)
        return;
    if (!strncmp(text, "-> ", 3)) {
        if (symlink(text + 3, full) != 0)
            fail("symlink", full);
        return;
    }
    FILE *f = fopen(full, "w");
    if (!f)
        fail("write", full);
    if (!strncmp(text, "hex: ", 5)) {
        unsigned byte;
        int len;
        for (const char *p = text + 5; sscanf(p, "%2x%n", &byte, &len) == 1; p += len)
            fputc((int)byte, f);
    } else {
        fputs(text, f);
    }
    if (fclose(f) != 0)
        fail("write", full);
}

void fakefs_make(const char *fixture, char *root, size_t size)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(root, size, "%s/ipw-fakefs-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(root))
        fail("mkdtemp", root);
    size_t n = 0;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (!strcmp(table[i].fixture, fixture)) {
            fakefs_write(root, table[i].path, table[i].text);
            n++;
        }
    if (!n)
        fail("no such fixture", fixture);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void fakefs_remove(const char *root)
{
    nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
