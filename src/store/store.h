/* run.db: the facts of one run in SQLite, as contract/run.sql and docs/schema.md (schema 3). One writer per run
 * (flock on `lock`), readers at any time. Unknown is NULL in the file; here it is INT64_MIN for times and
 * counts (STORE_NULL), NAN for reals, NULL for text. Times are ns since the segment's anchor. */
#ifndef IPW_STORE_STORE_H
#define IPW_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define STORE_NULL INT64_MIN
enum { STORE_SCHEMA = 3 };

struct store;

/* Makes dir/run.db and takes the lock; the folder must exist. IPW_E_LOCKED names the pid that holds it,
 * IPW_E_INPUT if a run.db is already there. */
int store_create(struct store **out, const char *dir, struct ipw_err *err);

/* Opens dir/run.db. write: takes the lock. IPW_E_INPUT when it is not a run, or of a newer schema. A read-only
 * open works while a writer is at work, and sees the run as it was at that moment until it is closed. */
int store_open(struct store **out, const char *dir, bool write, struct ipw_err *err);
void store_close(struct store *s); /* rolls back what is not committed; NULL is fine */

int store_begin(struct store *s, struct ipw_err *err); /* rolls back one that is open: what a failed writer left */
int store_commit(struct store *s, struct ipw_err *err); /* IPW_E_IO names the disk when it is full */

/* ---- writing (inside begin/commit) ---- */
int store_put_meta(struct store *s, const char *key, const char *value, struct ipw_err *err);
int store_put_meta_int(struct store *s, const char *key, int64_t value, struct ipw_err *err);

struct store_segment {
    int64_t id, pid, started_real_ns, anchor_raw_ns, anchor_boot_ns;
    const char *boot_id, *host, *ipw_build, *engine, *engine_build, *cpu_variant, *power_source, *env;
};
int store_add_segment(struct store *s, struct store_segment *seg, struct ipw_err *err); /* sets id */
/* engine_build, cpu_variant, env of segment id: known once the engine is open. */
int store_set_segment_engine(struct store *s, const struct store_segment *seg, struct ipw_err *err);

struct store_device {
    int64_t id;
    const char *key, *name, *kind;
    bool computes;
};
int store_put_device(struct store *s, struct store_device *d, struct ipw_err *err); /* by key; sets id */

struct store_channel {
    int64_t id, device;
    const char *name, *scope, *kind;
    double unit_nj;
    uint64_t modulus; /* SQLite's integers are signed: stored as the same 64 bits */
    int64_t period_ns, window_ns, quantum_nj, latency_ns;
    double gain_u;
    bool in_total;
    const char *why, *source, *verified;
};
/* Finds the channel of this (device, name), or adds it; sets id. in_total, why and a known period are taken over. IPW_E_INPUT when the one that is there counts in
 * another unit, kind or modulus: its readings would be read wrongly. */
int store_put_channel(struct store *s, struct store_channel *c, struct ipw_err *err);

struct store_reading_block {
    int64_t segment, channel, t0_ns, t1_ns, n, fmt;
    const void *data;
    size_t size;
};
int store_add_readings(struct store *s, const struct store_reading_block *b, struct ipw_err *err);
int store_add_clock(struct store *s, int64_t segment, int64_t raw, int64_t boot, int64_t real,
                    struct ipw_err *err);
struct store_baseline {
    int64_t segment;
    const char *kind; /* "cold", "loaded", "after" */
    int64_t t0_ns, t1_ns;
};
int store_add_baseline(struct store *s, const struct store_baseline *b, struct ipw_err *err);
int store_add_event(struct store *s, int64_t segment, int64_t t_ns, const char *kind,
                    const char *detail, struct ipw_err *err);

/* Of a request over HTTP; each may be STORE_NULL. */
struct store_served {
    int64_t t_due;     /* when it was to be sent */
    int64_t load_ns, prompt_ns, decode_ns; /* the server's own word: loading the model, evaluating, writing */
};
struct store_query {
    int64_t id; /* set by store_put_query */
    const char *query_id, *domain, *reason, *token_source, *stop;
    int64_t sample, attempt, segment, t_send, t_first, t_first_answer, t_last, t_end;
    int64_t n_in, n_cached, n_out, n_reason, in_flight;
    int status; /* enum query_status */
    double logprob_mean, logprob_min, margin_first;
    const struct store_served *served; /* NULL: nothing is known */
};
struct store_text {
    const char *prompt, *answer, *thinking;
    const void *stamps; /* varint deltas, docs/schema.md */
    size_t stamps_size;
};
struct store_question {
    const char *query_id, *type, *scorer, *tmpl, *record;
};
/* Adds the attempt, its text and (once) its question. A row of the same (query_id, sample, attempt) whose status
 * is not_sent is replaced; any other is IPW_E_BUG. */
