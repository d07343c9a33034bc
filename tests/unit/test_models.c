/* GGUF headers by our own reader, held against ggml's; models found in trees as other programs leave them; which file of a
 * repository is meant. */
#include "check.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ggml.h>
#include <gguf.h>

#include "base/fs.h"
#include "base/model_name.h"
#include "engine/gguf.h"
#include "engine/gguf_info.h"
#include "engine/models.h"
#include "fakes/gguf_file.h"
#include "net/hub.h"

static char root[64];

static const char *in(const char *name)
{
    static char path[4][300];
    static int i;
    i = (i + 1) % 4;
    snprintf(path[i], sizeof path[i], "%s/%s", root, name);
    return path[i];
}

static void write_text(const char *name, const char *text)
{
    struct ipw_err err;
    char dir[300];
    const char *path = in(name);
    snprintf(dir, sizeof dir, "%.*s", (int)(fs_basename(path) - path), path);
    assert_int_equal(fs_mkdirs(dir, &err), 0);
    assert_int_equal(fs_write_atomic(path, text, strlen(text), &err), 0);
}

static const struct local_model *named(const struct local_models *all, const char *name)
{
    for (size_t i = 0; i < all->n; i++)
        if (!strcmp(all->v[i].name, name))
            return &all->v[i];
    for (size_t i = 0; i < all->n; i++)
        print_message("  %s: %s\n", all->v[i].name, all->v[i].problem ? all->v[i].problem : "ok");
    fail_msg("no model '%s'", name);
    return NULL;
}

static void has_problem(const struct local_models *all, const char *name, const char *words)
{
    const struct local_model *m = named(all, name);
    if (!m->problem || !strstr(m->problem, words))
        fail_msg("'%s': problem is '%s', not '%s'", name, m->problem ? m->problem : "none", words);
}

static void find(struct local_models *all, const char *prefix, enum model_layout layout, const char *dir)
{
    struct ipw_err err;
    struct model_root r = {prefix, layout, in(dir)};
    assert_int_equal(local_models_find(all, &r, 1, &err), 0);
}

/* ---- headers ---- */

static void test_types_as_ggml(void **state)
{
    (void)state;
    for (int t = 0; t < GGML_TYPE_COUNT; t++) {
        const char *name = ggml_type_name((enum ggml_type)t);
        int64_t block = ggml_blck_size((enum ggml_type)t);
        if (!name || block < 1 || !ggml_type_size((enum ggml_type)t))
            continue; /* support was removed */
        if (gguf_type_bytes((uint32_t)t, block) != (int64_t)ggml_type_size((enum ggml_type)t))
            fail_msg("%s: %lld bytes a block of %lld, ggml says %zu", name, (long long)gguf_type_bytes((uint32_t)t, block),
                     (long long)block, ggml_type_size((enum ggml_type)t));
    }
}

/* Everything a real writer writes, through both readers. */
static bool count_keys(void *ud, const char *key, const struct gguf_value *v)
{
    (void)v;
    *(int *)ud += *key != '\0';
    return true;
}

