#!/usr/bin/env python3
"""Measures what clients that are a burden cost the gateway, and what a real client notices of them.

    python3 tests/bench/flood.py --gateway PATH/meta-model --tools PATH/bench [--seconds 4]

The flood: 2,000 idle connections, 500 heads and 200 bodies that come byte by byte, 50 streams that nobody reads.
Gates: less than 8 MB of growth, and a p99 below 10 ms for a real client beside them. Prints one line of JSON behind the
table. Exit code 0 whatever the figures are, 1 when the flood did not last or a real client's reply was wrong, 2 when the
run could not be made. See docs/benchmarks.md.
"""
import argparse
import json
import os
import re
import socket
import sys
import time
import urllib.request

import clients
import processes
import servers
import session

IDLE, SLOW_HEADS, SLOW_BODIES, UNREAD = 2000, 500, 200, 50
MOST_GROWTH_KB, MOST_P99_US = 8192, 10_000
RATE = 200  # of the real client, per second
UNREAD_CHUNKS = 30_000  # some megabytes in one go: more than a socket takes that nobody reads
PAUSE_S = 0.05  # between two batches of single bytes


def config(mock_port):
    # The flood is to last as long as the run.
    limits = (
        "[server.limits]\nheader_timeout_secs = 120.0\nbody_timeout_secs = 120.0\n"
        "idle_timeout_secs = 120.0\nwrite_timeout_secs = 120.0\n"
    )
    prefixes = {"small": "j1024", "unread": f"b{UNREAD_CHUNKS}"}
    return session.server_table(limits) + "\n" + session.mock_upstreams(mock_port, prefixes)


class Flood:
    """All the connections. Those that drip get a byte each from drip()."""

    def __init__(self, port):
        self.port = port
        self.idle = self._many(IDLE, b"")
        self.heads = self._many(SLOW_HEADS, b"POST /v1/chat/completions HTTP/1.1\r\nHost: l\r\nX: ")
        self.bodies = self._many(SLOW_BODIES, clients.chat_head(1_000_000) + b'{"model":"small","messages":"')
        request = clients.chat_request("unread", "Go on.", is_stream=True)
        self.unread = self._many(UNREAD, request, receive_bytes=4096)

    def _many(self, count, first, receive_bytes=0):
        opened = []
        for _ in range(count):
            client = socket.socket()
            if receive_bytes:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
            client.connect(("127.0.0.1", self.port))
            client.sendall(first)
            opened.append(client)
        return opened

    def drip(self):
        for client in self.heads + self.bodies:
            client.send(b"x")

    def dropped(self):
        """How many the gateway has ended. Of the unread streams nothing is read."""
        ended = 0
        for client in self.idle + self.heads + self.bodies:
            client.setblocking(False)
            try:
                client.recv(1)
                ended += 1  # whatever it said, it was no part of the plan
            except BlockingIOError:
                pass
            except OSError:
                ended += 1
        return ended

    def close(self):
        for client in self.idle + self.heads + self.bodies + self.unread:
            client.close()


def requests_in_flight(port):
    """Slow bodies and unread streams hold one each."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/metrics",
        headers={"Authorization": f"Bearer {servers.CLIENT_TOKEN}"},
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        text = response.read().decode()
    return int(re.search(r"^\w*requests_in_flight(?:\{[^}]*\})? (\d+)", text, re.M)[1])


def real_client(options, port, cpu):
    """An open loop of small requests; latency counts from the moment that each was due."""
    pace = ["--rate", RATE, "--seconds", options.seconds, "--connections", 16, "--expect-bytes", 1024]
    return clients.LoadGenerator(
        options.tools, cpu, ["open", *pace, *clients.of_gateway(port, "small")]
    )


def measure(options, gateway, cpu):
    pid = gateway.pids[0]
    alone = real_client(options, gateway.port, cpu).figures()  # also warms what requests use
    base_kb = session.rss_kb(pid)
    flood = Flood(gateway.port)
    try:
        time.sleep(1.0)  # until the unread streams stand still
        most_kb = session.rss_kb(pid)
        busy_s = processes.cpu_seconds(gateway.pids)
        client = real_client(options, gateway.port, cpu)
        while client.is_busy():
            flood.drip()
            most_kb = max(most_kb, session.rss_kb(pid))
            time.sleep(PAUSE_S)
        beside = client.figures()
        held = requests_in_flight(gateway.port)
        figures = {
            "growth_kb": most_kb - base_kb,
            "base_kb": base_kb,
            "p50_us": beside["latency_p50_us"],
            "p99_us": beside["latency_p99_us"],
            "alone_p50_us": alone["latency_p50_us"],
            "alone_p99_us": alone["latency_p99_us"],
            "busy_share": (processes.cpu_seconds(gateway.pids) - busy_s) / beside["seconds"],
            "requests": beside["requests"],
            "faults": beside["faults"] + alone["faults"],
            "dropped": flood.dropped(),
            "held": held,
        }
    finally:
        flood.close()
    lasted = figures["dropped"] == 0 and held >= SLOW_BODIES + UNREAD
    figures["void"] = figures["faults"] > 0 or not lasted
    return figures


def show(figures):
    growth, p99 = figures["growth_kb"], figures["p99_us"]
    print(f"{IDLE} idle, {SLOW_HEADS} slow heads, {SLOW_BODIES} slow bodies, {UNREAD} unread streams")
    session.judge("RSS growth", f"{growth / 1024:.1f} MB", "8 MB", growth < MOST_GROWTH_KB)
    session.judge("a real client's p99 beside them", f"{p99 / 1000:.2f} ms", "10 ms", p99 < MOST_P99_US)
    print(f"{'its p99 alone':<44}{figures['alone_p99_us'] / 1000:>9.2f} ms")
    print(f"{'the gateway, busy':<44}{figures['busy_share']:>12.0%}")
    print(json.dumps(figures))


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gateway", required=True, help="the meta-model binary")
    parser.add_argument("--tools", required=True, help="folder of the bench_* tools")
    parser.add_argument("--seconds", type=float, default=4.0, help="of each of the two loads")
    options = parser.parse_args(arguments)
    if processes.raise_descriptor_limit() < IDLE + SLOW_HEADS + SLOW_BODIES + UNREAD + 500:
        print("too few descriptors are allowed", file=sys.stderr)
        return 2
    proxy_cpu, tools_cpu = processes.choose_cpus()
    os.sched_setaffinity(0, {tools_cpu})

    def run():
        with session.mock_on(options.tools, tools_cpu) as mock:
            with session.gateway_on(options.gateway, config(mock.port), proxy_cpu) as gateway:
                figures = measure(options, gateway, tools_cpu)
        show(figures)
        return 1 if figures["void"] else 0

    return session.guarded(run)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