int store_put_query(struct store *s, struct store_query *q, const struct store_text *t,
                    const struct store_question *question, struct ipw_err *err);

struct store_energy {
    int64_t version, query, channel, nj, u_nj;
    const char *phase, *method, *reason;
    int status; /* enum energy_status */
};
int store_clear_energy(struct store *s, int64_t version, struct ipw_err *err);
int store_put_energy(struct store *s, const struct store_energy *e, struct ipw_err *err);

struct store_score {
    int64_t query, version;
    const char *scorer, *extracted, *method;
    int status; /* enum score_status */
    double value;
};
int store_put_score(struct store *s, const struct store_score *sc, struct ipw_err *err); /* replaces */

struct store_judged { /* what a score was read from */
    int64_t query, version;
    const char *scorer, *text;
    int64_t game; /* of a comparison: 0 the answer as A, 1 as B; else 0 */
    int64_t n_in, n_out;
};
int store_put_judged(struct store *s, const struct store_judged *j, struct ipw_err *err); /* replaces */

/* ---- reading ---- */
/* NULL when the key is absent; the text lives until the next call or store_close. */
const char *store_meta(struct store *s, const char *key);
int64_t store_meta_int(struct store *s, const char *key, int64_t absent);

/* Rows in order of id (channels, segments, devices), or as said. Strings and blobs live until the next row. A
 * callback that returns non-zero stops the scan and becomes the result; err then belongs to the callback. */
int store_each_segment(struct store *s, int (*fn)(const struct store_segment *, void *), void *ud,
                       struct ipw_err *err);
int store_each_device(struct store *s, int (*fn)(const struct store_device *, void *), void *ud,
                      struct ipw_err *err);
int store_each_channel(struct store *s, int (*fn)(const struct store_channel *, void *), void *ud,
                       struct ipw_err *err);
/* By segment, channel, t0. */
int store_each_readings(struct store *s, int64_t segment, int64_t channel,
                        int (*fn)(const struct store_reading_block *, void *), void *ud,
                        struct ipw_err *err);
/* By id; text NULL unless with_text. question: its record row, NULL unless with_question. */
struct store_query_row {
    struct store_query q;
    struct store_text text;
    struct store_question question;
};
enum { STORE_WITH_TEXT = 1, STORE_WITH_QUESTION = 2, STORE_WITH_STAMPS = 4 }; /* stamps: text with nothing but them */
int store_each_query(struct store *s, int with, int (*fn)(const struct store_query_row *, void *),
                     void *ud, struct ipw_err *err);
/* The resume scan: only query_id, sample, attempt, status, in one pass over the index; 1M rows within 1 s. */
int store_each_key(struct store *s,
                   int (*fn)(const char *query_id, int64_t sample, int64_t attempt, int status, void *),
                   void *ud, struct ipw_err *err);
/* Of one attribution version, by query, phase, channel. */
int store_each_energy(struct store *s, int64_t version, int (*fn)(const struct store_energy *, void *),
                      void *ud, struct ipw_err *err);
/* The newest attribution there are rows of, 0 if none. */
int64_t store_energy_version(struct store *s);
int store_each_score(struct store *s, int (*fn)(const struct store_score *, void *), void *ud,
                     struct ipw_err *err);
/* The highest version that a scorer's rows have, 0 if none. */
int64_t store_score_version(struct store *s, const char *scorer);
/* The last answer to a question that came to its end, and the question's record; false: there is none. The caller frees
 * both. */
bool store_answer(struct store *s, const char *query_id, int64_t sample, char **answer, char **record);
/* What a scorer of this version found in the last answer; NULL: nothing, or it was not scored. The caller frees it. */
char *store_extracted(struct store *s, const char *query_id, int64_t sample, const char *scorer, int64_t version);
/* Number of the last attempt, 0 if none. */
int64_t store_last_attempt(struct store *s, const char *query_id, int64_t sample);
int store_each_clock(struct store *s, int (*fn)(int64_t segment, int64_t raw, int64_t boot, int64_t real, void *),
                     void *ud, struct ipw_err *err); /* by segment, raw */
int store_each_baseline(struct store *s, int (*fn)(const struct store_baseline *, void *), void *ud,
                        struct ipw_err *err);
int store_each_event(struct store *s,
                     int (*fn)(int64_t segment, int64_t t_ns, const char *kind, const char *detail, void *),
                     void *ud, struct ipw_err *err);

/* ---- the lock ---- */
/* Takes dir/lock (made if absent, holds the pid as text): the descriptor that holds it until it is closed, or -1 with
 * IPW_E_LOCKED naming the pid. store_create and store_open take a run's; a folder of runs may have one of its own. */
int store_lock(const char *dir, struct ipw_err *err);

/* The process that writes the run now; -1: one whose number is not known, 0: none. */
int64_t store_writer(const char *dir);

#endif
