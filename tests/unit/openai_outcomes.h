/* What the engine `openai` makes of each script of the fault server. */
#ifndef IPW_TESTS_OPENAI_OUTCOMES_H
#define IPW_TESTS_OPENAI_OUTCOMES_H

#include "ask.h"
#include "base/str.h"

#define UNKNOWN ENGINE_UNKNOWN

#define ANSWER "The answer is B."
#define THOUGHT "Let me think."

/* What comes of a script; source NULL: not counted. n_in 0 here: not looked at. */
struct outcome {
    const char *script;
    int status;
    const char *reason, *stop, *text, *thinking, *source;
    int64_t n_in, n_out;
};

#define OK_(script, stop, text, thinking, source, n_in, n_out) {script, QUERY_OK, NULL, stop, text, thinking, source, n_in, n_out}
static const struct outcome streams[] = {
    OK_("plain", "eos", ANSWER, "", "usage", 37, 5),
    OK_("no_usage", "eos", ANSWER, "", "chunks", UNKNOWN, 4),
    OK_("usage_each", "eos", ANSWER, "", "usage", 37, 5),
    OK_("usage_null", "eos", ANSWER, "", "usage", 37, 5),
    OK_("usage_details", "eos", ANSWER, "Hm.", "usage", 37, 9),
    OK_("no_role", "eos", ANSWER, "", "usage", 37, 5),
    OK_("many_tokens", "eos", "The answer is the letter B.", "", "usage", 37, 7),
    OK_("reasoning", "eos", ANSWER, THOUGHT, "usage", 37, 9),
    OK_("reasoning_content", "eos", ANSWER, THOUGHT, "usage", 37, 9),
    OK_("thinking", "eos", ANSWER, THOUGHT, "usage", 37, 9),
    OK_("timings", "eos", ANSWER, "", "usage", 37, 5),
    OK_("whole", "eos", ANSWER, "", "usage", 37, 5),
    OK_("split", "eos", "Füße 5 € 😀😀", "", "usage", 37, 5),
    OK_("crlf", "eos", ANSWER, "", "usage", 37, 5),
    OK_("crlf_split", "eos", ANSWER, "", "usage", 37, 5),
    OK_("comments", "eos", ANSWER, "", "usage", 37, 5),
    OK_("events", "eos", ANSWER, "", "usage", 37, 5),
    OK_("multiline", "eos", ANSWER, "", "usage", 37, 5),
    OK_("no_space", "eos", ANSWER, "", "usage", 37, 5),
    OK_("bom", "eos", ANSWER, "", "usage", 37, 5),
    OK_("abrupt", "eos", ANSWER, "", "usage", 37, 5),
    OK_("no_done", "eos", ANSWER, "", "usage", 37, 5),
    OK_("until_close", "eos", ANSWER, "", "usage", 37, 5),
    OK_("gzip", "eos", ANSWER, "", "usage", 37, 5),
    OK_("gzip_split", "eos", ANSWER, "", "usage", 37, 5),
    OK_("slow", "eos", "B.", "", "chunks", UNKNOWN, 1),
    {"length", QUERY_TRUNCATED, "max_tokens", "length", ANSWER, "", "usage", 37, 5},
    {"reasoning_only", QUERY_TRUNCATED, "max_tokens", "length", "", THOUGHT, "usage", 37, 4},
    {"filtered", QUERY_REFUSED, "refused", "content_filter", "The", "", "usage", 37, 1},
    {"refusal", QUERY_REFUSED, "refused", "eos", "I can't help with that.", "", "usage", 37, 7},
    {"tool_calls", QUERY_EMPTY, "no_tokens", "tool_calls", "", "", "usage", 37, 12},
    {"empty", QUERY_EMPTY, "no_tokens", "eos", "", "", "usage", 37, 0},
    {"only_done", QUERY_EMPTY, "no_tokens", NULL, "", "", "chunks", UNKNOWN, 0},
    {"wrong_types", QUERY_EMPTY, "no_tokens", "eos", "", "", "chunks", UNKNOWN, 0},
    {"cut_reset", QUERY_ERROR, "aborted_stream", NULL, "The answer", "", "chunks", UNKNOWN, 2},
    {"cut_close", QUERY_ERROR, "aborted_stream", NULL, "The answer", "", "chunks", UNKNOWN, 2},
    {"cut_clean", QUERY_ERROR, "aborted_stream", NULL, "The answer", "", "chunks", UNKNOWN, 2},
    {"cut_until_close", QUERY_ERROR, "aborted_stream", NULL, "The answer", "", "chunks", UNKNOWN, 2},
    {"cut_frame", QUERY_ERROR, "aborted_stream", NULL, "The", "", "chunks", UNKNOWN, 1},
    {"cut_gzip", QUERY_ERROR, "aborted_stream", NULL, "The answer", "", "chunks", UNKNOWN, 2},
    {"nothing", QUERY_ERROR, "aborted_stream", NULL, "", "", "chunks", UNKNOWN, 0},
    {"shut", QUERY_ERROR, "aborted_stream", NULL, "", "", "chunks", UNKNOWN, 0},
    {"bad_json", QUERY_ERROR, "protocol", NULL, "The", "", "chunks", UNKNOWN, 1},
    {"bad_utf8", QUERY_ERROR, "protocol", NULL, "The", "", "chunks", UNKNOWN, 1},
    {"error_frame", QUERY_ERROR, "server_error", NULL, "The", "", "chunks", UNKNOWN, 1},
    {"error_word", QUERY_ERROR, "server_error", NULL, "The", "", "chunks", UNKNOWN, 1},
    {"error_first", QUERY_ERROR, "server_error", NULL, "", "", "chunks", UNKNOWN, 0},
    {"html", QUERY_ERROR, "protocol", NULL, "", "", "chunks", UNKNOWN, 0},
    {"text", QUERY_ERROR, "protocol", NULL, "", "", "chunks", UNKNOWN, 0},
    {"400_context", QUERY_ERROR, "prompt_too_long", NULL, "", "", "chunks", UNKNOWN, 0},
    {"400_context_llama", QUERY_ERROR, "prompt_too_long", NULL, "", "", "chunks", UNKNOWN, 0},
    {"400_filter", QUERY_REFUSED, "refused", NULL, "", "", "chunks", UNKNOWN, 0},
    {"404_model", QUERY_ERROR, "http_404", NULL, "", "", "chunks", UNKNOWN, 0},
    {"404_model_ollama", QUERY_ERROR, "http_404", NULL, "", "", "chunks", UNKNOWN, 0},
    {"404_path", QUERY_ERROR, "http_404", NULL, "", "", "chunks", UNKNOWN, 0},
    {"429", QUERY_ERROR, "http_429", NULL, "", "", "chunks", UNKNOWN, 0},
    {"500", QUERY_ERROR, "http_500", NULL, "", "", "chunks", UNKNOWN, 0},
    {"500_page", QUERY_ERROR, "http_500", NULL, "", "", "chunks", UNKNOWN, 0},
    {"503", QUERY_ERROR, "http_503", NULL, "", "", "chunks", UNKNOWN, 0},
    {"moved", QUERY_ERROR, "http_3xx", NULL, "", "", "chunks", UNKNOWN, 0},
    {"401", QUERY_NOT_SENT, "auth", NULL, "", "", NULL, UNKNOWN, 0},
    {"403", QUERY_NOT_SENT, "auth", NULL, "", "", NULL, UNKNOWN, 0},
};

