/* fake_hub DIR: a hub on a free port of 127.0.0.1, for what a pull can meet; prints "URL OTHER_URL" and serves until its
 * stdin closes. A repository is a folder ORG/REPO below DIR, of datasets below DIR/datasets; what its name ends in, or a file .WORD in it, tells how it behaves:
 *   needs-token 401 without the token "secret"; gated 403; busy 429 with Retry-After; broken 503
 *   breaks      the body stops in the middle, each time a little later; wrong: another sha256 is told
 *   moved       the file is on the other port, which refuses whoever shows a token
 *   paged       the list goes on at an address that begins like the hub's and is another's
 *   slow        every piece of a file takes a tenth of a second
 *   files-gated the list is open, the files are as of gated
 *   hidden      hidden files are listed too; long: half of its size is told of a file
 * Files are listed with their true size and sha256. Every request is logged on stderr. */
#include <fcntl.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <dirent.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/str.h"

static const char *root;
static char other[64], own[64];

static enum MHD_Result answer(struct MHD_Connection *c, unsigned status, const char *text, const char *key,
                              const char *value)
{
    struct MHD_Response *r =
        MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);
    if (key)
        MHD_add_response_header(r, key, value);
    enum MHD_Result ok = MHD_queue_response(c, status, r);
    MHD_destroy_response(r);
    return ok;
}

static bool token(struct MHD_Connection *c)
{
    return ipw_streq(MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Authorization"), "Bearer secret");
}

static bool behaves(const char *repo, const char *word)
{
    char path[1000];
    snprintf(path, sizeof path, "%s/%s/.%s", root, repo, word);
    return ipw_ends(repo, word) || !access(path, F_OK);
}

/* The files of a repository's folder, and of the folders in it. */
static bool add_files(const char *repo, const char *sub, struct ipw_buf *b)
{
    char dir[1000], path[2000], name[600], hex[65];
    struct ipw_err err;
    struct stat st;
    snprintf(dir, sizeof dir, "%s/%s/%s", root, repo, sub);
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d));) {
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        snprintf(name, sizeof name, "%s%s%s", sub, *sub ? "/" : "", e->d_name);
        bool dots = !strcmp(e->d_name, ".") || !strcmp(e->d_name, "..");
        if (dots || (e->d_name[0] == '.' && !behaves(repo, "hidden")) || stat(path, &st))
            continue;
        if (S_ISDIR(st.st_mode)) {
            add_files(repo, name, b);
            continue;
        }
        if (fs_sha256_file(path, NULL, NULL, NULL, hex, &err))
            continue;
        if (behaves(repo, "wrong"))
            hex[0] = hex[0] == '0' ? '1' : '0';
        long long size = (long long)st.st_size / (behaves(repo, "long") ? 2 : 1);
        ipw_buf_addf(b, "%s{\"type\":\"file\",\"path\":\"%s\",\"size\":%lld,\"lfs\":{\"oid\":\"%s\",\"size\":%lld}}",
                     b->len > 1 ? "," : "", name, size, hex, size);
    }
    if (d)
        closedir(d);
    return d != NULL;
}

static enum MHD_Result list(struct MHD_Connection *c, const char *repo)
{
    struct ipw_buf b = IPW_BUF_INIT;
    char next[100];
    ipw_buf_adds(&b, "[");
    bool there = add_files(repo, "", &b);
    ipw_buf_adds(&b, "]");
    snprintf(next, sizeof next, "<%s0/next>; rel=\"next\"", own);
    enum MHD_Result ok = there ? answer(c, 200, b.s, behaves(repo, "paged") ? "Link" : NULL, next)
                               : answer(c, 404, "Repository not found", NULL, NULL);
    ipw_buf_release(&b);
    return ok;
}

/* A body that ends before it should: the connection is closed. */
struct body {
    int fd;
    int64_t at, stop;
    bool slow;
};

static ssize_t more(void *ud, uint64_t pos, char *buf, size_t max)
{
    struct body *b = ud;
    int64_t left = b->stop - b->at - (int64_t)pos;
    if (b->slow)
        nanosleep(&(struct timespec){0, 100000000}, NULL);
    ssize_t n = left > 0 ? pread(b->fd, buf, max < (size_t)left ? max : (size_t)left, b->at + (int64_t)pos) : 0;
    return n > 0 ? n : MHD_CONTENT_READER_END_WITH_ERROR;
}

static void close_body(void *ud)
{
    struct body *b = ud;
    close(b->fd);
    free(b);
}

