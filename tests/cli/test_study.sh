#!/usr/bin/env bash
# Several runs in turns: ipw study, profile with several models, killed and gone on with; presets, settings file, labels.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
smol=$(smollm2)
gemma=$("$IPW_SOURCE/scripts/deps" gemma | sed 's/^[^ ]* //')
cd "$work"
for i in $(seq 4); do
    printf '{"id":"q%d","question":"Name %d things.","answer":"x"}\n' "$i" "$i"
done >q.jsonl

# ---- what is wrong is found before anything is asked
study() { # TEXT
    printf '%s' "$1" >s.json
}
study '{"modles": ["a"]}'
run 2 "$IPW" study run s.json
says "'s.json': unknown key 'modles': did you mean 'models'?"
study "{\"models\": [\"$smol\"], \"options\": {\"thread\": 2}}"
run 2 "$IPW" study run s.json
says "unknown key 'thread': did you mean 'threads'?"
study "{\"models\": [\"$smol\"], \"blocks\": 5, \"options\": {\"duration\": 3}}"
run 0 "$IPW" study plan s.json
says "'blocks' does not hold for 1 run"
study "{\"models\": [\"$smol\", \"none.gguf\"], \"options\": {\"threads\": 1}}"
run 2 "$IPW" study run s.json
says "missing: model 'none.gguf'"
says "cannot open model 'none.gguf'"
run 0 "$IPW" study show s.json
shows "model 'none.gguf'"
run 2 "$IPW" profile -m "$smol" -m none.gguf
says "cannot open model 'none.gguf'"
run 2 "$IPW" study run power-cap
says "did you mean 'power-caps'?"
run 2 "$IPW" study run
says "which study?"
run 2 "$IPW" study run --resume "$work"
says "no study in '$work'"
run 2 "$IPW" study run paper-2511.07885
says "missing: question set 'supergpqa'"
says "missing: judge 'gpt-4o'"
says "cannot run here"
run 2 "$IPW" profile -m "$smol" --preset quik
says "no preset 'quik': did you mean 'quick'?"
echo '{"max-token": 3}' >p.json
run 2 "$IPW" profile -m "$smol" --preset p.json
says "'p.json': unknown key 'max-token': did you mean 'max-tokens'?"
run 2 "$IPW" profile -m "$smol" --label "Power=3"
says "becomes a column"
run 2 "$IPW" profile --client olama --model m --client-base-url http://localhost:11434 --max-queries 50
says "no engine 'olama': this build has only 'llama', 'openai', 'ollama'"
[ ! -e runs ] || fail "something was made for runs that cannot start"
mkdir -p "$XDG_CONFIG_HOME/ipw"
echo '{"profile": {"tempratur": 1}}' >"$XDG_CONFIG_HOME/ipw/config.json"
run 2 "$IPW" profile -m "$smol"
says "ipw/config.json': unknown key 'tempratur'"
run 0 "$IPW" profile --help
rm "$XDG_CONFIG_HOME/ipw/config.json"

# ---- long, or with commands: asked for, or -y
study "{\"models\": [\"$smol\"], \"repeats\": 1000, \"options\": {\"threads\": 1}, \"settings\": [{}, {\"options\": {\"ctx\": 512}}]}"
run 2 "$IPW" study run s.json </dev/null
says "2000 runs"
says "about 2.5 days, and there is no terminal to ask on; ipw study run with -y starts it without asking"
study "{\"models\": [\"$smol\"], \"settings\": [{\"before\": \"touch gone\"}]}"
run 2 "$IPW" study run s.json </dev/null
says "before blocks: touch gone"
says "runs the commands above"
[ ! -e runs ] || fail "it was started without being asked"
[ ! -e gone ] || fail "its command ran without being asked"
python3 - "$IPW" <<'END' || fail "Ctrl-C at the question does not end it"
import os, pty, select, sys, time
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], [sys.argv[1], "study", "run", "s.json"])
seen, end, sent = b"", time.time() + 20, False
while time.time() < end and os.waitpid(pid, os.WNOHANG)[0] == 0:
    if select.select([fd], [], [], 0.1)[0]:
        try:
            seen += os.read(fd, 4096)
        except OSError:
            time.sleep(0.1)
    if b"[y/N]" in seen and not sent:
        sent = os.write(fd, b"\x03") == 1
if time.time() >= end:
    os.kill(pid, 9)
sys.exit(not sent or time.time() >= end)
END

# ---- one run: its time is said first, a preset and the settings file set what no flag says
echo '{"profile": {"max-tokens": 3, "threads": 1, "baseline": "none"}}' >"$XDG_CONFIG_HOME/ipw/config.json"
echo '{"max-tokens": 2, "max-queries": 2} // small' >p.json
run 0 "$IPW" profile -m "$smol" --preset p.json --label lab=a1 --output-dir one
says "2 questions of starter, about "
r=$(the_run one)
[ "$(sql "$r" 'SELECT max(n_out) FROM query')" = 2 ] || fail "the preset does not stand before the settings file"
json "$r/summary.json" .labels.lab a1
[ "$(head -n 1 "$r/queries.jsonl" | jq -r .label_lab)" = a1 ] || fail "no column label_lab in queries.jsonl"
rm "$XDG_CONFIG_HOME/ipw/config.json"

