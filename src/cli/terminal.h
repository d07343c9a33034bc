/* The terminal that a stream is, if it is one. */
#ifndef IPW_CLI_TERMINAL_H
#define IPW_CLI_TERMINAL_H

#include <stdbool.h>

/* Its size now; 80 x 24 where it is none or does not tell. */
int terminal_columns(int fd);
int terminal_rows(int fd);

/* Columns for text to be read there: at most 80, at least 30. */
int terminal_text(int fd);

/* Whether it takes output now: false while it is stopped (Ctrl-S). What only decorates is then left out. */
bool terminal_takes(int fd);

/* Whether the cursor can be moved there: a terminal whose TERM is told, and not "dumb". */
bool terminal_moves(bool tty);

/* How many lines above the cursor of stderr are drawn in place and may be drawn over; sets that number and returns the one
 * before. Whoever prints something else there sets 0. */
int terminal_live(int lines);

/* The same for a line that is drawn in place and that the cursor stands on: how many columns it takes. */
int terminal_line(int width);

#endif
