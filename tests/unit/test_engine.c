/* What surrounds the model: GGUF headers of every kind, chat templates, the greedy choice. The model itself is asked in
 * tests/cli/test_profile.sh. */
#include "check.h"

#include <unistd.h>

#include <ggml.h>
#include <gguf.h>

#include "base/rng.h"
#include "engine/argmax.h"
#include "engine/chat_template.h"
#include "engine/cpu_level.h"
#include "engine/gguf_info.h"

static char path[] = "/tmp/ipw-gguf-XXXXXX";

/* A GGUF file with one tensor, the given architecture and type (NULL: not told). */
static void write_gguf(const char *arch, const char *type, int experts, int used)
{
    struct ggml_context *ctx = ggml_init((struct ggml_init_params){.mem_size = 1 << 20});
    struct gguf_context *g = gguf_init_empty();
    struct ggml_tensor *a = ggml_new_tensor_2d(ctx, GGML_TYPE_F32, 8, 4);
    struct ggml_tensor *b = ggml_new_tensor_3d(ctx, GGML_TYPE_F32, 8, 4, 8);
    ggml_set_name(a, "output.weight");
    ggml_set_name(b, "blk.0.ffn_up_exps.weight");
    memset(a->data, 0, ggml_nbytes(a));
    memset(b->data, 0, ggml_nbytes(b));
    if (arch)
        gguf_set_val_str(g, "general.architecture", arch);
    if (type)
        gguf_set_val_str(g, "general.type", type);
    if (experts) {
        gguf_set_val_u32(g, "mix.expert_count", (uint32_t)experts);
        gguf_set_val_u32(g, "mix.expert_used_count", (uint32_t)used);
    }
    gguf_add_tensor(g, a);
    gguf_add_tensor(g, b);
    assert_true(gguf_write_to_file(g, path, false));
    gguf_free(g);
    ggml_free(ctx);
}

static void refused(const char *why)
{
    struct gguf_info info;
    struct ipw_err err;
    assert_int_equal(gguf_info_read(&info, path, &err), IPW_E_INPUT);
    assert_non_null(strstr(err.text, path));
    assert_non_null(strstr(err.text, why));
}

static void test_not_text_models(void **state)
{
    (void)state;
    write_gguf("llama", "adapter", 0, 0);
    refused("an adapter (LoRA)");
    write_gguf("clip", NULL, 0, 0);
    refused("an image encoder");
    write_gguf("bert", "model", 0, 0);
    refused("an embedding model");
    write_gguf(NULL, NULL, 0, 0);
    refused("without an architecture");
    write_gguf("llama", "model", 0, 0);
    assert_int_equal(truncate(path, 700), 0);
    refused("truncated");
    assert_int_equal(truncate(path, 3), 0);
    refused("not a GGUF file");
    assert_int_equal(truncate(path, 0), 0);
    refused("not a GGUF file");
}

static void test_parameters(void **state)
{
    (void)state;
    struct gguf_info info, again;
    struct ipw_err err;
    write_gguf("mix", "model", 8, 2);
    assert_int_equal(gguf_info_read(&info, path, &err), 0);
    assert_int_equal(info.params_total, 32 + 256);
    assert_int_equal(info.params_active, 32 + 256 / 4); /* 2 of 8 experts */
    assert_string_equal(info.arch, "mix");
    assert_int_equal(gguf_info_read(&again, path, &err), 0);
    assert_string_equal(info.fingerprint, again.fingerprint);
    write_gguf("mix", "model", 8, 4);
    assert_int_equal(gguf_info_read(&again, path, &err), 0);
    assert_string_not_equal(info.fingerprint, again.fingerprint);
}

static void test_chat_template(void **state)
{
    (void)state;
    char why[200];
    const char *roles[] = {"user"}, *contents[] = {"hi {{ x }}"};
    struct chat_template *t = chat_template_new(
        "{{ bos_token }}{% for m in messages %}<{{ m['role'] }}>{{ m.content | trim }}{% endfor %}"
        "{% if add_generation_prompt %}<assistant>{% endif %}",
        "<s>", "</s>", why, sizeof why);
    assert_non_null(t);
    char *s = chat_template_render(t, roles, contents, 1, why, sizeof why);
    assert_string_equal(s, "<s><user>hi {{ x }}<assistant>"); /* what the user wrote is no template */
    free(s);
    chat_template_free(t);
    t = chat_template_new("{{ raise_exception('no system role') }}", "", "", why, sizeof why);
    assert_non_null(t);
    assert_null(chat_template_render(t, roles, contents, 1, why, sizeof why));
    assert_non_null(strstr(why, "no system role"));
    chat_template_free(t);
    assert_null(chat_template_new("{% if %}", "", "", why, sizeof why));
}

static void test_argmax(void **state)
{
    (void)state;
    enum { N = 10007 };
    float *x = malloc(N * sizeof *x);
    for (int round = 0; round < 200; round++) {
        int n = 1 + (int)(ipw_rng_at(1, (uint64_t)round) % N), best = 0;
        for (int i = 0; i < n; i++)
            x[i] = (float)(ipw_rng_at(2 + (uint64_t)round, (uint64_t)i) % 1000) - 2000; /* many ties, all negative */
        for (int i = 0; i < n; i++)
            best = x[i] > x[best] ? i : best;
        assert_int_equal(engine_argmax(x, n), best);
    }
    free(x);
}

/* ---- a package on an old processor ---- */

static void test_cpu_level(void **state)
{
    enum { FMA = 1 << 12, F16C = 1 << 29, AVX2 = 1 << 5, BMI2 = 1 << 8, ASIMDDP = 1 << 20 };
    const struct cpu_words haswell = {.ecx1 = FMA | F16C, .ebx7 = AVX2 | BMI2, .xcr0 = 7}, nehalem = {.xcr0 = 3};
    const struct cpu_words noxsave = {.ecx1 = FMA | F16C, .ebx7 = AVX2 | BMI2}, pi4 = {.hwcap = 0xff}, pi5 = {.hwcap = ASIMDDP};
    struct ipw_err err;
    (void)state;
    assert_int_equal(cpu_level_check(&nehalem, "x86-64-v3", &err), IPW_E_ENV);
    assert_non_null(strstr(err.text, "lacks avx2, fma, f16c, bmi2; "));
    assert_int_equal(cpu_level_check(&haswell, "x86-64-v3", &err), 0);
    assert_int_equal(cpu_level_check(&noxsave, "x86-64-v3", &err), IPW_E_ENV); /* a kernel started with noxsave */
    assert_non_null(strstr(err.text, "lacks avx2, fma, f16c; "));
    assert_int_equal(cpu_level_check(&pi4, "armv8.2-a+dotprod", &err), IPW_E_ENV);
    assert_int_equal(cpu_level_check(&pi5, "armv8.2-a+dotprod", &err), 0);
    assert_int_equal(cpu_level_check(&nehalem, "", &err), 0);
#if defined(__x86_64__)
    const struct cpu_words here = cpu_words_here();
    bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
    assert_int_equal(cpu_level_check(&here, "x86-64-v3", &err) == 0, v3);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_not_text_models), cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_chat_template),   cmocka_unit_test(test_argmax),
        cmocka_unit_test(test_cpu_level),
    };
    close(mkstemp(path));
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return rc;
}
