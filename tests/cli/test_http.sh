#!/usr/bin/env bash
# ipw profile against servers: real ones (llama-server, xllamacpp), one that misbehaves, and Ollama's dialect.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
model=$(smollm2)
quiet=(--energy none --baseline none --output-dir "$work/runs")
questions() { # FILE TEXT...: a set of short questions
    local i=0 text
    for text in "${@:2}"; do
        printf '{"id":"q%d","type":"none","question":"%s"}\n' $((++i)) "$text"
    done >"$1"
}
one_run() { rm -rf "$work/last" && mv "$work"/runs/* "$work/last"; }

# ---- faults: one question each, every outcome counted apart ----
fault=$(start_fake fault_server --log "$work/asked")
questions "$work/faults.jsonl" fault:plain fault:cut_reset fault:cut_clean fault:500 fault:429 fault:bad_json fault:html \
    fault:empty fault:length fault:filtered fault:stall fault:shut fault:error_frame fault:split fault:gzip
export SECRET=sk-secret-1234
run 1 "$IPW" profile --client openai --client-base-url "$fault/v1" -m tiny --dataset "$work/faults.jsonl" \
    --api-key-env SECRET --timeout 0.5 --warmup-request-count 0 --concurrency 4 "${quiet[@]}"
one_run
statuses() { # STATUS REASON WANT
    local got
    got=$(sql "$work/last" "select count(*) from query where status = '$1' and coalesce(reason, '') = '$2'")
    [ "$got" = "$3" ] || fail "$got queries are $1 ($2), not $3"
}
statuses ok '' 3
statuses error aborted_stream 3
statuses error http_500 1
statuses error http_429 1
statuses error protocol 2
statuses error server_error 1
statuses empty no_tokens 1
statuses truncated max_tokens 1
statuses refused refused 1
statuses timeout timeout 1
# none was sent twice; one that meets a kept connection's end before any answer (shut) may be: libcurl's, as any client's
twice=$(grep -o 'fault:[a-z0-9_]*' "$work/asked" | grep -v fault:shut | sort | uniq -d)
[ -z "$twice" ] || fail "sent twice although retries are off: $twice"
grep -q 'Authorization: Bearer sk-secret-1234' "$work/asked" || fail "the key was not sent"
# the key is in nothing that ipw wrote
! grep -rlaF sk-secret-1234 "$work/out" "$work/err" "$work/last" || fail "the key is in an output"

# ---- reasoning: kept apart or between tags, its tokens and time told; no answer behind it is said ----
questions "$work/think.jsonl" fault:reasoning_content fault:think_tags fault:think_unclosed fault:plain
run 0 "$IPW" profile --client openai --client-base-url "$fault/v1" -m tiny --dataset "$work/think.jsonl" \
    --warmup-request-count 0 "${quiet[@]}"
shows "Thinking       in 3 answers: 55 % of their tokens; 1 never came to an"
one_run
json "$work/last/summary.json" '.thinking | "\(.n) \(.unclosed_rate * 3) \(.token_share * 31)"' "3 1 17"
json "$work/last/queries.jsonl" 'select(.query_id == "q2") | .n_reason' 8
json "$work/last/queries.jsonl" 'select(.query_id == "q2") | .ttfa_s - .ttft_s > 0.035' true
json "$work/last/queries.jsonl" 'select(.query_id == "q3") | "\(.n_reason) \(.ttfa_s)"' "6 null"
json "$work/last/queries.jsonl" 'select(.query_id == "q4") | "\(.n_reason) \(.ttfa_s == .ttft_s)"' "null true"
[[ $(sql "$work/last" "SELECT answer FROM text JOIN query ON query = id WHERE query_id = 'q2'") == "<think>"* ]] ||
    fail "what was thought is not kept"

# ---- all fail: 1 with the first cause; 3 where nothing was sent ----
questions "$work/bad.jsonl" fault:500 fault:429
run 1 "$IPW" profile --client openai --client-base-url "$fault/v1" -m tiny --dataset "$work/bad.jsonl" \
    --warmup-request-count 0 "${quiet[@]}"
grep -q 'Internal server error' "$work/out" "$work/err" || fail "the first cause is not told"
run 3 "$IPW" profile --client openai --client-base-url http://127.0.0.1:9/v1 -m tiny -n 2 "${quiet[@]}"
says 127.0.0.1:9
questions "$work/key.jsonl" fault:401
run 3 "$IPW" profile --client openai --client-base-url "$fault/v1" -m tiny --dataset "$work/key.jsonl" --api-key-env SECRET \
    --warmup-request-count 0 "${quiet[@]}"
! grep -rlaF sk-secret-1234 "$work/out" "$work/err" "$work/runs" || fail "the key that a server repeated is in an output"
rm -rf "$work/runs"

# ---- Ollama's dialect; a run of another program's command line ----
ollama=$(start_fake ollama_stub 0 "$work/ollama")
run 0 "$IPW" profile --client ollama --model smollm2:135m --client-base-url "$ollama" --max-queries 50 "${quiet[@]}"
one_run
[ "$(sql "$work/last" "select count(*) from query where token_source = 'usage' and n_out = 4")" -ge 20 ] ||
    fail "counts are not the server's"
run 2 "$IPW" profile --client ollama -m pullable --client-base-url "$ollama" -n 1 "${quiet[@]}"
says "--pull"
run 0 "$IPW" profile --client ollama -m pullable --client-base-url "$ollama" -n 1 --pull --keep-alive 10m "${quiet[@]}"
says "success"
grep -q '"keep_alive":"10m"' "$work/ollama" || fail "keep_alive was not sent"
rm -rf "$work/runs"

# ---- real servers: two implementations, the same counts ----
url=$(start_llama_server "$model" -c 4096 --parallel 2)
other=$(IPW_SERVER_LOG=$work/second.log start_xllamacpp "$model")
for server in "$url" "$other"; do
    run 0 "$IPW" profile --client openai --client-base-url "$server/v1" -m smollm2 -n 4 --max-tokens 8 --concurrency 2 \
        "${quiet[@]}"
    one_run
    [ "$(sql "$work/last" "select count(*) from query where token_source = 'usage' and n_in > 30 and n_out between 1 and 8
        and t_first > t_send and t_last >= t_first")" = 4 ] || fail "not all of four are as a server's are"
    [ "$(sql "$work/last" "select count(*) from served where prompt_ns > 0 and decode_ns > 0")" = 4 ] ||
        fail "llama.cpp's own times are not kept"
    sql "$work/last" "select group_concat(n_in) from (select n_in from query order by query_id)" >>"$work/counts"
done
[ "$(sort -u "$work/counts" | wc -l)" = 1 ] || fail "two servers of one model count prompts differently"

# ---- tokens that a server does not count: pieces, or a vocabulary ----
questions "$work/count.jsonl" fault:no_usage
for how in chunks tokenizer; do
    rm -rf "$work/runs"
    flags=()
    [ "$how" = chunks ] || flags=(--tokenizer "$model")
    run 0 "$IPW" profile --client openai --client-base-url "$fault/v1" -m tiny --dataset "$work/count.jsonl" "${flags[@]}" \
        "${quiet[@]}"
    one_run
    [ "$(sql "$work/last" "select token_source from query")" = "$how" ] || fail "tokens were not counted by $how"
    [ "$(sql "$work/last" "select n_out > 0 from query")" = 1 ] || fail "no tokens were counted by $how"
done
run 2 "$IPW" profile --client openai --client-base-url "$fault/v1" -m tiny -n 1 --tokenizer "$0" "${quiet[@]}"

# ---- what the client itself adds: alone, and kept with every run over HTTP ----
run 0 "$IPW" selftest --seconds 1.2 -o json
json "$work/out" '.levels[0].streams' 1
json "$work/out" '.levels | all(.pieces > 0 and .delay_p50_s >= 0 and .cpu_ns_per_piece > 0)' true
run 0 "$IPW" selftest --seconds 1.2
shows "CPU per token"
json "$work/last/summary.json" '.load.selftest_delay_p50_s >= 0 and .load.selftest_cpu_ns_per_piece > 0' true
json "$work/last/summary.json" '.load.schedule_delay_s.p99 >= 0' true

# ---- an open loop keeps its rate whatever the server does; a trace its times ----
python3 - "$work/trace.jsonl" <<'P'
import json, sys
with open(sys.argv[1], "w") as f:
    for i, s in enumerate([0.6, 0.0, 0.2]):
        f.write(json.dumps({"id": f"t{i}", "type": "none", "question": "fault:plain", "arrival_s": s}) + "\n")
P
rm -rf "$work/runs"
run 0 "$IPW" profile --client openai --client-base-url "$fault/v1" -m tiny --dataset "$work/trace.jsonl" --arrival trace \
    --speed 2 --warmup-request-count 0 "${quiet[@]}"
one_run
[ "$(sql "$work/last" "select group_concat(query_id) from (select query_id from query order by t_send)")" = t1,t2,t0 ] ||
    fail "a trace was not replayed in its order"
[ "$(sql "$work/last" "select max(t_due) - min(t_due) = 300000000 from served")" = 1 ] || fail "a trace kept other times"
run 2 "$IPW" profile --client openai --client-base-url "$fault/v1" -m tiny --dataset "$work/count.jsonl" --arrival trace "${quiet[@]}"
says "has no arrival_s"
rm -rf "$work/runs"
run 0 "$IPW" profile --client openai --client-base-url "$fault/v1" -m tiny --dataset "$work/trace.jsonl" --request-rate 20 \
    --arrival constant --request-count 10 --warmup-request-count 0 "${quiet[@]}"
one_run
[ "$(sql "$work/last" "select max(t_due) - min(t_due) = 450000000 from served")" = 1 ] || fail "not 20 requests a second"
[ "$(sql "$work/last" "select count(distinct sample) from query")" = 4 ] || fail "questions were not asked again"
rm -rf "$work/runs"
run 0 "$IPW" profile --client openai --client-base-url "$fault/v1" -m tiny --dataset "$work/trace.jsonl" --duration 0.5 \
    --concurrency 2 --warmup-request-count 0 "${quiet[@]}"
one_run
json "$work/last/summary.json" .complete true
[ "$(sql "$work/last" "select count(*) > 10 from query")" = 1 ] || fail "half a second of requests are not ten"
run 2 "$IPW" profile --client openai --client-base-url "$fault/v1" -m tiny --speed 2 "${quiet[@]}"
run 2 "$IPW" profile --client openai --client-base-url "$fault/v1" -m tiny -H 'X-Api-Key: sk-1' "${quiet[@]}"
says "a key on the command line is seen by everybody"

# ---- a server that closes kept connections: each request finds that out anew, and none is given up ----
python3 - "$work/drop.jsonl" <<'P'
import json, sys
with open(sys.argv[1], "w") as f:
    for i in range(16):
        f.write(json.dumps({"id": f"d{i}", "type": "none", "question": "fault:drop_second"}) + "\n")
P
rm -rf "$work/runs"
run 0 "$IPW" profile --client openai --client-base-url "$fault/v1" -m tiny --dataset "$work/drop.jsonl" "${quiet[@]}"
