# bash completion of ipw and ipwc. The words come from the program's own tables: ipw help --words
# shellcheck shell=bash
_ipw() {
    local line kinds='' program=${1/#\~\//$HOME/} word=${COMP_WORDS[COMP_CWORD]}
    [ "$word" != '=' ] || word=
    COMPREPLY=()
    while IFS= read -r line; do
        case $line in
        :*) kinds+=$line ;;
        "$word"*) COMPREPLY+=("${line%%$'\t'*}") ;;
        esac
    done < <("$program" help --words -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
    case $kinds in
    *:files*) mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$word") ;;
    *:folders*) mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -d -- "$word") ;;
    *:commands*) mapfile -t COMPREPLY < <(compgen -c -- "$word") ;;
    esac
    [ -z "$kinds" ] || compopt -o filenames 2>/dev/null
}
complete -F _ipw ipw ipwc
