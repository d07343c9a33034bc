#include "net/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/str.h"

enum { CONNECT_S = 20, STALL_S = 30, REDIRECTS = 8 };

struct transfer {
    const struct http_get *get;
    struct http_answer *answer;
    CURL *curl;
    struct ipw_buf *out; /* to memory */
    size_t max;
    int fd;              /* to a file; -1: to memory */
    int64_t from;        /* bytes of the file that were there */
    int64_t done;        /* with those that came */
    int64_t piece;       /* where the server says its piece begins; -1: it does not say */
    bool begun;          /* the first byte of the body that counts has been seen */
    const char *refused; /* why the body was not taken */
    int write_errno;
};

static size_t on_header(char *line, size_t size, size_t n, void *ud)
{
    struct transfer *t = ud;
    char text[1100], *end;
    size_t len = size * n < sizeof text - 1 ? size * n : sizeof text - 1;
    memcpy(text, line, len);
    text[len] = '\0';
    if (ipw_starts(text, "HTTP/")) { /* a redirect's headers are not the answer's */
        t->answer->retry_after = -1;
        t->answer->next[0] = '\0';
        t->piece = -1;
    }
    if (!strncasecmp(text, "content-range: bytes ", 21) && ipw_isdigit((unsigned char)text[21]))
        t->piece = strtoll(text + 21, NULL, 10);
    if (!strncasecmp(text, "retry-after:", 12)) {
        long s = strtol(text + 12, &end, 10);
        t->answer->retry_after = end != text + 12 && s >= 0 ? s : -1; /* a date is not read */
    }
    char *open = strchr(text, '<');
    if (!strncasecmp(text, "link:", 5) && open && (end = strchr(open, '>')) && strstr(end, "rel=\"next\"")) {
        *end = '\0';
        snprintf(t->answer->next, sizeof t->answer->next, "%s", open + 1);
    }
    return size * n;
}

/* Called before the first byte of a body: which answer is it? False: it is not for the caller. */
static bool begin_body(struct transfer *t)
{
    long status = 0;
    curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
    t->begun = true;
    if (status == 206 && t->fd >= 0 && t->from > 0) {
        if (t->piece != t->from)
            t->refused = "piece";
        return true;
    }
    if (status != 200)
        return false; /* an error's page */
    if (t->fd >= 0 && t->from > 0) { /* all of it once more */
        if (ftruncate(t->fd, 0) || lseek(t->fd, 0, SEEK_SET)) {
            t->write_errno = errno;
            t->refused = "file";
        }
        t->from = t->done = 0;
    }
    return true;
}

static size_t on_body(char *p, size_t size, size_t n, void *ud)
{
    struct transfer *t = ud;
    size_t len = size * n;
    if (!t->begun && !begin_body(t)) {
        t->begun = false;
        return len;
    }
    if (t->refused)
        return 0;
    if (t->fd < 0) {
        if (t->out->len + len > t->max) {
            t->refused = "large";
            return 0;
        }
        ipw_buf_add(t->out, p, len);
    }
    if (t->fd >= 0 && t->get->most > 0 && t->done + (int64_t)len > t->get->most) {
        t->refused = "long";
        return 0;
    }
    for (size_t at = 0; t->fd >= 0 && at < len;) {
        ssize_t k = write(t->fd, p + at, len - at);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0) {
            t->write_errno = errno;
            t->refused = "file";
            return 0;
        }
        at += (size_t)k;
    }
    t->done += (int64_t)len;
    return len;
}

static int on_progress(void *ud, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up)
{
    struct transfer *t = ud;
    (void)now;
    (void)up_total;
    (void)up;
    if (t->get->progress && t->begun)
        t->get->progress(t->get->ud, t->done, total > 0 ? t->from + (int64_t)total : -1);
    return t->get->stop && atomic_load(t->get->stop);
}

static void set_up(struct transfer *t, char *why, char *range)
{
    CURL *c = t->curl;
    bool secure = !strncasecmp(t->get->url, "https:", 6);
    why[0] = '\0';
    curl_easy_setopt(c, CURLOPT_URL, t->get->url);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, why);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "ipw");
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, secure ? "https" : "http,https");
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(c, CURLOPT_MAXREDIRS, (long)REDIRECTS);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)(t->get->stall_s > 0 ? t->get->stall_s : STALL_S));
    if (t->get->token && *t->get->token) { /* curl keeps it from other hosts */
        curl_easy_setopt(c, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
        curl_easy_setopt(c, CURLOPT_XOAUTH2_BEARER, t->get->token);
    }
    if (t->from > 0) {
        snprintf(range, 32, "%lld-", (long long)t->from);
        curl_easy_setopt(c, CURLOPT_RANGE, range);
    }
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(c, CURLOPT_XFERINFODATA, t);
}

/* A URL as it may be shown: without a name and password before the host. Paths carry signatures, so most messages have the
 * host alone. */
static const char *shown(const char *url, bool path, char *out, size_t size)
{
    const char *p = strstr(url, "://"), *host = p ? p + 3 : url, *end = host + strcspn(host, "/?#");
    int scheme = (int)(host - url);
    for (const char *at = host; at < end; at++)
        host = *at == '@' ? at + 1 : host;
    snprintf(out, size, "%.*s%.*s", scheme, url, path ? (int)strlen(host) : (int)(end - host), host);
    return out;
}

