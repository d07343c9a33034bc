#!/usr/bin/env bash
# --shots and --template: what the model is shown, how it is recorded, what is refused.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
model=$(smollm2)
quiet=(--threads 1 --baseline none --energy none --max-tokens 8)
export IPW_DATA=$work/data
mkdir -p "$IPW_DATA/datasets"
cat >"$work/q.jsonl" <<'EOF'
{"id":"a","type":"mcq","question":"Which is a colour?","choices":["blue","seven"],"answer":"A","subject":"words"}
{"id":"b","type":"mcq","question":"Which is a number?","choices":["blue","seven"],"answer":"B","subject":"words"}
EOF
cat >"$work/dev.jsonl" <<'EOF'
{"id":"1","type":"mcq","question":"Which is an animal?","choices":["stone","horse"],"answer":"B","subject":"words"}
{"id":"2","type":"mcq","question":"Which is a number?","choices":["blue","seven"],"answer":"B","subject":"words"}
{"id":"3","type":"mcq","question":"Which is a tree?","choices":["oak","salt"],"answer":"A","subject":"words"}
EOF

run 0 "$IPW" profile -m "$model" --dataset "$work/q.jsonl" --shots 2 --shots-from "$work/dev.jsonl" "${quiet[@]}" --output-dir "$work/a"
a=$(the_run a)
prompt() { sql "$1" "SELECT t.prompt FROM text t JOIN query q ON q.id = t.query WHERE q.query_id = '$2'"; }
shown() { [[ $(prompt "$1" "$2") == *"$3"* ]]; }
[ "$(prompt "$a" b | grep -c 'Answer: [AB]$\|Answer: [AB]<')" = 2 ] || fail "two answered examples"
shown "$a" b 'oak' || fail "the question itself was among its examples"
! shown "$a" a 'oak' || fail "three examples"
[ "$(prompt "$a" a | grep -c '<|im_start|>assistant')" = 3 ] || fail "examples are turns of the chat"
[[ "$(sql "$a" "SELECT DISTINCT template FROM question")" =~ ^mcq/1\+2@[0-9a-f]{12}$ ]] || fail "the id of how it was put"

# the set's own examples lie beside it
cp "$work/q.jsonl" "$IPW_DATA/datasets/mine.jsonl"
run 2 "$IPW" profile -m "$model" --dataset mine --shots 2 "${quiet[@]}" --output-dir "$work/b"
says "no examples are here for 'mine'; name a file"
cp "$work/dev.jsonl" "$IPW_DATA/datasets/mine.shots.jsonl"
run 0 "$IPW" profile -m "$model" --dataset mine --num-fewshot 1 --scoring letters "${quiet[@]}" --output-dir "$work/b"
[[ "$(sql "$(the_run b)" "SELECT DISTINCT template FROM question")" =~ ^letters/1\+1@ ]] || fail "examples before letters"
run 2 "$IPW" profile -m "$model" --dataset mine --shots 3 "${quiet[@]}" --output-dir "$work/c"
says "question 'b': 'mine.shots' has 2 examples of its type, --shots 3 are asked for"
run 2 "$IPW" profile -m "$model" --dataset mine --shots-from "$work/dev.jsonl" "${quiet[@]}" --output-dir "$work/c"
says "goes with --shots N"

# a template; resumed only with the same text; two of them do not compare without a word
printf 'On {subject}: {question}\n{choices}\nSay one of {letters}.' >"$work/t.txt"
run 0 "$IPW" profile -m "$model" --dataset "$work/q.jsonl" --template "$work/t.txt" "${quiet[@]}" --output-dir "$work/t"
t=$(the_run t)
shown "$t" a 'On words: Which is a colour?' || fail "the template"
shown "$t" a 'Say one of A-B.' || fail "letters"
[[ "$(sql "$t" "SELECT DISTINCT template FROM question")" =~ ^t.txt@[0-9a-f]{12}$ ]] || fail "its id"
run 0 "$IPW" compare "$a" "$t"
shows "t.txt@"
sql_write "$t" "DELETE FROM text WHERE query = 2"
sql_write "$t" "DELETE FROM query WHERE id = 2"
printf 'Another: {question} {choices}' >"$work/t.txt"
run 2 "$IPW" profile --resume "$t"
says "template or examples have changed since it began"
printf '{question}' >"$work/t.txt"
run 2 "$IPW" profile -m "$model" --dataset "$work/q.jsonl" --template "$work/t.txt" "${quiet[@]}" --output-dir "$work/d"
says "put {choices} into it"
run 2 "$IPW" profile -m "$model" --dataset "$work/q.jsonl" --template "$work/nowhere" "${quiet[@]}" --output-dir "$work/d"
says "nowhere"
[ ! -e "$work/d" ] || fail "a folder was made for a run that never began"
