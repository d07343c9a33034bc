#include "table/rows.h"

#include <stdlib.h>

void table_run_release(struct table_run *t)
{
    free(t->v);
    ipw_arena_release(&t->arena);
    *t = (struct table_run){0};
}
