/* Bare `ipw`, ipw doctor and a frame of --watch, on machines that are not here. Screens are compared with
 * tests/data/screen/NAME.txt; IPW_GOLDEN=write writes them, to be read by a person before they are kept. */
#include "check.h"
#include "golden.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/doctor.h"
#include "cli/greet.h"
#include "cli/sources.h"
#include "cli/watch.h"
#include "fakes/fake_io.h"
#include "fakes/fakefs.h"
#include "fakes/nvml_stub.h"

/* No line is wider than the terminal, but for commands, which are pasted whole. */
static void check_width(const char *text, int columns)
{
    for (const char *p = text, *end; *p; p = end + (*end == '\n')) {
        end = p + strcspn(p, "\n");
        if (end - p >= columns && !strstr(p, "sudo ") && !strstr(p, "ipw "))
            fail_msg("wider than %d columns: %.*s", columns, (int)(end - p), p);
    }
}

#define LAPTOP_GPU                                                                                                     \
    "\"devices\":[{\"name\":\"NVIDIA GeForce RTX 4070 Laptop GPU\",\"bus\":\"0000:01:00.0\"}]"
#define CPU_I7                                                                                                         \
    "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 186\n"                                      \
    "model name\t: 13th Gen Intel(R) Core(TM) i7-13700H\nflags\t\t: fpu\n\n"
#define MEMORY                                                                                                         \
    "MemTotal:       32562840 kB\nMemFree: 1 kB\nMemAvailable:   26214400 kB\nSwapTotal: 8388604 kB\nSwapFree: 6291456 kB\n"

/* A machine: a fixture's tree, files beside it, what is refused, an NVIDIA GPU. */
struct place {
    const char *name, *fixture;
    bool laptop, denied, gpu, mac;
};
static const struct place places[] = {
    {.name = "laptop", .fixture = "client", .laptop = true, .denied = true, .gpu = true}, /* RAPL for root only, on mains */
    {.name = "server", .fixture = "xeon2"},       /* everything is read */
    {.name = "vm", .fixture = "vm"},              /* nothing is */
    {.name = "masked", .fixture = "masked"},      /* a container */
    {.name = "jetson", .fixture = "orin_nano"},
    {.name = "mac", .fixture = "m1max", .mac = true},
    {.name = "bare", .fixture = "nothing"},       /* not even a processor's name */
};
enum { N_PLACES = sizeof places / sizeof places[0] };

struct machine {
    struct fake_io f;
    struct nvml_stub stub;
    struct cli cli;
    struct meter *m;
    bool gpu;
};

static void machine_init(struct machine *x, const struct place *p)
{
    struct ipw_err err;
    memset(x, 0, sizeof *x);
    fake_io_init(&x->f, p->fixture);
    x->f.env.at.nvml = "";
    fakefs_write(x->f.root, "proc/loadavg", "0.12 0.20 0.30 1/200 4000\n");
    fakefs_write(x->f.root, "proc/1/cgroup", "0::/\n");
    if (p->laptop) {
        fakefs_write(x->f.root, "proc/cpuinfo", CPU_I7);
        fakefs_write(x->f.root, "proc/meminfo", MEMORY);
        fakefs_write(x->f.root, "class/power_supply/AC/type", "Mains\n");
        fakefs_write(x->f.root, "class/power_supply/AC/online", "1\n");
        fakefs_write(x->f.root, "devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n");
        fakefs_write(x->f.root, "devices/system/clocksource/clocksource0/current_clocksource", "hpet\n");
    }
    if (p->denied)
        x->f.rules[0] = (struct fake_rule){"energy_uj", EACCES, 0};
    if (p->mac) {
        char tsv[512];
        snprintf(tsv, sizeof tsv, "%s/ioreport.tsv", x->f.root);
        setenv("STUB_IOREPORT_TSV", tsv, 1);
        x->f.env.at.ioreport = STUB_IOREPORT;
    }
    x->gpu = p->gpu;
    if (p->gpu)
        nvml_stub_use(&x->stub, &x->f, false, LAPTOP_GPU);
    x->cli.env = x->f.env;
    assert_int_equal(meter_open(&x->m, &x->cli.env, &(struct meter_cfg){.mode = METER_AUTO}, &err), 0);
}

static void machine_release(struct machine *x)
{
    meter_close(x->m);
    if (x->gpu)
        nvml_stub_release(&x->stub, &x->f);
    fake_io_release(&x->f);
}

/* What is different on every machine that runs this test. */
static void mask(struct ipw_buf *b, const char *root)
{
    for (char *at; (at = strstr(b->s, root));) {
        memmove(at + 4, at + strlen(root), strlen(at + strlen(root)) + 1);
        memcpy(at, "/sys", 4);
    }
    for (char *at = b->s; (at = strstr(at, " CPU")); at++)
        if (at > b->s && ipw_isdigit((unsigned char)at[-1])) {
            at[-1] = 'N';
            if (at[4] == 's')
                memmove(at + 4, at + 5, strlen(at + 5) + 1);
        }
    b->len = strlen(b->s);
}

