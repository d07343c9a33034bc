/* The terminal that a stream is, if it is one. */
#ifndef IPW_CLI_TERMINAL_H
#define IPW_CLI_TERMINAL_H

/* Its columns now; 80 where it is none or does not tell. */
int terminal_columns(int fd);

/* Columns for text to be read there: at most 80, at least 30. */
int terminal_text(int fd);

#endif
