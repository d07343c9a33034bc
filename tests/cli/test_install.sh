#!/usr/bin/env bash
# What `cmake --install` brings: the program and its second name, man pages that render, completions that complete in real
# shells, and all of it out of the tables of the program.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
real_home=$HOME
export HOME=$work/home
mkdir -p "$HOME"

run 0 cmake --install "$IPW_BUILD" --prefix "$work/prefix"
prefix=$work/prefix
program=$(basename "$IPW")
run 0 "$prefix/bin/ipwc" version
shows "(C)"
[ "$(readlink "$prefix/bin/ipwc")" = "$program" ] || fail "ipwc is not a link to $program beside it"
[ -e "$prefix/share/ipw/70-ipw-rapl.rules" ] || fail "the udev rule is missing"
if [ -e "$prefix/lib/ipw/libduckdb.so" ]; then # found beside the program, with no cache and no variable
    printf 'question,answer\n1+1?,2\n' >"$work/mine.csv"
    run 0 env IPW_DATA="$work/data" "$prefix/bin/ipwc" dataset import "$work/mine.csv"
    says "mine: 1 question;"
    rm "$prefix/lib/ipw/libduckdb.so"
    run 3 env IPW_DATA="$work/data" "$prefix/bin/ipwc" dataset import "$work/mine.csv"
    says "npm pack @duckdb/node-bindings-linux-x64@1.5.5-r.5"
fi
ln -s "$program" "$prefix/bin/ipw" 2>/dev/null || true # only the release build has no suffix
export PATH=$prefix/bin:$PATH

# ---- a man page of every command, and nothing else; each one renders and tells every option ----
ipw help --words -- '' | cut -f1 >"$work/commands"
{ echo ipw; echo ipwc; sed 's/^/ipw-/' "$work/commands"; } | sort >"$work/want"
(cd "$prefix/share/man/man1" && printf '%s\n' *.1) | sed 's/\.1$//' | sort >"$work/have"
diff "$work/want" "$work/have" || fail "man pages are not those of the commands"
page() { MANWIDTH=80 man -E ascii -l "$1" | cat; }
if command -v man >/dev/null && command -v groff >/dev/null; then
    for file in "$prefix"/share/man/man1/*.1; do
        run 0 env MANWIDTH=80 man --warnings -E UTF-8 -l "$file"
        [ ! -s "$work/err" ] || fail "$file has warnings"
        awk 'length > 80 { exit 1 }' "$work/out" || fail "$file is wider than 80 columns"
        case $file in */ipwc.1) continue ;; esac
        groff -ww -man -z "$file" 2>"$work/err"
        [ ! -s "$work/err" ] || fail "$file has warnings of groff"
        for heading in NAME SYNOPSIS 'EXIT STATUS' ENVIRONMENT; do
            grep -q "^$heading" "$work/out" || fail "$file has no $heading"
        done
    done
    page "$prefix/share/man/man1/ipw-measure.1" >"$work/out"
    shows "127"
    ! grep -q '^ *2 ' "$work/out" || fail "ipw-measure(1) tells exit codes that are not its own"
    page "$prefix/share/man/man1/ipw-profile.1" >"$work/out"
    shows "--max-queries N, --limit N"
    shows "    ipw profile --resume runs/RUN"
    ! grep -q ' 127 ' "$work/out" || fail "ipw-profile(1) tells exit codes of measure"
fi
while read -r command; do
    ipw help "$command" | grep -oE '^  (-., )?--[a-z-]+' | grep -oE '[a-z][a-z-]+$' | sort >"$work/want" || true
    sed -nE 's/^(\\fB\\-.\\fR, )?\\fB\\-\\-(([a-z0-9_]|\\-)+)\\fR.*/\2/p' "$prefix/share/man/man1/ipw-$command.1" | sed 's/[\\]//g' |
        grep -vxE 'help|sysfs' | sort >"$work/have" || true
    [ -s "$work/want" ] || continue # a command with commands under it
    diff "$work/want" "$work/have" || fail "ipw-$command(1) has other options than ipw help $command"
done <"$work/commands"

# ---- every variable that the program reads is told ----
grep -rhoE '(cli|path)_setting\("[A-Z_]+"' "$IPW_SOURCE/src/cli" | grep -oE '[A-Z_]{2,}' | sort -u >"$work/variables"
while read -r name; do
    grep -qwF "$name" "$prefix/share/man/man1/ipw.1" || fail "$name is not in ipw(1): a row in src/cli/manual.c"
done <"$work/variables"

