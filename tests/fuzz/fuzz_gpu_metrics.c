/* gpu_metrics and the numbers of /sys from any bytes: no read past the end, and no value without a verdict. */
#include <stdlib.h>
#include <string.h>

#include "energy/amdgpu_metrics.h"
#include "energy/hwmon.h"
#include "energy/sysfs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void numbers(const char *text, ssize_t n)
{
    uint64_t u = 77;
    int64_t i = 77;
    int ru = sysfs_parse_u64(text, n, &u), ri = sysfs_parse_i64(text, n, &i);
    if ((ru && u != 77) || (ri && i != 77))
        abort();
    if (!ru && !ri && u != (uint64_t)i) /* both read the same number */
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gpu_metrics m;
    uint8_t *exact = malloc(size ? size : 1); /* so that one byte too far is seen */
    if (!exact)
        return 0;
    memcpy(exact, data, size);
    int rc = gpu_metrics_parse(exact, size, &m);
    if ((rc && (m.has_energy || m.has_power)) || (m.apu && m.has_energy))
        abort();
    numbers((const char *)exact, (ssize_t)size);
    char *text = malloc(size + 1);
    if (text) {
        memcpy(text, data, size);
        text[size] = '\0';
        if (!hwmon_rule_find(text, HWMON_POWER, 1, text))
            abort();
        sysfs_word(text);
        free(text);
    }
    free(exact);
    return 0;
}
