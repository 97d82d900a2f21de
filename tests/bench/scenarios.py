"""What is measured: loads, gates, and the gateway configuration that goes with them.

The gate must be met; `stretch` is where we are going. A ratio is gateway to nginx in one round;
`value` gates hold for the gateway's own figure.
"""
import dataclasses
import typing

from servers import CLIENT_TOKEN, UPSTREAM_TOKEN


@dataclasses.dataclass(frozen=True)
class Load:
    """One run of the load generator, the same for every server."""

    name: str
    prefix: str  # the mock's answer, mock_reply.hpp
    mode: str = "closed"
    connections: int = 1
    body_bytes: int = 1024
    text: str = "mixed"
    seconds: float = 2.0
    rate: float = 0
    spread: float = 0
    stream: bool = False
    expect_bytes: int = 0
    expect_chunks: int = 0
    model: str = ""  # default: the profile of the same name
    servers: tuple = ("direct", "nginx", "gateway")

    @property
    def profile(self):
        return self.model or f"{self.name}.v1"

    def scaled(self, connections=0, seconds=0.0, spread=0.0):
        """The same load, shorter or with fewer connections."""
        fewer = min(connections or self.connections, self.connections)
        return dataclasses.replace(self, connections=fewer, seconds=seconds, spread=spread)

    def arguments(self):
        named = {
            "connections": self.connections, "body-bytes": self.body_bytes, "text": self.text,
            "seconds": self.seconds, "rate": self.rate, "spread": self.spread,
            "model": self.profile, "token": CLIENT_TOKEN,
            "expect-bytes": self.expect_bytes, "expect-chunks": self.expect_chunks,
        }
        pairs = [text for name, value in named.items() for text in (f"--{name}", str(value))]
        return pairs + (["--stream"] if self.stream else [])


# The panel: three generators of different pace, then a synthesizer that streams.
SLOWEST_GENERATOR = "m4096.30.10"
SYNTHESIZER = "d10.s20.2"
PANEL = {"a": "m4096.20.10", "b": "m4096.25.10", "c": SLOWEST_GENERATOR, "s": SYNTHESIZER}
# The same without any delay, for what it costs: drafts and answer of 4 KB, whole.
PANEL_AT_ONCE = {"wa": "j4096", "wb": "j4096", "wc": "j4096", "ws": "j4096"}
# Delays of the slowest generator and of the synthesizer: 30 + 10 + 19 x 2 ms.
PANEL_NOMINAL_US = 78_000

LOADS = [
    Load("small", "j1024", connections=64, expect_bytes=1024),
    Load("tls", "j1024", connections=64, expect_bytes=1024, servers=("gateway",)),
    Load("medium", "j1024", connections=32, body_bytes=20_480, expect_bytes=1024),
    Load("large", "j1024", connections=8, body_bytes=512_000, text="code", expect_bytes=1024),
    Load("reply", "j102400", connections=16, expect_bytes=102_400),
    Load("sse_paced", "s100.20", connections=200, seconds=3.0, spread=2.0, stream=True,
         expect_chunks=100),
    Load("sse_burst", "b200", connections=16, stream=True, expect_chunks=200),
    Load("latency", "j1024", mode="open", connections=32, rate=500, seconds=3.0,
         expect_bytes=1024),
    Load("moa", SYNTHESIZER, connections=4, seconds=3.0, spread=0.08, stream=True,
         expect_chunks=20, model="panel.v1", servers=("gateway",)),
    Load("moa_at_once", "j4096", connections=16, model="panel_at_once.v1", servers=("gateway",)),
    Load("moa_generator", SLOWEST_GENERATOR, connections=4, spread=0.03, seconds=1.5,
         servers=("direct",)),
    Load("moa_synthesizer", SYNTHESIZER, connections=4, spread=0.05, seconds=1.5, stream=True,
         expect_chunks=20, servers=("direct",)),
]


@dataclasses.dataclass(frozen=True)
class Hold:
    """Connections that stay, for memory: idle after one request, or with an open stream."""

    name: str
    prefix: str
    connections: int
    stream: bool

    @property
    def descriptors(self):
        """What the proxy needs; a stream holds two, and there is the rest of the process."""
        return self.connections * (2 if self.stream else 1) + 500

    @property
    def profile(self):
        return "hold_stream.v1" if self.stream else "hold_idle.v1"

    def arguments(self):
        held = Load(
            self.name, self.prefix, connections=self.connections, stream=self.stream,
            model=self.profile,
        )
        return held.arguments()


HOLDS = [
    Hold("idle_1000", "j1024", 1000, False),
    Hold("idle_9000", "j1024", 9000, False),
    Hold("streams_1000", "s30.2000", 1000, True),
    Hold("streams_5000", "s30.2000", 5000, True),
]


