#compdef ipw ipwc
# zsh completion of ipw and ipwc. The words come from the program's own tables: ipw help --words
_ipw() {
    local line kinds='' program=${(Q)words[1]/#\~\//$HOME/}
    local -a found
    for line in "${(@f)$($program help --words -- "${(@Q)words[2,CURRENT]}" 2>/dev/null)}"; do
        case $line in
        '') ;;
        :*) kinds+=$line ;;
        *) found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") ;;
        esac
    done
    (( ! $#found )) || _describe ipw found
    case $kinds in
    *:files*) compset -P '--*='; _files ;;
    *:folders*) compset -P '--*='; _files -/ ;;
    *:commands*) _command_names -e ;;
    esac
}
if [ "$funcstack[1]" = _ipw ]; then _ipw "$@"; else compdef _ipw ipw ipwc; fi
