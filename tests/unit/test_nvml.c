/* The NVML driver against the stub library: what each machine's rows say, what its faults do to readings, which GPUs
 * count, and the sampler beside it. */
#include "check.h"

#include <errno.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "energy/attribute.h"
#include "energy/sampler.h"
#include "fakes/curve.h"
#include "fakes/fake_io.h"
#include "fakes/fakefs.h"
#include "fakes/nvml_stub.h"

#define MS INT64_C(1000000)
#define SEC INT64_C(1000000000)
#define DEVICE(x) "\"devices\":[{" x "}]"
#define RAPL_TREE "client"
#define GPU0 "nvml:0000:01:00.0"

/* One machine: a tree, a library, a meter. */
struct machine {
    struct fake_io f;
    struct nvml_stub stub;
    struct meter *m;
    struct ipw_err err;
    const struct energy_channel *ch;
    size_t n;
};

static int open_cfg(struct machine *x, const char *tree, bool real, bool old, const char *scenario, const char *devices)
{
    memset(x, 0, sizeof *x);
    fake_io_init(&x->f, tree);
    x->f.real_clock = real;
    nvml_stub_use(&x->stub, &x->f, old, scenario);
    int rc = meter_open(&x->m, &x->f.env, &(struct meter_cfg){.mode = METER_AUTO, .devices = devices}, &x->err);
    x->ch = rc ? NULL : meter_channels(x->m, &x->n);
    return rc;
}

static void open_machine(struct machine *x, const char *tree, const char *scenario)
{
    assert_int_equal(open_cfg(x, tree, false, false, scenario, NULL), 0);
}

static void close_machine(struct machine *x)
{
    meter_close(x->m);
    nvml_stub_release(&x->stub, &x->f);
    fake_io_release(&x->f);
}

static int find(const struct machine *x, const char *id)
{
    for (size_t i = 0; i < x->n; i++)
        if (ipw_streq(x->ch[i].id, id))
            return (int)i;
    return -1;
}

static const struct energy_channel *row(const struct machine *x, const char *id)
{
    int i = find(x, id);
    if (i < 0)
        fail_msg("no channel '%s'", id);
    return &x->ch[i];
}

static struct energy_reading reading(const struct machine *x, const char *id)
{
    struct energy_reading r;
    meter_read(x->m, (size_t)(row(x, id) - x->ch), &r);
    return r;
}

/* ---- what the rows say ---- */

static void test_h100(void **state)
{
    (void)state;
    static const struct {
        const char *suffix;
        enum energy_kind kind;
        double unit_nj;
        uint64_t raw;
    } want[] = {
        {":energy", ENERGY_KIND_COUNTER, 1e6, 123456789 + 151000}, /* 1.1 s: 0.85 s of 60 W, 0.25 s of 400 W */
        {":power", ENERGY_KIND_POWER_INST, 1e6, 400000},
        {":power_avg", ENERGY_KIND_POWER_AVG, 1e6, 145000},
        {":memory_power", ENERGY_KIND_POWER_INST, 1e6, 80000},
        {":utilization", ENERGY_KIND_GAUGE, 1, 970},
        {":memory", ENERGY_KIND_GAUGE, 1, 18000000000},
        {":clock", ENERGY_KIND_GAUGE, 1, 1980000000},
        {":temperature", ENERGY_KIND_GAUGE, 1, 61000},
        {":throttle", ENERGY_KIND_GAUGE, 1, 0},
    };
    struct machine x;
    open_machine(&x, RAPL_TREE, DEVICE("\"scopes\":{\"memory\":0},\"limit_w\":350"));
    nvml_stub_at(&x.stub, &x.f, 1150 * MS);
    size_t rows = 0;
    for (size_t i = 0; i < x.n; i++)
        rows += ipw_streq(x.ch[i].source, "nvml");
    assert_int_equal(rows, sizeof want / sizeof want[0]);
    for (size_t i = 0; i < rows; i++) {
        char id[64];
        snprintf(id, sizeof id, GPU0 "%s", want[i].suffix);
        const struct energy_channel *c = row(&x, id);
        assert_string_equal(c->device, "0000:01:00.0");
        assert_string_equal(c->name, "NVIDIA H100 Stub");
        assert_string_equal(c->uuid, "GPU-00000000-0000-0000-0000-000000000001");
        assert_int_equal(c->gpu, 0);
        assert_int_equal(c->kind, want[i].kind);
        check_near(c->unit_nj, want[i].unit_nj, 0);
        assert_int_equal(c->in_total, i == 0);
        assert_int_equal(reading(&x, id).raw, want[i].raw);
    }
    const struct energy_channel *e = row(&x, GPU0 ":energy"), *p = row(&x, GPU0 ":power");
    check_near(e->pmax_w, 700, 0);
    check_near(e->limit_w, 350, 0);
    assert_string_equal(e->driver, "580.95.05");
    check_near(e->gain_u, 0.06, 0);
    assert_true(e->period_ns == 0 && e->modulus == 0 && e->quantum_nj == 1000000);
    assert_true(p->part_time && p->window_ns == 25 * MS);
    assert_null(p->remedy.id); /* the counter is there */
    assert_string_equal(p->why, "same energy as " GPU0 ":energy");
    assert_true(row(&x, GPU0 ":power_avg")->window_ns == SEC);
    assert_string_equal(meter_signature(x.m), "component(cpu_package+gpu_board)");
    assert_string_equal(meter_source(x.m), "measured");
    close_machine(&x);
}

