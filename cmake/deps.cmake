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

# DuckDB is loaded while the program runs (src/table/duck.c): only its header is needed here.
ipw_dep(duckdb)
find_path(IPW_DUCKDB_INCLUDE duckdb.h HINTS "${IPW_PREFIX_duckdb}/include" NO_CACHE REQUIRED)

if(IPW_LLAMA)
  # Which backends and instructions llama.cpp is built with. The environment's word is kept, so that a later `cmake --build`
  # that configures again means the same.
  set(IPW_GGML_FLAGS "" CACHE STRING "options of ggml: -DGGML_CUDA=ON and the like")
  if(DEFINED ENV{IPW_GGML_FLAGS})
    set_property(CACHE IPW_GGML_FLAGS PROPERTY VALUE "$ENV{IPW_GGML_FLAGS}")
  endif()
  set(ENV{IPW_GGML_FLAGS} "${IPW_GGML_FLAGS}")
  if(IPW_PORTABLE AND CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    set(ENV{IPW_GGML_FLAGS} "-DGGML_NATIVE=OFF -DGGML_SSE42=ON -DGGML_AVX=ON -DGGML_AVX2=ON -DGGML_FMA=ON -DGGML_F16C=ON \
-DGGML_BMI2=ON ${IPW_GGML_FLAGS}")
    set(IPW_CPU_LEVEL x86-64-v3)
  elseif(IPW_PORTABLE AND CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
    set(ENV{IPW_GGML_FLAGS} "-DGGML_NATIVE=OFF -DGGML_CPU_ARM_ARCH=armv8.2-a+dotprod ${IPW_GGML_FLAGS}")
    set(IPW_CPU_LEVEL armv8.2-a+dotprod)
  elseif(IPW_PORTABLE)
    set(ENV{IPW_GGML_FLAGS} "-DGGML_NATIVE=OFF ${IPW_GGML_FLAGS}")
  endif()
  ipw_dep(llama)
  include("${IPW_PREFIX_llama}/lib/cmake/ipw-llama.cmake")
endif()
