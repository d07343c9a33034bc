/* `ipw profile`, in parts that a study uses too: what flags and files say (profile.c), what can be found wrong before the
 * model is loaded and the session with the model (profile_session.c), the end (profile_end.c). */
#ifndef IPW_CLI_PROFILE_H
#define IPW_CLI_PROFILE_H

#include <limits.h>

#include "base/proc_watch.h"
#include "cli/cli.h"
#include "engine/servers.h"
#include "engine/tokenizer.h"
#include "run/arrival.h"
#include "run/baseline.h"
#include "run/estimate.h"
#include "run/runner.h"
#include "table/figures.h"

enum { PROFILE_MAX_OPTIONS = 64 };

/* One run, or one block of one: from its flags to its last answer. */
struct profile {
    struct cli *cli;
    struct run_plan plan;
    struct option_list models, datasets, labels;
    struct option_list header_flags, concurrencies;
    char *output_dir, *resume, *shard, *format, *preset;
    char *api_key, **headers; /* as they are sent: never stored */
    bool pull;
    struct tokenizer *tokenizer;
    struct cli here;          /* with a clock whose CPU time is the server's too; what cli points to then */
    struct ipw_clock clock;
    struct proc_watch *_Atomic watched; /* the server on this machine; NULL: none, or not found */
    struct server server;     /* --serve; its proc.pid 0: none runs */
    struct arrival arrival;   /* as the plan says; for how many are in flight */
    struct run_load load;
    struct selftest selftest; /* after the last answer; pieces 0: none was made */
    bool retry_errors, other_machine, allow_missing, watch;
    int64_t allow_failures, repeat, blocks; /* blocks 0: chosen */

    /* of a block; else zero */
    const struct run_briefs *earlier; /* runs to estimate from; NULL: those in output_dir */
    const char *into;       /* the run's folder, made if absent; NULL: the next free one in output_dir */
    const char *labels_json; /* meta labels of a new run; NULL: none */
    int64_t block, of;      /* of 0: all that is owed */

    char dir[PATH_MAX];
    struct run_machine machine;
    struct dataset *data;
    struct dataset_wording wording;
    int64_t options; /* the most of a question whose choices are compared; 0: answers are asked for */
    struct meter *meter;
    struct store *store;
    struct engine *engine;
    const struct engine_ops *ops;
    struct run_todo todo;
    struct run_segment segment;
    struct recorder recorder;
    struct run_baseline baseline;
    struct run_estimate estimate;
    bool asked; /* the model was open */
};

void profile_init(struct profile *p, struct cli *cli);
void profile_release(struct profile *p);

/* Every option of the command, writing into p. The rows from PROFILE_FIRST_SET to before `resume` are what presets may set;
 * those from PROFILE_FIRST_PLAN what a study's options may. Returns how many there are; *resume is that row. */
enum { PROFILE_MODEL, PROFILE_PRESET, PROFILE_LABEL, PROFILE_BLOCKS, PROFILE_FIRST_SET, PROFILE_FIRST_PLAN = 6 };
size_t profile_options(struct profile *p, struct option opt[PROFILE_MAX_OPTIONS], size_t *resume);

/* "a,b" becomes a and b, unless a file has that name. */
void profile_split(struct option_list *l);

/* {"key": "value"} of --label flags, a setting's label object (NULL: none) and the repeat (0: none); the caller frees
 * *json. IPW_E_USAGE for a name that is none, or that stands twice. */
int profile_labels(const struct option_list *flags, const json_val *label, int64_t repeat, char **json,
                   struct ipw_err *err);

/* What is checked before anything is asked; each leaves what it opened in p. */
int profile_check_engine(struct profile *p, struct ipw_err *err);
int profile_http_plan(struct profile *p, struct ipw_err *err);  /* flags that a plan holds in another form */
/* Whose work the counters of this machine see: finds the server's process, once the engine is open. */
void profile_watch_server(struct profile *p);
int profile_server_devices(void *ud, struct engine_device *out, int cap); /* as engine_http; ud is the profile */
int profile_check_http(struct profile *p, struct ipw_err *err); /* of profile_check_engine: address, keys, load */
int profile_check_model(struct profile *p, struct ipw_err *err);
int profile_open_engine(struct profile *p, struct ipw_err *err); /* starts its server before, if it is to be served */
int profile_wording(struct profile *p, struct ipw_err *err); /* template and examples, fit for the questions */
int profile_scoring_data(struct profile *p, struct ipw_err *err); /* the questions, fit for what --scoring asks */
int profile_samples_check(const struct profile *p, struct ipw_err *err); /* --samples and what does not go with it */
bool profile_samples_warn(const struct profile *p); /* every sample would be the same: says so */
int profile_check_data(struct profile *p, struct ipw_err *err);
int profile_check_meter(struct profile *p, struct ipw_err *err); /* after the others: questions, meter, estimate */

/* Where a run stands in its output folder: "profile_<device>_<model>_<dataset>", without its number. */
void profile_name(const struct profile *p, char *out, size_t size);

/* Makes the run's folder, or opens the one to go on with: p->todo is what is owed. */
int profile_prepare(struct profile *p, struct ipw_err *err);

/* What ran since profile_prepare may have set a limit or a governor: the machine and its meter are read again. */
int profile_look_again(struct profile *p, struct ipw_err *err);

/* Asks it: model loaded, baselines, questions, closed. A new run in which nothing was asked is taken away again. */
int profile_ask(struct profile *p, struct ipw_err *err);

/* 1 and a word about it when more questions failed than --allow-failures takes, else 0. */
int profile_verdict(const struct profile *p, const struct table_run *run, const struct accuracy_result *figures);

/* What to type after this run. next: NULL-terminated, the lines of text. */
struct profile_lines {
    char text[4][2 * PATH_MAX + 128];
    const char *next[5];
};
void profile_next(const struct profile *p, const struct table_run *run, struct profile_lines *lines);

/* Asks what is owed, finishes and shows the run; the exit code. */
int profile_one(struct profile *p);

#endif
