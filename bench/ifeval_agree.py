#!/usr/bin/env python3
"""Figures: do ipw's IFEval checks decide as the published ones? Thousands of made answers for each instruction, and every
difference.

usage: bench/ifeval_agree.py [--build DIR] [--cases N] [--seed S]

The published checkers are those that the PyPI package if-verifiable carries, in a virtual environment under the user's cache;
where pip cannot install it, the script says so and ends. Languages, sentences and tokens are left out: there the reference
has trained models, whose data is not in the package, and verdicts that change from run to run."""
import argparse
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

VERSION = "0.1.2"
ROOT = pathlib.Path(__file__).resolve().parent.parent
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "ipw" / "bench"

ORACLE = """
import contextlib, io, json, sys
with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
    from if_verifiable.ifeval.instructions_registry import INSTRUCTION_DICT
for line in open(sys.argv[1]):
    case = json.loads(line)
    checker = INSTRUCTION_DICT[case["id"]](case["id"])
    checker.build_description(**case["kwargs"])
    try:
        verdict = bool(case["response"].strip() and checker.check_following(case["response"]))
    except Exception as e:
        verdict = repr(e)
    print(json.dumps(verdict))
"""

# What answers are made of: what each check looks for, and what nearly is it.
PIECES = {
    "length_constraints:number_paragraphs": ["***", " *** ", "\n***\n", "****", "word", " ", "\n\n", "** *"],
    "length_constraints:number_words": ["word", " ", "don't", "well-known", "_x", "3.14", "\u00e9t\u00e9", "\u4f60\u597d", "\n", "--"],
    "length_constraints:nth_paragraph_first_word": ["\n\n", "\n", "Hello", "hello,", "'hello", "\"Hello", " ", "world", "''\"hello"],
    "detectable_content:number_placeholders": ["[", "]", "[name]", "[]", "\n", "x", "[[a]", "[a\nb]"],
    "detectable_content:postscript": ["P.S.", "p. s.", "P.P.S", "P.P.S.", "p.p. s", "PS", "\n", "text ", "P.\nS.", "p.p s"],
    "detectable_format:number_bullet_lists": ["* a", "- b", "\n", "** c", "*", "-", " ", "---", "\n\n", "*\n", "\t* d", "-\n"],
    "detectable_format:constrained_response": ["My answer is yes.", "My answer is no.", "my answer is yes.", "My answer is maybe",
                                               ".", "\n", "x"],
    "detectable_format:number_highlighted_sections": ["*", "**", "a", "\n", " ", "*b*", "**c**", "* *", "***d***"],
    "detectable_format:multiple_sections": ["SECTION 1", "SECTION", "Section 2", "\n", "SECTION 12 ", "SECTION  3", " ", "PART 1"],
    "detectable_format:json_format": ["{", "}", "\"a\"", ":", "1", "[", "]", ",", "```json", "```", "\n", "null", "NaN", "```JSON"],
    "detectable_format:title": ["<<", ">>", "<", ">", "title", "\n", " ", "<<a>>", "<< >>"],
    "combination:two_responses": ["******", "a", "b", "\n", " ", "*****", "*"],
    "combination:repeat_prompt": ["Write a poem.", "write A POEM.", " ", "\n", "Sure! ", "x"],
    "startend:end_checker": ["The end.", "the END.", "\"", " ", "\n", "bye", "'"],
    "startend:quotation": ["\"", "'", "\u201c", "a", " ", "\n"],
    "keywords:existence": ["apple", "KIWI", "pine", " ", "kiwi", "\n", "app", "le"],
    "keywords:frequency": ["apple", "Apple", "pineapple", " ", "appleapple", "\n"],
    "keywords:forbidden_words": ["cat", "CAT", "con", "_", "s", " ", "-", "'", "\u00e9", "\n"],
    "keywords:letter_frequency": ["a", "A", "b", "\u00e4", " ", "aa", "\n"],
    "punctuation:no_comma": [",", "\uff0c", "\u3001", "a", " ", ";"],
}


