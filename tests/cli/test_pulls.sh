#!/usr/bin/env bash
# Pulls of question sets that meet what they can meet: breaks, damage, gates, a hub that is down, other columns, a second
# pull at once, and a kill in the middle. What was there stays, and nothing is left behind.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

export IPW_DATA=$work/data
sets=$IPW_DATA/datasets
hub=$work/hub/datasets
need_duckdb
make_tables "$hub" <"$IPW_SOURCE/tests/data/hub/tables.sql"
unset HF_TOKEN
export HF_HOME=$work/no-token
start_hub

pull() { "$IPW" dataset pull "$@" --from hub; }
left_nothing() { # WHEN
    local left
    left=$(find "$sets" -mindepth 1 ! -name '*.jsonl' ! -name '*.origin.json')
    [ -z "$left" ] || fail "$1 left $left"
}

# --- a body that breaks off goes on where it stopped
math=$hub/HuggingFaceH4/MATH-500
touch "$math/.breaks"
run 0 pull math500
grep -q 'test.jsonl bytes=' "$work/requests" || fail "it did not go on where it stopped"
left_nothing "a resumed pull"
rm "$math/.breaks"

# --- another sha256: nothing of it is kept, and what was there stays
cp "$sets/math500.jsonl" "$work/before"
sed -i 's/"source": "/&old /; s/from the hub/from elsewhere/' "$sets/math500.origin.json"
touch "$math/.wrong"
run 2 pull math500
says "'test.jsonl' came damaged"
says "pull again"
cmp "$work/before" "$sets/math500.jsonl" || fail "a damaged pull spoiled what was there"
left_nothing "a damaged pull"
rm "$math/.wrong"
run 0 pull math500
json "$sets/math500.origin.json" '.source' "HuggingFaceH4/MATH-500 from the hub"

# --- gates: the list is open or not, the files are not
gpqa=$hub/Idavidrein/gpqa
for gate in gated needs-token files-gated; do
    touch "$gpqa/.$gate"
    run 2 pull gpqa-diamond
    says "'gpqa-diamond' is gated: ask for access at https://huggingface.co/datasets/Idavidrein/gpqa, then set HF_TOKEN"
    [ "$gate" = gated ] || run 2 env HF_TOKEN=wrong "$IPW" dataset pull gpqa-diamond
    [ "$gate" = gated ] || says "does not know your token (401): make a new one"
    left_nothing "a pull that was refused"
    [ "$gate" != gated ] || { run 2 env HF_TOKEN=secret "$IPW" dataset pull gpqa-diamond && says "has no access yet (403): ask for it at"; }
    rm "$gpqa/.$gate"
done
touch "$gpqa/.needs-token"
run 0 env HF_TOKEN=secret "$IPW" dataset pull gpqa-diamond
mkdir "$work/no-token"
echo secret >"$work/no-token/token"
run 0 pull gpqa-main
rm -r "$work/no-token"

# --- a hub that is not there, has trouble, or is something else
run 3 env HF_ENDPOINT=http://127.0.0.1:9 "$IPW" dataset pull arc-easy
says "dataset 'allenai/ai2_arc'"
says "http://127.0.0.1:9"
arc=$hub/allenai/ai2_arc
touch "$arc/.broken"
run 3 pull arc-easy
says "trouble of its own (503): try again later"
mv "$arc/.broken" "$arc/.busy"
run 3 pull arc-easy
says "try again in 17 s"
rm "$arc/.busy"
run 2 env HF_ENDPOINT="$HF_ENDPOINT/nowhere" "$IPW" dataset pull arc-easy
says "dataset 'allenai/ai2_arc'"
left_nothing "pulls that failed"

# --- files that are not as they were described
mv "$arc/ARC-Easy" "$work/easy"
run 2 pull arc-easy
says "'allenai/ai2_arc' on the hub holds no 'ARC-Easy/test-*.parquet' any more; take the set from a file: ipw dataset import FILE"
make_tables "$hub" <<'S'
COPY (SELECT 'x' AS id, 'q' AS question, ['a'] AS choices FROM range(2376)) TO 'allenai/ai2_arc/ARC-Easy/test-00000-of-00001.parquet';
S
run 2 pull arc-easy
says "'ARC-Easy/test-00000-of-00001.parquet' has no column 'answerKey'"
make_tables "$hub" <<'S'
COPY (SELECT 'x' || i AS id, 'q' AS question, {'text': ['a', 'b'], 'label': ['A', 'B']} AS choices, 'C' AS answerKey FROM range(2376) t(i)) TO 'allenai/ai2_arc/ARC-Easy/test-00000-of-00001.parquet';
S
run 2 pull arc-easy
says "'ARC-Easy/test-00000-of-00001.parquet' row 1: the answer"
truncate -s -1000 "$arc/ARC-Easy/test-00000-of-00001.parquet"
run 2 pull arc-easy
says "'ARC-Easy/test-00000-of-00001.parquet'"
make_tables "$hub" <<'S'
COPY (SELECT 'x' || i AS id, 'q' AS question, {'text': ['a', 'b'], 'label': ['A', 'B']} AS choices, 'B' AS answerKey FROM range(2375) t(i)) TO 'allenai/ai2_arc/ARC-Easy/test-00000-of-00001.parquet';
S
run 2 pull arc-easy
says "'arc-easy' holds 2375 records, not 2376: it came in part, or was changed at its source"
[ ! -e "$sets/arc-easy.jsonl" ] || fail "a set of another count was kept"
left_nothing "a set of another count"
rm -r "$arc/ARC-Easy"
mv "$work/easy" "$arc/ARC-Easy"

