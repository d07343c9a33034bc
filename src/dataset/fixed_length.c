/* Prompts of one length, never scored: for timing prefill and decode (datasets 1.2). */
#include "dataset/dataset.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHARS_PER_TOKEN = 5, LENGTH_DEFAULT = 100, SAMPLES_DEFAULT = 8, LENGTH_MAX = 1000000, SAMPLES_MAX = 10000 };

static const char paragraph[] =
    "The ferry leaves the old harbour at seven and needs an hour to reach the island. On the way it passes two "
    "lighthouses, a row of wooden fishing huts, and a sandbank where seals rest at low tide. The crew sells coffee "
    "and bread, the mail travels in a locked chest behind the bridge, and the last passengers to board are the "
    "schoolchildren. In winter the wind from the north makes the crossing rough, so the captain takes the longer "
    "route behind the cliffs and arrives twenty minutes late. ";
static const char instruction[] = "\n\nSummarise the text above in a few sentences.";

/* The first words differ from sample to sample: a server's prefix cache would hide the prefill's energy. */
static void opening(int64_t i, struct ipw_buf *b)
{
    static const char *const first[] = {"Amber", "Birch",   "Copper", "Dawn", "Ember", "Fern",   "Granite", "Hazel",
                                        "Iris",  "Juniper", "Kelp",   "Lark", "Maple", "Nettle", "Opal",    "Pine"};
    static const char *const second[] = {"notebook", "ledger", "journal", "record", "letter", "report", "diary"};
    ipw_buf_addf(b, "%s %s %" PRId64 ". ", first[i % 16], second[i / 16 % 7], i + 1);
}

static void prompt(int64_t i, int64_t length, struct ipw_buf *b)
{
    size_t want = (size_t)(length * CHARS_PER_TOKEN), tail = strlen(instruction);
    size_t body = want > tail ? want - tail : 0;
    opening(i, b);
    size_t least = b->len;
    while (b->len < body)
        ipw_buf_adds(b, paragraph);
    b->len = body > least ? body : least;
    ipw_buf_adds(b, instruction);
}

static int text(const struct dataset_cfg *cfg, struct ipw_buf *jsonl, struct ipw_err *err)
{
    int64_t length = cfg && cfg->prompt_length ? cfg->prompt_length : LENGTH_DEFAULT;
    int64_t n = cfg && cfg->num_samples ? cfg->num_samples : SAMPLES_DEFAULT;
    if (length < 1 || length > LENGTH_MAX)
        return ipw_err_set(err, IPW_E_INPUT, "prompt length '%" PRId64 "' is out of range; give 1 to %d tokens", length,
                           LENGTH_MAX);
    if (n < 1 || n > SAMPLES_MAX || n * length * CHARS_PER_TOKEN > 100 << 20)
        return ipw_err_set(err, IPW_E_INPUT,
                           "'%" PRId64 "' samples of %" PRId64 " tokens are out of range; give 1 to %d samples and "
                           "at most 100 MiB of prompts",
                           n, length, SAMPLES_MAX);
    for (int64_t i = 0; i < n; i++) {
        struct ipw_buf b = IPW_BUF_INIT;
        char id[48];
        prompt(i, length, &b);
        snprintf(id, sizeof id, "fixed_length/%" PRId64, i + 1);
        struct json_out *o = json_out_new();
        json_node *r = json_new_obj(o);
        json_put_str(o, r, "id", id);
        json_put_str(o, r, "type", "none");
        json_put_strn(o, r, "question", b.s, b.len);
        json_put_str(o, r, "source", "ipw fixed_length");
        json_put_str(o, r, "license", "Apache-2.0");
        char *line = json_write(o, r, false);
        ipw_buf_adds(jsonl, line);
        ipw_buf_addc(jsonl, '\n');
        free(line);
        json_out_free(o);
        ipw_buf_release(&b);
    }
    return 0;
}

const struct dataset_ops dataset_fixed_length = {
    .name = "fixed_length",
    .what = "prompts of one length, never scored; takes a prompt length and a number of samples",
    .text = text,
};
