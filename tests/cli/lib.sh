# Shared by tests/cli/test_*.sh: tiny checks, the models, the FUSE tree. Source it first.
# shellcheck shell=bash
set -euo pipefail

work=$(mktemp -d)
export XDG_CONFIG_HOME=$work/config # not the user's own settings
fake=0
cleanup() {
    if [ "$fake" != 0 ]; then
        kill "$fake" 2>/dev/null || true
        wait "$fake" 2>/dev/null || true
    fi
    [ ! -e "$work/servers" ] || xargs -r kill <"$work/servers" 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT

skip() {
    echo "skipped: $*"
    exit 77
}

fail() {
    echo "FAILED: $*" >&2
    [ ! -e "$work/out" ] || { echo "--- stdout" >&2; tail -n 30 "$work/out" >&2; }
    [ ! -e "$work/err" ] || { echo "--- stderr" >&2; tail -n 30 "$work/err" >&2; }
    exit 1
}

# run EXPECTED_EXIT COMMAND...: output to $work/out and $work/err
run() {
    local want=$1 got=0
    shift
    "$@" >"$work/out" 2>"$work/err" || got=$?
    [ "$got" = "$want" ] || fail "'$*' exited $got, not $want"
}

says() { # TEXT: on stderr of the last run
    grep -qF -- "$1" "$work/err" || fail "stderr does not say: $1"
}

shows() { # TEXT: on stdout of the last run
    grep -qF -- "$1" "$work/out" || fail "stdout does not show: $1"
}

json() { # FILE EXPRESSION WANT
    local got
    got=$(jq -r "$2" "$1")
    [ "$got" = "$3" ] || fail "$1: $2 is $got, not $3"
}

sql() { # RUN QUERY: one value
    python3 -c 'import sqlite3, sys
row = sqlite3.connect(f"file:{sys.argv[1]}/run.db?mode=ro", uri=True).execute(sys.argv[2]).fetchone()
print("" if row is None or row[0] is None else row[0])' "$1" "$2"
}

sql_write() { # RUN STATEMENT: as if an older version had written it
    python3 -c 'import sqlite3, sys
db = sqlite3.connect(f"{sys.argv[1]}/run.db")
db.execute(sys.argv[2])
db.commit()' "$1" "$2"
}

the_run() { # FOLDER under $work: the one run folder in it
    echo "$work/$1"/profile_*
}

smollm2() { "$IPW_SOURCE/scripts/deps" smollm2 | sed 's/^smollm2 //'; }

# url=$(start_server PATTERN COMMAND...): runs until the script ends; prints what PATTERN, an extended regular expression,
# finds first in its output. IPW_SERVER_LOG: where that goes.
start_server() {
    local pattern=$1 log=${IPW_SERVER_LOG:-$work/server.log} pid found
    shift
    : >"$log" # the child truncates it too late: the last server's address would do
    "$@" >>"$log" 2>&1 &
    pid=$!
    echo "$pid" >>"$work/servers"
    for _ in $(seq 600); do
        found=$(grep -oEm1 "$pattern" "$log") && break
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.1
    done
    [ -n "$found" ] || { tail -n 20 "$log" >&2; echo "FAILED: '$1' did not start" >&2; exit 1; }
    printf '%s\n' "$found"
}

# Real servers around llama.cpp, on a free port, and their URL without /v1; the script is skipped where they are not built.
dep() { # NAME: of scripts/deps, when it is there already
    [ -z "$("$IPW_SOURCE/scripts/deps" --plan "$1" 2>/dev/null)" ] || skip "'$1' is not here; get it by: scripts/deps $1" >&2
    "$IPW_SOURCE/scripts/deps" "$1" | sed "s/^$1 //"
}

start_llama_server() { # MODEL [ARGUMENT...]
    local prefix
    prefix=$(dep llama-server)
    start_server 'http://127\.0\.0\.1:[0-9]+' "$prefix/bin/llama-server" --host 127.0.0.1 --port 0 -m "$1" -t 1 "${@:2}"
}

start_xllamacpp() { # MODEL [THREADS]
    local prefix
    prefix=$(dep xllamacpp)
    # its log may stand in one line with the address: two threads write
    start_server 'http://127\.0\.0\.1:[0-9]+' "$prefix/bin/python" "$IPW_SOURCE/tests/fakes/xllamacpp_server.py" "$1" 0 "${2:-1}"
}

# Servers of our own: fault_server [--script NAME...] and ollama_stub (tests/fakes).
start_fake() { # NAME [ARGUMENT...]
    printf 'http://127.0.0.1:%s\n' "$(start_server '^[0-9]+$' "$IPW_BUILD/tests/fakes/$1" "${@:2}")"
}

# A FUSE tree at $work/sys with the given options; sets $epoch.
# shellcheck disable=SC2120 # options are optional
powercap() {
    local program=$IPW_BUILD/tests/fakes/fake_powercap
    [ -x "$program" ] || skip "fake_powercap was not built (fuse3)"
    mkdir -p "$work/sys"
    : >"$work/ready" # the child truncates it too late: the last tree's "ready" would do
    "$program" "$work/sys" "$@" >"$work/ready" 2>"$work/fuse" &
    fake=$!
    for _ in $(seq 100); do
        ! { grep -q ready "$work/ready" && [ -r "$work/sys/truth_epoch" ]; } || break
        kill -0 "$fake" 2>/dev/null || skip "FUSE is refused here: $(tail -n 1 "$work/fuse")"
        sleep 0.05
    done
    # shellcheck disable=SC2034 # for the sourcing script
    epoch=$(cat "$work/sys/truth_epoch")
    export IPW_SYSFS_ROOT=$work/sys
}

need_duckdb() { # sets IPW_DUCKDB_LIB
    local line
    line=$("$IPW_SOURCE/scripts/deps" libduckdb 2>/dev/null) || true
    [ -n "$line" ] || skip "DuckDB's library cannot be had here"
    export IPW_DUCKDB_LIB=${line#* }
}

make_tables() { # FOLDER: files made by the SQL of standard input, whose statements end in "TO 'PATH'"
    cat >"$work/tables.sql"
    mkdir -p "$1"
    # shellcheck disable=SC2046 # paths of ours, without spaces
    (cd "$1" && mkdir -p $(grep -oE "TO '[^']+" "$work/tables.sql" | cut -d"'" -f2 | xargs -r -n1 dirname) &&
        "$IPW_BUILD/tests/fakes/fake_tables" "$IPW_DUCKDB_LIB" <"$work/tables.sql") || fail "the made-up files were not made"
}

# A hub that serves $work/hub (tests/fakes/fake_hub.c) until the script ends or closes 7; sets HF_ENDPOINT.
start_hub() {
    [ -x "$IPW_BUILD/tests/fakes/fake_hub" ] || skip "fake_hub was not built (libmicrohttpd)"
    mkfifo "$work/hold"
    "$IPW_BUILD/tests/fakes/fake_hub" "$work/hub" <"$work/hold" >"$work/url" 2>"$work/requests" &
    exec 7>"$work/hold"
    until [ -s "$work/url" ]; do sleep 0.05; done
    HF_ENDPOINT=$(cut -d' ' -f1 "$work/url")
    export HF_ENDPOINT
}
