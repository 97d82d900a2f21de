#!/usr/bin/env python3
"""Measures the gateway beside nginx and beside no proxy, interleaved in one run.

    python3 tests/bench/run.py --gateway PATH/meta-model --tools PATH/bench --rounds 5

Prints a table; --out gets measurements.jsonl and summary.json. Exit code 0 whatever the figures
are, 1 when a measurement was void, 2 when the run could not be made. See docs/benchmarks.md.
"""
import argparse
import datetime
import json
import os
import platform
import resource
import select
import subprocess
import sys
import tempfile
import time

import clients
import processes
import report
import scenarios
import servers

STARTS_PER_ROUND = 3
METHOD = (
    "one-threaded proxy on one CPU, load generator and mock on another; loopback; rounds "
    "interleaved with fresh starts; CPU from schedstat; ratios paired within a round"
)


class Bench:
    """One run: knows the machine's CPUs, starts servers, and collects measurements."""

    def __init__(self, options, folder):
        self.options = options
        self.folder = folder
        self.descriptors = processes.raise_descriptor_limit()
        self.proxy_cpu, self.tools_cpu = processes.choose_cpus()
        self.generator = os.path.join(options.tools, "bench_load_generator")
        self.measurements = []
        self.notes = []
        os.makedirs(options.out, exist_ok=True)
        self.raw = open(os.path.join(options.out, "measurements.jsonl"), "w")

    def is_wanted(self, *names):
        return not self.options.only or bool(self.options.only & set(names))

    def proxies(self):
        return ["nginx", "gateway"] if self.options.gateway else ["nginx"]

    def start(self, name, mock, tls_front=None):
        if name == "direct":
            return servers.Direct(mock)
        # Removed by the server when it stops: access logs of a whole run would fill a small disk.
        folder = tempfile.mkdtemp(dir=self.folder)
        if name == "nginx":
            return servers.Nginx(mock, folder, self.proxy_cpu)
        if name == "haproxy":
            return servers.HAProxy(mock, folder, self.proxy_cpu)
        if name == "portkey":
            return servers.Portkey(self.options.peers[name], mock, folder, self.proxy_cpu)
        config = scenarios.gateway_config(mock.port, tls_front)
        return servers.Gateway(self.options.gateway, config, folder, self.proxy_cpu)

    def record(self, round_number, source, server, figures, faults=0):
        entry = {"round": round_number, "source": source, "server": server, "void": faults > 0}
        entry |= figures
        self.measurements.append(entry)
        self.raw.write(json.dumps(entry) + "\n")
        self.raw.flush()
        if faults:
            kinds = ("non_2xx", "bad_replies", "errors", "reconnects")
            counts = ", ".join(f"{figures[kind]} {kind}" for kind in kinds if figures.get(kind))
            where = f"{source} on {server}, round {round_number + 1}"
            self.notes.append(f"void: {where}: {counts or 'connections were not answered'}")

    # --- loads: CPU, rate and latency

    def measure_loads(self, round_number):
        loads = [load for load in scenarios.LOADS if self.is_wanted_load(load)]
        if not loads:
            return
        mock = servers.Mock(self.options.tools, self.tools_cpu)
        running = {}
        try:
            front = None
            if any(load.name == "tls" for load in loads):
                folder = tempfile.mkdtemp(dir=self.folder)
                front = running["tls_front"] = servers.TlsFront(mock, folder, self.tools_cpu)
            for name in ["direct", *self.proxies(), *self.options.peers]:
                running[name] = self.start(name, mock, front)
            for load in loads:
                peers = self.options.peers if load.name in scenarios.PEER_LOADS else {}
                for name in self.rotated([*load.servers, *peers], round_number):
                    if name in running:
                        self.measure_load(round_number, load, running[name], mock)
        finally:
            for server in [*running.values(), mock]:
                server.stop()

    def is_wanted_load(self, load):
        is_panel = load.name.startswith("moa")
        is_part = load.name in ("moa_generator", "moa_synthesizer")
        source = "moa" if is_part else load.name
        rows = [row.name for row in scenarios.ROWS if source in (row.source, row.base[1])]
        is_ours = load.servers == ("gateway",) or is_panel
        return self.is_wanted(*rows) and (bool(self.options.gateway) or not is_ours)

    @staticmethod
    def rotated(names, by):
        """Who goes first changes from round to round: nobody always gets the warm machine."""
        by %= len(names)
        return [*names[by:], *names[:by]]

    def measure_load(self, round_number, load, server, mock):
        # Fills pools and buffers, so that they are not paid for in the measured part.
        self.generate(load.scaled(connections=16, seconds=0.2), server)
        before = self.snapshot(server, mock)
        scale = self.options.scale
        figures = self.generate(
            load.scaled(seconds=load.seconds * scale, spread=load.spread * scale), server
        )
        after = self.snapshot(server, mock)
        spent = {key: after[key] - before[key] for key in before}
        figures |= self.cpu_figures(figures, spent)
        if load.name == "moa":
            figures["over_nominal_us"] = figures["latency_p50_us"] - scenarios.PANEL_NOMINAL_US
        self.record(round_number, load.name, server.name, figures, figures["faults"])

    @staticmethod
    def snapshot(server, mock):
        """CPU seconds spent so far, by whom."""
        generators = resource.getrusage(resource.RUSAGE_CHILDREN)
        return {
            "proxy": processes.cpu_seconds(server.pids),
            "mock": processes.cpu_seconds(mock.pids),
            "generator": generators.ru_utime + generators.ru_stime,
            **processes.machine_seconds(),
        }

    @staticmethod
    def cpu_figures(figures, spent):
        ours = spent["proxy"] + spent["mock"] + spent["generator"]
        total = max(spent["total"], 0.01)
        return {
            "cpu_s": spent["proxy"],
            "cpu_per_request_us": spent["proxy"] * 1e6 / max(1, figures["requests"]),
            "cpu_per_chunk_us": spent["proxy"] * 1e6 / max(1, figures["chunks"]),
            "busy_share": spent["proxy"] / figures["seconds"],
            "steal_share": spent["steal"] / total,
            # What everybody else on the machine used: above a few percent, the run is worth little.
            "other_share": max(0.0, spent["busy"] - ours) / total,
        }

    def generate(self, load, server):
        arguments = ["--port", str(server.port), "--path", server.path(load.prefix)]
        for line in server.headers_for(load.prefix):
            arguments += ["--header", line]
        arguments = [load.mode, *arguments, *load.arguments()]
        return clients.LoadGenerator(self.options.tools, self.tools_cpu, arguments).figures()

    # --- starts

    def measure_starts(self, round_number):
        if not self.is_wanted("start"):
            return
        mock = servers.Mock(self.options.tools, self.tools_cpu)
        try:
            for _ in range(STARTS_PER_ROUND):
                for name in self.rotated(self.proxies(), round_number):
                    server = self.start(name, mock)
                    figures = {"start_ms": server.start_ms}
                    if name == "gateway":
                        figures["listen_ms"] = server.listen_ms
                    server.stop()
                    self.record(round_number, "start", name, figures)
        finally:
            mock.stop()

    # --- memory

    def measure_memory(self, round_number):
        for hold in scenarios.HOLDS:
            also = ["base"] if hold is scenarios.HOLDS[0] else []
            if not self.is_wanted("memory", hold.name, *also):
                continue
            if hold.descriptors > self.descriptors:
                allowed = f"{hold.descriptors} descriptors, {self.descriptors} are allowed"
                self.note_once(f"not measured: {hold.name} needs {allowed}")
                continue
            for name in self.rotated(self.proxies(), round_number):
                self.measure_hold(round_number, hold, name)

    def measure_hold(self, round_number, hold, name):
        """A fresh mock and proxy for each point: memory that was once used is seldom given back."""
        mock = servers.Mock(self.options.tools, self.tools_cpu)
        server = None
        try:
            server = self.start(name, mock)
            self.generate(scenarios.LOADS[0].scaled(connections=8, seconds=0.3), server)
            base = processes.pss_kb(server.pids)
            self.record(round_number, "base", name, {"pss_kb": base})
            self.hold_and_weigh(round_number, hold, server, base)
        finally:
            for running in filter(None, [server, mock]):
                running.stop()

    def hold_and_weigh(self, round_number, hold, server, base):
        arguments = ["--port", str(server.port), "--path", server.path(hold.prefix)]
        command = [self.generator, "hold", *arguments, *hold.arguments()]
        pipe = subprocess.PIPE
        process = processes.spawn(command, self.tools_cpu, stdin=pipe, stdout=pipe)
        readable, _, _ = select.select([process.stdout], [], [], 40)
        is_ready = bool(readable) and process.stdout.readline().strip() == "ready"
        time.sleep(1.0)  # lets buffers of the last requests go
        pss = processes.pss_kb(server.pids)
        process.stdin.close()
        process.stdin = None
        output, _ = process.communicate(timeout=30)
        figures = json.loads(output.splitlines()[-1]) if is_ready else {"faults": 1}
        each = (pss - base) / hold.connections
        figures |= {"pss_kb": pss, "base_kb": base, "kb_each": each}
        self.record(round_number, hold.name, server.name, figures, figures["faults"])

    # --- the whole

    def note_once(self, text):
        if text not in self.notes:
            self.notes.append(text)

    def run(self):
        for round_number in range(self.options.rounds):
            print(f"round {round_number + 1} of {self.options.rounds}", file=sys.stderr, flush=True)
            self.measure_starts(round_number)
            self.measure_loads(round_number)
            # Memory hardly varies; two rounds show whether it does.
            if round_number < 2:
                self.measure_memory(round_number)


