# ipw_embed(NAME FILE): a C file with `const unsigned char ipw_embed_NAME[]` and `const size_t ipw_embed_NAME_len`,
# appended to IPW_EMBEDDED. Data files travel inside the binary.
function(ipw_embed name file)
  set(out "${CMAKE_BINARY_DIR}/embed_${name}.c")
  add_custom_command(OUTPUT "${out}"
    COMMAND ${CMAKE_COMMAND} -DNAME=${name} -DIN=${CMAKE_SOURCE_DIR}/${file} -DOUT=${out}
            -P ${CMAKE_SOURCE_DIR}/cmake/embed_file.cmake
    DEPENDS "${CMAKE_SOURCE_DIR}/${file}" "${CMAKE_SOURCE_DIR}/cmake/embed_file.cmake")
  set(IPW_EMBEDDED ${IPW_EMBEDDED} "${out}" PARENT_SCOPE)
endfunction()
