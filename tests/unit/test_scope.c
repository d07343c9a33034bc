#include "check.h"

#include "energy/channel.h"

struct row {
    const char *id, *device;
    enum energy_scope scope;
    enum energy_channel_status status;
    bool estimated;
    bool total, system; /* expected */
    const char *why;    /* expected, NULL: any */
};

struct kase {
    const char *name, *signature;
    struct row row[8];
};

#define S(x) ENERGY_SCOPE_##x
#define OK ENERGY_CHANNEL_OK
#define DENIED ENERGY_CHANNEL_DENIED
#define ABSENT ENERGY_CHANNEL_ABSENT

static const struct kase cases[] = {
    {"two sockets, mmio listed first, psys",
     "component(cpu_package+dram)",
     {{"rapl:intel-rapl-mmio:0", "package-0", S(CPU_PACKAGE), OK, 0, 0, 0,
       "same energy as rapl:intel-rapl:0"},
      {"rapl:intel-rapl:0", "package-0", S(CPU_PACKAGE), OK, 0, 1, 0, "computes"},
      {"rapl:intel-rapl:1", "package-1", S(CPU_PACKAGE), OK, 0, 1, 0, "computes"},
      {"rapl:intel-rapl:0:0", "package-0", S(DRAM), OK, 0, 1, 0, "computes"},
      {"rapl:intel-rapl:1:0", "package-1", S(DRAM), OK, 0, 1, 0, "computes"},
      {"rapl:intel-rapl:a", "platform", S(PLATFORM), OK, 0, 0, 1,
       "the system total"},
      {"rapl:intel-rapl:b", "platform", S(PLATFORM), OK, 0, 0, 0, NULL}}},
    {"mmio stands in for an MSR that cannot be read",
     "component(cpu_package)",
     {{"rapl:intel-rapl:0", "package-0", S(CPU_PACKAGE), ENERGY_CHANNEL_ERROR, 0, 0, 0,
       "cannot be read"},
      {"rapl:intel-rapl-mmio:0", "package-0", S(CPU_PACKAGE), OK, 0, 1, 0, "computes"}}},
    {"perf before powercap, whatever the order; a package and its dies are one energy",
     "component(cpu_package+dram)",
     {{"rapl:intel-rapl-mmio:0", "package-0", S(CPU_PACKAGE), OK, 0, 0, 0, "same energy as perf:energy-pkg:0"},
      {"rapl:intel-rapl:0", "package-0", S(CPU_PACKAGE), OK, 0, 0, 0, "same energy as perf:energy-pkg:0"},
      {"perf:energy-pkg:0", "package-0", S(CPU_PACKAGE), OK, 0, 1, 0, "computes"},
      {"perf:energy-ram:0", "package-0", S(DRAM), DENIED, 0, 0, 0, NULL},
      {"rapl:intel-rapl:0:0", "package-0", S(DRAM), OK, 0, 1, 0, "computes"},
      {"rapl:intel-rapl:1", "package-1-die-0", S(CPU_PACKAGE), OK, 0, 0, 0, "same energy as perf:energy-pkg:1"},
      {"rapl:intel-rapl:2", "package-1-die-1", S(CPU_PACKAGE), OK, 0, 0, 0, "same energy as perf:energy-pkg:1"},
      {"perf:energy-pkg:1", "package-1", S(CPU_PACKAGE), OK, 0, 1, 0, "computes"}}},
    {"package 1 is not package 10",
     "component(cpu_package)",
     {{"perf:energy-pkg:1", "package-1", S(CPU_PACKAGE), OK, 0, 1, 0, NULL},
      {"rapl:intel-rapl:a", "package-10", S(CPU_PACKAGE), OK, 0, 1, 0, NULL}}},
    {"cores and integrated GPU are inside, even when the package is denied",
     "component()",
     {{"rapl:intel-rapl:0", "package-0", S(CPU_PACKAGE), DENIED, 0, 0, 0, "cannot be read"},
      {"rapl:intel-rapl:0:0", "package-0", S(CPU_CORE), OK, 0, 0, 0,
       "inside cpu_package of package-0"},
      {"rapl:intel-rapl:0:1", "package-0", S(IGPU), OK, 0, 0, 0, NULL}}},
    {"boards are added, a chip and its memory lie inside its board",
     "component(cpu_package+gpu_board+gpu_chip)",
     {{"p", "package-0", S(CPU_PACKAGE), OK, 0, 1, 0, NULL},
      {"c0", "GPU-0", S(GPU_CHIP), OK, 0, 0, 0, "inside gpu_board of GPU-0"},
      {"b0", "GPU-0", S(GPU_BOARD), OK, 0, 1, 0, NULL},
      {"b1", "GPU-1", S(GPU_BOARD), OK, 0, 1, 0, NULL},
      {"m1", "GPU-1", S(GPU_MEMORY), OK, 0, 0, 0, "inside gpu_board of GPU-1"},
      {"c2", "GPU-2", S(GPU_CHIP), OK, 0, 1, 0, NULL}}},
    {"a Grace module holds socket, memory and GPU",
     "component(module)",
     {{"p", "package-0", S(CPU_PACKAGE), OK, 0, 0, 0, "inside module of module-0"},
      {"d", "package-0", S(DRAM), OK, 0, 0, 0, NULL},
      {"g", "GPU-0", S(GPU_BOARD), OK, 0, 0, 0, NULL},
      {"m", "module-0", S(MODULE), OK, 0, 1, 0, NULL},
      {"n", "module-0", S(MODULE), OK, 0, 0, 0, "same energy as m"},
      {"o", "module-1", S(MODULE), OK, 0, 1, 0, NULL}}},
    {"Jetson: the input holds all rails, and is the system too",
     "component(soc_in)",
     {{"r", "VDD_CPU_GPU_CV", S(RAIL), OK, 0, 0, 0, "rail: detail only"},
      {"v", "VDD_IN", S(SOC_IN), OK, 0, 1, 1, NULL},
      {"p", "package-0", S(CPU_PACKAGE), OK, 0, 0, 0, "inside soc_in of VDD_IN"},
      {"b", "BAT0", S(BATTERY), OK, 0, 0, 0, NULL}}},
    {"the wall comes before the platform",
     "component()",
     {{"p", "platform", S(PLATFORM), OK, 0, 0, 0, NULL},
      {"w", "meter", S(WALL), OK, 0, 0, 1, NULL}}},
    {"a model only when there is no counter: all its terms",
     "component(cpu_package)",
     {{"rapl", "cpu", S(CPU_PACKAGE), ABSENT, 0, 0, 0, "not on this machine"},
      {"estimate:cpu:load", "cpu", S(CPU_PACKAGE), OK, 1, 1, 0, NULL},
      {"estimate:cpu:idle", "cpu", S(CPU_PACKAGE), OK, 1, 1, 0, NULL}}},
    {"no model beside a counter, not even a GPU's",
     "component(gpu_board)",
     {{"estimate:cpu:load", "cpu", S(CPU_PACKAGE), OK, 1, 0, 0, "a model: there are counters"},
      {"b", "GPU-0", S(GPU_BOARD), OK, 0, 1, 0, NULL}}},
};

