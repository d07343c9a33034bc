#!/usr/bin/env bash
# ipw score RUN: stored answers again without the model, by their own scorers and by another; old scores stay.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
model=$(smollm2)

cat >"$work/q.jsonl" <<'EOF'
{"id":"capital","type":"exact","question":"What is the capital of France?","answer":"a word that no model says"}
{"id":"sky","type":"exact","question":"Say the word blue.","answer":"blue"}
{"id":"open","type":"none","question":"Say something."}
EOF
run 0 "$IPW" profile -m "$model" --threads 1 --dataset "$work/q.jsonl" --baseline none --max-tokens 24 --energy estimated \
    --output-dir "$work/runs"
r=$(the_run runs)
before=$(cat "$r/summary.json")
joules=$(sql "$r" "SELECT group_concat(nj) FROM (SELECT nj FROM energy ORDER BY version, query, phase, channel)")

# by their own scorers nothing changes
run 0 "$IPW" score "$r"
shows "0 of 3 verdicts changed"
[ "$(sql "$r" "SELECT sum(scorer = 'exact') || '/' || sum(scorer = 'contains') FROM score")" = 2/2 ] || fail "both figures of exact"

# what a scorer would say now is found again: here its stored verdict was another
sql_write "$r" "UPDATE score SET status = 'unparsed', value = 0, extracted = NULL WHERE scorer = 'exact'"
sql_write "$r" "UPDATE text SET answer = '<answer>blue</answer>' WHERE query = (SELECT id FROM query WHERE query_id = 'sky')"
run 0 "$IPW" score "$r"
shows "before  0.0 % right of 2, 1 unscored, by the questions' own scorers"
shows "now     50.0 % right of 2"
grep -qE '^sky +unparsed +correct: blue' "$work/out" || fail "the changed verdict is not listed"
json "$r/summary.json" .accuracy.est 0.5

# another scorer counts from now on, and everybody says so
sql_write "$r" "UPDATE text SET answer = 'It is the colour blue, I think.' WHERE query = (SELECT id FROM query WHERE query_id = 'sky')"
run 0 "$IPW" score "$r"
json "$r/summary.json" .accuracy.est 0
run 0 "$IPW" score "$r" --scorer contains -o json
json "$work/out" '.[0].scorer' contains
json "$work/out" '[.[0].changed[] | .query_id + " " + .before.status + " " + .now.status] | join(",")' "sky incorrect correct"
run 0 "$IPW" analyze "$r"
shows "scored again by contains"
run 0 "$IPW" profile --resume "$r"
json "$r/summary.json" .accuracy.est 0.5
[ "$(sql "$r" "SELECT count(*) FROM score WHERE scorer = 'exact'")" = 2 ] || fail "the old scores are gone"
run 0 "$IPW" score "$r" --scorer own
json "$r/summary.json" .accuracy.est 0
[ "$joules" = "$(sql "$r" "SELECT group_concat(nj) FROM (SELECT nj FROM energy ORDER BY version, query, phase, channel)")" ] ||
    fail "joules changed"
[ "$(jq .dataset.n <<<"$before")" = "$(jq .dataset.n "$r/summary.json")" ] || fail "the number of questions changed"

run 2 "$IPW" score "$r" --scorer nonsense
says "no scorer is called 'nonsense'; there are: own, mcq"
run 2 "$IPW" score "$work/nowhere"
says "nowhere"
run 2 "$IPW" score "$r" --try x.jsonl

# what stands beside the accuracy that counts: the lenient twin, strict letters, instructions that held
cat >"$work/b.jsonl" <<'EOF'
{"id":"a","type":"exact","question":"Say the word blue.","answer":"blue"}
{"id":"b","type":"mcq","question":"Which is a colour?","choices":["blue","seven"],"answer":"A"}
{"id":"c","type":"instruction","question":"Say it.","instruction_id_list":["punctuation:no_comma","startend:quotation"],"kwargs":[{},{}]}
EOF
run 0 "$IPW" profile -m "$model" --threads 1 --dataset "$work/b.jsonl" --baseline none --max-tokens 24 --output-dir "$work/beside"
r=$(the_run beside)
sql_write "$r" "UPDATE text SET answer = CASE (SELECT query_id FROM query WHERE id = query) WHEN 'a' THEN 'the blue one'
    WHEN 'b' THEN 'blue, I think' ELSE '\"no comma\" here' END"
run 0 "$IPW" score "$r"
json "$r/summary.json" '.scores_beside | [.["contains"].est, .["mcq strict"].est, .["ifeval instructions"].est, .["ifeval instructions"].n] | map(tostring) | join(" ")' "1 0 0.5 2"
json "$r/summary.json" .accuracy.est 0.3333333333333333
run 0 "$IPW" analyze "$r"
shows "Beside it"
