/* Takes out of text what would name a machine or its owner: serial numbers, UUIDs, MAC addresses, the host's name. Each is
 * replaced by digits of a salted SHA-256 in the same shape, so equal things stay equal within one salt. */
#ifndef IPW_CLI_SCRUB_H
#define IPW_CLI_SCRUB_H

#include "base/buf.h"

struct scrub {
    char salt[33]; /* new for each capture: short serials could be guessed from a plain hash */
    char host[256];
    char **known; /* values of secrets, to be found elsewhere: folders are named after serial numbers */
    size_t n_known, cap_known;
};

/* Remembers the secrets of a file that is to be scrubbed, as far as nobody else would use them by chance. */
void scrub_learn(struct scrub *s, const char *name, const char *text, size_t n);
void scrub_release(struct scrub *s);

void scrub_path(const struct scrub *s, const char *path, struct ipw_buf *out);

/* name: of the file. One like "serial_number" is a secret as a whole; in "KEY=value" and "Key : value" lines of others the
 * key decides; JSON (.json, .jsonl) is only searched for patterns. Bytes with a NUL are no text and are copied. */
void scrub_text(const struct scrub *s, const char *name, const char *text, size_t n, struct ipw_buf *out);

#endif
