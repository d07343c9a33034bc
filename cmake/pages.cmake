# cmake -DIPW=PROGRAM -DOUT=FOLDER -P pages.cmake: the man pages and completion scripts that the program prints, as they
# lie under share/.
file(REMOVE_RECURSE "${OUT}")
function(ipw_page file)
  execute_process(COMMAND "${IPW}" help ${ARGN} OUTPUT_FILE "${OUT}/${file}" COMMAND_ERROR_IS_FATAL ANY)
endfunction()

file(MAKE_DIRECTORY "${OUT}/man/man1" "${OUT}/bash-completion/completions" "${OUT}/zsh/site-functions"
  "${OUT}/fish/vendor_completions.d")
execute_process(COMMAND "${IPW}" help --words -- "" OUTPUT_VARIABLE words COMMAND_ERROR_IS_FATAL ANY)
string(REGEX REPLACE "\t[^\n]*\n" ";" words "${words}")
ipw_page(man/man1/ipw.1 --man)
foreach(word ${words})
  ipw_page(man/man1/ipw-${word}.1 --man ${word})
endforeach()
file(WRITE "${OUT}/man/man1/ipwc.1" ".so man1/ipw.1\n")
ipw_page(bash-completion/completions/ipw --completion bash)
ipw_page(bash-completion/completions/ipwc --completion bash)
ipw_page(zsh/site-functions/_ipw --completion zsh)
ipw_page(fish/vendor_completions.d/ipw.fish --completion fish)
ipw_page(fish/vendor_completions.d/ipwc.fish --completion fish)
