# Makes one ctest test of each TEST_CASE of an executable, after it was linked.
# doctest's own script splits names at semicolons and brackets, which sentences
# have. Called with -D EXECUTABLE=, LAYER= and OUT=.
execute_process(COMMAND ${EXECUTABLE} --list-test-cases --no-colors=true
  OUTPUT_VARIABLE text RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "${EXECUTABLE} does not list its tests: ${text}")
endif()

# What CMake cannot hold in a list is shown as its neighbour, and `?` matches
# any character in doctest's filter. A comma would end the filter.
string(REPLACE ";" "," text "${text}")
string(REPLACE "[" "(" text "${text}")
string(REPLACE "]" ")" text "${text}")
string(REPLACE "\\" "/" text "${text}")
string(REGEX MATCHALL "[^\n]+" lines "${text}")
set(script "")
foreach(name ${lines})
  if(NOT name MATCHES "^\\(doctest\\)|^====")
    string(REGEX REPLACE "[,()/]" "?" filter "${name}")
    # A filter that matches nothing would pass.
    string(APPEND script
      "add_test([==[${LAYER}: ${name}]==] [==[${EXECUTABLE}]==]"
      " [==[--test-case=${filter}]==])\n"
      "set_tests_properties([==[${LAYER}: ${name}]==] PROPERTIES"
      " LABELS ${LAYER} TIMEOUT 120"
      " FAIL_REGULAR_EXPRESSION \"test cases: +0 \")\n")
  endif()
endforeach()
file(WRITE ${OUT} "${script}")
