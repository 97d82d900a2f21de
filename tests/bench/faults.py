#!/usr/bin/env python3
"""Measures what faults cost: how soon an upstream call ends when its client is gone, and how many calls retries add.

    python3 tests/bench/faults.py --gateway PATH/meta-model [--aborts 400] [--requests 3000]

The upstream is part of this program, so both ends of an abort are seen by one clock. Gates: 99 of 100 upstream
connections are closed within 100 ms, with a reply on its way or none yet; under 50 % failures fewer than 1.2 calls a
request. Prints a table and one line of JSON. Exit code 0 when the gates are met, 1 when one is not, 2 when the run could
not be made.
"""
import argparse
import asyncio
import contextlib
import json
import os
import random
import sys
import time

import clients
import processes
import scripted_upstream
import session

MOST_ABORT_MS = 100.0
MOST_RETRY_FACTOR = 1.2
CONCURRENT = 16
REFUSAL = b'{"error":{"message":"try later","type":"server_error","param":null,"code":"overloaded"}}'


class Upstream(scripted_upstream.ScriptedUpstream):
    """Its three paths are /silent, /streaming and /flaky."""

    def __init__(self, seed):
        super().__init__()
        self.calls = 0
        self.closed = asyncio.Queue()  # times at which a client's connection ended
        self._dice = random.Random(seed)

    async def serve(self, head, body, reader, writer):
        if "/flaky/" in head:
            self.calls += 1
            if self._dice.random() < 0.5:
                scripted_upstream.write_json(writer, scripted_upstream.ANSWER)
            else:
                scripted_upstream.write_json(writer, REFUSAL, "503 Service Unavailable")
            return True
        if "/streaming/" in head:
            scripted_upstream.begin_stream(writer)
        await scripted_upstream.until_left(reader, writer)
        self.closed.put_nowait(time.monotonic())
        return False


def request(model, is_stream):
    return clients.chat_request(model, "Go on.", is_stream)


async def abort(upstream, port, model, dice):
    """Milliseconds from the client's end to the upstream's."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request(model, model == "streaming"))
    if model == "streaming":
        await reader.readuntil(b"data: ")
    await asyncio.sleep(dice.uniform(0.005, 0.06))  # anywhere between two ticks of the gateway's clock
    left = time.monotonic()
    writer.transport.abort() if dice.random() < 0.5 else writer.close()
    closed = await asyncio.wait_for(upstream.closed.get(), 10)
    return (closed - left) * 1000


async def measure_aborts(upstream, port, model, count):
    dice = random.Random(1)
    times = sorted([await abort(upstream, port, model, dice) for _ in range(count)])
    return {"p50_ms": times[len(times) // 2], "p99_ms": times[int(len(times) * 0.99)], "max_ms": times[-1]}


async def measure_retries(upstream, port, count):
    statuses = {}

    async def client(requests):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(requests):
            writer.write(request("flaky", False))
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            status = int(head.split(" ")[1])
            length = next(
                int(l.split(":")[1]) for l in head.splitlines() if l.lower().startswith("content-length")
            )
            await reader.readexactly(length)
            statuses[status] = statuses.get(status, 0) + 1
        writer.close()

    await asyncio.gather(*(client(count // CONCURRENT) for _ in range(CONCURRENT)))
    made = sum(statuses.values())
    return {"requests": made, "calls": upstream.calls, "factor": upstream.calls / made, "statuses": statuses}


async def run(options, cpu):
    upstream = Upstream(seed=7)
    base = f"http://127.0.0.1:{await upstream.start()}"
    # The breaker would spare the upstream most calls; the retries' own budget is what is measured.
    tables = [
        session.upstream_table("silent", f"{base}/silent/v1"),
        session.upstream_table("streaming", f"{base}/streaming/v1"),
        session.upstream_table(
            "flaky", f"{base}/flaky/v1", "[upstreams.flaky.breaker]\nfailures = 1000000\n"
        ),
    ]
    config = session.server_table() + "\n" + "\n".join(tables)
    with contextlib.ExitStack() as stack:
        # Elsewhere: it waits for the gateway's health, and that for this loop's answer to its probes.
        starting = session.gateway_on(options.gateway, config, cpu)
        gateway = await asyncio.to_thread(stack.enter_context, starting)
        return {
            "silent": await measure_aborts(upstream, gateway.port, "silent", options.aborts),
            "streaming": await measure_aborts(upstream, gateway.port, "streaming", options.aborts),
            "retries": await measure_retries(upstream, gateway.port, options.requests),
        }


def show(figures):
    met = []
    for stage, text in (("silent", "before its reply"), ("streaming", "in a stream")):
        value = figures[stage]["p99_ms"]
        title = f"abort {text}, p99"
        met.append(session.judge(title, f"{value:.1f} ms", "100 ms", value <= MOST_ABORT_MS))
    factor = figures["retries"]["factor"]
    title = "upstream calls a request, half of them refused"
    met.append(session.judge(title, f"{factor:.3f}", "1.2", factor < MOST_RETRY_FACTOR))
    print(json.dumps(figures))
    return all(met)


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gateway", required=True, help="the meta-model binary")
    parser.add_argument("--aborts", type=int, default=400, help="of each kind")
    parser.add_argument("--requests", type=int, default=3000, help="to the failing upstream")
    options = parser.parse_args(arguments)
    proxy_cpu, tools_cpu = processes.choose_cpus()
    os.sched_setaffinity(0, {tools_cpu})
    return session.guarded(lambda: 0 if show(asyncio.run(run(options, proxy_cpu))) else 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
