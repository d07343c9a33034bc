#!/usr/bin/env bash
# ipw servers and ipw profile --serve: what is started answers, is found again, and is always stopped, and nothing else is.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
export IPW_DATA=$work/data
quiet=(--energy none --baseline none --output-dir "$work/runs" --warmup-request-count 0)
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
alive() { kill -0 "$1" 2>/dev/null && [ "$(ps -o stat= -p "$1" | cut -c1)" != Z ]; }
gone() { # PID: within 15 s
    for _ in $(seq 150); do
        alive "$1" || return 0
        sleep 0.1
    done
    fail "process $1 is still there"
}
listening() { curl -s -o "$work/nothing" "http://127.0.0.1:$1/v1/models"; }
end() {
    "$IPW" servers stop --all 2>/dev/null || true
    cleanup
}
trap end EXIT

# ---- start, list, status, stop ----
server=$IPW_BUILD/tests/fakes/fault_server
port=$(free_port)
run 0 "$IPW" servers list
shows "No server was started here"
run 0 "$IPW" servers start --name one -- "$server" --port "$port" --script plain
says "one answers at http://127.0.0.1:$port/v1"
run 0 "$IPW" servers list
shows "http://127.0.0.1:$port/v1"
run 0 "$IPW" servers list -o json
json "$work/out" '.servers[0].state' answers
pid=$(jq .servers[0].pid "$work/out")
alive "$pid" || fail "the server does not run"
run 0 "$IPW" servers status one
shows "fault_server --port $port"
run 2 "$IPW" servers start --name one -- "$server" --port "$(free_port)"
says "'one' runs already"
run 3 "$IPW" servers start --name two -- "$server" --port "$port"
says "something answers at http://127.0.0.1:$port/v1 already"
run 2 "$IPW" servers stop ome
says "is it one"
alive "$pid" || fail "the wrong server was stopped"
run 0 "$IPW" servers stop one
gone "$pid"
run 2 "$IPW" servers stop one
says "no server 'one' was started here"

# ---- one that died by itself; one whose number now belongs to another process ----
run 0 "$IPW" servers start --name dead -- "$server" --port "$port"
pid=$(jq .pid "$IPW_DATA/servers/dead.json")
kill -9 "$pid"
gone "$pid"
run 0 "$IPW" servers list
shows gone
run 1 "$IPW" servers status dead
run 0 "$IPW" servers stop --all
says "dead is gone already"
sleep 100 &
other=$!
jq -n --argjson pid $other '{name: "old", url: "http://127.0.0.1:1/v1", engine: "openai", word: "", log: "x", command: "x",
    pid: $pid, began: 7, started_real_ns: 1}' >"$IPW_DATA/servers/old.json"
run 0 "$IPW" servers stop old
says "old is gone already"
alive $other || fail "another process was ended"
kill $other

# ---- servers that do not come up ----
run 3 "$IPW" servers start -- sh -c 'echo no such model >&2; exit 7' --port "$port"
says "ended (exit code 7) before it answered"
says "no such model"
run 3 "$IPW" servers start --wait 0.5 --name mute -- sh -c 'sleep 50' --port "$port"
says "after 0.5 s"
run 2 "$IPW" servers start -- "$work/none" --port "$port"
says "was not found"
run 2 "$IPW" servers start -- sleep 50
says "give it --port N"
[ -z "$(ls "$IPW_DATA/servers/"*.json 2>/dev/null)" ] || fail "a server that did not come up is kept"

# ---- for the length of a run ----
serve="'$server' --port $port"
run 0 "$IPW" profile --client openai --serve "$serve" -m tiny -n 3 "${quiet[@]}"
! listening "$port" || fail "the server outlived its run"
ls "$work"/runs/*/server.log >"$work/out" 2>&1 || fail "its log was not kept"
rm -rf "$work/runs"
run 2 "$IPW" profile --client openai --serve 'x | y' -m tiny -n 3 "${quiet[@]}"
says "a command with its words is needed"
run 3 "$IPW" profile --client openai --serve "false --port $port" -m tiny -n 3 "${quiet[@]}"
[ -z "$(ls "$work/runs")" ] || fail "a run in which nothing was asked is kept"
run 2 "$IPW" profile -m tiny --serve "$serve" -n 3 "${quiet[@]}"
says "runs in this process"

# ---- it is stopped however ipw goes: Ctrl-C, kill -9 ----
for signal in INT KILL; do
    printf '{"id":"q","type":"none","question":"fault:endless"}\n' >"$work/endless.jsonl"
    "$IPW" profile --client openai --serve "$serve" -m tiny --dataset "$work/endless.jsonl" --timeout 60 "${quiet[@]}" \
        >"$work/out" 2>"$work/err" &
    ipw=$!
    for _ in $(seq 100); do
        ! listening "$port" || break
        sleep 0.1
    done
    listening "$port" || fail "the server did not start"
    kill -$signal $ipw
    wait $ipw || true
    for _ in $(seq 150); do
        listening "$port" || break
        sleep 0.1
    done
    ! listening "$port" || fail "the server goes on after SIG$signal"
    rm -rf "$work/runs"
done

# ---- a sweep: a run each, one table ----
run 0 "$IPW" profile --client openai --serve "$serve" -m tiny -n 6 --concurrency 1,3 "${quiet[@]}"
shows "at once"
grep -qE '^ +3 ' "$work/out" || fail "no row of three at once"
