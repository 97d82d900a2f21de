"""Runs what README and docs tell a reader to run: every TOML block through `check`, every curl line against the demo.

usage: run_docs.py BINARY SOURCE_DIR
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ADDRESS = "http://127.0.0.1:8400"


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.S | re.M)


def check_configurations(binary, pages):
    """Each block is a whole file or a part of one; a part may lack what other parts define."""
    count = 0
    for page in pages:
        for block in blocks(page, "toml"):
            if "[upstreams." not in block:
                continue
            with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
                file.write(block)
                file.flush()
                done = subprocess.run(
                    [binary, "check", "--config", file.name], capture_output=True, text=True, timeout=20
                )
            assert done.returncode == 0, f"{page.name}:\n{block}\n{done.stderr}"
            count += 1
    return count


def judge_reply(command, text):
    if '"stream": true' in command:
        assert text.rstrip().endswith("data: [DONE]"), f"{command}\n{text[-400:]}"
        return
    reply = json.loads(text)
    assert "error" not in reply, f"{command}\n{text}"


def run_commands(page, address):
    count = 0
    for block in blocks(page, "sh"):
        for line in block.splitlines():
            if line.startswith("curl ") and ADDRESS in line:
                command = line.replace(ADDRESS, address)
                done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=30)
                assert done.returncode == 0, f"{command}\n{done.stderr}"
                judge_reply(command, done.stdout)
                count += 1
    return count


def run_explanations(binary, page):
    """Commands of the binary that end by themselves."""
    count = 0
    for block in blocks(page, "sh"):
        for line in block.splitlines():
            if line.startswith("meta-model explain "):
                words = [binary, *line.split()[1:]]
                done = subprocess.run(words, capture_output=True, text=True, timeout=20)
                assert done.returncode == 0, f"{line}\n{done.stderr}"
                assert "--json" not in line or json.loads(done.stdout)["calls"], line
                count += 1
    return count


def main():
    binary, source = sys.argv[1], Path(sys.argv[2])
    readme = source / "README.md"
    pages = [readme, *sorted((source / "docs").glob("*.md"))]
    configurations = check_configurations(binary, pages)
    explanations = sum(run_explanations(binary, page) for page in pages)
    demo = subprocess.Popen([binary, "serve", "--demo", "--port", "0"], stdout=subprocess.PIPE, text=True)
    try:
        address = demo.stdout.readline().removeprefix("listening on ").strip()
        commands = run_commands(readme, address)
    finally:
        demo.kill()
        demo.wait(timeout=10)
    print(f"{configurations} configurations, {commands} commands, {explanations} explanations")
    assert configurations >= 1 and commands >= 3 and explanations >= 2


main()
