"""What the checks of this folder share: reading the tree, reporting, and proving that a check can fail.

A check is a function from a list of `Source` to a list of problems. `main` runs it over the tree, or, with
`--self-test`, over samples: each bad one has to be found, each good one has to pass.

A finding that is right as it stands is silenced with `lint-ok: REASON` in a comment on its line or the line above.
"""

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("src", "include", "tests", "cmake", "config", "docs", ".ci")
LEFT_OUT = {"node_modules", "__pycache__", "build", "corpus"}

CPP = (".cpp", ".hpp", ".h")


@dataclass(frozen=True)
class Source:
    """One file: its path from the top of the tree, with forward slashes, and its text."""

    path: str
    text: str

    @property
    def lines(self):
        return self.text.splitlines()

    def is_in(self, *folders):
        return any(self.path.startswith(folder + "/") for folder in folders)

    def is_allowed(self, number):
        """Whether line `number`, counted from 1, carries a reason to be left alone."""
        near = self.lines[max(0, number - 2) : number]
        return any(re.search(r"lint-ok: \S", line) for line in near)

    def problem(self, number, text):
        return f"{self.path}:{number}: {text}"


def tree():
    """Every text file of ours that a check may look at."""
    paths = [ROOT / name for name in ("CMakeLists.txt", "CMakePresets.json", "README.md", "dev")]
    for folder in FOLDERS:
        paths += sorted((ROOT / folder).rglob("*"))
    sources = []
    for path in paths:
        relative = path.relative_to(ROOT)
        if not path.is_file() or LEFT_OUT & set(relative.parts):
            continue
        try:
            sources.append(Source(relative.as_posix(), path.read_text(encoding="utf-8")))
        except UnicodeDecodeError:
            continue  # binary test data
    return sources


def top_level_names():
    """Names at the top of the tree: the tracked ones, or all but build products where there is no git."""
    git = shutil.which("git")
    command = [git, "-C", ROOT, "ls-files"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False) if git else None
    if listed and listed.returncode == 0 and listed.stdout:
        return sorted({line.split("/")[0] for line in listed.stdout.splitlines()})
    return sorted(path.name for path in ROOT.iterdir() if path.name not in ("build", ".git", ".cache"))


def main(check, bad, good):
    """`bad` and `good` map a sentence to the sources that show it."""
    if "--self-test" in sys.argv[1:]:
        problems = [f"not found: {name}" for name, sources in bad.items() if not check(sources)]
        for name, sources in good.items():
            problems += [f"wrongly found: {name}: {found}" for found in check(sources)]
        if not bad:
            problems.append("the check has no bad sample")
    else:
        sources = tree()
        problems = check(sources)
        if not any(source.is_in("src") for source in sources):
            problems.append("no sources were found")
    for problem in problems:
        print(problem)
    sys.exit(1 if problems else 0)
