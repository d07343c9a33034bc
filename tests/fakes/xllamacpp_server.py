"""xllamacpp_server.py MODEL PORT [THREADS]: a second OpenAI-compatible server around llama.cpp, for tests. Port 0: a free
one. Prints its URL when it can be asked, and serves until it is killed."""

import signal
import socket
import sys

import xllamacpp

model, port, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 1
if not port:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
params = xllamacpp.CommonParams()
params.model.path, params.port = model, port  # on 127.0.0.1
params.n_ctx, params.n_parallel = 4096, 2
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
signal.pause()
