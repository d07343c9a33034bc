#!/usr/bin/env bash
# ipw profile --samples: K answers to each question, by other seeds; pass@k, maj@k, subjects; kill and resume among the samples.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
url=$(start_server '^http://[^ ]+' python3 "$IPW_SOURCE/tests/fakes/draw_server.py" 0 "$work/asked")
quiet=(--energy none --baseline none --output-dir "$work/runs" --warmup-request-count 0)
openai=("$IPW" profile --client openai --client-base-url "$url/v1" -m tiny "${quiet[@]}")
one_run() { rm -rf "${work:?}/$1" && mv "$work"/runs/* "$work/$1"; }
by_hand() { python3 "$IPW_SOURCE/tests/cli/samples.py" "$1" || fail "another calculation gives other figures"; }

# questions whose answers are sometimes right, unreadable, tied, failed; three subjects and one without
draws=("A B" "A A B" "A B C" "B" "A" "A silent" "silent" "A B B" "A A A D" "A C D" "B C" "A fail")
: >"$work/q.jsonl"
for i in $(seq 12); do
    subject=$([ $((i % 4)) = 0 ] || echo "\"subject\":\"s$((i % 4))\",")
    printf '{"id":"q%d","type":"mcq",%s"question":"Question %d. draw: %s","choices":["one","two","three","four"],"answer":"A"}\n' \
        "$i" "$subject" "$i" "${draws[$((i % 12))]}" >>"$work/q.jsonl"
done

run 0 "${openai[@]}" --dataset "$work/q.jsonl" --samples 5 --temperature 0.7 --allow-failures 99
says "60 answers to questions of q, 5 to each"
! grep -q "at temperature 0" "$work/err" || fail "a warning without a reason"
shows "5 to each question"
shows "pass@5"
shows "maj@5"
one_run five
by_hand "$work/five"
[ "$(wc -l <"$work/asked")" = 60 ] || fail "not 60 requests"
[ "$(jq -s 'map(.seed) | unique | length' "$work/asked")" = 60 ] || fail "a seed twice"
json "$work/five/summary.json" .dataset.n 60
json "$work/five/summary.json" .settings.samples 5
json "$work/five/summary.json" '.samples | "\(.questions) \(.answers) \(.pass_at | keys | join(","))"' "12 60 1,2,4,5"
json "$work/five/summary.json" '[.domains[].domain] | map(. // "none") | join(",")' none,s1,s2,s3

# the same plan asks the same in the same order: all questions once, then all again
mv "$work/asked" "$work/asked.1"
run 0 "${openai[@]}" --dataset "$work/q.jsonl" --samples 5 --temperature 0.7 --allow-failures 99
cmp "$work/asked" "$work/asked.1" || fail "another order, or other seeds"
[ "$(head -n 12 "$work/asked" | jq -s 'map(.prompt) | unique | length')" = 12 ] || fail "a question twice in the first round"
rm -rf "$work/runs"

# a table of many subjects, and of runs beside each other, fits a terminal
run 0 "$IPW" analyze "$work/five"
shows "(none)"
shows "Each subject counting alike"
run 0 "${openai[@]}" --dataset "$work/q.jsonl" --allow-failures 99
one_run one
json "$work/one/summary.json" .samples.k 1
json "$work/one/summary.json" .settings.samples null
run 0 "$IPW" analyze "$work/five" "$work/one"
shows "right % (95 %) of n"
awk 'length > 80' "$work/out" | grep . && fail "wider than 80 columns"
run 0 "$IPW" analyze "$work/five" -o md
shows "| subject | n |"
run 0 "$IPW" compare "$work/one" "$work/five" # paired by question
shows "A question counts by the mean of its answers"
shows "points, 95 %"
run 0 "$IPW" compare "$work/one" "$work/five" -o json
json "$work/out" '"\(.n) \(.accuracy.p_method) \(.accuracy.mcnemar_mid_p) \([.domains[].n] | add)"' "12 paired t null 12"
json "$work/out" '.b.accuracy.est - '"$(jq .accuracy.est "$work/five/summary.json")"' | fabs < 1e-9' true

# Ollama's dialect
mv "$work/asked" "$work/asked.2"
run 0 "$IPW" profile --client ollama --client-base-url "$url" -m tiny "${quiet[@]}" --dataset "$work/q.jsonl" --samples 3 \
    --temperature 0.7 --concurrency 4 --allow-failures 99
one_run ollama
by_hand "$work/ollama"
[ "$(jq -s 'map(.seed) | unique | length' "$work/asked")" = 36 ] || fail "a seed twice, or none"

# scored again: the samples stay apart
cp -r "$work/five" "$work/again"
run 0 "$IPW" score "$work/again" --scorer contains
shows ", sample "
run 0 "$IPW" score "$work/again" --scorer own
by_hand "$work/again"

# what does not go with it
run 2 "${openai[@]}" --dataset "$work/q.jsonl" --samples 2 --request-count 9
says "'--request-count'"
run 2 "${openai[@]}" --dataset "$work/q.jsonl" --samples 2 --duration 1
run 2 "${openai[@]}" --dataset "$work/q.jsonl" --samples 2 --scoring letters
run 2 "${openai[@]}" --dataset "$work/q.jsonl" --samples 0
run 0 "${openai[@]}" --dataset "$work/q.jsonl" -n 3 --samples 2
says "warning: at temperature 0 all 2 samples of a question are the same"
says "--temperature 0.7"
run 0 "${openai[@]}" --dataset "$work/q.jsonl" -n 3 --samples 2 --extra-body '{"temperature": 1}'
! grep -q warning: "$work/err" || fail "the server was given a temperature"
rm -rf "$work/runs"

# kill -9 among the samples: every one exactly once, the figures as if nothing had happened
slow=$(start_server '^http://[^ ]+' python3 "$IPW_SOURCE/tests/fakes/draw_server.py" 0 "$work/asked.slow" 0.02)
ask=("$IPW" profile --client openai --client-base-url "$slow/v1" -m tiny "${quiet[@]}" --dataset "$work/q.jsonl" --samples 5
    --temperature 0.7 --allow-failures 99)
"${ask[@]}" >"$work/out" 2>"$work/err" &
pid=$!
for goal in 5 20 28 45; do
    until [ "$(sql "$(echo "$work"/runs/*)" 'SELECT count(*) FROM query' 2>/dev/null || echo 0)" -ge $goal ]; do sleep 0.02; done
    kill -9 $pid 2>/dev/null || true
    wait $pid 2>/dev/null || true
    r=$(the_run runs)
    [ $goal != 20 ] || {
        run 0 "$IPW" analyze "$r"
        shows "Samples"
    }
    "$IPW" profile --resume "$r" --allow-failures 99 >"$work/out" 2>"$work/err" &
    pid=$!
done
wait $pid || fail "the last --resume failed"
[ "$(sql "$r" 'SELECT count(*) || "," || count(DISTINCT query_id || "," || sample) FROM query')" = 60,60 ] || fail "not each sample once"
by_hand "$r"
for key in .accuracy .samples.pass_at .samples.majority; do
    json "$r/summary.json" "$key | tojson" "$(jq -r "$key | tojson" "$work/five/summary.json")"
done
json "$r/summary.json" .complete true

# a real model in this process: samples differ, a second run draws the same ones, joules add up
model=$(smollm2)
for i in 1 2 3 4; do
    printf '{"id":"n%d","type":"mcq","subject":"s%d","question":"Question %d: which letter do you like? Write Answer: and then %s",
"choices":["this","that"],"answer":"A"}' "$i" $((i % 2)) "$i" "A or B." | tr '\n' ' '
    echo
done >"$work/n.jsonl"
rm -rf "$work/runs"
for name in first second; do
    run 0 "$IPW" profile -m "$model" --threads 1 --baseline none --energy estimated --dataset "$work/n.jsonl" --samples 4 \
        --temperature 1 --max-tokens 12 --output-dir "$work/runs"
    one_run $name
    by_hand "$work/$name"
done
answers() { sql "$work/$1" "SELECT group_concat(query_id || sample || answer, '|') FROM (SELECT * FROM query JOIN text ON query = id
    ORDER BY query_id, sample)"; }
[ "$(answers first)" = "$(answers second)" ] || fail "the same seed drew other samples"
[ "$(sql "$work/first" 'SELECT count(DISTINCT answer) FROM text')" -gt 3 ] || fail "the samples do not differ"
json "$work/first/summary.json" '.accuracy.est > 0 and .ipj.component.est > 0 and .samples.ipj_at["4"].component.est > 0' true