static void test_as_ggml(void **state)
{
    (void)state;
    const char *path = in("ggml.gguf"), *words[] = {"a", "", "ccc"};
    int32_t numbers[] = {-1, 2, 3};
    float reals[] = {0.5f, -2};
    struct ggml_context *ctx = ggml_init((struct ggml_init_params){.mem_size = 1 << 20});
    struct gguf_context *g = gguf_init_empty();
    gguf_set_val_str(g, "general.architecture", "llama");
    gguf_set_val_u8(g, "a", 255);
    gguf_set_val_i8(g, "b", -1);
    gguf_set_val_u16(g, "c", 65535);
    gguf_set_val_i16(g, "d", -2);
    gguf_set_val_f32(g, "e", 1.5f);
    gguf_set_val_u64(g, "f", UINT64_MAX);
    gguf_set_val_i64(g, "g", INT64_MIN);
    gguf_set_val_f64(g, "h", -0.25);
    gguf_set_val_bool(g, "i", true);
    gguf_set_arr_str(g, "j", words, 3);
    gguf_set_arr_data(g, "k", GGUF_TYPE_INT32, numbers, 3);
    gguf_set_arr_data(g, "l", GGUF_TYPE_FLOAT32, reals, 2);
    gguf_set_val_u32(g, "general.alignment", 64);
    struct ggml_tensor *t = ggml_new_tensor_2d(ctx, GGML_TYPE_Q4_0, 64, 3);
    ggml_set_name(t, "output.weight");
    gguf_add_tensor(g, t);
    assert_true(gguf_write_to_file(g, path, false));
    size_t data = gguf_get_meta_size(g);
    gguf_free(g);

    struct stat st;
    struct gguf_header h;
    int keys = 0, fd = open(path, O_RDONLY);
    fstat(fd, &st);
    assert_int_equal(gguf_scan(&h, fd, st.st_size, &(struct gguf_visitor){count_keys, NULL}, &keys), 0);
    close(fd);
    assert_int_equal(keys, 14);
    assert_true(h.whole);
    assert_int_equal(h.data_offset, (int64_t)data);
    assert_int_equal(h.end, (int64_t)data + (int64_t)ggml_nbytes(t));
    ggml_free(ctx);
}

static void test_damaged_headers(void **state)
{
    (void)state;
    const char *path = in("bad.gguf");
    struct gguf_info info;
    struct stat st;
    struct ipw_err err;
    const char *problem;
    gguf_file_write(path, &(struct gguf_file){.arch = "llama", .vocab = 500, .file_type = 15});
    assert_int_equal(stat(path, &st), 0);
    gguf_info_peek(&info, path, true, &problem);
    assert_null(problem);
    assert_string_equal(info.quant, "Q4_K_M");
    for (int64_t n = st.st_size - 1; n > 8; n -= n > 3000 ? 97 : 13) { /* cut off anywhere: told, never believed */
        assert_int_equal(truncate(path, n), 0);
        gguf_info_peek(&info, path, true, &problem);
        assert_non_null(problem);
        assert_non_null(strstr(problem, "truncated"));
        assert_int_equal(gguf_info_read(&info, path, &err), IPW_E_INPUT);
    }
    assert_int_equal(truncate(path, 0), 0);
    gguf_info_peek(&info, path, true, &problem);
    assert_string_equal(problem, "not a GGUF file");
}

static void test_context(void **state)
{
    (void)state;
    struct gguf_info i;
    struct ipw_err err;
    gguf_file_write(in("ctx.gguf"), &(struct gguf_file){.arch = "llama", .file_type = 1});
    assert_int_equal(gguf_info_read(&i, in("ctx.gguf"), &err), 0);
    assert_int_equal(i.kv_token, 4 * 2 * (16 + 16) * 2); /* layers, heads, keys and values, 16 bits */
    assert_true(i.chat_template);
    assert_string_equal(i.license, "mit");
    assert_int_equal(gguf_info_context_in(&i, 512 * 1000 - 1), 768); /* 999 tokens, in steps of 256 */
    assert_int_equal(gguf_info_context_in(&i, 1 << 30), 2048);
    assert_int_equal(gguf_info_context_in(&i, 0), 0);
    gguf_file_write(in("swa.gguf"), &(struct gguf_file){.arch = "gemma2", .file_type = 1});
    assert_int_equal(gguf_info_read(&i, in("swa.gguf"), &err), 0);
    assert_int_equal(i.window, 0); /* the file names no window */
}

/* ---- names ---- */

