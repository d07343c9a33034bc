#include "table/compare.h"

#include <stdlib.h>

const struct compare_info compare_infos[COMPARE_N] = {
#define XX(id, key, label, kind) {key, label, COMPARE_##kind},
    TABLE_COMPARE_MAP(XX)
#undef XX
};

void compare_release(struct compare_result *r)
{
    free(r->differs);
    free(r->domain);
    ipw_arena_release(&r->arena);
    *r = (struct compare_result){0};
}
