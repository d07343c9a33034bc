# What `cmake --install` brings beside libipw: the program, the link ipwc (the Python tool of the paper is called ipw too),
# its man pages and completions, and what reads RAPL for it.
install(TARGETS ipw COMPONENT ipw)
install(CODE "
  set(bin \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}\")
  file(CREATE_LINK $<TARGET_FILE_NAME:ipw> \"\${bin}/ipwc\" SYMBOLIC)
  list(APPEND CMAKE_INSTALL_MANIFEST_FILES \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}/ipwc\")" COMPONENT ipw)
install(FILES share/udev/70-ipw-rapl.rules DESTINATION ${CMAKE_INSTALL_DATADIR}/ipw COMPONENT ipw)
if(TARGET ipw-meter)
  install(TARGETS ipw-meter DESTINATION ${CMAKE_INSTALL_LIBEXECDIR} COMPONENT ipw
    PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE)
endif()

set(pages "${CMAKE_BINARY_DIR}/share")
add_custom_command(OUTPUT "${pages}/man/man1/ipw.1"
  COMMAND ${CMAKE_COMMAND} -DIPW=$<TARGET_FILE:ipw> -DOUT=${pages} -P "${CMAKE_SOURCE_DIR}/cmake/pages.cmake"
  DEPENDS ipw "${CMAKE_SOURCE_DIR}/cmake/pages.cmake" VERBATIM)
add_custom_target(pages ALL DEPENDS "${pages}/man/man1/ipw.1")
install(DIRECTORY "${pages}/" DESTINATION ${CMAKE_INSTALL_DATADIR} COMPONENT ipw)
install(FILES README.md DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT ipw)
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT ipw)

# DuckDB's library for Parquet, CSV and TSV, where src/cli looks for it: fetched for a package, else taken when it is there.
execute_process(COMMAND "${CMAKE_SOURCE_DIR}/scripts/deps" --plan libduckdb OUTPUT_VARIABLE missing ERROR_QUIET)
if(IPW_PORTABLE OR NOT missing)
  execute_process(COMMAND "${CMAKE_SOURCE_DIR}/scripts/deps" libduckdb OUTPUT_VARIABLE duckdb OUTPUT_STRIP_TRAILING_WHITESPACE)
  string(REGEX REPLACE "^libduckdb " "" duckdb "${duckdb}")
endif()
if(duckdb)
  install(FILES "${duckdb}" DESTINATION lib/ipw RENAME libduckdb.so COMPONENT ipw)
else()
  message(STATUS "DuckDB's library is not installed with ipw, which reads Parquet, CSV and TSV by it: scripts/deps libduckdb")
endif()
