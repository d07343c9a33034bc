/* The parts of this machine whose joules are asked for, and how each is metered, in the words of the first screen. */
#ifndef IPW_CLI_SOURCES_H
#define IPW_CLI_SOURCES_H

#include "energy/meter.h"

struct source_line {
    const char *part; /* "GPU", "CPU", "memory", "module", "machine", "battery" */
    char text[160];   /* "NVML counter, ready"; "RAPL is there, only root may read it" */
    bool ready;       /* it is read */
    bool counts;      /* it computes: its joules belong to an answer's */
    const struct energy_channel *channel; /* the one that is read, else the one whose remedy helps most */
};

/* One line for each part, GPUs of one state together; returns how many (at most cap). Lines point into the meter. */
size_t sources_of(const struct meter *m, struct source_line *out, size_t cap);

#endif
