/* A meter: the channels of this machine that one run reads. */
#ifndef IPW_ENERGY_METER_H
#define IPW_ENERGY_METER_H

#include "energy/collector.h"

/* What the user asked for (--energy) and what a run got. auto: counters if any, else the estimator. */
enum meter_mode { METER_AUTO, METER_MEASURED, METER_ESTIMATED, METER_NONE };
int meter_mode_of(const char *word); /* -1 if none */
const char *meter_mode_name(enum meter_mode m);

struct meter;

/* METER_MEASURED without a readable counter in the total fails with IPW_E_ENV and the remedies. For a listing
 * (`ipw sensors`) use METER_AUTO: all channels are there, also those that cannot be read. */
int meter_open(struct meter **out, const struct ipw_env *env, enum meter_mode mode,
               struct ipw_err *err);
void meter_close(struct meter *m);

const struct energy_channel *meter_channels(const struct meter *m, size_t *n);
const char *meter_signature(const struct meter *m);

/* "measured", "partial", "estimated", "none": of the component total. */
const char *meter_source(const struct meter *m);

/* Reads channel i now; any thread; no allocation, no lock. */
void meter_read(const struct meter *m, size_t i, struct energy_reading *r);

/* Gets back sources that vanished; one thread only (the sampler's), at most once a second. */
void meter_mend(const struct meter *m);

/* True for channels worth an explicit read at query boundaries: counters with period <= 5 ms that answered in
 * <= 50 us (median) when the meter was opened. */
bool meter_boundary(const struct meter *m, size_t i);

/* The most useful remedy of the channels that cannot be read, NULL if none. */
const struct energy_remedy *meter_remedy(const struct meter *m);

#endif