# --- examples of another split lie beside the set; it is taken without them too, and they come with the next pull
mv "$arc/ARC-Easy/train-00000-of-00001.parquet" "$work/train"
run 0 pull arc-easy
says "'arc-easy' is here without its examples, which --shots needs: pull it again for them"
run 2 "$IPW" profile -m "$(smollm2)" --dataset arc-easy --shots 2 --output-dir "$work/runs"
says "the examples of 'arc-easy' are not here: ipw dataset pull arc-easy --from hub"
mv "$work/train" "$arc/ARC-Easy/train-00000-of-00001.parquet"
run 0 pull arc-easy
says "arc-easy.shots: 56 examples for --shots"
run 0 pull arc-easy
says "arc-easy is here and as it was taken"
run 0 "$IPW" dataset list
! grep -q 'arc-easy.shots' "$work/out" || fail "examples are listed as a set"
run 0 "$IPW" dataset verify arc-easy
shows "arc-easy.shots: 56"
run 0 "$IPW" dataset sample arc-easy -n 2 --out "$work/two.jsonl"
run 0 "$IPW" profile -m "$(smollm2)" --dataset "$work/two.jsonl" --shots 25 --shots-from arc-easy.shots --scoring loglik \
    --threads 1 --baseline none --energy none --output-dir "$work/runs"
[[ "$(sql "$(the_run runs)" "SELECT DISTINCT template FROM question")" =~ ^question/1\+25@[0-9a-f]{12}$ ]] || fail "the pulled examples"
left_nothing "a set with examples"

# --- two at once: the second says so, the first is whole
gpqas=$hub/m-a-p/SuperGPQA
part() { stat -c %s "$sets"/.hub-supergpqa-0-*.part 2>/dev/null || echo 0; }
touch "$gpqas/.slow"
"$IPW" dataset pull supergpqa 2>"$work/first" &
first=$!
for _ in $(seq 200); do
    [ "$(part)" -lt 200000 ] || break
    sleep 0.05
done
run 3 pull supergpqa
says "'supergpqa' is being taken by another ipw; wait for it"
kill -9 $first # --- and a kill in the middle: the next pull goes on
wait $first 2>/dev/null || true
[ "$(part)" -ge 200000 ] || fail "nothing had come when it was killed"
rm "$gpqas/.slow"
: >"$work/requests"
run 0 pull supergpqa
grep -q 'SuperGPQA-all.jsonl bytes=' "$work/requests" || fail "it began anew after a kill"
says "26529 questions"
run 0 "$IPW" dataset verify supergpqa
left_nothing "a kill and a pull"

# --- killed at any later moment: what is there is whole, the old or the new
for wait in 0.02 0.05 0.1 0.15 0.2 0.3; do
    rm -f "$sets"/supergpqa.origin.json
    "$IPW" dataset pull supergpqa --from hub 2>/dev/null &
    first=$!
    sleep $wait
    kill -9 $first 2>/dev/null || true
    wait $first 2>/dev/null || true
    [ ! -e "$sets/supergpqa.jsonl" ] || [ "$(wc -l <"$sets/supergpqa.jsonl")" = 26529 ] || fail "a kill after $wait s spoiled the set"
done
run 0 pull supergpqa
run 0 "$IPW" dataset verify
left_nothing "kills"

# --- one killed while pip runs leaves a folder; the next pull takes it away
mkdir "$work/bin"
printf '#!/bin/sh\ncase "$*" in *--version*) ;; *) echo >"%s"; exec sleep 5;; esac\n' "$work/hangs" >"$work/bin/pip3"
chmod +x "$work/bin/pip3"
ln -s "$(command -v sleep)" "$work/bin/sleep"
PATH="$work/bin" "$IPW" dataset pull piqa 2>"$work/err" &
first=$!
for _ in $(seq 100); do
    [ ! -e "$work/hangs" ] || break
    sleep 0.05
done
kill -9 $first
wait $first 2>/dev/null || true
[ -n "$(find "$sets" -name '.pull-*')" ] || fail "no folder to look for"
printf '#!/bin/sh\ncase "$*" in *--version*) ;; *) exit 1;; esac\n' >"$work/bin/pip3"
run 3 env PATH="$work/bin" "$IPW" dataset pull piqa
left_nothing "a kill while pip ran"
exec 7>&-
