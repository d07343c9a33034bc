/* Of ipw profile: several answers to each question. */
#include <string.h>

#include "base/json.h"
#include "cli/profile.h"

int profile_samples_check(const struct profile *p, struct ipw_err *err)
{
    const struct run_plan *plan = &p->plan;
    long long k = (long long)plan->samples;
    enum dataset_asking how;
    if (k == 1)
        return 0;
    if (plan->request_count > 0 || plan->duration_s > 0 || plan->arrival)
        return ipw_err_set(err, IPW_E_USAGE, "'--samples %lld' asks each question so often, and '--%s' says itself how much is "
                           "asked; leave one out", k, plan->request_count > 0 ? "request-count" : plan->duration_s > 0 ? "duration" : "arrival");
    if (dataset_asking_find(plan->scoring, &how) && how != DATASET_ANSWER)
        return ipw_err_set(err, IPW_E_USAGE, "'--samples %lld': --scoring %s draws nothing, so every sample would be the same; leave "
                           "one out", k, dataset_asking_name(how));
    return 0;
}

/* A temperature that --extra-body sets is the server's business. */
static bool by_extra_body(const struct run_plan *plan)
{
    struct json_doc *doc;
    struct ipw_err ignored;
    if (!plan->extra_body || json_read(&doc, plan->extra_body, strlen(plan->extra_body), 0, &ignored))
        return false;
    bool set = json_get(json_root(doc), "temperature") != NULL;
    json_doc_free(doc);
    return set;
}

bool profile_samples_warn(const struct profile *p)
{
    if (p->plan.samples == 1 || p->plan.temperature > 0 || by_extra_body(&p->plan))
        return false;
    cli_say("warning: at temperature 0 all %lld samples of a question are the same answer, paid for %lld times; draw them with "
            "--temperature 0.7 (or what the model's authors advise), or leave --samples out", (long long)p->plan.samples,
            (long long)p->plan.samples);
    return true;
}
