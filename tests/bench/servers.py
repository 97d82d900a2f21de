"""What requests are sent to: the mock upstream, and before it the gateway, nginx, or nothing."""
import http.client
import os
import re
import select
import shutil
import socket
import subprocess
import time

import processes

CLIENT_TOKEN = "bench-client-token"
UPSTREAM_TOKEN = "bench-upstream-token"


class BenchError(Exception):
    """Something the run cannot go on without."""


def read_port(process, pattern, name, log=os.devnull):
    """The port from the one line a server prints when it listens."""
    readable, _, _ = select.select([process.stdout], [], [], 10)
    line = process.stdout.readline() if readable else ""
    found = re.fullmatch(pattern, line.strip())
    if not found:
        raise BenchError(f"{name} did not say where it listens, but: {line.strip()!r}\n{tail(log)}")
    return int(found[1])


def get_status(port, path):
    """Status of a GET on a new connection; None when nobody listens yet."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
        return response.status
    except ConnectionError:
        return None
    finally:
        connection.close()


def get_body(port, path, request=None):
    """The body of the answer to a GET, or to a POST of `request`, as text."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("POST" if request else "GET", path, body=request)
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def await_status_200(port, path, process, name, log):
    """Asks every millisecond, so that the pause does not hide in the start-up time."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and process.poll() is None:
        if get_status(port, path) == 200:
            return
        time.sleep(0.001)
    raise BenchError(f"{name} gave no healthy answer on {path}; its log ends with:\n{tail(log)}")


def await_port(port, process, name):
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.001)
    raise BenchError(f"{name} does not listen")


def tail(path):
    with open(path, errors="replace") as file:
        return "".join(file.readlines()[-10:])


class Mock:
    """The upstream of every run; also the target of `direct`."""

    def __init__(self, tools, cpu):
        command = [os.path.join(tools, "bench_mock_upstream")]
        self._process = processes.spawn(command, cpu, stdout=subprocess.PIPE)
        self.port = read_port(self._process, r"listening on (\d+)", "the mock upstream")
        self.pids = [self._process.pid]

    def stop(self):
        processes.stop(self._process)


class Direct:
    """No proxy at all: what the tools and the machine cost."""

    name = "direct"
    pids = ()

    def __init__(self, mock):
        self.port = mock.port

    def path(self, prefix):
        return f"/{prefix}/v1/chat/completions"

    def headers_for(self, prefix):
        return []

    def stop(self):
        pass


class Proxy:
    """What all of them share: one process with children, a folder of its own, a log."""

    def _start(self, command, folder, cpu, health, environment=None):
        self._folder = folder
        log = os.path.join(folder, "error.log")
        with open(log, "w") as errors:
            began = time.monotonic()
            self._process = processes.spawn(
                command, cpu, stdout=errors, stderr=errors, env={**os.environ, **(environment or {})}
            )
        await_status_200(self.port, health, self._process, self.name, log)
        self.start_ms = (time.monotonic() - began) * 1000
        self.pids = processes.tree(self._process.pid)

    def path(self, prefix):
        return f"/{prefix}/v1/chat/completions"

    def headers_for(self, prefix):
        return []

    def stop(self):
        processes.stop(self._process)
        shutil.rmtree(self._folder, ignore_errors=True)


class HAProxy(Proxy):
    """One thread, keep-alive on both sides, its request log on."""

    name = "haproxy"
    program = "/usr/sbin/haproxy"

    def __init__(self, mock, folder, cpu):
        self.port = free_port()
        config = os.path.join(folder, "haproxy.cfg")
        with open(config, "w") as file:
            file.write(f"""
global
    nbthread 1
    maxconn 4000
    tune.bufsize 65536
    log /dev/null local0
defaults
    mode http
    log global
    option httplog
    timeout client 600s
    timeout server 600s
    timeout connect 5s
    http-reuse always
frontend all
    bind 127.0.0.1:{self.port}
    http-request set-header Authorization "Bearer {UPSTREAM_TOKEN}"
    default_backend mock
backend mock
    server mock 127.0.0.1:{mock.port} pool-max-conn 1024
""")
        self._start([self.program, "-db", "-f", config], folder, cpu, "/j64/v1/models")


class Portkey(Proxy):
    """The gateway of that name from npm, as its README starts it; one process of Node."""

    name = "portkey"

    def __init__(self, program, mock, folder, cpu):
        self.port = free_port()
        self._mock_port = mock.port
        command = ["node", program, f"--port={self.port}", "--headless"]
        trusted = {"TRUSTED_CUSTOM_HOSTS": "127.0.0.1,localhost", "NODE_ENV": "production"}
        self._start(command, folder, cpu, "/", trusted)

    def path(self, prefix):
        return "/v1/chat/completions"

    def headers_for(self, prefix):
        host = f"http://127.0.0.1:{self._mock_port}/{prefix}/v1"
        return ["x-portkey-provider: openai", f"x-portkey-custom-host: {host}"]


def nginx_temp_paths(folder):
    """Debian's own are for root."""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    return " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)