static void test_lattice(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        struct energy_channel ch[8] = {0};
        size_t n = 0;
        for (; n < 8 && cases[k].row[n].id; n++) {
            const struct row *r = &cases[k].row[n];
            snprintf(ch[n].id, sizeof ch[n].id, "%s", r->id);
            snprintf(ch[n].device, sizeof ch[n].device, "%s", r->device);
            ch[n].scope = r->scope;
            ch[n].status = r->status;
            ch[n].estimated = r->estimated;
            ch[n].in_total = ch[n].in_system = true; /* must be overwritten */
        }
        energy_scope_resolve(ch, n);
        for (size_t i = 0; i < n; i++) {
            const struct row *r = &cases[k].row[i];
            if (ch[i].in_total != r->total || ch[i].in_system != r->system)
                fail_msg("%s: %s: total %d, system %d (%s)", cases[k].name, r->id, ch[i].in_total,
                         ch[i].in_system, ch[i].why);
            if (r->why)
                assert_string_equal(ch[i].why, r->why);
            assert_true(ch[i].why[0]);
        }
        char text[128];
        energy_signature(ch, n, text, sizeof text);
        assert_string_equal(text, cases[k].signature);
    }
}

static void test_kinds(void **state)
{
    (void)state;
    struct energy_channel ch[] = {
        {.id = "avg", .device = "GPU-0", .scope = S(GPU_BOARD), .kind = ENERGY_KIND_POWER_AVG},
        {.id = "energy", .device = "GPU-0", .scope = S(GPU_BOARD), .kind = ENERGY_KIND_COUNTER},
        {.id = "busy", .device = "cpu", .scope = S(CPU_PACKAGE), .kind = ENERGY_KIND_GAUGE},
    };
    energy_scope_resolve(ch, 3);
    assert_false(ch[0].in_total);
    assert_true(ch[1].in_total);
    assert_false(ch[2].in_total);
    assert_string_equal(ch[0].why, "same energy as energy");
}

