#include "base/mem.h"
#include "engine/tokenizer.h"

#ifdef IPW_HAVE_LLAMA
#include <limits.h>
#include <stdlib.h>

#include <llama.h>

struct tokenizer {
    struct llama_model *model;
};

static void silent(enum ggml_log_level level, const char *text, void *ud)
{
    (void)level, (void)text, (void)ud;
}

int tokenizer_open(struct tokenizer **out, const char *gguf, struct ipw_err *err)
{
    struct llama_model_params p = llama_model_default_params();
    p.vocab_only = true;
    llama_log_set(silent, NULL);
    struct llama_model *m = llama_model_load_from_file(gguf, p);
    *out = NULL;
    if (!m || llama_vocab_type(llama_model_get_vocab(m)) == LLAMA_VOCAB_TYPE_NONE) {
        llama_model_free(m);
        return ipw_err_set(err, IPW_E_INPUT, "'%s' has no vocabulary that can be read; give a GGUF file of the model that "
                           "the server has", gguf);
    }
    *out = ipw_calloc(1, sizeof **out);
    (*out)->model = m;
    return 0;
}

int64_t tokenizer_count(const struct tokenizer *t, const char *text, size_t len)
{
    if (len > INT32_MAX)
        return -1;
    int32_t n = llama_tokenize(llama_model_get_vocab(t->model), text, (int32_t)len, NULL, 0, false, false);
    return n == INT32_MIN ? -1 : -(int64_t)n; /* without room it tells how much is needed, negative */
}

void tokenizer_close(struct tokenizer *t)
{
    if (t)
        llama_model_free(t->model);
    free(t);
}

#else

int tokenizer_open(struct tokenizer **out, const char *gguf, struct ipw_err *err)
{
    *out = NULL;
    return ipw_err_set(err, IPW_E_ENV, "'%s' cannot be read: this build is without llama.cpp; leave --tokenizer out", gguf);
}

int64_t tokenizer_count(const struct tokenizer *t, const char *text, size_t len)
{
    (void)t, (void)text, (void)len;
    return -1;
}

void tokenizer_close(struct tokenizer *t)
{
    (void)t;
}
#endif
