#!/usr/bin/env python3
"""A server that draws its answers, in OpenAI's dialect and Ollama's: draw_server.py PORT LOG [SECONDS].

A question ends in "draw: WORD WORD ..."; the seed picks one of the words, temperature 0 takes the first. The word "silent" is
an answer that holds none, "fail" is a 500. Each answer
takes SECONDS.
"""
import hashlib
import sys
import time

from chat_server import serve


def reply(asked):
    words = asked["prompt"].split("draw: ")[1].split("\n")[0].split()
    drawn = int(hashlib.sha256(("%s %s" % (asked["prompt"], asked["seed"])).encode()).hexdigest(), 16) % len(words)
    said = words[drawn if asked["temperature"] else 0]
    if len(sys.argv) > 3:
        time.sleep(float(sys.argv[3]))
    return (500, "fail") if said == "fail" else (200, "I would rather not say." if said == "silent" else "Answer: %s" % said)


if __name__ == "__main__":
    serve(reply)
