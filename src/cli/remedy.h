/* Why energy sources cannot be read and what to do about it, for a terminal. */
#ifndef IPW_CLI_REMEDY_H
#define IPW_CLI_REMEDY_H

#include "base/buf.h"
#include "energy/channel.h"

/* Each kind of remedy once: the channels that it is about, its id, its text folded to `columns`; commands stay whole lines.
 * A blank line before each. */
void remedies_add(const struct energy_channel *c, size_t n, int columns, struct ipw_buf *out);

#endif
