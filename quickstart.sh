#!/usr/bin/env bash
# usage: ./quickstart.sh [-y]
# From a fresh Linux (Debian, Ubuntu, Fedora, Arch and their relatives, WSL2) or macOS to a first measured run: says what
# is missing and how large it is, asks (-y: does not), installs and builds it, and measures forty questions. A second time
# it goes straight to the questions. IPW_GGML_FLAGS (-DGGML_VULKAN=ON, ...) overrules the choice of a GPU backend;
# IPW_SYSTEM_ROOT stands in for / in tests. The first half works in bash 3.2, macOS's own.
set -euo pipefail
cd "$(dirname "$0")"

say() { printf '%s\n' "$*" >&2; }
die() { say "quickstart: ${*:2}"; exit "$1"; }
have() { command -v "$1" >/dev/null; }

yes=0
case "$#,${1-}" in
0,) ;;
1,-y) yes=1 ;;
1,-h | 1,--help)
    echo "usage: ./quickstart.sh [-y]   installs what is missing (asks first; -y does not), builds, asks 40 questions"
    exit 0
    ;;
*) die 2 "unknown '$*'; give -y or nothing" ;;
esac

# ---- which system ----

system=$(uname -s)
if [ "$system" = Darwin ] && [ "${BASH_VERSINFO[0]}" -lt 4 ] && have brew && [ -x "$(brew --prefix)/bin/bash" ]; then
    exec "$(brew --prefix)/bin/bash" ./quickstart.sh "$@"
fi
root=${IPW_SYSTEM_ROOT-}
case $system in
Linux)
    # shellcheck source=/dev/null
    [ ! -r "$root/etc/os-release" ] || system=$(. "$root/etc/os-release" && echo "${PRETTY_NAME:-$ID}")
    ! grep -qi microsoft "$root/proc/sys/kernel/osrelease" 2>/dev/null || system="WSL2 ($system)"
    ;;
Darwin) system="macOS $(sw_vers -productVersion 2>/dev/null || true)" ;;
MINGW* | MSYS* | CYGWIN*) die 3 "Windows itself is not supported; run this in WSL2 ('wsl --install' in PowerShell)" ;;
esac
manager=$(scripts/packages --manager) || exit
case $manager,$system in
apt,Debian*) ;;
*) say "not yet run by us on $system; please report what happens" ;;
esac

# What is built and measured belongs to the person, not to root.
person=()
if [ "$(id -u)" = 0 ]; then
    [ "$manager" != brew ] || die 3 "Homebrew does not work as root; run it as yourself"
    [ "${SUDO_USER:-root}" = root ] ||
        person=(sudo -u "$SUDO_USER" -H "--preserve-env=IPW_CACHE,IPW_MIRROR,IPW_GGML_FLAGS")
fi
as_person() { ${person[@]+"${person[@]}"} "$@"; }

# ---- which backend: CUDA, then Vulkan (runs on every vendor's GPU, integrated ones too), then HIP, then the CPU ----

any() { # PATTERN...: some such path exists
    local path
    for path; do
        [ ! -e "$path" ] || return 0
    done
    return 1
}

dev=$root/dev
nvidia=0 gpu=0
! any "$dev/nvidiactl" "$dev/nvhost-gpu" "$dev/nvgpu" "$dev/dxg" || nvidia=1
! any "$dev"/dri/renderD* "$dev/kfd" "$dev/nvidiactl" "$dev/nvhost-gpu" "$dev/nvgpu" "$dev/dxg" || gpu=1
failed=build/failed-backends # what did not build here once is not tried again

backends=() # to try, in order
why=
if [ -n "${IPW_GGML_FLAGS-}" ]; then
    backends=(given) why="IPW_GGML_FLAGS says so"
elif [ "$(uname -s)" = Darwin ]; then
    backends=(metal) why="this is a Mac"
else
    [ $nvidia = 0 ] || ! have nvcc || backends+=(cuda)
    [ $gpu = 0 ] || ! have glslc || backends+=(vulkan)
    ! any "$dev/kfd" "$dev/dxg" || ! have hipcc || backends+=(hip)
fi
kept=()
for backend in ${backends[@]+"${backends[@]}"}; do
    grep -qsx "$backend" "$failed" || kept+=("$backend")
