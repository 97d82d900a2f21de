# Helpers for the folders under tests/. docs/testing.md says which label means what.
include(GoogleTest)

# Builds one GoogleTest executable; ctest then knows each of its cases by name.
#
#   meta_model_gtest(net_tests LABELS unit SOURCES chunk_codec_test.cpp stream_test.cpp)
#
# Tests include the headers of src/ and tests/ by their path below those folders. TIMEOUT is per case, in seconds.
# SERIAL keeps cases that measure time away from everything else.
function(meta_model_gtest target)
    cmake_parse_arguments(PARSE_ARGV 1 arg "SERIAL" "TIMEOUT" "SOURCES;LABELS;LIBRARIES")
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 60)
    endif()
    # Megabytes pass through instrumented code many times more slowly.
    if(META_MODEL_SANITIZE STREQUAL "thread")
        math(EXPR arg_TIMEOUT "${arg_TIMEOUT} * 5")
    endif()

    add_executable(${target} ${arg_SOURCES})
    target_include_directories(
        ${target}
        PRIVATE "${PROJECT_SOURCE_DIR}/src" "${PROJECT_SOURCE_DIR}/tests"
    )
    target_link_libraries(
        ${target}
        PRIVATE meta_model meta_model_warnings GTest::gtest_main ${arg_LIBRARIES}
    )

    # Cases are listed when ctest starts, so that this too runs under the options that a sanitizer is given.
    gtest_discover_tests(
        ${target}
        TEST_LIST ${target}_cases
        DISCOVERY_MODE PRE_TEST
        DISCOVERY_TIMEOUT 60
        PROPERTIES TIMEOUT ${arg_TIMEOUT} RUN_SERIAL ${arg_SERIAL}
    )
    # gtest_discover_tests loses all but the first of several labels, so they are set by a file that ctest reads afterwards.
    set(properties_file "${CMAKE_CURRENT_BINARY_DIR}/${target}_labels.cmake")
    file(
        WRITE "${properties_file}"
        "if(${target}_cases)\n"
        "    set_tests_properties(\${${target}_cases} PROPERTIES LABELS \"${arg_LABELS}\")\n"
        "endif()\n"
    )
    set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES "${properties_file}")
endfunction()
