/* Takes out of text what would name a machine or its owner: serial numbers, UUIDs, MAC addresses, the host's name. Each is
 * replaced by digits of a salted SHA-256 in the same shape, so equal things stay equal within one salt. */
#ifndef IPW_CLI_SCRUB_H
#define IPW_CLI_SCRUB_H

#include "base/buf.h"

struct scrub {
    char salt[33]; /* new for each capture: short serials could be guessed from a plain hash */
    char host[256];
};

/* name: of the file. One like "serial_number" is a secret as a whole; in "KEY=value" and "Key : value" lines of others the
 * key decides; JSON (.json, .jsonl) is only searched for patterns. Bytes with a NUL are no text and are copied. */
void scrub_text(const struct scrub *s, const char *name, const char *text, size_t n, struct ipw_buf *out);

#endif
