/* What the drivers of RAPL share: powercap's zones and limits, how far to trust a counter, what perf says in text. */
#ifndef IPW_ENERGY_RAPL_H
#define IPW_ENERGY_RAPL_H

#include "energy/collector.h"
#include "energy/cpuinfo.h"

#define ENERGY_RAPL_POWERCAP "/sys/class/powercap"

enum { ENERGY_RAPL_PERIOD_NS = 1000000 };

/* The helper's place, and the two lines that make it work for a group; the second names the program twice. */
extern const char energy_rapl_meter_path[];
extern const char energy_rapl_install[];

/* ---- powercap ---- */

struct energy_rapl_zone {
    char name[48]; /* of the folder: "intel-rapl:0:1" */
    bool mmio;
    uint32_t top;
    int64_t sub;     /* -1: a top-level zone */
    char label[48];  /* content of `name`: "package-1", "dram"; the folder's when there is none */
    char device[64]; /* "package-1"; "platform" for psys */
    enum energy_scope scope;
    double pmax_w; /* twice what the package's (psys: its own) limits allow; 0 unknown */
};

/* All zones, MSR before MMIO, parents before children; *v is the caller's to free. entries: all names in the folder, -1
 * when there is none. */
size_t energy_rapl_zones(const struct ipw_env *env, struct energy_rapl_zone **v, int *entries);

int energy_rapl_zone_text(const struct ipw_env *env, const struct energy_rapl_zone *z, const char *file, char *out,
                          size_t size);
uint64_t energy_rapl_range_uj(const struct ipw_env *env, const struct energy_rapl_zone *z); /* 0 unknown */
double energy_rapl_unit_uj(uint64_t range_uj);                  /* of the 32-bit register behind a zone */
int64_t energy_rapl_quantum_nj(uint64_t range_uj);              /* one step of what the file shows */

/* ---- rows ---- */

/* kind, period, gain, and the warning of processors that blur their counters. */
void energy_rapl_fill(struct energy_channel *row, const struct energy_cpuinfo *cpu);


/* Some boards have a memory counter that never moves; in a total it would be a stalled source and make every joule
 * missing. Rows of memory from `first` on that stand still while their package's counter moves become ERROR. A counter
 * that lives ends this in a millisecond or two, a dead one costs 20. */
void energy_rapl_drop_still(struct energy_channels *list, size_t first, const struct ipw_env *env,
                            struct energy_collector *c,
                            int (*read)(struct energy_collector *c, const struct ipw_env *env, size_t local,
                                        uint64_t *raw));

/* ---- texts of sysfs ---- */

/* "0,18" or "0-3,8" into numbers; -1 when it is anything else, or longer than cap. */
int energy_rapl_cpulist(const char *text, int *out, int cap);

/* "event=0x02" into its number; false for anything else (other terms would need other fields of the call). */
bool energy_rapl_event(const char *text, uint64_t *config);

/* "energy-pkg 18", a message of ipw-meter; event has room for 32 bytes. */
bool energy_rapl_message(const char *text, char *event, int *cpu);

#endif
