/* The scorers of Python code: which answers are right, and what is said of those that are not. Skipped where bubblewrap is
 * missing or not allowed, but for what is said then. */
#include "check.h"

#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"
#include "score/code.h"
#include "score/sandbox.h"
#include "score/score.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof(a)[0])

static struct sandbox *box;

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
    return 0;
}

static void test_code(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"x = 1", "x = 1"},
        {"```\nx = 1\n```", "x = 1\n"},
        {"Do:\n```python\nx = 1\n```\nor\n```\ny = 2\n```\n", "x = 1\n"},
        {"```py\nx = 1\n```\nbetter:\n```Python3\nx = 2\n```\n```sh\nls\n```", "x = 2\n"},
        {"```\nx = 1\n```\n```bash\nls\n```", "ls\n"},
        {"```python\nx = 1", "x = 1"},
        {"```python\nx = 1```", "x = 1"},
        {"```python\nx = 1\n```then", "x = 1\n"},
        {"It is ```x = 1```, in full:\n```python\nx = 2\n```\n", "x = 2\n"},
        {"    return 1\n```\n", "    return 1\n"},
        {"```python\n```", ""},
        {"```python\n    return 1\n```", "    return 1\n"},
        /* fences in strings and comments */
        {"```python\ndef f():\n    \"\"\"As:\n    ```\n    f()\n    ```\n    \"\"\"\n    return 1\n```\n",
         "def f():\n    \"\"\"As:\n    ```\n    f()\n    ```\n    \"\"\"\n    return 1\n"},
        {"```python\nr'''\n```python\n\\'''\n```\n'''\nx = '```'  # it's ```\n```",
         "r'''\n```python\n\\'''\n```\n'''\nx = '```'  # it's ```\n"},
        {"````python\nx = '''\n```\n'''\n````\n", "x = '''\n```\n'''\n"},
        /* quotes that do not end */
        {"```\nit's\n```\n```\nthat\n```", "that\n"},
        {"```python\nx = \"\"\"no\n```\nSorry:\n```python\nx = 2\n```", "x = 2\n"},
        {"```python\nx = \"\"\"no\n```\nthat is all", "x = \"\"\"no\n"},
        /* in a list */
        {"1. So:\n   ```python\n   def f():\n       return 1\n\n   ```\n2. Done", "def f():\n    return 1\n\n"},
        {"\t```python\n\tx = 1\ny = 2\n\t```", "x = 1\ny = 2\n"},
    };
    struct ipw_arena arena;
    ipw_arena_init(&arena);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct span in = code_in((struct span){rows[i][0], strlen(rows[i][0])}, &arena);
        size_t n = strlen(rows[i][1]);
        if (in.n != n || memcmp(in.s, rows[i][1], n) != 0)
            fail_msg("'%s' has '%.*s', not '%s'", rows[i][0], (int)in.n, in.s, rows[i][1]);
    }
    ipw_arena_release(&arena);
}

/* Texts that are made to be read again and again. */
static void test_hostile_code(void **state)
{
    (void)state;
    static const char *const parts[] = {"```",        "``` ", "```\n",   "```x\n",     "```\n\"\"\"\n", "```\n'''\n\"\"\"\n",
                                        "   ```\n", "`",    "```x\n# ", "```x\n\\'", " ",              "```\n'''\\\n"};
    enum { SIZE = 1 << 20 };
    char *text = malloc(SIZE);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        struct ipw_arena arena;
        size_t n = strlen(parts[i]);
        for (size_t at = 0; at < SIZE; at++)
            text[at] = parts[i][at % n];
        clock_t begun = clock();
        ipw_arena_init(&arena);
        code_in((struct span){text, SIZE}, &arena);
        ipw_arena_release(&arena);
        double s = (double)(clock() - begun) / CLOCKS_PER_SEC;
        if (s > 20) /* a quadratic one takes minutes; sanitizers slow memmem down */
            fail_msg("a text of '%s' takes %.1f s", parts[i], s);
    }
    free(text);
}

/* method NULL: any but passed. */
static void check(const char *record, const char *answer, const char *method, const char *extracted)
{
    struct ipw_arena arena;
    struct json_doc *doc;
    struct ipw_err err;
    struct score_result r;
    if (sandbox_refusal(box))
        skip();
    ipw_arena_init(&arena);
    assert_int_equal(json_read(&doc, record, strlen(record), 0, &err), 0);
    score_record(json_root(doc), box, answer, strlen(answer), &arena, &r);
    bool right = ipw_streq(method, "passed");
    if ((method && !ipw_streq(r.method, method)) || (extracted && !ipw_streq(r.extracted, extracted)) || (r.status == SCORE_CORRECT) != right)
        fail_msg("'%s' is '%s' (%s), not '%s' (%s): %s", answer, r.method, r.extracted, method, extracted, r.reason);
    json_doc_free(doc);
    ipw_arena_release(&arena);
}

