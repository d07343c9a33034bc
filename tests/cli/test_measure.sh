#!/usr/bin/env bash
# ipw measure: exit codes, signals, the JSON's shape, the CPU time of a tree, the log against the printed joules, and a
# live counter against the truth.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

burn='import time
while time.process_time() < 0.5: pass'

# ---- exit codes: the command's own, and 125 to 127 ----
export IPW_SYSFS_ROOT=$work/nosys # the estimator, wherever this runs
run 0 "$IPW" measure -- true
shows "'true' took ~"
shows "estimated"
run 7 "$IPW" measure -- sh -c 'exit 7'
run 143 "$IPW" measure -- sh -c 'kill -TERM $$'
run 127 "$IPW" measure -- "$work/none"
says "was not found"
run 127 "$IPW" measure -- no-such-command-anywhere
echo 'echo hi' >"$work/script"
run 126 "$IPW" measure -- "$work/script"
says "chmod +x"
run 126 "$IPW" measure -- "$work"
for wrong in "--foo" "-o xml -- true" "true" "--" "--energy much -- true" "--baseline long -- true" \
    "--duration 1 -- true" "--energy measured -- true" "--log $work/no/such/log -- true"; do
    # shellcheck disable=SC2086 # several words
    run 125 "$IPW" measure $wrong
done
for same in "$work/one" "$work/../${work##*/}/one"; do
    run 125 "$IPW" measure --out "$work/one" --log "$same" -- touch "$work/touched"
    says "name two files"
done
touch "$work/one"
ln "$work/one" "$work/two"
run 125 "$IPW" measure --out "$work/one" --log "$work/two" -- touch "$work/touched"
says "name two files"
run 125 "$IPW" measure --energy measured -- touch "$work/touched"
says "no full measurement here"
[ ! -e "$work/touched" ] || fail "the command ran though it could not be measured"
run 125 "$IPW" measure --devices 7 -- true
says "device '7' is not here"
run 125 "$IPW" measure --include no:such -- true
says "channel 'no:such' is not here"
run 0 "$IPW" measure --help
awk 'length > 80 { exit 1 }' "$work/out" || fail "the help is wider than 80 columns"

# ---- the command is left as it was: its input, arguments, descriptors, signals ----
echo text >"$work/text"
cat >"$work/look" <<'EOF'
cat
find /proc/self/fd -type l | wc -l
grep -E 'Sig(Blk|Ign|Cgt)' /proc/self/status
EOF
sh "$work/look" <"$work/text" >"$work/plain"
run 0 "$IPW" measure --out "$work/result" -- sh "$work/look" <"$work/text"
diff "$work/plain" "$work/out" || fail "the command finds other descriptors or signals than without ipw"
grep -q "took ~" "$work/result" || fail "--out did not get the result"
run 0 "$IPW" measure -- printf '%s|' 'a b' '' -o
shows 'a b||-o|'
run 0 "$IPW" measure -- sh -c ': a
	: a text that is longer than the sentence has room for'
awk 'length > 80 && !/E_/ { exit 1 }' "$work/out" || fail "the table is wider than 80 columns"
rc=0
"$IPW" measure -- true >/dev/full 2>"$work/err" || rc=$?
[ $rc = 125 ] || fail "a result that cannot be written: exit $rc"
says "cannot write the result"

# ---- JSON ----
run 3 "$IPW" measure -o json -- sh -c 'sleep 0.3; exit 3'
json "$work/out" '[.schema, .source, .signature, .exit_code] | join(" ")' "ipw.measure/1 estimated component(cpu_package) 3"
json "$work/out" '.seconds > 0.29 and .seconds < 2' true
json "$work/out" '.component_j > 0 and (.uncertainty_j / .component_j - 0.5 | fabs) < 0.01' true
json "$work/out" '.system_j, .accel_j, .baseline' "null
null
null"
json "$work/out" '([.channels[] | select(.in_total) | .joules] | add) - .component_j | fabs < 1e-6' true
json "$work/out" '[.channels[] | has("id") and has("scope") and has("joules") and has("in_total")] | all' true
json "$work/out" '[.channels[] | select(.joules == null) | .reason] | unique | join(" ")' absent
run 0 "$IPW" measure -o json --energy none -- true
json "$work/out" '[.source, .component_j, .status, .reason, (.channels | length)] | map(tostring) | join(" ")' \
    "none null missing no_channel 0"
