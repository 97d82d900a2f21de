"""Coroutine code that g++ 12 compiles wrongly, and lambdas whose captures die before their coroutine does.

g++ 12 destroys some temporaries of a full expression twice when `co_await` is in it: braced aggregates, with and without
the names of their members, and lambdas that capture. Name them first, then move them in. A coroutine lambda keeps its captures in the
lambda object, not in its frame: pass state as parameters.

It also makes a trap of some conditions: `co_await` in the condition of a loop, or as an operand of `&&`, `||` or `?:`.
Put what was awaited into a variable and decide on that.
"""

import re

from rules import CPP, Source, main

NOT_CODE = re.compile(r'//[^\n]*|/\*.*?\*/|R"\((.*?)\)"|"(?:\\.|[^"\\\n])*"|(?<!\w)\'(?:\\.|[^\'\\\n])+\'', re.S)
# An argument or a named type with something between its braces; a body of a lambda stands behind `)`.
BRACED = re.compile(r"(?<=[(,\w>])\s*\{\s*[^}\s]")
# Not an index, not an attribute: `[x]`, `[&]`, `[this]` where an expression may begin.
CAPTURING = re.compile(r"(?<![\w)\]\[])\s*\[(?!\[)\s*([^\[\]\s][^\[\]]*)\]\s*(?=[({<]|mutable|noexcept|->)")
DECIDING = re.compile(r"&&|\|\||\?")
CONTROL = re.compile(r"\b(if|while|for|switch)(\s+constexpr)?\s*$")
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


def decides(code, position):
    """Whether `&&`, `||` or `?` stands at `position`; the `&&` of `auto&& x` decides nothing."""
    return DECIDING.match(code, position) and not re.search(r"\bauto\s*$", code[:position])


def is_in_condition(code, at):
    """Whether the `co_await` at `at` is the condition of a loop or an operand of a deciding operator.

    Goes outwards from it, to the left and then to the right, over the brackets that enclose it. Brackets and arguments
    beside it are passed over.
    """
    depth, levels, beside = 0, 0, False
    is_bounded = False  # by the brackets of `if (…)` and the like
    for position in range(at - 1, -1, -1):
        letter = code[position]
        if letter in CLOSING and not (letter == "}" and depth == 0):
            depth += 1
        elif depth > 0:
            depth -= letter in OPENING
        elif letter in "{};":
            break
        elif letter in OPENING:
            levels, beside = levels + 1, False
            if control := CONTROL.search(code, max(0, position - 20), position):
                if control[1] == "while":
                    return True
                is_bounded = True
                break
        elif letter == ",":
            beside = True
        elif not beside and decides(code, position):
            return True
    depth, beside = 0, False
    for position in range(at, len(code)):
        letter = code[position]
        if letter in OPENING:
            depth += 1
        elif depth > 0:
            depth -= letter in CLOSING
        elif letter in "};":
            break
        elif letter in CLOSING:
            levels, beside = levels - 1, False
            if levels < 0 or (is_bounded and levels == 0):
                break
        elif letter == ",":
            beside = True
        elif not beside and decides(code, position):
            return True
    return False


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
            if is_in_condition(code, found.start()):
                report(source, code, found.start(), "co_await inside a compound condition: name what it gives first")
            expression_end = end_of(code, found.end(), ";")
            for braces in BRACED.finditer(code, found.end(), expression_end):
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
        "an argument without names": sample('co_return co_await fail(error_of({fault::cut, "the text"}));'),
        "a named type without names": sample('co_await fail(call_error{fault::cut, "the text"});'),
        "over several lines": sample("co_await call(\n    socket,\n    {\n        .host = host,\n    }\n);"),
        "inside a condition": sample("if (co_await call({.a = b})) return;"),
        "a capturing lambda": sample("co_await retry([&state] { return state.go(); });"),
        "a lambda that captures all": sample("auto n = co_await run(io, [=]() mutable { return x; });"),
        "the condition of a loop": sample("while (co_await fill()) {\n    use();\n}"),
        "the end of a loop": sample("do {\n    use();\n} while (!co_await fill());"),
        "an operand of and": sample("if (is_open && co_await fill()) {\n}"),
        "an operand of and, first": sample("if ((co_await fill()).has_more && is_open) {\n}"),
        "an operand of or, over lines": sample("if (co_await fill(a, b)\n    || is_open) {\n}"),
        "an operand outside of a condition": sample("const bool is_ok = is_open && co_await fill();"),
        "an argument that decides": sample("go(x, is_open && co_await fill());"),
        "one of two": sample("auto n = is_open ? co_await fill() : 0;"),
        "the condition of a choice": sample("co_return co_await fill() ? 1 : 0;"),
        "a coroutine lambda": sample("co_spawn(io, [this]() -> task { co_await step(); }, done);"),
    },
    good={
        "a plain condition": sample("if (!co_await fill(a)) {\n    x = a && b;\n}"),
        "an initialised condition": sample("if (const auto n = co_await fill(); n > 0 && is_open) {\n}"),
        "decided beside it": sample("co_await go(a && b, c ? 1 : 2);\nx = a || b;"),
        "another argument": sample("go(a && b, co_await fill(), c ? 1 : 2);"),
        "in the body of a loop": sample("while (a && b) {\n    co_await fill();\n}\nx = a && b;"),
        "after a condition": sample("if (a && b) co_await fill();"),
        "a reference": sample("auto&& n = co_await fill();"),
        "empty braces": sample("co_await call(options{}, {});"),
        "named first": sample("options o{.limit = 3};\nco_await call(std::move(o));"),
        "an index": sample("co_await call(list[i], names[0](x));"),
        "a lambda without captures": sample("co_await call([](int x) { return x; });"),
        "state as parameters": sample("co_spawn(io, [](session& s) -> task { co_await s.run(); }(self), done);"),
        "a comment and a literal": sample('co_await call("{.a = 1}"); // co_await f({.a = 1})'),
        "after the expression": sample("co_await call(); auto f = [x] { return x; };"),
        "a reason": sample("// lint-ok: the capture is a reference\nco_await run([&] { go(); });"),
    },
)
