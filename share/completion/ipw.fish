# fish completion of ipw and ipwc. The words come from the program's own tables: ipw help --words
function __ipw_words
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    set -l option (string match -r -- '^--[^=]*=' $word)
    set -l path (string replace -r -- '^--[^=]*=' '' $word)
    for line in ($words[1] help --words -- $words[2..] "$word" 2>/dev/null)
        switch $line
            case ':files'
                printf "$option%s\n" (__fish_complete_path "$path")
            case ':folders'
                printf "$option%s\n" (__fish_complete_directories "$path" '')
            case ':commands'
                __fish_complete_command
            case '*'
                echo $line
        end
    end
end
complete -c ipw -f -a '(__ipw_words)'
complete -c ipwc -f -a '(__ipw_words)'