/* The sensor of instantaneous power, by chip (A3000 is no A30), and what GetPowerUsage then means. */
static void test_sensors(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int arch;
        bool part_time;
        int window_ms;
        enum energy_kind usage;
    } v[] = {
        {"NVIDIA A100-SXM4-80GB", 7, true, 25, ENERGY_KIND_POWER_INST},
        {"NVIDIA A30", 7, true, 25, ENERGY_KIND_POWER_INST},
        {"NVIDIA RTX A3000 Laptop GPU", 7, false, 100, ENERGY_KIND_POWER_AVG},
        {"NVIDIA A10", 7, false, 100, ENERGY_KIND_POWER_AVG},
        {"NVIDIA GeForce RTX 4090", 8, false, 100, ENERGY_KIND_POWER_AVG},
        {"NVIDIA H200", 9, true, 25, ENERGY_KIND_POWER_AVG},
        {"NVIDIA B200", 10, false, 0, ENERGY_KIND_POWER_AVG},
        {"Tesla T4", 6, false, 100, ENERGY_KIND_POWER_INST},
        {"Tesla V100-SXM2-16GB", 5, true, 10, ENERGY_KIND_POWER_INST},
    };
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        char scenario[512];
        struct machine x;
        snprintf(scenario, sizeof scenario, DEVICE("\"name\":\"%s\",\"arch\":%d"), v[i].name, v[i].arch);
        open_machine(&x, RAPL_TREE, scenario);
        assert_int_equal(row(&x, GPU0 ":power")->part_time, v[i].part_time);
        assert_true(row(&x, GPU0 ":power")->window_ns == v[i].window_ms * MS);
        close_machine(&x);
        snprintf(scenario, sizeof scenario,
                 DEVICE("\"name\":\"%s\",\"arch\":%d") ",\"faults\":[{\"call\":\"nvmlDeviceGetFieldValues\",\"ret\":13}]",
                 v[i].name, v[i].arch);
        open_machine(&x, RAPL_TREE, scenario);
        const struct energy_channel *p = row(&x, GPU0 ":power");
        assert_int_equal(p->kind, v[i].usage);
        assert_true(p->window_ns == (p->kind == ENERGY_KIND_POWER_AVG ? SEC : v[i].window_ms * MS));
        close_machine(&x);
    }
}

