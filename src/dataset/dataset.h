/* Questions: records as contract/question.example.jsonl, from a JSONL file or a built-in set. To add a built-in
 * set: write src/dataset/<name>.c, add a row in registry.c (docs/add-a-dataset.md). */
#ifndef IPW_DATASET_DATASET_H
#define IPW_DATASET_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/env.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"

struct question {
    const char *id;
    const char *type;      /* "mcq", "numeric", ... as read; "exact" when absent */
    const char *subject;   /* NULL: none; the domain of results */
    const char *record;    /* the line as read (one line of JSON): rescoring needs nothing else */
    size_t record_len;
    int64_t max_tokens;    /* 0: none given */
};

struct dataset {
    char name[128]; /* the built-in's name, or the file's base name without .jsonl */
    char sha256[65];
    struct question *v;
    size_t n;
    struct ipw_arena arena;
    const char *map; /* a large file, which is not read into memory; NULL */
    size_t map_len;
};

struct dataset_cfg {
    int64_t prompt_length; /* fixed_length: words of the prompt's body in tokens x 5 characters; 0: 100 */
    int64_t num_samples;   /* fixed_length: how many; 0: 8 */
    const char *dir;       /* where the sets lie that were pulled (NAME.jsonl); NULL or "": none are */
};

/* The path behind spec: a set that was pulled, else spec itself. Not for built-ins. */
void dataset_path(const char *spec, const struct dataset_cfg *cfg, char *out, size_t size);

/* spec: the name of a built-in set or of one that was pulled, else a path. Every line is checked before any question is
 * asked; errors name file and line ("'q.jsonl' line 7: ..."). Code IPW_E_INPUT. An unknown name suggests the nearest one,
 * or to pull it. */
int dataset_open(struct dataset **out, const char *spec, const struct dataset_cfg *cfg,
                 struct ipw_err *err);
void dataset_close(struct dataset *d);

struct dataset_ops {
    const char *name;
    const char *what;
    int (*text)(const struct dataset_cfg *cfg, struct ipw_buf *jsonl, struct ipw_err *err);
};
extern const struct dataset_ops *const datasets[]; /* built-in sets, NULL-terminated */
const struct dataset_ops *dataset_find(const char *name); /* NULL: no built-in set of that name */

/* Reads records from JSONL text, of which it keeps a copy (dataset_read_in_place: which must outlive d); source is the name for messages. Also used by the built-ins. */
int dataset_read_jsonl(struct dataset *d, const char *source, const char *text, size_t len,
                       struct ipw_err *err);
int dataset_read_in_place(struct dataset *d, const char *source, const char *text, size_t len, struct ipw_err *err);

/* The user message of a question (datasets 1.3, own wording), and its template's versioned id (static), e.g.
 * "mcq/1". Records with `messages` give them as they are: *tmpl is "messages/1" and user stays empty. */
void dataset_prompt(const json_val *record, struct ipw_buf *user, const char **tmpl);

/* "\nA. ..." for each choice. */
void dataset_choices(const json_val *record, struct ipw_buf *out);
/* The gold answer as an example has it: `solution` if the record has one, and the answer in the form that the template asks
 * for. False: it asks for none, or there is no answer. */
bool dataset_reply(const json_val *record, struct ipw_buf *out);

/* ---- asking for log-likelihoods instead of an answer (datasets 2.3) ---- */

/* By name: "answer" (a text is written), "loglik" (of the choices' texts), "letters" (of " A", " B", ... behind the listed
 * choices), "perplexity" (of the question's own text). */
enum dataset_asking { DATASET_ANSWER, DATASET_LOGLIK, DATASET_LETTERS, DATASET_PERPLEXITY, DATASET_ASKING_N };
const char *dataset_asking_name(enum dataset_asking how);
bool dataset_asking_find(const char *name, enum dataset_asking *how); /* NULL: DATASET_ANSWER */
enum { DATASET_OPTIONS_MAX = 26 };

/* What comes first, and what may follow it, word for word. Texts are in the arena. */
struct dataset_options {
    const char *context, *v[DATASET_OPTIONS_MAX];
    size_t n;
    const char *tmpl; /* static, as of dataset_prompt */
};
/* False: the record has no choices. */
bool dataset_options(const json_val *record, enum dataset_asking how, struct ipw_arena *arena, struct dataset_options *out);

/* A text file as questions of type none: pieces of `bytes` that end before a word, each behind as much of the text that
 * comes before it. IPW_E_INPUT when it is not UTF-8. */
enum { DATASET_PIECE = 2560 };
int dataset_open_text(struct dataset **out, const char *path, int64_t bytes, struct ipw_err *err);
int dataset_text_pieces(const char *name, const char *text, size_t len, size_t bytes, struct ipw_buf *jsonl, struct ipw_err *err);

#endif
