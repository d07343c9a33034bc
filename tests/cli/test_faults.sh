#!/usr/bin/env bash
# Counters that wrap, reset, stall, vanish or turn unreadable in mid-run: affected values are null with the reason, the run
# ends well, and no joule is absurd.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
model=$(smollm2)
for i in $(seq 16); do
    printf '{"id":"q%d","type":"none","question":"Tell me about number %d."}\n' "$i" "$i"
done >"$work/q.jsonl"

fault() { # NAME REASON OPTIONS...: times of faults count from the third finished query
    local name=$1 reason=$2
    shift 2
    powercap --on-signal "$@"
    "$IPW" profile -m "$model" --dataset "$work/q.jsonl" --max-tokens 24 --threads 1 --ignore-eos --allow-failures 99 \
        --output-dir "$work/$name" --energy measured --baseline none >"$work/out" 2>"$work/err" &
    local pid=$!
    until compgen -G "$work/$name/*/run.db" >/dev/null &&
        [ "$(sql "$work/$name"/profile_* 'SELECT count(*) FROM query' 2>/dev/null || echo 0)" -ge 3 ]; do
        kill -0 $pid 2>/dev/null || fail "$name: the run ended early"
        sleep 0.05
    done
    kill -USR1 $fake
    wait $pid || fail "$name: the run failed"
    kill $fake
    wait $fake 2>/dev/null || true
    fake=0
    local r
    r=$(the_run "$name")
    json "$r/summary.json" .complete true
    json "$r/queries.jsonl" 'select(.energy_j != null and (.energy_j <= 0 or .energy_j / .latency_s > 200)) | .query_id' ""
    jq -r 'select(.energy_j == null) | .energy_reason' "$r/queries.jsonl" | sort -u >"$work/reasons"
    if [[ $reason == none* ]]; then
        ! grep -vxE "$reason" "$work/reasons" || fail "$name: joules are missing: $(cat "$work/reasons")"
    else
        grep -qx "$reason" "$work/reasons" || fail "$name: no query is without joules for '$reason' but: $(cat "$work/reasons")"
    fi
    [ -n "$(jq -r 'select(.energy_j != null) | .query_id' "$r/queries.jsonl")" ] || fail "$name: no query has joules"
}

fault wrap none --start-near-wrap 60
fault reset counter_reset --reset-at 0.2
fault stall counter_stalled --stall-at 0.1:1.5
fault vanish counter_unreadable --vanish-at 0.2
fault back counter_unreadable --vanish-at 0.2:1
fault denied counter_unreadable --eacces-at 0.2
fault eio 'none|counter_unreadable' --eio-every 7 # a failed read at a boundary, on a busy machine
