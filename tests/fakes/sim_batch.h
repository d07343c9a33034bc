/* A server that answers several requests at once, and a meter on it: what each request truly cost is known. Its energy is
 * made in another form than src/energy/share.c takes it apart: every step reads the weights once for all that take part in
 * it, tokens of prompts and answers cost more the longer their context, prompts are evaluated in chunks between the others'
 * tokens, requests wait for a slot, the counter moves every 100 ms, and in some models a step's energy is no sum of its
 * parts. The same seed gives the same run on every machine. */
#ifndef IPW_FAKES_SIM_BATCH_H
#define IPW_FAKES_SIM_BATCH_H

#include "energy/share.h"

enum sim_batch_form {
    SIM_BATCH_SUM,      /* of its parts */
    SIM_BATCH_ROOFLINE, /* memory or arithmetic, whichever takes more, and a third of the other */
    SIM_BATCH_CONCAVE,  /* what comes on top of the weights grows slower than the work: power 0.8 */
};

struct sim_batch_model {
    const char *name;
    enum sim_batch_form form;
    double idle_w;
    double step_j, prefill_j, decode_j; /* above idle: reading the weights; a prompt token; a written one */
    double kv_j, attend_j;              /* per token of context: of a written token, of a prompt token */
    double step_s, prefill_s, decode_s, kv_s;
    int64_t slots, chunk; /* requests that are worked on; tokens in a step */
};
enum { SIM_BATCH_MODELS = 7, SIM_BATCH_CLASSES = 3 };
extern const struct sim_batch_model sim_batch_models[SIM_BATCH_MODELS];

struct sim_batch_load {
    uint64_t seed;
    size_t in_flight, requests; /* a closed loop */
    double vary;    /* every parameter of the model is multiplied by e^(vary x normal) */
    bool says_time; /* the server tells how long evaluating the prompt took */
};

struct sim_batch {
    struct share_request *req; /* in order of t_send */
    double *truth_j, *truth_prefill_j; /* Shapley share of every step's energy, and of idle power by the requests in flight */
    int *cls;                  /* 0 chat, 1 questions on a document, 2 long answers */
    size_t n;
    struct energy_channel ch;
    struct energy_reading *readings;
    size_t n_readings;
    double idle_w, u_idle_w;   /* as a baseline of 5 s would find it */
    int64_t *stamps;
};

void sim_batch_play(struct sim_batch *out, const struct sim_batch_model *m, const struct sim_batch_load *load);
void sim_batch_free(struct sim_batch *b);

#endif
