/* Public question sets that can be had: share/datasets.json, inside the program. To add one: a row there
 * (docs/add-a-dataset.md). */
#ifndef IPW_DATASET_CATALOGUE_H
#define IPW_DATASET_CATALOGUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

struct catalogue_set {
    const char *name, *what, *type, *source, *license, *note; /* note: NULL or what differs from the original */
    const char *package, *member; /* NULL: no package has it */
    const json_val *hub; /* where it is on the hub (share/datasets.json tells the keys); NULL: not there */
    bool shots;          /* the examples of a set, not a set to ask */
    const char *refused; /* why it cannot be asked by this program; NULL: it can */
    int64_t n;           /* records that the member has to hold; 0: not known */
    const json_val *row; /* the whole row */
};

struct catalogue_package {
    const char *name, *version, *file, *sha256;
    int64_t bytes;
};

struct catalogue;
struct catalogue *catalogue_open(void);
void catalogue_close(struct catalogue *c);
const struct catalogue_set *catalogue_sets(const struct catalogue *c, size_t *n);
const struct catalogue_set *catalogue_find(const struct catalogue *c, const char *name); /* NULL: none */
struct catalogue_package catalogue_package(const struct catalogue *c, const char *key);  /* key: of a set's package */

/* The answered examples of a set as a set of their own, NAME.shots, whose name is kept in `name`; false: the row has none. */
#define CATALOGUE_SHOTS ".shots"
bool catalogue_shots(const struct catalogue_set *set, char name[100], struct catalogue_set *out);
/* A key of where a set is on the hub; of examples what they do not say themselves is as of their set. */
const json_val *catalogue_hub(const struct catalogue_set *set, const char *key);

/* The source's JSONL text to records of ours, as the row says: a pure function. IPW_E_INPUT names the line that is not as
 * the row needs it. */
int catalogue_convert(const struct catalogue_set *set, const char *text, size_t len, struct ipw_buf *out,
                      struct ipw_err *err);
/* One of the source's records, the number-th; gold: it has a right answer. */
int catalogue_record(const struct catalogue_set *set, size_t number, const char *text, size_t len, struct ipw_buf *out, bool *gold,
                     struct ipw_err *err);

#endif
