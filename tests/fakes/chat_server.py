"""What the servers of this folder that answer in Python share: HTTP, OpenAI's dialect and Ollama's.

serve(reply): reply gets {"prompt", "seed", "temperature"} and gives a status and the answer's text. The first two arguments of the
program are PORT (0: a free one) and LOG, which gets a line per question: what reply got, and what it gave as "said".
"""
import http.server
import json
import socketserver
import sys

GETS = {"/api/tags": {"models": [{"name": "tiny:latest", "digest": "0" * 64, "size": 1}]}, "/api/version": {"version": "0.0.0"}}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_GET(self):
        self.send(200, GETS.get(self.path, {"data": [{"id": "tiny"}]}))

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if "messages" not in body:
            self.send(200, {})
            return
        ollama = self.path.startswith("/api/")
        options = body.get("options", {}) if ollama else body
        question = {"prompt": body["messages"][-1]["content"], "seed": options.get("seed"), "temperature": options.get("temperature")}
        status, text = self.server.reply(question)
        with open(sys.argv[2], "a") as log:
            print(json.dumps(dict(question, said=text)), file=log)
        message = {"role": "assistant", "content": text}
        n_in, n_out = len(question["prompt"].split()), len(text.split())
        if status != 200:
            self.send(status, {"error": {"message": "out of order"}})
        elif ollama:
            self.send(200, {"model": "tiny", "message": message, "done": True, "done_reason": "stop", "eval_count": n_out,
                            "prompt_eval_count": n_in})
        else:
            self.send(200, {"id": "x", "object": "chat.completion", "model": "tiny",
                            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                            "usage": {"prompt_tokens": n_in, "completion_tokens": n_out}})

    def send(self, status, value):
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True


def serve(reply):
    with Server(("127.0.0.1", int(sys.argv[1])), Handler) as server:
        server.reply = reply
        print("http://127.0.0.1:%d" % server.server_address[1], flush=True)
        server.serve_forever()