/* Of the whole answers; those that are the same with and without a stream stand above. */
static const struct outcome wholes[] = {
    OK_("plain", "eos", ANSWER, "", "usage", 37, 5),
    OK_("no_usage", "eos", ANSWER, "", NULL, UNKNOWN, UNKNOWN),
    OK_("usage_details", "eos", ANSWER, "Hm.", "usage", 37, 9),
    OK_("reasoning", "eos", ANSWER, THOUGHT, "usage", 37, 9),
    OK_("reasoning_content", "eos", ANSWER, THOUGHT, "usage", 37, 9),
    OK_("thinking", "eos", ANSWER, THOUGHT, "usage", 37, 9),
    OK_("timings", "eos", ANSWER, "", "usage", 37, 5),
    {"length", QUERY_TRUNCATED, "max_tokens", "length", ANSWER, "", "usage", 37, 5},
    {"filtered", QUERY_REFUSED, "refused", "content_filter", "The", "", "usage", 37, 1},
    {"empty", QUERY_EMPTY, "no_tokens", "eos", "", "", "usage", 37, 0},
    {"bad_json", QUERY_ERROR, "protocol", NULL, "", "", NULL, UNKNOWN, 0},
    {"bad_utf8", QUERY_ERROR, "protocol", NULL, "", "", NULL, UNKNOWN, 0},
    {"wrong_types", QUERY_EMPTY, "no_tokens", NULL, "", "", NULL, UNKNOWN, 0},
    {"nothing", QUERY_ERROR, "aborted_stream", NULL, "", "", NULL, UNKNOWN, 0},
    {"error_first", QUERY_ERROR, "server_error", NULL, "", "", NULL, UNKNOWN, 0},
    {"html", QUERY_ERROR, "protocol", NULL, "", "", NULL, UNKNOWN, 0},
    {"429", QUERY_ERROR, "http_429", NULL, "", "", NULL, UNKNOWN, 0},
};

