#!/usr/bin/env python3
"""Measures what panels cost in memory, how well they keep their deadline, and how soon hung legs are let go.

    python3 tests/bench/panels.py --gateway PATH/meta-model --tools PATH/bench [--streams 1000] [--panels 200]

Gates: of 1,000 Mixture-of-Agents streams at once none is dropped, and each takes at most 64 KB beyond its drafts; a panel
with a hung generator goes on at most 20 ms after its deadline, 99 of 100 times; the hung leg's connection is closed at most
100 ms after it. Prints a table and one line of JSON. Exit code 0 when the gates are met, 1 when one is not, 2 when the run
could not be made. On a saturated machine the times say nothing: the share of CPU that others used is printed beside them.
"""
import argparse
import asyncio
import contextlib
import json
import os
import re
import sys
import time

import clients
import flood
import processes
import scripted_upstream
import servers
import session

MOST_KB_EACH, MOST_LATE_MS, MOST_OPEN_MS = 64.0, 20.0, 100.0
GENERATORS = ("a", "b", "c")
DRAFT_BYTES, CHUNKS = 4096, 20
PANEL_MS, CHUNK_MS = 4000, 100  # long enough for all streams to be open at once
SPREAD_S = 1.5  # over which they begin
DEADLINE_S = 0.25
AT_ONCE = 4  # panels that wait for their deadline
SAMPLE_S = 0.02


def panel_table(name, generators, extra=""):
    return (
        f'[profiles."{name}"]\ntype = "moa"\ngenerators = {list(generators)}\nsynthesizer = "s"\n{extra}'
    )


# --- Memory ---------------------------------------------------------------------------------------------------------


def kb_beyond_drafts(growth_kb, streams):
    return growth_kb / streams - len(GENERATORS) * DRAFT_BYTES / 1024


def streams_of(options, port, cpu, count, spread):
    """A stream on each connection, all of them at once."""
    pace = ["--connections", count, "--seconds", 0.01, "--spread", spread]
    return clients.LoadGenerator(
        options.tools,
        cpu,
        ["closed", *pace, "--stream", "--expect-chunks", CHUNKS, *clients.of_gateway(port, "panel.v1")],
    )


def measure_memory(options, cpu, gateway_cpu):
    with session.mock_on(options.tools, cpu) as mock:
        prefixes = {key: f"m{DRAFT_BYTES}.{PANEL_MS}.10" for key in GENERATORS}
        prefixes["s"] = f"d10.s{CHUNKS}.{CHUNK_MS}"
        parts = [
            session.server_table(), session.mock_upstreams(mock.port, prefixes),
            panel_table("panel.v1", GENERATORS),
        ]
        with session.gateway_on(options.gateway, "\n".join(parts), gateway_cpu) as gateway:
            pid = gateway.pids[0]
            streams_of(options, gateway.port, cpu, 4, 0.0).figures()  # warms what requests use
            base_kb = most_kb = session.rss_kb(pid)
            most_open = 0
            streams = streams_of(options, gateway.port, cpu, options.streams, SPREAD_S)
            while streams.is_busy():
                most_kb = max(most_kb, session.rss_kb(pid))
                most_open = max(most_open, flood.requests_in_flight(gateway.port))
                time.sleep(SAMPLE_S)
            figures = streams.figures()
    return {
        "streams": figures["requests"],
        "most_at_once": most_open,
        "dropped": options.streams - figures["requests"] + figures["faults"],
        "base_kb": base_kb,
        "growth_kb": most_kb - base_kb,
        "kb_each": kb_beyond_drafts(most_kb - base_kb, options.streams),
    }


# --- The deadline ---------------------------------------------------------------------------------------------------


class Upstream(scripted_upstream.ScriptedUpstream):
    """/good/ and /synthesizer/ answer, /silent/ and /streaming/ hang until they are left.

    Each question has a number, so that the calls of one panel are found again.
    """

    def __init__(self):
        super().__init__()
        self.asked = {}  # number -> time at which the synthesizer's call came
        self.left = {}  # number -> when a hung call's connection ended

    async def serve(self, head, body, reader, writer):
        came = time.monotonic()
        number = int(re.search(r"question (\d+)", body)[1])
        if "/silent/" not in head and "/streaming/" not in head:
            if "/synthesizer/" in head:
                self.asked[number] = came
            scripted_upstream.write_json(writer, scripted_upstream.ANSWER)
            return True
        if "/streaming/" in head:
            scripted_upstream.begin_stream(writer)
        await scripted_upstream.until_left(reader, writer)
        self.left[number] = time.monotonic()
        return False


def request(model, number):
    return clients.chat_request(model, f"This is question {number}.")


