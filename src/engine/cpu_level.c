#include "engine/cpu_level.h"

#include <stdbool.h>
#include <stddef.h>

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

#include "base/buf.h"
#include "base/str.h"

enum word { ECX1, EBX7, HWCAP };

static const struct {
    const char *level, *name;
    enum word word;
    int bit;
    bool avx; /* of registers that the kernel must keep too */
} needs[] = {
    {"x86-64-v3", "avx2", EBX7, 5, true},
    {"x86-64-v3", "fma", ECX1, 12, true},
    {"x86-64-v3", "f16c", ECX1, 29, true},
    {"x86-64-v3", "bmi2", EBX7, 8, false},
    {"armv8.2-a+dotprod", "asimddp", HWCAP, 20, false},
};

struct cpu_words cpu_words_here(void)
{
    struct cpu_words w = {0};
#if defined(__x86_64__)
    enum { OSXSAVE = 1 << 27 };
    unsigned a, b, c, d;
    if (__get_cpuid(1, &a, &b, &c, &d))
        w.ecx1 = c;
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d))
        w.ebx7 = b;
    if (w.ecx1 & OSXSAVE) {
        __asm__ volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
        w.xcr0 = (uint64_t)d << 32 | a;
    }
#elif defined(__aarch64__) && defined(__linux__)
    w.hwcap = getauxval(AT_HWCAP);
#else
    w.hwcap = ~(uint64_t)0; /* every Mac with such a processor has them */
#endif
    return w;
}

static bool has(const struct cpu_words *cpu, enum word word, int bit, bool avx)
{
    const uint64_t of[] = {[ECX1] = cpu->ecx1, [EBX7] = cpu->ebx7, [HWCAP] = cpu->hwcap}, sse_and_avx = 6;
    return (of[word] >> bit & 1) && (!avx || (cpu->xcr0 & sse_and_avx) == sse_and_avx);
}

int cpu_level_check(const struct cpu_words *cpu, const char *level, struct ipw_err *err)
{
    struct ipw_buf missing = IPW_BUF_INIT;
    for (size_t i = 0; i < sizeof needs / sizeof needs[0]; i++)
        if (ipw_streq(needs[i].level, level) && !has(cpu, needs[i].word, needs[i].bit, needs[i].avx))
            ipw_buf_addf(&missing, "%s%s", missing.len ? ", " : "", needs[i].name);
    int rc = missing.len ? ipw_err_set(err, IPW_E_ENV, "this ipw is built for processors of level %s, and this one lacks %s; "
                                       "ipw built from source (./quickstart.sh) runs here", level, missing.s)
                         : 0;
    ipw_buf_release(&missing);
    return rc;
}