/* Statuses that are no 200, in words: what it is and what to do. */
static int status_error(const struct transfer *t, struct ipw_err *err)
{
    const struct http_answer *a = t->answer;
    bool token = t->get->token && *t->get->token;
    char host[300], url[1000];
    shown(t->get->url, false, host, sizeof host);
    shown(t->get->url, true, url, sizeof url);
    switch (a->status) {
    case 401:
        return ipw_err_set(err, IPW_E_INPUT, token ? "'%s' does not accept the token (401): check HF_TOKEN, or make a new one"
                                                   : "'%s' wants to know who asks (401): the name is wrong, or it is private "
                                                     "and HF_TOKEN must hold your token", url);
    case 403:
        return ipw_err_set(err, IPW_E_INPUT, token ? "'%s' is not open to this token (403): accept its licence on its page in "
                                                     "a browser, then try again"
                                                   : "'%s' is gated (403): accept its licence on its page in a browser, then "
                                                     "set HF_TOKEN to your token", url);
    case 404:
        return ipw_err_set(err, IPW_E_INPUT, "'%s' is not there (404): check the name", url);
    case 429:
        if (a->retry_after >= 0)
            return ipw_err_set(err, IPW_E_ENV, "'%s' says that it was asked too often (429): try again in %lld s%s", host,
                               (long long)a->retry_after, token ? "" : "; with HF_TOKEN more is allowed");
        return ipw_err_set(err, IPW_E_ENV, "'%s' says that it was asked too often (429): try again in some minutes%s", host,
                           token ? "" : "; with HF_TOKEN more is allowed");
    default:
        return ipw_err_set(err, IPW_E_ENV, a->status >= 500 ? "'%s' has trouble of its own (%ld): try again later"
                                                            : "'%s' gave an answer that makes no sense here (%ld): check "
                                                              "HF_ENDPOINT", host, a->status);
    }
}

static int transport_error(const struct transfer *t, CURLcode rc, const char *why, struct ipw_err *err)
{
    char host[300], url[1000];
    shown(t->get->url, false, host, sizeof host);
    shown(t->get->url, true, url, sizeof url);
    if (!*why)
        why = curl_easy_strerror(rc);
    switch (rc) {
    case CURLE_ABORTED_BY_CALLBACK:
        return ipw_err_set(err, IPW_E_INTERRUPTED, "interrupted; the same command goes on where it stopped");
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return ipw_err_set(err, IPW_E_INPUT, "'%s' is no address of http or https: check HF_ENDPOINT", url);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CACERT_BADFILE:
        return ipw_err_set(err, IPW_E_ENV, "no trust in the certificate of '%s': %s; install ca-certificates, or check who is "
                           "between", host, why);
    case CURLE_OPERATION_TIMEDOUT:
        return ipw_err_set(err, IPW_E_ENV, "'%s' stopped answering: %s; try again, it goes on where it stopped", host, why);
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
        return ipw_err_set(err, IPW_E_ENV, "the connection to '%s' broke: %s; try again, it goes on where it stopped", host,
                           why);
    default:
        return ipw_err_set(err, IPW_E_ENV, "cannot reach '%s': %s; check the network, and https_proxy behind a proxy", host,
                           why);
    }
}

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void init_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

void http_global(void)
{
    pthread_once(&once, init_curl);
}

static int perform(struct transfer *t, struct ipw_err *err)
{
    char why[CURL_ERROR_SIZE], range[32], url[1000];
    http_global();
    shown(t->get->url, true, url, sizeof url);
    *t->answer = (struct http_answer){.retry_after = -1};
    t->curl = curl_easy_init();
    if (!t->curl)
        return ipw_err_set(err, IPW_E_ENV, "libcurl cannot start; is it installed whole?");
    set_up(t, why, range);
    CURLcode rc = curl_easy_perform(t->curl);
    curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &t->answer->status);
    curl_easy_cleanup(t->curl);
    if (t->refused && t->write_errno)
        return ipw_err_set(err, IPW_E_IO, "cannot write the download: %s; make room, then the same command goes on",
                           fs_reason(t->write_errno));
    if (t->refused && !strcmp(t->refused, "long"))
        return ipw_err_set(err, IPW_E_ENV, "'%s' sent more than the %lld bytes that it had told; remove the .part file and try "
                           "again", url, (long long)t->get->most);
    if (t->refused && t->fd >= 0)
        return ipw_err_set(err, IPW_E_ENV, "'%s' sent another piece of the file than was asked for; remove the .part file and "
                           "try again", url);
    if (t->refused)
        return ipw_err_set(err, IPW_E_INPUT, "the answer of '%s' is larger than %zu MiB, the limit", url,
                           t->max >> 20);
    if (rc)
        return transport_error(t, rc, why, err);
    if (t->answer->status == 416 && t->from > 0) /* nothing is left to send */
        return 0;
    if (t->answer->status != 200 && t->answer->status != 206)
        return status_error(t, err);
    return 0;
}

int http_to_memory(const struct http_get *get, size_t max, struct ipw_buf *out, struct http_answer *answer,
                   struct ipw_err *err)
{
    struct transfer t = {.get = get, .answer = answer, .out = out, .max = max, .fd = -1};
    return perform(&t, err);
}

int http_to_file(const struct http_get *get, int fd, struct http_answer *answer, struct ipw_err *err)
{
    off_t end = lseek(fd, 0, SEEK_END);
    if (end < 0)
        return ipw_err_set(err, IPW_E_IO, "cannot write the download: %s", fs_reason(errno));
    struct transfer t = {.get = get, .answer = answer, .fd = fd, .from = (int64_t)end, .done = (int64_t)end};
    return perform(&t, err);
}