def version_of(command):
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=10)
        return (result.stdout + result.stderr).strip().splitlines()[0]
    except (OSError, IndexError, subprocess.TimeoutExpired):
        return "unknown"


def cpu_model():
    with open("/proc/cpuinfo") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return names[0] if names else platform.machine()


def describe_machine(options):
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "cpu": cpu_model(),
        "cpus": os.cpu_count(),
        "kernel": platform.release(),
        "load_average_at_start": os.getloadavg(),
        "nginx": version_of([servers.Nginx.program, "-v"]),
        "gateway": version_of([options.gateway, "--version"]) if options.gateway else "none",
        "rounds": options.rounds,
        "method": METHOD,
    }


def share_over_run(measurements, key):
    return report.spread([entry[key] for entry in measurements if key in entry])


def busy_shares(measurements):
    busy = {}
    for entry in measurements:
        if entry["server"] == "gateway" and "busy_share" in entry:
            busy.setdefault(entry["source"], []).append(entry["busy_share"])
    return {source: report.spread(values) for source, values in busy.items()}


def parse_options(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gateway", help="the meta-model binary; without it nginx and direct only")
    parser.add_argument("--tools", required=True, help="folder of the bench_* tools")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="one round, shorter loads")
    parser.add_argument("--only", default="", help="names of scenarios, separated by commas")
    parser.add_argument(
        "--peers", default="", help="also haproxy, portkey=PATH/start-server.js; separated by commas"
    )
    parser.add_argument("--out", default="build/bench", help="folder for the raw results")
    options = parser.parse_args(arguments)
    options.only = set(filter(None, options.only.split(",")))
    peers = [peer.partition("=") for peer in options.peers.split(",") if peer]
    options.peers = {name: program for name, _, program in peers}
    if set(options.peers) - {"haproxy", "portkey"}:
        parser.error("--peers knows haproxy and portkey=PATH")
    names = {row.name for row in scenarios.ROWS} | {"memory"}
    if options.only - names:
        parser.error(f"--only knows: {', '.join(sorted(names))}")
    options.scale = 0.5 if options.quick else 1.0
    options.rounds = 1 if options.quick else options.rounds
    return options