def kwargs(rng, name):
    few = rng.randint(1, 4)
    relation = rng.choice(["less than", "at least"])
    return {
        "length_constraints:number_paragraphs": {"num_paragraphs": few},
        "length_constraints:number_words": {"num_words": few + 2, "relation": relation},
        "length_constraints:nth_paragraph_first_word": {"num_paragraphs": few, "nth_paragraph": rng.randint(1, few),
                                                        "first_word": rng.choice(["hello", "Hello", "world"])},
        "detectable_content:number_placeholders": {"num_placeholders": few},
        "detectable_content:postscript": {"postscript_marker": rng.choice(["P.S.", "P.P.S"])},
        "detectable_format:number_bullet_lists": {"num_bullets": few},
        "detectable_format:number_highlighted_sections": {"num_highlights": few},
        "detectable_format:multiple_sections": {"section_spliter": rng.choice(["SECTION", "PART"]), "num_sections": few},
        "combination:repeat_prompt": {"prompt_to_repeat": "Write a poem."},
        "startend:end_checker": {"end_phrase": "The end."},
        "keywords:existence": {"keywords": ["apple", "kiwi"]},
        "keywords:frequency": {"keyword": "apple", "frequency": few, "relation": relation},
        "keywords:forbidden_words": {"forbidden_words": ["cat", "kiwi"]},
        "keywords:letter_frequency": {"letter": "a", "let_frequency": few, "let_relation": relation},
    }.get(name, {})


def oracle():
    venv = CACHE / f"if-verifiable-{VERSION}"
    if not (venv / "bin" / "python").exists():
        print(f"installing if-verifiable {VERSION} into the user's cache", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", venv], check=True, stdout=subprocess.DEVNULL)
    if subprocess.run([venv / "bin" / "pip", "install", "-q", f"if-verifiable=={VERSION}"], stdout=subprocess.DEVNULL).returncode:
        return None
    return venv / "bin" / "python"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "dev")
    parser.add_argument("--cases", type=int, default=2000, help="answers for each instruction (2000)")
    parser.add_argument("--seed", type=int, default=1)
    arg = parser.parse_args()
    python = oracle()
    if not python:
        print("bench/ifeval_agree.py: if-verifiable cannot be installed here")
        return 0
    ipw = next(p for p in (arg.build / "ipw", arg.build / "ipw-dev") if p.exists())
    rng = random.Random(arg.seed)
    cases = [{"kind": "ifeval", "id": name, "kwargs": kwargs(rng, name),
              "response": "".join(rng.choice(pieces) for _ in range(rng.randint(1, 9))), "expected": True}
             for name, pieces in PIECES.items() for _ in range(arg.cases)]
    with tempfile.TemporaryDirectory(prefix="ipw-bench-") as folder:
        path = pathlib.Path(folder) / "cases.jsonl"
        path.write_text("".join(json.dumps(c) + "\n" for c in cases))
        ours = [json.loads(x)["result"]["expected"] for x in
                subprocess.run([ipw, "score", "--try", path], capture_output=True, text=True).stdout.splitlines()]
        theirs = [json.loads(x) for x in subprocess.run([python, "-c", ORACLE, path], capture_output=True, text=True,
                                                       check=True).stdout.splitlines()]
    print(f"if-verifiable {VERSION}, seed {arg.seed}, {arg.cases} answers each\n\n| instruction | held | agreed |\n|---|---|---|")
    shown = {}
    for name in PIECES:
        rows = [(o, t, c) for o, t, c in zip(ours, theirs, cases, strict=True) if c["id"] == name]
        differ = [(o, t, c) for o, t, c in rows if o != t]
        print(f"| {name} | {sum(t is True for _, t, _ in rows)} | {100 * (1 - len(differ) / len(rows)):.2f} % |")
        shown[name] = differ
    for name, differ in shown.items():
        for o, t, c in differ[:5]:
            print(f"\n{name}: ipw {o}, reference {t}: {json.dumps(c['kwargs'])} {json.dumps(c['response'])}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