static void test_value_types(void **state)
{
    (void)state;
    for (int type = 0; type <= 6; type++) {
        char scenario[128];
        struct machine x;
        snprintf(scenario, sizeof scenario, DEVICE("\"value_type\":%d,\"power_w\":{\"low\":60,\"high\":60}"), type);
        open_machine(&x, RAPL_TREE, scenario);
        assert_int_equal(reading(&x, GPU0 ":power").raw, 60000);
        close_machine(&x);
    }
    struct machine x;
    open_machine(&x, RAPL_TREE, DEVICE("\"value_type\":7")); /* one that is not known yet */
    assert_int_equal(find(&x, GPU0 ":power_avg"), -1);
    assert_int_equal(row(&x, GPU0 ":power")->kind, ENERGY_KIND_POWER_AVG); /* from GetPowerUsage */
    close_machine(&x);
}

/* Machines that lack something: what stands for it, what is in the total. */
static void test_machines(void **state)
{
    (void)state;
#define FAULT(call, more) "{\"call\":\"nvmlDeviceGet" call "\"" more "}"
    static const struct {
        const char *what, *scenario;
        bool old;
        const char *in_total, *absent, *signature;
    } v[] = {
        {"Pascal", DEVICE("\"arch\":4") ",\"faults\":[" FAULT("TotalEnergyConsumption", "") "]", false, ":power",
         ":energy", "component(cpu_package+gpu_board)"},
        {"Grace Hopper, all by the module",
         DEVICE("\"scopes\":{\"gpu\":3,\"module\":0}") ",\"faults\":[" FAULT("TotalEnergyConsumption", "") "]", false,
         ":module_energy", ":power", "component(module)"},
        {"Grace Hopper, whose counter is the GPU's",
         DEVICE("\"scopes\":{\"gpu\":3,\"module\":0}"), false, ":module_energy", ":power", "component(module)"},
        {"Grace Hopper without a counter",
         DEVICE("\"scopes\":{\"gpu\":3,\"module\":0}") ",\"faults\":[" FAULT("TotalEnergyConsumption", "") ","
             FAULT("FieldValues", ",\"field\":191") "]", false, ":module_power", ":module_energy", "component(module)"},
        {"GB10", DEVICE("\"arch\":10") ",\"faults\":[" FAULT("MemoryInfo", "") "]", false, ":energy", ":memory",
         "component(cpu_package+gpu_board)"},
        {"an old driver", DEVICE("\"arch\":5"), true, ":energy", ":power_avg", "component(cpu_package+gpu_board)"},
    };
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        struct machine x;
        char id[64];
        assert_int_equal(open_cfg(&x, RAPL_TREE, false, v[i].old, v[i].scenario, NULL), 0);
        snprintf(id, sizeof id, GPU0 "%s", v[i].in_total);
        if (!row(&x, id)->in_total)
            fail_msg("%s: %s is not in the total: %s", v[i].what, id, row(&x, id)->why);
        if (i == 0)
            assert_string_equal(row(&x, id)->remedy.id, "W_PART_TIME");
        snprintf(id, sizeof id, GPU0 "%s", v[i].absent);
        if (find(&x, id) >= 0)
            fail_msg("%s: there is %s", v[i].what, id);
        assert_string_equal(meter_signature(x.m), v[i].signature);
        assert_string_equal(meter_source(x.m), "measured");
        assert_int_equal(reading(&x, GPU0 ":temperature").raw, 61000);
        if (v[i].old) { /* not known to be instantaneous; throttle reasons under their old name */
            assert_int_equal(row(&x, GPU0 ":power")->kind, ENERGY_KIND_POWER_AVG);
            assert_int_equal(reading(&x, GPU0 ":throttle").status, 0);
        }
        close_machine(&x);
    }
}

