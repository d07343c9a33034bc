/* ollama_stub [PORT] [LOG]: Ollama's dialect, see ollama_stub.h. Prints the port; 0, the usual one, is any free one. */
#include <stdio.h>
#include <stdlib.h>

#include "fakes/ollama_stub.h"

int main(int argc, char **argv)
{
    struct ollama_stub *s = ollama_stub_start(argc > 1 ? (int)strtol(argv[1], NULL, 10) : 0);
    if (!s) {
        fprintf(stderr, "ollama_stub: port %s is taken\n", argv[1]);
        return 3;
    }
    if (argc > 2)
        http_fake_log(ollama_stub_http(s), argv[2]);
    http_fake_serve(ollama_stub_http(s));
}
