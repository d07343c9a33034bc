#!/usr/bin/env bash
# What a review with orders to break it found: each was a defect once.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
model=$(smollm2)
ask=("$IPW" profile -m "$model" --threads 1 --max-tokens 4)

# a socket that cannot be read, or memory without the CPU that computes: partial, and `measured` refuses it
zone() { # TREE ZONE LABEL: a live one needs no more here than to exist
    mkdir -p "$work/$1/class/powercap/$2"
    echo "$3" >"$work/$1/class/powercap/$2/name"
    echo 262143328850 >"$work/$1/class/powercap/$2/max_energy_range_uj"
    echo 1000000 >"$work/$1/class/powercap/$2/energy_uj"
}
zone hole intel-rapl:0 package-0
zone hole intel-rapl:1 package-1
rm "$work/hole/class/powercap/intel-rapl:1/energy_uj"
mkdir "$work/hole/class/powercap/intel-rapl:1/energy_uj"
zone dram intel-rapl:0 package-0
rm "$work/dram/class/powercap/intel-rapl:0/energy_uj"
mkdir "$work/dram/class/powercap/intel-rapl:0/energy_uj"
zone dram intel-rapl:0:0 dram
for tree in hole dram; do
    run 0 env IPW_SYSFS_ROOT="$work/$tree" "${ask[@]}" -n 1 --output-dir "$work/$tree.runs" --allow-failures 9
    r=$(the_run "$tree.runs")
    json "$r/summary.json" .energy.source partial
    json "$r/summary.json" '.energy.unmetered | length' 1
    run 3 env IPW_SYSFS_ROOT="$work/$tree" "${ask[@]}" -n 1 --output-dir "$work/$tree.runs" --energy measured --baseline none
done

# more than 64 messages: the last one is what is asked
python3 - "$work/turns.jsonl" <<'P'
import json, sys
turns = [{"role": ("user", "assistant")[i % 2], "content": f"turn {i}"} for i in range(70)]
turns.append({"role": "user", "content": "the very last turn"})
print(json.dumps({"id": "t", "type": "none", "messages": turns}), file=open(sys.argv[1], "w"))
P
run 0 "${ask[@]}" --dataset "$work/turns.jsonl" --output-dir "$work/turns" --energy none
r=$(the_run turns)
[[ $(sql "$r" "SELECT prompt FROM text") == *"the very last turn"* ]] || fail "the last message was not sent"

# a finished run whose questions are gone can still be finished; the joules of a retried question are over its own seconds
echo '{"id":"a","question":"What is 2 + 2?","answer":"4","type":"numeric"}' >"$work/q.jsonl"
echo '{"id":"b","question":"What is 2 + 3?","answer":"5","type":"numeric"}' >>"$work/q.jsonl"
run 0 "${ask[@]}" --dataset "$work/q.jsonl" --output-dir "$work/moved here" --energy estimated
shows "it was asked for by --energy"
shows "'$work/moved here/"
r=$(the_run "moved here")
watts=$(jq '.power_w.mean.component.est' "$r/summary.json")
python3 -c 'import sqlite3, sys
db = sqlite3.connect(sys.argv[1] + "/run.db"); db.execute("UPDATE query SET status = ?", ("error",)); db.commit()' "$r"
run 0 "$IPW" profile --resume "$r" --retry-errors
[ "$(sql "$r" 'SELECT count(*) FROM query')" = 4 ] || fail "two more attempts were to be stored"
json "$r/summary.json" ".power_w.mean.component.est / $watts | . > 0.7 and . < 1.4" true
mv "$work/q.jsonl" "$work/elsewhere.jsonl"
rm "$r/summary.json"
run 0 "$IPW" profile --resume "$r"
json "$r/summary.json" .complete true
python3 -c 'import sqlite3, sys
db = sqlite3.connect(sys.argv[1] + "/run.db"); db.execute("DELETE FROM query WHERE query_id = ?", ("b",)); db.commit()' "$r"
run 2 "$IPW" profile --resume "$r"
says "needs its question set at that path"
python3 -c 'import sqlite3, sys
db = sqlite3.connect(sys.argv[1] + "/run.db")
db.execute("UPDATE meta SET value = replace(value, ?, ?) WHERE key = ?", ("\"shards\":1", "\"shards\":0", "plan")); db.commit()' "$r"
run 2 "$IPW" profile --resume "$r"
says "was damaged"

# closed standard files do not become files of the run; escapes do not reach the terminal; extra words are refused
mv "$work/elsewhere.jsonl" "$work/q.jsonl"
"${ask[@]}" --dataset "$work/q.jsonl" --output-dir "$work/closed" --energy none >&- 2>&- || true
r=$(the_run closed)
grep -qE '^[0-9]+$' "$r/lock" || fail "the lock holds something else than a pid"
printf '{"id":"\\u001b[31mred","type":"\\u001b[31mred","question":"x"}\n' >"$work/esc.jsonl"
run 2 "${ask[@]}" --dataset "$work/esc.jsonl" --output-dir "$work/esc"
! grep -q "$(printf '\033')" "$work/err" || fail "an escape sequence reached stderr"
run 2 "$IPW" sensors foo
run 2 "$IPW" version foo
run 2 "$IPW" help nosuch
says "unknown command 'nosuch'"