static void test_mig_and_throttle(void **state)
{
    (void)state;
    struct machine x;
    static const uint64_t want[] = {0, ENERGY_THROTTLE_HEAT, ENERGY_THROTTLE_HEAT, ENERGY_THROTTLE_CAP,
                                    ENERGY_THROTTLE_BRAKE, ENERGY_THROTTLE_BRAKE | ENERGY_THROTTLE_CAP};
    open_machine(&x, RAPL_TREE,
                 DEVICE("\"mig\":true,\"reasons\":[{\"from_s\":1,\"to_s\":2,\"mask\":\"0x20\"},"
                        "{\"from_s\":2,\"to_s\":3,\"mask\":\"0x41\"},{\"from_s\":3,\"to_s\":4,\"mask\":\"0x4\"},"
                        "{\"from_s\":4,\"to_s\":5,\"mask\":\"0x8\"},{\"from_s\":5,\"to_s\":6,\"mask\":\"0x184\"}]"));
    assert_int_equal(row(&x, GPU0 ":energy")->status, ENERGY_CHANNEL_OK);
    assert_string_equal(row(&x, GPU0 ":energy")->remedy.id, "E_MIG_SHARED");
    assert_string_equal(row(&x, GPU0 ":power")->remedy.id, "E_MIG_SHARED");
    assert_int_equal(find(&x, GPU0 ":utilization"), -1);
    for (int i = 0; i < 6; i++) {
        nvml_stub_at(&x.stub, &x.f, i * SEC + 500 * MS);
        assert_int_equal(reading(&x, GPU0 ":throttle").raw, want[i]);
    }
    close_machine(&x);
}

/* Names that a driver may give: too long, without an end, no PCI address. */
static void test_names(void **state)
{
    (void)state;
    struct machine x;
    char scenario[600];
    snprintf(scenario, sizeof scenario, DEVICE("\"name\":\"%0150d\",\"uuid\":\"GPU-%090d\",\"bus\":\"here\""), 7, 8);
    open_machine(&x, RAPL_TREE, scenario);
    const struct energy_channel *c = row(&x, "nvml:nvml-0:energy");
    assert_string_equal(c->name, "");
    assert_int_equal(strlen(c->uuid), 63);
    close_machine(&x);
    open_machine(&x, RAPL_TREE, DEVICE("\"bus\":\"00012ABC:E1:00.0\"")); /* a domain of more than four digits */
    assert_string_equal(row(&x, "nvml:12abc:e1:00.0:energy")->device, "12abc:e1:00.0");
    close_machine(&x);
}

/* ---- obstacles ---- */

static void test_obstacles(void **state)
{
    (void)state;
    static const struct {
        int init;          /* -1: there is no such library; -2: none, and none was named */
        const char *sign;  /* of hardware, NULL: none */
        const char *id, *text;
        enum energy_channel_status status;
    } v[] = {
        {9, "bus/pci/devices/0000:01:00.0/", "E_NVML_DRIVER", "--gpus all", ENERGY_CHANNEL_ERROR},
        {9, NULL, "E_NVML_DRIVER", "nvidia-smi", ENERGY_CHANNEL_ABSENT},
        {18, "proc/driver/nvidia/version", "E_NVML_MISMATCH", "versions differ", ENERGY_CHANNEL_ERROR},
        {17, "proc/driver/nvidia/version", "E_NVML_CGROUP", "cgroup", ENERGY_CHANNEL_ERROR},
        {999, "proc/driver/nvidia/version", "E_NVML_READ", "999", ENERGY_CHANNEL_ERROR},
        {-1, NULL, "E_NVML_NOLIB", "cannot open shared object", ENERGY_CHANNEL_ABSENT},
        {-2, "bus/pci/devices/0000:01:00.0/", "E_NVML_NOLIB", "libnvidia-ml.so.1 not found", ENERGY_CHANNEL_ABSENT},
        {-2, NULL, NULL, NULL, ENERGY_CHANNEL_OK},
        {0, "proc/driver/nvidia/version", "E_NVML_CGROUP", "cgroup", ENERGY_CHANNEL_ERROR}, /* no GPU is given */
        {0, NULL, NULL, NULL, ENERGY_CHANNEL_OK},
    };
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        struct machine x = {0};
        char scenario[128], path[128];
        fake_io_init(&x.f, RAPL_TREE);
        if (v[i].sign && ipw_ends(v[i].sign, "/")) {
            snprintf(path, sizeof path, "%svendor", v[i].sign);
            fakefs_write(x.f.root, path, "0x10de\n");
            snprintf(path, sizeof path, "%sclass", v[i].sign);
            fakefs_write(x.f.root, path, "0x030200\n");
        } else if (v[i].sign) {
            fakefs_write(x.f.root, v[i].sign, "NVRM version: 550\n");
        }
        snprintf(scenario, sizeof scenario, "\"devices\":[],\"faults\":[{\"call\":\"nvmlInit\",\"ret\":%d}]", v[i].init);
        nvml_stub_use(&x.stub, &x.f, false, scenario);
        if (v[i].init < 0)
            x.f.env.at.nvml = v[i].init == -1 ? "/nowhere/libnvidia-ml.so.1" : "";
        assert_int_equal(meter_open(&x.m, &x.f.env, &(struct meter_cfg){.mode = METER_AUTO}, &x.err), 0);
        x.ch = meter_channels(x.m, &x.n);
        assert_int_equal(find(&x, "nvml") >= 0, v[i].id != NULL);
        if (v[i].id) {
            assert_string_equal(row(&x, "nvml")->remedy.id, v[i].id);
            assert_non_null(strstr(row(&x, "nvml")->remedy.text, v[i].text));
            assert_int_equal(row(&x, "nvml")->status, v[i].status);
        }
        assert_string_equal(meter_source(x.m), "measured"); /* the processor still is */
        close_machine(&x);
    }
}

