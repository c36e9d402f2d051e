# cmake -DCOMPILER=... -DCASE=file.cc -DINCLUDES=a;b -P check.cmake
list(TRANSFORM INCLUDES PREPEND -I)
set(ENV{LC_ALL} C)
set(command ${COMPILER} -std=c++20 -fsyntax-only -Werror=unused-result ${INCLUDES} ${CASE})

execute_process(COMMAND ${command} RESULT_VARIABLE status ERROR_VARIABLE errors)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "does not compile without WRONG, so it proves nothing:\n${errors}")
endif()

file(STRINGS ${CASE} expectation REGEX "^// expect: ")
string(REGEX REPLACE "^// expect: " "" expectation "${expectation}")
execute_process(COMMAND ${command} -DWRONG RESULT_VARIABLE status ERROR_VARIABLE errors)
if(status EQUAL 0)
  message(FATAL_ERROR "compiles with WRONG defined")
endif()
if(expectation STREQUAL "" OR NOT errors MATCHES "${expectation}")
  message(FATAL_ERROR "fails, but not with \"${expectation}\":\n${errors}")
endif()
