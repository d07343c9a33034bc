/* The model's own chat template (Jinja, tokenizer.chat_template), rendered by llama.cpp's Jinja engine. The only
 * C++ of ipw: that engine has no C interface (docs/adr/0002-chat-template.md). */
#ifndef IPW_ENGINE_CHAT_TEMPLATE_H
#define IPW_ENGINE_CHAT_TEMPLATE_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct chat_template;

/* NULL when the template cannot be parsed; error then holds why. bos, eos: the texts of those tokens, "" if none. */
struct chat_template *chat_template_new(const char *source, const char *bos, const char *eos, char *error,
                                        size_t error_size);
void chat_template_free(struct chat_template *t);

/* Renders messages with the generation prompt added. Returns text to free, or NULL with error (a template may refuse:
 * no system role, wrong order of roles). */
char *chat_template_render(const struct chat_template *t, const char *const *roles, const char *const *contents,
                           size_t n, char *error, size_t error_size);

#ifdef __cplusplus
}
#endif
#endif