/* ---- faults of a live GPU ---- */

static void test_lost(void **state)
{
    (void)state;
    static const int v[][2] = {{15, -ENODEV}, {3, -ENODATA}, {21, -ENODATA}, {4, -EACCES}, {999, -EIO}};
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        struct machine x;
        char scenario[160];
        snprintf(scenario, sizeof scenario, DEVICE("") ",\"faults\":[{\"at_s\":5,\"ret\":%d,\"dev\":0}]", v[i][0]);
        open_machine(&x, RAPL_TREE, scenario);
        assert_int_equal(reading(&x, GPU0 ":energy").status, 0);
        nvml_stub_at(&x.stub, &x.f, 6 * SEC);
        meter_mend(x.m);
        for (size_t k = 0; k < x.n; k++) {
            struct energy_reading r;
            meter_read(x.m, k, &r);
            assert_int_equal(r.status, ipw_streq(x.ch[k].source, "nvml") ? v[i][1] : 0);
        }
        close_machine(&x);
    }
}

/* The counter starts again at 5.05 s: one query has no joules and says why, its neighbours have theirs. */
static void test_reset(void **state)
{
    (void)state;
    struct machine x;
    struct energy_reading r[1000];
    size_t n = 0;
    open_machine(&x, RAPL_TREE, DEVICE("") ",\"faults\":[{\"at_s\":5.05,\"reset_energy\":0}]");
    for (int64_t t = 0; t <= 10 * SEC; t += 20 * MS) {
        nvml_stub_at(&x.stub, &x.f, t);
        r[n++] = reading(&x, GPU0 ":energy");
    }
    const struct energy_mark marks[] = {
        {1 * SEC, 2 * SEC, 4 * SEC}, {4500 * MS, 5 * SEC, 5500 * MS}, {6 * SEC, 7 * SEC, 9 * SEC}};
    struct energy_query_value out[3];
    struct energy_value gap;
    struct energy_channel ch = *row(&x, GPU0 ":energy");
    ch.period_ns = 100 * MS;
    energy_attribute(&(struct energy_facts){&ch, r, n, marks, 3, NULL, 0}, out, &gap);
    struct curve curve = {60, 400, 1700 * MS, 0};
    for (int i = 0; i < 3; i += 2)
        check_near((double)out[i].total.nj * 1e-9,
                   curve_package_j(&curve, marks[i].t_end) - curve_package_j(&curve, marks[i].t_send), 0.05);
    assert_int_equal(out[1].total.status, ENERGY_MISSING);
    assert_string_equal(out[1].total.reason, "counter_reset");
    close_machine(&x);
}