# ---- a study: two models, two settings, two blocks of each run, killed at any moment
cat >s.json <<END
{ // small
  "name": "two by two", "models": ["$smol", "$gemma"], "datasets": ["q.jsonl"], "blocks": 2,
  "options": {"max-tokens": 4, "baseline": "none", "threads": 1},
  "settings": [{"label": {"ctx": 256}, "options": {"ctx": 256}, "before": "echo x >>commands"},
               {"label": {"ctx": 512}, "options": {"ctx": 512}}],
  "after": "touch restored",
}
END
run 0 "$IPW" study plan s.json
shows "1 2 3 4 4 3 2 1"
awk 'length > 80 { exit 1 }' out || fail "the plan is wider than 80 columns"
s=$work/runs/study_two-by-two_1
open() { [ "$(jq .complete "$s/study.json" 2>/dev/null || echo none)" != true ]; }
for round in 1 2 3 4; do
    open || break
    "$IPW" study run s.json -y >/dev/null 2>&1 &
    pid=$!
    sleep "0.$((4 + RANDOM % 5))"
    if [ "$round" = 2 ] && kill -0 $pid 2>/dev/null && [ -e "$s/study.json" ]; then
        run 3 "$IPW" study run --resume "$s" -y
        says "process $pid"
    fi
    kill -9 $pid 2>/dev/null || true
    wait $pid 2>/dev/null || true
done
if open; then # the first signal ends it in order
    "$IPW" study run s.json -y >/dev/null 2>"$work/err" &
    pid=$!
    sleep 0.5
    kill -INT $pid
    got=0
    wait $pid || got=$?
    [ $got = 130 ] || [ $got = 0 ] || fail "an interrupted study exited $got"
    [ $got = 0 ] || says "Go on with: ipw study run --resume"
fi
run 0 "$IPW" study run --resume "$s" -y
shows "ipw analyze"
[ "$(ls runs)" = study_two-by-two_1 ] || fail "it was begun anew: $(ls runs)"
json "$s/study.json" .complete true
[ -e restored ] || fail "the command at the end did not run"
[ "$(find "$s" -name 'profile_*' | wc -l)" = 4 ] || fail "not four runs"
for r in "$s"/profile_*; do
    [ "$(sql "$r" 'SELECT count(*) || " " || count(DISTINCT query_id) FROM query')" = "4 4" ] || fail "$r: not every question once"
    json "$r/summary.json" .complete true
    [ "$(sql "$r" 'SELECT count(*) >= 2 FROM segment')" = 1 ] || fail "$r: not in two blocks"
    [ "$(sql "$r" 'SELECT group_concat(query_id) FROM query')" = "$(sql "$s/profile_"*gemma*_1 'SELECT group_concat(query_id) FROM query')" ] ||
        fail "$r: another order of questions"
done
grep -rq "$work/runs" "$s/study.json" && fail "study.json knows where it lies"
mv "$s" moved
run 0 "$IPW" study run --resume moved
run 0 "$IPW" analyze accuracy moved/profile_* -o csv
shows "label_ctx"

# a folder that comes from elsewhere: its commands are asked for; the one at the end is owed after a kill before it
cp -r moved owed
sed -i 's/"complete": true/"complete": false/' owed/study.json
rm restored
for resume in "study run" profile; do
    # shellcheck disable=SC2086 # words
    run 2 "$IPW" $resume --resume owed </dev/null
    says "before blocks: echo x >>commands"
    says "runs the commands above, and there is no terminal to ask on; ipw study run with -y"
done
[ ! -e restored ] || fail "the command at the end ran without being asked"
run 2 "$IPW" study run --resume owed -m "$smol"
says "--resume takes '--model' from the study's folder"
run 0 "$IPW" study run --resume owed -y
[ -e restored ] || fail "the command at the end is not made up for"

# what a command sets is what the block records; what it says is no result
tree=$work/tree
mkdir -p "$tree/devices/system/cpu/cpu0/cpufreq"
echo first >"$tree/devices/system/cpu/cpu0/cpufreq/scaling_governor"
g="echo %s; echo %s >$tree/devices/system/cpu/cpu0/cpufreq/scaling_governor"
# shellcheck disable=SC2059 # the format is above
study "{\"name\": \"governor\", \"models\": [\"$smol\"], \"datasets\": [\"q.jsonl\"], \"blocks\": 2,
        \"options\": {\"threads\": 1, \"max-tokens\": 1, \"max-queries\": 2, \"baseline\": \"none\"},
        \"settings\": [{\"before\": \"$(printf "$g" low low)\"}, {\"before\": \"$(printf "$g" high high)\"}]}"
IPW_SYSFS_ROOT=$tree run 0 "$IPW" study run s.json -y -o json
says low
[ "$(jq length out)" = 2 ] || fail "a command wrote into the results"
[ "$(jq -r '[.[].settings.governor] | join(" ")' out)" = "low high" ] || fail "the governor of another block is recorded"

mkdir -p again && cp -r moved again/study_x_1 # an earlier run of each model tells more than its size
run 0 "$IPW" study show s.json --output-dir again
shows "from an earlier run here"
shows " kJ"

# ---- the same by flags, and a study whose command fails
run 0 "$IPW" profile -m "$smol" --dataset q.jsonl -n 2 --repeat 2 --blocks 2 --max-tokens 2 -t 1 --baseline none --output-dir flags -o json
[ "$(jq -r '[.[].labels.repeat] | join(" ")' out)" = "1 2" ] || fail "no repeats in the results"
study "{\"models\": [\"$smol\"], \"datasets\": [\"q.jsonl\"], \"settings\": [{\"before\": \"exit 7\"}], \"options\": {\"threads\": 1}}"
run 3 "$IPW" study run s.json -y
says "the command before a block 'exit 7' ended with 7"
