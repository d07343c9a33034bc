#include "run/finish.h"

#include <string.h>

#include "base/json.h"
#include "base/status.h"
#include "run/joules.h"
#include "run/rescore.h"

static int on_key(const char *query_id, int64_t sample, int64_t attempt, int status, void *ud)
{
    (void)query_id;
    (void)sample;
    *(int64_t *)ud += status != QUERY_NOT_SENT && attempt == 1;
    return 0;
}

int run_answered(struct store *store, bool *whole, struct ipw_err *err)
{
    int64_t done = 0, n = 0;
    struct json_doc *doc = NULL;
    const char *dataset = store_meta(store, "dataset");
    int rc = dataset ? json_read(&doc, dataset, strlen(dataset), 0, err) : 0;
    *whole = false;
    if (rc)
        return ipw_err_wrap(err, "meta dataset");
    bool counted = json_is_int(json_get(json_root(doc), "n"), &n);
    json_doc_free(doc);
    rc = store_each_key(store, on_key, &done, err);
    *whole = !rc && counted && done >= n;
    return rc;
}

static int set_state(struct store *store, struct ipw_err *err)
{
    bool whole;
    int rc;
    if ((rc = run_answered(store, &whole, err)) ||
        (rc = store_put_meta_int(store, "generation", store_meta_int(store, "generation", 0) + 1, err)))
        return rc;
    return store_put_meta_int(store, "complete", whole, err);
}

int run_finish(struct store *store, struct ipw_err *err)
{
    int rc;
    if ((rc = store_begin(store, err)) || (rc = run_joules(store, err)) || (rc = run_score(store, err)) ||
        (rc = set_state(store, err)))
        return rc; /* store_close or the next begin rolls back */
    return store_commit(store, err);
}

int run_rescore(struct store *store, const char *scorer, struct ipw_err *err)
{
    int rc;
    if ((rc = store_begin(store, err)) || (rc = store_put_meta(store, "scorer", scorer, err)) ||
        (rc = run_score(store, err)) || (rc = set_state(store, err)))
        return rc;
    return store_commit(store, err);
}
