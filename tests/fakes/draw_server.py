#!/usr/bin/env python3
"""A server that draws its answers, in OpenAI's dialect and Ollama's: draw_server.py PORT LOG [SECONDS].

A question ends in "draw: WORD WORD ..."; the seed picks one of the words, temperature 0 takes the first. The word "silent" is
an answer that holds none, "fail" is a 500. LOG has a line per question: {"prompt", "seed", "temperature", "said"}. Each answer
takes SECONDS.
"""
import hashlib
import http.server
import json
import socketserver
import sys
import time


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_GET(self):
        if self.path == "/api/tags":
            self.send(200, {"models": [{"name": "tiny:latest", "digest": "0" * 64, "size": 1}]})
        elif self.path == "/api/version":
            self.send(200, {"version": "0.0.0"})
        else:
            self.send(200, {"data": [{"id": "tiny"}]})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if "messages" not in body:
            self.send(200, {})
            return
        ollama = self.path.startswith("/api/")
        options = body.get("options", {}) if ollama else body
        prompt, seed = body["messages"][-1]["content"], options.get("seed")
        words = prompt.split("draw: ")[1].split("\n")[0].split()
        drawn = int(hashlib.sha256(("%s %s" % (prompt, seed)).encode()).hexdigest(), 16) % len(words)
        said = words[drawn if options.get("temperature") else 0]
        if len(sys.argv) > 3:
            time.sleep(float(sys.argv[3]))
        with open(sys.argv[2], "a") as log:
            print(json.dumps({"prompt": prompt, "seed": seed, "temperature": options.get("temperature"), "said": said}), file=log)
        if said == "fail":
            self.send(500, {"error": {"message": "out of order"}})
            return
        text = "I would rather not say." if said == "silent" else "Answer: %s" % said
        if ollama:
            self.send(200, {"model": "tiny", "message": {"role": "assistant", "content": text}, "done": True,
                            "done_reason": "stop", "eval_count": 3, "prompt_eval_count": 5})
        else:
            self.send(200, {"id": "x", "object": "chat.completion", "model": "tiny",
                            "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
                            "usage": {"prompt_tokens": 5, "completion_tokens": 3}})

    def send(self, status, value):
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True


if __name__ == "__main__":
    with Server(("127.0.0.1", int(sys.argv[1])), Handler) as server:
        print("http://127.0.0.1:%d" % server.server_address[1], flush=True)
        server.serve_forever()