# ---- what can stand at the cursor ----
words() { # WANTED-LINES WORD...
    local want=$1
    shift
    ipw help --words -- "$@" >"$work/out" || fail "no words for: $*"
    [ "$(cut -f1 "$work/out" | tr '\n' ' ')" = "$want " ] || fail "words for '$*' are not: $want"
}
words ":files" profile -m ''
words "auto measured estimated none" profile --energy ''
words "auto measured estimated none" profile --energy = me # bash cuts at '='
words "--energy=auto --energy=measured --energy=estimated --energy=none" profile --energy=m
words "starter fixed_length :files" profile --dataset ''
words ":folders" profile --resume ''
words "table json csv md" analyze runs/x -o ''
words "accuracy :folders" analyze ''
words "--sysfs --help --version" -
words ":commands" measure --interval 100 -- ''
words ":files" measure -- make ''
words ":folders" --sysfs ''
run 0 ipw help --words -- nothing-like-that ''
[ ! -s "$work/out" ] || fail "words for a command that there is not"
run 0 ipw help --words -- help ''
cut -f1 "$work/out" | diff - "$work/commands" || fail "ipw help does not offer every command"

# ---- real shells ----
touch "$work/answers.gguf"
mkdir -p "$work/a folder"
cd "$work"
script=$prefix/share/bash-completion/completions/ipw
completed() { # WORD...: in bash
    # shellcheck disable=SC2016
    bash --norc -c 'source "$1"; shift; COMP_WORDS=(ipw "$@") COMP_CWORD=$#; _ipw ipw 2>/dev/null; printf "%s\n" "${COMPREPLY[@]}"' \
        - "$script" "$@"
}
completed '' | diff - commands || fail "bash does not complete the commands"
[ "$(completed profile --max-q)" = --max-queries ] || fail "bash does not complete an option"
[ "$(completed profile -m ans)" = answers.gguf ] || fail "bash does not complete a file"
tiny=$HOME/.lmstudio/models/o
mkdir -p "$tiny/a b"
model=$(HOME=$real_home smollm2)
ln -s "$model" "$tiny/plain.gguf"
ln -s "$model" "$tiny/a b/m x.gguf"
ln -s "$model" "$tiny/"$'two\nlines.gguf'
words "lmstudio:o/a b/m x lmstudio:o/plain :files" profile -m ''
[ "$(completed profile -m lmstudio : o/p)" = o/plain ] || fail "bash does not complete a model's name"
[ "$(completed profile -m lmstudio : o/a)" = 'o/a\ b/m\ x' ] || fail "bash does not quote a model's name"
rm -r "$HOME/.lmstudio"
[ "$(completed analyze 'a fo')" = "a folder" ] || fail "bash does not complete a folder with a space"
if command -v fish >/dev/null; then
    # shellcheck disable=SC2016
    complete_fish() { fish --no-config -c 'source $argv[1]; complete -C $argv[2]' "$prefix/share/fish/vendor_completions.d/ipw.fish" "$1"; }
    complete_fish 'ipw ' | cut -f1 | sort | diff - <(sort commands) || fail "fish does not complete the commands"
    complete_fish 'ipw profile --max-q' | grep -q '^--max-queries	only the first' || fail "fish does not complete an option"
    complete_fish 'ipw profile -m ans' | grep -q '^answers.gguf' || fail "fish does not complete a file"
    complete_fish 'ipw profile --energy=me' | grep -q '^--energy=measured' || fail "fish does not complete a value"
fi
if command -v zsh >/dev/null; then
    # zsh completes only at a terminal: type into one, with the list of matches as what it answers
    cat >"$work/zshrc" <<EOF
fpath=($prefix/share/zsh/site-functions \$fpath)
autoload -U compinit && compinit -D -u
zstyle ':completion:*' list-prompt ''
PS1='> '; LISTMAX=1000; bindkey '^I' list-choices; setopt no_always_last_prompt
EOF
    typed_zsh() { # TEXT
        python3 - "$work" "$1" <<'EOF'
import fcntl, os, pty, re, select, struct, sys, termios, time
work, text = sys.argv[1:]
pid, fd = pty.fork()
if not pid:
    os.environ.update(ZDOTDIR=work, TERM="vt100")
    os.rename(f"{work}/zshrc", f"{work}/.zshrc") if os.path.exists(f"{work}/zshrc") else None
    os.execvp("zsh", ["zsh", "-i"])
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 100, 200, 0, 0))
out = b""
def read(seconds):
    global out
    end = time.time() + seconds
    while time.time() < end:
        if select.select([fd], [], [], 0.1)[0]:
            try:
                out += os.read(fd, 65536)
            except OSError:
                return
def until(mark, seconds):
    end = time.time() + seconds
    while mark not in out and time.time() < end:
        read(0.2)
until(b"> ", 20)
os.write(fd, text.encode() + b"\t")
until(b"--", 10)
read(1)
os.write(fd, b"\x15exit\r")
read(0.5)
print(re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", out.decode(errors="replace")))
EOF
    }
    typed_zsh 'ipw ' >"$work/out"
    while read -r command; do
        grep -qE "^$command +--" "$work/out" || fail "zsh does not complete the command $command"
    done <"$work/commands"
    typed_zsh 'ipw profile --max-' >"$work/out"
    grep -qE '^--max-queries +-- only the first' "$work/out" || fail "zsh does not complete an option"
    typed_zsh 'ipw profile -m ' >"$work/out"
    shows "answers.gguf"
fi
for shell in bash zsh fish; do
    run 0 ipw help --completion $shell
done
run 2 ipw help --completion tcsh
says "there is bash, zsh and fish"
