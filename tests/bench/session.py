"""What the runs beside run.py share: a gateway on upstreams of the run's own, torn down whatever happens."""
import contextlib
import os
import subprocess
import sys
import tempfile

import processes
import servers


def server_table(extra=""):
    return f'[server]\nport = 8400\nthreads = 1\nbearer_token = "{servers.CLIENT_TOKEN}"\n{extra}'


def upstream_table(key, base_url, extra=""):
    return (
        f'[upstreams.{key}]\nmodel_id = "mock-model"\nbase_url = "{base_url}"\n'
        f'api_key = "{servers.UPSTREAM_TOKEN}"\ncontext = 1000000\nmax_output = 4096\n{extra}'
    )


def mock_upstreams(port, prefixes):
    """A table for each key; `prefixes` are the mock's actions."""
    return "\n".join(
        upstream_table(key, f"http://127.0.0.1:{port}/{prefix}/v1")
        for key, prefix in prefixes.items()
    )


@contextlib.contextmanager
def gateway_on(program, config, cpu):
    with tempfile.TemporaryDirectory(prefix="meta-model-bench-") as folder:
        own = os.path.join(folder, "gateway")
        os.mkdir(own)
        gateway = servers.Gateway(program, config, own, cpu)
        try:
            yield gateway
        finally:
            gateway.stop()


@contextlib.contextmanager
def mock_on(tools, cpu):
    mock = servers.Mock(tools, cpu)
    try:
        yield mock
    finally:
        mock.stop()


def rss_kb(pid):
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def judge(title, value, gate, is_met):
    """One line of a table."""
    print(f"{title:<48}{value:>12}  gate {gate:<8}{'met' if is_met else 'over'}")
    return is_met


def guarded(measure):
    """The exit code: what `measure` returns, 2 when it could not be made."""
    try:
        return measure()
    except (servers.BenchError, OSError, subprocess.TimeoutExpired) as problem:
        print(f"the run could not be finished: {problem}", file=sys.stderr)
        return 2
