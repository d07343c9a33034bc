#include "engine/chat_template.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>

#include "jinja/lexer.h"
#include "jinja/parser.h"
#include "jinja/runtime.h"
#include "jinja/value.h"

struct chat_template {
    std::string source, bos, eos;
    jinja::program prog;
};

static void explain(char *error, size_t size, const char *what)
{
    snprintf(error, size, "%s", what);
    for (char *p = error; *p; p++)
        if (*p == '\n')
            *p = ' ';
}

extern "C" struct chat_template *chat_template_new(const char *source, const char *bos, const char *eos,
                                                   char *error, size_t error_size)
{
    auto *t = new chat_template();
    try {
        jinja::lexer lexer;
        auto tokens = lexer.tokenize(source);
        t->prog = jinja::parse_from_tokens(tokens);
        t->source = tokens.source;
        t->bos = bos;
        t->eos = eos;
        return t;
    } catch (const std::exception &e) {
        explain(error, error_size, e.what());
        delete t;
        return nullptr;
    }
}

extern "C" void chat_template_free(struct chat_template *t)
{
    delete t;
}

static jinja::value text(const char *s)
{
    return jinja::mk_val<jinja::value_string>(std::string(s));
}

extern "C" char *chat_template_render(const struct chat_template *t, const char *const *roles,
                                      const char *const *contents, size_t n, char *error, size_t error_size)
{
    try {
        jinja::context ctx(t->source);
        auto messages = jinja::mk_val<jinja::value_array>();
        for (size_t i = 0; i < n; i++) {
            auto m = jinja::mk_val<jinja::value_object>();
            m->insert("role", text(roles[i]));
            m->insert("content", text(contents[i]));
            messages->push_back(m);
        }
        ctx.set_val("messages", messages);
        ctx.set_val("bos_token", text(t->bos.c_str()));
        ctx.set_val("eos_token", text(t->eos.c_str()));
        ctx.set_val("add_generation_prompt", jinja::mk_val<jinja::value_bool>(true));
        jinja::runtime runtime(ctx);
        auto parts = jinja::runtime::gather_string_parts(runtime.execute(t->prog));
        return strdup(parts->as_string().str().c_str());
    } catch (const std::exception &e) {
        explain(error, error_size, e.what());
        return nullptr;
    }
}
