/* The sandbox against programs that mean no good. Skipped where bubblewrap is missing or not allowed. */
#include "check.h"

#include <fcntl.h>
#include <unistd.h>

#include "score/sandbox.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof(a)[0])

static struct sandbox *box;
static struct sandbox_result r = {.out = IPW_BUF_INIT, .err = IPW_BUF_INIT};

static int setup(void **state)
{
    (void)state;
    box = sandbox_open();
    if (sandbox_refusal(box))
        print_message("skipped: %s\n", sandbox_refusal(box));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sandbox_close(box);
    sandbox_result_release(&r);
    return 0;
}

static void run(const char *program, double timeout_s)
{
    if (sandbox_refusal(box))
        skip();
    struct ipw_buf text = IPW_BUF_INIT;
    ipw_buf_adds(&text, program);
    sandbox_result_release(&r);
    sandbox_python(box, &(struct sandbox_job){.text = &text, .timeout_s = timeout_s}, &r);
    ipw_buf_release(&text);
}

static bool said(const char *text)
{
    return memmem(r.out.s, r.out.len, text, strlen(text)) || memmem(r.err.s, r.err.len, text, strlen(text));
}

static void test_runs(void **state)
{
    (void)state;
    run("import sys\nprint('hello', 6 * 7)\nsys.stderr.write('and err')\nsys.exit(3)\n", 10);
    assert_int_equal(r.end, SANDBOX_EXITED);
    assert_int_equal(r.code, 3);
    assert_string_equal(r.out.s, "hello 42\n");
    assert_string_equal(r.err.s, "and err");
    assert_true(r.whole);
    assert_true(r.seconds > 0 && r.seconds < 10);
    run("import asyncio, os, subprocess, tempfile, threading\nfrom concurrent.futures import ThreadPoolExecutor as Pool\n"
        "from multiprocessing import Process\nProcess(target=print, args=(1,)).start()\n"
        "print(subprocess.run(['echo', '2'], capture_output=True, text=True).stdout)\nasyncio.run(asyncio.sleep(0))\n"
        "tempfile.TemporaryFile().write(b'x')\nprint(Pool(8).submit(lambda: 3).result(), os.cpu_count() > 0)\n", 10);
    assert_int_equal(r.code, 0);
    assert_true(said("3 True\n"));
}

/* What it must not see or reach; each program says "out" if it did. */
static void test_walls(void **state)
{
    (void)state;
    static const char *const programs[] = {
        "import socket\ns = socket.socket()\ns.settimeout(2)\ns.connect(('127.0.0.1', 22))\nprint('out')\n",
        "import socket\nsocket.create_connection(('192.0.2.1', 80), 1)\nprint('out')\n",
        "print(open('/etc/passwd').read(), 'out')\n",
        "import os\nprint(os.listdir('/root') or os.listdir('/home'), 'out')\n",
        "open('/usr/ipw-was-here', 'w').write('x')\nprint('out')\n",
        "open('/ipw-was-here', 'w').write('x')\nprint('out')\n",
        "open('/dev/ipw-was-here', 'w').write('x')\nprint('out')\n",
        "import os\nos.lseek(0, 0, 0)\nprint('out' if os.read(0, 100) else 'in')\n",
        "import os\nos.remove('/usr/bin/env')\nprint('out')\n",
        "import os\nprint('out' if os.listdir('/proc') else '')\n", /* another process' environment, files, memory */
        "import ctypes, os, sys\nc = ctypes.CDLL(None)\nprint([f for f in range(3, 1000) if c.fcntl(f, 1) >= 0] and 'out')\n",
        "import ctypes\nprint('out' if ctypes.CDLL(None).ptrace(16, 1, 0, 0) == 0 else 'in')\n",
        "import ctypes\nprint('out' if ctypes.CDLL(None).unshare(0x10000000) == 0 else 'in')\n",
        "import ctypes\nprint('out' if ctypes.CDLL(None).shmget(0, 4096, 0o1600) >= 0 else 'in')\n",
        "import os\nos.memfd_create('x')\nprint('out')\n",
        "import mmap\nmmap.mmap(-1, 4096)\nprint('out')\n",
        "import mmap, os\nmmap.mmap(os.open('/dev/zero', os.O_RDWR), 4096)\nprint('out')\n",
        "import socket\nsocket.socket(40, socket.SOCK_STREAM)\nprint('out')\n", /* to the host of a virtual machine */
        "import os, signal\nos.kill(1, signal.SIGKILL)\nprint('in')\n",
        "import os\nprint('out' if os.environ.get('IPW_SECRET') else 'in')\n",
        "import resource\nresource.setrlimit(resource.RLIMIT_NPROC, (1000, 1000))\nprint('out')\n",
        "import os\nos.setuid(0)\nprint('out')\n",
        "import ctypes\nprint('out' if ctypes.CDLL(None).mount(b'none', b'/tmp', b'tmpfs', 0, None) == 0 else 'in')\n",
    };
    setenv("IPW_SECRET", "x", 1);
    int left_open = open("/", O_RDONLY); /* as whoever started us may have it */
    for (size_t i = 0; i < ARRAY_LEN(programs); i++) {
        run(programs[i], 10);
        if (said("out\n"))
            fail_msg("'%s' got out: %s", programs[i], r.out.s);
    }
    close(left_open);
    assert_int_not_equal(access("/usr/ipw-was-here", F_OK), 0);
}