static void test_names(void **state)
{
    (void)state;
    static const char *const quants[][2] = {
        {"Qwen3-4B-Q4_K_M.gguf", "Q4_K_M"},        {"smollm2.q8_0.gguf", "Q8_0"},  {"Qwen3-30B-UD-Q4_K_XL.gguf", "UD-Q4_K_XL"},
        {"m-IQ2_XXS-00001-of-00003.gguf", "IQ2_XXS"}, {"gpt-oss-20b-mxfp4.gguf", "MXFP4"}, {"x-BF16.gguf", "BF16"},
        {"qwen2.5-7b-instruct.gguf", ""},          {"model.gguf", ""},             {"Q4_K_M", "Q4_K_M"}};
    char q[24];
    for (size_t i = 0; i < sizeof quants / sizeof quants[0]; i++)
        assert_string_equal(model_quant(quants[i][0], q), quants[i][1]);
    int part, parts;
    size_t stem;
    assert_true(model_part("m-Q8_0-00002-of-00010.gguf", &part, &parts, &stem));
    assert_int_equal(part * 100 + parts, 210);
    assert_int_equal(stem, 6);
    assert_false(model_part("m-00003-of-00002.gguf", &part, &parts, &stem));
    assert_false(model_part("m-00000-of-00002.gguf", &part, &parts, &stem));
    assert_false(model_part("-of-.gguf", &part, &parts, &stem));
}

/* ---- trees ---- */

#define HEX_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define HEX_C "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

static void manifest(const char *name, const char *hex, int64_t size, const char *more)
{
    char text[1000];
    snprintf(text, sizeof text,
             "{\"schemaVersion\":2,\"config\":{\"digest\":\"sha256:" HEX_C "\"},\"layers\":[{\"mediaType\":"
             "\"application/vnd.ollama.image.model\",\"digest\":\"sha256:%s\",\"size\":%lld}%s]}", hex, (long long)size, more);
    write_text(name, text);
}

static void test_ollama(void **state)
{
    (void)state;
    struct local_models all;
    struct stat st;
    gguf_file_write(in("o/blobs/sha256-" HEX_A), &(struct gguf_file){.arch = "qwen3", .vocab = 50, .file_type = 15});
    assert_int_equal(stat(in("o/blobs/sha256-" HEX_A), &st), 0);
    write_text("o/blobs/sha256-" HEX_C, "{\"file_type\":\"Q4_K_M\"}");
    manifest("o/manifests/registry.ollama.ai/library/qwen3/4b", HEX_A, st.st_size, "");
    manifest("o/manifests/registry.ollama.ai/me/qwen3/4b", HEX_A, st.st_size, "");
    manifest("o/manifests/hf.co/org/repo/Q8_0", HEX_A, st.st_size, "");
    manifest("o/manifests/registry.ollama.ai/library/gone/1b", HEX_B, 77, "");
    manifest("o/manifests/registry.ollama.ai/library/short/1b", HEX_A, st.st_size + 1, "");
    manifest("o/manifests/registry.ollama.ai/library/lora/1b", HEX_A, st.st_size,
             ",{\"mediaType\":\"application/vnd.ollama.image.adapter\"}");
    manifest("o/manifests/registry.ollama.ai/library/evil/1b", "../../../../etc/passwd", 1, "");
    write_text("o/manifests/registry.ollama.ai/library/cloud/120b", "{\"layers\":[]}");
    write_text("o/manifests/registry.ollama.ai/library/bad/1b", "{not json");
    write_text("o/manifests/README", "no manifest");
    find(&all, "ollama", MODEL_OLLAMA, "o");
    assert_int_equal(all.n, 9);
    const struct local_model *m = named(&all, "ollama:qwen3:4b");
    assert_null(m->problem);
    assert_string_equal(m->path, in("o/blobs/sha256-" HEX_A));
    assert_string_equal(m->quant, "Q4_K_M");
    assert_string_equal(m->arch, "qwen3");
    assert_int_equal(m->bytes, st.st_size);
    char hex[65];
    assert_true(local_model_sha256(m->path, hex));
    assert_string_equal(hex, HEX_A);
    assert_null(named(&all, "ollama:me/qwen3:4b")->problem);
    assert_null(named(&all, "ollama:hf.co/org/repo:Q8_0")->problem);
    has_problem(&all, "ollama:gone:1b", "weights are gone");
    assert_string_equal(named(&all, "ollama:gone:1b")->remedy, "ollama pull gone:1b");
    has_problem(&all, "ollama:short:1b", "truncated");
    has_problem(&all, "ollama:lora:1b", "adapter");
    has_problem(&all, "ollama:evil:1b", "manifest makes no sense");
    has_problem(&all, "ollama:cloud:120b", "no GGUF file");
    has_problem(&all, "ollama:bad:1b", "manifest cannot be read");
    local_models_release(&all);
}