static int differences; /* of one test */

static void differ(const char *script, const char *what, const char *got, const char *want)
{
    print_error("%s: %s is '%.200s', not '%.200s'\n", script, what, got ? got : "(none)", want ? want : "(none)");
    differences++;
}

static void same_int(const char *script, const char *what, int64_t got, int64_t want)
{
    char a[30], b[30];
    snprintf(a, sizeof a, "%lld", (long long)got);
    snprintf(b, sizeof b, "%lld", (long long)want);
    if (got != want)
        differ(script, what, got == UNKNOWN ? "unknown" : a, want == UNKNOWN ? "unknown" : b);
}

/* All differences of all scripts are told before the test fails. */
static void compare(const struct outcome *o, const struct asked *a, bool whole)
{
    const struct engine_event *end = &a->end;
    if ((int)end->status != o->status)
        differ(o->script, "status", query_status_name((int)end->status), query_status_name(o->status));
    if (!ipw_streq(end->reason, o->reason))
        differ(o->script, "reason", end->reason, o->reason);
    if (!ipw_streq(end->stop, o->stop))
        differ(o->script, "stop", end->stop, o->stop);
    if (strcmp(a->text.s, o->text) != 0)
        differ(o->script, "text", a->text.s, o->text);
    if (strcmp(a->thinking.s, o->thinking) != 0)
        differ(o->script, "thinking", a->thinking.s, o->thinking);
    same_int(o->script, "n_in", end->n_in, o->n_in);
    bool answered = o->status == QUERY_OK || o->status == QUERY_TRUNCATED || o->status == QUERY_REFUSED;
    if (answered || o->n_out) { /* what an error counts when nothing came is of no use to anyone */
        same_int(o->script, "n_out", end->n_out, o->n_out);
        if (!ipw_streq(end->token_source, o->source))
            differ(o->script, "token source", end->token_source, o->source);
    }
    bool has_text = *o->text || *o->thinking, one_piece = whole || !strcmp(o->script, "whole");
    same_int(o->script, "first events", a->firsts, has_text && !one_piece);
    if (a->firsts && a->first_thinking != (*o->thinking != '\0'))
        differ(o->script, "first token", a->first_thinking ? "thinking" : "answer", *o->thinking ? "thinking" : "answer");
    bool wrong = o->status == QUERY_ERROR || o->status == QUERY_NOT_SENT;
    if (wrong != (a->detail.len > 0))
        differ(o->script, "detail", a->detail.s, wrong ? "something for people" : "");
    for (const char *p = a->detail.s; *p; p++)
        if ((unsigned char)*p < ' ')
            differ(o->script, "detail", a->detail.s, "one line");
}

#endif
