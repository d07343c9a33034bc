# bash completion of ipw and ipwc. The words come from the program's own tables: ipw help --words
# shellcheck shell=bash
_ipw() {
    local i line word='' kinds='' colon='' program=${1/#\~\//$HOME/}
    local -a words=()
    for ((i = 1; i <= COMP_CWORD; i++)); do # bash cuts ollama:qwen3:4b at ':'
        if [[ ${#words[@]} -gt 0 && (${COMP_WORDS[i]} == :* || ${words[-1]} == *:) ]]; then
            words[-1]+=${COMP_WORDS[i]}
        else
            words+=("${COMP_WORDS[i]}")
        fi
    done
    [ ${#words[@]} = 0 ] || word=${words[-1]}
    [ "$word" != '=' ] || word=
    COMPREPLY=()
    while IFS= read -r line; do
        case $line in
        :*) kinds+=$line ;;
        "$word"*)
            COMPREPLY+=("${line%%$'\t'*}")
            [[ ${COMPREPLY[-1]} != *:* ]] || colon=1
            ;;
        esac
    done < <("$program" help --words -- "${words[@]}" 2>/dev/null)
    case $kinds in
    *:files*) mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$word") ;;
    *:folders*) mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -d -- "$word") ;;
    *:commands*) mapfile -t COMPREPLY < <(compgen -c -- "$word") ;;
    esac
    if [ -n "$colon" ]; then # quoted here, because readline would quote the colons too
        for i in "${!COMPREPLY[@]}"; do
            printf -v line %q "${COMPREPLY[i]}"
            [[ $word != *:* ]] || line=${line#"${word%"${word##*:}"}"}
            COMPREPLY[i]=$line
        done
    elif [ -n "$kinds" ]; then
        compopt -o filenames 2>/dev/null
    fi
}
complete -F _ipw ipw ipwc
