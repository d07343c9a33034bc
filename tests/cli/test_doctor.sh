#!/usr/bin/env bash
# Bare `ipw`, ipw doctor and --watch as they are typed: no home, no terminal, a pipe that closes, a terminal of 40 columns.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
model=$(smollm2) # before the caches are elsewhere
cd "$work"
export HOME=$work/home XDG_DATA_HOME=$work/data XDG_CACHE_HOME=$work/cache
mkdir "$HOME"
unset HF_HOME OLLAMA_MODELS IPW_DATA

# a greeting, whatever is missing
run 0 "$IPW"
shows "ipw help for all commands"
shows "Newest run     none yet"
[ ! -s "$work/err" ] || fail "bare ipw talks on stderr"
awk 'length > 79 { exit 1 }' "$work/out" || fail "the greeting is wider than 79 columns"
run 0 env -u HOME -u XDG_CONFIG_HOME -u XDG_DATA_HOME -u XDG_CACHE_HOME NO_COLOR=1 TERM=dumb "$IPW"
shows "This machine"
[ ! -s "$work/err" ] || fail "bare ipw without a home talks on stderr"
grep -q $'\033' "$work/out" && fail "escapes in the greeting"
run 0 env IPW_SYSFS_ROOT="$work/nosys" IPW_PROC_ROOT="$work/noproc" "$IPW"
shows "ipw doctor energy"
for command in "" doctor "doctor energy"; do
    run 0 bash -o pipefail -c "'$IPW' $command | head -n 1"
done

# damaged settings are told and stop nothing
mkdir -p "$XDG_CONFIG_HOME/ipw"
echo '{' >"$XDG_CONFIG_HOME/ipw/calibration.json"
run 0 env IPW_SYSFS_ROOT="$work/nosys" "$IPW"
shows "calibration.json"
run 0 env IPW_SYSFS_ROOT="$work/nosys" "$IPW" doctor energy
shows "ipw calibrate again"
rm "$XDG_CONFIG_HOME/ipw/calibration.json"

# every check has a status, in both forms
run 0 "$IPW" doctor
for group in Energy Machine Engine Files Tools; do shows "$group"; done
awk 'length > 79 && !/^      / { exit 1 }' "$work/out" || fail "ipw doctor is wider than 79 columns, and not by a command"
run 0 "$IPW" doctor -o json
cp "$work/out" "$work/doctor.json"
json "$work/doctor.json" .schema ipw.doctor/1
json "$work/doctor.json" '[.checks[] | select(.status | IN("ok", "note", "missing") | not)] | length' 0
json "$work/doctor.json" '[.checks[].group] | unique | join(" ")' "energy engine files machine tools"
json "$work/doctor.json" '[.checks[] | select(.text == null or .text == "" or (has("remedy") | not))] | length' 0
run 0 "$IPW" doctor tools -o json
json "$work/out" '[.checks[].group] | unique | join(" ")' tools
run 2 "$IPW" doctor enrgy
says "'enrgy'"
run 2 "$IPW" doctor energy tools
says "unexpected 'tools'"

# another ipw comes first on PATH
mkdir "$work/bin" "$work/ours"
printf '#!/usr/bin/env python3\nprint("ipw")\n' >"$work/bin/ipw"
chmod +x "$work/bin/ipw"
ln -s "$IPW" "$work/ours/ipw"
run 0 env PATH="$work/bin:$PATH" "$IPW" doctor tools -o json
json "$work/out" '.checks[] | select(.name == "ipw") | .status' note
shows "Python ipw of arXiv 2511.07885, and comes first"
run 0 env PATH="$work/ours:$work/bin:$PATH" "$IPW" doctor tools -o json
shows "behind this one"

# what is said of bwrap is what the scorers find: of one that is refused, that does nothing, that is not there, that works
chmod 755 "$work" "$work/bin" # root starts it as another user
printf '{"kind":"python_asserts","test":"assert f() == 1","response":"def f():\\n    return 1","expected":true}\n' >"$work/code.jsonl"
agree() { # TEXT of the doctor, REASON of the scorer
    run 0 "$IPW" doctor tools
    shows "$1"
    [ ! -s "$work/err" ] || fail "bwrap's own words reach the screen"
    "$IPW" score --try "$work/code.jsonl" >"$work/out" || true
    json "$work/out" .result.reason "$2"
}
real=$(command -v bwrap || true)
printf '#!/bin/sh\necho "bwrap: no" >&2\nexit 1\n' >"$work/bin/bwrap"
chmod 755 "$work/bin/bwrap"
(PATH=$work/bin:$PATH agree "is not allowed to work (bwrap: no)" "no sandbox: bwrap: no; see ipw doctor")
printf '#!/bin/sh\nexit 0\n' >"$work/bin/bwrap"
(PATH=$work/bin:$PATH agree "is not allowed to work (bwrap did not" "no sandbox: bwrap did not answer; see ipw doctor")
if [ -n "$real" ] && "$IPW" doctor tools | grep -q "bwrap works"; then
    printf '#!/bin/sh\nexec %s "$@"\n' "$real" >"$work/bin/bwrap"
    (PATH=$work/bin:$PATH agree "bwrap works" null)
fi
rm "$work/bin/bwrap"
mkdir "$work/few"
for tool in grep jq; do ln -s "$(command -v $tool)" "$work/few"; done
(PATH=$work/few agree "no bwrap: answers" "no sandbox: command 'bwrap' was not found; check its name and PATH; see ipw doctor")

# a folder that cannot be written: a note, not a failure
run 0 env IPW_DATA=/proc/ipw "$IPW" doctor files -o json
json "$work/out" '.checks[] | select(.name == "data") | .status != "ok"' true # root may write anywhere, but nothing fits

