"""Includes between modules go only along the table of docs/architecture.md, downward."""

import re

from rules import CPP, Source, main

# Module -> what it may include besides itself and base.
ARROWS = {
    "base": set(),
    "net": set(),
    "api": set(),
    "config": set(),
    "telemetry": set(),
    "store": set(),
    "upstream": {"net", "api", "config", "telemetry"},
    # Coroutine types and the loop run through every interface that waits, so `dispatch` and `health` see `net` too.
    "dispatch": {"upstream", "net", "api", "config", "telemetry"},
    "health": {"upstream", "net", "api", "config", "telemetry"},
    "jobs": {"api", "config", "telemetry"},
    "http": {"net", "api", "config", "telemetry"},
    "worker": {"upstream", "http"},
    "dashboard": {"http", "telemetry"},
}
ARROWS["routes"] = set(ARROWS)
ARROWS["app"] = set(ARROWS)

INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]')
# These report errors as values; what is worth a log line is decided above them.
SILENT = {"net", "api", "config"}


def module_of(path):
    parts = path.split("/")
    return parts[1] if parts[0] == "src" and len(parts) > 2 else None


def problem_with(source, quote, included):
    """Says what is wrong with one include, or None."""
    owner = module_of(source.path)
    target = included.split("/")[0] if "/" in included else None
    is_module = target in ARROWS

    if source.is_in("include"):
        if quote == '"' and not included.startswith("meta_model/"):
            return f"public headers include no internal header: {included}"
        if is_module:
            return f"public headers include no module: {included}"
        return None
    if source.is_in("tests/contract", "tests/bench"):
        return f"contract tests and benchmarks use include/meta_model only: {included}" if is_module else None
    if owner is None:
        return None
    if owner not in ARROWS:
        return f"src/{owner} is not in the table of modules"
    if owner in SILENT and re.match(r"base/log\b|spdlog/", included):
        return f"{owner} never logs: {included}"
    if quote == "<" and is_module:
        return f"our own headers are included with quotes: {included}"
    if quote == '"' and not is_module and target != "meta_model":
        return f"included by its path below src/: {included}"
    if is_module and target not in ARROWS[owner] | {owner, "base"}:
        return f"{owner} may not include {target}: {included}"
    return None


def check(sources):
    problems = []
    for source in sources:
        if not source.path.endswith(CPP):
            continue
        owner = module_of(source.path)
        for number, line in enumerate(source.lines, 1):
            if source.is_allowed(number):
                continue
            found = INCLUDE.match(line)
            if found and (text := problem_with(source, *found.groups())):
                problems.append(source.problem(number, text))
            if owner not in (None, "app") and re.search(r"\bgetenv\s*\(", line):
                problems.append(source.problem(number, "the environment is read by app only"))
    return problems


def sample(path, text):
    return [Source(path, text + "\n")]


main(
    check,
    bad={
        "an arrow upward": sample("src/net/a.hpp", '#include "http/session.hpp"'),
        "an arrow sideways": sample("src/health/a.cpp", '#include "dispatch/plan.hpp"'),
        "an arrow downward that is not in the table": sample("src/telemetry/a.cpp", '#include "net/stream.hpp"'),
        "an unknown module": sample("src/util/a.cpp", "#include <string>"),
        "our header in angle brackets": sample("src/http/a.cpp", "#include <net/stream.hpp>"),
        "a header without its module": sample("src/http/a.cpp", '#include "session.hpp"'),
        "a public header that shows internals": sample("include/meta_model/a.hpp", '#include "base/error.hpp"'),
        "a contract test that reaches inside": sample("tests/contract/a.cpp", '#include "config/load.hpp"'),
        "a codec that logs": sample("src/api/a.cpp", '#include "base/log.hpp"'),
        "a hidden setting": sample("src/dispatch/a.cpp", 'auto* grace = std::getenv("GRACE");'),
    },
    good={
        "one's own module and base": sample("src/net/a.cpp", '#include "net/a.hpp"\n#include "base/error.hpp"'),
        "an arrow of the table": sample("src/upstream/a.cpp", '#include "net/stream.hpp"'),
        "the top may include all": sample("src/app/a.cpp", '#include "telemetry/ring.hpp"\n#include <vector>'),
        "app reads the environment": sample("src/app/a.cpp", 'auto* path = std::getenv("META_MODEL_CONFIG");'),
        "a reason": sample("src/health/a.cpp", '#include "net/dialer.hpp"  // lint-ok: moves with issue 9'),
        "tests of a unit": sample("tests/unit/net/a_test.cpp", '#include "net/stream.hpp"'),
    },
)
