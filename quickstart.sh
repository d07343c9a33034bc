#!/usr/bin/env bash
# usage: ./quickstart.sh [-y]
# From a fresh Debian or Ubuntu to a first measured run: says what is missing and how large it is, asks (-y: does not),
# installs and builds it, and measures forty questions. A second time it goes straight to the questions.
set -euo pipefail
cd "$(dirname "$0")"

say() { printf '%s\n' "$*" >&2; }
die() { say "quickstart: ${*:2}"; exit "$1"; }

yes=0
case "$#,${1-}" in
0,) ;;
1,-y) yes=1 ;;
*) die 2 "unknown '$*'; give -y or nothing" ;;
esac

system=$(uname -s)
if [ "$system" != Linux ] || ! command -v apt-get >/dev/null; then
    [ ! -r /etc/os-release ] || system=$(sed -n 's/^PRETTY_NAME="\(.*\)"/\1/p' /etc/os-release)
    die 3 "'$system' is not Debian or Ubuntu; install a C11 and a C++17 compiler, cmake 3.25, ninja, pkg-config," \
        "SQLite 3.40, OpenSSL and pip, then run 'cmake --preset release && cmake --build --preset release'"
fi

# What is built and measured belongs to the person, not to root.
person=()
if [ "$(id -u)" = 0 ] && [ "${SUDO_USER:-root}" != root ]; then
    person=(sudo -u "$SUDO_USER" -H "--preserve-env=IPW_CACHE,IPW_MIRROR")
fi

mapfile -t packages < <(scripts/packages run)
plan=$("${person[@]}" scripts/deps --plan all-for-run)

if [ ${#packages[@]} -gt 0 ]; then
    size=$(apt-get install --print-uris -qq --no-install-recommends "${packages[@]}" 2>/dev/null |
        awk '{ sum += $3 } END { if (sum) printf "%d MB", sum / 1e6 + 1 }')
    say "to install with apt-get: ${packages[*]} (${size:-size known after apt-get update})"
fi
while read -r name megabytes; do
    case $name in
    llama) say "to download and build, about 2 minutes: llama.cpp ($megabytes MB)" ;;
    yyjson) say "to download and build: yyjson ($megabytes MB)" ;;
    smollm2) say "to download: the model SmolLM2-135M-Instruct ($megabytes MB)" ;;
    esac
done <<<"$plan"

if [ $yes = 0 ] && [ -n "${packages[*]-}$plan" ]; then
    [ -t 0 ] || die 2 "there is no terminal to ask on; run './quickstart.sh -y' to do this"
    read -r -p "go on? [Y/n] " answer
    case $answer in
    [nN]*) die 2 "nothing was done; run it again when you are ready" ;;
    esac
fi

if [ ${#packages[@]} -gt 0 ]; then
    if [ "$(id -u)" = 0 ] || ! command -v sudo >/dev/null; then
        scripts/packages --install run
    else
        sudo scripts/packages --install run
    fi
fi

[ ${#person[@]} = 0 ] || exec "${person[@]}" ./quickstart.sh -y

scripts/deps all-for-run >/dev/null
model=$(scripts/deps smollm2)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { cmake --preset release && cmake --build --preset release; } >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    die 3 "ipw does not build here; the end of the log is above, please report it"
fi
build/release/ipw profile -m "${model#smollm2 }" --dataset starter -n 40 --output-dir runs