static void test_tests(void **state)
{
    (void)state;
    static const char record[] = "{\"type\":\"code\",\"question\":\"def f(x):\\n\",\"entry_point\":\"f\","
                                 "\"test\":\"def check(c):\\n    assert c(2) == 4\\n    assert c(3) == 9\\n\"}";
    static const char *const rows[][3] = {
        {"def f(x):\n    return x * x", "passed", NULL},
        {"    return x * x", "passed", NULL},
        {"def f(x):\n    print('a\\0b')\n    return x * x", "passed", NULL}, /* bytes that C takes for an end */
        {"def f(x):\n    print('y' * 100000)\n    return x * x", "passed", NULL},
        {"def f(x):\n    return 4", "failed", "AssertionError"},
        {"def f(x):\n    raise ValueError('no\\x1b[2Jt')", "error", "ValueError: no?[2Jt"},
        {"def f(x):\n    raise ValueError('a\\nb')", "error", "ValueError: a"},
        {"def f(x):\n    return [0] * 10**10", "memory", "MemoryError"},
        {"def f(x):\n    raise SystemExit(0)", "left_early", NULL},
        {"import os\ndef f(x):\n    os._exit(0)", "left_early", NULL},
        {"import os, signal\ndef f(x):\n    os.kill(os.getpid(), signal.SIGSEGV)", "killed", NULL},
        {"def f(x):\n    while True:\n        print('y' * 100000)", "output", NULL},
        {"def f(x:", "error", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check(record, rows[i][0], rows[i][1], rows[i][2]);
}

/* What an answer may not do to be right, and what it may: objects of its own, changes of what it is given. */
static void test_apart(void **state)
{
    (void)state;
    static const char record[] = "{\"type\":\"code\",\"question\":\"def h(x):\\n    return 7\\n\\ndef f(x):\\n\",\"entry_point\":\"f\","
                                 "\"test\":\"def check(c):\\n    assert abs(c(2) - 4) < 0.1\\n    assert [c(3)] == [9]\\n"
                                 "    assert h(c(4)) == 7\"}";
    static const char *const forged[] = {
        "import os, sys\ndef f(x):\n    g = sys._getframe()\n    while g:\n        for c in g.f_code.co_consts:\n"
        "            if isinstance(c, (str, bytes)):\n                os.write(1, c.encode() if isinstance(c, str) else c)\n"
        "        g = g.f_back\n    os._exit(0)",
        "import builtins\nbuiltins.exec = builtins.compile = lambda *a: None\ndef f(x):\n    return 0",
        "class E:\n    def __eq__(s, o):\n        return True\n    def __sub__(s, o):\n        return s\n    def __abs__(s):\n"
        "        return s\n    def __lt__(s, o):\n        return True\ndef f(x):\n    return E()",
        "abs = lambda x: 0\ndef f(x):\n    return 9",
        "import atexit, os\natexit.register(lambda: os._exit(0))\ndef f(x):\n    return 0",
        "import sys\nsys.excepthook = lambda *a: os._exit(0)\ndef f(x):\n    return 0",
        "import __main__, socket\ndef f(x):\n    s = socket.socket(fileno=__main__._channel)\n    s.send(b'0000000010[\"ok\",4,[]]')\n    return 4",
        "import os\nfor i in range(3, 64):\n    try:\n        os.write(i, b'0000000007[\"ok\"]')\n    except OSError:\n        pass\n"
        "def f(x):\n    return 0",
        "import os\nos.write(3, b'0000000100' + b'[' * 100)\ndef f(x):\n    return 0",
        "def h(x):\n    return 7\ndef f(x):\n    return 4 if x == 2 else None",
    };
    static const char *const honest[][2] = {
        {"root = Node(1)\nroot.left = Node(2)\nassert total(root) == 3\nassert isinstance(root, Node)",
         "class Node:\n    def __init__(s, v):\n        s.v = v\n        s.left = None\n"
         "def total(n):\n    return n.v + total(n.left) if n else 0"},
        {"s = Stack()\ns.push([1])\nassert len(s) == 1 and s and s.pop() == [1] and not s",
         "class Stack(list):\n    push = list.append\nclass Wrapped:\n    def __init__(s):\n        s.v = []\n    def push(s, x):\n"
         "        s.v.append(x)\n    def pop(s):\n        return s.v.pop()\n    def __len__(s):\n        return len(s.v)\nStack = Wrapped"},
        {"a = [3, 1]\nsort(a)\nassert a == [1, 3]", "def sort(a):\n    a.sort()"},
        {"import itertools\nassert list(itertools.islice(count(), 3)) == [0, 1, 2]",
         "def count():\n    n = 0\n    while True:\n        yield n\n        n += 1"},
        {"assert each(lambda x: x + 1, [1, 2]) == [2, 3]", "def each(f, v):\n    return [f(x) for x in v]"},
        {"assert Point(1, 2) + Point(3, 4) == Point(4, 6)",
         "class Point:\n    def __init__(s, *v):\n        s.v = v\n    def __add__(s, o):\n        return Point(*map(sum, zip(s.v, o.v)))\n"
         "    def __eq__(s, o):\n        return s.v == o.v"},
        {"try:\n    f(-1)\n    assert False\nexcept ValueError as e:\n    assert str(e) == 'no'", "def f(x):\n    raise ValueError('no')"},
        {"assert f() == ({1: (2, None)}, {2.5}, 1j, b'x', range(3), 2**20000, float('inf'), frozenset(), '\\ud800')",
         "def f():\n    return {1: (2, None)}, {2.5}, 1j, b'x', range(3), 2**20000, float('inf'), frozenset(), '\\ud800'"},
        {"assert f() == 3", "from __future__ import annotations\nfrom dataclasses import dataclass\n@dataclass\nclass P:\n    x: int\n"
                            "def f():\n    return P(3).x"},
        {"assert sum(2, 3) == 6", "def sum(a, b):\n    return a * b"},
        {"assert math.isclose(root(2) ** 2, 2)", "import math\nroot = math.sqrt"},
        {"assert f({12, 13, 14, 15, 16}) == repr({12, 13, 14, 15, 16})", "f = repr"},
    };
    for (size_t i = 0; i < ARRAY_LEN(forged); i++)
        check(record, forged[i], NULL, NULL);
    for (size_t i = 0; i < ARRAY_LEN(honest); i++) {
        struct json_out *o = json_out_new();
        json_node *n = json_new_obj(o);
        json_put_str(o, n, "type", "code");
        json_put_str(o, n, "question", "Write it.");
        json_put_str(o, n, "test", honest[i][0]);
        char *text = json_write(o, n, false);
        check(text, honest[i][1], "passed", NULL);
        free(text);
        json_out_free(o);
    }
    check("{\"type\":\"code\",\"question\":\"Write a function f.\",\"entry_point\":\"f\",\"test\":\"def check(c):\\n    assert c(2) == 4\"}",
          "def f(x):\n    return 4", "passed", NULL);
}

static void test_stdio(void **state)
{
    (void)state;
    static const char record[] = "{\"type\":\"code\",\"scorer\":\"python_stdio\",\"question\":\"Double it.\",\"tests\":["
                                 "{\"input\":\"2\\n\",\"output\":\"4\\n\"},{\"input\":\"3\\n\",\"output\":\"6\"}]}";
    static const char *const rows[][3] = {
        {"print(int(input()) * 2)", "passed", NULL},
        {"print(int(input()) * 2, '  ')\nprint()", "passed", NULL},
        {"import sys\nn = int(sys.stdin.read())\nsys.stdout.write(str(n * 2))\nsys.exit(1)", "passed", NULL},
        {"import os\nprint(int(input()) * 2, flush=True)\nos._exit(0)", "passed", NULL},
        {"import sys\nprint(int(input()) * 2)\nprint('debug', file=sys.stderr)", "passed", NULL},
        {"import pickle\nclass P:\n    pass\npickle.dumps(P())\nif __name__ == '__main__':\n    print(int(input()) * 2)", "passed", NULL},
        {"print(4)", "failed", "4"},
        {"print('4\\0')", "failed", "4?"},
        {"pass", "failed", NULL},
        {"print(int(input()) * 2)\nraise KeyError(7)", "error", "KeyError: 7"},
        {"import nothing", "error", "ModuleNotFoundError: No module named 'nothing'"},
        {"x = [0] * 10**10", "memory", "MemoryError"},
        {"while True: print('y' * 100000)", "output", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check(record, rows[i][0], rows[i][1], rows[i][2]);
}

static void test_stdio_timeout(void **state)
{
    (void)state;
    check("{\"type\":\"code\",\"scorer\":\"python_stdio\",\"question\":\"?\",\"tests\":[{\"input\":\"\",\"output\":\"4\"}]}",
          "while True: pass", "timeout", NULL);
}

/* A set may ask for more than is kept of other programs. */
static void test_long_output(void **state)
{
    (void)state;
    enum { N = 300000 };
    struct ipw_buf record = IPW_BUF_INIT;
    ipw_buf_adds(&record, "{\"type\":\"code\",\"scorer\":\"python_stdio\",\"question\":\"?\",\"tests\":[{\"input\":\"\",\"output\":\"");
    for (int i = 0; i < N; i++)
        ipw_buf_adds(&record, "12\\n");
    ipw_buf_adds(&record, "\"}]}");
    check(record.s, "for i in range(300000): print(12)", "passed", NULL);
    check(record.s, "for i in range(300000): print('12 ')", "passed", NULL);
    check(record.s, "for i in range(300000): print(12 if i != 150000 else 13)", "failed", NULL);
    check(record.s, "for i in range(299999): print(12)", "failed", NULL);
    check(record.s, "while True: print(12)", "output", NULL);
    ipw_buf_release(&record);
}

/* A bwrap that is not there, and some that do not do their work: never is an answer run without it. */
static void test_no_bwrap(void **state)
{
    (void)state;
    static const struct {
        const char *bwrap, *reason; /* NULL: there is none */
        enum sandbox_lack lack;
    } rows[] = {
        {NULL, "no sandbox: command 'bwrap' was not found; check its name and PATH; see ipw doctor", SANDBOX_LACKS_BWRAP},
        {"#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n",
         "no sandbox: bwrap: No permissions to create new namespace; see ipw doctor", SANDBOX_LACKS_LEAVE},
        {"#!/bin/sh\necho 'bwrap: execvp python3: No such file or directory' >&2\nexit 1\n",
         "no sandbox: bwrap: execvp python3: No such file or directory; see ipw doctor", SANDBOX_LACKS_PYTHON},
        {"#!/bin/sh\necho started 100\n", "no sandbox: its limit of 64 processes does not hold here; see ipw doctor",
         SANDBOX_LACKS_LIMIT},
        {"#!/bin/sh\nexit 0\n", "no sandbox: bwrap did not answer; see ipw doctor", SANDBOX_LACKS_LEAVE},
        {"#!/bin/sh\nkill -9 $$\n", "no sandbox: bwrap did not answer; see ipw doctor", SANDBOX_LACKS_LEAVE},
        {"#!/no/such/shell\n", "no sandbox: command 'bwrap' was not found; check its name and PATH; see ipw doctor", SANDBOX_LACKS_BWRAP},
    };
    static const char record[] = "{\"type\":\"code\",\"question\":\"def f():\\n\",\"entry_point\":\"f\",\"test\":\"def check(c):\\n    pass\"}";
    char dir[] = "/tmp/ipw-test-XXXXXX", path[64], answer[200], *old = strdup(getenv("PATH"));
    assert_non_null(mkdtemp(dir));
    assert_int_equal(chmod(dir, 0777), 0); /* root starts it as somebody else */
    setenv("PATH", dir, 1);
    snprintf(path, sizeof path, "%s/bwrap", dir);
    snprintf(answer, sizeof answer, "open('%s/ran', 'w')\ndef f():\n    pass", dir);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ipw_arena arena;
        struct json_doc *doc;
        struct ipw_err err;
        struct score_result r;
        const char *what;
        if (rows[i].bwrap) {
            FILE *f = fopen(path, "w");
            fputs(rows[i].bwrap, f);
            fclose(f);
            assert_int_equal(chmod(path, 0755), 0);
        }
        struct sandbox *s = sandbox_open();
        ipw_arena_init(&arena);
        assert_int_equal(json_read(&doc, record, strlen(record), 0, &err), 0);
        score_record(json_root(doc), s, answer, strlen(answer), &arena, &r);
        assert_int_equal(r.status, SCORE_UNSCORED);
        assert_string_equal(r.reason, rows[i].reason);
        assert_int_equal(sandbox_lack(s, &what), rows[i].lack);
        json_doc_free(doc);
        ipw_arena_release(&arena);
        sandbox_close(s);
    }
    setenv("PATH", old, 1);
    free(old);
    unlink(path);
    assert_int_equal(rmdir(dir), 0); /* and no answer has left anything there */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_code),        cmocka_unit_test(test_hostile_code),
        cmocka_unit_test(test_apart),
        cmocka_unit_test(test_tests),       cmocka_unit_test(test_stdio),    cmocka_unit_test(test_stdio_timeout),
        cmocka_unit_test(test_long_output), cmocka_unit_test(test_no_bwrap),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