run 0 "$IPW" measure --energy none -- true
shows "its joules are not known"

# ---- the estimator counts the tree: two processes of 0.5 s, one of them a grandchild ----
watts=$("$IPW" sensors -o json >/dev/null && "$IPW" measure --log "$work/l" -- true >/dev/null && head -n 1 "$work/l" |
    jq '.channels[] | select(.id == "estimate:cpu:load") | .unit_nj')
run 0 "$IPW" measure -o json -- python3 -c "
import subprocess, sys
p = subprocess.Popen(['sh', '-c', 'true; python3 -c \"\$1\"; true', 'sh', '''$burn'''])
$burn
sys.exit(p.wait())"
cpu=$(jq ".channels[] | select(.id == \"estimate:cpu:load\") | .joules / $watts" "$work/out")
awk -v s="$cpu" 'BEGIN { exit !(s > 0.99 && s < 1.4) }' || fail "1.0 s of work was counted as $cpu s"

# ---- signals ----
"$IPW" measure -o json -- sleep 30 >"$work/out" 2>"$work/err" &
pid=$!
sleep 0.5
kill -TERM $pid
rc=0
wait $pid || rc=$?
[ $rc = 143 ] || fail "SIGTERM to ipw: exit $rc, not the command's 143"
json "$work/out" '.exit_code == 143 and .seconds < 20 and .component_j > 0' true

# nohup: what was ignored stays ignored, for ipw and for the command
nohup "$IPW" measure -- sh -c 'sleep 0.6; exit 4' >"$work/out" 2>"$work/err" &
pid=$!
sleep 0.3
kill -HUP $pid
rc=0
wait $pid || rc=$?
[ $rc = 4 ] || fail "SIGHUP under nohup: exit $rc"

# a terminal's Ctrl-C goes to both: a command that lives on is measured to its end
cat >"$work/terminal.py" <<'EOF'
import os, pty, sys, time
script = "trap 'echo caught' INT; i=0; while [ $i -lt 10 ]; do sleep 0.1; i=$((i+1)); done; exit 9"
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], [sys.argv[1], "measure", "--", "sh", "-c", script])
for _ in range(2):
    time.sleep(0.4)
    os.write(fd, b"\x03")
text = b""
try:
    while chunk := os.read(fd, 4096):
        text += chunk
except OSError:
    pass
code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
assert code == 9, (code, text)
assert b"caught" in text and b"took ~" in text, text
EOF
run 0 python3 "$work/terminal.py" "$IPW"

# ---- without a command ----
run 0 "$IPW" measure --duration 0.5 --interval 200
shows "This machine took ~"
[ "$(grep -c ' W ' "$work/err")" = 2 ] || fail "two intervals of 0.2 s fit into 0.5 s"
# a background job of a script ignores SIGINT; a terminal's does not
python3 -c 'import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])' \
    "$IPW" measure >"$work/out" 2>"$work/err" &
pid=$!
sleep 1
kill -INT $pid
wait $pid || fail "Ctrl-C is the way to end it, not a failure"
shows "This machine took ~"

# ---- the log: a kill loses a second at most; its readings give the joules that were printed ----
cat >"$work/joules.py" <<'EOF'
import json, sys
log, result = [json.loads(l) for l in open(sys.argv[1])], json.load(open(sys.argv[2]))
readings, window = {}, None
for line in log[1:]:
    for c, t0, t1, raw, status in line.get("readings", []):
        if status == 0:
            readings.setdefault(c, []).append(((t0 + t1) / 2, raw))
    window = line.get("window", window)