@dataclasses.dataclass(frozen=True)
class Row:
    """A line of the table. `source` is the load, hold or step that `figure` is taken from."""

    name: str
    title: str
    source: str
    figure: str
    gate: typing.Optional[float] = None
    stretch: typing.Optional[float] = None
    gate_on: str = "ratio"  # or "value"
    base: tuple = ("nginx", "")  # what a ratio is to: server, and source if it is another one
    is_higher_better: bool = False


ROWS = [
    Row("small", "CPU/request 1 KB, us", "small", "cpu_per_request_us", 1.15, 0.90),
    Row("tls", "CPU/request 1 KB, TLS upstream/plain", "tls", "cpu_per_request_us", 1.6, None,
        base=("gateway", "small")),
    Row("medium", "CPU/request 20 KB, us", "medium", "cpu_per_request_us", 1.4, 1.1),
    Row("large", "CPU/request 500 KB code, us", "large", "cpu_per_request_us", 1.3, 0.95),
    Row("reply", "CPU/request 100 KB reply, us", "reply", "cpu_per_request_us", 1.0, 0.7),
    Row("small_rate", "requests/s on one core, 1 KB", "small", "requests_per_second", 0.9, 1.15,
        is_higher_better=True),
    Row("sse_paced", "CPU/chunk SSE paced, us", "sse_paced", "cpu_per_chunk_us", 1.2, 1.0),
    Row("sse_burst", "CPU/chunk SSE burst, us", "sse_burst", "cpu_per_chunk_us", 1.0, 0.7),
    Row("sse_delay", "chunk delay p50 SSE paced, us", "sse_paced", "chunk_delay_p50_us"),
    Row("added_p50", "added p50 at 500 rps, us", "latency", "added_p50_us", 1.2, 1.0),
    Row("p99", "p99 at 500 rps, us", "latency", "latency_p99_us", 1.5, 1.0),
    Row("base", "base PSS, KB", "base", "pss_kb", 20_480, 8_192, "value"),
    Row("idle_1000", "KB per idle connection, 1 000", "idle_1000", "kb_each", 8, 5, "value"),
    Row("idle_9000", "KB per idle connection, 9 000", "idle_9000", "kb_each", 8, 5, "value"),
    Row("streams_1000", "KB per open stream, 1 000", "streams_1000", "kb_each", 10, 6, "value"),
    Row("streams_5000", "KB per open stream, 5 000", "streams_5000", "kb_each", 10, 6, "value"),
    Row("start", "start to first healthy answer, ms", "start", "start_ms", 100, None, "value"),
    Row("moa", "MoA of 3: added p50, us", "moa", "added_p50_us", 1000, 600, "value"),
    Row("moa_nominal", "MoA of 3: p50 over mock's delays, us", "moa", "over_nominal_us"),
    Row("moa_token", "MoA: first token on its way p50, us", "moa", "first_delay_p50_us", 5000,
        None, "value"),
    Row("moa_cpu", "MoA: CPU/request, us", "moa", "cpu_per_request_us"),
    Row("moa_at_once", "MoA of 3, no delays: CPU/request, us", "moa_at_once", "cpu_per_request_us",
        300, 150, "value"),
]


# Loads that other proxies are measured with too, if any are asked for.
PEER_LOADS = ("small", "medium", "large", "reply", "sse_paced", "sse_burst", "latency")


def gateway_config(mock_port, tls_front=None):
    """One passthrough profile for each load, and the panel. Without a TLS front its load is plain too."""
    parts = [f'[server]\nport = 8400\nthreads = 1\nbearer_token = "{CLIENT_TOKEN}"\n']

    def add_upstream(key, model_id, prefix):
        is_tls = key == "tls" and tls_front is not None
        port = tls_front.port if is_tls else mock_port
        parts.append(
            f"[upstreams.{key}]\n"
            f'model_id = "{model_id}"\n'
            f'base_url = "http{"s" if is_tls else ""}://127.0.0.1:{port}/{prefix}/v1"\n'
            f'api_key = "{UPSTREAM_TOKEN}"\n'
            f"context = 1000000\nmax_output = 4096\n"
        )
        if is_tls:
            parts.append(f'[upstreams.{key}.tls]\nca_file = "{tls_front.ca}"\n')

    def add_passthrough(profile, upstream):
        parts.append(f'[profiles."{profile}"]\ntype = "passthrough"\nupstream = "{upstream}"\n')

    loads = {load.profile: load for load in LOADS if "gateway" in load.servers and not load.model}
    loads |= {hold.profile: hold for hold in HOLDS}
    for profile, load in loads.items():
        upstream = profile.removesuffix(".v1")
        add_upstream(upstream, "mock-model", load.prefix)
        add_passthrough(profile, upstream)
    for profile, panel in {"panel.v1": PANEL, "panel_at_once.v1": PANEL_AT_ONCE}.items():
        for key, prefix in panel.items():
            add_upstream(key, f"mock-{key}", prefix)
        *generators, synthesizer = panel
        parts.append(
            f'[profiles."{profile}"]\ntype = "moa"\n'
            f"generators = {list(generators)}\nsynthesizer = \"{synthesizer}\"\n"
        )
    return "\n".join(parts)
