#!/usr/bin/env bash
# ipw calibrate: watts given by hand, watts measured by a counter whose power follows the clock, files that are damaged or
# of another machine; and that commands which estimate take what was stored.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
file=$XDG_CONFIG_HOME/ipw/calibration.json
mkdir "$work/nosys" "$work/proc"
bare() { env IPW_SYSFS_ROOT="$work/nosys" IPW_PROC_ROOT="$work/proc" "$IPW" "$@"; }
cpu() { printf 'processor\t: 0\nmodel name\t: %s\n' "$1" >"$work/proc/cpuinfo"; }
cpu 'Some CPU 9000'

# nothing to measure with
run 3 bare calibrate --seconds 0.2
says "--pmin W (idle) and --pmax W (all cores busy)"
says "its driver is not loaded"
says "ipw doctor energy"
run 2 bare calibrate --pmin 5
says "--pmin W and --pmax W go together"
run 2 bare calibrate --pmin 50 --pmax 40
says "must be more than"
run 2 bare calibrate --pmin nan --pmax 40
says "a number from 0"
[ ! -e "$file" ] || fail "something was stored"
run 0 bare sensors
shows "(a CPU load model; no counter"

# given by hand
run 0 bare calibrate --pmin 12.5 --pmax 65 -o json
json "$work/out" '[.schema, .cpu, .threads, .idle_w, .max_w, .source] | join(" ")' 'ipw.calibration/1 Some CPU 9000 1 12.5 65 given'
cmp "$work/out" "$file"
run 0 bare sensors
shows "from ipw calibrate"
cpu 'Another CPU' # its watts are not known
run 0 bare sensors
shows "(a CPU load model; no counter"
cpu 'Some CPU 9000'

# damaged: the file is named, in every command that estimates; the way out works
for text in '' '{' '[]' '{"schema":"ipw.calibration/2"}' '{"schema":"ipw.calibration/1","cpu":"x"}' \
    '{"schema":"ipw.calibration/1","cpu":"Some CPU 9000","threads":1,"idle_w":9,"max_w":9}' \
    '{"schema":"ipw.calibration/1","cpu":"Some CPU 9000","threads":1,"idle_w":"1","max_w":9}'; do
    printf '%s' "$text" >"$file"
    run 2 bare sensors
    says "'$file' is damaged"
    says "run ipw calibrate again, or delete the file"
done
run 0 bare measure --energy none -- true # what needs no model does not read it
run 0 bare calibrate --pmin 10 --pmax 60
run 0 bare sensors
shows "from ipw calibrate"
rm "$file"
touch "$work/afile"
run 3 env XDG_CONFIG_HOME="$work/afile" IPW_SYSFS_ROOT="$work/nosys" "$IPW" calibrate --pmin 1 --pmax 2
says "a file of that name is there"

# measured: the fake draws 20 W for 4 s, then 64 W for 4 s; begin at the beginning
powercap --period-s 8
sleep "$(python3 -c "import time; t = time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW) - $epoch; print((8e9 - t % 8e9) / 1e9)")"
run 0 "$IPW" calibrate --seconds 2.4 -o json # idle 0.5 to 2.9, busy 3.4 to 5.8
idle=$(jq .idle_w "$file") most=$(jq .max_w "$file")
python3 -c "assert abs($idle - 20) < 2 and 45 < $most < 64.1, ($idle, $most)" || fail "measured $idle and $most W"
json "$file" .source powercap
run 0 env -u IPW_SYSFS_ROOT IPW_SYSFS_ROOT="$work/nosys" "$IPW" sensors # where the counter is hidden, the estimate has it
shows "from ipw calibrate"
cp "$file" "$work/before"

# a counter that does not follow the load, and one that fails: nothing is stored
kill $fake
wait $fake 2>/dev/null || true
powercap --low 30 --high 30
run 3 "$IPW" calibrate --seconds 0.3
says "is no more than"
kill $fake
wait $fake 2>/dev/null || true
powercap --eacces-at 1
run 3 "$IPW" calibrate --seconds 2
says "could not be read while it was measured"
cmp "$work/before" "$file"
