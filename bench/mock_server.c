/* The null server as a program: answers at known times, for clients to be compared. Ctrl-C or SIGTERM ends it and prints
 * what it saw as one line of JSON. usage: bench_mock_server [--port N] [--first-ms X] [--between-ms X] [--tokens N] */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/str.h"
#include "net/null_server.h"

static int usage(void)
{
    fprintf(stderr, "usage: bench_mock_server [--port N] [--first-ms X] [--between-ms X] [--tokens N]\n");
    return 2;
}

int main(int argc, char **argv)
{
    double port = 0, first_ms = 20, between_ms = 5, tokens = 64;
    const struct {
        const char *name;
        double *value;
    } flags[] = {{"--port", &port}, {"--first-ms", &first_ms}, {"--between-ms", &between_ms}, {"--tokens", &tokens}};
    for (int i = 1; i < argc; i += 2) {
        size_t k = 0;
        while (k < 4 && strcmp(argv[i], flags[k].name))
            k++;
        if (k == 4 || i + 1 == argc || !ipw_parse_f64(argv[i + 1], flags[k].value) || *flags[k].value < 0)
            return usage();
    }
    if (tokens < 1 || tokens > 1e6 || port > 65535)
        return usage();

    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);

    struct null_schedule schedule = {(int64_t)(first_ms * 1e6), (int64_t)(between_ms * 1e6), (int64_t)tokens};
    struct null_server *server;
    struct null_seen seen;
    struct ipw_err err;
    sigset_t end;
    int sig;
    sigemptyset(&end);
    sigaddset(&end, SIGINT);
    sigaddset(&end, SIGTERM);
    sigprocmask(SIG_BLOCK, &end, NULL);
    if (null_server_start(&server, (int)port, &schedule, &err)) {
        fprintf(stderr, "bench_mock_server: %s\n", err.text);
        return ipw_err_exit_code(err.code);
    }
    printf("http://127.0.0.1:%d/v1\n", null_server_port(server));
    fflush(stdout);
    sigwait(&end, &sig);
    null_server_seen(server, &seen);
    null_server_stop(server);
    printf("{\"requests\":%lld,\"frames\":%lld,\"late_p50_ms\":%.6f,\"late_p99_ms\":%.6f,\"cpu_s\":%.6f,\"first_ns\":%lld}\n",
           (long long)seen.requests, (long long)seen.frames, (double)seen.late_p50_ns * 1e-6, (double)seen.late_p99_ns * 1e-6,
           (double)seen.cpu_ns * 1e-9, (long long)seen.first_ns);
    return 0;
}
