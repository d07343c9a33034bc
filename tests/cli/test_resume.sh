#!/usr/bin/env bash
# kill -9 at any moment, then --resume: every query exactly once. Also signals, locks and a full disk.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
model=$(smollm2)
for i in $(seq 60); do
    printf '{"id":"q%d","question":"Name %d things.","answer":"x"}\n' "$i" "$i"
done >"$work/q.jsonl"
ask=("$IPW" profile -m "$model" --dataset "$work/q.jsonl" --max-tokens 6 --threads 1 --output-dir "$work/runs")

"${ask[@]}" >"$work/out" 2>"$work/err" &
pid=$!
until compgen -G "$work/runs/*/run.db" >/dev/null; do
    kill -0 $pid 2>/dev/null || break
    sleep 0.02
done
r=$(the_run "runs")
count() { sql "$r" 'SELECT count(*) FROM query' 2>/dev/null || echo 0; }
for round in $(seq 20); do # each killed some answers further, at no particular point of the next
    goal=$(($(count) + RANDOM % 4))
    while kill -0 $pid 2>/dev/null && [ "$(count)" -lt $goal ]; do sleep 0.02; done
    sleep "0.$((RANDOM % 2))$((RANDOM % 10))"
    kill -9 $pid 2>/dev/null || true
    wait $pid 2>/dev/null || true
    rows="${rows-} $(count)"
    if [ "$round" = 3 ]; then # two at once: the second is refused and says by whom
        "$IPW" profile --resume "$r" >/dev/null 2>&1 &
        pid=$!
        sleep 0.4
        if kill -0 $pid 2>/dev/null; then
            run 3 "$IPW" profile --resume "$r"
            says "process $pid"
        fi
        continue
    fi
    "$IPW" profile --resume "$r" >/dev/null 2>&1 &
    pid=$!
done
kill -9 $pid 2>/dev/null || true
wait $pid 2>/dev/null || true
echo "killed at row counts$rows"
run 0 "$IPW" profile --resume "$r"
[ "$(sql "$r" 'SELECT count(*) FROM query')" = 60 ] || fail "not 60 queries: $(sql "$r" 'SELECT count(*) FROM query')"
[ "$(sql "$r" 'SELECT count(DISTINCT query_id) FROM query')" = 60 ] || fail "a query twice"
[ "$(sql "$r" 'PRAGMA integrity_check')" = ok ] || fail "run.db is damaged"
json "$r/summary.json" .complete true
[ "$(jq -r .query_id "$r/queries.jsonl" | sort -u | wc -l)" = 60 ] || fail "queries.jsonl has not every query once"

# resuming a finished run changes nothing but heals its files
cp "$r/queries.jsonl" "$work/before"
rm "$r/summary.json"
run 0 "$IPW" profile --resume "$r"
cmp "$work/before" "$r/queries.jsonl" || fail "finish is not idempotent"
for _ in $(seq 10); do # killed inside finish
    "$IPW" profile --resume "$r" >/dev/null 2>&1 &
    pid=$!
    sleep "0.0$((RANDOM % 4))$((RANDOM % 10))"
    kill -9 $pid 2>/dev/null || true
    wait $pid 2>/dev/null || true
done
run 0 "$IPW" profile --resume "$r"
cmp "$work/before" "$r/queries.jsonl" || fail "a kill inside finish changed the run"
json "$r/summary.json" .complete true

# the first signal ends in order, with a run that can be resumed
rm -rf "$work/runs"
"${ask[@]}" >"$work/out" 2>"$work/err" &
pid=$!
until compgen -G "$work/runs/*/run.db" >/dev/null; do sleep 0.02; done
sleep 1
kill -INT $pid 2>/dev/null || true
code=0
wait $pid || code=$?
r=$(the_run "runs")
if [ $code != 0 ]; then
    [ $code = 130 ] || fail "SIGINT gave exit $code"
    says "--resume"
    run 0 "$IPW" profile --resume "$r"
fi
[ "$(sql "$r" 'SELECT count(DISTINCT query_id) FROM query')" = 60 ] || fail "not every query after SIGINT"

# a question set that changed, while one answer is still owed
python3 -c 'import sqlite3, sys
db = sqlite3.connect(sys.argv[1] + "/run.db"); db.execute("DELETE FROM query WHERE query_id = ?", ("q5",)); db.commit()' "$r"
echo '{"id":"new","question":"x","answer":"y"}' >>"$work/q.jsonl"
run 2 "$IPW" profile --resume "$r"
says "has changed"
sed -i '$d' "$work/q.jsonl"

# another counter set is refused, and mixed on demand
if powercap --low 20; then
    sed -n 1,3p "$work/q.jsonl" >"$work/q3.jsonl"
    run 0 "$IPW" profile -m "$model" --dataset "$work/q3.jsonl" --max-tokens 2 --threads 1 --baseline none --output-dir "$work/other"
    o=$(the_run "other")
    python3 -c 'import sqlite3, sys
db = sqlite3.connect(sys.argv[1] + "/run.db"); db.execute("DELETE FROM query WHERE query_id = ?", ("q2",)); db.commit()' "$o"
    env -u IPW_SYSFS_ROOT "$IPW" profile --resume "$o" >"$work/out" 2>"$work/err" && fail "another machine was accepted"
    says "--allow-other-machine"
    run 0 env -u IPW_SYSFS_ROOT "$IPW" profile --resume "$o" --allow-other-machine
fi
# killed before the model was loaded: nobody knew yet what computes, so it is still the same machine
if [ -n "${IPW_SYSFS_ROOT-}" ]; then
    "$IPW" profile -m "$model" --dataset "$work/q3.jsonl" --max-tokens 2 --threads 1 --output-dir "$work/early" >/dev/null 2>&1 &
    pid=$!
    sleep 2
    kill -9 $pid
    wait $pid 2>/dev/null || true
    e=$(the_run "early")
    [ "$(sql "$e" 'SELECT count(*) FROM segment WHERE engine_build IS NULL')" = 1 ] || fail "the kill came too late"
    run 0 "$IPW" profile --resume "$e"
    json "$e/summary.json" '.energy.source + " " + (.complete | tostring)' "measured true"
fi
unset IPW_SYSFS_ROOT

# a full disk stops the run, and what was committed can be read
if [ "$(id -u)" = 0 ] && mkdir "$work/small" && mount -t tmpfs -o size=400k none "$work/small" 2>/dev/null; then
    trap 'umount "$work/small" 2>/dev/null || true; cleanup' EXIT
    run 3 "$IPW" profile -m "$model" --dataset "$work/q.jsonl" --max-tokens 200 --ignore-eos --threads 1 --output-dir "$work/small"
    says "the disk is full"
    f=$(the_run "small")
    [ "$(sql "$f" 'SELECT count(*) >= 0 FROM query')" = 1 ] || fail "run.db cannot be read after a full disk"
fi
