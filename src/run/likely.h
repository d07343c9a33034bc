/* Questions whose log-likelihoods are asked for instead of an answer. */
#ifndef IPW_RUN_LIKELY_H
#define IPW_RUN_LIKELY_H

#include "dataset/wording.h"
#include "engine/engine.h"
#include "store/store.h"

/* context, options of req; they live in the arena or the record. */
int run_likely_request(const json_val *record, const struct dataset_wording *wording, enum dataset_asking how,
                       struct ipw_arena *arena, struct engine_req *req, const char **tmpl, struct ipw_err *err);

/* What is stored as the answer, which scorers read: {"of", "loglik", "tokens", "greedy", "chars", "bytes"}, a list each but the
 * first, one element per option; chars and bytes are of its text without the space in front. */
void run_likely_answer(const json_val *record, enum dataset_asking how, const struct engine_event *ev, struct ipw_buf *answer);

const char *run_likely_scorer(enum dataset_asking how);

#endif
