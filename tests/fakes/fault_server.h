/* An OpenAI-compatible server that behaves as its script says: well, oddly or badly. A script is a row of data
 * (fault_scripts.c); GET /v1/models and /health answer as usual unless the script is about every path. A request whose body
 * holds "fault:NAME" is answered by that script instead, so that one run can meet several. */
#ifndef IPW_TESTS_FAULT_SERVER_H
#define IPW_TESTS_FAULT_SERVER_H

#include "fakes/http_fake.h"

enum {
    FAULT_CRLF = 1,         /* lines end in CRLF */
    FAULT_COMMENTS = 2,     /* comment lines between the frames */
    FAULT_EVENTS = 4,       /* event:, id: and retry: lines */
    FAULT_MULTILINE = 8,    /* one frame in several data: lines */
    FAULT_NO_SPACE = 16,    /* data:{...} */
    FAULT_NO_DONE = 32,     /* no [DONE] */
    FAULT_NO_END = 64,      /* connection closed inside the body */
    FAULT_MID_FRAME = 128,  /* the last frame is cut in the middle */
    FAULT_RESET = 256,      /* RST where the body would end */
    FAULT_HANG = 512,       /* silence where the body would end */
    FAULT_ENDLESS = 1024,   /* the frames over and over, until the client leaves */
    FAULT_ENDLESS_LINE = 2048, /* a line that never ends */
    FAULT_HUGE = 4096,      /* a frame of 8 MB after the first one */
    FAULT_DROP_SECOND = 8192, /* no answer to the second request of a connection: it is closed */
    FAULT_EVERY_PATH = 16384, /* /v1/models and /health too */
    FAULT_MODELS = 32768,   /* 404 in OpenAI's words unless the model is "tiny" */
    FAULT_V1_ONLY = 65536,  /* 404 for chat completions elsewhere than below /v1 */
    FAULT_BOM = 131072,     /* the stream starts with a byte order mark */
    FAULT_ABRUPT = 262144,  /* ends without the blank line of the last frame */
    FAULT_MUTE = 524288,    /* nothing is ever answered */
    FAULT_SHUT = 1048576,   /* the connection is closed without an answer */
    FAULT_REFUSE_STREAM = 2097152 /* answers whole even when a stream is asked for */
};

enum { FAULT_HUGE_BYTES = 8 << 20 };

struct fault_script {
    const char *name, *what;
    const char *const *frames; /* of a stream, NULL-terminated; NULL: body is the answer, asked as a stream or not */
    const char *body;          /* of an answer that is no stream; NULL: {} */
    int flags;
    int mode;            /* HTTP_ of a stream, FAKE_CHUNKED is added unless FAKE_UNTIL_CLOSE */
    int status;          /* 0: 200 */
    const char *type;    /* NULL: text/event-stream, application/json */
    const char *headers; /* NULL: none */
    int first_ms, between_ms, byte_ms; /* before the second frame, before those after it, after every byte */
};
extern const struct fault_script fault_scripts[]; /* the last row has no name */
const struct fault_script *fault_script(const char *name);

struct fault_server;
/* As http_fake_start; NULL also when there is no such script. */
struct fault_server *fault_server_start(int port, const char *cert_file, const char *script);
void fault_server_script(struct fault_server *s, const char *script);
struct http_fake *fault_server_http(struct fault_server *s); /* port, URL, requests seen */
void fault_server_stop(struct fault_server *s);

#endif
