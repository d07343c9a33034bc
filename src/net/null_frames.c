#include "net/null_frames.h"

#include <string.h>

#define ID "chatcmpl-6d0a3f6bb3c94d0f9c1e57a2b8d4e013"
#define OPENING "{\"id\":\"" ID "\",\"object\":\"chat.completion%s\",\"created\":1700000000,\"model\":\"" NULL_MODEL "\","
#define FRAME_ROOM "          "
#define NS_ROOM "                    "

enum { PROMPT_TOKENS = 8 }; /* it reads no prompt */

static void add_chunk(struct ipw_buf *out, const char *s, size_t n)
{
    ipw_buf_addf(out, "%zx\r\n", n);
    ipw_buf_add(out, s, n);
    ipw_buf_adds(out, "\r\n");
}

/* One frame of a stream, in a chunk of its own. */
static void add_frame(struct ipw_buf *out, const char *rest)
{
    struct ipw_buf data = IPW_BUF_INIT;
    ipw_buf_addf(&data, "data: " OPENING "%s}\n\n", ".chunk", rest);
    add_chunk(out, data.s, data.len);
    ipw_buf_release(&data);
}

static void add_choice(struct ipw_buf *out, const char *delta, const char *finish, const char *more)
{
    struct ipw_buf rest = IPW_BUF_INIT;
    ipw_buf_addf(&rest, "\"choices\":[{\"index\":0,\"delta\":{%s},\"logprobs\":null,\"finish_reason\":%s}]%s", delta, finish,
                 more);
    add_frame(out, rest.s);
    ipw_buf_release(&rest);
}

static void add_usage(struct ipw_buf *out, int64_t tokens)
{
    ipw_buf_addf(out, "\"usage\":{\"prompt_tokens\":%d,\"completion_tokens\":%lld,\"total_tokens\":%lld}", PROMPT_TOKENS,
                 (long long)tokens, (long long)tokens + PROMPT_TOKENS);
}

static void add_body(struct ipw_buf *out, const char *status, const char *json, bool close)
{
    ipw_buf_addf(out, "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n%s\r\n%s", status,
                 strlen(json), close ? "Connection: close\r\n" : "", json);
}

static void make_stream(struct null_frames *f, int64_t tokens)
{
    static const char done[] = "data: [DONE]\n\n";
    struct ipw_buf usage = IPW_BUF_INIT;
    ipw_buf_adds(&f->head, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
                           "Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n");
    add_choice(&f->head, "\"role\":\"assistant\",\"content\":\"\"", "null", "");
    add_choice(&f->token, "\"content\":\" token\"", "null", ",\"ipw_frame\":" FRAME_ROOM ",\"ipw_ns\":" NS_ROOM);
    f->frame_at = (size_t)(strstr(f->token.s, "\"ipw_frame\":") - f->token.s) + strlen("\"ipw_frame\":");
    f->ns_at = (size_t)(strstr(f->token.s, "\"ipw_ns\":") - f->token.s) + strlen("\"ipw_ns\":");
    ipw_buf_adds(&usage, "\"choices\":[],");
    add_usage(&usage, tokens);
    add_choice(&f->end, "", "\"length\"", "");
    add_choice(&f->end_usage, "", "\"length\"", "");
    add_frame(&f->end_usage, usage.s);
    ipw_buf_release(&usage);
    struct ipw_buf *end[] = {&f->end, &f->end_usage};
    for (int i = 0; i < 2; i++) {
        add_chunk(end[i], done, strlen(done));
        ipw_buf_adds(end[i], "0\r\n\r\n");
    }
}

static void make_whole(struct null_frames *f, int64_t tokens)
{
    struct ipw_buf json = IPW_BUF_INIT;
    ipw_buf_addf(&json, OPENING "\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"", "");
    for (int64_t i = 0; i < tokens; i++)
        ipw_buf_adds(&json, " token");
    ipw_buf_adds(&json, "\"},\"logprobs\":null,\"finish_reason\":\"length\"}],");
    add_usage(&json, tokens);
    ipw_buf_addc(&json, '}');
    add_body(&f->whole, "200 OK", json.s, false);
    ipw_buf_release(&json);
}

void null_frames_init(struct null_frames *f, int64_t tokens)
{
    *f = (struct null_frames){IPW_BUF_INIT, IPW_BUF_INIT, IPW_BUF_INIT, IPW_BUF_INIT, IPW_BUF_INIT, IPW_BUF_INIT,
                              IPW_BUF_INIT, 0, 0};
    make_stream(f, tokens);
    make_whole(f, tokens);
    add_body(&f->models, "200 OK",
             "{\"object\":\"list\",\"data\":[{\"id\":\"" NULL_MODEL "\",\"object\":\"model\",\"created\":1700000000,"
             "\"owned_by\":\"ipw\"}]}", false);
    add_body(&f->health, "200 OK", "{\"status\":\"ok\"}", false);
}

void null_frames_release(struct null_frames *f)
{
    struct ipw_buf *all[] = {&f->head, &f->token, &f->end, &f->end_usage, &f->whole, &f->models, &f->health};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ipw_buf_release(all[i]);
}

/* JSON takes white space after a number, so a frame's length never changes. */
static void put_number(char *to, size_t room, int64_t v)
{
    char digits[20];
    size_t n = 0;
    do
        digits[n++] = (char)('0' + v % 10);
    while ((v /= 10) > 0 && n < room);
    for (size_t i = 0; i < room; i++)
        to[i] = i < n ? digits[n - 1 - i] : ' ';
}

void null_frames_stamp(struct null_frames *f, int64_t frame, int64_t ns)
{
    put_number(f->token.s + f->frame_at, strlen(FRAME_ROOM), frame);
    put_number(f->token.s + f->ns_at, strlen(NS_ROOM), ns);
}

void null_frames_error(struct ipw_buf *out, int status, const char *text, bool close)
{
    static const struct {
        int status;
        const char *line;
    } lines[] = {{400, "400 Bad Request"}, {404, "404 Not Found"}, {405, "405 Method Not Allowed"},
                 {411, "411 Length Required"}, {413, "413 Content Too Large"}, {505, "505 HTTP Version Not Supported"}};
    struct ipw_buf json = IPW_BUF_INIT;
    size_t i = 0;
    while (lines[i].status != status)
        i++;
    ipw_buf_addf(&json, "{\"error\":{\"message\":\"%s\",\"type\":\"invalid_request_error\",\"code\":%d}}", text, status);
    add_body(out, lines[i].line, json.s, close);
    ipw_buf_release(&json);
}
