#!/usr/bin/env python3
"""Figure: decode tokens/s of `ipw profile` / `llama-bench` (same source, same threads), alternating pairs in one run.

usage: bench/decode.py IPW LLAMA_BENCH MODEL.gguf [PAIRS [THREADS]]

Prints the median ratio with its distribution-free 95 % interval (order statistics, binomial)."""
import json
import math
import pathlib
import sqlite3
import statistics
import subprocess
import sys
import tempfile

TOKENS, REPEATS = 128, 3


def ipw(program, model, threads, folder):
    questions = pathlib.Path(folder, "q.jsonl")
    with questions.open("w") as f:
        for i in range(REPEATS):
            f.write(json.dumps({"id": f"q{i}", "type": "none", "question": "Hi"}) + "\n")
    out = tempfile.mkdtemp(dir=folder)
    subprocess.run([program, "profile", "-m", model, "--dataset", questions, "--output-dir", out, "--energy", "none",
                    "--ignore-eos", "--max-tokens", str(TOKENS), "--threads", str(threads), "--no-chat-template"],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    db = next(pathlib.Path(out).glob("*/run.db"))
    rows = sqlite3.connect(db).execute("SELECT n_out, t_last - t_first FROM query").fetchall()
    return statistics.mean((n - 1) / (t * 1e-9) for n, t in rows)


def llama_bench(program, model, threads):
    out = subprocess.run([program, "-m", model, "-p", "0", "-n", str(TOKENS), "-r", str(REPEATS), "-t", str(threads),
                          "-o", "json"], check=True, capture_output=True).stdout
    return json.loads(out)[0]["avg_ts"]


def interval(x):
    """Largest k with P(Binomial(n, 1/2) < k) <= 2.5 %: the k-th smallest and largest bound the median."""
    n, k, below = len(x), 0, 0.0
    while below + math.comb(n, k) / 2**n <= 0.025:
        below += math.comb(n, k) / 2**n
        k += 1
    x = sorted(x)
    return (x[k - 1], x[n - k]) if k else (float("nan"), float("nan"))


def main():
    program, bench, model = sys.argv[1:4]
    pairs = int(sys.argv[4]) if len(sys.argv) > 4 else 20
    threads = int(sys.argv[5]) if len(sys.argv) > 5 else 2
    ratios, ours, theirs = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        for i in range(pairs):
            if i % 2:
                a, b = ipw(program, model, threads, folder), llama_bench(bench, model, threads)
            else:
                b, a = llama_bench(bench, model, threads), ipw(program, model, threads, folder)
            ours.append(a)
            theirs.append(b)
            ratios.append(a / b)
            print(f"pair {i + 1:2}: ipw {a:7.2f}  llama-bench {b:7.2f} tokens/s  ratio {a / b:.4f}", file=sys.stderr)
    lo, hi = interval(ratios)
    print(f"{pathlib.Path(model).name}: ipw {statistics.median(ours):.1f} tokens/s, llama-bench "
          f"{statistics.median(theirs):.1f}, {pairs} pairs: median ratio {statistics.median(ratios):.4f} "
          f"(95 %: {lo:.4f} to {hi:.4f})")


main()
