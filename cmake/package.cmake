# `cmake --workflow --preset package`: the packages, in build/package. Debian's: ipw (all that a person needs), libipw1 and
# libipw-dev for programs that meter themselves; elsewhere an archive. Debian's files are only in a tree made for /usr.
set(IPW_MAINTAINER "The ipw maintainers <maintainers@ipw.invalid>" CACHE STRING "who answers for the package")

set(CPACK_PACKAGE_NAME ipw)
set(CPACK_PACKAGE_VENDOR ipw)
set(CPACK_PACKAGE_CONTACT "${IPW_MAINTAINER}")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "intelligence per watt and per joule of a language model on this machine")
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL ipw lib dev)
find_program(IPW_DPKG_DEB dpkg-deb)
mark_as_advanced(IPW_DPKG_DEB)

if(IPW_DPKG_DEB AND NOT APPLE)
  set(CPACK_GENERATOR DEB)
  set(CPACK_DEB_COMPONENT_INSTALL ON)
  set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
  set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
  set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
  set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
  set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
  set(CPACK_DEBIAN_ENABLE_COMPONENT_DEPENDS OFF)
  set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

  set(CPACK_DEBIAN_IPW_PACKAGE_NAME ipw)
  set(CPACK_DEBIAN_IPW_PACKAGE_SECTION science)
  set(CPACK_DEBIAN_IPW_PACKAGE_SUGGESTS "python3-pip, libcap2-bin")
  set(CPACK_DEBIAN_IPW_DESCRIPTION "ipw asks a language model real questions, reads the machine's energy
counters while it answers, and says how many right answers the machine
delivers per joule and per watt, with intervals.")

  set(CPACK_DEBIAN_LIB_PACKAGE_NAME libipw1)
  set(CPACK_DEBIAN_LIB_PACKAGE_SECTION libs)
  set(CPACK_DEBIAN_LIB_DESCRIPTION "The meter of ipw as a library: joules of any piece of a program, from the
energy counters of this machine.")

  set(CPACK_DEBIAN_DEV_PACKAGE_NAME libipw-dev)
  set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
  set(CPACK_DEBIAN_DEV_PACKAGE_SHLIBDEPS OFF)
  set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS "libipw1 (= ${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE})")
  set(CPACK_DEBIAN_DEV_DESCRIPTION "What a program needs to be built with libipw, the meter of ipw as a library:
ipw.h, libipw.a and the file for pkg-config.")
else()
  set(CPACK_GENERATOR TGZ)
endif()

if(IPW_DPKG_DEB AND CMAKE_INSTALL_PREFIX STREQUAL "/usr")
  set(made "${CMAKE_BINARY_DIR}/debian")
  configure_file("${CMAKE_CURRENT_LIST_DIR}/debian/changelog.in" "${made}/changelog" @ONLY)
  foreach(component ipw lib dev)
    string(TOUPPER ${component} upper)
    set(doc "${CMAKE_INSTALL_DATADIR}/doc/${CPACK_DEBIAN_${upper}_PACKAGE_NAME}")
    install(FILES "${CMAKE_CURRENT_LIST_DIR}/debian/copyright" DESTINATION ${doc} COMPONENT ${component})
    install(FILES "${made}/changelog" DESTINATION ${doc} RENAME changelog.Debian COMPONENT ${component})
  endforeach()
  install(FILES CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME changelog COMPONENT ipw)
  # Debian's packages hold man pages and changelogs compressed, without the time of the build.
  install(CODE "
    file(GLOB_RECURSE pages \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/share/man/*.1\")
    file(GLOB changes \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/share/doc/*/changelog*\")
    if(pages OR changes)
      execute_process(COMMAND gzip -9nf \${pages} \${changes} COMMAND_ERROR_IS_FATAL ANY)
    endif()" ALL_COMPONENTS)
endif()
include(CPack)
