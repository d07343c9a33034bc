#!/usr/bin/env bash
# quickstart.sh on systems that are not here: stub package managers, compilers and GPUs write down what they are asked.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
case "$IPW" in *-asan) skip "nothing compiled runs here" ;; esac

tree=$work/tree bin=$work/bin sys=$work/system
mkdir -p "$tree/scripts" "$tree/build/release" "$bin" "$sys"
cp "$IPW_SOURCE/quickstart.sh" "$tree/"
cp "$IPW_SOURCE/scripts/packages" "$tree/scripts/"
export LOG=$work/log IPW_SYSTEM_ROOT=$sys FAKE_UID=1000 KERNEL=Linux

stub() { # PATH BODY: writes its name and arguments down, then does BODY
    # shellcheck disable=SC2016 # for the stub
    printf '#!%s\necho "%s $*" >>"$LOG"\n%s\n' "$(command -v bash)" "$(basename "$1")" "$2" >"$1"
    chmod +x "$1"
}
for tool in bash env awk grep cat sed mktemp tail mkdir rm dirname basename sort; do
    ln -s "$(command -v $tool)" "$bin/$tool"
done
# shellcheck disable=SC2016 # for the stubs
{
    stub "$bin/uname" 'echo "$KERNEL"'
    stub "$bin/id" 'echo "$FAKE_UID"'
    stub "$bin/sudo" '[ "$1" = -u ] || FAKE_UID=0 exec "$@"'
    stub "$bin/rpm" '[ -n "${ALL_HERE-}" ]'
    stub "$bin/dpkg-query" '[ -z "${ALL_HERE-}" ] || printf installed'
    stub "$bin/dnf" ''
    stub "$bin/apt-get" ''
    stub "$bin/pacman" '[ "$1" != -T ] || [ -n "${ALL_HERE-}" ]'
    stub "$bin/brew" 'case $1 in --prefix) echo "/brew/${2-}" ;; list) [ -n "${ALL_HERE-}" ] ;; esac'
    stub "$bin/cmake" 'echo "prefix=${CMAKE_PREFIX_PATH-}" >>"$LOG"'
    stub "$tree/build/release/ipw" ''
    stub "$tree/scripts/deps" 'echo "flags=${IPW_GGML_FLAGS-}" >>"$LOG"
case "$*" in
--plan*) [ -n "${ALL_HERE-}" ] || echo "llama 77" ;;
llama) case ${IPW_GGML_FLAGS-} in *"${BROKEN-none}"*) echo "no such compiler" >&2; exit 3 ;; esac ;;
*) echo "$1 /m.gguf" ;;
esac'
}

system() { # OS-RELEASE-LINE...: a new one, without GPU and GPU compilers
    rm -rf "$sys" "$bin"/{nvcc,glslc,hipcc} "$tree/build/failed-backends"
    mkdir -p "$sys/etc" "$sys/dev/dri" "$sys/proc/sys/kernel"
    printf '%s\n' "$@" >"$sys/etc/os-release"
}
quick() { # EXIT [-y]: no terminal, no tool but the stubs
    : >"$LOG"
    run "$1" env PATH="$bin" "$tree/quickstart.sh" "${@:2}" </dev/null
}
did() { grep -qE -- "$1" "$LOG" || { cat "$LOG" >&2; fail "was not done: $1"; }; }
not() { ! grep -E -- "$1" "$LOG" || fail "was done: $1"; }
in_order() { # PATTERN...
    local last=0 line
    for pattern; do
        line=$(grep -nE -m1 -- "$pattern" "$LOG" | cut -d: -f1)
        [ "${line:-0}" -gt "$last" ] || { cat "$LOG" >&2; fail "not in this place: $pattern"; }
        last=$line
    done
}

# ---- Fedora: nothing is done unasked; then all of it, in order, sudo for the packages alone ----
system ID=fedora 'PRETTY_NAME="Fedora Linux 43"'
quick 2
says "not yet run by us on Fedora Linux 43"
says "to install with sudo dnf: gcc gcc-c++ glibc-static cmake"
says "backend: CPU, because there is no GPU"
says "no terminal"
not '^(sudo|dnf|cmake|ipw) '
quick 0 -y
in_order '^sudo scripts/packages --install run' '^dnf install -y .*sqlite-devel' '^deps yyjson smollm2' '^deps llama' \
    '^cmake --preset release' '^cmake --build' '^ipw profile -m /m.gguf --dataset starter -n 40'
[ "$(grep -c '^sudo' "$LOG")" = 1 ] || fail "sudo more than once"
export ALL_HERE=1
quick 0 # the second time there is nothing to ask
not '^(sudo|dnf) '
did '^ipw profile'
unset ALL_HERE

