/* Apple's IOReport group "Energy Model" as ipw uses it (telemetry 3.8): from (name, unit, value) of its channels to the
 * energy of five parts of the chip. Pure, so that it is tested where there is no Mac; apple.c gets the channels. */
#ifndef IPW_ENERGY_IOREPORT_H
#define IPW_ENERGY_IOREPORT_H

#include <stdbool.h>
#include <stdint.h>

enum ioreport_part { IOREPORT_CPU, IOREPORT_GPU, IOREPORT_GPU_SRAM, IOREPORT_ANE, IOREPORT_DRAM, IOREPORT_PARTS };

/* Sums of one sample. A part is told by its chip-wide channel, else by the sum of its dies' channels: an Ultra lists
 * "DIE_0_CPU Energy" and "DIE_1_CPU Energy", or "ANE0_0" and "ANE0_1". Cores, clusters and their managers lie inside
 * "CPU Energy", an engine's SRAM inside the engine: they are never added. */
struct ioreport_sum {
    struct ioreport_value {
        bool have;
        int status;         /* of the first bad channel: -EINVAL (unit, sign), -ERANGE (sum) */
        uint64_t nj;
        int64_t quantum_nj; /* the coarsest unit in the sum */
    } chip[IOREPORT_PARTS], dies[IOREPORT_PARTS];
};

void ioreport_add(struct ioreport_sum *s, const char *name, const char *unit, int64_t value); /* s begins as {0} */

/* The part's energy since boot; have is false when the chip lists no channel for it. */
struct ioreport_value ioreport_get(const struct ioreport_sum *s, enum ioreport_part part);

#endif
