/* What `ipw score` does where no run is given. */
#ifndef IPW_CLI_SCORE_H
#define IPW_CLI_SCORE_H

/* Scores each line of a file of vectors, prints what was found; the exit code. */
int score_try(const char *file);

#endif
