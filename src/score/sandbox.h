/* Where an answer's code runs: bubblewrap, with the system's /usr to read, an empty /tmp, no network, no other process, and
 * limits of time, memory, files, output and processes. Never without it. Linux. docs/sandbox.md says what it keeps out. */
#ifndef IPW_SCORE_SANDBOX_H
#define IPW_SCORE_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum { SANDBOX_OUTPUT = 65536 }; /* bytes of either output that are kept where more is not asked for */

/* How a program ended. */
enum sandbox_end { SANDBOX_EXITED, SANDBOX_KILLED, SANDBOX_TIMEOUT, SANDBOX_FLOOD, SANDBOX_MEMORY };

struct sandbox_result {
    enum sandbox_end end;
    int code;               /* of SANDBOX_EXITED */
    double seconds;
    struct ipw_buf out, err; /* both outputs from their start, and their last KiB where there was more; any bytes */
    bool whole;             /* out is all that was printed */
};

/* Looks whether a program can be shut in here, and whether the limit of processes holds; about 0.2 s. Always a sandbox: where
 * it cannot run anything, sandbox_refusal says why and what to do. */
struct sandbox *sandbox_open(void);
void sandbox_close(struct sandbox *s);
const char *sandbox_refusal(const struct sandbox *s); /* NULL: programs can run */

/* Why not, for who can do something about it; what: in a few words. */
enum sandbox_lack { SANDBOX_LACKS_NOTHING, SANDBOX_LACKS_BWRAP, SANDBOX_LACKS_PYTHON, SANDBOX_LACKS_LEAVE, SANDBOX_LACKS_LIMIT };
enum sandbox_lack sandbox_lack(const struct sandbox *s, const char **what);

/* Python text to run. */
struct sandbox_job {
    const struct ipw_buf *text, *files; /* files: texts that it finds open, their descriptors in the list _files */
    size_t n_files;                     /* at most two */
    double timeout_s;
    size_t more; /* bytes of its output that are kept beyond the usual */
};

void sandbox_python(struct sandbox *s, const struct sandbox_job *job, struct sandbox_result *r); /* *r is to be released */
void sandbox_result_release(struct sandbox_result *r);

#endif
