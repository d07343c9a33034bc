#include "table/figures.h"

#include <stdlib.h>

void accuracy_release(struct accuracy_result *r)
{
    free(r->domain);
    *r = (struct accuracy_result){0};
}