static void test_folders(void **state)
{
    (void)state;
    struct local_models all;
    gguf_file_write(in("l/org/repo/m-Q8_0.gguf"), &(struct gguf_file){.arch = "llama", .label = "1.5B", .elements = 4096});
    gguf_file_write(in("l/org/repo/mmproj-m-f16.gguf"), &(struct gguf_file){.arch = "clip"});
    gguf_file_write(in("l/org/repo/lora.gguf"), &(struct gguf_file){.arch = "llama", .type = "adapter"});
    gguf_file_write(in("l/org/repo/nomic.gguf"), &(struct gguf_file){.arch = "nomic-bert"});
    gguf_file_write(in("l/org/repo/qwen-embed.gguf"), &(struct gguf_file){.arch = "qwen3", .pooling = 3});
    gguf_file_write(in("l/org/repo/cut.gguf"), &(struct gguf_file){.arch = "llama", .cut = 5});
    gguf_file_write(in("l/split/s-Q4_0-00001-of-00003.gguf"), &(struct gguf_file){.arch = "llama", .parts = 3});
    gguf_file_write(in("l/split/s-Q4_0-00002-of-00003.gguf"), &(struct gguf_file){.arch = "llama", .parts = 3});
    gguf_file_write(in("l/split/s-Q4_0-00003-of-00003.gguf"), &(struct gguf_file){.arch = "llama", .parts = 3});
    gguf_file_write(in("l/split/gap-00001-of-00003.gguf"), &(struct gguf_file){.arch = "llama", .parts = 3});
    gguf_file_write(in("l/split/gap-00003-of-00003.gguf"), &(struct gguf_file){.arch = "llama", .parts = 3});
    gguf_file_write(in("l/split/tail-00002-of-00002.gguf"), &(struct gguf_file){.arch = "llama", .parts = 2});
    write_text("l/half.gguf.part", "half");
    write_text("l/readme.txt", "no model");
    assert_int_equal(symlink(".", in("l/loop")), 0);
    assert_int_equal(symlink("nowhere", in("l/dead.gguf")), 0);
    assert_int_equal(mkfifo(in("l/pipe.gguf"), 0600), 0);
    find(&all, "lmstudio", MODEL_FILES, "l");
    assert_int_equal(all.n, 11);
    const struct local_model *m = named(&all, "lmstudio:org/repo/m-Q8_0");
    assert_null(m->problem);
    assert_int_equal(m->params, 4096); /* the tensors are believed, not the label */
    has_problem(&all, "lmstudio:org/repo/mmproj-m-f16", "image encoder");
    has_problem(&all, "lmstudio:org/repo/lora", "adapter");
    has_problem(&all, "lmstudio:org/repo/nomic", "embedding");
    has_problem(&all, "lmstudio:org/repo/qwen-embed", "embedding");
    has_problem(&all, "lmstudio:org/repo/cut", "truncated");
    m = named(&all, "lmstudio:split/s-Q4_0");
    assert_null(m->problem);
    assert_int_equal(m->params, 3 * 1024);
    assert_true(m->bytes > 3 * 2048);
    has_problem(&all, "lmstudio:split/gap", "part 2 of 3 is missing");
    has_problem(&all, "lmstudio:split/tail", "part 1 of 2 is missing");
    has_problem(&all, "lmstudio:half", "not finished");
    has_problem(&all, "lmstudio:dead", "gone");
    local_models_release(&all);
    find(&all, NULL, MODEL_FILES, "l/org");
    assert_null(named(&all, in("l/org/repo/m-Q8_0.gguf"))->problem); /* a name that works without --models */
    local_models_release(&all);
}

