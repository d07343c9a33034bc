#!/usr/bin/env bash
# Figure: attribution error per query of a real model's run under the FUSE powercap tree (square wave 20/64 W that knows
# nothing of the queries), read in real time beside the engine, queries of about 3 s.
# usage: bench/fidelity.sh BUILD MODEL.gguf [QUERIES [TOKENS]]
set -euo pipefail
build=$1 model=$2 queries=${3:-40} tokens=${4:-400}
work=$(mktemp -d)
mkdir "$work/sys"
"$build/tests/fakes/fake_powercap" "$work/sys" >"$work/ready" &
fake=$!
trap 'kill $fake 2>/dev/null || true; wait $fake 2>/dev/null || true; rm -rf "$work"' EXIT
until grep -q ready "$work/ready"; do sleep 0.1; done
for i in $(seq "$queries"); do
    printf '{"id":"q%d","type":"none","question":"Write a long story about number %d."}\n' "$i" "$i"
done >"$work/q.jsonl"
IPW_SYSFS_ROOT=$work/sys "$build"/ipw-dev profile -m "$model" --dataset "$work/q.jsonl" --output-dir "$work/runs" \
    --energy measured --baseline none --ignore-eos --max-tokens "$tokens" >"$work/screen" 2>&1 || { cat "$work/screen"; exit 3; }
run=("$work"/runs/*)
"$build/bench/bench_truth" "${run[0]}" "$(cat "$work/sys/truth_epoch")"
