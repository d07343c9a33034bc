#!/usr/bin/env bash
# usage: ./test.sh [PRESET...]
# Installs what the tests lack (as root), builds the presets (default: dev asan tsan fuzz release) and runs their tests.
# TEST_FILTER=REGEX runs only the tests whose names match. The last line is the totals.
set -euo pipefail
cd "$(dirname "$0")"

say() { printf '%s\n' "$*" >&2; }

[ -z "$(scripts/packages test)" ] || scripts/packages --install test
scripts/deps all-for-test >/dev/null

[ $# -gt 0 ] || set -- dev asan tsan fuzz release
filter=()
[ -z "${TEST_FILTER-}" ] || filter=(-R "$TEST_FILTER")
tested=$(cmake --list-presets=test)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
passed=0 failed=0 skipped=0

count() { # ATTRIBUTE: of the test suite in the last report
    grep -m1 -o "\b$1=\"[0-9]*\"" "$tmp/report.xml" | tr -dc 0-9
}

for preset; do
    say "== $preset: build"
    if ! { cmake --preset "$preset" && cmake --build --preset "$preset"; } >"$tmp/log" 2>&1; then
        tail -n 40 "$tmp/log" >&2
        say "== $preset: does not build; the end of the log is above"
        failed=$((failed + 1))
        continue
    fi
    grep -q "\"$preset\"" <<<"$tested" || continue
    say "== $preset: test"
    rm -f "$tmp/report.xml"
    ctest --preset "$preset" "${filter[@]}" --output-junit "$tmp/report.xml" || true
    if [ ! -e "$tmp/report.xml" ]; then
        say "== $preset: ctest wrote no report; see its message above"
        failed=$((failed + 1))
        continue
    fi
    if [ "$(count tests)" = 0 ] && [ -z "${TEST_FILTER-}" ]; then
        say "== $preset: has no tests; check tests/CMakeLists.txt"
        failed=$((failed + 1))
    fi
    left=$(($(count skipped) + $(count disabled)))
    skipped=$((skipped + left))
    failed=$((failed + $(count failures)))
    passed=$((passed + $(count tests) - $(count failures) - left))
done

totals="$passed passed, $failed failed"
[ $skipped = 0 ] || totals+=", $skipped skipped"
printf '%s\n' "$totals"
[ $failed = 0 ]