/* ---- which GPUs count ---- */

#define TWO "\"devices\":[{\"bus\":\"00000000:C1:00.0\",\"uuid\":\"GPU-bbbb\"},{\"bus\":\"00000000:41:00.0\",\"uuid\":\"GPU-aaaa\"}]"

static void test_selection(void **state)
{
    (void)state;
    static const struct {
        const char *devices;
        bool low, high; /* 41:00.0, c1:00.0 */
    } v[] = {
        {NULL, true, true},         {"", false, false},         {"-1", false, false},      {"0", true, false},
        {"1", false, true},         {"GPU-bb", false, true},    {"GPU-aaaa", true, false}, {"C1:00.0", false, true},
        {"0, GPU-bbbb", true, true}, {"0000:41:00.0", true, false},
    };
    struct machine x;
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        assert_int_equal(open_cfg(&x, RAPL_TREE, false, false, TWO, v[i].devices), 0);
        assert_int_equal(row(&x, "nvml:0000:41:00.0:energy")->gpu, 0); /* PCI order, not the library's */
        assert_int_equal(row(&x, "nvml:0000:41:00.0:energy")->in_total, v[i].low);
        assert_int_equal(row(&x, "nvml:0000:c1:00.0:energy")->in_total, v[i].high);
        assert_string_equal(meter_source(x.m), "measured");
        close_machine(&x);
    }
    assert_int_equal(open_cfg(&x, RAPL_TREE, false, false, TWO, "2"), IPW_E_INPUT);
    close_machine(&x);
}

/* The metered set must contain the computing set (decisions.md). */
static void test_computing(void **state)
{
    (void)state;
    static const char refuses[] = DEVICE("") ",\"faults\":[" FAULT("TotalEnergyConsumption", "") ","
        FAULT("PowerUsage", "") "," FAULT("FieldValues", "") "]";
    static const char half[] = "\"devices\":[{},{}],\"faults\":["
        FAULT("TotalEnergyConsumption", ",\"dev\":1") "," FAULT("PowerUsage", ",\"dev\":1") ","
        FAULT("FieldValues", ",\"dev\":1") "]";
    static const char module[] = DEVICE("\"scopes\":{\"gpu\":3,\"module\":0}");
    const struct meter_device cpu = {"cpu", "the CPU"}, gpu = {"00000000:01:00.0", "CUDA0"}, second = {"2:00.0", "CUDA1"};
    const struct {
        const char *tree, *scenario;
        struct meter_device dev[2];
        size_t n;
        const char *source, *signature, *unmetered;
    } v[] = {
        {"xeon2", refuses, {gpu}, 1, "partial", "component(cpu_package+dram)", "CUDA0"},
        {"xeon2", refuses, {cpu}, 1, "measured", "component(cpu_package+dram)", NULL},
        {"xeon2", refuses, {cpu, gpu}, 2, "partial", "component(cpu_package+dram)", "CUDA0"},
        {"xeon2", DEVICE(""), {cpu, gpu}, 2, "measured", "component(cpu_package+dram+gpu_board)", NULL},
        {"xeon2", DEVICE(""), {gpu}, 1, "measured", "component(cpu_package+dram+gpu_board)", NULL},
        {"xeon2", DEVICE(""), {cpu}, 1, "measured", "component(cpu_package+dram)", NULL},
        {"nothing", DEVICE(""), {gpu}, 1, "measured", "component(gpu_board)", NULL},
        {"nothing", DEVICE(""), {cpu, gpu}, 2, "partial", "component(gpu_board)", "CPU package"},
        {"xeon2", half, {gpu}, 1, "measured", "component(cpu_package+dram+gpu_board)", NULL},
        {"xeon2", half, {gpu, second}, 2, "partial", "component(cpu_package+dram+gpu_board)", "CUDA1"},
        {"nothing", module, {gpu}, 1, "measured", "component(module)", NULL},
        {"nothing", module, {cpu}, 1, "measured", "component(module)", NULL},
    };
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        struct machine x;
        const char *name = NULL;
        open_machine(&x, v[i].tree, v[i].scenario);
        meter_computing(x.m, v[i].dev, v[i].n);
        if (!ipw_streq(meter_source(x.m), v[i].source) || !ipw_streq(meter_signature(x.m), v[i].signature))
            fail_msg("case %zu: %s, %s", i, meter_source(x.m), meter_signature(x.m));
        assert_int_equal(meter_unmetered(x.m, &name, 1), v[i].unmetered != NULL);
        assert_true(ipw_streq(name, v[i].unmetered));
        if (v[i].scenario == refuses) {
            assert_int_equal(row(&x, GPU0)->status, ENERGY_CHANNEL_ERROR);
            assert_string_equal(row(&x, GPU0)->remedy.id, "E_NVML_NOSENSOR");
        }
        close_machine(&x);
    }
}

