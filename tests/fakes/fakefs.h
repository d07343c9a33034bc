/* Trees of /sys and /proc as files in a temporary folder: sys_root = the folder, proc_root = the folder/proc. */
#ifndef IPW_FAKES_FAKEFS_H
#define IPW_FAKES_FAKEFS_H

#include <stddef.h>

/* Builds a fixture by name (the table in fakefs.c) under a new folder, whose path goes to root. */
void fakefs_make(const char *fixture, char *root, size_t size);
void fakefs_write(const char *root, const char *path, const char *text); /* one file more, or other content */
void fakefs_remove(const char *root);

#endif
