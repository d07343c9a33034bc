/* Any names, units and values of channels: no crash, and a value only where every channel of its part was understood. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "energy/ioreport.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = ipw_strndup((const char *)data, size), *end = text + size;
    struct ioreport_sum s = {0};
    for (char *p = text; p < end;) { /* name \n unit \n eight bytes */
        char *name = p, *unit = memchr(p, '\n', (size_t)(end - p));
        if (!unit)
            break;
        *unit++ = '\0';
        char *value = memchr(unit, '\n', (size_t)(end - unit));
        int64_t v = 0;
        if (!value)
            break;
        *value++ = '\0';
        size_t n = (size_t)(end - value) < sizeof v ? (size_t)(end - value) : sizeof v;
        memcpy(&v, value, n);
        ioreport_add(&s, name, unit, v);
        p = value + n;
    }
    for (int i = 0; i < IOREPORT_PARTS; i++) {
        struct ioreport_value v = ioreport_get(&s, (enum ioreport_part)i);
        if (v.have && !v.status && v.quantum_nj < 1)
            abort();
        if (!v.have && (v.nj || v.status))
            abort();
    }
    free(text);
    return 0;
}
