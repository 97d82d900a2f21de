// Where the arguments of a call end, while they come in pieces.
#pragma once

#include <string_view>

namespace meta_model::api {

class argument_scan {
public:
    // The next piece of the arguments' text, as it is escaped within a chat chunk.
    void feed(std::string_view escaped);

    // Their object has ended.
    bool is_complete() const { return has_begun_ && depth_ == 0; }

private:
    int depth_ = 0;
    bool has_begun_ = false;
    bool in_string_ = false;
    bool is_escaped_ = false;
};

}  // namespace meta_model::api