/* A GPU that gives no handle (lost, or another job's) cannot compute, so it leaves no hole in the total. */
static void test_no_handle(void **state)
{
    (void)state;
    static const struct {
        int ret;
        const char *id;
    } v[] = {{15, "E_NVML_LOST"}, {4, "E_NVML_CGROUP"}, {999, "E_NVML_READ"}};
    for (size_t i = 0; i < 3; i++) {
        struct machine x;
        char scenario[200];
        snprintf(scenario, sizeof scenario,
                 "\"devices\":[{},{}],\"faults\":[{\"call\":\"nvmlDeviceGetHandleByIndex\",\"dev\":1,\"ret\":%d}]", v[i].ret);
        open_machine(&x, RAPL_TREE, scenario);
        assert_int_equal(row(&x, "nvml:nvml-1")->status, ENERGY_CHANNEL_ABSENT);
        assert_string_equal(row(&x, "nvml:nvml-1")->remedy.id, v[i].id);
        assert_string_equal(meter_source(x.m), "measured");
        close_machine(&x);
    }
}

/* ---- beside the sampler ---- */

/* 5 ms a call: the library has its own lane, the processor's counters stay on the first. */
static void test_lane(void **state)
{
    (void)state;
    struct machine x;
    struct sampler s;
    assert_int_equal(open_cfg(&x, RAPL_TREE, true, false, DEVICE("") ",\"latency_us\":{\"default\":5000}", NULL), 0);
    assert_true(row(&x, GPU0 ":energy")->latency_ns > 4 * MS);
    sampler_init(&s, &x.f.env, x.m);
    assert_int_equal(s.n_lanes, 2);
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < s.lane[k].n_channels; i++)
            assert_string_equal(x.ch[s.lane[k].channel[i]].source, k ? "nvml" : "powercap");
    sampler_release(&s);
    close_machine(&x);
}

static void run_sampler(struct sampler *s, struct energy_reading **got, size_t *n, int quarters)
{
    size_t cap = (size_t)quarters * 20000;
    *got = ipw_malloc(cap * sizeof **got);
    *n = 0;
    for (int i = 0; i < quarters; i++) {
        usleep(250000);
        *n += sampler_take(s, *got + *n, cap - *n);
    }
}

/* One call takes 300 ms: nothing fails, and the counter has lost nothing. */
static void test_stall(void **state)
{
    (void)state;
    struct machine x;
    struct sampler s;
    struct energy_reading *got;
    size_t n, k = 0;
    assert_int_equal(open_cfg(&x, RAPL_TREE, true, false,
                              DEVICE("") ",\"latency_us\":{\"stall\":{\"at_s\":2.2,\"ms\":300}}", NULL), 0);
    sampler_init(&s, &x.f.env, x.m);
    assert_int_equal(s.n_lanes, 1);
    assert_int_equal(sampler_start(&s, &x.err), 0);
    run_sampler(&s, &got, &n, 16);
    sampler_stop(&s);
    int64_t longest = 0;
    int32_t energy = find(&x, GPU0 ":energy");
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(got[i].status, 0);
        int64_t took = got[i].t_after - got[i].t_before;
        longest = took > longest ? took : longest;
        if (got[i].channel == energy)
            got[k++] = got[i];
    }
    assert_true(longest >= 290 * MS);
    const struct energy_mark mark = {1000 * MS, 1500 * MS, 3500 * MS};
    struct energy_query_value out;
    struct energy_value gap;
    energy_attribute(&(struct energy_facts){&x.ch[energy], got, k, &mark, 1, NULL, 0}, &out, &gap);
    struct curve curve = {60, 400, 1700 * MS, 0};
    assert_int_equal(out.total.status, ENERGY_MEASURED);
    check_near((double)out.total.nj * 1e-9,
               curve_package_j(&curve, mark.t_end) - curve_package_j(&curve, mark.t_send), 0.06);
    free(got);
    sampler_release(&s);
    close_machine(&x);
}

