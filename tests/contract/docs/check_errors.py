"""Compares docs/errors.md with the table of src/base/error.cpp, both ways: name, status, type; and holds its example
bodies against its own rows.

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


def type_of(page, status, kind):
    rules = dict(re.findall(r"^\| (\d{3}|other [45]xx) \| `(\w+)` \|$", page, re.M))
    return kind or rules.get(status) or rules[f"other {status[0]}xx"]


def examples_wanted(page):
    """Name and type of each row that replies may bear."""
    return {
        (code or f"null {name}", type_of(page, status, kind))
        for code, name, status, kind, when, _ in IN_PAGE.findall(page)
        if not when.startswith(("not raised: ", "not sent: "))
    }


def examples_given(page):
    """The same of the bodies: each on a line of its own, or behind its row's name where `code` is null."""
    out = set()
    for name, in_table, alone in re.findall(r"^(?:\| `(\w+)` \| `(\{.*\})` \||(\{.*\}))$", page, re.M):
        line = in_table or alone
        error = json.loads(line)["error"]
        assert list(error) == ["message", "type", "param", "code"] and error["message"], line
        assert json.dumps({"error": error}, separators=(",", ":"), ensure_ascii=False) == line, line
        assert bool(name) == (error["code"] is None), line
        out.add((error["code"] or f"null {name}", error["type"]))
    return out


def problems(source, page):
    known, written = codes_of_source(source), codes_of_page(page)
    wanted, given = examples_wanted(page), examples_given(page)
    return (
        [f"missing in docs/errors.md: {x}" for x in sorted(known - written)]
        + [f"only in docs/errors.md: {x}" for x in sorted(written - known)]
        + [f"without an example in docs/errors.md: {x}" for x in sorted(wanted - given)]
        + [f"an example of no row of docs/errors.md: {x}" for x in sorted(given - wanted)]
    )


def check_itself(source, page):
    """A code that one side lacks, another status, an example that is missing or has another type: each is seen."""
    changed_pages = [
        page.replace("| `overloaded` | 503 |", "| `overloaded` | 500 |"),
        re.sub(r"^\| `overloaded`.*\n", "", page, flags=re.M),
        re.sub(r'^\{.*"overloaded"\}\}\n', "", page, flags=re.M),
        re.sub(r"^\| `shape` .*\n", "", page, flags=re.M),  # the example: its row begins with null
        page.replace('"type":"insufficient_quota"', '"type":"api_error"'),
    ]
    for changed in changed_pages:
        assert changed != page and problems(source, changed)
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
    print(f"{len(codes_of_page(page))} codes agree, {len(examples_given(page))} examples")
    return 0


if __name__ == "__main__":
    sys.exit(main())