static void test_limits(void **state)
{
    (void)state;
    static const struct {
        const char *program;
        enum sandbox_end end;
        const char *says; /* NULL: whatever */
    } rows[] = {
        {"while True:\n    pass\n", SANDBOX_TIMEOUT, NULL},
        {"import time\ntime.sleep(60)\n", SANDBOX_TIMEOUT, NULL},
        {"x = bytearray(10 << 30)\nprint('out')\n", SANDBOX_EXITED, "MemoryError"},
        {"f = open('/tmp/big', 'wb')\nfor i in range(1000):\n    f.write(b'x' * (1 << 20))\nprint('out')\n", SANDBOX_EXITED,
         "OSError"},
        {"for i in range(1000):\n    open('/tmp/f%d' % i, 'wb').write(b'x' * (5 << 20))\nprint('out')\n", SANDBOX_EXITED,
         "No space left"},
        {"while True:\n    print('y' * 100000)\n", SANDBOX_FLOOD, "yyyy"},
        {"f = [open('/dev/null') for i in range(1000)]\nprint('out')\n", SANDBOX_EXITED, "Too many open files"},
        {"import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(60)\nprint('left')\n", SANDBOX_EXITED, "left"},
        {"import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n", SANDBOX_KILLED, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        run(rows[i].program, 1.5);
        if (r.end != rows[i].end || said("out\n") || (rows[i].says && !said(rows[i].says)))
            fail_msg("'%s' ended by %d, code %d: %.300s%.300s", rows[i].program, (int)r.end, r.code, r.out.s, r.err.s);
    }
}

/* Only now, when setup has seen that the limit of processes holds: each of a few processes starts as many as it can. */
static void test_processes(void **state)
{
    (void)state;
    run("import os, time\nn = 0\nfor i in range(200):\n    try:\n        if os.fork() == 0:\n            time.sleep(5)\n"
        "            os._exit(0)\n        n += 1\n    except OSError as e:\n        print(n, e)\n        break\n", 10);
    assert_int_equal(r.end, SANDBOX_EXITED);
    assert_true(said("Resource temporarily unavailable"));
    assert_true(strtol(r.out.s, NULL, 10) <= 64);
    run("import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass\n", 1);
    assert_int_equal(r.end, SANDBOX_TIMEOUT);
    run("print('well')\n", 10);
    assert_string_equal(r.out.s, "well\n");
}

/* What is asked for is kept whole, the start and the end of more; of any bytes. */
static void test_output(void **state)
{
    (void)state;
    static const char program[] = "import sys\nsys.stdout.buffer.write(b'a\\0' * 100000 + b'the end')\n";
    run(program, 10);
    assert_int_equal(r.out.len, SANDBOX_OUTPUT);
    assert_false(r.whole);
    assert_memory_equal(r.out.s, "a\0a", 3);
    assert_true(said("the end"));
    struct ipw_buf text = IPW_BUF_INIT;
    ipw_buf_adds(&text, program);
    sandbox_result_release(&r);
    sandbox_python(box, &(struct sandbox_job){.text = &text, .timeout_s = 10, .more = 200000}, &r);
    ipw_buf_release(&text);
    assert_int_equal(r.out.len, 200007);
    assert_true(r.whole);
    assert_memory_equal(r.out.s + 199998, "a\0the end", 9);
}

/* None of them holds what one may, all together do; where no more processes than that may be. */
static void test_memory(void **state)
{
    (void)state;
    run("import os, time\nfor i in range(6):\n    if os.fork() == 0:\n        x = bytearray(b'x') * (600 << 20)\n"
        "        time.sleep(60)\ntime.sleep(60)\n", 30);
    assert_int_equal(r.end, SANDBOX_MEMORY);
    run("import os, time\nx = bytearray(b'x') * (400 << 20)\nfor i in range(7):\n    if os.fork() == 0:\n"
        "        time.sleep(0.3)\n        os._exit(0)\ntime.sleep(0.5)\nprint('well')\n", 10); /* the same pages */
    assert_string_equal(r.out.s, "well\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs),
        cmocka_unit_test(test_walls),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_output),
        cmocka_unit_test(test_processes),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
