# Third-party code: Debian packages by find_package, the rest from scripts/deps (pinned in deps/deps.lock, built once
# into the user's cache). A prefix may be given instead: -DIPW_PREFIX_llama=..., -DIPW_PREFIX_yyjson=...

find_package(Threads REQUIRED)
find_package(SQLite3 3.40 REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(CURL 7.88 REQUIRED)
find_package(LibArchive REQUIRED)

function(ipw_dep name)
  if(NOT IPW_PREFIX_${name})
    execute_process(COMMAND "${CMAKE_SOURCE_DIR}/scripts/deps" ${name}
      OUTPUT_VARIABLE out RESULT_VARIABLE rc OUTPUT_STRIP_TRAILING_WHITESPACE)
    if(rc)
      message(FATAL_ERROR "scripts/deps ${name} failed: see its message above")
    endif()
    string(REGEX REPLACE "^${name} " "" out "${out}")
    set(IPW_PREFIX_${name} "${out}" PARENT_SCOPE)
  endif()
endfunction()

ipw_dep(yyjson)
find_library(IPW_YYJSON_LIBRARY yyjson HINTS "${IPW_PREFIX_yyjson}/lib" NO_CACHE REQUIRED)
find_path(IPW_YYJSON_INCLUDE yyjson.h HINTS "${IPW_PREFIX_yyjson}/include" NO_CACHE REQUIRED)
add_library(ipw_yyjson UNKNOWN IMPORTED)
set_target_properties(ipw_yyjson PROPERTIES
  IMPORTED_LOCATION "${IPW_YYJSON_LIBRARY}"
  INTERFACE_INCLUDE_DIRECTORIES "${IPW_YYJSON_INCLUDE}")

if(IPW_LLAMA)
  ipw_dep(llama)
  include("${IPW_PREFIX_llama}/lib/cmake/ipw-llama.cmake")
endif()
