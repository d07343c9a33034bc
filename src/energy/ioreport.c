#include "energy/ioreport.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/str.h"

/* Names as of M1 to M5 without "DIE_<n>_"; an index and "_<die>" may follow. */
static const struct {
    const char *name;
    enum ioreport_part part;
} parts[] = {
    {"CPU Energy", IOREPORT_CPU}, {"GPU Energy", IOREPORT_GPU}, {"GPU SRAM", IOREPORT_GPU_SRAM},
    {"ANE", IOREPORT_ANE},        {"DRAM", IOREPORT_DRAM},
};

static const struct {
    const char *name;
    int64_t nj;
} units[] = {
    {"nJ", 1}, {"uJ", 1000}, {"\xc2\xb5J", 1000}, {"\xce\xbcJ", 1000}, {"mJ", 1000000}, {"J", 1000000000},
};

static const char *skip_digits(const char *s)
{
    while (ipw_isdigit((unsigned char)*s))
        s++;
    return s;
}

/* -1 for what is none of the parts. *of_die: the channel tells of one die only. */
static int part_of(const char *name, bool *of_die)
{
    const char *die = ipw_starts(name, "DIE_") ? skip_digits(name + 4) : name;
    *of_die = die > name + 4 && *die == '_';
    name = *of_die ? die + 1 : name;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (!ipw_starts(name, parts[i].name))
            continue;
        const char *p = skip_digits(name + strlen(parts[i].name));
        if (*p == '_' && ipw_isdigit((unsigned char)p[1])) {
            *of_die = true;
            p = skip_digits(p + 1);
        }
        if (!*p)
            return (int)parts[i].part;
    }
    return -1;
}

/* nJ per unit, 0 for a unit that is not known. The labels are padded with spaces. */
static int64_t unit_of(const char *label)
{
    while (ipw_isspace((unsigned char)*label))
        label++;
    size_t n = strlen(label);
    while (n && ipw_isspace((unsigned char)label[n - 1]))
        n--;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strlen(units[i].name) == n && !memcmp(units[i].name, label, n))
            return units[i].nj;
    return 0;
}

static void fail(struct ioreport_value *v, int status)
{
    v->status = v->status ? v->status : status;
}

void ioreport_add(struct ioreport_sum *s, const char *name, const char *unit, int64_t value)
{
    bool of_die;
    int part = part_of(name, &of_die);
    if (part < 0)
        return;
    struct ioreport_value *v = of_die ? &s->dies[part] : &s->chip[part];
    int64_t nj = unit_of(unit);
    uint64_t more;
    v->have = true;
    if (!nj || value < 0)
        fail(v, -EINVAL);
    else if (__builtin_mul_overflow((uint64_t)value, (uint64_t)nj, &more) || __builtin_add_overflow(v->nj, more, &v->nj))
        fail(v, -ERANGE);
    v->quantum_nj = nj > v->quantum_nj ? nj : v->quantum_nj;
}

struct ioreport_value ioreport_get(const struct ioreport_sum *s, enum ioreport_part part)
{
    return s->chip[part].have ? s->chip[part] : s->dies[part];
}
