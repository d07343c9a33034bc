#include "energy/channel.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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

void energy_remedy_set(struct energy_remedy *r, const char *id, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    r->id = id;
    vsnprintf(r->text, sizeof r->text, fmt, ap);
    va_end(ap);
}

int energy_remedy_sentence(const struct energy_remedy *r)
{
    return (int)strcspn(r->text, "\n");
}

bool energy_pci_id(const char *text, char *out, size_t size)
{
    unsigned domain = 0, bus, device, function;
    int end = 0;
    char tail[32];
    snprintf(tail, sizeof tail, "%s", text);
    *out = '\0';
    if ((sscanf(tail, "%8x:%2x:%2x.%1x%n", &domain, &bus, &device, &function, &end) != 4 || tail[end]) &&
        (domain = 0, end = 0, sscanf(tail, "%2x:%2x.%1x%n", &bus, &device, &function, &end) != 3 || tail[end]))
        return false;
    snprintf(out, size, "%04x:%02x:%02x.%x", domain, bus, device, function);
    return true;
}

int energy_scope_of(const char *word)
{
    return find(scopes, ENERGY_SCOPE_N, word);
}

int energy_kind_of(const char *word)
{
    return find(kinds, ENERGY_KIND_N, word);
}
