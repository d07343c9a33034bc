/* Ollama's HTTP interface as its public documentation (docs/api.md of the project) and its answers show it; what a model says
 * here is fixed. Models:
 *   smollm2:135m     on the server; "The answer is B." in four tokens
 *   thinker:latest   on the server; thinks in two tokens first, in message.thinking (generate: thinking)
 *   short:latest     on the server; always stops for length after two tokens
 *   silent:latest    on the server; answers without a token
 *   breaks:latest    on the server; {"error": ...} after two tokens
 *   dies:latest      on the server; the connection ends after two tokens
 *   pullable:latest  not on the server; /api/pull brings it, with progress lines
 * A prompt that the loaded model has evaluated last reports no prompt_eval_count, as the real one's cache does. */
#ifndef IPW_TESTS_OLLAMA_STUB_H
#define IPW_TESTS_OLLAMA_STUB_H

#include "fakes/http_fake.h"

enum { OLLAMA_LOAD_NS = 30000000, OLLAMA_PROMPT_NS = 2000000, OLLAMA_TOKEN_NS = 1000000, OLLAMA_PROMPT_TOKENS = 26 };

struct ollama_stub;
struct ollama_stub *ollama_stub_start(int port); /* NULL: port taken */
struct http_fake *ollama_stub_http(struct ollama_stub *s);
void ollama_stub_stop(struct ollama_stub *s);

/* keep_alive of the last request that held one, as JSON text ("\"10m\"", "0"); "" none yet. */
void ollama_stub_keep_alive(struct ollama_stub *s, char *out, size_t size);

#endif
