# libipw: base, energy and api.c, nothing else. Only what ipw.h declares is visible, in the shared library and in the
# static one: there the objects that api.c needs are joined into one, and the other names made local.
include(GNUInstallDirs)

add_library(ipw_api OBJECT src/api.c)
target_include_directories(ipw_api PRIVATE include src)
set_target_properties(ipw_api PROPERTIES POSITION_INDEPENDENT_CODE ON C_VISIBILITY_PRESET hidden)

add_library(libipw SHARED $<TARGET_OBJECTS:ipw_api>)
target_link_libraries(libipw PRIVATE ipwparts)
set_target_properties(libipw PROPERTIES OUTPUT_NAME ipw VERSION ${PROJECT_VERSION} SOVERSION 1 LINKER_LANGUAGE C)
if(NOT APPLE)
  target_link_options(libipw PRIVATE -Wl,--as-needed) # libcrypto and yyjson only if a collector comes to need them
endif()

if(APPLE)
  add_library(libipw_static STATIC $<TARGET_OBJECTS:ipw_api> $<TARGET_PROPERTY:ipwparts,SOURCES>)
  set_target_properties(libipw_static PROPERTIES OUTPUT_NAME ipw)
  target_include_directories(libipw_static PRIVATE src)
  target_link_libraries(libipw_static PRIVATE ipw_yyjson OpenSSL::Crypto)
  install(TARGETS libipw_static COMPONENT dev)
else()
  set(IPW_STATIC "${CMAKE_BINARY_DIR}/libipw.a")
  add_custom_command(OUTPUT "${IPW_STATIC}"
    COMMAND ${CMAKE_C_COMPILER} -r -nostdlib -o libipw.o $<TARGET_OBJECTS:ipw_api> $<TARGET_FILE:ipwparts>
    COMMAND ${CMAKE_OBJCOPY} --localize-hidden libipw.o
    COMMAND ${CMAKE_COMMAND} -E rm -f "${IPW_STATIC}"
    COMMAND ${CMAKE_AR} rcs "${IPW_STATIC}" libipw.o
    DEPENDS ipw_api $<TARGET_OBJECTS:ipw_api> ipwparts WORKING_DIRECTORY "${CMAKE_BINARY_DIR}" VERBATIM COMMAND_EXPAND_LISTS)
  add_custom_target(libipw_static ALL DEPENDS "${IPW_STATIC}")
  install(FILES "${IPW_STATIC}" DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT dev)
endif()

# The prefix from where ipw.pc lies, so that the tree may be installed or moved anywhere.
file(RELATIVE_PATH IPW_PC_PREFIX "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
string(REGEX REPLACE "/$" "" IPW_PC_PREFIX "${IPW_PC_PREFIX}")
configure_file(cmake/ipw.pc.in "${CMAKE_BINARY_DIR}/ipw.pc" @ONLY)
install(TARGETS libipw LIBRARY COMPONENT lib NAMELINK_COMPONENT dev)
install(FILES include/ipw.h DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT dev)
install(FILES "${CMAKE_BINARY_DIR}/ipw.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig" COMPONENT dev)
