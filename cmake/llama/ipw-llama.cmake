# Installed as PREFIX/lib/cmake/ipw-llama.cmake. Defines
#   ipw_llama   libllama and ggml with whatever its backends need
#   ipw_jinja   llama.cpp's chat template engine: #include "jinja/parser.h", "jinja/runtime.h" and "json.h"
# A function, because ggml's package file sets some hundred GGML_ variables.
function(ipw_import_llama prefix)
  unset(ggml_DIR CACHE) # may be of another prefix
  find_package(Threads REQUIRED)
  find_package(ggml CONFIG REQUIRED PATHS "${prefix}/lib/cmake/ggml" NO_DEFAULT_PATH)

  add_library(ipw_llama STATIC IMPORTED)
  set_target_properties(ipw_llama PROPERTIES
    IMPORTED_LOCATION "${prefix}/lib/libllama.a"
    IMPORTED_LINK_INTERFACE_LANGUAGES CXX
    INTERFACE_INCLUDE_DIRECTORIES "${prefix}/include"
    INTERFACE_LINK_LIBRARIES "ggml::ggml;Threads::Threads;${CMAKE_DL_LIBS};m")

  add_library(ipw_jinja STATIC IMPORTED)
  set_target_properties(ipw_jinja PROPERTIES
    IMPORTED_LOCATION "${prefix}/lib/libllama-jinja.a"
    IMPORTED_LINK_INTERFACE_LANGUAGES CXX
    INTERFACE_INCLUDE_DIRECTORIES "${prefix}/include/llama-jinja"
    INTERFACE_LINK_LIBRARIES ggml::ggml-base)
endfunction()

get_filename_component(ipw_llama_prefix "${CMAKE_CURRENT_LIST_DIR}/../.." ABSOLUTE)
ipw_import_llama("${ipw_llama_prefix}")
