#include "engine/about_llama.h"

#include <stdio.h>
#include <string.h>

#include <ggml-backend.h>
#include <ggml-cpu.h>

#include "engine/cpu_level.h"

void about_llama_cpu(char *out, size_t size)
{
    ggml_backend_reg_t reg = ggml_backend_cpu_reg();
    ggml_backend_get_features_t features =
        (ggml_backend_get_features_t)ggml_backend_reg_get_proc_address(reg, "ggml_backend_get_features");
    struct ggml_backend_feature *f = features ? features(reg) : NULL;
    size_t n = 0;
    out[0] = '\0';
    for (; f && f->name; f++)
        if (strcmp(f->value, "0") != 0)
            n += (size_t)snprintf(out + n, n < size ? size - n : 0, n ? " %s" : "%s", f->name);
}

static void quiet(enum ggml_log_level level, const char *text, void *ud)
{
    (void)level, (void)text, (void)ud;
}

void about_llama_here(struct engine_here *out)
{
    size_t len = 0;
    const struct cpu_words cpu = cpu_words_here();
    *out = (struct engine_here){0};
    if (cpu_level_check(&cpu, IPW_CPU_LEVEL, &out->problem))
        return; /* ggml's first call fills tables with the instructions it is built for */
    ggml_log_set(quiet, NULL); /* backends talk while they look for their devices */
    about_llama_cpu(out->cpu_variant, sizeof out->cpu_variant);
    for (size_t i = 0; i < ggml_backend_reg_count() && len < sizeof out->backends; i++)
        len += (size_t)snprintf(out->backends + len, sizeof out->backends - len, "%s%s", len ? ", " : "",
                                ggml_backend_reg_name(ggml_backend_reg_get(i)));
    for (size_t i = 0; i < ggml_backend_dev_count() && out->n < ENGINE_HERE_DEVICES; i++) {
        struct ggml_backend_dev_props p;
        ggml_backend_dev_get_props(ggml_backend_dev_get(i), &p);
        if (p.type == GGML_BACKEND_DEVICE_TYPE_CPU || p.type == GGML_BACKEND_DEVICE_TYPE_ACCEL)
            continue;
        struct engine_gpu *d = &out->gpu[out->n++];
        snprintf(d->name, sizeof d->name, "%s", p.description ? p.description : p.name);
        d->free_bytes = (int64_t)p.memory_free;
        d->total_bytes = (int64_t)p.memory_total;
    }
}
