/* The table behind hwmon.c: what the sensors of each chip are. */
#ifndef IPW_ENERGY_HWMON_H
#define IPW_ENERGY_HWMON_H

#include "energy/channel.h"

/* What a chip can offer, as bits. */
enum hwmon_attr {
    HWMON_ENERGY = 1,  /* energyN_input, uJ, cumulative */
    HWMON_POWER = 2,   /* powerN_input, uW */
    HWMON_AVERAGE = 4, /* powerN_average, uW over powerN_average_interval */
    HWMON_PRODUCT = 8, /* inN_input mV x currN_input mA */
    HWMON_IIO = 16,    /* in_powerN_input, mW: the driver of NVIDIA's older kernels */
};

/* How a channel's device is called. */
enum hwmon_device {
    HWMON_BY_LABEL,  /* its own label: each is a device */
    HWMON_BY_WORD,   /* `word` */
    HWMON_BY_NUMBER, /* `word` and the number at the end of the label */
    HWMON_BY_NODE,   /* `word` and the package of the NUMA node of that number */
    HWMON_BY_CHIP,   /* `word` and how many chips of this name came before */
    HWMON_BY_PCI,    /* the PCI address */
    HWMON_BY_SOCKET, /* a graphics part with the processor in its power: package-0; else the PCI address */
};

enum {
    HWMON_SKIP = 1,    /* not a channel at all */
    HWMON_LATE = 2,    /* the kernel keeps the counter only while it is read: E_INTELGPU_LATE */
    HWMON_NONZERO = 4, /* 0 means that the part has no such counter, when it has another */
};

struct hwmon_rule {
    const char *chip;  /* the chip's name; a '*' at the end stands for anything */
    unsigned attrs;    /* bits of enum hwmon_attr */
    int index;         /* N; 0: any */
    const char *label; /* as chip; NULL: any */
    enum energy_scope scope;
    double gain_u;
    enum hwmon_device device;
    const char *word;
    int64_t period_ns, window_ns; /* 0: what the chip says, else unknown; window: of an average without an interval */
    unsigned flags;
};

/* The first rule that fits; there is one for everything (a rail: listed, never in a total by itself). */
const struct hwmon_rule *hwmon_rule_find(const char *chip, enum hwmon_attr attr, int index, const char *label);

/* Which current belongs to which voltage, for chips that do not multiply. */
struct hwmon_pair {
    const char *chip;
    int in, curr;
};
const struct hwmon_pair *hwmon_pair_find(const char *chip, size_t k); /* the k-th of a chip, NULL: no more */

/* Jetson: which of n rails together are the input of the module; marks[i] true for them. False: none of the known sets
 * is complete. */
bool hwmon_jetson_total(const char *const *labels, size_t n, bool *marks);

bool hwmon_fits(const char *pattern, const char *text);

#endif
