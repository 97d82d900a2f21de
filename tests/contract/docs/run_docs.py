"""Runs what README and docs tell a reader to run: every TOML block through `check`, every curl line against the demo, and
every profile of docs/strategies.md with simulated upstreams.

usage: run_docs.py BINARY SOURCE_DIR
"""

import json
import re
import subprocess
import sys
import tempfile
import tomllib
import urllib.error
import urllib.request
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


UPSTREAM_KEYS = {"upstream", "upstreams", "generators", "synthesizer", "judge", "use", "agree_with"}


def named_upstreams(part, under=None):
    """The upstream keys that a profile names, wherever in it."""
    if isinstance(part, dict):
        return {name for key, value in part.items() for name in named_upstreams(value, key)}
    if isinstance(part, list):
        return {name for value in part for name in named_upstreams(value, under)}
    return {part} if isinstance(part, str) and under in UPSTREAM_KEYS else set()


def completed(recipe):
    """A recipe as a whole file: upstreams that it defines or only names are simulated ones, votes are on."""
    parts = tomllib.loads(recipe)
    # A simulated model tells its own name in what it says: named like a label it votes for that.
    labels = [label for profile in parts["profiles"].values() for label in profile.get("labels", [])]
    model = labels[0] if labels else "simulated"
    text = re.sub(r"^base_url = .*$", 'protocol = "test"', recipe, flags=re.M)
    named = named_upstreams(parts["profiles"]) - set(parts["profiles"])
    for name in sorted(named - set(parts.get("upstreams", {}))):
        text += f'\n[upstreams."{name}"]\nmodel_id = "{model}"\nprotocol = "test"\ncontext = 32768\nmax_output = 4096\n'
    for name in {**parts.get("upstreams", {}), **dict.fromkeys(named)}:
        text += f'\n[upstreams."{name}".test]\nfirst_token_ms = 1\nchunk_ms = 1\n'
    return text if "features" in parts else text + "\n[features]\nvoting = true\n"


def ask(address, name):
    # Simulated models quote the question, so that there is a number in their answers.
    body = {"model": name, "messages": [{"role": "user", "content": "What is 6 times 7?"}]}
    request = urllib.request.Request(f"{address}/v1/chat/completions", json.dumps(body).encode())
    try:
        with urllib.request.urlopen(request, timeout=30) as reply:
            text, status = reply.read(), reply.status
    except urllib.error.HTTPError as refused:
        text, status = refused.read(), refused.code
    assert status == 200, f"{name}: {status} {text}"
    assert json.loads(text)["choices"], f"{name}: {text}"


def run_recipes(binary, page):
    """Serves each block that holds profiles, and asks each of them."""
    count = 0
    for block in blocks(page, "toml"):
        if "[profiles." not in block:
            continue
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
            file.write(completed(block))
            file.flush()
            command = [binary, "serve", "--config", file.name, "--port", "0"]
            gateway = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            try:
                address = gateway.stdout.readline().removeprefix("listening on ").strip()
                assert address, f"not served:\n{completed(block)}"
                for name in tomllib.loads(block)["profiles"]:
                    ask(address, name)
                    count += 1
            finally:
                gateway.kill()
                gateway.wait(timeout=10)
                gateway.stdout.close()
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
    recipes = run_recipes(binary, source / "docs/strategies.md")
    print(f"{configurations} configurations, {commands} commands, {explanations} explanations, {recipes} recipes")
    assert configurations >= 1 and commands >= 3 and explanations >= 2 and recipes >= 4


main()
