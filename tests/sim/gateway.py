"""The real binary as a child process, and a client that asks it over HTTP with a bounded number of connections."""

import asyncio
import ctypes
import json
import signal
import subprocess
import tempfile
from pathlib import Path

STOP_SECONDS = 10
REPLY_SECONDS = 200
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def _end_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Gateway:
    """Serves a configuration on a free port until the `with` ends."""

    def __init__(self, binary, configuration):
        self._binary = binary
        self._configuration = configuration
        self._folder = None
        self._process = None
        self.port = 0

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="meta-model-sim-")
        path = Path(self._folder.name) / "gateway.toml"
        path.write_text(self._configuration, encoding="utf-8")
        log = Path(self._folder.name) / "gateway.log"
        with log.open("w", encoding="utf-8") as stderr:
            command = [self._binary, "serve", "--config", path, "--port", "0"]
            self._process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=stderr, text=True, preexec_fn=_end_with_parent
            )
        line = self._process.stdout.readline()  # empty when it ends instead
        if not line.startswith("listening on "):
            told = log.read_text(encoding="utf-8")[-2000:]
            self.__exit__(None, None, None)
            raise SystemExit(f"the gateway does not start:\n{told}")
        self.port = int(line.rsplit(":", 1)[1])
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait(timeout=STOP_SECONDS)
        self._process.stdout.close()
        self._folder.cleanup()


class Client:
    """One kept connection; `post` gives (status, headers in lower case, body as JSON)."""

    def __init__(self, port):
        self._port = port
        self._reader = self._writer = None

    async def post(self, path, body):
        if self._writer is None:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        raw = json.dumps(body).encode()
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(raw)}"
        self._writer.write(head.encode() + b"\r\n\r\n" + raw)
        return await asyncio.wait_for(self._read(), REPLY_SECONDS)

    async def _read(self):
        lines = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {}
        for line in filter(None, lines[1:]):
            name, value = line.split(":", 1)
            headers[name.lower()] = value.strip()
        payload = await self._reader.readexactly(int(headers["content-length"]))
        return int(lines[0].split(" ")[1]), headers, json.loads(payload)

    def close(self):
        if self._writer is not None:
            self._writer.close()
