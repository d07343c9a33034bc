#include "table/settings.h"

#include <math.h>

#include "base/str.h"

const struct table_setting_info table_settings[TABLE_SETTING_N] = {
#define XX(id, key, label, kind, slack) {key, label, TABLE_##kind, slack},
    TABLE_SETTING_MAP(XX)
#undef XX
};

bool table_setting_differs(enum table_setting_id id, const struct table_setting *a, const struct table_setting *b)
{
    const struct table_setting_info *s = &table_settings[id];
    if (!a->text || !b->text)
        return s->kind == TABLE_CHOSEN && a->text != b->text;
    if (isfinite(a->number) && isfinite(b->number))
        return fabs(a->number - b->number) > s->slack;
    return !ipw_streq(a->text, b->text);
}
