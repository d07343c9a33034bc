/* Packed blobs of a run that came from someone else: any bytes either are refused or mean what packing them again
 * means. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void readings(const uint8_t *data, size_t size, size_t n, int64_t t0)
{
    struct store_reading *a = ipw_calloc(n + 1, sizeof *a), *b = ipw_calloc(n + 1, sizeof *b);
    struct ipw_buf again = IPW_BUF_INIT;
    if (!store_unpack_readings(data, size, n, t0, a)) {
        store_pack_readings(a, n, t0, &again);
        if (store_unpack_readings(again.s, again.len, n, t0, b) || again.len > size)
            abort(); /* packing is the shortest form */
        for (size_t i = 0; i < n; i++)
            if (a[i].t_before != b[i].t_before || a[i].t_after != b[i].t_after || a[i].raw != b[i].raw ||
                a[i].status != b[i].status)
                abort();
    }
    ipw_buf_release(&again);
    free(a);
    free(b);
}

static void stamps(const uint8_t *data, size_t size, int64_t t_send)
{
    int64_t *a = ipw_calloc(size + 1, sizeof *a), *b = ipw_calloc(size + 1, sizeof *b);
    struct ipw_buf again = IPW_BUF_INIT;
    ptrdiff_t n = store_unpack_stamps(data, size, t_send, a);
    if (n >= 0) {
        store_pack_stamps(a, (size_t)n, t_send, &again);
        if (again.len > size || store_unpack_stamps(again.s, again.len, t_send, b) != n ||
            (n && memcmp(a, b, (size_t)n * sizeof *a) != 0))
            abort();
    }
    ipw_buf_release(&again);
    free(a);
    free(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t t0;
    if (size < sizeof t0 + 1)
        return 0;
    memcpy(&t0, data, sizeof t0);
    size_t n = data[sizeof t0];
    data += sizeof t0 + 1;
    size -= sizeof t0 + 1;
    readings(data, size, n, t0);
    stamps(data, size, t0);
    return 0;
}
