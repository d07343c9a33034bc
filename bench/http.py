#!/usr/bin/env python3
"""Figures: what clients add to what they measure, against one server whose schedule is known (docs/performance.md).

usage: bench/http.py [--build DIR] [--clients bare,spread,ipw,aiperf,guidellm] [--cells 64,512] [--placing unpinned,pinned]
                     [--rounds N] [--quick] [--json FILE] [--no-callgrind] [--soak-minutes M]

All clients run in turn on this machine against build/bench/bench_mock_server: 20 ms to the first of 64 tokens, 5 ms between
them at 64 streams, 20 ms at 512; unpinned, and pinned apart (server on CPU 0, client on CPU 1). Prints versions, commands
and tables in Markdown. AIPerf and GuideLLM are installed into virtual environments under the user's cache; where that is
not possible they are left out, with a message. --rounds: so often, and per client the round in which other programs used
the least CPU counts. bare asks all streams at once, and they stay in step: one wake-up finds many pieces; spread is the
same program, begun over the time of one request, so that pieces come as they do from a server in use. --quick: fewer requests, for trying it out. --soak-minutes: a soak of that length at 64 streams
beside the one of 10,000 requests. --json: also the raw figures."""
import argparse
import contextlib
import ctypes
import datetime
import json
import math
import os
import pathlib
import platform
import shlex
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time

TOKENS, FIRST_MS = 64, 20
BETWEEN_MS = {64: 5, 512: 20}
FEW, MANY = 2000, 6000
PEERS = {"aiperf": "0.13.0", "guidellm": "0.8.1"}
OURS = ("bare", "spread", "ipw")
MODEL = "ipw-null"
ROOT = pathlib.Path(__file__).resolve().parent.parent
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "ipw" / "bench"
commands = {}


def say(text):
    print(text, file=sys.stderr, flush=True)


def quantile(values, p):
    values = sorted(values)
    at = p * (len(values) - 1)
    low = math.floor(at)
    return values[low] + (values[min(low + 1, len(values) - 1)] - values[low]) * (at - low)


def spread(values, want=None):
    """p50 and p99, of the distance from what it should be."""
    if want is not None:
        values = [abs(v - want) for v in values]
    return {"p50": quantile(values, 0.5), "p99": quantile(values, 0.99)} if values else {"p50": None, "p99": None}


# ---- processes ----

def reap(report, command):
    """Runs a command with everything it starts to the end of it all; writes when it began and the CPU time of the whole."""
    import resource
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER: orphans are ours to wait for
    begun = time.monotonic_ns()
    child = subprocess.Popen(command)
    status = child.wait()
    ended, late = time.monotonic_ns(), time.monotonic() + 10
    while time.monotonic() < late:
        try:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                time.sleep(0.05)
        except ChildProcessError:
            break
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    pathlib.Path(report).write_text(json.dumps({"begun_ns": begun, "wall_s": (ended - begun) * 1e-9,
                                                "cpu_s": used.ru_utime + used.ru_stime}))
    sys.exit(status if status >= 0 else 128 - status)


def field(pid, file, name):
    """A "Name:   N kB" line of a file of /proc, in KiB; 0 when the process is gone."""
    with contextlib.suppress(OSError):
        for line in pathlib.Path(f"/proc/{pid}/{file}").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1])
    return 0


def descendants(pid):
    parents = {}
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError):
            parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
    found, more = [], [pid]
    while more:
        more = [child for child, parent in parents.items() if parent in more]
        found += more
    return found


