"""Coroutine code that g++ 12 compiles wrongly, and lambdas whose captures die before their coroutine does.

g++ 12 destroys some temporaries of a full expression twice when `co_await` is in it: braced aggregates with designated
members, and lambdas that capture. Name them first, then move them in. A coroutine lambda keeps its captures in the
lambda object, not in its frame: pass state as parameters.
"""

import re

from rules import CPP, Source, main

NOT_CODE = re.compile(r'//[^\n]*|/\*.*?\*/|R"\((.*?)\)"|"(?:\\.|[^"\\\n])*"|(?<!\w)\'(?:\\.|[^\'\\\n])+\'', re.S)
DESIGNATED = re.compile(r"\{\s*\.\w+\s*[={]")
# Not an index, not an attribute: `[x]`, `[&]`, `[this]` where an expression may begin.
CAPTURING = re.compile(r"(?<![\w)\]\[])\s*\[(?!\[)\s*([^\[\]\s][^\[\]]*)\]\s*(?=[({<]|mutable|noexcept|->)")
OPENING, CLOSING = "({[", ")}]"


def code_of(text):
    """The text with comments and literals blanked; lines and columns stay."""
    return NOT_CODE.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)


def end_of(code, start, stops):
    """Position where brackets opened after `start` are closed and one of `stops` comes, or the enclosing one closes."""
    depth = 0
    for position in range(start, len(code)):
        letter = code[position]
        if depth == 0 and letter in stops:
            return position
        if letter in OPENING:
            depth += 1
        elif letter in CLOSING:
            depth -= 1
            if depth < 0:
                return position
    return len(code)


def body_of(code, after_captures):
    """The body of the lambda whose capture list ends before `after_captures`; empty if there is none."""
    opening = end_of(code, after_captures, "{;")
    if opening >= len(code) or code[opening] != "{":
        return ""
    return code[opening : end_of(code, opening + 1, "")]


def line_of(code, position):
    return code.count("\n", 0, position) + 1


def check(sources):
    problems = set()

    def report(source, code, position, text):
        number = line_of(code, position)
        if not source.is_allowed(number):
            problems.add((source.path, number, text))

    for source in sources:
        if not source.path.endswith(CPP) or "co_" not in source.text:
            continue
        code = code_of(source.text)
        for found in re.finditer(r"\bco_await\b", code):
            expression_end = end_of(code, found.end(), ";")
            for braces in DESIGNATED.finditer(code, found.end(), expression_end):
                report(source, code, braces.start(), "braced aggregate inside a co_await expression: name it first")
            for captures in CAPTURING.finditer(code, found.end(), expression_end):
                at = captures.start(1)
                report(source, code, at, "capturing lambda inside a co_await expression: name it first")
        for captures in CAPTURING.finditer(code):
            if re.search(r"\bco_(await|return|yield)\b", body_of(code, captures.end())):
                report(source, code, captures.start(1), "a coroutine lambda captures: pass its state as parameters")
    return [f"{path}:{number}: {text}" for path, number, text in sorted(problems)]


def sample(text):
    return [Source("src/net/a.cpp", text + "\n")]


main(
    check,
    bad={
        "a designated argument": sample('co_await call({.name = std::string("x")});'),
        "a designated argument in a named type": sample("auto r = co_await call(socket, options{.limit = 3}, token);"),
        "over several lines": sample("co_await call(\n    socket,\n    {\n        .host = host,\n    }\n);"),
        "inside a condition": sample("if (co_await call({.a = b})) return;"),
        "a capturing lambda": sample("co_await retry([&state] { return state.go(); });"),
        "a lambda that captures all": sample("auto n = co_await run(io, [=]() mutable { return x; });"),
        "a coroutine lambda": sample("co_spawn(io, [this]() -> task { co_await step(); }, done);"),
    },
    good={
        "named first": sample("options o{.limit = 3};\nco_await call(std::move(o));"),
        "an index": sample("co_await call(list[i], names[0](x));"),
        "a lambda without captures": sample("co_await call([](int x) { return x; });"),
        "state as parameters": sample("co_spawn(io, [](session& s) -> task { co_await s.run(); }(self), done);"),
        "a comment and a literal": sample('co_await call("{.a = 1}"); // co_await f({.a = 1})'),
        "after the expression": sample("co_await call(); auto f = [x] { return x; };"),
        "a reason": sample("// lint-ok: the capture is a reference\nco_await run([&] { go(); });"),
    },
)
