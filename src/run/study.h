/* A study: models x datasets x engines x settings x repeats, each one run. Read from a file that people write, or put
 * together from flags; pure, no I/O. What it becomes is run/study_plan.h. */
#ifndef IPW_RUN_STUDY_H
#define IPW_RUN_STUDY_H

#include "base/json.h"
#include "base/mem.h"

struct study_setting {
    const json_val *label;   /* object of texts, numbers, booleans; NULL: none */
    const json_val *options; /* object: options of ipw profile; NULL: none */
    const char *before;      /* command line run before each block; NULL: none */
};

struct study_list {
    const char **v;
    size_t n;
};

struct study { /* everything is owned by arena and doc */
    const char *name, *about, *preset, *after, *judge;
    struct study_list models, datasets, engines; /* an empty one counts as one cell without a value */
    struct study_setting *settings;
    size_t n_settings; /* at least 1 */
    const json_val *options;
    int64_t repeats, blocks; /* blocks 0: chosen from the estimate */
    struct ipw_arena arena;
    struct json_doc *doc;
};

/* A study with one empty setting and one repeat. */
void study_init(struct study *s);
void study_release(struct study *s);
void study_list_add(struct study *s, struct study_list *l, const char *text);

/* Fills s (from study_init) from the text of a file; source names it in errors (IPW_E_INPUT, with the nearest key). Options
 * are not looked at: who knows them checks them. */
int study_read(struct study *s, const char *source, const char *text, size_t len, struct ipw_err *err);

/* One run of the study. */
struct study_cell {
    const char *model, *dataset, *engine; /* NULL: not given */
    const struct study_setting *setting;
    int64_t repeat; /* from 1 */
};
size_t study_cells(const struct study *s);
struct study_cell study_cell_at(const struct study *s, size_t i); /* models vary slowest, repeats fastest */

/* Labels are columns of results: lower case letters, digits and _, a letter first, at most 40. */
bool study_label_ok(const char *key);

#endif
