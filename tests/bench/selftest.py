#!/usr/bin/env python3
"""The bench tools against each other: they must count what was sent. No timing is judged."""
import argparse
import asyncio
import json
import os
import subprocess
import sys

import panels
import processes
import servers


def generate(tools, port, mode, prefix, *arguments):
    path = f"/{prefix}/v1/chat/completions"
    program = os.path.join(tools, "bench_load_generator")
    command = [program, mode, "--port", str(port), "--path", path, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    return json.loads(done.stdout.splitlines()[-1])


# (mode, path prefix, arguments, figures that must come out)
CASES = [
    ("closed", "j4000", "--connections 4 --seconds 0.1 --expect-bytes 4000", {"faults": 0}),
    ("closed", "j9", "--body-bytes 3000000 --text code --seconds 0.1", {"faults": 0}),
    ("open", "d5.j600", "--rate 200 --seconds 0.2 --connections 8", {"faults": 0, "requests": 40}),
    ("closed", "s20.1", "--stream --seconds 0.01 --expect-chunks 20", {"faults": 0, "chunks": 20}),
    ("closed", "b500", "--stream --seconds 0.05 --expect-chunks 500", {"faults": 0}),
    ("closed", "m4096.20.8", "--stream --seconds 0.01", {"faults": 0, "requests": 1}),
    ("closed", "m4096.20.8", "--seconds 0.01", {"faults": 0, "requests": 1}),
    ("closed", "d20.j300", "--seconds 0.01 --expect-bytes 400", {"bad_replies": 1}),
    ("closed", "d20.j300", "--seconds 0.01 --stream", {"bad_replies": 1}),
    ("closed", "d20.s3.1", "--seconds 0.01 --stream --expect-chunks 4", {"bad_replies": 1}),
]


async def panel_upstream_notes():
    """What the upstream of panels.py notes of a call of each kind: hung ones when they are left, the synthesizer's at once."""
    upstream = panels.Upstream()
    port = await upstream.start()
    for number, path in enumerate(("silent", "streaming", "synthesizer", "good")):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(panels.request("m", number).replace(b"/v1/", f"/{path}/v1/".encode(), 1))
        if path != "silent":
            await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
        is_early = number in upstream.left
        writer.close()
        if is_early:
            return "it took a call that hangs for one that was left"
    for _ in range(10_000):
        if len(upstream.left) == 2:
            break
        await asyncio.sleep(0.001)
    noted = (sorted(upstream.left), sorted(upstream.asked))
    return "" if noted == ([0, 1], [2]) else f"it noted {noted}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tools", required=True)
    tools = parser.parse_args().tools
    mock = servers.Mock(tools, processes.choose_cpus()[1])
    failures = 0
    try:
        for mode, prefix, arguments, expected in CASES:
            figures = generate(tools, mock.port, mode, prefix, *arguments.split())
            wrong = {k: figures[k] for k, v in expected.items() if figures[k] != v}
            if wrong:
                failures += 1
                print(f"{mode} {prefix} {arguments}: expected {expected}, got {wrong}")
        if generate(tools, mock.port, "closed", "x1", "--seconds", "0.01")["non_2xx"] == 0:
            failures += 1
            print("an unknown action was not counted as non-2xx")
    finally:
        mock.stop()
    if problem := asyncio.run(asyncio.wait_for(panel_upstream_notes(), 30)):
        failures += 1
        print(f"the upstream of panels.py: {problem}")
    if panels.kb_beyond_drafts(76_000, 1000) != 64.0:
        failures += 1
        print("panels.py counts drafts as something else")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