static enum MHD_Result file(struct MHD_Connection *c, const char *path, bool breaks, bool slow)
{
    const char *range = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Range");
    struct stat st;
    long long from = 0;
    char text[100];
    int fd = open(path, O_RDONLY);
    if (fd < 0 || fstat(fd, &st) || (range && sscanf(range, "bytes=%lld-", &from) != 1) || from >= st.st_size) {
        if (fd >= 0)
            close(fd);
        return answer(c, fd < 0 ? 404 : 416, "", NULL, NULL);
    }
    struct body *b = malloc(sizeof *b);
    *b = (struct body){fd, from, breaks && from < st.st_size / 2 ? from + st.st_size / 3 : st.st_size, slow};
    struct MHD_Response *r =
        MHD_create_response_from_callback((uint64_t)(st.st_size - from), 65536, more, b, close_body);
    snprintf(text, sizeof text, "bytes %lld-%lld/%lld", from, (long long)st.st_size - 1, (long long)st.st_size);
    if (range)
        MHD_add_response_header(r, "Content-Range", text);
    enum MHD_Result ok = MHD_queue_response(c, range ? 206 : 200, r);
    MHD_destroy_response(r);
    return ok;
}

static enum MHD_Result on_request(void *ud, struct MHD_Connection *c, const char *url, const char *method,
                                  const char *version, const char *up, size_t *up_size, void **state)
{
    const bool second = ud != NULL;
    char repo[300], path[1500], to[1500];
    const char *p = ipw_starts(url, "/api/models/") ? url + 12 : ipw_starts(url, "/api/") ? url + 5 : url + 1, *tail = strstr(p, "/tree/main");
    bool listing = p != url + 1;
    (void)method, (void)version, (void)up, (void)up_size, (void)state;
    const char *range = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Range");
    fprintf(stderr, "%s %s %s %s\n", second ? "other" : "hub", url, range ? range : "-",
            MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Authorization") ? "token" : "-");
    if (!tail)
        tail = strstr(p, "/resolve/main/");
    if (!tail)
        return answer(c, 404, "", NULL, NULL);
    snprintf(repo, sizeof repo, "%.*s", (int)(tail - p), p);
    if (behaves(repo, "needs-token") && !token(c))
        return answer(c, 401, "Invalid credentials", NULL, NULL);
    if (behaves(repo, "gated"))
        return answer(c, 403, "Access to model is restricted", NULL, NULL);
    if (behaves(repo, "busy"))
        return answer(c, 429, "Too many requests", "Retry-After", "17");
    if (behaves(repo, "broken"))
        return answer(c, 503, "", NULL, NULL);
    if (listing)
        return list(c, repo);
    if (behaves(repo, "files-gated") && !token(c))
        return answer(c, 401, "Access to this dataset is restricted", NULL, NULL);
    if (behaves(repo, "moved") && !second) {
        snprintf(to, sizeof to, "%s%s", other, url);
        return answer(c, 302, "", "Location", to);
    }
    if (second && MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Authorization"))
        return answer(c, 400, "a token came with it", NULL, NULL);
    snprintf(path, sizeof path, "%s/%s/%s", root, repo, tail + strlen("/resolve/main/"));
    return file(c, path, behaves(repo, "breaks"), behaves(repo, "slow"));
}

static struct MHD_Daemon *serve(void *second, char *url, size_t size)
{
    struct MHD_Daemon *d = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION, 0, NULL, NULL,
                                            on_request, second, MHD_OPTION_END);
    const union MHD_DaemonInfo *i = d ? MHD_get_daemon_info(d, MHD_DAEMON_INFO_BIND_PORT) : NULL;
    /* another host for the same machine, so that what is for one does not go to the other */
    snprintf(url, size, "http://%s:%u", second ? "localhost" : "127.0.0.1", i ? i->port : 0);
    return d;
}

int main(int argc, char **argv)
{
    char url[64], byte;
    if (argc != 2)
        return 2;
    root = argv[1];
    struct MHD_Daemon *b = serve(&other, other, sizeof other), *a = serve(NULL, url, sizeof url);
    snprintf(own, sizeof own, "%s", url);
    if (!a || !b)
        return 1;
    printf("%s %s\n", url, other);
    fflush(stdout);
    while (read(STDIN_FILENO, &byte, 1) > 0)
        ;
    MHD_stop_daemon(a);
    MHD_stop_daemon(b);
    return 0;
}
