/* How questions are put: by our templates or the user's own text, with answered examples before them (few-shot). */
#ifndef IPW_DATASET_WORDING_H
#define IPW_DATASET_WORDING_H

#include "dataset/dataset.h"

enum { WORDING_SHOTS_MAX = 64 };

/* Zeroed, or NULL wherever one is taken: our templates, no examples. Released with dataset_wording_release. */
struct dataset_wording {
    char *text;                /* the user's template; NULL: ours */
    char text_id[80];          /* "mine.txt@0123456789ab" */
    unsigned has;              /* which of its placeholders it has */
    size_t n_shots;            /* examples before each question */
    char shots_id[16];         /* the beginning of their file's SHA-256 */
    struct dataset *shots;     /* where they come from */
    struct json_doc **example; /* of each of its questions */
};
void dataset_wording_release(struct dataset_wording *w);

/* A template of the user's own, of which a copy is kept: {question}, and {context} {choices} {letters} {subject} {test}.
 * {choices} is "A. ..." line by line, {letters} "A-D". IPW_E_INPUT names the line of what is no placeholder. */
int dataset_wording_text(struct dataset_wording *w, const char *path, const char *text, size_t len, struct ipw_err *err);

/* n examples before each question, out of `shots`, which becomes w's own also after an error: the first ones of the question's
 * subject, or of all where there are fewer of that subject; of its type, and never the question itself. */
int dataset_wording_shots(struct dataset_wording *w, struct dataset *shots, size_t n, struct ipw_err *err);

/* Whether every question of data can be put this way: it has n examples, and its template shows what it needs.
 * IPW_E_USAGE names the question. */
int dataset_wording_check(const struct dataset_wording *w, const struct dataset *data, enum dataset_asking how, struct ipw_err *err);

/* The messages of a question, in the arena, and the id of how it was put: "mcq/1", "mcq/1+5@0123456789ab" with five
 * examples, "mine.txt@0123456789ab". An example is a question of the user and the answer in the form that is asked for.
 * Records with `messages` give them as they are. */
struct dataset_message {
    const char *role, *content;
};
size_t dataset_messages(const struct dataset_wording *w, const json_val *record, struct ipw_arena *arena,
                        struct dataset_message **out, const char **tmpl);

/* dataset_options, with the examples and their right choices before the context, an empty line behind each. */
bool dataset_wording_options(const struct dataset_wording *w, const json_val *record, enum dataset_asking how,
                             struct ipw_arena *arena, struct dataset_options *out);

#endif
