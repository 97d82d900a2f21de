"""Compares docs/errors.md with the table of src/base/error.cpp, both ways: name, status, type; and its example bodies.

usage: check_errors.py SOURCE_DIR
"""

import json
import re
import sys
from pathlib import Path

ROW = r"error_class\{\s*id::"
IN_CODE = re.compile(ROW + r'(\w+),\s*(\d+),\s*("[^"]*"|\w+),\s*"(\w*)"\s*\}')
IN_PAGE = re.compile(r"^\| (?:`(\w+)`|null \(`(\w+)`\)) \| (\d+) \| (?:`(\w+)`)? ?\| (.+) \| (.+) \|$", re.M)


def codes_of_source(text):
    constants = dict(re.findall(r'string_view (\w+) = "(\w+)"', text))
    return {
        (code or f"null {name}", int(status), constants.get(kind, kind.strip('"')))
        for name, status, kind, code in IN_CODE.findall(text)
    }


def codes_of_page(text):
    rows = IN_PAGE.findall(text)
    out = {(code or f"null {name}", int(status), kind) for code, name, status, kind, _, _ in rows}
    assert len(out) == len(rows), "a code is listed twice"
    return out


def check_examples(text):
    codes = {row[0] for row in codes_of_page(text)}
    for line in re.findall(r"^\{.*\}$", text, re.M):
        error = json.loads(line)["error"]
        assert set(error) == {"message", "type", "param", "code"}, line
        assert error["code"] is None or error["code"] in codes, line


def problems(source, page):
    known, written = codes_of_source(source), codes_of_page(page)
    return [f"missing in docs/errors.md: {x}" for x in sorted(known - written)] + [
        f"only in docs/errors.md: {x}" for x in sorted(written - known)
    ]


def check_itself(source, page):
    """A code that one side lacks, or a status that differs, is seen."""
    assert problems(source, page.replace("| `overloaded` | 503 |", "| `overloaded` | 500 |"))
    assert problems(source, re.sub(r"^\| `overloaded`.*\n", "", page, flags=re.M))
    assert problems(re.sub(r"error_class\{id::overloaded.*\n", "", source), page)


def main():
    root = Path(sys.argv[1])
    source = (root / "src/base/error.cpp").read_text(encoding="utf-8")
    page = (root / "docs/errors.md").read_text(encoding="utf-8")
    assert len(codes_of_source(source)) == len(re.findall(ROW, source)), "a row of the table was not read"
    found = problems(source, page)
    for each in found:
        print(each)
    if found:
        return 1
    check_itself(source, page)
    check_examples(page)
    print(f"{len(codes_of_page(page))} codes agree")
    return 0


if __name__ == "__main__":
    sys.exit(main())
