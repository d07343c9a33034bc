/* The bytes that the null server sends: made once, of the size that real servers' have; a token's frame takes its numbers
 * in place. */
#ifndef IPW_NET_NULL_FRAMES_H
#define IPW_NET_NULL_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define NULL_MODEL "ipw-null"

struct null_frames {
    struct ipw_buf head;              /* status, headers and the frame with the role: what a stream begins with */
    struct ipw_buf token;             /* a frame with room for its numbers */
    struct ipw_buf end, end_usage;    /* finish reason, [DONE], last chunk; and with the frame of counts */
    struct ipw_buf whole;             /* an answer that is not streamed */
    struct ipw_buf models, health;
    size_t frame_at, ns_at;           /* where in token the numbers go */
};

void null_frames_init(struct null_frames *f, int64_t tokens);
void null_frames_release(struct null_frames *f);

/* Writes its numbers into the token's frame, which is then ready to be sent. */
void null_frames_stamp(struct null_frames *f, int64_t frame, int64_t ns);

/* A short answer with a JSON body: an error ({"error": {"message": text}}). */
void null_frames_error(struct ipw_buf *out, int status, const char *text, bool close);

#endif
