/* Which columns of a user's own file hold what: "question=problem,answer=gold", and what is found without it. Pure. */
#ifndef IPW_DATASET_MAPPING_H
#define IPW_DATASET_MAPPING_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

enum { MAPPING_KEYS = 8 };

struct mapping {
    char column[MAPPING_KEYS][200]; /* of our keys, in their order; "": none */
};

/* KEY=COLUMN,...; IPW_E_USAGE for anything else. */
int mapping_parse(struct mapping *m, const char *text, struct ipw_err *err);

/* names: the columns that a file has, a NUL behind each. Finds the usual ones for keys that have none; IPW_E_INPUT when one is
 * not there, or none is the question. */
bool mapping_has(const struct ipw_buf *names, const char *name);
int mapping_complete(struct mapping *m, const char *file, const struct ipw_buf *names, struct ipw_err *err);

/* The row that share/datasets.json would have for such a file, and its records' type. Caller frees the row. */
char *mapping_row(const struct mapping *m);
const char *mapping_type(const struct mapping *m);

#endif
