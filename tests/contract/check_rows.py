"""ROWS.md tells the truth: every acceptance row stands in it once and names a test, every test it names exists, and
every contract or unit test that carries a row's number is named on that row's line.
"""

import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROWS = range(1, 265)
LINE = re.compile(r"^\| (\d+)(?:–(\d+))? \| (.*) \|$")
TEST = re.compile(r"TEST(?:_F|_P)?\((\w+),\s*(\w+)\)")
NUMBERED = re.compile(r"moa_(\d+)_")
NAMED = re.compile(r"`(\w+)\.(\w+)`")


def all_tests():
    found = set()
    for path in [*HERE.glob("*_test.cpp"), *(HERE.parent / "unit").glob("*/*_test.cpp")]:
        found.update(TEST.findall(path.read_text(encoding="utf-8")))
    return found


def told_rows():
    """Row number -> text of its cell."""
    told = {}
    problems = []
    for line in (HERE / "ROWS.md").read_text(encoding="utf-8").splitlines():
        match = LINE.match(line)
        if not match:
            continue
        first, last = int(match[1]), int(match[2] or match[1])
        for row in range(first, last + 1):
            if row in told:
                problems.append(f"row {row} stands twice")
            told[row] = match[3]
    problems += [f"row {row} is missing" for row in ROWS if row not in told]
    return told, problems


def main():
    tests = all_tests()
    told, problems = told_rows()
    for row, cell in told.items():
        if not NAMED.search(cell):
            problems.append(f"row {row} names no test")
        for name in NAMED.findall(cell):
            if name not in tests:
                problems.append(f"row {row} names {'.'.join(name)}, which is no test")
    for suite, name in sorted(tests):
        number = NUMBERED.match(name)
        if number and (suite, name) not in NAMED.findall(told.get(int(number[1]), "")):
            problems.append(f"{suite}.{name} is not named on its row")
    for problem in problems:
        print(problem)
    if not tests:
        print("no tests were found")
    sys.exit(1 if problems or not tests else 0)


main()
