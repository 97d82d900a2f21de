// Collects what is wrong with a configuration, so that one run reports everything.
#pragma once

#include "config/load.hpp"
#include "config/toml_document.hpp"

#include <string>
#include <vector>

namespace meta_model::config {

class problem_list {
public:
    explicit problem_list(std::string file) : file_(std::move(file)) {}

    void error(position at, std::string text) { add(severity::error, at, std::move(text)); }
    void warning(position at, std::string text) { add(severity::warning, at, std::move(text)); }

    // Everything collected, in file order; what concerns the file as a whole comes first.
    std::vector<problem> take();

private:
    void add(severity level, position at, std::string text);

    std::string file_;
    std::vector<problem> problems_{};
};

}  // namespace meta_model::config