static void test_hub_cache(void **state)
{
    (void)state;
    struct local_models all;
    char hex[65];
    struct ipw_err err;
    gguf_file_write(in("h/models--org--repo/blobs/" HEX_A), &(struct gguf_file){.arch = "llama", .file_type = 15});
    gguf_file_write(in("h/models--org--repo/blobs/" HEX_B), &(struct gguf_file){.arch = "llama", .file_type = 7});
    assert_int_equal(fs_mkdirs(in("h/models--org--repo/snapshots/1111"), &err), 0);
    assert_int_equal(fs_mkdirs(in("h/models--org--repo/snapshots/2222"), &err), 0);
    assert_int_equal(symlink("../../blobs/" HEX_A, in("h/models--org--repo/snapshots/1111/m-Q4_K_M.gguf")), 0);
    assert_int_equal(symlink("../../blobs/" HEX_A, in("h/models--org--repo/snapshots/2222/m-Q4_K_M.gguf")), 0);
    assert_int_equal(symlink("../../blobs/" HEX_B, in("h/models--org--repo/snapshots/2222/m-Q8_0.gguf")), 0);
    assert_int_equal(symlink("../../blobs/gone", in("h/models--org--repo/snapshots/2222/m-Q2_K.gguf")), 0);
    gguf_file_write(in("h/models--org--two/snapshots/1/a-Q4_0.gguf"), &(struct gguf_file){.arch = "llama"});
    gguf_file_write(in("h/models--org--two/snapshots/1/b-Q4_0.gguf"), &(struct gguf_file){.arch = "llama"});
    find(&all, "hub", MODEL_HUB, "h");
    assert_int_equal(all.n, 5); /* two revisions share a file: it is one */
    assert_null(named(&all, "hub:org/repo:Q4_K_M")->problem);
    assert_true(local_model_sha256(named(&all, "hub:org/repo:Q4_K_M")->path, hex));
    assert_string_equal(hex, HEX_A);
    has_problem(&all, "hub:org/repo:Q2_K", "gone");
    assert_null(named(&all, "hub:org/two/a-Q4_0")->problem); /* two of one quantisation: by file */
    assert_null(named(&all, "hub:org/two/b-Q4_0")->problem);
    local_models_release(&all);
}

static void test_pulled(void **state)
{
    (void)state;
    struct local_models all;
    static const char note[] = "{\"pull\":\"org/repo:Q4_0\",\"bytes\":1000000000,\"sha256\":\"" HEX_A "\"}";
    gguf_file_write(in("p/org/repo/m-Q8_0.gguf"), &(struct gguf_file){.arch = "llama"});
    write_text("p/org/repo/m-Q4_0.gguf.json", note);
    write_text("p/org/repo/m-Q4_0.gguf.part", "half");
    write_text("p/org/repo/m-Q2_K.gguf.json", note);
    gguf_file_write(in("p/Big.gguf"), &(struct gguf_file){.arch = "llama"});
    write_text("p/Big.gguf.json", "{\"name\":\"small\"}");
    find(&all, "", MODEL_PULLED, "p");
    assert_int_equal(all.n, 4);
    assert_null(named(&all, "org/repo:Q8_0")->problem);
    assert_null(named(&all, "small")->problem);
    has_problem(&all, "org/repo:Q4_0", "0 MB of 1.0 GB");
    assert_string_equal(named(&all, "org/repo:Q4_0")->remedy, "ipw model pull org/repo:Q4_0");
    has_problem(&all, "org/repo:Q2_K", "not finished"); /* broke before the first byte */
    local_models_release(&all);
}

/* ---- the hub's list ---- */

