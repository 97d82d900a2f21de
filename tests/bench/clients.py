"""The clients of a run: requests as bytes, and the load generator as a process."""
import json
import os
import subprocess

import processes
import servers


def chat_head(length):
    return (
        "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: Bearer {servers.CLIENT_TOKEN}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


def chat_request(model, content, is_stream=False):
    messages = [{"role": "user", "content": content}]
    body = json.dumps({"model": model, "stream": is_stream, "messages": messages}).encode()
    return chat_head(len(body)) + body


class LoadGenerator:
    """One run of bench_load_generator, as `arguments` say, begun at once."""

    def __init__(self, tools, cpu, arguments):
        self._command = [os.path.join(tools, "bench_load_generator"), *map(str, arguments)]
        self._process = processes.spawn(self._command, cpu, stdout=subprocess.PIPE)

    def is_busy(self):
        return self._process.poll() is None

    def figures(self):
        """Waits for its end. Raises BenchError when it failed."""
        output, _ = self._process.communicate(timeout=120)
        if self._process.returncode != 0:
            raise servers.BenchError(f"the load generator failed: {' '.join(self._command)}")
        return json.loads(output.splitlines()[-1])


def of_gateway(port, model):
    """Arguments for a load on a gateway's model."""
    return ["--port", port, "--model", model, "--token", servers.CLIENT_TOKEN]
