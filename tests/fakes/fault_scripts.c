/* The scripts. Answers are as OpenAI, llama.cpp, vLLM, Ollama and gateways give them; token counts are the script's own, so
 * that a client that counts frames instead is found out. */
#include "fakes/fault_server.h"

#define HEAD "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"tiny\","
#define DELTA(fields) HEAD "\"choices\":[{\"index\":0,\"delta\":{" fields "},\"finish_reason\":null}]}"
#define ROLE DELTA("\"role\":\"assistant\",\"content\":\"\"")
#define ROLE_NULL DELTA("\"role\":\"assistant\",\"content\":null")
#define TEXT(text) DELTA("\"content\":\"" text "\"")
#define END(reason) HEAD "\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"" reason "\"}]}"
#define COUNTS(in, out) "{\"prompt_tokens\":" #in ",\"completion_tokens\":" #out ",\"total_tokens\":99"
#define USAGE(in, out) HEAD "\"choices\":[],\"usage\":" COUNTS(in, out) "}}"
#define ANSWER TEXT("The"), TEXT(" answer"), TEXT(" is"), TEXT(" B.")
#define FRAMES(...) (const char *const[]){__VA_ARGS__, NULL}
#define GOOD FRAMES(ROLE, ANSWER, END("stop"), USAGE(37, 5))

#define MESSAGE(fields, reason)                                                                                          \
    "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"created\":1700000000,\"model\":\"tiny\",\"choices\":[{"       \
    "\"index\":0,\"message\":{\"role\":\"assistant\"," fields "},\"finish_reason\":\"" reason "\"}]"
#define WHOLE MESSAGE("\"content\":\"The answer is B.\"", "stop") ",\"usage\":" COUNTS(37, 5) "}}"

#define WORDS(frame) HEAD "\"choices\":[{\"index\":0,\"text\":\"" frame "\",\"logprobs\":null,\"finish_reason\":null}]}"
#define OPENAI_ERROR(message, type, code)                                                                                \
    "{\"error\":{\"message\":\"" message "\",\"type\":\"" type "\",\"param\":null,\"code\":" code "}}"

#define FAILS(name_, what_, status_, headers_, body_)                                                                    \
    {.name = name_, .what = what_, .status = status_, .headers = headers_, .body = body_}

