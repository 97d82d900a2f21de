#!/usr/bin/env python3
"""Drives the gateway with many requests of every kind and looks for what grows.

    python3 tests/bench/soak.py --gateway PATH/meta-model --tools PATH/bench [--requests 1000000]

Small, large, streamed and ensemble requests in turn, every reply checked. Gates, from the first tenth on: RSS drifts by
less than 5 MB, descriptors stay where they were. Prints a table and one line of JSON. Exit code 0 when the gates are met,
1 when one is not or a reply was wrong, 2 when the run could not be made.
"""
import argparse
import json
import sys
import time

import clients
import processes
import scenarios
import servers
import session

MOST_DRIFT_KB = 5120
# (name, arguments of the load generator, share of the requests): the small ones make the number.
PARTS = [
    ("small", "closed --connections 64 --body-bytes 1024 --expect-bytes 1024", 0.80),
    ("medium", "closed --connections 32 --body-bytes 20480 --expect-bytes 1024", 0.10),
    ("reply", "closed --connections 16 --expect-bytes 102400", 0.05),
    ("sse_burst", "closed --connections 16 --stream --expect-chunks 200", 0.04),
    ("panel", "closed --connections 16 --stream --expect-chunks 20", 0.01),
]
ROUNDS = 20


class Soak:
    def __init__(self, options, gateway, tools_cpu):
        self.options = options
        self.gateway = gateway
        self.tools_cpu = tools_cpu
        self.pid = gateway.pids[0]
        self.rates = {name: 10_000.0 for name, _, _ in PARTS}  # requests a second, as seen last
        self.done = {name: 0 for name, _, _ in PARTS}
        self.faults = 0
        self.samples = []

    def total(self):
        return sum(self.done.values())

    def drive(self, name, arguments, seconds):
        model = "panel.v1" if name == "panel" else f"{name}.v1"
        target = clients.of_gateway(self.gateway.port, model)
        arguments = [*arguments.split(), *target, "--seconds", f"{seconds:.3f}"]
        figures = clients.LoadGenerator(self.options.tools, self.tools_cpu, arguments).figures()
        self.done[name] += figures["requests"]
        self.faults += figures["faults"]
        self.rates[name] = max(1.0, figures["requests"] / max(figures["seconds"], 0.001))

    def sample(self):
        """Between two loads: what is idle then is what stays."""
        deadline = time.monotonic() + 10
        held = session.descriptors(self.pid)
        while time.monotonic() < deadline:
            time.sleep(0.2)
            now = session.descriptors(self.pid)
            if now == held:
                break
            held = now
        self.samples.append(
            {"requests": self.total(), "rss_kb": session.rss_kb(self.pid), "descriptors": held}
        )

    def run(self):
        wanted = self.options.requests
        while self.total() < wanted:
            for name, arguments, share in PARTS:
                missing = min(share * wanted / ROUNDS, share * wanted - self.done[name])
                if missing > 0:
                    self.drive(name, arguments, max(0.02, missing / self.rates[name]))
            self.sample()
            last = self.samples[-1]
            print(
                f"{last['requests']:>9} requests, RSS {last['rss_kb'] / 1024:.1f} MB, "
                f"{last['descriptors']} descriptors, {self.faults} faults",
                file=sys.stderr,
                flush=True,
            )

    def figures(self):
        warm = [s for s in self.samples if s["requests"] >= self.options.requests / 10]
        if len(warm) < 3:
            raise servers.BenchError("too few samples: ask for more requests")
        # A third at each end: one sample alone may catch pages on their way back to the system.
        third = max(1, len(warm) // 3)
        first = sum(s["rss_kb"] for s in warm[:third]) / third
        last = sum(s["rss_kb"] for s in warm[-third:]) / third
        return {
            "requests": self.total(),
            "by_kind": self.done,
            "faults": self.faults,
            "rss_kb_first": round(first),
            "rss_kb_last": round(last),
            "drift_kb": round(last - first),
            "descriptors_first": warm[0]["descriptors"],
            "descriptors_last": warm[-1]["descriptors"],
            "samples": self.samples,
        }


def show(figures):
    drift = figures["drift_kb"]
    grown = figures["descriptors_last"] - figures["descriptors_first"]
    met = [
        session.judge("wrong or missing replies", figures["faults"], "0", figures["faults"] == 0),
        session.judge("RSS drift", f"{drift / 1024:.1f} MB", "5 MB", drift < MOST_DRIFT_KB),
        # Idle upstream connections are kept, as many as the last load happened to need.
        session.judge("descriptors more than after the warm-up", grown, "64", grown <= 64),
    ]
    print(json.dumps(figures))
    return all(met)


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gateway", required=True, help="the meta-model binary")
    parser.add_argument("--tools", required=True, help="folder of the bench_* tools")
    parser.add_argument("--requests", type=int, default=1_000_000)
    options = parser.parse_args(arguments)
    processes.raise_descriptor_limit()
    proxy_cpu, tools_cpu = processes.choose_cpus()

    def measure():
        with session.mock_on(options.tools, tools_cpu) as mock:
            config = scenarios.gateway_config(mock.port)
            with session.gateway_on(options.gateway, config, proxy_cpu) as gateway:
                soak = Soak(options, gateway, tools_cpu)
                soak.run()
                return 0 if show(soak.figures()) else 1

    return session.guarded(measure)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
