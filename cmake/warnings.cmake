# Interface target with the warnings that our own code is held to.
add_library(meta_model_warnings INTERFACE)
target_compile_options(
    meta_model_warnings
    INTERFACE
        -Wall
        -Wextra
        -Wpedantic
        -Wshadow
        -Wnon-virtual-dtor
        -Wcast-qual
        -Wformat=2
        -Wimplicit-fallthrough
        $<$<BOOL:${META_MODEL_WERROR}>:-Werror>
)
# g++ 12 takes the frame of an inlined coroutine for a mismatched pair (GCC bug 104475 and its kin).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(meta_model_warnings INTERFACE -Wno-mismatched-new-delete)
    # It reads the growth of a short string as a copy onto itself (GCC bug 105651).
    if(CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
        target_compile_options(meta_model_warnings INTERFACE -Wno-restrict)
    endif()
    # Instrumented code is too much for this one's flow analysis: it finds std::regex guilty.
    if(META_MODEL_SANITIZE)
        target_compile_options(meta_model_warnings INTERFACE -Wno-maybe-uninitialized)
    endif()
    # Asio's fences, which the thread sanitizer does not model, stand beside locks that it does.
    if(META_MODEL_SANITIZE STREQUAL "thread")
        target_compile_options(meta_model_warnings INTERFACE -Wno-tsan)
    endif()
endif()
# libstdc++ 12's std::stable_sort calls what libstdc++ 12 marks deprecated; clang shows it, g++ still checks our own calls.
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    target_compile_options(meta_model_warnings INTERFACE -Wno-deprecated-declarations)
endif()
