/* Addresses of servers. */
#ifndef IPW_NET_URL_H
#define IPW_NET_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* A base URL as it is used: "http://" put before one without a scheme, slashes at the end taken off. IPW_E_USAGE when it is
 * none of http or https, or holds a name and a password. */
int net_url_base(const char *given, char *out, size_t size, struct ipw_err *err);

/* "http://host:8080" of any URL. */
void net_url_root(const char *url, char *out, size_t size);

unsigned net_url_port(const char *url); /* its scheme's when it names none; 0: no address */

/* The host is an address of this machine. Asks the resolver for names other than localhost. */
bool net_url_is_here(const char *url);

#endif
