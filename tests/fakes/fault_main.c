/* fault_server [--port N] [--script NAME] [--tls CERT_FILE] [--log FILE] [--list]: an OpenAI-compatible server that behaves as
 * its script says. Prints the port; port 0, the usual one, is any free one. CERT_FILE is written. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "fakes/fault_server.h"

int main(int argc, char **argv)
{
    static const struct option options[] = {{"port", 1, NULL, 'p'}, {"script", 1, NULL, 's'}, {"tls", 1, NULL, 't'},
                                            {"log", 1, NULL, 'l'},  {"list", 0, NULL, 'L'},   {0}};
    const char *script = "plain", *cert = NULL, *log = NULL;
    int port = 0, o;
    while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (o) {
        case 'p': port = (int)strtol(optarg, NULL, 10); break;
        case 's': script = optarg; break;
        case 't': cert = optarg; break;
        case 'l': log = optarg; break;
        case 'L':
            for (const struct fault_script *f = fault_scripts; f->name; f++)
                printf("%-18s %s\n", f->name, f->what);
            return 0;
        default: return 2;
        }
    }
    struct fault_server *s = fault_server_start(port, cert, script);
    if (!s) {
        fprintf(stderr, "fault_server: no script '%s' (see --list), or port %d is taken\n", script, port);
        return 3;
    }
    if (log)
        http_fake_log(fault_server_http(s), log);
    http_fake_serve(fault_server_http(s));
}
