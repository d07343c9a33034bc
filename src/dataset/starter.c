/* The set inside the program: share/starter.jsonl. */
#include "dataset/dataset.h"

extern const unsigned char ipw_embed_starter_jsonl[];
extern const size_t ipw_embed_starter_jsonl_len;

static int text(const struct dataset_cfg *cfg, struct ipw_buf *jsonl, struct ipw_err *err)
{
    (void)cfg;
    (void)err;
    ipw_buf_add(jsonl, ipw_embed_starter_jsonl, ipw_embed_starter_jsonl_len);
    return 0;
}

const struct dataset_ops dataset_starter = {
    .name = "starter",
    .what = "own short questions on many subjects; made for a first run",
    .text = text,
};
