/* Energy sources in three levels: collector (a driver) -> device (package-0, a GPU) -> channel (one counter).
 * Raw values are stored with their scale, joules are derived: any attribution can be computed again.
 * Units: energy int64 nJ, power W, time int64 ns of ipw_now(). Source of the rules: docs/method.md. */
#ifndef IPW_ENERGY_CHANNEL_H
#define IPW_ENERGY_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a channel covers. word */
#define ENERGY_SCOPE_MAP(XX)                                                                       \
    XX(CPU_PACKAGE, "cpu_package")                                                                 \
    XX(CPU_CORE, "cpu_core")                                                                       \
    XX(IGPU, "igpu")                                                                               \
    XX(DRAM, "dram")                                                                               \
    XX(GPU_BOARD, "gpu_board")                                                                     \
    XX(GPU_CHIP, "gpu_chip")                                                                       \
    XX(GPU_MEMORY, "gpu_memory")                                                                   \
    XX(ANE, "ane")                                                                                 \
    XX(MODULE, "module")                                                                           \
    XX(SOC_IN, "soc_in")                                                                           \
    XX(PLATFORM, "platform")                                                                       \
    XX(WALL, "wall")                                                                               \
    XX(BATTERY, "battery")                                                                         \
    XX(RAIL, "rail")

#define ENERGY_KIND_MAP(XX)                                                                        \
    XX(COUNTER, "energy")                                                                          \
    XX(POWER_INST, "power_inst")                                                                   \
    XX(POWER_AVG, "power_avg")                                                                     \
    XX(GAUGE, "gauge")

#define ENERGY_CHANNEL_STATUS_MAP(XX)                                                              \
    XX(OK, "ok")                                                                                   \
    XX(DENIED, "denied")                                                                           \
    XX(ABSENT, "absent")                                                                           \
    XX(ERROR, "error")

#define XX(id, word) ENERGY_SCOPE_##id,
enum energy_scope { ENERGY_SCOPE_MAP(XX) ENERGY_SCOPE_N };
#undef XX
#define XX(id, word) ENERGY_KIND_##id,
enum energy_kind { ENERGY_KIND_MAP(XX) ENERGY_KIND_N };
#undef XX
#define XX(id, word) ENERGY_CHANNEL_##id,
enum energy_channel_status { ENERGY_CHANNEL_STATUS_MAP(XX) ENERGY_CHANNEL_STATUS_N };
#undef XX

const char *energy_scope_name(enum energy_scope s);
const char *energy_kind_name(enum energy_kind k);
const char *energy_channel_status_name(enum energy_channel_status s);
int energy_scope_of(const char *word); /* -1 if none */
int energy_kind_of(const char *word);  /* -1 if none */

/* Why something cannot be read and what to do: ids are stable (telemetry catalogue E_..., W_...). */
struct energy_remedy {
    const char *id; /* NULL: none */
    char text[1200]; /* a sentence; then, on lines that begin with four spaces, commands as they are pasted, and between
                        them lines that say what for. Names no flag of one command: many print it */
};

/* Length of the sentence alone. */
int energy_remedy_sentence(const struct energy_remedy *r);

struct energy_channel {
    char id[96];     /* "rapl:intel-rapl:0": stable over reboots, unique in a meter */
    char device[64]; /* what is metered: "package-0"; a GPU's PCI id as energy_pci_id writes it */
    char name[96];   /* the device in words, "NVIDIA H100 80GB HBM3"; "" none */
    char uuid[64];   /* of a GPU, "GPU-..."; "" none */
    int gpu;         /* which GPU in PCI order, counted by its driver; meaningless without a PCI device */
    char source[32]; /* the collector's name */
    enum energy_scope scope;
    enum energy_kind kind;
    double unit_nj;      /* nJ per raw unit (counters), nW per raw unit (power) */
    uint64_t modulus;    /* raw units after which a counter starts again; 0: never */
    int64_t period_ns;   /* how often the source updates; 0 unknown: found while sampling */
    int64_t window_ns;   /* averaging window of power sources; 0 none */
    int64_t quantum_nj;  /* smallest step */
    int64_t latency_ns;  /* median time of one read, measured when opened; 0 unknown */
    double gain_u;       /* one-sigma relative gain uncertainty */
    double pmax_w;       /* plausible maximum (2x the power cap); 0 unknown */
    double limit_w;      /* of a GPU: the power limit in force when opened; 0 unknown */
    char driver[48];     /* of a GPU: its driver's version; "" unknown */
    bool estimated;      /* a model, not a counter */
    bool unused;         /* its device takes no part (not selected, computes nothing): never in a total */
    bool included;       /* the user says it belongs to the total (--include) */
    bool part_time;      /* a power sensor that looks only a part of the time (window < period) */
    bool in_total;       /* member of the component total; set by energy_scope_resolve */
    bool in_system;      /* member of the system total; set by energy_scope_resolve */
    char why[96];        /* why it is in or out of the total */
    enum energy_channel_status status;
    struct energy_remedy remedy;
    const char *verified; /* "hw", "fixture", "stub" */
};

/* Gauges are told apart by the end of their id; every driver uses these units, whatever its source does:
 *   :utilization  share of time busy, per mille
 *   :memory       bytes in use
 *   :clock        Hz
 *   :temperature  millidegree Celsius
 *   :throttle     enum energy_throttle bits that hold now
 *   :throttled    how often the hardware slowed down for heat, a count */
enum energy_throttle {
    ENERGY_THROTTLE_HEAT = 1,  /* thermal slowdown */
    ENERGY_THROTTLE_CAP = 2,   /* at a power limit: normal under load, told apart */
    ENERGY_THROTTLE_BRAKE = 4, /* hardware slowdown, power brake */
};

/* One read of one channel; stateless. The value holds when status is 0. */
struct energy_reading {
    int64_t t_before, t_after; /* ipw_now() around the read */
    uint64_t raw;
    int32_t channel; /* index in the meter */
    int32_t status;  /* 0 or -errno */
};

void energy_remedy_set(struct energy_remedy *r, const char *id, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The one spelling of a PCI address, "0000:01:00.0": lower case, a domain of four digits (more only when it needs
 * them). Takes "00000000:01:00.0" (NVML), "0000:01:00.0", "01:00.0". False and "" when it is none. */
bool energy_pci_id(const char *text, char *out, size_t size);

/* Pure: decides which channels form the component and the system total, without counting any energy twice
 * (telemetry 2.2), and fills in_total, in_system and why. Only channels with status OK become members. */
void energy_scope_resolve(struct energy_channel *ch, size_t n);

bool energy_scope_adds(enum energy_scope s); /* can be a member of the component total */

/* "component(cpu_package+dram)": sorted scope words of the members; "component()" when there are none. */
void energy_signature(const struct energy_channel *ch, size_t n, char *out, size_t size);

#endif
