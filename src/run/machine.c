#include "run/machine.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/model_name.h"
#include "base/str.h"
#include "energy/rapl.h"

#define CPUFREQ "/sys/devices/system/cpu/cpu0/cpufreq"

static void read_text(const struct ipw_env *env, const char *path, char *out, size_t size)
{
    if (ipw_env_read(env, path, out, size) < 0)
        out[0] = '\0';
}

/* Value of the first "key : value" line of /proc/cpuinfo that has the key. */
static void cpuinfo(const char *text, const char *key, char *out, size_t size)
{
    out[0] = '\0';
    for (const char *p = strstr(text, key); p; p = strstr(p + 1, key)) {
        const char *colon = strchr(p, ':');
        if ((p != text && p[-1] != '\n') || !colon)
            continue;
        colon += strspn(colon, ": \t");
        snprintf(out, size, "%.*s", (int)strcspn(colon, "\n"), colon);
        return;
    }
}

/* Mains when any charger is online, battery when a system battery discharges. */
static const char *power_source(const struct ipw_env *env)
{
    char dir[512], path[700], type[32], v[32];
    ipw_env_path(env, "/sys/class/power_supply", dir, sizeof dir);
    const char *found = NULL;
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d));) {
        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "/sys/class/power_supply/%s/type", e->d_name);
        read_text(env, path, type, sizeof type);
        bool battery = !strcmp(type, "Battery");
        snprintf(path, sizeof path, "/sys/class/power_supply/%s/%s", e->d_name, battery ? "status" : "online");
        read_text(env, path, v, sizeof v);
        if (!battery && !strcmp(v, "1")) {
            found = "mains";
            break;
        }
        if (battery && !strcmp(v, "Discharging"))
            found = "battery";
    }
    if (d)
        closedir(d);
    return found;
}

static bool number(const struct ipw_env *env, const char *path, double *x)
{
    char text[32];
    return ipw_env_read(env, path, text, sizeof text) > 0 && ipw_parse_f64(text, x);
}

/* Intel's driver says that it is off, the others that it is on. */
static const char *turbo(const struct ipw_env *env)
{
    double x;
    if (number(env, "/sys/devices/system/cpu/intel_pstate/no_turbo", &x))
        return x > 0 ? "off" : "on";
    if (number(env, "/sys/devices/system/cpu/cpufreq/boost", &x))
        return x > 0 ? "on" : "off";
    return NULL;
}

/* Both registers of a package (MSR and MMIO) hold limits, and the lower one acts. */
static void limit(const struct ipw_env *env, const struct energy_rapl_zone *z, const char *file, double *w)
{
    char text[32];
    double uw;
    if (energy_rapl_zone_text(env, z, file, text, sizeof text) > 0 && ipw_parse_f64(text, &uw) && uw > 0)
        *w = *w > 0 && *w < uw * 1e-6 ? *w : uw * 1e-6;
}

static void power_limits(struct run_machine *m, const struct ipw_env *env)
{
    struct energy_rapl_zone *z;
    int entries;
    size_t n = energy_rapl_zones(env, &z, &entries);
    for (size_t i = 0; i < n; i++) {
        size_t k = 0;
        if (z[i].sub >= 0 || z[i].scope != ENERGY_SCOPE_CPU_PACKAGE)
            continue;
        while (k < m->n_limits && strcmp(m->limits[k].package, z[i].label) != 0)
            k++;
        if (k == RUN_MAX_PACKAGES)
            break;
        struct run_power_limit found = k < m->n_limits ? m->limits[k] : (struct run_power_limit){0};
        memcpy(found.package, z[i].label, sizeof found.package);
        limit(env, &z[i], "constraint_0_power_limit_uw", &found.long_w);
        limit(env, &z[i], "constraint_1_power_limit_uw", &found.short_w);
        if (found.long_w > 0 || found.short_w > 0) {
            m->n_limits += k == m->n_limits;
            m->limits[k] = found;
        }
    }
    free(z);
}

void run_machine_read(struct run_machine *m, const struct ipw_env *env)
{
    static const char smbios[] = "/sys/class/dmi/id/board_name";
    char text[65536];
    struct utsname u;
    *m = (struct run_machine){0};
    gethostname(m->host, sizeof m->host - 1);
    read_text(env, "/proc/sys/kernel/random/boot_id", m->boot_id, sizeof m->boot_id);
    if (!uname(&u))
        snprintf(m->kernel, sizeof m->kernel, "%s %s", u.sysname, u.release);
    read_text(env, "/proc/cpuinfo", text, sizeof text);
    cpuinfo(text, "model name", m->cpu, sizeof m->cpu);
    if (!*m->cpu)
        read_text(env, smbios, m->cpu, sizeof m->cpu);
    cpuinfo(text, "vendor_id", m->cpu_vendor, sizeof m->cpu_vendor);
    m->hypervisor = strstr(text, " hypervisor ") != NULL;
    m->cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
    read_text(env, CPUFREQ "/scaling_governor", m->governor, sizeof m->governor);
    read_text(env, CPUFREQ "/energy_performance_preference", m->epp, sizeof m->epp);
    read_text(env, "/sys/firmware/acpi/platform_profile", m->platform_profile, sizeof m->platform_profile);
    m->turbo = turbo(env);
    if (number(env, CPUFREQ "/scaling_max_freq", &m->cpu_max_mhz))
        m->cpu_max_mhz *= 1e-3; /* kHz */
    power_limits(m, env);
    m->power_source = power_source(env);
}

/* The words of a name joined by '-', without those that tell nothing; at most about 32 bytes. */
static void words(char *slug, const char *const *skip, size_t n_skip, char *out, size_t size)
{
    size_t n = 0;
    char *save;
    out[0] = '\0';
    for (char *w = strtok_r(slug, "-", &save); w; w = strtok_r(NULL, "-", &save)) {
        bool drop = ipw_ends(w, "ghz");
        for (size_t i = 0; i < n_skip; i++)
            drop |= !strcmp(w, skip[i]);
        if (!drop && n + strlen(w) + 2 < size && n < 32)
            n += (size_t)snprintf(out + n, size - n, n ? "-%s" : "%s", w);
    }
}

void run_machine_word(const char *name, char *out, size_t size)
{
    static const char *const skip[] = {"amd",  "intel", "intel-r", "nvidia", "geforce",  "cpu",    "processor", "r",
                                       "tm",   "with",  "radeon",  "laptop", "graphics", "gpu",    "core"};
    char slug[128];
    ipw_slug(name, slug, sizeof slug);
    words(slug, skip, sizeof skip / sizeof skip[0], out, size);
    if (!*out)
        snprintf(out, size, "machine");
}

void run_model_word(const char *path, char *out, size_t size)
{
    static const char *const skip[] = {"instruct", "chat", "it", "gguf", "latest"};
    const char *base = fs_basename(path);
    char stem[128], slug[128];
    size_t n = strlen(base) - (ipw_ends(base, ".gguf") ? 5 : 0);
    snprintf(stem, sizeof stem, "%.*s", (int)n, base);
    stem[model_quant_at(stem)] = '\0';
    ipw_slug(stem, slug, sizeof slug);
    words(slug, skip, sizeof skip / sizeof skip[0], out, size);
    if (!*out)
        snprintf(out, size, "model");
}
