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
