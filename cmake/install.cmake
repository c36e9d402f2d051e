# What `cmake --install` puts where, and how a consumer finds it: find_package(pocketgss) and pkg-config.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

get_property(public_headers GLOBAL PROPERTY PGSS_LINKED_HEADERS)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES ${public_headers} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/pocketgss)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/pocketgss)
install(TARGETS pocketgss EXPORT pocketgss
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
        INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT pocketgss NAMESPACE pocketgss:: FILE pocketgssTargets.cmake DESTINATION ${package_dir})
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/pocketgssConfig.cmake.in
                              ${PROJECT_BINARY_DIR}/package/pocketgssConfig.cmake
                              INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/package/pocketgssConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/package/pocketgssConfig.cmake
              ${PROJECT_BINARY_DIR}/package/pocketgssConfigVersion.cmake DESTINATION ${package_dir})

# An archive needs Botan of whoever links it; a shared library has found it already.
if(BUILD_SHARED_LIBS)
  set(PGSS_REQUIRES Requires.private)
else()
  set(PGSS_REQUIRES Requires)
endif()
# The tree may be moved. Not out of /usr, whose folders pkg-config leaves out of the flags where it can tell, nor where it is no tree.
set(PGSS_PC_PREFIX ${CMAKE_INSTALL_PREFIX})
if(NOT CMAKE_INSTALL_PREFIX STREQUAL /usr AND NOT IS_ABSOLUTE ${CMAKE_INSTALL_LIBDIR})
  file(RELATIVE_PATH PGSS_PC_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
  string(PREPEND PGSS_PC_PREFIX "\${pcfiledir}/")
endif()
foreach(dir LIBDIR INCLUDEDIR)
  set(PGSS_PC_${dir} ${CMAKE_INSTALL_${dir}})
  if(NOT IS_ABSOLUTE ${PGSS_PC_${dir}})
    string(PREPEND PGSS_PC_${dir} "\${prefix}/")
  endif()
endforeach()
configure_file(${CMAKE_CURRENT_LIST_DIR}/pocketgss.pc.in ${PROJECT_BINARY_DIR}/package/pocketgss.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/package/pocketgss.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# KDCs by DNS are a component: whoever does not ask for it needs no c-ares.
if(TARGET pocketgss_dns)
  install(TARGETS pocketgss_dns EXPORT pocketgss-dns
          ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
          LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(EXPORT pocketgss-dns NAMESPACE pocketgss:: FILE pocketgssDnsTargets.cmake DESTINATION ${package_dir})
  set(PGSS_DNS_REQUIRES "Requires: pocketgss = ${PROJECT_VERSION}, libcares")
  if(BUILD_SHARED_LIBS)
    set(PGSS_DNS_REQUIRES "Requires: pocketgss = ${PROJECT_VERSION}\nRequires.private: libcares")
  endif()
  configure_file(${CMAKE_CURRENT_LIST_DIR}/pocketgss-dns.pc.in ${PROJECT_BINARY_DIR}/package/pocketgss-dns.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/package/pocketgss-dns.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endif()

if(TARGET pocketgss_program)
  install(TARGETS pocketgss_program DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
