/* Which GPUs a server's processes use: NVML's lists (stub) and DRM's fdinfo (a tree). */
#include "check.h"

#include <limits.h>

#include "base/fs.h"
#include "energy/gpu_users.h"
#include "fakes/nvml_stub.h"

static void put(const char *root, const char *path, const char *text)
{
    char full[PATH_MAX], dir[PATH_MAX];
    struct ipw_err err;
    snprintf(full, sizeof full, "%s%s", root, path);
    snprintf(dir, sizeof dir, "%.*s", (int)(strrchr(full, '/') - full), full);
    assert_int_equal(fs_mkdirs(dir, &err), 0);
    assert_int_equal(fs_write_atomic(full, text, strlen(text), &err), 0);
}

static void test_users(void **state)
{
    (void)state;
    struct fake_io f = {0};
    struct nvml_stub stub;
    struct energy_gpu gpu[4];
    fake_io_init(&f, "client");
    nvml_stub_use(&stub, &f, false, "\"devices\":[{\"user\":77},{\"user\":88},{}]");
    assert_int_equal(energy_gpus_of(&f.env, (pid_t[]){77, 78}, 2, gpu, 4), 1);
    assert_string_equal(gpu[0].key, "0000:01:00.0");
    assert_string_equal(gpu[0].name, "NVIDIA H100 Stub");
    assert_int_equal(energy_gpus_of(&f.env, (pid_t[]){88, 77}, 2, gpu, 4), 2);
    assert_int_equal(energy_gpus_of(&f.env, (pid_t[]){88, 77}, 2, gpu, 1), 1);
    assert_int_equal(energy_gpus_of(&f.env, (pid_t[]){5}, 1, gpu, 4), 0);

    char *root = strdup(f.env.proc_root);
    put(root, "/5/fdinfo/7", "pos:\t0\nflags:\t02\ndrm-driver:\tamdgpu\ndrm-pdev:\t0000:c3:00.0\ndrm-memory-vram:\t1024 KiB\n");
    put(root, "/5/fdinfo/8", "pos:\t0\ndrm-driver:\tamdgpu\ndrm-pdev:\t0000:c4:00.0\ndrm-memory-vram:\t0 KiB\n");
    put(root, "/5/fdinfo/9", "pos:\t0\nflags:\t02\n");
    put(root, "/6/fdinfo/3", "drm-driver:\txe\ndrm-pdev:\t0000:03:00.0\ndrm-resident-vram0:\t12 MiB\n");
    assert_int_equal(energy_gpus_of(&f.env, (pid_t[]){5, 6, 77}, 3, gpu, 4), 3);
    assert_string_equal(gpu[0].key, "0000:01:00.0");
    assert_string_equal(gpu[1].key, "0000:c3:00.0");
    assert_string_equal(gpu[2].key, "0000:03:00.0");
    free(root);
    nvml_stub_release(&stub, &f);
    fake_io_release(&f);
}

/* An old driver has no such list: nothing is told, nothing breaks. */
static void test_old_driver(void **state)
{
    (void)state;
    struct fake_io f = {0};
    struct nvml_stub stub;
    struct energy_gpu gpu[4];
    fake_io_init(&f, "client");
    nvml_stub_use(&stub, &f, true, "\"devices\":[{}]");
    assert_int_equal(energy_gpus_of(&f.env, (pid_t[]){77}, 1, gpu, 4), 0);
    nvml_stub_release(&stub, &f);
    fake_io_release(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_users), cmocka_unit_test(test_old_driver)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
