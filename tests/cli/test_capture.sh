#!/usr/bin/env bash
# ipw sensors --capture: what it writes is a machine that ipw sees as the one it was taken from, with nobody's name in it.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

replay() { # FOLDER, ARGS of sensors...: with the paths of the machine
    local at=$1
    shift
    env IPW_SYSFS_ROOT="$at/tree" IPW_PROC_ROOT="$at/tree/proc" "$IPW" sensors "$@" |
        sed "s#$at/tree/proc#/proc#g; s#$at/tree#/sys#g"
}

here() { "$IPW" sensors "$@" | sed "s#${IPW_PROC_ROOT:-/proc}/#/proc/#g; s#${IPW_SYSFS_ROOT:-/sys}/#/sys/#g"; }

same() { # FOLDER
    here >"$work/table"
    replay "$1" >"$work/replayed"
    # a longer path breaks lines elsewhere: words are compared
    diff <(tr -s ' \n' '\n' <"$work/table") <(tr -s ' \n' '\n' <"$work/replayed") || fail "the replay of $1 shows another table"
    here -o json >"$work/table.json"
    replay "$1" -o json >"$work/replayed.json"
    diff "$work/table.json" "$work/replayed.json" || fail "the replay of $1 shows other channels"
    sed "s#${IPW_PROC_ROOT:-/proc}/#/proc/#g; s#${IPW_SYSFS_ROOT:-/sys}/#/sys/#g" "$1/sensors.json" >"$work/stored.json"
    diff "$work/table.json" "$work/stored.json" || fail "sensors.json of $1 is not ipw sensors -o json"
}

# this machine
run 0 "$IPW" sensors --capture "$work/mine" --seconds 0.3
shows "look through it before you"
same "$work/mine"
[ "$(jq -s 'map(select(.status == 0 and .t_after >= .t_before)) | length' "$work/mine/readings.jsonl")" -ge 3 ] ||
    fail "no readings"
! grep -rqFw -- "$(uname -n)" "$work/mine" || [ "$(uname -n | wc -c)" -lt 4 ] || fail "the host's name is in the capture"

# folders that will not do
run 2 "$IPW" sensors --capture "$work/mine"
says "is not empty"
touch "$work/file"
run 3 "$IPW" sensors --capture "$work/file"
says "--capture DIR"
run 3 "$IPW" sensors --capture "$work/file/below"
says "--capture DIR"

# a tree full of secrets, links and things that do not end
sys=$work/evil
mkdir -p "$sys/class/powercap/intel-rapl:0" "$sys/proc" "$sys/class/power_supply/BAT0" "$sys/class/hwmon/hwmon0/device" \
    "$sys/bus/pci/devices/0000:01:00.0" "$sys/bus/pci/devices/0000:02:00.0" "$sys/class/drm/card0/device"
echo package-0 >"$sys/class/powercap/intel-rapl:0/name"
echo 123456789 >"$sys/class/powercap/intel-rapl:0/energy_uj"
echo 262143328850 >"$sys/class/powercap/intel-rapl:0/max_energy_range_uj"
ln -s ../../nowhere "$sys/class/powercap/intel-rapl:1"
ln -s . "$sys/class/powercap/loop"
mkfifo "$sys/class/powercap/intel-rapl:0/constraint_0_power_limit_uw"
echo Battery >"$sys/class/power_supply/BAT0/type"
echo SECRETBATTERY1 >"$sys/class/power_supply/BAT0/serial_number"
printf 'DRIVER=x\nHID_UNIQ=52:54:00:12:34:56\n' >"$sys/class/hwmon/hwmon0/device/uevent"
echo amdgpu >"$sys/class/hwmon/hwmon0/name"
head -c 200000 /dev/zero >"$sys/class/drm/card0/device/gpu_metrics"
echo deadbeef01234567 >"$sys/class/drm/card0/device/unique_id"
echo 0x030000 >"$sys/bus/pci/devices/0000:01:00.0/class"
echo 0x10de >"$sys/bus/pci/devices/0000:01:00.0/vendor"
echo 0x020000 >"$sys/bus/pci/devices/0000:02:00.0/class"
echo 0x8086 >"$sys/bus/pci/devices/0000:02:00.0/vendor"
for i in $(seq 0 999); do # 1000 processors
    printf 'processor\t: %d\nvendor_id\t: GenuineIntel\nmodel name\t: Xeon\nphysical id\t: 0\nsiblings\t: 1000\nflags\t\t: %0200d\n\n' "$i" 0