/* Eight GPUs whose counters update every 100 ms at different moments, in real time. */
static void test_live(void **state)
{
    (void)state;
    struct machine x;
    struct sampler s;
    char scenario[2048] = "\"latency_us\":{\"default\":30},\"devices\":[";
    for (int i = 0; i < 8; i++)
        snprintf(scenario + strlen(scenario), sizeof scenario - strlen(scenario), "%s{\"phase_ms\":%d}", i ? "," : "",
                 i * 37 % 100);
    snprintf(scenario + strlen(scenario), sizeof scenario - strlen(scenario), "]");
    assert_int_equal(open_cfg(&x, RAPL_TREE, true, false, scenario, NULL), 0);
    sampler_init(&s, &x.f.env, x.m);
    assert_int_equal(sampler_start(&s, &x.err), 0);
    struct energy_reading *learnt, *got;
    size_t n_learnt, n;
    run_sampler(&s, &learnt, &n_learnt, 10);
    double wakes = 0, cpu = 0;
    int64_t t0 = ipw_now(&x.f.env);
    for (size_t k = 0; k < s.n_lanes; k++) {
        wakes -= (double)atomic_load(&s.lane[k].wakes);
        cpu -= (double)atomic_load(&s.lane[k].cpu_ns);
    }
    run_sampler(&s, &got, &n, 14);
    double took = (double)(ipw_now(&x.f.env) - t0) * 1e-9;
    for (size_t k = 0; k < s.n_lanes; k++) {
        wakes += (double)atomic_load(&s.lane[k].wakes);
        cpu += (double)atomic_load(&s.lane[k].cpu_ns);
    }
    sampler_stop(&s);
    assert_int_equal(sampler_lost(&s), 0);
    print_message("8 GPUs, %zu lane(s): %.1f wakes/s, %.2f ms CPU/s, %.0f readings/s; periods", s.n_lanes, wakes / took,
                  cpu * 1e-6 / took, (double)n / took);
    for (size_t i = 0; i < x.n; i++)
        if (ipw_ends(x.ch[i].id, ":energy") && ipw_streq(x.ch[i].source, "nvml"))
            print_message(" %.2f", (double)x.ch[i].period_ns * 1e-6);
    print_message(" ms\n");
    assert_true(wakes / took <= 60);
    for (size_t i = 0; i < x.n; i++)
        if (ipw_ends(x.ch[i].id, ":energy") && ipw_streq(x.ch[i].source, "nvml"))
            check_near((double)x.ch[i].period_ns * 1e-6, 100, 0.03);
    free(learnt);
    free(got);
    sampler_release(&s);
    close_machine(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_h100),      cmocka_unit_test(test_sensors),   cmocka_unit_test(test_value_types),
        cmocka_unit_test(test_machines),  cmocka_unit_test(test_mig_and_throttle),
        cmocka_unit_test(test_names),     cmocka_unit_test(test_obstacles), cmocka_unit_test(test_lost),
        cmocka_unit_test(test_reset),     cmocka_unit_test(test_selection), cmocka_unit_test(test_computing),
        cmocka_unit_test(test_no_handle), cmocka_unit_test(test_lane),      cmocka_unit_test(test_stall),
        cmocka_unit_test(test_live),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
