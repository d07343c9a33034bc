#!/usr/bin/env bash
# Every set of the catalogue that the hub has, pulled whole from a local hub with made-up files that have the published
# columns and types (tests/data/hub): right counts, and records as they must come out, word for word.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

data=$IPW_SOURCE/tests/data/hub
export IPW_DATA=$work/data
sets=$IPW_DATA/datasets
hub=$work/hub/datasets

need_duckdb
make_tables "$hub" <"$data/tables.sql"
start_hub

# --- each once
run 0 "$IPW" dataset list -o json
jq -r '.datasets[] | select(.state != "built in" and .state != "not asked") | .name' "$work/out" | grep -vx piqa >"$work/names"
mapfile -t names <"$work/names"
[ "${#names[@]}" = 25 ] || fail "there are ${#names[@]} sets of the hub, not 25; give the new ones made-up files"
run 0 "$IPW" dataset pull --from hub "${names[@]}"
[ "$(grep -c 'questions from the hub' "$work/err")" = 25 ] || fail "not every set says that it came from the hub"
says "natural-reasoning: how many there have to be is not known to ipw"
says "hle: its description says 2158 questions, not 2160"
! grep -q "frames: its" "$work/err" || fail "a count that is as described was remarked upon"
says "mmlu.shots: 285 examples for --shots"
says "gsm8k.shots: 51 examples for --shots"
left=$(find "$sets" -name '.*' -mindepth 1)
[ -z "$left" ] || fail "the pulls left $left"
run 0 "$IPW" dataset verify
python3 - "$sets" "$data/records.jsonl" <<'P' || fail "records differ from $data/records.jsonl"
import glob, json, os, sys
got, count = {}, {}
for path in glob.glob(sys.argv[1] + "/*.jsonl"):
    for line in open(path):
        record = json.loads(line)
        got[record["id"]] = record
        count[os.path.basename(path)[:-6]] = count.get(os.path.basename(path)[:-6], 0) + 1
bad = 0
seen = set()
for want in map(json.loads, open(sys.argv[2])):
    seen.add(want["id"].split("/")[0])
    if got.get(want["id"]) != want:
        bad += 1
        print("want", want, "\ngot ", got.get(want["id"]), file=sys.stderr)
if set(count) != seen:
    bad += 1
    print("without a record to compare with:", set(count) ^ seen, file=sys.stderr)
# toxic, redacted, French, asked before, blank: none of them came through
chats = [r["question"] for r in got.values() if r["id"].startswith("wildchat/")]
if len(chats) != 15 or len(set(chats)) != 15 or any(q[-1] in "12346" for q in chats):
    bad += 1
    print("wildchat:", chats, file=sys.stderr)
sys.exit(bad != 0)
P
for name in "${names[@]}"; do
    json "$sets/$name.origin.json" '.source | endswith("from the hub")' true
done
