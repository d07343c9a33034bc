#include "base/status.h"

#include <string.h>

#include "base/err.h"

#define XX(id, word) word,
static const char *const query_names[] = {QUERY_STATUS_MAP(XX)};
static const char *const score_names[] = {SCORE_STATUS_MAP(XX)};
static const char *const energy_names[] = {ENERGY_STATUS_MAP(XX)};
#undef XX

static const char *name(const char *const *names, int n, int s)
{
    if (s < 0 || s >= n)
        IPW_BUG("status %d of %d", s, n);
    return names[s];
}

static int find(const char *const *names, int n, const char *word)
{
    for (int i = 0; word && i < n; i++)
        if (!strcmp(names[i], word))
            return i;
    return -1;
}

const char *query_status_name(int s)
{
    return name(query_names, QUERY_STATUS_N, s);
}

const char *score_status_name(int s)
{
    return name(score_names, SCORE_STATUS_N, s);
}

const char *energy_status_name(int s)
{
    return name(energy_names, ENERGY_STATUS_N, s);
}

int query_status_of(const char *word)
{
    return find(query_names, QUERY_STATUS_N, word);
}

int score_status_of(const char *word)
{
    return find(score_names, SCORE_STATUS_N, word);
}

int energy_status_of(const char *word)
{
    return find(energy_names, ENERGY_STATUS_N, word);
}
