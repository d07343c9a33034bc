/* ipw doctor: the machine, as far as it decides what a figure means. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/str.h"
#include "cli/doctor.h"

static const struct ipw_env *env_of(const struct doctor *d)
{
    return &d->cli->env;
}

void doctor_processor(struct doctor *d)
{
    const struct run_machine *m = &d->machine;
    doctor_add(d, FINDING_OK, NULL, "%s%s%d CPUs, %s", m->cpu, *m->cpu ? ", " : "", m->cpus, m->kernel);
}

/* A container has names of its own for processes or groups of them; images that became a machine's disk keep only the mark.
 * These numbers are the kernel's own for the first ones. */
static bool is_outermost(void)
{
    char of[64];
    ssize_t n = readlink("/proc/self/ns/pid", of, sizeof of - 1);
    if (n <= 0 || (of[n] = '\0', strcmp(of, "pid:[4026531836]")) != 0)
        return false;
    n = readlink("/proc/self/ns/cgroup", of, sizeof of - 1);
    return n > 0 && (of[n] = '\0', !strcmp(of, "cgroup:[4026531835]"));
}

/* What the process runs in, "" for the machine itself. */
static const char *container(const struct ipw_env *env)
{
    static const struct {
        const char *in_cgroup, *name;
    } known[] = {{"docker", "a Docker container"}, {"kubepods", "a Kubernetes pod"}, {"libpod", "a Podman container"},
                 {"containerd", "a container"},    {"/lxc/", "an LXC container"}};
    char text[4096];
    if (ipw_env_read(env, "/proc/1/cgroup", text, sizeof text) > 0)
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
            if (strstr(text, known[i].in_cgroup))
                return known[i].name;
    if (*env->proc_root || is_outermost()) /* another machine's tree: this one's marks say nothing about it */
        return "";
    return fs_exists("/run/.containerenv") ? "a Podman container"
           : fs_exists("/.dockerenv")       ? "a Docker container"
                                            : "";
}

void doctor_virtual(struct doctor *d)
{
    char version[512] = "";
    const char *in = container(env_of(d));
    ipw_env_read(env_of(d), "/proc/version", version, sizeof version);
    if (strstr(version, "microsoft") || strstr(version, "Microsoft"))
        doctor_add(d, FINDING_NOTE, NULL, "WSL2: a virtual machine under Windows; the processor's counters do not reach it");
    else if (d->machine.hypervisor)
        doctor_add(d, FINDING_NOTE, NULL, "a virtual machine: what its neighbours do is in the times, and the processor's "
                   "counters seldom reach it");
    if (*in)
        doctor_add(d, FINDING_NOTE,
                   d->machine.hypervisor ? NULL
                                         : "To see the host's counters, start it with the first and ask with the second:\n"
                                           "    -v /sys:/host/sys:ro\n"
                                           "    ipw --sysfs /host/sys doctor energy",
                   "%s", in)->name = "container";
}

void doctor_power(struct doctor *d)
{
    const char *p = d->machine.power_source;
    if (ipw_streq(p, "battery"))
        doctor_add(d, FINDING_NOTE, NULL, "on battery: clocks and power limits are often lower; plug it in, or compare only "
                   "with other runs on battery");
    else
        doctor_add(d, FINDING_OK, NULL, "%s", p ? "on mains" : "no battery here");
}

void doctor_governor(struct doctor *d)
{
    if (*d->machine.governor)
        doctor_add(d, FINDING_OK, NULL, "%s; keep it the same for runs that you compare", d->machine.governor);
}

/* "MemAvailable:   123 kB" in bytes, -1: not told. */
static int64_t meminfo(const char *text, const char *key)
{
    long long kb;
    const char *line = strstr(text, key);
    return line && sscanf(line + strlen(key), ": %lld", &kb) == 1 ? kb * 1024 : -1;
}

void doctor_memory(struct doctor *d)
{
    char text[8192];
    if (ipw_env_read(env_of(d), "/proc/meminfo", text, sizeof text) < 0)
        return;
    double gb = 1 << 30, total = (double)meminfo(text, "MemTotal"), room = (double)meminfo(text, "MemAvailable");
    double swap = (double)(meminfo(text, "SwapTotal") - meminfo(text, "SwapFree"));
    if (total <= 0 || room < 0)
        return;
    bool little = room < gb, swapped = swap > gb / 4;
    doctor_add(d, little || swapped ? FINDING_NOTE : FINDING_OK, NULL, "%.0f GB, %.1f GB of it free for a model%s",
               ceil(total / gb), room / gb, little ? "; close what holds the rest" : "");
    if (swapped)
        doctor_add(d, FINDING_NOTE, NULL, "%.1f GB lie in swap: a model that is paged out answers late and costs joules",
                   swap / gb)->name = "swap";
}

/* Somebody else's work is in the joules of every counter. */
void doctor_load(struct doctor *d)
{
    char text[64];
    double load;
    if (ipw_env_read(env_of(d), "/proc/loadavg", text, sizeof text) < 0 || sscanf(text, "%lf", &load) != 1)
        return;
    bool busy = load > 0.3 * d->machine.cpus && load > 0.5;
    doctor_add(d, busy ? FINDING_NOTE : FINDING_OK, NULL, "%.2f in the last minute%s", load,
               busy ? ": something else computes, and counters meter it too; wait for it or stop it" : "");
}

/* Marks of the firmware's timers: a look at the clock then costs microseconds. */
static bool is_slow(const char *source)
{
    return ipw_streq(source, "hpet") || ipw_streq(source, "acpi_pm") || ipw_starts(source, "jiffies") ||
           ipw_starts(source, "refined-jiffies");
}

void doctor_clock(struct doctor *d)
{
    enum { LOOKS = 1000 };
    char source[32] = "";
    const struct ipw_env *env = env_of(d);
    ipw_env_read(env, "/sys/devices/system/clocksource/clocksource0/current_clocksource", source, sizeof source);
    int64_t from = ipw_now(env);
    for (int i = 0; i < LOOKS; i++)
        (void)ipw_now(env);
    int64_t each = (ipw_now(env) - from) / LOOKS;
    bool slow = each > 1000 || is_slow(source);
    doctor_add(d, slow ? FINDING_NOTE : FINDING_OK, NULL,
               "monotonic and raw%s%s, %lld ns a look%s; setting the wall clock does not touch it", *source ? ", by " : "",
               source, (long long)each, slow ? ": slow, so times of tokens are less sharp" : "");
}