class TlsFront(Proxy):
    """TLS 1.3 with a certificate for 127.0.0.1 that `ca` verifies: nginx, which answers what the mock would.

    It does so itself, because with another hop it would set the pace, and a proxy that waits costs more.
    """

    name = "the TLS front"

    def __init__(self, mock, folder, cpu):
        self.port = free_port()
        self.ca = os.path.join(folder, "ca.pem")
        key = os.path.join(folder, "key.pem")
        os.chmod(folder, 0o755)
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", "2", "-subj", "/CN=mock", "-addext", "subjectAltName=IP:127.0.0.1",
             "-keyout", key, "-out", self.ca],
            check=True, capture_output=True,
        )
        models = get_body(mock.port, "/j1024/v1/models")
        answer = get_body(mock.port, "/j1024/v1/chat/completions", b"{}")
        config = os.path.join(folder, "tls.conf")
        user = "user root;" if os.geteuid() == 0 else ""
        with open(config, "w") as file:
            file.write(f"""{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    {nginx_temp_paths(folder)}
    keepalive_requests 100000000;
    keepalive_timeout 3600s;
    server {{
        listen 127.0.0.1:{self.port} ssl backlog=4096;
        ssl_certificate {self.ca};
        ssl_certificate_key {key};
        ssl_protocols TLSv1.3;
        default_type application/json;
        location ~ /models$ {{ return 200 '{models}'; }}
        location / {{ return 200 '{answer}'; }}
    }}
}}
""")
        command = [Nginx.program, "-e", os.path.join(folder, "error.log"), "-c", config]
        self._folder = folder
        self._process = processes.spawn(command, cpu)
        await_port(self.port, self._process, self.name)
        self.pids = processes.tree(self._process.pid)


class Nginx(Proxy):
    """A plain proxy_pass as one sets it up for streamed replies, with its access log on."""

    name = "nginx"
    program = "/usr/sbin/nginx"

    def __init__(self, mock, folder, cpu):
        self.port = free_port()
        self._mock_port = mock.port
        config = os.path.join(folder, "nginx.conf")
        with open(config, "w") as file:
            file.write(self._config(folder))
        command = [self.program, "-e", os.path.join(folder, "error.log"), "-c", config]
        self._start(command, folder, cpu, "/j64/v1/models")

    def _config(self, folder):
        connections = min(processes.raise_descriptor_limit(), 20000) - 100
        user = "user root;" if os.geteuid() == 0 else ""  # the temporary folder is private
        return f"""{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections {connections}; }}
http {{
    access_log {folder}/access.log combined buffer=64k flush=1s;
    {nginx_temp_paths(folder)}
    keepalive_requests 100000000;
    keepalive_timeout 3600s;
    client_max_body_size 64m;
    client_body_buffer_size 1m;
    tcp_nodelay on;
    upstream mock {{
        server 127.0.0.1:{self._mock_port};
        keepalive 1024;
        keepalive_requests 100000000;
    }}
    server {{
        listen 127.0.0.1:{self.port} reuseport backlog=4096;
        location / {{
            proxy_pass http://mock;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Authorization "Bearer {UPSTREAM_TOKEN}";
            proxy_buffering off;
            proxy_buffer_size 16k;
            proxy_buffers 8 16k;
        }}
    }}
}}
"""


class Gateway:
    """meta-model with one thread, authentication, limits and its access log on."""

    name = "gateway"

    def __init__(self, program, config, folder, cpu):
        self._folder = folder
        path = os.path.join(folder, "meta-model.toml")
        with open(path, "w") as file:
            file.write(config)
        command = [program, "serve", "--config", path, "--port", "0"]
        log = os.path.join(folder, "meta-model.log")
        with open(log, "w") as errors:
            began = time.monotonic()
            self._process = processes.spawn(command, cpu, stdout=subprocess.PIPE, stderr=errors)
        self.port = read_port(self._process, r"listening on http://.*:(\d+)", "the gateway", log)
        self.listen_ms = (time.monotonic() - began) * 1000
        await_status_200(self.port, "/v1/health", self._process, "the gateway", log)
        self.start_ms = (time.monotonic() - began) * 1000
        self.pids = processes.tree(self._process.pid)

    def path(self, prefix):
        return "/v1/chat/completions"

    def headers_for(self, prefix):
        return []

    def stop(self):
        processes.stop(self._process)
        shutil.rmtree(self._folder, ignore_errors=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
