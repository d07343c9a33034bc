#!/usr/bin/env bash
# The real servers that the HTTP engines are tested against can be had, and answer as the fakes of tests/fakes do.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

model=$(smollm2)
url=$(start_llama_server "$model" -c 2048 --parallel 1)
IPW_SERVER_LOG=$work/second.log
other=$(start_xllamacpp "$model")
fake=0
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY

ask='{"model":"tiny","stream":true,"stream_options":{"include_usage":true},"max_tokens":4,"temperature":0,
      "messages":[{"role":"user","content":"What is the capital of France?"}]}'
frames() { # URL: its frames, one a line, without [DONE]
    curl -sN --max-time 60 "$1/v1/chat/completions" -H 'Content-Type: application/json' -d "$ask" | sed -n 's/^data: {/{/p'
}

for server in "$url" "$other"; do
    frames "$server" >"$work/frames"
    json "$work/frames" 'select(.usage) | .usage.completion_tokens' 4
    json "$work/frames" 'select(.timings) | .timings.predicted_n' 4
    json "$work/frames" '[.choices[0].delta.role // empty] | .[]' assistant
    json "$work/frames" '.choices[0].finish_reason // empty' length
done
curl -s "$url/v1/models" >"$work/out"
json "$work/out" '.data[0].owned_by' llamacpp