def finish(bench, machine):
    """Prints the table and writes the summary; the exit code."""
    summaries = report.summarize(bench.measurements, scenarios.ROWS)
    machine["steal_share"] = share_over_run(bench.measurements, "steal_share")
    machine["other_share"] = share_over_run(bench.measurements, "other_share")
    machine["gateway_busy_share"] = busy_shares(bench.measurements)
    document = {"machine": machine, "rows": summaries, "notes": bench.notes}
    with open(os.path.join(bench.options.out, "summary.json"), "w") as file:
        json.dump(document, file, indent=2)
        file.write("\n")
    print(f"{machine['cpu']}, {machine['cpus']} CPUs, {machine['date']}, {machine['nginx']}")
    print(report.table(summaries))
    if bench.options.peers:
        print(report.peer_table(bench.measurements, scenarios.ROWS, bench.options.peers))
    for key, text in (("steal_share", "stolen by the host"), ("other_share", "used by others")):
        if machine[key]:
            print(f"CPU {text}: median {machine[key][0]:.1%}, worst {machine[key][2]:.1%}")
    for source, share in machine["gateway_busy_share"].items():
        print(f"gateway busy in {source}: {share[0]:.0%}")
    for note in bench.notes:
        print(note)
    return 1 if any(entry["void"] for entry in bench.measurements) else 0


def main(arguments):
    options = parse_options(arguments)
    machine = describe_machine(options)
    with tempfile.TemporaryDirectory(prefix="meta-model-bench-") as folder:
        try:
            bench = Bench(options, folder)
            bench.run()
        except (servers.BenchError, OSError, subprocess.TimeoutExpired) as problem:
            # OSError: a server died, and its /proc entry with it.
            print(f"the run could not be finished: {problem}", file=sys.stderr)
            return 2
        return finish(bench, machine)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