async def ask(port, model, number):
    """When it was sent, and the status of the reply."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    sent = time.monotonic()
    writer.write(request(model, number))
    head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)).decode()
    writer.close()
    return sent, int(head.split(" ")[1])


def spread_ms(seconds):
    ordered = sorted(value * 1000 for value in seconds)
    return {
        "p50_ms": ordered[len(ordered) // 2],
        "p99_ms": ordered[int(len(ordered) * 0.99)],
        "max_ms": ordered[-1],
    }


async def measure_deadline(upstream, port, model, count, first):
    """How late panels went on, and hung connections ended, after the deadline."""
    numbers = iter(range(first, first + count))
    due, statuses = {}, {}

    async def client():
        for number in numbers:
            sent, status = await ask(port, model, number)
            due[number] = sent + DEADLINE_S
            statuses[status] = statuses.get(status, 0) + 1

    await asyncio.gather(*(client() for _ in range(AT_ONCE)))
    if set(statuses) != {200} or due.keys() - upstream.asked.keys() or due.keys() - upstream.left.keys():
        raise servers.BenchError(f"panels went wrong: {statuses}, {len(upstream.left)} hung calls were left")
    return {
        "went_on": spread_ms([upstream.asked[n] - due[n] for n in due]),
        "closed": spread_ms([upstream.left[n] - due[n] for n in due]),
    }


async def measure_panels(options, cpu):
    upstream = Upstream()
    base = f"http://127.0.0.1:{await upstream.start()}"
    keys = {"a": "good", "b": "good", "silent": "silent", "streaming": "streaming", "s": "synthesizer"}
    # Two drafts would be enough to go on; only the deadline ends the wait for the third.
    waits = f"min_drafts = 3\npanel_timeout_secs = {DEADLINE_S}\n"
    parts = [session.server_table()]
    for key, path in keys.items():
        patient = f"[upstreams.{key}.breaker]\nfailures = 1000000\n"
        parts.append(session.upstream_table(key, f"{base}/{path}/v1", patient))
    parts += [panel_table(f"{hung}.v1", ("a", "b", hung), waits) for hung in ("silent", "streaming")]
    with contextlib.ExitStack() as stack:
        # Elsewhere: it waits for the gateway's health, and that for this loop's answer to its probes.
        starting = session.gateway_on(options.gateway, "\n".join(parts), cpu)
        gateway = await asyncio.to_thread(stack.enter_context, starting)
        before = processes.machine_seconds()
        own = sum(os.times()[:2]) + processes.cpu_seconds(gateway.pids)
        figures = {
            hung: await measure_deadline(upstream, gateway.port, f"{hung}.v1", options.panels, first)
            for hung, first in (("silent", 1), ("streaming", options.panels + 1))
        }
        spent = {key: value - before[key] for key, value in processes.machine_seconds().items()}
        own = sum(os.times()[:2]) + processes.cpu_seconds(gateway.pids) - own
        figures["others_share"] = max(0.0, spent["busy"] + spent["steal"] - own) / max(spent["total"], 0.01)
        return figures


# --- The whole ------------------------------------------------------------------------------------------------------


def show(memory, panels):
    each, dropped = memory["kb_each"], memory["dropped"]
    at_once = memory["most_at_once"]
    met = [
        session.judge("MoA streams at once, dropped", f"{dropped} of {at_once}", "0", dropped == 0),
        session.judge("memory of each beyond its drafts", f"{each:.1f} KB", "64 KB", each <= MOST_KB_EACH),
    ]
    for hung, text in (("silent", "before its reply"), ("streaming", "in a stream")):
        for what, title, gate in (
            ("went_on", "goes on after its deadline", MOST_LATE_MS),
            ("closed", "leg is closed after it", MOST_OPEN_MS),
        ):
            value = panels[hung][what]["p99_ms"]
            met.append(
                session.judge(f"hung {text}: {title}, p99", f"{value:.1f} ms", f"{gate:.0f} ms", value <= gate)
            )
    print(f"{'CPU used by others, or stolen':<48}{panels['others_share']:>12.0%}")
    print(json.dumps({"memory": memory, "panels": panels}))
    return all(met)


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gateway", required=True, help="the meta-model binary")
    parser.add_argument("--tools", required=True, help="folder of the bench_* tools")
    parser.add_argument("--streams", type=int, default=1000, help="at once")
    parser.add_argument("--panels", type=int, default=200, help="of each of the two kinds of hung legs")
    options = parser.parse_args(arguments)
    if processes.raise_descriptor_limit() < options.streams * 5 + 500:
        print("too few descriptors are allowed", file=sys.stderr)
        return 2
    gateway_cpu, tools_cpu = processes.choose_cpus()
    os.sched_setaffinity(0, {tools_cpu})

    def run():
        memory = measure_memory(options, tools_cpu, gateway_cpu)
        if memory["most_at_once"] < options.streams:
            print(f"only {memory['most_at_once']} streams were open at once", file=sys.stderr)
        panels = asyncio.run(measure_panels(options, gateway_cpu))
        return 0 if show(memory, panels) and memory["most_at_once"] >= options.streams else 1

    return session.guarded(run)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
