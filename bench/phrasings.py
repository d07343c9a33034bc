#!/usr/bin/env python3
"""Figures: the official answers of public sets, said in several ways, through ipw's scorers; and wrong answers said in the same
ways. Every right one has to be found, no wrong one.

usage: bench/phrasings.py [--build DIR] [--seed S]

The sets are pulled (ipw dataset pull) into a folder of their own."""
import argparse
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
THOUGHT = "Let me think it through. There are 3 steps and 17 things to look at; it is not simple.\n\n"

LETTER = {
    "line": "Answer: {x}", "sentence": THOUGHT + "The answer is ({x}).", "bold": THOUGHT + "**Answer: {x}**",
    "boxed": THOUGHT + "$\\boxed{{{x}}}$", "alone": "{x}", "with text": THOUGHT + "Answer: {x}. {text}",
    "thinking": "<think>It may be {other}, or not.</think>\nThe correct option is {x}", "tag": "<answer>{x}</answer>",
}
NUMBER = {
    "line": THOUGHT + "Answer: {x}", "hashes": THOUGHT + "#### {x}", "boxed": THOUGHT + "\\[\\boxed{{{x}}}\\]",
    "sentence": THOUGHT + "So the answer is {x}.", "last": THOUGHT + "In all that makes {x}", "dollars": THOUGHT + "Answer: ${x}.00",
    "thinking": "<think>17? No.</think>\nAnswer: **{x}**",
}


def letter_cases(rows, rng):
    for row in rows:
        letters = [chr(65 + i) for i in range(len(row["choices"]))]
        wrong = rng.choice([x for x in letters if x != row["answer"]])
        for right, x, other in ((True, row["answer"], wrong), (False, wrong, row["answer"])):
            for name, form in LETTER.items():
                yield name, right, {"kind": "mcq", "n_choices": len(letters), "choices": row["choices"], "expected": row["answer"],
                                    "response": form.format(x=x, other=other, text=row["choices"][ord(x) - 65])}


def number_cases(rows, rng):
    for row in rows:
        gold = row["answer"].replace(",", "")
        wrong = str(int(gold) + rng.choice([1, -1, 10, 100]))
        for right, x in ((True, row["answer"]), (False, wrong)):
            for name, form in NUMBER.items():
                yield name, right, {"kind": "numeric", "response": form.format(x=x), "expected": gold}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "dev")
    parser.add_argument("--seed", type=int, default=1)
    arg = parser.parse_args()
    ipw = next(p for p in (arg.build / "ipw", arg.build / "ipw-dev") if p.exists())
    rng = random.Random(arg.seed)
    sets = {"gsm8k": number_cases, "arc-challenge": letter_cases, "truthfulqa": letter_cases, "openbookqa": letter_cases,
            "hellaswag": letter_cases, "boolq": letter_cases}
    with tempfile.TemporaryDirectory(prefix="ipw-bench-") as folder:
        env = {**os.environ, "IPW_DATA": folder}
        if subprocess.run([ipw, "dataset", "pull", *sets], env=env, stderr=subprocess.DEVNULL).returncode:
            print("bench/phrasings.py: the sets cannot be pulled here")
            return 0
        print("| set | phrasing | questions | right found | wrong taken for right |\n|---|---|---|---|---|")
        missed = []
        for name, cases_of in sets.items():
            path = next(pathlib.Path(folder).rglob(f"{name}.jsonl"))
            rows = [json.loads(x) for x in path.read_text().splitlines()]
            cases = list(cases_of(rows, rng))
            lines = pathlib.Path(folder) / "cases.jsonl"
            lines.write_text("".join(json.dumps(c) + "\n" for _, _, c in cases))
            got = [json.loads(x)["pass"] for x in
                   subprocess.run([ipw, "score", "--try", lines], capture_output=True, text=True).stdout.splitlines()]
            for form in (LETTER if cases_of is letter_cases else NUMBER):
                found = sum(g for g, (f, right, _) in zip(got, cases, strict=True) if f == form and right)
                wrong = sum(g for g, (f, right, _) in zip(got, cases, strict=True) if f == form and not right)
                print(f"| {name} | {form} | {len(rows)} | {100 * found / len(rows):.2f} % | {100 * wrong / len(rows):.2f} % |")
            missed += [c for g, (_, right, c) in zip(got, cases, strict=True) if g != right]
        for c in missed[:10]:
            print(json.dumps(c))
    return 0


if __name__ == "__main__":
    sys.exit(main())
