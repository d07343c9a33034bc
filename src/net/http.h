/* Blocking HTTP GET over libcurl: to memory with a limit, or to a file that goes on where it stopped. Certificates are
 * always checked; redirects are followed, never from https to http, and the token stays with the host it is for. */
#ifndef IPW_NET_HTTP_H
#define IPW_NET_HTTP_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct http_get {
    const char *url;
    const char *token;       /* sent as a bearer token to the host of url alone; NULL: none */
    const _Atomic int *stop; /* ends with IPW_E_INTERRUPTED once this is not 0; NULL: never */
    int64_t most;            /* bytes of the whole file; 0: whatever comes */
    int stall_s;             /* gives up after so long without a byte; 0: 30 */
    void (*progress)(void *ud, int64_t done, int64_t total); /* of the whole file; total -1: not known; NULL */
    void *ud;
};

/* What came back, also after an error. */
struct http_answer {
    long status;         /* 0: no answer at all */
    int64_t retry_after; /* seconds, -1: not said */
    char next[1000];     /* Link: <...>; rel="next", "": none */
};

/* Appends the body of a 200 to out. Errors: IPW_E_INPUT for what asking again will not change (404, 401, a body above
 * max), IPW_E_ENV for what may pass (no network, 429, 5xx), each with what to do next. */
int http_to_memory(const struct http_get *get, size_t max, struct ipw_buf *out, struct http_answer *answer,
                   struct ipw_err *err);

/* Writes the body into the file open as fd, from its end on: what is there already is not asked for again. A server that
 * cannot go on sends all of it, and the file is begun anew. IPW_E_IO when the file cannot be written. */
int http_to_file(const struct http_get *get, int fd, struct http_answer *answer, struct ipw_err *err);

/* Makes libcurl ready, once for the process. */
void http_global(void);

#endif
