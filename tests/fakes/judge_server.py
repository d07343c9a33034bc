#!/usr/bin/env python3
"""An OpenAI-compatible server that answers and judges, with known ground truth: judge_server.py PORT LOG.

A prompt without fences is a question "say TEXT", answered by TEXT. One with fences is judged: by the reference, correct if the
answer is the reference; of two, the longer answer is better. Words of the question make it misbehave:
  wrongly   the opposite verdict          slow      the form is kept only in the second reply
  never     no verdict at all             down      503
  biased    always prefers A              think     reasoning with another verdict in it comes first
"""
import re

from chat_server import serve


def parts(prompt):
    return {m[0]: m[2] for m in re.findall(r"^BEGIN (\w+(?: \w)?) ([0-9a-f]{12})\n(.*?)\nEND \1 \2$", prompt, re.S | re.M)}


def verdict(p):
    if "answer" in p:
        word = "not_attempted" if "do not know" in p["answer"] else "yes" if p["answer"] == p["reference"] else "no"
        if "wrongly" in p["question"]:
            word = "no" if word == "yes" else "yes"
        return "It says so.\n**correct:** " + word
    a, b = len(p["answer A"]), len(p["answer B"])
    if "biased" in p["request"]:
        return "My verdict: [[A>B]]"
    return "A has %d, B has %d: [[%s]]" % (a, b, "A=B" if a == b else "A>>B" if a > 2 * b else "A>B" if a > b else "B>A")


def reply(asked):
    prompt = asked["prompt"]
    p = parts(prompt)
    if not p:
        said = re.search(r"say (.*)", prompt)
        return 200, said.group(1) if said else "yes"
    question = p.get("question", p.get("request", ""))
    if "down" in question:
        return 503, ""
    if "never" in question:
        return 200, "I think that the answer is correct, yes."
    if "slow" in question and "Remember" not in prompt:
        return 200, "Yes."
    if "think" in question:
        return 200, "<think>correct: no\n[[B>A]]</think>\n" + verdict(p)
    return 200, verdict(p)


if __name__ == "__main__":
    serve(reply)