# a pulled set that was changed since
mkdir -p "$work/data/ipw/datasets"
printf '{"id":"1","question":"1+1?","answer":"2","type":"numeric"}\n' >"$work/one.jsonl"
run 0 "$IPW" dataset import "$work/one.jsonl" --name one
run 0 "$IPW" doctor files
shows "1 more in your folder"
echo ' ' >>"$work/data/ipw/datasets/one.jsonl"
run 0 "$IPW" doctor files -o json
json "$work/out" '[.checks[] | select(.name == "questions") | .status] | join(" ")' "ok note"
rm -r "$work/data/ipw/datasets"

# counters that only root may read: the exact commands, whole
if [ "$(id -u)" != 0 ] || command -v setpriv >/dev/null; then
    mkdir -p "$work/host/class/powercap/intel-rapl:0"
    printf 'package-0\n' >"$work/host/class/powercap/intel-rapl:0/name"
    printf '123\n' >"$work/host/class/powercap/intel-rapl:0/energy_uj"
    chmod 0000 "$work/host/class/powercap/intel-rapl:0/energy_uj"
    chmod 0755 "$work" "$work/home"
    as=()
    [ "$(id -u)" != 0 ] || as=(setpriv --reuid=65534 --clear-groups)
    if "${as[@]}" "$IPW" version >/dev/null 2>&1; then
        run 0 env IPW_SYSFS_ROOT="$work/host" "${as[@]}" "$IPW" doctor energy
        shows "RAPL is there, only root may read it"
        grep -qE '^ +sudo chmod a\+r /sys/class/powercap/intel-rapl\*/energy_uj$' "$work/out" ||
            fail "the command does not stand on a line of its own"
        run 0 env IPW_SYSFS_ROOT="$work/host" "${as[@]}" "$IPW"
        shows "ipw doctor energy"
        run 3 env IPW_SYSFS_ROOT="$work/host" "${as[@]}" "$IPW" calibrate
        says "--pmin W"
        says "ipw doctor energy"
        if grep -q -- "--energy" "$work/err"; then fail "calibrate names a flag that it does not have"; fi
        [ "$(wc -l <"$work/err")" = 1 ] || fail "a message for a log is not one line"
    fi
fi

# --watch without a terminal says so and goes on
run 0 "$IPW" profile -m "$model" --threads 1 -n 1 --baseline none --watch --output-dir "$work/runs"
says "--watch needs a terminal"
grep -q $'\033' "$work/err" && fail "escapes without a terminal"
run 0 "$IPW"
shows "Newest run     SmolLM2-135M-Instruct Q4_1 on starter"
shows "J/query, just now"

# in a terminal: frames, resized while it runs, and nothing of them left at the end
command -v tmux >/dev/null || skip "the rest needs tmux"
socket=ipw-test-$$
trap 'tmux -L "$socket" kill-server 2>/dev/null; cleanup' EXIT
tmux -L "$socket" -f /dev/null new-session -d -x 80 -y 24 "env PS1='> ' HOME=$HOME sh" || skip "tmux does not start here"
screen() { tmux -L "$socket" capture-pane -p; }
wait_for() { # TEXT
    for _ in $(seq 200); do
        if screen | grep -qF -- "$1"; then return; fi
        sleep 0.1
    done
    screen >&2
    fail "the terminal never showed: $1"
}
tmux -L "$socket" send-keys "cd '$work'; clear; '$IPW' profile -m '$model' --threads 1 -n 60 --baseline none --watch" Enter
wait_for "Asked"
wait_for "tokens/s"
tmux -L "$socket" resize-window -x 100 -y 30
sleep 0.7
[ "$(screen | grep -c 'Power ')" = 1 ] || { screen >&2; fail "a frame stands twice after growing"; }
tmux -L "$socket" resize-window -x 82 -y 24
sleep 0.7
[ "$(screen | grep -c 'Power ')" = 1 ] || { screen >&2; fail "a frame stands twice after shrinking"; }
tmux -L "$socket" resize-window -x 200 -y 24
sleep 0.7
tmux -L "$socket" resize-window -x 82 -y 24
sleep 0.7
[ "$(screen | grep -c 'SmolLM2-135M-Instruct Q4_1 on')" = 1 ] || { screen >&2; fail "a line of a wide frame stays after shrinking"; }
tmux -L "$socket" resize-window -x 70 -y 24
wait_for " right"
tmux -L "$socket" resize-window -x 35 -y 24
sleep 0.7
[ "$(screen | grep -c ' of 60 ')" = 1 ] || { screen >&2; fail "the progress line stands twice after shrinking"; }
tmux -L "$socket" send-keys C-c
wait_for "--resume"
if screen | grep -q 'Power '; then screen >&2; fail "the frame was not cleared"; fi
tmux -L "$socket" resize-window -x 40 -y 24
tmux -L "$socket" send-keys "clear; '$IPW'; '$IPW' profiel" Enter
wait_for "mean 'profile'"
wait_for "Newest run"
typed=0
narrow() { # COMMAND: no line is wider than the screen but what is pasted
    typed=$((typed + 1)) # a word of its own: the last command's may still be on the screen
    tmux -L "$socket" send-keys "clear; script -qec \"'$IPW' $1\" '$work/typed' >/dev/null; echo do''ne $typed" Enter
    wait_for "done $typed"
    tr -d '\r' <"$work/typed" | sed '1d;$d;/^Examples/,$d;/^ *ipw /d' | awk 'length > 39 { print; bad = 1 } END { exit bad }' ||
        fail "'ipw $1' is wider than 40 columns"
}
if command -v script >/dev/null; then
    for command in help "help profile" "dataset --help" "" "doctor machine"; do narrow "$command"; done
fi