const struct fault_script fault_scripts[] = {
    /* ---- answers as they should be ---- */
    {.name = "plain", .what = "four tokens in frames, five by usage", .frames = GOOD, .body = WHOLE},
    {.name = "timed", .what = "20 ms to the first token, 5 ms between tokens", .frames = GOOD, .body = WHOLE,
     .first_ms = 20, .between_ms = 5},
    {.name = "no_usage", .what = "no usage at all", .frames = FRAMES(ROLE, ANSWER, END("stop")),
     .body = MESSAGE("\"content\":\"The answer is B.\"", "stop") "}"},
    {.name = "usage_each", .what = "usage in every frame, growing",
     .frames = FRAMES(HEAD "\"choices\":[{\"index\":0,\"delta\":{\"content\":\"The answer\"},\"finish_reason\":null}],"
                           "\"usage\":" COUNTS(37, 2) "}}",
                      HEAD "\"choices\":[{\"index\":0,\"delta\":{\"content\":\" is B.\"},\"finish_reason\":\"stop\"}],"
                           "\"usage\":" COUNTS(37, 5) "}}"), .body = WHOLE},
    {.name = "usage_null", .what = "usage null in every frame but the last",
     .frames = FRAMES(HEAD "\"choices\":[{\"index\":0,\"delta\":{\"content\":\"The answer is B.\"},"
                           "\"finish_reason\":\"stop\"}],\"usage\":null}", USAGE(37, 5)), .body = WHOLE},
    {.name = "usage_details", .what = "cached and reasoning tokens in usage",
     .frames = FRAMES(ROLE, DELTA("\"reasoning_content\":\"Hm.\""), ANSWER, END("stop"),
                      HEAD "\"choices\":[],\"usage\":" COUNTS(37, 9) ",\"prompt_tokens_details\":{\"cached_tokens\":32},"
                           "\"completion_tokens_details\":{\"reasoning_tokens\":4}}}"),
     .body = MESSAGE("\"content\":\"The answer is B.\",\"reasoning_content\":\"Hm.\"", "stop") ",\"usage\":" COUNTS(37, 9)
             ",\"prompt_tokens_details\":{\"cached_tokens\":32},\"completion_tokens_details\":{\"reasoning_tokens\":4}}}"},
    {.name = "no_role", .what = "the first frame has a token",
     .frames = FRAMES(DELTA("\"role\":\"assistant\",\"content\":\"The answer\""), TEXT(" is B."), END("stop"),
                      USAGE(37, 5)), .body = WHOLE},
    {.name = "role_late", .what = "a role-only frame 40 ms before the first token (content null, as llama.cpp)",
     .frames = FRAMES(ROLE_NULL, ANSWER, END("stop"), USAGE(37, 5)), .body = WHOLE, .first_ms = 40},
    {.name = "many_tokens", .what = "seven tokens in two frames",
     .frames = FRAMES(ROLE, TEXT("The answer is"), TEXT(" the letter B."), END("stop"), USAGE(37, 7)), .body = WHOLE},
    {.name = "reasoning", .what = "deltas named reasoning (OpenRouter, vLLM)",
     .frames = FRAMES(ROLE, DELTA("\"reasoning\":\"Let me\""), DELTA("\"reasoning\":\" think.\""), ANSWER, END("stop"),
                      USAGE(37, 9)), .body = MESSAGE("\"content\":\"The answer is B.\",\"reasoning\":\"Let me think.\"",
                                                     "stop") ",\"usage\":" COUNTS(37, 9) "}}"},
    {.name = "reasoning_content", .what = "deltas named reasoning_content (llama.cpp, DeepSeek), content null",
     .frames = FRAMES(ROLE_NULL, DELTA("\"content\":null,\"reasoning_content\":\"Let me\""),
                      DELTA("\"content\":null,\"reasoning_content\":\" think.\""), ANSWER, END("stop"), USAGE(37, 9)),
     .body = MESSAGE("\"content\":\"The answer is B.\",\"reasoning_content\":\"Let me think.\"", "stop") ",\"usage\":"
             COUNTS(37, 9) "}}"},
    {.name = "thinking", .what = "deltas named thinking",
     .frames = FRAMES(ROLE, DELTA("\"thinking\":\"Let me\""), DELTA("\"thinking\":\" think.\""), ANSWER, END("stop"),
                      USAGE(37, 9)), .body = MESSAGE("\"content\":\"The answer is B.\",\"thinking\":\"Let me think.\"",
                                                     "stop") ",\"usage\":" COUNTS(37, 9) "}}"},
    {.name = "reasoning_only", .what = "all is reasoning: the answer is empty, cut at max_tokens",
     .frames = FRAMES(ROLE, DELTA("\"reasoning_content\":\"Let me\""), DELTA("\"reasoning_content\":\" think.\""),
                      END("length"), USAGE(37, 4))},
    {.name = "think_tags", .what = "reasoning inside the content, between tags; frames 10 ms apart",
     .frames = FRAMES(ROLE, TEXT("<thi"), TEXT("nk>Let"), TEXT(" me see"), TEXT(".</think>"), ANSWER, END("stop"),
                      USAGE(37, 16)), .between_ms = 10},
    {.name = "think_unclosed", .what = "a tag that no other closes, cut at max_tokens",
     .frames = FRAMES(ROLE, TEXT("<think>Let"), TEXT(" me see"), TEXT(" again."), END("length"), USAGE(37, 6)),
     .between_ms = 10},
    {.name = "timings", .what = "llama.cpp's own times and counts in the last frame",
     .frames = FRAMES(ROLE_NULL, ANSWER, END("stop"),
                      HEAD "\"choices\":[],\"usage\":" COUNTS(37, 5) ",\"prompt_tokens_details\":{\"cached_tokens\":30}},"
                           "\"timings\":{\"cache_n\":30,\"prompt_n\":7,\"prompt_ms\":100.5,\"prompt_per_token_ms\":14.36,"
                           "\"predicted_n\":5,\"predicted_ms\":50.25,\"predicted_per_token_ms\":10.05}}"),
     .body = MESSAGE("\"content\":\"The answer is B.\"", "stop") ",\"usage\":" COUNTS(37, 5)
             "},\"timings\":{\"cache_n\":30,\"prompt_n\":7,\"prompt_ms\":100.5,\"predicted_n\":5,\"predicted_ms\":50.25}}"},
    {.name = "completions", .what = "frames of /v1/completions",
     .frames = FRAMES(WORDS("The answer"), WORDS(" is B."),
                      HEAD "\"choices\":[{\"index\":0,\"text\":\"\",\"logprobs\":null,\"finish_reason\":\"stop\"}],"
                           "\"usage\":" COUNTS(37, 5) "}}"),
     .body = HEAD "\"choices\":[{\"index\":0,\"text\":\"The answer is B.\",\"finish_reason\":\"stop\"}],\"usage\":"
             COUNTS(37, 5) "}}"},
    {.name = "whole", .what = "answers whole although a stream was asked for", .body = WHOLE, .frames = GOOD,
     .flags = FAULT_REFUSE_STREAM},
    {.name = "length", .what = "finish reason length", .frames = FRAMES(ROLE, ANSWER, END("length"), USAGE(37, 5)),
     .body = MESSAGE("\"content\":\"The answer is B.\"", "length") ",\"usage\":" COUNTS(37, 5) "}}"},
    {.name = "filtered", .what = "finish reason content_filter",
     .frames = FRAMES(ROLE, TEXT("The"), END("content_filter"), USAGE(37, 1)),
     .body = MESSAGE("\"content\":\"The\"", "content_filter") ",\"usage\":" COUNTS(37, 1) "}}"},
    {.name = "refusal", .what = "OpenAI's refusal field",
     .frames = FRAMES(ROLE, DELTA("\"refusal\":\"I can't\""), DELTA("\"refusal\":\" help with that.\""), END("stop"),
                      USAGE(37, 7))},
    {.name = "tool_calls", .what = "finish reason tool_calls, no text",
     .frames = FRAMES(ROLE, DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"call_1\",\"type\":\"function\",\"function\":{"
                                  "\"name\":\"look\",\"arguments\":\"{}\"}}]"), END("tool_calls"), USAGE(37, 12))},
    {.name = "empty", .what = "no token", .frames = FRAMES(ROLE, END("stop"), USAGE(37, 0)),
     .body = MESSAGE("\"content\":\"\"", "stop") ",\"usage\":" COUNTS(37, 0) "}}"},

    /* ---- streams of odd shape, all of them valid ---- */
    {.name = "split", .what = "every byte alone, with characters of two to four bytes", .mode = FAKE_SPLIT,
     .frames = FRAMES(ROLE, TEXT("Füße"), TEXT(" 5 €"), TEXT(" 😀\\ud83d\\ude00"), END("stop"), USAGE(37, 5))},
    {.name = "crlf", .what = "lines end in CRLF", .frames = GOOD, .flags = FAULT_CRLF},
    {.name = "crlf_split", .what = "CRLF, every byte alone", .frames = GOOD, .flags = FAULT_CRLF, .mode = FAKE_SPLIT},
    {.name = "comments", .what = "comment lines between frames", .frames = GOOD, .flags = FAULT_COMMENTS},
    {.name = "events", .what = "event:, id: and retry: lines", .frames = GOOD, .flags = FAULT_EVENTS},
    {.name = "multiline", .what = "frames in several data: lines", .frames = GOOD, .flags = FAULT_MULTILINE},
    {.name = "no_space", .what = "no space after data:", .frames = GOOD, .flags = FAULT_NO_SPACE},
    {.name = "bom", .what = "a byte order mark first, before a token", .flags = FAULT_BOM,
     .frames = FRAMES(ANSWER, END("stop"), USAGE(37, 5))},
    {.name = "abrupt", .what = "no blank line after the last frame", .frames = GOOD, .flags = FAULT_ABRUPT},
    {.name = "no_done", .what = "no [DONE] after a finish reason", .frames = GOOD, .flags = FAULT_NO_DONE},
    {.name = "until_close", .what = "a body without a length", .frames = GOOD, .mode = FAKE_UNTIL_CLOSE},
    {.name = "gzip", .what = "a gzip-encoded stream", .frames = GOOD, .mode = FAKE_GZIP},
    {.name = "gzip_split", .what = "gzip, every byte alone", .frames = GOOD, .mode = FAKE_GZIP | FAKE_SPLIT},
    {.name = "huge", .what = "a frame of 8 MB", .frames = FRAMES(ROLE, END("stop"), USAGE(37, 5)), .flags = FAULT_HUGE},
    {.name = "slow", .what = "2 ms between bytes", .frames = FRAMES(TEXT("B."), END("stop")), .byte_ms = 2},
    {.name = "drop_second", .what = "a kept connection is closed at its second request", .frames = GOOD, .body = WHOLE,
     .flags = FAULT_DROP_SECOND},
    {.name = "drop_late", .what = "the same, 700 ms after that request", .frames = GOOD, .body = WHOLE,
     .flags = FAULT_DROP_SECOND, .first_ms = 700},
    {.name = "v1_only", .what = "404 elsewhere than below /v1", .frames = GOOD, .body = WHOLE, .flags = FAULT_V1_ONLY},
    {.name = "models", .what = "404 for every model but tiny, in OpenAI's words", .frames = GOOD, .body = WHOLE,
     .flags = FAULT_MODELS},

    /* ---- streams that break ---- */
    {.name = "cut_reset", .what = "RST after two tokens", .frames = FRAMES(ROLE, TEXT("The"), TEXT(" answer")),
     .flags = FAULT_RESET | FAULT_NO_DONE},
    {.name = "cut_close", .what = "FIN after two tokens, the last chunk missing",
     .frames = FRAMES(ROLE, TEXT("The"), TEXT(" answer")), .flags = FAULT_NO_END | FAULT_NO_DONE},
    {.name = "cut_clean", .what = "a proper end of the body after two tokens, without finish reason and [DONE]",
     .frames = FRAMES(ROLE, TEXT("The"), TEXT(" answer")), .flags = FAULT_NO_DONE},
    {.name = "cut_until_close", .what = "the same for a body without a length", .mode = FAKE_UNTIL_CLOSE,
     .frames = FRAMES(ROLE, TEXT("The"), TEXT(" answer")), .flags = FAULT_NO_DONE},
    {.name = "cut_frame", .what = "FIN in the middle of a frame", .frames = FRAMES(ROLE, TEXT("The"), TEXT(" answer")),
     .flags = FAULT_NO_END | FAULT_NO_DONE | FAULT_MID_FRAME},
    {.name = "cut_gzip", .what = "gzip that ends in the middle", .frames = FRAMES(ROLE, TEXT("The"), TEXT(" answer")),
     .flags = FAULT_NO_END | FAULT_NO_DONE, .mode = FAKE_GZIP},
    {.name = "stall", .what = "silence after two tokens", .frames = FRAMES(ROLE, TEXT("The"), TEXT(" answer")),
     .flags = FAULT_HANG | FAULT_NO_DONE},
    {.name = "mute", .what = "no answer ever", .flags = FAULT_MUTE},
    {.name = "shut", .what = "the connection is closed without an answer", .flags = FAULT_SHUT},
    {.name = "endless", .what = "tokens for ever", .frames = FRAMES(TEXT(" more")), .flags = FAULT_ENDLESS},
    {.name = "endless_line", .what = "a line that never ends", .frames = FRAMES(ROLE), .flags = FAULT_ENDLESS_LINE},
    {.name = "bad_json", .what = "a frame that is not JSON", .frames = FRAMES(ROLE, TEXT("The"), "{\"choices\":[{", END("stop")),
     .body = "{\"choices\":[{"},
    {.name = "bad_utf8", .what = "a frame that is not UTF-8", .frames = FRAMES(ROLE, TEXT("The"), TEXT("\xff\xc3(" ), END("stop")),
     .body = MESSAGE("\"content\":\"\xff\xc3(\"", "stop") "}"},
    {.name = "wrong_types", .what = "members of other types than they should be",
     .frames = FRAMES("{\"choices\":{\"delta\":[]}}", "{\"choices\":[7]}", "{\"choices\":[{\"delta\":{\"content\":[1]}}]}",
                      "{\"choices\":[],\"usage\":[1]}", "[]", "7", "null", "\"text\"", END("stop")),
     .body = "{\"choices\":7,\"usage\":\"many\"}"},
    {.name = "nul", .what = "a NUL character in a token", .frames = FRAMES(ROLE, TEXT("a\\u0000b"), END("stop"), USAGE(37, 1))},
    {.name = "nothing", .what = "200 and an empty body", .frames = (const char *const[]){NULL}, .flags = FAULT_NO_DONE, .body = ""},
    {.name = "only_done", .what = "[DONE] and nothing else", .frames = (const char *const[]){NULL}, .body = "{}"},
    {.name = "error_frame", .what = "an error object inside the stream",
     .frames = FRAMES(ROLE, TEXT("The"), OPENAI_ERROR("the model crashed", "server_error", "500"))},
    {.name = "error_word", .what = "an error as a plain text inside the stream",
     .frames = FRAMES(ROLE, TEXT("The"), "{\"error\":\"the model crashed\"}")},
    {.name = "error_first", .what = "200, and the stream is one error object",
     .frames = FRAMES(OPENAI_ERROR("the model crashed", "server_error", "500")),
     .body = OPENAI_ERROR("the model crashed", "server_error", "500")},

    /* ---- answers of other status ---- */
    FAILS("400_context", "the prompt is too long, in OpenAI's words", 400, NULL,
          OPENAI_ERROR("This model's maximum context length is 4096 tokens. However, your messages resulted in 5000 tokens.",
                       "invalid_request_error", "\"context_length_exceeded\"")),
    FAILS("400_context_llama", "the prompt is too long, in llama.cpp's words", 400, NULL,
          "{\"error\":{\"code\":400,\"message\":\"request (15030 tokens) exceeds the available context size (2048 tokens), "
          "try increasing it\",\"type\":\"exceed_context_size_error\",\"n_prompt_tokens\":15030,\"n_ctx\":2048}}"),
    FAILS("400_filter", "Azure's content filter", 400, NULL,
          OPENAI_ERROR("The response was filtered", "invalid_request_error", "\"content_filter\"")),
    {.name = "401", .what = "a wrong key, in OpenAI's words, which repeat the key", .status = 401, .flags = FAULT_EVERY_PATH,
     .body = OPENAI_ERROR("Incorrect API key provided: sk-secret-1234.", "invalid_request_error", "\"invalid_api_key\"")},
    {.name = "403", .what = "forbidden", .status = 403, .flags = FAULT_EVERY_PATH,
     .body = OPENAI_ERROR("Your account may not use this model", "access_error", "\"forbidden\"")},
    {.name = "404_path", .what = "a wrong path, in Go's words", .status = 404, .type = "text/plain",
     .flags = FAULT_EVERY_PATH, .body = "404 page not found\n"},
    FAILS("404_path_vllm", "a wrong path, in FastAPI's words", 404, NULL, "{\"detail\":\"Not Found\"}"),
    FAILS("404_model", "no such model, in OpenAI's words", 404, NULL,
          OPENAI_ERROR("The model `nosuch` does not exist or you do not have access to it.", "invalid_request_error",
                       "\"model_not_found\"")),
    FAILS("404_model_ollama", "no such model, in Ollama's words", 404, NULL,
          OPENAI_ERROR("model \\\"nosuch\\\" not found, try pulling it first", "api_error", "null")),
    FAILS("429", "too many requests, again in 7 s", 429, "Retry-After: 7\r\n",
          OPENAI_ERROR("Rate limit reached", "requests", "\"rate_limit_exceeded\"")),
    FAILS("429_date", "too many requests, again at a date that has passed", 429,
          "Retry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\n", OPENAI_ERROR("Rate limit reached", "requests", "null")),
    FAILS("500", "the server's own error", 500, NULL, OPENAI_ERROR("Internal server error", "server_error", "null")),
    FAILS("503", "loading the model, again in 3 s", 503, "Retry-After: 3\r\n",
          "{\"error\":{\"code\":503,\"message\":\"Loading model\",\"type\":\"unavailable_error\"}}"),
    {.name = "500_page", .what = "a gateway's page", .status = 500, .type = "text/html", .body = "<html><b>oops</b></html>"},
    {.name = "html", .what = "200 and a page", .type = "text/html", .body = "<!DOCTYPE html><title>Sign in</title>"},
    {.name = "text", .what = "200 and text", .type = "text/plain", .body = "Ollama is running"},
    {.name = "moved", .what = "a redirect to another host", .status = 302, .headers = "Location: http://localhost:1/v1\r\n",
     .body = ""},
    {.name = NULL},
};
