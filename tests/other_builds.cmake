# The tests of builds without etype 23 (PGSS_RC4_HMAC=OFF) and without Kerberos (PGSS_KERBEROS=OFF), out of the objects of this one.
# Nothing is linked with the library itself, which would fill in what such a build lacks.
get_property(layers GLOBAL PROPERTY PGSS_LAYERS)

# pgss_other_objects(out pattern) lists the library's objects but those whose path matches.
function(pgss_other_objects out pattern)
  set(found)
  foreach(layer ${layers})
    list(APPEND found $<FILTER:$<TARGET_OBJECTS:${layer}>,EXCLUDE,${pattern}>)
  endforeach()
  set(${out} ${found} PARENT_SCOPE)
endfunction()

# pgss_other_tests(name layer library...) makes a test program, and the entry that runs it, of objects.
function(pgss_other_tests name layer)
  add_executable(${layer}_${name}_tests ${ARGN} $<TARGET_OBJECTS:pgss_test_support>)
  set_target_properties(${layer}_${name}_tests PROPERTIES LINKER_LANGUAGE CXX)
  target_include_directories(${layer}_${name}_tests PRIVATE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/include)
  target_link_libraries(${layer}_${name}_tests PRIVATE pgss_flags GTest::gtest_main GTest::gmock ${PGSS_BOTAN_TARGET})
  add_test(NAME ${name}.${layer} COMMAND ${layer}_${name}_tests --gtest_brief=1)
  set_tests_properties(${name}.${layer} PROPERTIES TIMEOUT 300)
endfunction()

# pgss_left_out(out layer pattern) is a pattern of the objects of a layer's tests that include what matches.
function(pgss_left_out out layer what)
  get_target_property(all ${layer}_tests SOURCES)
  set(kept ${all})
  pgss_leave_out(kept "${what}")
  list(REMOVE_ITEM all ${kept})
  set(names /none/)
  foreach(source ${all})
    file(RELATIVE_PATH name ${CMAKE_CURRENT_SOURCE_DIR} ${source})
    string(REPLACE "." "[.]" name ${name})
    list(APPEND names ${name})
  endforeach()
  list(JOIN names "|" names)
  set(${out} "dir/([.]/)?(${names})" PARENT_SCOPE)
endfunction()

# --- without etype 23 (row KRA-5)

set(krb5 ${PROJECT_SOURCE_DIR}/mechs/krb5)
add_library(pgss_without_rc4 OBJECT ${krb5}/crypto.cc ${krb5}/message_tokens.cc)
target_link_libraries(pgss_without_rc4 PRIVATE pgss_flags)
target_include_directories(pgss_without_rc4 PRIVATE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/include)
pgss_other_objects(library "krb5/(crypto|message_tokens|rfc4757|rfc4757_tokens)[.]cc")
foreach(layer mechs lib sasl)
  pgss_left_out(left ${layer} dns_kdcs)
  pgss_other_tests(without_rc4 ${layer} ${library} $<TARGET_OBJECTS:pgss_without_rc4>
                   $<FILTER:$<TARGET_OBJECTS:${layer}_tests>,EXCLUDE,${left}>)
endforeach()

# --- without Kerberos

add_library(pgss_without_kerberos OBJECT ${PROJECT_SOURCE_DIR}/base/crypto_botan.cc ${PROJECT_SOURCE_DIR}/lib/without_kerberos.cc)
target_link_libraries(pgss_without_kerberos PRIVATE pgss_flags ${PGSS_BOTAN_TARGET})
target_include_directories(pgss_without_kerberos PRIVATE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/include)
pgss_other_objects(library
                   "/krb5/|/crypto_botan[.]|_lib[.]dir/([.]/)?(get_ticket|kdc_exchange|kdc_framing|kdcs|kerberos|krb5_conf|replay_cache|service_keys|tickets)[.]|pgss_platform[.]dir/")
foreach(layer base asn1 mechs lib sasl)
  pgss_left_out(left ${layer} "krb5|kerberos|dns_kdcs|kdc_transport")
  set(more)
  if(layer STREQUAL lib)
    set(more lib/without_kerberos_test.cc)
  endif()
  pgss_other_tests(without_kerberos ${layer} ${library} $<TARGET_OBJECTS:pgss_without_kerberos> ${more}
                   $<FILTER:$<TARGET_OBJECTS:${layer}_tests>,EXCLUDE,${left}|crypto_kerberos_test>)
endforeach()

if(NOT PGSS_SANITIZE)
  add_test(NAME KRA_5.symbols COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/symbols.sh ${CMAKE_NM} $<TARGET_FILE:pocketgss>
                                      $<TARGET_FILE:sasl_without_rc4_tests> $<TARGET_FILE:sasl_without_kerberos_tests>)
endif()
