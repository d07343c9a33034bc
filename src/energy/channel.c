#include "energy/channel.h"

#include "base/str.h"

#define XX(id, word) [ENERGY_SCOPE_##id] = word,
static const char *const scopes[] = {ENERGY_SCOPE_MAP(XX)};
#undef XX
#define XX(id, word) [ENERGY_KIND_##id] = word,
static const char *const kinds[] = {ENERGY_KIND_MAP(XX)};
#undef XX
#define XX(id, word) [ENERGY_CHANNEL_##id] = word,
static const char *const statuses[] = {ENERGY_CHANNEL_STATUS_MAP(XX)};
#undef XX

static int find(const char *const *names, int n, const char *word)
{
    for (int i = 0; i < n; i++)
        if (ipw_streq(names[i], word))
            return i;
    return -1;
}

const char *energy_scope_name(enum energy_scope s)
{
    return s < ENERGY_SCOPE_N ? scopes[s] : NULL;
}

const char *energy_kind_name(enum energy_kind k)
{
    return k < ENERGY_KIND_N ? kinds[k] : NULL;
}

const char *energy_channel_status_name(enum energy_channel_status s)
{
    return s < ENERGY_CHANNEL_STATUS_N ? statuses[s] : NULL;
}

int energy_scope_of(const char *word)
{
    return find(scopes, ENERGY_SCOPE_N, word);
}

int energy_kind_of(const char *word)
{
    return find(kinds, ENERGY_KIND_N, word);
}
