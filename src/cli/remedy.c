#include "cli/remedy.h"

#include "base/str.h"
#include "report/report.h"

enum { NAMED = 4 }; /* channels of one kind that are named; of a hundred cores the others are counted */

void remedies_add(const struct energy_channel *c, size_t n, int columns, struct ipw_buf *out)
{
    struct ipw_buf head = IPW_BUF_INIT;
    for (size_t i = 0; i < n; i++) {
        bool told = !c[i].remedy.id;
        for (size_t k = 0; k < i && !told; k++)
            told = ipw_streq(c[k].remedy.id, c[i].remedy.id);
        if (told)
            continue;
        size_t same = 0;
        ipw_buf_clear(&head);
        for (size_t k = i; k < n; k++)
            if (ipw_streq(c[k].remedy.id, c[i].remedy.id) && same++ < NAMED)
                ipw_buf_addf(&head, "%s%s", same > 1 ? ", " : "", c[k].id);
        if (same > NAMED)
            ipw_buf_addf(&head, ", and %zu more", same - NAMED);
        ipw_buf_addf(&head, " (%s)", c[i].remedy.id);
        ipw_buf_addc(out, '\n');
        report_fold(head.s, columns, 0, 0, out);
        report_fold(c[i].remedy.text, columns, 2, 2, out);
    }
    ipw_buf_release(&head);
}
