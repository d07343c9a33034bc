/* Frames of a streamed answer, cut out of bytes as they come: server-sent events (WHATWG HTML 9.2: LF, CRLF or CR, comments,
 * several data lines joined by LF; names and ids are stepped over), lines (NDJSON), or the whole body as one frame. A frame
 * that lies whole in what was fed is handed over in place: no copy, no allocation. */
#ifndef IPW_NET_FRAMES_H
#define IPW_NET_FRAMES_H

#include <stdbool.h>

#include "base/buf.h"

enum frames_kind { FRAMES_SSE, FRAMES_LINES, FRAMES_WHOLE };
enum { FRAMES_MAX = 64 << 20 }; /* bytes of one frame: above it the stream is given up */

struct frames {
    enum frames_kind kind;
    struct ipw_buf line; /* the beginning of a line that has not ended yet */
    struct ipw_buf data; /* data lines of the event so far, when they had to be kept */
    bool have_data;      /* the event has a data line */
    bool after_cr;       /* an LF that comes now belongs to the CR before it */
};

/* False ends the feeding. data[len] may be any byte. */
typedef bool frames_fn(void *ud, const char *data, size_t len);

void frames_init(struct frames *f);
void frames_release(struct frames *f);
void frames_reset(struct frames *f, enum frames_kind kind); /* keeps the memory */

/* False when fn said so, or a frame is larger than FRAMES_MAX. */
bool frames_feed(struct frames *f, const char *p, size_t n, frames_fn *fn, void *ud);

/* The body has ended: a line without its end, or the whole, is a frame. An event without its blank line is one too: servers
 * that close early forget it. */
bool frames_end(struct frames *f, frames_fn *fn, void *ud);

#endif
