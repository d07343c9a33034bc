/* A certificate that nobody signed but itself, for 127.0.0.1 and localhost. */
#ifndef IPW_TESTS_TLS_CERT_H
#define IPW_TESTS_TLS_CERT_H

#include <openssl/ssl.h>

/* A server's context with a new key; its certificate is written to cert_file as PEM. NULL: OpenSSL would not. */
SSL_CTX *tls_self_signed(const char *cert_file);

#endif