static void test_greeting(void **state)
{
    (void)state;
    static struct local_model qwen[] = {
        {.name = "ollama:broken", .bytes = 1, .problem = "the blob is gone"},
        {.name = "ollama:qwen3:4b", .path = "/x", .bytes = 2600000000},
        {.name = "ollama:llama3.2:1b", .path = "/x", .bytes = 1300000000},
        {.name = "lmstudio:an organisation/a model of a long name", .path = "/x", .bytes = 800000000}};
    const struct local_models found = {.v = qwen, .n = 4}, none = {0};
    static struct run_brief run = {.dir = "runs/profile_x_1", .complete = true, .model_name = "Qwen3-4B", .quant = "Q4_K_M",
                                   .dataset_name = "starter", .energy_source = "measured", .accuracy = 0.592,
                                   .per_query_j = 212, .started_real_ns = 1000};
    for (size_t i = 0; i < N_PLACES; i++) {
        struct machine x;
        struct ipw_buf out = IPW_BUF_INIT;
        char name[64];
        machine_init(&x, &places[i]);
        struct greeting g = {.env = &x.cli.env, .meter = x.m, .models = i ? &none : &found, .try_s = 420,
                             .newest = i == 1 ? &run : NULL, .now_real_ns = 7200000001000};
        greeting_text(&g, 80, &out);
        check_width(out.s, 80);
        mask(&out, x.f.root);
        snprintf(name, sizeof name, "greet_%s", places[i].name);
        golden(name, out.s);
        ipw_buf_clear(&out);
        greeting_text(&g, 40, &out);
        check_width(out.s, 40);
        if (i == 0)
            golden("greet_40", out.s);
        ipw_buf_release(&out);
        machine_release(&x);
    }
}

/* The states of a run that is not finished; texts of others do not move the cursor. */
static void test_newest(void **state)
{
    (void)state;
    static const struct {
        struct run_brief run;
        const char *says;
    } v[] = {
        {{.dir = "runs/a b", .n_asked = 12, .n_total = 40}, "ipw profile --resume 'runs/a b'"},
        {{.dir = "runs/a", .running = true, .n_asked = 12, .n_total = 40}, "running, 12 of 40"},
        {{.dir = "runs/a", .complete = true, .accuracy = 0.5, .per_query_j = NAN, .model_name = "\033[31m"}, "?[31m on questions, 50 %"},
        {{.dir = "runs/a", .complete = true, .accuracy = NAN, .per_query_j = 3, .energy_source = "estimated"}, "~3.0 J/query"},
    };
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        struct ipw_buf out = IPW_BUF_INIT;
        struct ipw_env env = ipw_env_host;
        greeting_text(&(struct greeting){.env = &env, .newest = &v[i].run, .try_s = NAN, .trouble = "x"}, 80, &out);
        assert_non_null(strstr(out.s, v[i].says));
        assert_null(strchr(out.s, 033));
        ipw_buf_release(&out);
    }
}

static void test_doctor(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_PLACES; i++) {
        struct machine x;
        struct ipw_buf out = IPW_BUF_INIT;
        char name[64];
        machine_init(&x, &places[i]);
        doctor_report(&x.cli, x.m, NULL, "energy", "table", 80, &out);
        check_width(out.s, 80);
        mask(&out, x.f.root);
        snprintf(name, sizeof name, "doctor_energy_%s", places[i].name);
        golden(name, out.s);
        ipw_buf_clear(&out);
        doctor_report(&x.cli, x.m, "calibration.json is damaged", NULL, "table", 40, &out);
        assert_non_null(strstr(out.s, "damaged"));
        check_width(out.s, 40);
        ipw_buf_clear(&out);
        doctor_report(&x.cli, x.m, NULL, "machine", "table", 80, &out);
        if (places[i].laptop) {
            assert_non_null(strstr(out.s, "on mains"));
            assert_non_null(strstr(out.s, "powersave"));
            assert_non_null(strstr(out.s, "hpet"));
            assert_non_null(strstr(out.s, "2.0 GB lie in swap"));
        }
        ipw_buf_release(&out);
        machine_release(&x);
    }
}

/* ---- --watch ---- */

static void test_frame(void **state)
{
    (void)state;
    double power[WATCH_POWER];
    for (size_t i = 0; i < WATCH_POWER; i++)
        power[i] = i % 50 ? 5 + (double)(i % 50) : NAN;
    const struct watch_view views[] = {
        {.title = "SmolLM2-135M-Instruct Q4_1 on starter", .done = 12, .total = 40, .right = 9, .failed = 1, .watts = 14.2,
         .tokens_s = 134, .estimated = true, .left = "2:30 left", .question = "What is the capital of France?", .power = power,
         .n_power = 30},
        {.title = "a", .watts = NAN, .tokens_s = NAN, .left = "", .power = power},
        {.title = "\033[2Ja name that does not end before the line does, and goes on and on and on and on and on and on",
         .done = 999999, .total = 1000000, .right = 999999, .failed = 999999, .watts = 123456, .tokens_s = 1e6,
         .left = "1234 h 59 min left", .question = "\x1b]0;x\x07 \xe2\x80\xae \xff caf\xc3\xa9 a question that is longer than the line "
         "it stands on and has no end that anybody could see from here", .power = power, .n_power = WATCH_POWER},
    };
    for (size_t i = 0; i < 3; i++)
        for (int columns = WATCH_COLUMNS; columns < 240; columns += 20) {
            struct ipw_buf out = IPW_BUF_INIT;
            char name[32];
            size_t lines = 0;
            watch_frame(&views[i], columns, &out);
            assert_null(strpbrk(out.s, "\033\007\r"));
            assert_true(ipw_utf8_valid(out.s, out.len));
            for (char *p = out.s, *end; (end = strchr(p, '\n')); p = end + 1, lines++)
                assert_true(end - p < columns + 16); /* bytes: some take two */
            assert_int_equal(lines, WATCH_LINES);
            snprintf(name, sizeof name, "watch_%zu", i);
            if (columns == WATCH_COLUMNS)
                golden(name, out.s);
            ipw_buf_release(&out);
        }
}

int main(void)
{
    unsetenv("TMPDIR"); /* a longer path breaks lines elsewhere */
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_greeting), cmocka_unit_test(test_newest),
                                       cmocka_unit_test(test_doctor), cmocka_unit_test(test_frame)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
