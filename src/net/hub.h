/* Models on the hub (https://huggingface.co and what speaks as it does): which GGUF files a repository holds, which of
 * them is meant, and one file pulled whole, checked and resumed. */
#ifndef IPW_NET_HUB_H
#define IPW_NET_HUB_H

#include "base/env.h"
#include "base/mem.h"
#include "net/http.h"

struct hub {
    const struct ipw_env *env;
    const char *endpoint;    /* NULL or "": the hub itself */
    const char *token;       /* NULL or "": none */
    const _Atomic int *stop; /* as in http.h */
    int *status;             /* the last answer's HTTP status is put there; NULL: nowhere */
};

struct hub_file {
    const char *path;   /* in the repository */
    int64_t bytes;
    const char *sha256; /* NULL: the hub does not say */
};
struct hub_files {
    struct hub_file *v;
    size_t n, cap;
    struct ipw_arena arena;
};

/* "ORG/REPO" and "ORG/REPO:QUANT", where QUANT may be a file's name too; IPW_E_USAGE for anything else. quant is "" when
 * none is given. */
struct hub_spec {
    char repo[200], quant[200];
};
int hub_spec_parse(struct hub_spec *spec, const char *text, struct ipw_err *err);

/* The .gguf files of a repository that could be a model: neither projectors nor importance matrices. */
int hub_list(struct hub_files *out, const struct hub *hub, const char *repo, struct ipw_err *err);
/* All files of a dataset's repository; hub_pull takes one out of "datasets/ORG/REPO". */
int hub_list_data(struct hub_files *out, const struct hub *hub, const char *repo, struct ipw_err *err);
/* The models out of the hub's JSON, one page. */
int hub_list_parse(struct hub_files *out, const char *json, size_t len, struct ipw_err *err);
void hub_files_release(struct hub_files *f);

/* The files of one quantisation: the one asked for; without one Q4_K_M, else the only one there is. Many: the parts of a
 * split file, in order. IPW_E_INPUT lists those there are. first and n index files->v, which is put in order. Pure. */
int hub_choose(struct hub_files *files, const struct hub_spec *spec, size_t *first, size_t *n, struct ipw_err *err);

/* Pulls one file into path: through path.part, which a later call goes on with; then sha256 and size are checked, and it
 * gets its name. One process at a time (IPW_E_LOCKED). A file that is there and has the size is left as it is. A part
 * with the wrong hash is removed. done/total of progress are of this file. */
int hub_pull(const struct hub *hub, const char *repo, const struct hub_file *file, const char *path,
             void (*progress)(void *ud, int64_t done, int64_t total), void *ud, struct ipw_err *err);

#endif
