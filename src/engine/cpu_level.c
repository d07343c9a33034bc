#include "engine/cpu_level.h"

#include <stdbool.h>
#include <string.h>

#include "base/buf.h"

/* By the names of /proc/cpuinfo, in one line of the first processor. */
static const struct {
    const char *level, *line, *needs[5];
} levels[] = {
    {"x86-64-v3", "\nflags", {"avx2", "fma", "f16c", "bmi2", NULL}},
    {"armv8.2-a+dotprod", "\nFeatures", {"asimddp", NULL}},
};

static bool has(const char *words, size_t len, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = words; p + n <= words + len; p++)
        if (!strncmp(p, word, n) && p[-1] == ' ' && (p + n == words + len || p[n] == ' '))
            return true;
    return false;
}

int cpu_level_check(const struct ipw_env *env, const char *level, struct ipw_err *err)
{
    char text[16384];
    struct ipw_buf missing = IPW_BUF_INIT;
    if (ipw_env_read(env, "/proc/cpuinfo", text, sizeof text) < 0)
        return 0;
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        const char *line = strcmp(levels[i].level, level) ? NULL : strstr(text, levels[i].line);
        const char *words = line ? strchr(line, ':') : NULL;
        for (size_t k = 0; words && levels[i].needs[k]; k++)
            if (!has(words + 1, strcspn(words + 1, "\n"), levels[i].needs[k]))
                ipw_buf_addf(&missing, "%s%s", missing.len ? ", " : "", levels[i].needs[k]);
    }
    int rc = missing.len ? ipw_err_set(err, IPW_E_ENV, "this ipw is built for processors of level %s, and this one lacks %s; "
                                       "ipw built from source (./quickstart.sh) runs here", level, missing.s)
                         : 0;
    ipw_buf_release(&missing);
    return rc;
}
