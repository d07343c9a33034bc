#!/usr/bin/env bash
# ipw list, ipw compare and the newest-run defaults on real runs of SmolLM2, and on what is no run.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
model=$(smollm2) || skip "no SmolLM2"
cd "$work"

# Before there is anything.
run 0 "$IPW" list
says "no runs in 'runs' yet"
run 2 "$IPW" analyze
says "no run in 'runs' yet"
run 2 "$IPW" compare
says "no two finished runs"
run 2 "$IPW" list nowhere
says "there is no folder 'nowhere'"
run 0 "$IPW" list all
shows "starter"
shows "powercap"
run 0 "$IPW" list collectors -o json
json "$work/out" '.collectors | map(select(.name == "nvml")) | .[0].verified' stub

ask() { # FLAGS...: one run of six questions
    run 0 "$IPW" profile -m "$model" -n 6 --max-tokens 16 --baseline none "$@"
}
ask --threads 1 --energy estimated
ask --threads 2 --energy estimated
one=runs/$(basename "$(the_run runs | tr ' ' '\n' | head -n 1)")
two=${one%_1}_2

# The newest, without a name.
run 0 "$IPW" analyze -o json
says "the newest run: $two"
json "$work/out" .run "$two"
json "$work/out" .settings.threads 2
run 0 "$IPW" analyze ./runs/profile_* # as the reference's line
shows "threads 1"
shows "threads 2"
run 0 "$IPW" analyze ./runs/profile_* -o csv
python3 - "$work/out" <<'PY' || fail "the CSV has no thread counts"
import csv, sys
rows = list(csv.DictReader(open(sys.argv[1], newline="")))
assert [r["threads"] for r in rows] == ["1", "2"], rows
assert all(r["host"] and r["engine_build"] and r["governor"] is not None for r in rows)
PY
json "$two/summary.json" .settings.threads 2
json "$two/summary.json" .labels '{}'

# Both, paired.
run 0 "$IPW" compare -o json
says "A $one, B $two"
json "$work/out" .n 6
json "$work/out" '.a.runs[0]' "$one"
json "$work/out" .same_meter true
json "$work/out" '.differs | map(.key) | join(",")' threads
json "$work/out" '.ratios | keys | length' 8
json "$work/out" '.ratios.j_per_query.ratio.n' 6
json "$work/out" '[.accuracy | .both, .only_a, .only_b, .neither] | add' 6
python3 - "$one" "$two" "$work/out" <<'PY' || fail "the ratio of joules is not that of the rows"
import json, sys
j = [[json.loads(l)["energy_j"] for l in open(d + "/queries.jsonl")] for d in sys.argv[1:3]]
got = json.load(open(sys.argv[3]))["ratios"]["j_per_query"]["ratio"]
want = sum(j[1]) / sum(j[0])
assert abs(got["est"] / want - 1) < 1e-9 and got["lo"] < want < got["hi"], (got, want)
PY
run 0 "$IPW" compare "$(basename "$one")" "$two/"
shows "What else differs"
shows "in part"
run 0 "$IPW" compare "$one" "$two" -o md
shows "| Accuracy, % |"
! grep -q $'\033' "$work/out" || fail "an escape in a file"

# What cannot be compared, and why.
run 2 "$IPW" compare "$one" "$one"
says "is the same run as"
run 2 "$IPW" compare "$one"
says "with which other run?"
run 2 "$IPW" compare "$one" "$work"
says "holds no run.db"
run 2 "$IPW" compare "$one" "$two" -o csv
says "-o takes table, json, md"
ask --threads 1 --energy none --output-dir other
none=other/$(basename "$(the_run other)")
run 0 "$IPW" compare "$one" "$none" -o json
json "$work/out" .joules_reason "B has no joules"
json "$work/out" .ratios.ipj.ratio.est null
json "$work/out" '.ratios.s_per_query.ratio.est > 0' true
printf '%s\n' '{"id":"x/1","type":"exact","question":"2+2?","answer":"4"}' '{"id":"x/2","type":"exact","question":"3+3?","answer":"6"}' >q.jsonl
run 0 "$IPW" profile -m "$model" --dataset q.jsonl --max-tokens 8 --threads 1 --energy estimated --baseline none --output-dir other
x=other/$(basename "$work"/other/*_q_1)
run 2 "$IPW" compare "$one" "$x"
says "only 0 questions are in both runs"

# An edit of run.db, as a copy of another machine or another set would look.
copy() { # RUN NEW SQL
    cp -r "$1" "$2"
    rm -f "$2/summary.json"
    python3 -c 'import sqlite3, sys
d = sqlite3.connect(sys.argv[1] + "/run.db")
d.execute("UPDATE meta SET value = ? WHERE key = \"run_id\"", (sys.argv[1],))
d.executescript(sys.argv[2])
d.commit()' "$2" "$3"
}
copy "$two" edited "UPDATE question SET record = replace(record, '\"id\"', ' \"id\"')"
run 2 "$IPW" compare "$one" edited
says "is another one in"
copy "$two" scope "UPDATE channel SET scope = 'dram' WHERE in_total = 1"
run 2 "$IPW" compare "$one" scope
says "--allow-scope-mismatch"
run 0 "$IPW" compare "$one" scope --allow-scope-mismatch
shows "not a ranking"

# Repeats: everything but the label `repeat` makes a configuration.
mkdir rep
for i in 1 2; do
    copy "$one" "rep/profile_a_$i" "UPDATE meta SET value = '{\"cap\":\"60\",\"repeat\":\"$i\"}' WHERE key = 'labels'"
    copy "$two" "rep/profile_b_$i" "UPDATE meta SET value = '{\"cap\":\"80\",\"repeat\":\"$i\"}' WHERE key = 'labels'"
done
run 0 "$IPW" compare rep/profile_* -o json
json "$work/out" '.a.runs | length' 2
json "$work/out" '.differs | map(.key + "=" + .a) | join(",")' "cap=60,threads=1"
run 2 "$IPW" compare rep/profile_a_1 rep/profile_b_1 "$one"
says "3 runs of 3 configurations"
run 0 "$IPW" analyze rep/profile_*
shows "cap=60"

# The list: newest first, labels, what is not whole.
run 0 "$IPW" list
[ "$(sed -n 2p "$work/out" | cut -d' ' -f1)" = "$(basename "$two")" ] || fail "the newest is not first"
shows "~"
run 0 "$IPW" list -o csv
shows "estimated"
run 0 "$IPW" list rep other "$one" -o json
json "$work/out" length 7
json "$work/out" '[.[] | select(.labels.cap == "60")] | length' 2
copy "$two" runs/profile_cut_1 "UPDATE meta SET value = 0 WHERE key = 'complete'; DELETE FROM query WHERE id > 4"
mkdir runs/profile_broken_1 runs/notes
run 0 "$IPW" list
shows "4 of 6"
shows "ipw profile --resume runs/profile_cut_1"
shows "'profile_broken_1' cannot be read"
run 0 "$IPW" compare "$one" runs/profile_cut_1 # what both were asked
says "is not finished; go on with: ipw profile --resume"
shows "questions, of which 4 are in both"
(flock -n 9 && run 0 "$IPW" list && shows "is being written now" && run 0 "$IPW" compare "$one" runs/profile_cut_1 &&
    says "is being written") 9>runs/profile_cut_1/lock || fail "a run that is being written"
"$IPW" list | head -n 1 >"$work/out"
[ "${PIPESTATUS[0]}" = 0 ] || fail "head made it fail"
chmod -w runs/profile_*_1 && run 0 "$IPW" list && chmod u+w runs/profile_*_1
