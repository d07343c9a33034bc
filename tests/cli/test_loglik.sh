#!/usr/bin/env bash
# Log-likelihoods of choices and of a text with a real model: figures against plain calls of the library, read again without
# the model, refused where they cannot be had or do not belong together.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
model=$(smollm2)

cat >"$work/q.jsonl" <<'EOF'
{"id":"capital","type":"mcq","question":"What is the capital of France?","choices":["Rome","Paris","Berlin, in Germany"],"answer":"B"}
{"id":"sky","type":"mcq","question":"On a clear day the sky looks","choices":["blue","like a bowl of soup with noodles"],"answer":"A","source":"allenai/openbookqa test"}
{"id":"month","type":"mcq","question":"Which month comes after June?","choices":["May","July","August","December"],"answer":"B"}
EOF

run 0 "$IPW" profile -m "$model" --threads 1 --dataset "$work/q.jsonl" --scoring loglik --baseline none --energy estimated \
    --output-dir "$work/runs"
shows "log-likelihood of the choices; joules not comparable with"
shows "by loglik_norm_byte"
r=$(the_run runs)
json "$r/summary.json" '.mode + ", " + .mode_note' "log-likelihood, log-likelihood; joules not comparable with generation"
json "$r/summary.json" .settings.mode loglik
json "$r/summary.json" '.energy.per_query_j.component.est > 0' true
json "$r/summary.json" '.accuracy.n' 3
json "$r/queries.jsonl" 'select(.query_id == "sky") | .score + " " + .extracted' "correct A"
[ "$(sql "$r" "SELECT group_concat(template) FROM (SELECT DISTINCT template FROM question ORDER BY template)")" = beginning/1,question/1 ] ||
    fail "templates"
[ "$(sql "$r" "SELECT count(*) FROM score WHERE scorer = 'mcq'")" = 0 ] || fail "log-likelihoods were scored as an answer's text"
sql "$r" "SELECT answer FROM text JOIN query ON query = id WHERE query_id = 'capital'" >"$work/answer"
json "$work/answer" '[.of, (.loglik | length), (.loglik | max < 0), .chars[2], .tokens[1]] | map(tostring) | join(" ")' \
    "options 3 true 18 1"

# the same as plain calls, each option from nothing
run 0 "$IPW_BUILD/bench/bench_loglik" "$model" "$work/q.jsonl" loglik
shows "tokens counted otherwise: 0; another likeliest: 0"
run 0 "$IPW_BUILD/bench/bench_loglik" "$model" "$work/q.jsonl" letters

# again without the model: each figure by its scorer; an answer's scorer reads none of it
run 0 "$IPW" score "$r"
shows "0 of 3 verdicts changed"
run 0 "$IPW" score "$r" --scorer loglik_norm_byte
shows "by loglik_norm_byte"
run 0 "$IPW" score "$r" --scorer mcq
shows "nothing is scored"
run 0 "$IPW" score "$r" --scorer own

# not beside written answers
run 0 "$IPW" profile -m "$model" --threads 1 --dataset "$work/q.jsonl" --max-tokens 4 --baseline none --energy estimated \
    --output-dir "$work/written"
w=$(the_run written)
json "$w/summary.json" '.mode + " " + (.mode_note | tostring)' "generation null"
run 2 "$IPW" compare "$r" "$w"
says "neither the accuracy nor the joules of one say anything about the other"
run 0 "$IPW" analyze "$w" "$r"
shows "neither"
run 0 "$IPW" score "$w" --scorer loglik
shows "nothing is scored"

# letters: one pass
run 0 "$IPW" profile -m "$model" --threads 1 --dataset "$work/q.jsonl" --scoring letters --energy none --output-dir "$work/letters"
shows "log-likelihood of the letters"
r=$(the_run letters)
json "$r/summary.json" '.scores_beside | length' 0
[ "$(sql "$r" "SELECT prompt FROM text JOIN query ON query = id WHERE query_id = 'capital'")" = "What is the capital of France?
A. Rome
B. Paris
C. Berlin, in Germany
Answer:" ] || fail "the prompt of letters"

# a text file: pieces, perplexity, PPW and PPJ
for i in $(seq 60); do
    echo "Paragraph $i. The ferry leaves the old harbour at seven and needs an hour to reach the island, rain or shine."
done >"$work/text.txt"
run 0 "$IPW" profile -m "$model" --threads 1 --dataset "$work/text.txt" --scoring perplexity --baseline none --energy estimated \
    --output-dir "$work/text"
shows "Bits per byte"
shows "PPJ"
r=$(the_run text)
json "$r/summary.json" .perplexity.bytes "$(($(wc -c <"$work/text.txt") - 1))" # but for the last line's end
json "$r/summary.json" '.perplexity | (.corpus.est > 1 and .corpus.est < 20 and .bits_per_byte.est < 1.5)' true
json "$r/summary.json" '.perplexity.ppj.component.est * .perplexity.mean.est * .energy.per_query_j.component.est - 1 | fabs < 1e-9' true
json "$r/summary.json" '.perplexity.ppw.component.est * .perplexity.mean.est * .power_w.mean.component.est - 1 | fabs < 1e-9' true
[ "$(sql "$r" "SELECT count(*) FROM query WHERE logprob_mean < 0 AND logprob_min <= logprob_mean")" = \
  "$(wc -l <"$r/queries.jsonl")" ] || fail "log-probabilities of the pieces"
cp "$r/queries.jsonl" "$work/before"
run 0 "$IPW" score "$r"
cmp "$work/before" "$r/queries.jsonl" || fail "scored again the pieces read otherwise"
run 0 "$IPW" profile --resume "$r"

# what cannot be
run 2 "$IPW" profile -m "$model" --dataset "$work/q.jsonl" --scoring logits
says "answer, loglik, letters or perplexity is needed"
run 2 "$IPW" profile -m "$model" --dataset starter --scoring loglik
says "has no choices"
run 2 "$IPW" profile -m "$model" --dataset "$work/q.jsonl" --scoring loglik --system "Be brief."
says "--system"
run 2 "$IPW" profile --client ollama -m x --dataset "$work/q.jsonl" --scoring letters
says "does not tell how likely a given text is"
printf 'a\377b' >"$work/latin.txt"
run 2 "$IPW" profile -m "$model" --dataset "$work/latin.txt" --scoring perplexity
says "is not UTF-8 text"
printf '{"id":"long","type":"mcq","question":"%s?","choices":["x","y"],"answer":"A"}\n' "$(yes word | head -n 300 | tr '\n' ' ')" >"$work/long.jsonl"
run 1 "$IPW" profile -m "$model" --threads 1 --ctx 256 --dataset "$work/long.jsonl" --scoring loglik --energy none --output-dir "$work/short"
json "$(the_run short)/summary.json" '.status_counts.failures | keys | join(",")' prompt_too_long
json "$(the_run short)/summary.json" '.accuracy.est' 0