done
if [ ${#kept[@]} = 0 ]; then
    if [ ${#backends[@]} -gt 0 ]; then
        why="${backends[*]} did not build here before; rm $failed to try again"
    elif [ $nvidia = 1 ]; then
        why="there may be an NVIDIA GPU, but no nvcc (CUDA toolkit) and no glslc (Vulkan) to build for it"
    elif [ $gpu = 1 ]; then
        why="there is a GPU, but no glslc (Vulkan) and no hipcc (ROCm) to build for it"
    else
        why="there is no GPU"
    fi
fi
kept+=(cpu)

flags_of() {
    case $1 in
    cuda) echo "-DGGML_CUDA=ON" ;;
    vulkan) echo "-DGGML_VULKAN=ON" ;;
    hip) echo "-DGGML_HIP=ON" ;;
    metal) echo "-DGGML_METAL=ON" ;;
    given) echo "$IPW_GGML_FLAGS" ;;
    cpu) ;;
    esac
}

tell() { # BACKEND: what is built, and why
    case $1 in
    cuda) say "backend: CUDA, because nvcc and an NVIDIA GPU are here (not yet run by us; 5 to 15 minutes to build)" ;;
    vulkan) say "backend: Vulkan, because glslc and a GPU are here (not yet run by us; about 5 minutes to build)" ;;
    hip) say "backend: HIP, because hipcc and an AMD GPU are here (not yet run by us; 5 to 15 minutes to build)" ;;
    metal) say "backend: Metal, because $why" ;;
    given) say "backend: $IPW_GGML_FLAGS, because $why" ;;
    cpu) say "backend: CPU, because $why" ;;
    esac
}
tell "${kept[0]}"

# ---- what is missing ----

packages=()
list=$(scripts/packages run) || exit
for package in $list; do
    packages+=("$package")
done

# On a bare Mac scripts/deps needs what is about to be installed.
plan=
if [ "${BASH_VERSINFO[0]}" -ge 4 ]; then
    plan=$(as_person env IPW_GGML_FLAGS="$(flags_of "${kept[0]}")" scripts/deps --plan all-for-run)
else
    say "to download and build: llama.cpp (77 MB), yyjson (1 MB), the model SmolLM2-135M-Instruct (93 MB)"
fi

sudo=()
[ "$manager" = brew ] || [ "$(id -u)" = 0 ] || sudo=(sudo)
if [ ${#packages[@]} -gt 0 ]; then
    size=
    [ "$manager" != apt ] || size=$(apt-get install --print-uris -qq --no-install-recommends "${packages[@]}" 2>/dev/null |
        awk '{ sum += $3 } END { if (sum) printf " (%d MB)", sum / 1e6 + 1 }') || true
    say "to install with ${sudo[*]:+sudo }$manager: ${packages[*]}$size"
    [ ${#sudo[@]} = 0 ] || have sudo || die 3 "'sudo' is not here; run as root: scripts/packages --install run"
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
    ${sudo[@]+"${sudo[@]}"} scripts/packages --install run
fi
if [ ${#person[@]} -gt 0 ]; then
    exec "${person[@]}" ./quickstart.sh -y
fi

# ---- with everything installed ----

if [ "$manager" = brew ]; then # formulas that macOS has too are not on its search paths
    for formula in sqlite openssl@3 curl libarchive; do
        CMAKE_PREFIX_PATH=${CMAKE_PREFIX_PATH:+$CMAKE_PREFIX_PATH:}$(brew --prefix "$formula")
    done
    PATH=$(brew --prefix)/bin:$PATH
    export CMAKE_PREFIX_PATH PATH
    [ "${BASH_VERSINFO[0]}" -ge 4 ] || exec bash ./quickstart.sh -y
fi

scripts/deps yyjson smollm2 >/dev/null
model=$(scripts/deps smollm2)
log=$(mktemp)
trap 'rm -f "$log"' EXIT

build() { # BACKEND
    IPW_GGML_FLAGS=$(flags_of "$1")
    export IPW_GGML_FLAGS
    if [ "$1" = hip ] && have hipconfig; then
        HIPCXX=$(hipconfig -l)/clang HIP_PATH=$(hipconfig -R)
        export HIPCXX HIP_PATH
    fi
    scripts/deps llama >/dev/null || return 1
    if ! { cmake --preset release && cmake --build --preset release; } >"$log" 2>&1; then
        tail -n 30 "$log" >&2
        return 1
    fi
}

for backend in "${kept[@]}"; do
    [ "$backend" = "${kept[0]}" ] || say "backend: $backend instead"
    ! build "$backend" || break
    case $backend in
    given) die 3 "ipw does not build with IPW_GGML_FLAGS='$IPW_GGML_FLAGS'; the end of the log is above" ;;
    cpu) die 3 "ipw does not build here; the end of the log is above, please report it" ;;
    esac
    say "backend: $backend does not build here; the end of the log is above"
    mkdir -p build
    echo "$backend" >>"$failed"
done

build/release/ipw profile -m "${model#smollm2 }" --dataset starter -n 40 --output-dir runs
have ipw || say "for this shell: export PATH=\"$PWD/build/release:\$PATH\"; for good: cmake --install build/release --prefix ~/.local"
