#!/usr/bin/env bash
# A real model on real questions: estimated, then measured under a FUSE powercap tree.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
model=$(smollm2)

run 0 "$IPW" profile -m "$model" --threads 1 -n 6 --output-dir "$work/runs" --energy estimated
shows "questions right on this machine"
shows "~ estimated"
awk 'length > 80 && !/runs/ { exit 1 }' "$work/out" || fail "the screen is wider than 80 columns"
r=$(the_run "runs")
json "$r/summary.json" .schema ipw.summary/1
json "$r/summary.json" .complete true
json "$r/summary.json" .dataset.n 6
json "$r/summary.json" .energy.source estimated
json "$r/summary.json" '.accuracy.n' 6
json "$r/summary.json" '[.ipj.component.meter_lo, .ipj.component.meter_hi] | map(. > 0) | all' true
json "$r/analysis/accuracy.json" '.summary.total_scored' 6
[ "$(wc -l <"$r/queries.jsonl")" = 6 ] || fail "queries.jsonl has not 6 lines"
json "$r/queries.jsonl" 'select(.energy_j == null or .energy_j <= 0) | .query_id' ""
[ "$(sql "$r" 'SELECT count(*) FROM question')" = 6 ] || fail "6 questions were to be stored"
[ "$(sql "$r" 'SELECT count(*) FROM query WHERE t_send IS NULL OR t_end < t_send OR t_first < t_send')" = 0 ] ||
    fail "stamps out of order"

# the stored prompt is what the model's own template makes of the question
[[ $(sql "$r" "SELECT prompt FROM text LIMIT 1") == *'<|im_start|>system'* ]] || fail "SmolLM2's template adds a system prompt"

run 0 "$IPW" analyze accuracy "$r" -o json
json "$work/out" .summary.total_scored 6
run 0 "$IPW" analyze "$r" -o csv
shows "accuracy_pct"
run 0 "$IPW" analyze accuracy "$r" "$r" -o md
shows "| model |"

# greedy answers do not depend on the order or on what was asked before
run 0 "$IPW" profile -m "$model" --threads 1 -n 6 --seed 9 --output-dir "$work/again" --energy none --warmup-request-count 0
s=$(the_run "again")
[ "$(sql "$r" 'SELECT group_concat(answer, x) FROM (SELECT answer, char(1) x FROM text JOIN query ON query = id ORDER BY query_id)')" = \
  "$(sql "$s" 'SELECT group_concat(answer, x) FROM (SELECT answer, char(1) x FROM text JOIN query ON query = id ORDER BY query_id)')" ] ||
    fail "the same questions in another order got other answers"
json "$s/summary.json" .energy.source none
json "$s/summary.json" .ipj.component.est null

# shards are disjoint and whole
for i in 0 1 2; do
    run 0 "$IPW" profile -m "$model" --threads 1 -n 7 --shard $i/3 --max-tokens 2 --output-dir "$work/shards" --energy none
done
[ "$(cat "$work"/shards/*/queries.jsonl | jq -r .query_id | sort -u | wc -l)" = 7 ] || fail "3 shards of 7 are not 7"
[ "$(cat "$work"/shards/*/queries.jsonl | wc -l)" = 7 ] || fail "shards overlap"

# a prompt longer than the context: that query gets a status, the run goes on; unbuilt scorers are asked and unscored
{
    printf '{"id":"long","question":"%s","answer":"x"}\n' "$(head -c 3000 </dev/zero | tr '\0' 'a' | sed 's/a/word /g')"
    echo '{"id":"ok","question":"What is the capital of France?","answer":"Paris","scorer":"contains"}'
    echo '{"id":"later","type":"instruction","question":"Write one line.","instruction_id_list":[],"kwargs":[]}'
} >"$work/q.jsonl"
run 1 "$IPW" profile -m "$model" --threads 1 --dataset "$work/q.jsonl" --ctx 256 --max-tokens 16 --output-dir "$work/long"
says "1 question failed"
s=$(the_run "long")
json "$s/queries.jsonl" 'select(.query_id == "long") | "\(.status) \(.reason) \(.n_out) \(.energy_j)"' "error prompt_too_long 0 null"
json "$s/queries.jsonl" 'select(.query_id == "later") | "\(.score) \(.correct) \(.energy_j > 0)"' "unscored null true"
json "$s/summary.json" .accuracy.n 2

# measured: a live counter tree, joules against the closed form
powercap --low 20
run 0 "$IPW" profile -m "$model" --threads 1 -n 4 --max-tokens 48 --ignore-eos --output-dir "$work/measured" --energy measured
shows "measured"
shows "(RAPL). Not metered: display"
shows "Idle was"
s=$(the_run "measured")
json "$s/summary.json" .energy.signature "component(cpu_package+dram)"
json "$s/queries.jsonl" 'select(.energy_status != "measured") | .query_id' ""
"$IPW_BUILD/bench/bench_truth" "$s" "$epoch" >"$work/truth"
awk '/error per query/ && $5 > 2 { exit 1 }' "$work/truth" || fail "joules are off: $(cat "$work/truth")"
# 5 s each: before the model (low half of the square wave or high, at random), with it, after the last answer
[ "$(sql "$s" "SELECT group_concat(kind || ' ' || round((t1_ns - t0_ns) / 1e9)) FROM baseline")" = "cold 5.0,loaded 5.0,after 5.0" ] ||
    fail "baselines: $(sql "$s" "SELECT group_concat(kind || ' ' || (t1_ns - t0_ns)) FROM baseline")"
json "$s/summary.json" '[.energy.idle_w.component, .energy.idle_cold_w.component, .energy.idle_after_w.component] | map(. > 22 and . < 68) | all' true
json "$s/summary.json" '[.energy.members[] | .source] | unique | join(",")' powercap

# the same joules again from the stored readings, to the last digit
cp "$s/queries.jsonl" "$work/before.jsonl"
run 0 "$IPW" reattribute "$s" -o json
json "$work/out" '.[0] | .before_j == .after_j and .after_n == 4' true
cmp "$work/before.jsonl" "$s/queries.jsonl" || fail "reattribute gave other figures"
run 2 "$IPW" reattribute "$work/nowhere"
run 0 "$IPW" sensors -o json
json "$work/out" '.schema + " " + .signature' "ipw.sensors/1 component(cpu_package+dram)"
json "$work/out" '[.channels[] | keys | length] | unique | join(",")' 13