static void test_names(void **state)
{
    (void)state;
    for (int i = 0; i < ENERGY_SCOPE_N; i++)
        assert_int_equal(energy_scope_of(energy_scope_name((enum energy_scope)i)), i);
    for (int i = 0; i < ENERGY_KIND_N; i++)
        assert_int_equal(energy_kind_of(energy_kind_name((enum energy_kind)i)), i);
    assert_int_equal(energy_scope_of("gpu"), -1);
    assert_int_equal(energy_kind_of(NULL), -1);
    assert_string_equal(energy_channel_status_name(ENERGY_CHANNEL_DENIED), "denied");
}

/* Modules, SoC inputs and what is beside them: each joule once, and none left out. */
static void test_modules(void **state)
{
    (void)state;
    static const struct {
        struct energy_channel ch[4];
        size_t n;
        unsigned total; /* bit i: channel i is in it */
    } v[] = {
        /* NVML and ACPI both know the module */
        {{{.id = "a", .device = "0009:01:00.0", .source = "nvml", .scope = S(MODULE)},
          {.id = "b", .device = "module-0", .source = "hwmon", .scope = S(MODULE)},
          {.id = "c", .device = "package-0", .source = "hwmon", .scope = S(CPU_PACKAGE)}}, 3, 1},
        /* two boards in a Jetson's PCIe slots; the graphics of the SoC itself */
        {{{.id = "a", .device = "VDD_IN", .scope = S(SOC_IN)},
          {.id = "b", .device = "0000:01:00.0", .name = "NVIDIA RTX A6000", .scope = S(GPU_BOARD)},
          {.id = "c", .device = "0000:02:00.0", .name = "NVIDIA Thor", .scope = S(GPU_BOARD)}}, 3, 3},
        /* another GPU, another socket than the module's */
        {{{.id = "a", .device = "0009:01:00.0", .source = "nvml", .scope = S(MODULE)},
          {.id = "b", .device = "0009:01:00.0", .source = "nvml", .scope = S(GPU_BOARD)},
          {.id = "c", .device = "0019:01:00.0", .source = "nvml", .scope = S(GPU_BOARD)}}, 3, 5},
        {{{.id = "a", .device = "module-0", .scope = S(MODULE)},
          {.id = "b", .device = "package-0", .scope = S(CPU_PACKAGE)},
          {.id = "c", .device = "package-1", .scope = S(CPU_PACKAGE)}}, 3, 5},
    };
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        struct energy_channel ch[4];
        memcpy(ch, v[i].ch, sizeof ch);
        energy_scope_resolve(ch, v[i].n);
        for (size_t k = 0; k < v[i].n; k++)
            if (ch[k].in_total != (v[i].total >> k & 1))
                fail_msg("case %zu, channel %s: %s", i, ch[k].id, ch[k].why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_modules),
        cmocka_unit_test(test_lattice),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
