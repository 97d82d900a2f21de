"""Headers that cost seconds per compilation stay in source files; Beast stays in two of them."""

import re

from rules import CPP, Source, main

HEAVY = re.compile(
    r"^\s*#\s*include\s+<(boost/beast|nlohmann/json\.hpp|boost/asio/ssl|toml\+\+|spdlog/spdlog\.h|simdjson\.h)"
)
BEAST = re.compile(r"^\s*#\s*include\s+<boost/beast")
ALL_OF_ASIO = re.compile(r"^\s*#\s*include\s+<boost/asio\.hpp>")
MOST_BEAST_FILES = 2


def check(sources):
    problems = []
    beast = []
    for source in sources:
        if not source.is_in("src", "include") or not source.path.endswith(CPP):
            continue
        is_header = not source.path.endswith(".cpp")
        for number, line in enumerate(source.lines, 1):
            if source.is_allowed(number):
                continue
            if is_header and (found := HEAVY.match(line)):
                problems.append(source.problem(number, f"heavy header in a header: {found[1]}"))
            if ALL_OF_ASIO.match(line):
                problems.append(source.problem(number, "include the parts of Asio that are used, not all of it"))
            if BEAST.match(line) and source.path not in beast:
                beast.append(source.path)
    if len(beast) > MOST_BEAST_FILES:
        problems.append(f"Beast is included by more than {MOST_BEAST_FILES} files: {' '.join(beast)}")
    return problems


def sample(path, text):
    return [Source(path, text + "\n")]


main(
    check,
    bad={
        "Beast in a header": sample("src/net/a.hpp", "#include <boost/beast/http.hpp>"),
        "the JSON DOM in a header": sample("src/api/a.hpp", "#include <nlohmann/json.hpp>"),
        "TLS in a header": sample("src/net/a.hpp", "#include <boost/asio/ssl/stream.hpp>"),
        "TOML in a public header": sample("include/meta_model/a.hpp", "#include <toml++/toml.h>"),
        "all of Asio": sample("src/net/a.cpp", "#include <boost/asio.hpp>"),
        "Beast in three sources": [
            Source(f"src/net/{name}.cpp", "#include <boost/beast/core.hpp>\n") for name in "abc"
        ],
    },
    good={
        "forward declarations": sample("src/api/a.hpp", "#include <nlohmann/json_fwd.hpp>"),
        "heavy in a source": sample("src/api/a.cpp", "#include <nlohmann/json.hpp>"),
        "a part of Asio": sample("src/net/a.hpp", "#include <boost/asio/io_context.hpp>"),
        "tests may": sample("tests/support/a.hpp", "#include <nlohmann/json.hpp>"),
    },
)
