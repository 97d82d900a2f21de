"""Facts about files: their length, marks without a topic, paths of somebody's machine, tests switched off, lock files."""

import json
import re

from rules import CPP, Source, main, top_level_names

MOST_LINES = 500
LENGTH_OF = CPP + (".py", ".mjs")
TOP_LEVEL = {
    "CMakeLists.txt", "CMakePresets.json", "cmake", "src", "include", "tests", "config", "docs", "README.md", "LICENSE",
    "dev",
}  # fmt: skip

# Written so that this file does not match itself.
MARK = re.compile(r"\b(TO[D]O|FIX[M]E|X[X]X|HAC[K])\b")
MARK_WITH_TOPIC = re.compile(r"\bTO[D]O\([a-z0-9_-]+\):")
MACHINE_PATH = re.compile(r"(?<![A-Za-z0-9_.$}/])/(work|farm|root|home/[a-z]\w*)/")
SWITCHED_OFF = re.compile(r"DISABLED[_]|GTEST_SK[I]P\(|\b(?:test|it|describe|suite)\.ski[p]\(|skip: tru[e]")


def check_lock(source):
    """A lock file names packages, versions and checksums; where they come from is the reader's own setting."""
    packages = json.loads(source.text).get("packages", {})
    return [
        f"{source.path}: {name} names a place to download from"
        for name, package in packages.items()
        if "resolved" in package
    ]


def check(sources):
    problems = []
    for source in sources:
        if source.path.endswith("package-lock.json"):
            problems += check_lock(source)
            continue
        if source.path.endswith(LENGTH_OF) and len(source.lines) > MOST_LINES:
            problems.append(f"{source.path}: {len(source.lines)} lines; is there a second idea in it?")
        for number, line in enumerate(source.lines, 1):
            if source.is_allowed(number):
                continue
            if MARK.search(MARK_WITH_TOPIC.sub("", line)):
                problems.append(source.problem(number, "a mark without a topic"))
            if MACHINE_PATH.search(line):
                problems.append(source.problem(number, "a path of one machine"))
            if source.is_in("tests") and SWITCHED_OFF.search(line):
                problems.append(source.problem(number, "a test that is switched off"))
    return problems


def check_names(names):
    return [
        f"'{name}' is not one of the agreed names at the top of the tree"
        for name in names
        if name not in TOP_LEVEL and not name.startswith(".")
    ]


def check_all(sources):
    """Samples give their own top-level names, the tree asks git for its own."""
    is_tree = any(source.path == "tests/lint/rules.py" for source in sources)
    names = top_level_names() if is_tree else {source.path.split("/")[0] for source in sources}
    return check(sources) + check_names(names)


def sample(path, text):
    return [Source(path, text + "\n")]


main(
    check_all,
    bad={
        "a long file": sample("src/net/a.cpp", "\n" * MOST_LINES),
        "a mark": sample("src/net/a.cpp", "// TO" + "DO: later"),
        "a path": sample("docs/a.md", "run it in " + "/wo" + "rk/main"),
        "a home": sample("dev", "cd " + "/ho" + "me/ada/src"),
        "a test switched off": sample("tests/unit/net/a_test.cpp", "TEST(a, DISABLED" + "_b) {}"),
        "a lock file with addresses": sample(
            "tests/contract/package-lock.json", '{"packages": {"node_modules/a": {"resolved": "anywhere"}}}'
        ),
        "a new name at the top": sample("notes.txt", "hello"),
    },
    good={
        "a topic": sample("src/net/a.cpp", "// TO" + "DO(reload): see the issue"),
        "a route": sample("src/routes/a.cpp", '"/v1/models"'),
        "paths below a variable": sample("dev", "$top/" + "work/x"),
        "a lock file": sample("tests/contract/package-lock.json", '{"packages": {"node_modules/a": {"version": "1.0"}}}'),
        "a dot-file": sample(".clang-format", "IndentWidth: 4"),
    },
)
