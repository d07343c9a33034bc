/* Of ipw profile: what is only for --scoring by log-likelihoods. */
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "cli/profile.h"
#include "cli/sets.h"

static int no_letters(const struct profile *p, const struct question *q, enum dataset_asking how, struct ipw_err *err)
{
    return ipw_err_set(err, IPW_E_USAGE, "question '%.80s' of '%.80s' has no choices, which --scoring %s compares; give a set of "
                       "multiple choice, or leave --scoring out", q->id, p->data->name, dataset_asking_name(how));
}

/* Every question has what is compared; the most that one has. */
static int count_options(struct profile *p, enum dataset_asking how, struct ipw_err *err)
{
    int rc = 0;
    p->options = 0;
    for (size_t i = 0; i < p->data->n && !rc; i++) {
        const struct question *q = &p->data->v[i];
        struct ipw_arena arena = {0};
        struct dataset_options o;
        struct json_doc *doc;
        if ((rc = json_read(&doc, q->record, q->record_len, 0, err)))
            break;
        if (!dataset_options(json_root(doc), how, &arena, &o))
            rc = no_letters(p, q, how, err);
        else if (p->options < (int64_t)o.n)
            p->options = (int64_t)o.n;
        ipw_arena_release(&arena);
        json_doc_free(doc);
    }
    return rc;
}

static int check(const struct profile *p, enum dataset_asking *how, struct ipw_err *err)
{
    if (!dataset_asking_find(p->plan.scoring, how))
        return ipw_err_set(err, IPW_E_USAGE, "'--scoring %.40s': answer, loglik, letters or perplexity is needed", p->plan.scoring);
    if (*how == DATASET_ANSWER)
        return 0;
    if (p->plan.system)
        return ipw_err_set(err, IPW_E_USAGE, "'--system' goes with written answers: --scoring %s puts the text to the model as it is; "
                           "leave one out", dataset_asking_name(*how));
    if (!(p->ops->caps & ENGINE_LOGPROBS) && !(*how == DATASET_LETTERS && p->ops->caps & ENGINE_LETTERS))
        return ipw_err_set(err, IPW_E_USAGE, "'--scoring %s': engine '%s' does not tell how likely a given text is; ask a GGUF file in "
                           "this process%s", dataset_asking_name(*how), p->ops->name,
                           *how == DATASET_LOGLIK ? ", or a server of OpenAI's API with --scoring letters" : "");
    return 0;
}

/* --scoring perplexity takes a text file where others take a question set. */
static bool is_text(const struct profile *p, enum dataset_asking how)
{
    char path[PATH_MAX];
    const char *set = p->plan.dataset;
    return how == DATASET_PERPLEXITY && !dataset_find(set) && !ipw_ends(set, ".jsonl") && !strcmp(sets_path(set, path), set);
}

int profile_scoring_data(struct profile *p, struct ipw_err *err)
{
    enum dataset_asking how;
    int rc = check(p, &how, err);
    if (rc)
        return rc;
    if (is_text(p, how))
        rc = dataset_open_text(&p->data, p->plan.dataset, DATASET_PIECE, err);
    else
        rc = sets_open(&p->data, p->plan.dataset, p->plan.prompt_length, p->plan.num_samples, err);
    return rc || how == DATASET_ANSWER ? rc : count_options(p, how, err);
}
