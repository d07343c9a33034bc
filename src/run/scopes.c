#include "run/scopes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "energy/collector.h"

struct scopes {
    struct table_run *t;
    struct store *store;
    struct {
        int64_t id, device;
        bool in[TABLE_SCOPES]; /* a member */
    } *at;
    struct energy_channel *ch; /* alike */
    size_t n, cap, cap_ch;
    size_t members[TABLE_SCOPES];
    size_t *seen[TABLE_SCOPES]; /* values by row */
    const size_t *row_of;
    size_t n_ids;
};

static int on_channel(const struct store_channel *c, void *ud)
{
    struct scopes *s = ud;
    int scope = energy_scope_of(c->scope), kind = energy_kind_of(c->kind);
    if (scope < 0 || kind < 0)
        return 0;
    const struct energy_collector_ops *ops = energy_collector_find(c->source);
    IPW_GROW(s->at, s->n, s->cap);
    IPW_GROW(s->ch, s->n, s->cap_ch);
    memset(&s->at[s->n], 0, sizeof *s->at);
    s->at[s->n].id = c->id;
    s->at[s->n].device = c->device;
    s->at[s->n].in[TABLE_ACCEL] = c->in_total && (scope == ENERGY_SCOPE_GPU_BOARD || scope == ENERGY_SCOPE_GPU_CHIP ||
                                                  scope == ENERGY_SCOPE_ANE);
    s->ch[s->n] = (struct energy_channel){.scope = (enum energy_scope)scope, .kind = (enum energy_kind)kind,
                                          .estimated = ops && ops->estimated};
    snprintf(s->ch[s->n].id, sizeof s->ch[s->n].id, "%s", c->name);
    s->n++;
    return 0;
}

static int on_device(const struct store_device *d, void *ud)
{
    struct scopes *s = ud;
    for (size_t i = 0; i < s->n; i++)
        if (s->at[i].device == d->id)
            snprintf(s->ch[i].device, sizeof s->ch[i].device, "%s", d->key);
    return 0;
}

static void decide(struct scopes *s)
{
    char text[256];
    energy_scope_resolve(s->ch, s->n); /* the lattice decides again which channel is the system's */
    for (size_t k = 0; k < TABLE_SCOPES; k++) {
        for (size_t i = 0; i < s->n; i++) {
            if (k == TABLE_SYSTEM)
                s->at[i].in[k] = s->ch[i].in_system;
            s->ch[i].in_total = s->at[i].in[k];
            s->members[k] += s->at[i].in[k];
        }
        energy_signature(s->ch, s->n, text, sizeof text);
        const char *words = strchr(text, '(');
        snprintf(text, sizeof text, "%s%s", k == TABLE_ACCEL ? "accel" : "system", ipw_arena_strdup(&s->t->arena, words));
        s->t->scope_signature[k] = s->members[k] ? ipw_arena_strdup(&s->t->arena, text) : NULL;
        s->seen[k] = ipw_calloc(s->t->n + 1, sizeof *s->seen[k]);
    }
}

static int on_energy(const struct store_energy *e, void *ud)
{
    struct scopes *s = ud;
    size_t row = e->query > 0 && (size_t)e->query < s->n_ids ? s->row_of[e->query] : SIZE_MAX;
    if (row == SIZE_MAX || strcmp(e->phase, "total") != 0)
        return 0;
    for (size_t i = 0; i < s->n; i++)
        for (size_t k = 0; k < TABLE_SCOPES && s->at[i].id == e->channel; k++)
            if (s->at[i].in[k]) {
                double *j = &s->t->v[row].other_j[k];
                *j = (s->seen[k][row]++ ? *j : 0) + (e->nj == STORE_NULL ? (double)NAN : (double)e->nj * 1e-9);
            }
    return 0;
}

int run_scopes_load(struct table_run *t, struct store *store, const size_t *row_of, size_t n, struct ipw_err *err)
{
    struct scopes s = {.t = t, .store = store, .row_of = row_of, .n_ids = n};
    int rc;
    if (!(rc = store_each_channel(store, on_channel, &s, err)) && !(rc = store_each_device(store, on_device, &s, err))) {
        decide(&s);
        rc = store_each_energy(store, store_energy_version(store), on_energy, &s, err);
        for (size_t i = 0; i < t->n; i++)
            for (size_t k = 0; k < TABLE_SCOPES; k++)
                if (!s.members[k] || s.seen[k][i] != s.members[k] * (size_t)t->v[i].attempt) /* a member without a value is missing, not 0 */
                    t->v[i].other_j[k] = NAN;
    }
    for (size_t k = 0; k < TABLE_SCOPES; k++)
        free(s.seen[k]);
    free(s.at);
    free(s.ch);
    return rc;
}