class Memory(threading.Thread):
    """Peak of the memory of a process tree: a single process's own peak, else the sum of the proportional shares."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.kib, self.over = pid, 0, threading.Event()
        self.start()

    def run(self):
        while not self.over.wait(0.5):
            pids = descendants(self.pid)
            if len(pids) == 1:
                self.kib = max(self.kib, field(pids[0], "status", "VmHWM"))
            elif pids:
                self.kib = max(self.kib, sum(field(p, "smaps_rollup", "Pss") for p in pids))


def pinned(command, cpu):
    return ["taskset", "-c", str(cpu), *map(str, command)] if cpu is not None else [str(c) for c in command]


def run(command, folder, cpu=None, watch=None, env=None):
    """Runs a client; returns its report with its output. watch: a class like Memory."""
    report = folder / "report.json"
    clean = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    with open(folder / "out", "w+") as out, open(folder / "log", "w+") as log:
        p = subprocess.Popen([sys.executable, __file__, "--reap", str(report), *pinned(command, cpu)], cwd=folder, stdout=out,
                             stderr=log, env={**clean, **(env or {})}, start_new_session=True)
        watcher = watch(p.pid) if watch else None
        try:
            p.wait(timeout=3600)
        finally:
            if p.poll() is None:
                os.killpg(p.pid, signal.SIGKILL)
        if watcher:
            watcher.over.set()
            watcher.join()
        out.seek(0)
        log.seek(0)
        text, talk = out.read(), log.read()
    if p.returncode or not report.exists():
        raise RuntimeError(f"{shlex.join(map(str, command))} ended with {p.returncode}: ...{(talk + text)[-600:]}")
    return {**json.loads(report.read_text()), "out": text, "watcher": watcher}


def busy_s():
    """CPU time of the whole machine."""
    ticks = [int(x) for x in pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    return (sum(ticks[:8]) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")


class Server:
    """The mock server; `seen` is what it says at its end."""

    def __init__(self, build, between_ms, cpu=None):
        self.command = pinned([build / "bench" / "bench_mock_server", "--first-ms", FIRST_MS, "--between-ms", between_ms,
                               "--tokens", TOKENS], cpu)

    def __enter__(self):
        self.p = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)
        self.url = self.p.stdout.readline().strip()
        self.port = self.url.rsplit(":", 1)[1].split("/")[0]
        return self

    def __exit__(self, *_):
        self.p.terminate()
        out, _ = self.p.communicate(timeout=10)
        self.seen = json.loads(out)


# ---- clients: the command, and what the client itself reports ----

def bare_command(where, server, streams, requests, folder):
    return [where["bare"], "--port", server.port, "--streams", streams, "--requests", requests, "--first-ms", FIRST_MS,
            "--between-ms", BETWEEN_MS[streams] if streams in BETWEEN_MS else 5]


def spread_command(where, server, streams, requests, folder):
    one_ms = FIRST_MS + (TOKENS - 1) * BETWEEN_MS.get(streams, 5)
    return bare_command(where, server, streams, requests, folder) + ["--ramp-ms", one_ms]


def bare_figures(folder, out, between_ms):
    got = json.loads(out)
    return {"n": got["requests"] - got["failed"], "span_s": got["wall_s"], "latency_ms": got["latency_ms"]["mean"],
            "ttft": got["ttft_error_ms"], "itl": got["itl_error_ms"]}


def questions(folder, requests, record):
    path = folder / "questions.jsonl"
    with path.open("w") as f:
        for i in range(requests):
            f.write(json.dumps(record(i, f"Count to sixty-four, and begin with {i}.")) + "\n")
    return path


def ipw_command(where, server, streams, requests, folder):
    path = questions(folder, requests, lambda i, text: {"id": f"q{i}", "type": "none", "question": text})
    return [where["ipw"], "profile", "--client", "openai", "--client-base-url", server.url, "--model", MODEL, "--dataset",
            path, "-n", requests, "--concurrency", streams, "--max-tokens", TOKENS, "--energy", "none", "--baseline", "none",
            "--warmup-request-count", 0, "--output-dir", folder / "runs"]


def stamps(blob):
    """Token times of a run.db, ns since the request was sent (docs/schema.md, text)."""
    at, shift, value, times = 0, 0, 0, []
    for byte in blob:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            at += (value >> 1) ^ -(value & 1)
            times.append(at)
            shift = value = 0
    return times


def ipw_figures(folder, out, between_ms):
    db = sqlite3.connect(f"file:{next((folder / 'runs').glob('*/run.db'))}?mode=ro", uri=True)
    rows = db.execute("SELECT t_send, t_first, t_end, t.stamps FROM query q JOIN text t ON t.query = q.id"
                      " WHERE status = 'ok' OR stop = 'length'").fetchall()
    itl = []
    for row in rows:
        times = stamps(row[3] or b"")
        itl += [(b - a) * 1e-6 for a, b in zip(times, times[1:])]
    return {"n": len(rows), "span_s": (max(r[2] for r in rows) - min(r[0] for r in rows)) * 1e-9,
            "latency_ms": statistics.fmean((r[2] - r[0]) * 1e-6 for r in rows),
            "ttft": spread([(r[1] - r[0]) * 1e-6 for r in rows], FIRST_MS), "itl": spread(itl, between_ms)}


def tokenizer(folder):
    """A tokenizer of words, so that no client asks the network for one."""
    words = ["<unk>", "token", *"Count to sixty - four , and begin with .".split(), *map(str, range(10))]
    path = folder / "tokenizer"
    path.mkdir()
    (path / "tokenizer.json").write_text(json.dumps({
        "version": "1.0", "truncation": None, "padding": None, "normalizer": None, "post_processor": None, "decoder": None,
        "added_tokens": [{"id": 0, "content": "<unk>", "single_word": False, "lstrip": False, "rstrip": False,
                          "normalized": False, "special": True}],
        "pre_tokenizer": {"type": "Whitespace"},
        "model": {"type": "WordLevel", "vocab": {w: i for i, w in enumerate(words)}, "unk_token": "<unk>"}}))
    (path / "tokenizer_config.json").write_text(json.dumps({
        "tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "<unk>", "eos_token": "<unk>"}))
    return path


def aiperf_command(where, server, streams, requests, folder):
    path = questions(folder, requests, lambda i, text: {"text": text})
    return [where["aiperf"], "profile", "-m", MODEL, "--url", server.url[:-3], "--endpoint-type", "chat", "--streaming",
            "--concurrency", streams, "--request-count", requests, "--tokenizer", tokenizer(folder),
            "--use-server-token-count", "--ui", "none", "--no-gpu-telemetry", "--no-server-metrics", "--input-file", path,
            "--custom-dataset-type", "single_turn", "--artifact-dir", folder / "out-aiperf"]


def aiperf_figures(folder, out, between_ms):
    rows = [json.loads(line) for line in (folder / "out-aiperf" / "profile_export.jsonl").open()]
    rows = [r for r in rows if not r.get("error") and r["metadata"]["benchmark_phase"] == "profiling"]
    metric = [r["metrics"] for r in rows]
    times = [r["metadata"] for r in rows]
    return {"n": len(rows), "latency_ms": statistics.fmean(m["request_latency"]["value"] for m in metric),
            "span_s": (max(t["request_end_ns"] for t in times) - min(t["request_start_ns"] for t in times)) * 1e-9,
            "ttft": spread([m["time_to_first_token"]["value"] for m in metric], FIRST_MS),
            "itl": spread([v for m in metric for v in m["inter_chunk_latency"]["value"]], between_ms)}


def guidellm_command(where, server, streams, requests, folder):
    path = questions(folder, requests, lambda i, text: {"prompt": text})
    return [where["guidellm"], "run", "--backend", f"kind=openai_http,target={server.url[:-3]},model={MODEL}", "--profile",
            f"kind=concurrent,streams={streams}", "--constraint", f"kind=max_requests,count={requests}", "--data",
            f"kind=json_file,path={path}", "--tokenizer", f"kind=huggingface_auto,model={tokenizer(folder)}", "--output",
            f"kind=json,path={folder / 'out.json'}", "--disable-console"]


def guidellm_figures(folder, out, between_ms):
    rows = json.loads((folder / "out.json").read_text())["benchmarks"][0]["requests"]["successful"]
    t = [r["info"]["timings"] for r in rows]
    return {"n": len(rows), "latency_ms": statistics.fmean(r["request_latency"] * 1e3 for r in rows),
            "span_s": max(x["request_end"] for x in t) - min(x["request_start"] for x in t),
            "ttft": spread([(x["first_token_iteration"] - x["request_start"]) * 1e3 for x in t], FIRST_MS),
            "itl": spread([(x["last_token_iteration"] - x["first_token_iteration"]) * 1e3 / (TOKENS - 1) for x in t],
                          between_ms)}


CLIENTS = {"bare": (bare_command, bare_figures), "spread": (spread_command, bare_figures), "ipw": (ipw_command, ipw_figures),
           "aiperf": (aiperf_command, aiperf_figures), "guidellm": (guidellm_command, guidellm_figures)}


def find(names, build):
    """Where the programs are, and their versions."""
    where, version = {}, {}
    ipw = next((p for p in (build / "ipw", build / "ipw-dev") if p.exists()), None)
    for name in names:
        if name in OURS[:2]:
            where[name], version[name] = build / "bench" / "bench_bare_client", "bench/bare_client.c"
        elif name == "ipw":
            where[name] = ipw
        else:
            where[name] = install(name, PEERS[name])
        if where[name] is None or not where[name].exists():
            say(f"bench/http.py: {name} is left out: it is not built" if name in OURS else
                f"bench/http.py: {name} is left out: {name}=={PEERS[name]} cannot be installed here")
            del where[name]
        elif name not in OURS[:2]:
            got = subprocess.run([where[name], "--version"], capture_output=True, text=True)
            version[name] = (got.stdout.strip().splitlines() or ["?"])[-1]
    return where, version


def install(name, version):
    venv = CACHE / f"{name}-{version}"
    program = venv / "bin" / name
    if not program.exists():
        say(f"installing {name} {version} into the user's cache (some minutes)")
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            subprocess.run([sys.executable, "-m", "venv", venv], check=True, stdout=subprocess.DEVNULL)
            subprocess.run([venv / "bin" / "pip", "install", "-q", f"{name}=={version}"], check=True,
                           stdout=subprocess.DEVNULL)
    return program if program.exists() else None


# ---- figures ----

@contextlib.contextmanager
def scratch():
    with tempfile.TemporaryDirectory(prefix="ipw-bench-") as folder:
        yield pathlib.Path(folder)


def once(where, name, build, streams, requests, placing, watch=None):
    """One run of one client: its own figures, its CPU, and what the server saw."""
    command, figures = CLIENTS[name]
    between = BETWEEN_MS.get(streams, 5)
    cpu = (0, 1) if placing == "pinned" else (None, None)
    with scratch() as folder:
        server = Server(build, between, cpu[0])
        with server:
            line = command(where, server, streams, requests, folder)
            commands.setdefault(name, shlex.join(map(str, line)).replace(str(folder), "DIR").replace(
                str(build), "BUILD").replace(str(CACHE), "CACHE").replace(server.port, "PORT"))
            before = busy_s()
            got = run(line, folder, cpu[1], watch)
            others = busy_s() - before - got["cpu_s"]
        return {**figures(folder, got["out"], between), "cpu_s": got["cpu_s"], "wall_s": got["wall_s"],
                "others": max(0, others - server.seen["cpu_s"]) / got["wall_s"], "server": server.seen,
                "start_ms": (server.seen["first_ns"] - got["begun_ns"]) * 1e-6,
                "rss_mib": got["watcher"].kib / 1024 if got["watcher"] else None}


def cell(where, name, build, streams, placing, few, many):
    """All figures of one client at one load: the times of the long run, the CPU as a slope of the two."""
    short = once(where, name, build, streams, few, placing, Memory)
    long = once(where, name, build, streams, many, placing)
    true_ms = FIRST_MS + (TOKENS - 1) * BETWEEN_MS[streams]
    least_s = math.ceil(many / streams) * true_ms * 1e-3
    if long["n"] != many:
        say(f"bench/http.py: {name} answered {long['n']} of {many} requests")
    return {"ttft_p50": long["ttft"]["p50"], "ttft_p99": long["ttft"]["p99"], "itl_p50": long["itl"]["p50"],
            "itl_p99": long["itl"]["p99"], "latency": long["latency_ms"] / true_ms, "throughput": long["n"] / many * least_s /
            long["span_s"], "us_per_token": (long["cpu_s"] - short["cpu_s"]) / ((many - few) * TOKENS) * 1e6,
            "rss_mib": short["rss_mib"], "late_p99": long["server"]["late_p99_ms"],
            "server_us": long["server"]["cpu_s"] / long["server"]["frames"] * 1e6, "others": long["others"]}


def attempt(name, figure, *args):
    """None when a client fails: the others go on."""
    try:
        return figure(*args)
    except (RuntimeError, OSError, StopIteration, ValueError, KeyError, IndexError, sqlite3.Error) as e:
        say(f"bench/http.py: {name} has no figure here: {e}")
        return None


def starts(where, name, build, times):
    return statistics.median(once(where, name, build, 1, 1, "unpinned")["start_ms"] for _ in range(times))


def instructions(where, name, build):
    """Per token, by callgrind, as a slope like the CPU; None where there is no valgrind."""
    if name not in ("bare", "ipw") or not shutil.which("valgrind"):
        return None
    counts = []
    for requests in (64, 192):
        with scratch() as folder, Server(build, 5) as server:
            line = CLIENTS[name][0](where, server, 16, requests, folder)
            run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *line], folder)
            log = (folder / "log").read_text()
            counts.append(int(next(l for l in log.splitlines() if "Collected :" in l).split(":")[-1]))
    return (counts[1] - counts[0]) / (128 * TOKENS)


class Growth(threading.Thread):
    """RSS and descriptors of a single process, over time."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.rows, self.over, self.t0 = pid, [], threading.Event(), time.monotonic()
        self.start()

    def run(self):
        while not self.over.wait(1):
            for p in descendants(self.pid)[:1]:
                with contextlib.suppress(OSError):
                    self.rows.append((time.monotonic() - self.t0, field(p, "status", "VmRSS") / 1024,
                                      len(os.listdir(f"/proc/{p}/fd"))))


