/* A meter: the channels of this machine that one run reads. */
#ifndef IPW_ENERGY_METER_H
#define IPW_ENERGY_METER_H

#include "energy/collector.h"

/* What the user asked for (--energy) and what a run got. auto: counters if any, else the estimator. */
enum meter_mode { METER_AUTO, METER_MEASURED, METER_ESTIMATED, METER_NONE };
int meter_mode_of(const char *word); /* -1 if none */
const char *meter_mode_name(enum meter_mode m);

struct meter_cfg {
    enum meter_mode mode;
    /* Which GPUs take part: a list of indices (PCI order), UUIDs or their beginnings, PCI ids; --devices or a
     * *_VISIBLE_DEVICES variable. NULL: all; "" or "-1": none. */
    const char *devices;
    bool stop_at_unknown; /* CUDA's rule for its variable: an entry that names nothing here ends the list */
    const char *include; /* ids of channels, comma-separated, that belong to the total though ipw does not know them */
    const struct energy_collector_ops *const *collectors; /* NULL: the registry */
    const struct energy_calibration *calibration; /* for models, read while opening; NULL: published coefficients */
};

struct meter;

/* METER_MEASURED without a readable counter in the total fails with IPW_E_ENV and the remedies. For a listing
 * (`ipw sensors`) use METER_AUTO: all channels are there, also those that cannot be read. IPW_E_INPUT: `devices` or
 * `include` names something that is not here. */
int meter_open(struct meter **out, const struct ipw_env *env, const struct meter_cfg *cfg,
               struct ipw_err *err);

/* What computes, once it is known (decisions.md: the metered set must contain the computing set). GPUs that are not
 * in the list leave the total; computing ones without a channel make the source `partial` and are named by
 * meter_unmetered. Not while samplers run on other threads. */
struct meter_device {
    const char *key;  /* "cpu", or a PCI id in any spelling */
    const char *name; /* for messages */
};
void meter_computing(struct meter *m, const struct meter_device *dev, size_t n);
/* It is known what computes, and channel i's device does. */
bool meter_takes_part(const struct meter *m, size_t i);
size_t meter_unmetered(const struct meter *m, const char **names, size_t cap); /* names live as long as m */

/* 0, or the refusal of METER_MEASURED (IPW_E_ENV with the remedies) when the source is anything less. */
int meter_require_measured(const struct meter *m, struct ipw_err *err);
void meter_close(struct meter *m);

const struct energy_channel *meter_channels(const struct meter *m, size_t *n);
const char *meter_signature(const struct meter *m);

/* "measured", "partial", "estimated", "none": of the component total. */
const char *meter_source(const struct meter *m);

/* Reads channel i now; any thread; no allocation, no lock. */
void meter_read(const struct meter *m, size_t i, struct energy_reading *r);

/* Gets back sources that vanished; one thread only (the sampler's), at most once a second. */
void meter_mend(const struct meter *m);

/* Writes what was found out about channel i while sampling (its period). The sampler's thread only. */
void meter_learn_period(struct meter *m, size_t i, int64_t period_ns);

/* True for channels worth an explicit read at query boundaries: counters with period <= 5 ms that answered in
 * <= 50 us (median) when the meter was opened. */
bool meter_boundary(const struct meter *m, size_t i);

/* The most useful remedy of the channels that cannot be read, NULL if none. */
const struct energy_remedy *meter_remedy(const struct meter *m);

#endif
