#include "net/url.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/str.h"

int net_url_base(const char *given, char *out, size_t size, struct ipw_err *err)
{
    const char *scheme = strstr(given, "://") ? "" : "http://";
    if ((size_t)snprintf(out, size, "%s%s", scheme, given) >= size)
        return ipw_err_set(err, IPW_E_USAGE, "the address '%.100s...' is too long", given);
    for (size_t n = strlen(out); n && out[n - 1] == '/';)
        out[--n] = '\0';
    CURLU *u = curl_url();
    char *part = NULL;
    bool ok = u && !curl_url_set(u, CURLUPART_URL, out, 0) && !curl_url_get(u, CURLUPART_SCHEME, &part, 0) &&
              (!strcasecmp(part, "http") || !strcasecmp(part, "https"));
    curl_free(part);
    part = NULL;
    bool secret = ok && !curl_url_get(u, CURLUPART_USER, &part, 0);
    curl_free(part);
    curl_url_cleanup(u);
    if (!ok)
        return ipw_err_set(err, IPW_E_USAGE, "'%s' is no address of http or https: http://HOST:PORT/v1 is needed", given);
    if (secret)
        return ipw_err_set(err, IPW_E_USAGE, "the address holds a name or a password: keys come from the environment, by "
                           "--api-key-env");
    return 0;
}

void net_url_root(const char *url, char *out, size_t size)
{
    const char *p = strstr(url, "://");
    size_t n = p ? (size_t)(p + 3 - url) + strcspn(p + 3, "/?#") : strcspn(url, "/?#");
    snprintf(out, size, "%.*s", (int)(n < size ? n : size - 1), url);
}

static bool same_address(const struct sockaddr *a, const struct sockaddr *b)
{
    if (!a || !b || a->sa_family != b->sa_family)
        return false;
    if (a->sa_family == AF_INET)
        return ((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr ==
               ((const struct sockaddr_in *)(const void *)b)->sin_addr.s_addr;
    return a->sa_family == AF_INET6 && !memcmp(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr,
                                               &((const struct sockaddr_in6 *)(const void *)b)->sin6_addr, 16);
}

static bool loopback(const struct sockaddr *a)
{
    if (a->sa_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr) >> 24 == 127;
    return a->sa_family == AF_INET6 &&
           IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr);
}

static bool host_of(const char *url, char *out, size_t size)
{
    CURLU *u = curl_url();
    char *host = NULL;
    bool ok = u && !curl_url_set(u, CURLUPART_URL, url, CURLU_GUESS_SCHEME) && !curl_url_get(u, CURLUPART_HOST, &host, 0);
    if (ok) {
        size_t n = strlen(host), bracket = *host == '[';
        snprintf(out, size, "%.*s", (int)(n - 2 * bracket), host + bracket);
    }
    curl_free(host);
    curl_url_cleanup(u);
    return ok;
}

unsigned net_url_port(const char *url)
{
    CURLU *u = curl_url();
    char *port = NULL;
    unsigned n = 0;
    if (u && !curl_url_set(u, CURLUPART_URL, url, CURLU_GUESS_SCHEME) &&
        !curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT))
        n = (unsigned)strtoul(port, NULL, 10);
    curl_free(port);
    curl_url_cleanup(u);
    return n;
}

bool net_url_is_here(const char *url)
{
    char host[300];
    struct addrinfo *list = NULL, hints = {.ai_socktype = SOCK_STREAM};
    struct ifaddrs *own = NULL;
    bool here = false;
    if (!host_of(url, host, sizeof host))
        return false;
    if (!strcasecmp(host, "localhost") || ipw_ends(host, ".localhost"))
        return true;
    if (getaddrinfo(host, NULL, &hints, &list))
        return false;
    for (const struct addrinfo *a = list; a && !here; a = a->ai_next)
        here = loopback(a->ai_addr);
    if (!here && !getifaddrs(&own))
        for (const struct addrinfo *a = list; a && !here; a = a->ai_next)
            for (const struct ifaddrs *i = own; i && !here; i = i->ifa_next)
                here = same_address(a->ai_addr, i->ifa_addr);
    freeifaddrs(own);
    freeaddrinfo(list);
    return here;
}
