# A project that can do without the library, where pkg-config finds no Botan for the archive. pocketgss_DIR says where the package is.
find_package(pocketgss QUIET)
if(pocketgss_FOUND OR NOT pocketgss_NOT_FOUND_MESSAGE MATCHES "botan-")
  message(FATAL_ERROR "found: '${pocketgss_FOUND}', and the reason is '${pocketgss_NOT_FOUND_MESSAGE}'")
endif()
message(STATUS "not found: ${pocketgss_NOT_FOUND_MESSAGE}")
