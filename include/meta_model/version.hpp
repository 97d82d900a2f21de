// The version of the library and the binary.
#pragma once

namespace meta_model {

// "MAJOR.MINOR.PATCH", as CMakeLists.txt sets it.
const char* version();

}  // namespace meta_model