done >"$sys/proc/cpuinfo"
echo 'Serial		: SECRETSERIAL2' >>"$sys/proc/cpuinfo"
export IPW_SYSFS_ROOT=$sys IPW_PROC_ROOT=$sys/proc
mkdir -p "$sys/class/power_supply/hid-52:54:00:12:34:56-battery" "$sys/class/hwmon/hwmon0/device"
printf 'Battery\n' >"$sys/class/power_supply/hid-52:54:00:12:34:56-battery/type"
printf 'corsairpsu\n' >"$sys/class/hwmon/hwmon0/name"
printf 'HID_NAME=PSU\nHID_UNIQ=SECRETUNIQ99\nHID_PHYS=SECRETPHYS7/input0\n' >"$sys/class/hwmon/hwmon0/device/uevent"
mkdir "$sys/class/power_supply/hid-SECRETUNIQ99-battery"
echo Battery >"$sys/class/power_supply/hid-SECRETUNIQ99-battery/type"
echo SECRETUNIQ99 >"$sys/class/power_supply/hid-SECRETUNIQ99-battery/serial_number"
rm "$sys/class/powercap/intel-rapl:0/constraint_0_power_limit_uw" # a collector would wait for it too
mkfifo "$sys/class/powercap/intel-rapl:0/constraint_9_name"
run 0 timeout 20 "$IPW" sensors --capture "$work/evil1" --seconds 0.2
same "$work/evil1"
! grep -rE 'SECRET|52:54:00:12:34:56|deadbeef01234567' "$work/evil1" || fail "a secret is in the capture"
[ -z "$(find "$work/evil1" -name '*52:54:00*' -o -name '*SECRET*')" ] || fail "a folder is named after a secret"
hash=$(cat "$work"/evil1/tree/class/power_supply/hid-*-battery/serial_number)
[ -d "$work/evil1/tree/class/power_supply/hid-$hash-battery" ] || fail "the folder's name has another hash than its content"
[ -z "$(find "$work/evil1" -type l -o -type p -o -size +64k ! -name readings.jsonl)" ] || fail "a link, a pipe or a large file"
grep -q 'gpu_metrics: cut at 65536 bytes' "$work/evil1/denied.txt" || fail "nothing says that a file was cut"
[ "$(grep -c ^processor "$work/evil1/tree/proc/cpuinfo")" = 1000 ] || fail "processors were lost"
[ -e "$work/evil1/tree/bus/pci/devices/0000:01:00.0/vendor" ] || fail "the GPU was lost"
env IPW_SYSFS_ROOT="$work/evil1/tree" IPW_PROC_ROOT="$work/evil1/tree/proc" \
    "$IPW" sensors --capture "$work/evil2" --seconds 0 >/dev/null 2>&1 # a capture of a capture
diff -r --exclude=stat "$work/evil1/tree/class/powercap" "$work/evil2/tree/class/powercap" || fail "the second generation differs"

# a library: its readings are all there is
stub=$IPW_BUILD/tests/fakes/libstub_ioreport.so
if [ -e "$stub" ]; then
    printf 'DIE_0_CPU Energy\tmJ\t1000\t40\nDIE_1_CPU Energy\tmJ\t500\t20\nGPU Energy\tnJ\t7000000\t1000001\n' >"$work/ultra.tsv"
    mkdir "$work/nosys"
    export IPW_SYSFS_ROOT=$work/nosys IPW_IOREPORT_LIB=$stub STUB_IOREPORT_TSV=$work/ultra.tsv
    run 0 "$IPW" sensors
    shows "ioreport:cpu"
    shows "component(cpu_package+gpu_chip)"
    run 0 "$IPW" sensors --capture "$work/mac" --seconds 0.3
    [ "$(jq -s 'map(select(.id == "ioreport:cpu" and .status == 0) | .raw) | (length >= 3) and (. == sort)' "$work/mac/readings.jsonl")" = true ] ||
        fail "no readings of the library"
    unset IPW_IOREPORT_LIB
fi
unset IPW_PROC_ROOT

# a live counter
powercap --packages 2 --mmio --psys
run 0 "$IPW" sensors --capture "$work/live" --seconds 1
same "$work/live"
jq -s -e 'map(select(.id == "rapl:intel-rapl:0")) | length >= 15 and (.[-1].raw - .[0].raw) > 10000000 and
    ((.[-1].t_before - .[0].t_before) / 1e9 | . > 0.9 and . < 2)' "$work/live/readings.jsonl" >/dev/null ||
    fail "the counter did not rise in the readings"

# a counter that may not be read: the copy may not be read either
kill $fake
wait $fake 2>/dev/null || true
powercap --eacces-at 0
run 0 "$IPW" sensors --capture "$work/denied" --seconds 0
copy="$work/denied/tree/class/powercap/intel-rapl:0/energy_uj"
[ "$(stat -c '%a %s' "$copy")" = "0 0" ] || fail "the copy of a denied file has $(stat -c '%a %s' "$copy")"
grep -q '/sys/class/powercap/intel-rapl:0/energy_uj: mode 0444, errno 13' "$work/denied/denied.txt" || fail "denied.txt does not tell"
[ "$(id -u)" = 0 ] || same "$work/denied"
