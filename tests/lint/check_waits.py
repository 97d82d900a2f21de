"""A test that sleeps is slow or flaky, mostly both. A sleep that is part of a bounded wait for an event says so
in a comment on its line or the line above.

Benchmarks are left alone: their loads are paced by the clock.
"""

import re

from rules import Source, main

# Written so that this file does not match itself.
SLEEP = re.compile(
    r"\bsleep_(fo[r]|unti[l])\b|\busleep\s*[(]|\bnanosleep\s*[(]|(?<![\w.:])sleep\s*[(]|\btime\.slee[p]\s*[(]"
    r"|\bsetTimeou[t]\s*[(]|\bsetInterva[l]\s*[(]"
)
CODE = (".cpp", ".hpp", ".py", ".mjs")
COMMENT = re.compile(r"(//|#) *\w")


def check(sources):
    problems = []
    for source in sources:
        if not source.is_in("tests") or source.is_in("tests/bench") or not source.path.endswith(CODE):
            continue
        lines = source.lines
        for number, line in enumerate(lines, 1):
            near = lines[max(0, number - 2) : number]
            if SLEEP.search(line) and not any(COMMENT.search(text) for text in near):
                text = "a sleep: wait for the event instead, or say in a comment for what and at most how long"
                problems.append(source.problem(number, text))
    return problems


def sample(path, text):
    return [Source(path, text + "\n")]


main(
    check,
    bad={
        "a thread that sleeps": sample("tests/unit/net/a_test.cpp", "std::this_thread::sleep_" + "for(1s);"),
        "a script that sleeps": sample("tests/contract/a.py", "time.sle" + "ep(1)"),
        "a timer in Node": sample("tests/contract/sdk/a.mjs", "await new Promise((r) => setTimeo" + "ut(r, 100));"),
    },
    good={
        "a bounded wait": sample("tests/contract/a.py", "# until the port opens, at most 5 s\ntime.sle" + "ep(0.01)"),
        "another word": sample("tests/unit/net/a_test.cpp", "fake_clock.sleepless();"),
        "outside tests": sample("src/net/a.cpp", "std::this_thread::sleep_" + "for(1s);"),
    },
)
