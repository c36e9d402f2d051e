# pgss_layer(name DEPENDS ... SOURCES ...): one folder, one target. Public headers are reached as <pocketgss/...> through
# links in the build tree; everything else by its path from the root.
set(PGSS_PUBLIC_HEADERS
    base/bytes.h
    base/env.h
    base/error.h
    base/export.h
    base/result.h
    base/secret.h
    base/step.h
    lib/channel_bindings.h
    lib/context.h
    lib/credential.h
    lib/get_ticket.h
    lib/kdc_exchange.h
    lib/kdcs.h
    lib/krb5_conf.h
    lib/platform/dns_kdcs.h
    lib/platform/kdc_transport.h
    lib/policy.h
    lib/tickets.h
    sasl/base64.h
    sasl/sasl.h
    sasl/smtp.h
    sasl/smtp_client.h
    sasl/smtp_server.h)
file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/include/pocketgss)

# A header of what is not built is not there.
if(NOT PGSS_PLATFORM)
  list(FILTER PGSS_PUBLIC_HEADERS EXCLUDE REGEX "^lib/platform/")
elseif(NOT PGSS_DNS)
  list(REMOVE_ITEM PGSS_PUBLIC_HEADERS lib/platform/dns_kdcs.h)
endif()

if(NOT PGSS_KERBEROS)
  list(FILTER PGSS_PUBLIC_HEADERS EXCLUDE REGEX "^lib/(get_ticket|kdc_exchange|kdcs|krb5_conf)\\.h$")
endif()
if(NOT PGSS_SMTP)
  list(FILTER PGSS_PUBLIC_HEADERS EXCLUDE REGEX "^sasl/smtp")
endif()

# An interface that may break is another library to the loader (docs/conventions.md, "Versions").
set(PGSS_SOVERSION ${PROJECT_VERSION_MAJOR})
if(PROJECT_VERSION_MAJOR EQUAL 0)
  string(APPEND PGSS_SOVERSION .${PROJECT_VERSION_MINOR})
endif()

function(pgss_link_public_headers)
  foreach(header ${ARGN})
    get_filename_component(name ${header} NAME)
    file(CREATE_LINK ${PROJECT_SOURCE_DIR}/${header} ${PROJECT_BINARY_DIR}/include/pocketgss/${name} SYMBOLIC)
    set_property(GLOBAL APPEND PROPERTY PGSS_LINKED_HEADERS ${PROJECT_SOURCE_DIR}/${header})
  endforeach()
endfunction()
pgss_link_public_headers(${PGSS_PUBLIC_HEADERS})

# The layers are object libraries; pocketgss (cmake/library.cmake) is what they are linked into.
function(pgss_layer name)
  cmake_parse_arguments(LAYER "" "" "DEPENDS;SOURCES;LIBRARIES" ${ARGN})
  add_library(pgss_${name} OBJECT ${LAYER_SOURCES})
  target_include_directories(pgss_${name} PUBLIC ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/include)
  target_link_libraries(pgss_${name} PUBLIC pgss_flags PRIVATE ${LAYER_LIBRARIES})
  if(NOT PGSS_RTTI AND NOT PGSS_SANITIZE AND CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang")
    # A user's class may derive from a public one all the same, and be asked: the type information of a public class is made where
    # it is used, unless an out-of-line virtual function ties it to a file of ours.
    target_compile_options(pgss_${name} PRIVATE -fno-rtti)
  endif()
  foreach(dependency ${LAYER_DEPENDS})
    target_link_libraries(pgss_${name} PUBLIC pgss_${dependency})
  endforeach()
  set_property(GLOBAL APPEND PROPERTY PGSS_LAYERS pgss_${name})
endfunction()
