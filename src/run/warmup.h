/* Warm-up: how many questions are asked beforehand and forgotten. */
#ifndef IPW_RUN_WARMUP_H
#define IPW_RUN_WARMUP_H

#include "engine/engine.h"
#include "run/recorder.h"

enum { WARMUPS = 512 };
struct warmup {
    const struct recorder *recorder;
    bool steady;      /* until speed and temperature stand still */
    size_t asked, of; /* of: when not steady */
    double tokens_s[WARMUPS], celsius[WARMUPS], t_s[WARMUPS]; /* decoding speed of the last, oldest first */
    size_t n;
    int64_t since_ns;
};

bool warmup_owed(struct warmup *w); /* one more is to be asked */

/* What an answer told: its last event, and when its first and last token came (t_first may be ENGINE_UNKNOWN). */
void warmup_note(struct warmup *w, const struct engine_event *end, int64_t t_first, int64_t t_last);

#endif