total = 0
for i, ch in enumerate(log[0]["channels"]):
    if not ch["in_total"]:
        continue
    wraps, last, pts = 0, None, []
    for t, raw in sorted(readings[i]):
        wraps += last is not None and raw < last
        last = raw  # a value is half a period old on average
        pts.append((t - ch["period_ns"] / 2, (raw + wraps * (ch["modulus"] or 0)) * ch["unit_nj"] * 1e-9))
    def at(x):
        for (a, ea), (b, eb) in zip(pts, pts[1:]):
            if a <= x <= b:
                return ea + (eb - ea) * (x - a) / (b - a)
        raise SystemExit("no readings around %d of %s" % (x, ch["id"]))
    total += at(window["t1"]) - at(window["t0"])
print("log %.6f J, printed %.6f J" % (total, result["component_j"]))
sys.exit(abs(total - result["component_j"]) > float(sys.argv[3]))
EOF
run 0 "$IPW" measure -o json --log "$work/log" -- sleep 1.2
cp "$work/out" "$work/result"
head -n 1 "$work/log" >"$work/head"
json "$work/head" '.schema + " " + .source' "ipw.log/1 estimated"
[ "$(grep -c '"clock"' "$work/log")" -ge 2 ] || fail "a clock triple a second"
run 0 python3 "$work/joules.py" "$work/log" "$work/result" 0.0005
"$IPW" measure --log "$work/killed" --duration 30 >/dev/null 2>&1 &
pid=$!
sleep 2.5
kill -KILL $pid
wait $pid 2>/dev/null || true
last=$(grep '"readings"' "$work/killed" | tail -n 1 | jq '.readings[-1][2]')
[ "$last" -gt 1300000000 ] || fail "killed after 2.5 s, the log ends at $last ns"
run 125 "$IPW" measure --log /dev/full -- true
says "is incomplete"

# ---- a live counter ----
powercap
cat >"$work/truth.py" <<'EOF'
import json, sys
epoch, log, result = int(sys.argv[1]), [json.loads(l) for l in open(sys.argv[2])], json.load(open(sys.argv[3]))
window = next(l["window"] for l in log if "window" in l)
def energy(t):  # curve.h: 20 W and 64 W, 0.85 s each; memory 3 W
    n, rem = divmod(t + log[0]["anchor_raw_ns"] - epoch, 1700000000)
    return n * 0.85 * 84 + (rem * 20e-9 if rem < 85e7 else 17 + (rem - 85e7) * 64e-9) + (n * 1.7 + rem * 1e-9) * 3
print(100 * abs(result["component_j"] / (energy(window["t1"]) - energy(window["t0"])) - 1))
EOF
for try in 1 2 3; do # on a loaded machine one run may be late; never three
    run 0 "$IPW" measure -o json --energy measured --log "$work/log" -- sleep 3
    cp "$work/out" "$work/result"
    json "$work/result" '[.source, .signature] | join(" ")' "measured component(cpu_package+dram)"
    json "$work/result" '[.channels[] | select(.in_total) | .status] | unique | join(" ")' measured
    run 0 python3 "$work/joules.py" "$work/log" "$work/result" 0.15 # a tick of 1 ms at 67 W, at each end
    cat "$work/out"
    error=$(python3 "$work/truth.py" "$epoch" "$work/log" "$work/result")
    echo "sleep 3 under a known curve: off by $error %"
    awk -v e="$error" 'BEGIN { exit !(e < 0.5) }' && break
    [ $try != 3 ] || fail "joules off by $error %"
done
run 0 "$IPW" measure -o json --baseline quick -- sleep 1.7
json "$work/out" '.baseline.method == "quick" and .baseline.indicative and (.baseline.idle_w - 45 | fabs) < 8' true
json "$work/out" '(.component_j - .baseline.idle_w * .seconds - .baseline.net_j | fabs) < 1e-6' true
run 0 "$IPW" measure --interval 400 -- sleep 1
shows "a mean power of"
grep -q '0.4 s .* W ' "$work/err" || fail "no line at 0.4 s"
