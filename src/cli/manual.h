/* What a command tells about itself, out of its one table of options: the text of --help, a man page, the words that a
 * shell may complete. */
#ifndef IPW_CLI_MANUAL_H
#define IPW_CLI_MANUAL_H

#include "cli/cli.h"

void manual_text(const struct command *cmd, const struct option *opt, size_t n, int columns, struct ipw_buf *out);

/* "  left        text", the text from column `at` on, folded there; on a narrow screen below left. */
void manual_row(const char *left, int at, const char *text, int columns, struct ipw_buf *out);

/* In roff. A command with subs: manual_head, the manual_part of each sub, manual_tail. */
void manual_page(const struct command *cmd, const struct option *opt, size_t n, struct ipw_buf *out);
void manual_head(const struct command *cmd, struct ipw_buf *out);
void manual_part(const struct command *cmd, const struct option *opt, size_t n, struct ipw_buf *out);
void manual_tail(const struct command *cmd, struct ipw_buf *out);

/* ipw(1), and its name's line. */
void manual_program(struct ipw_buf *out);
extern const char manual_summary[];

/* What may stand at the cursor: lines of "WORD\tmeaning", and ":files", ":folders" or ":commands" where names of these
 * may stand too. before is the word before it. The shell drops what does not begin like the cursor's word. */
void manual_words(const struct command *cmd, const struct option *opt, size_t n, const char *before, const char *word,
                  struct ipw_buf *out);

/* The options of every command, and how many. */
const struct option *manual_common(size_t *n);

#endif
