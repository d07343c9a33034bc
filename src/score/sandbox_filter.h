/* System calls that no answer needs and that lead out of a sandbox, or past its limits. */
#ifndef IPW_SCORE_SANDBOX_FILTER_H
#define IPW_SCORE_SANDBOX_FILTER_H

/* A file with the filter, as bwrap --seccomp reads it, close-on-exec; -1: none is known for this machine. */
int sandbox_filter(void);

#endif