static void pick(const char *paths, const char *spec, const char *first, size_t n, const char *error)
{
    struct ipw_buf json = IPW_BUF_INIT;
    struct hub_files f = {0};
    struct hub_spec s;
    struct ipw_err err;
    size_t i, k;
    char *copy = strdup(paths), *save;
    ipw_buf_adds(&json, "[{\"type\":\"directory\",\"path\":\"x.gguf\"},{\"type\":\"file\",\"path\":\"../e-Q4_K_M.gguf\",\"size\":1}");
    for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
        ipw_buf_addf(&json, ",{\"type\":\"file\",\"path\":\"%s\",\"size\":9,\"lfs\":{\"oid\":\"%s\",\"size\":9}}", w, HEX_A);
    ipw_buf_adds(&json, "]");
    free(copy);
    assert_int_equal(hub_spec_parse(&s, spec, &err), 0);
    assert_int_equal(hub_list_parse(&f, json.s, json.len, &err), 0);
    int rc = hub_choose(&f, &s, &i, &k, &err);
    if (error) {
        assert_int_equal(rc, IPW_E_INPUT);
        if (!strstr(err.text, error))
            fail_msg("'%s' does not say '%s'", err.text, error);
    } else {
        assert_int_equal(rc, 0);
        assert_string_equal(f.v[i].path, first);
        assert_int_equal(k, n);
        assert_string_equal(f.v[i].sha256, HEX_A);
    }
    hub_files_release(&f);
    ipw_buf_release(&json);
}

static void test_choice(void **state)
{
    (void)state;
    static const char many[] = "m-Q8_0.gguf m-Q4_K_M.gguf mmproj-m-Q4_K_M.gguf README.md UD/m-UD-Q4_K_XL.gguf";
    static const char split[] = "Q6_K/b-Q6_K-00002-of-00002.gguf Q6_K/b-Q6_K-00001-of-00002.gguf Q8/c-Q8_0-00001-of-00002.gguf";
    struct hub_spec s;
    struct ipw_err err;
    pick(many, "o/r", "m-Q4_K_M.gguf", 1, NULL);
    pick(many, "o/r:q8_0", "m-Q8_0.gguf", 1, NULL);
    pick(many, "o/r:UD-Q4_K_XL", "UD/m-UD-Q4_K_XL.gguf", 1, NULL);
    pick(many, "o/r:Q2_K", NULL, 0, "there is: UD-Q4_K_XL, Q4_K_M, Q8_0");
    pick("m-Q8_0.gguf m-Q5_0.gguf", "o/r", NULL, 0, "with one of: Q5_0, Q8_0");
    pick("only-Q8_0.gguf", "o/r", "only-Q8_0.gguf", 1, NULL);
    pick("plain.gguf", "o/r", "plain.gguf", 1, NULL);
    pick("a-Q4_0.gguf b-Q4_0.gguf", "o/r:Q4_0", NULL, 0, "a-Q4_0.gguf, b-Q4_0.gguf");
    pick("a-Q4_0.gguf b-Q4_0.gguf", "o/r:b-Q4_0.gguf", "b-Q4_0.gguf", 1, NULL);
    pick(split, "o/r", "Q6_K/b-Q6_K-00001-of-00002.gguf", 2, NULL); /* the other has lost a part */
    pick("README.md", "o/r", NULL, 0, "no whole GGUF");
    static const char *const bad[] = {"o", "o/", "/r", "o/r:", "o/../r", "o/r/s", "o/r?x", "", ".o/r"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(hub_spec_parse(&s, bad[i], &err), IPW_E_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types_as_ggml), cmocka_unit_test(test_as_ggml), cmocka_unit_test(test_damaged_headers),
        cmocka_unit_test(test_context),       cmocka_unit_test(test_names),   cmocka_unit_test(test_ollama),
        cmocka_unit_test(test_folders),       cmocka_unit_test(test_hub_cache), cmocka_unit_test(test_pulled),
        cmocka_unit_test(test_choice),
    };
    snprintf(root, sizeof root, "/tmp/ipw-models-XXXXXX");
    if (!mkdtemp(root))
        return 1;
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    char cmd[128];
    snprintf(cmd, sizeof cmd, "rm -rf %s", root);
    return system(cmd) ? 1 : rc;
}