def soak(where, build, requests):
    """After a fifth of the time as warm-up, and until the last answer: RSS and descriptors, first and last, and the most. What
    comes then, figures over all rows, needs memory for these."""
    with scratch() as folder, Server(build, BETWEEN_MS[64]) as server:
        got = run(ipw_command(where, server, 64, requests, folder), folder, watch=Growth)
        done = ipw_figures(folder, got["out"], BETWEEN_MS[64])
    rows = [r for r in got["watcher"].rows if r[0] <= done["span_s"]]
    warm = rows[len(rows) // 5:]
    return {"requests": done["n"], "seconds": got["wall_s"], "rss_mib": [warm[0][1], warm[-1][1], max(r[1] for r in warm)],
            "descriptors": [warm[0][2], warm[-1][2], max(r[2] for r in warm)], "rows": rows}


# ---- tables ----

ROWS = [("TTFT error, p50, ms", "ttft_p50", "0.2 (64)", 3), ("TTFT error, p99, ms", "ttft_p99", "2 (64)", 3),
        ("ITL error, p50, ms", "itl_p50", "0.2 (64)", 3), ("ITL error, p99, ms", "itl_p99", "2 (64)", 3),
        ("mean latency / true", "latency", "1.01 (64), 1.03 (512)", 4),
        ("mean latency / bare", "latency_bare", "1.01 (64), 1.03 (512)", 4),
        ("throughput / offered", "throughput", "at least 0.99 (64), 0.97 (512)", 4),
        ("CPU per token, us", "us_per_token", "", 2), ("CPU per token / bare", "cpu_bare", "2.0", 2),
        ("CPU per token / spread", "cpu_spread", "", 2),
        ("memory, peak, MiB", "rss_mib", "64 (512)", 1), ("server: lateness p99, ms", "late_p99", "", 3),
        ("server: CPU per token, us", "server_us", "", 2), ("all other programs: CPUs in use", "others", "", 2)]


def number(x, digits):
    return "-" if x is None else f"{x:.{digits}f}"


def table(title, cells, names):
    """cells: name -> figures."""
    bare, spread = cells.get("bare"), cells.get("spread")
    for figures in cells.values():
        figures["latency_bare"] = figures["latency"] / bare["latency"] if bare else None
        figures["cpu_spread"] = figures["us_per_token"] / spread["us_per_token"] if spread else None
        figures["cpu_bare"] = figures["us_per_token"] / bare["us_per_token"] if bare else None
    names = [n for n in names if n in cells]
    print(f"\n### {title}\n\n| figure | bar | {' | '.join(names)} |\n|---|---|{'---|' * len(names)}")
    for label, key, bar, digits in ROWS:
        print(f"| {label} | {bar} | {' | '.join(number(cells[n][key], digits) for n in names)} |")


def machine():
    cpu = next((line.split(":", 1)[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                if line.startswith("model name")), platform.processor())
    return (f"{datetime.date.today()}, {cpu}, {os.cpu_count()} CPUs, Linux {platform.release()}, load at the start "
            f"{os.getloadavg()[0]:.1f}")


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "dev")
    parser.add_argument("--clients", default="bare,spread,ipw,aiperf,guidellm")
    parser.add_argument("--cells", default="64,512")
    parser.add_argument("--placing", default="unpinned,pinned")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--no-callgrind", action="store_true")
    parser.add_argument("--soak-minutes", type=float)
    arg = parser.parse_args()
    build, few, many = arg.build.resolve(), FEW, MANY
    if arg.quick:
        few, many = 600, 1200
    where, version = find(arg.clients.split(","), build)
    names = list(where)
    print(f"{machine()}\n")
    for name in names:
        print(f"- {name}: {version[name]}")
    every = {"machine": machine(), "version": version, "commands": commands}

    for placing in arg.placing.split(","):
        for streams in map(int, arg.cells.split(",")):
            rounds = {name: [] for name in names}
            for _ in range(arg.rounds):
                for name in names:
                    say(f"{placing}, {streams} streams: {name}")
                    got = attempt(name, cell, where, name, build, streams, placing, few, many)
                    rounds[name] += [got] if got else []
            cells = {name: dict(min(got, key=lambda g: g["others"])) for name, got in rounds.items() if got}
            every[f"{placing} {streams}"] = rounds
            table(f"{streams} streams, {BETWEEN_MS[streams]} ms between tokens, {placing}", cells, names)
            sys.stdout.flush()
            if arg.json:
                arg.json.write_text(json.dumps(every, indent=1))

    print(f"\n### Start, and instructions\n\n| figure | bar | {' | '.join(names)} |\n|---|---|{'---|' * len(names)}")
    every["start_ms"] = {n: attempt(n, starts, where, n, build, 5 if n in OURS else 2) for n in names}
    print(f"| start to first request, ms | 30 | {' | '.join(number(every['start_ms'][n], 1) for n in names)} |")
    if not arg.no_callgrind:
        every["instructions"] = {n: attempt(n, instructions, where, n, build) for n in names}
        print(f"| instructions per token | | {' | '.join(number(every['instructions'][n], 0) for n in names)} |")

    if "ipw" in where:
        lengths = [10000 if not arg.quick else 1000]
        if arg.soak_minutes:
            lengths.append(round(arg.soak_minutes * 60 / 0.335) * 64)
        print("\n### Soak at 64 streams\n\n| requests | seconds | RSS, MiB: warm, last, most | descriptors: warm, last, most |"
              "\n|---|---|---|---|")
        every["soak"] = []
        for requests in lengths:
            say(f"soak: {requests} requests")
            got = attempt("ipw", soak, where, build, requests)
            if not got:
                continue
            every["soak"].append(got)
            print(f"| {got['requests']} | {got['seconds']:.0f} | {', '.join(f'{x:.1f}' for x in got['rss_mib'])} | "
                  f"{', '.join(map(str, got['descriptors']))} |", flush=True)
    print("\nCommands (of the first run of each):\n")
    for name, line in commands.items():
        print(f"    {line}")
    if arg.json:
        arg.json.write_text(json.dumps(every, indent=1))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--reap"]:
        reap(sys.argv[2], sys.argv[3:])
    main()
