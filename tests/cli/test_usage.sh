#!/usr/bin/env bash
# Bad input: the error names the thing and the way out, with the exit code of decisions.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

run 0 "$IPW" version
shows "(C)"
run 0 "$IPW" help
shows "usage: ipw COMMAND"
run 0 "$IPW" --help
awk 'length > 80 { exit 1 }' "$work/out" || fail "the help is wider than 80 columns"
run 0 "$IPW" help profile
shows "--max-queries"
awk 'length > 80 { exit 1 }' "$work/out" || fail "the help of profile is wider than 80 columns"
run 2 "$IPW" profiel
says "did you mean 'profile'?"
run 2 "$IPW" profile --max-querys 3
says "did you mean '--max-queries'?"
run 2 "$IPW" profile -n 0 -m x
says "a whole number from 1"
run 2 "$IPW" profile -m
says "needs a value"
run 2 "$IPW" profile
says "which model?"
run 2 "$IPW" profile -m "$work/none.gguf"
says "'$work/none.gguf'"
run 2 "$IPW" profile -m x --client vllm
says "no engine 'vllm'"
run 2 "$IPW" profile -m /etc/passwd --shard 3/3
says "--shard 3/3"
run 2 "$IPW" profile -m /etc/passwd --dataset startr --output-dir "$work/runs"
says "did you mean 'starter'?"
run 2 "$IPW" profile -m /etc/passwd --energy lots --output-dir "$work/runs"
says "'--energy lots'"
run 2 "$IPW" profile --resume "$work/none"
says "no run folder '$work/none'"
run 2 "$IPW" profile --resume "$work/none" --seed 3
says "takes '--seed' from the run"
run 2 "$IPW" analyze accuracy "$work/none"
says "no run folder"
run 2 "$IPW" analyze acuracy
says "ipw analyze accuracy RUN"
run 2 "$IPW" analyze "$work" -o xml
says "-o takes table, json, csv, md"
run 2 "$IPW" score
says "--try FILE.jsonl"

# models that are none
printf 'not a model' >"$work/text.gguf"
run 2 "$IPW" profile -m "$work/text.gguf" --output-dir "$work/runs"
says "is not a GGUF file"
[ -z "$(ls "$work/runs" 2>/dev/null)" ] || fail "an empty run folder was left behind"
model=$(smollm2)
head -c 40000000 "$model" >"$work/cut.gguf"
run 2 "$IPW" profile -m "$work/cut.gguf" --output-dir "$work/runs"
says "is truncated"
head -c 2000 "$model" >"$work/header.gguf"
run 2 "$IPW" profile -m "$work/header.gguf" --output-dir "$work/runs"
says "is truncated"

# nothing to measure with: exit 3 and the way out
mkdir "$work/nosys"
run 3 env IPW_SYSFS_ROOT="$work/nosys" "$IPW" profile -m "$model" --energy measured --output-dir "$work/runs"
says "--energy estimated"
run 0 env IPW_SYSFS_ROOT="$work/nosys" "$IPW" sensors
shows "estimate:cpu:load"
shows "E_"
awk 'length > 80 && !/^      / { exit 1 }' "$work/out" || fail "ipw sensors is wider than 80 columns, and not by a command"

# question files
dataset() { # TEXT
    printf '%s' "$1" >"$work/q.jsonl"
    run 2 "$IPW" profile -m "$model" --dataset "$work/q.jsonl" --output-dir "$work/runs"
}
dataset ''
says "q.jsonl'"
dataset '{"id":"a","question":"x?","answer":"y"}
{broken'
says "line 2"
dataset '{"question":"x?"}'
says "line 1"
says "id"
dataset '{"id":"a","question":"x?","answer":"y"}
{"id":"a","question":"z?","answer":"y"}'
says "line 2"
dataset '{"id":"a","type":"mcq","question":"x?","choices":["1","2"],"answer":"C"}'
says "line 1"
run 2 "$IPW" profile -m "$model" --dataset "$work/absent.jsonl" --output-dir "$work/runs"
says "absent.jsonl"

# a folder that cannot be written
touch "$work/file"
run 3 "$IPW" profile -m "$model" --output-dir "$work/file/runs"
says "--output-dir"
[ -z "$(ls "$work/runs" 2>/dev/null)" ] || fail "an empty run folder was left behind"

# --sysfs, before or after the command, never of the command that measure starts
mkdir -p "$work/host/class/powercap/intel-rapl:0"
printf 'package-0\n' >"$work/host/class/powercap/intel-rapl:0/name"
printf '123\n' >"$work/host/class/powercap/intel-rapl:0/energy_uj"
printf '262143328850\n' >"$work/host/class/powercap/intel-rapl:0/max_energy_range_uj"
run 0 "$IPW" sensors --sysfs "$work/host"
shows "rapl:intel-rapl:0"
run 0 "$IPW" --sysfs="$work/host" sensors
shows "rapl:intel-rapl:0"
run 0 "$IPW" measure -- echo --sysfs /nowhere
shows "--sysfs /nowhere"
run 2 "$IPW" sensors --sysfs "$work/nowhere"
says "'--sysfs $work/nowhere'"
