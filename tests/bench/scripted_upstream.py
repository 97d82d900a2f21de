"""An upstream within the measuring program, so that both ends of a call are seen by one clock."""
import asyncio
import contextlib
import re

EVENT = b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}\n\n'
ANSWER = b'{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"a"},"finish_reason":"stop"}]}'
MODELS = b'{"object":"list","data":[{"id":"mock-model","object":"model"}]}'


class ScriptedUpstream:
    """Speaks just enough HTTP. Probes are answered; what a call gets is decided by `serve` of the class made from it."""

    def __init__(self):
        self._server = None

    async def start(self):
        """Its port."""
        self._server = await asyncio.start_server(self._serve_connection, "127.0.0.1", 0)
        return self._server.sockets[0].getsockname()[1]

    async def serve(self, head, body, reader, writer):
        """Answers one call. False: the connection is over."""
        raise NotImplementedError

    async def _serve_connection(self, reader, writer):
        try:
            while await self._serve_request(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _serve_request(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = re.search(r"content-length: *(\d+)", head, re.I)
        body = (await reader.readexactly(int(length[1]) if length else 0)).decode()
        if head.startswith("GET "):
            write_json(writer, MODELS)
            return True
        return await self.serve(head, body, reader, writer)


def write_json(writer, body, status="200 OK"):
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)


def begin_stream(writer):
    """The head and one event."""
    writer.write(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        + f"{len(EVENT):x}\r\n".encode() + EVENT + b"\r\n"
    )


async def until_left(reader, writer):
    """Hangs until the other side ends the connection."""
    with contextlib.suppress(ConnectionError):
        await writer.drain()
        await reader.read(1)