# ---- Arch as root; a relative of Ubuntu; one that is not known ----
system ID=arch
FAKE_UID=0 quick 0 -y
did '^pacman -S --needed --noconfirm gcc cmake ninja'
not '^sudo'
system ID=linuxmint 'ID_LIKE="ubuntu debian"'
quick 0 -y
in_order '^sudo' '^apt-get update' '^apt-get install -y .*libarchive-dev'
system ID=opensuse-leap 'ID_LIKE="suse opensuse"'
quick 3 -y
says "no package names are known for 'Linux opensuse-leap"
says "libarchive"
system ID=debian 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"'
FAKE_UID=0 SUDO_USER=ann quick 0 -y
in_order '^apt-get install' '^sudo -u ann -H .*quickstart.sh -y'
not '^(cmake|ipw) '
! grep -q "not yet run by us on" "$work/err" || fail "Debian has been run by us"
mv "$bin/sudo" "$work/sudo"
quick 3 -y
says "'sudo' is not here; run as root: scripts/packages --install run"
mv "$work/sudo" "$bin/sudo"

# ---- macOS: Homebrew, never as root, never by sudo; its libraries are found ----
system
rm -rf "$sys/etc/os-release"
export KERNEL=Darwin
quick 0 -y
did '^brew install .*cmake ninja pkgconf sqlite openssl@3 curl libarchive'
did '^prefix=/brew/sqlite:/brew/openssl@3:/brew/curl:/brew/libarchive'
did '^flags=-DGGML_METAL=ON'
not '^sudo'
says "not yet run by us on macOS"
FAKE_UID=0 quick 3 -y
says "Homebrew does not work as root"
not '^brew install'
export KERNEL=Linux

# ---- backends ----
system ID=debian PRETTY_NAME=Debian
export ALL_HERE=1
stub "$bin/nvcc" ''
quick 0
says "backend: CPU, because there is no GPU" # a compiler alone is none
touch "$sys/dev/nvidiactl"
quick 0
says "backend: CUDA, because nvcc and an NVIDIA GPU are here"
did '^flags=-DGGML_CUDA=ON'
stub "$bin/glslc" ''
BROKEN=CUDA quick 0
says "backend: cuda does not build here"
says "backend: vulkan instead"
in_order '^flags=-DGGML_CUDA=ON' '^flags=-DGGML_VULKAN=ON' '^cmake' '^ipw profile'
BROKEN=GGML quick 0 # what failed is not tried again
not '^flags=-DGGML_CUDA'
says "backend: cpu instead"
quick 0
says "backend: CPU, because cuda vulkan did not build here before; rm build/failed-backends"
not '^flags=-D'
IPW_GGML_FLAGS=-DGGML_SYCL=ON BROKEN=SYCL quick 3 # asked for by name: no fallback
says "does not build with IPW_GGML_FLAGS='-DGGML_SYCL=ON'"
BROKEN='' quick 3
says "ipw does not build here"
system ID=debian PRETTY_NAME=Debian
touch "$sys/dev/dri/renderD128"
quick 0
says "backend: CPU, because there is a GPU, but no glslc (Vulkan) and no hipcc (ROCm)"
touch "$sys/dev/kfd"
stub "$bin/hipcc" ''
quick 0
did '^flags=-DGGML_HIP=ON'

# ---- WSL2 ----
system ID=ubuntu 'PRETTY_NAME="Ubuntu 24.04"'
echo 6.6.87.2-microsoft-standard-WSL2 >"$sys/proc/sys/kernel/osrelease"
touch "$sys/dev/dxg"
stub "$bin/glslc" ''
quick 0
says "not yet run by us on WSL2 (Ubuntu 24.04)"
says "backend: Vulkan"
KERNEL=MINGW64_NT-10.0 quick 3
says "run this in WSL2"
quick 2 --yes
says "unknown '--yes'"

# ---- no home: said, and what helps ----
run 1 env -u HOME -u XDG_CACHE_HOME -u IPW_CACHE "$IPW_SOURCE/scripts/deps" --plan yyjson
says "set IPW_CACHE"

# ---- on a terminal: no is no ----
unset ALL_HERE
if command -v script >/dev/null; then
    : >"$LOG"
    real=$PATH
    printf 'n\n' | run 2 env PATH="$bin" "$(PATH=$real command -v script)" -qefc "$tree/quickstart.sh" "$work/screen"
    grep -q 'go on' "$work/screen" || fail "it did not ask"
    grep -q 'nothing was done' "$work/screen" || fail "it did not say that nothing was done"
    not '^(sudo|apt-get install -y|cmake|ipw) '
fi
