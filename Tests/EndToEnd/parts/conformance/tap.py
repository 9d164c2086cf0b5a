"""A tap in an HTTP connection: it passes everything on as it comes, and keeps what both sides have said."""

import asyncio
import contextlib
import json
import threading
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Exchange:
    """One request, and as much of its answer as there was."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    status: int = 0
    answered: dict[str, str] = field(default_factory=dict)
    raw: bytes = b""

    @property
    def request(self) -> Any:
        """The message in it; None where there is none."""
        with contextlib.suppress(ValueError):
            return json.loads(self.body)

    @property
    def answer(self) -> bytes:
        return dechunked(self.raw) if self.answered.get("transfer-encoding") == "chunked" else self.raw

    @property
    def messages(self) -> list[Any]:
        """The messages of the answer, whether it is JSON or an event stream."""
        text = self.answer.decode(errors="replace")
        if self.answered.get("content-type", "").startswith("text/event-stream"):
            events = [each.split("\n") for each in text.replace("\r\n", "\n").split("\n\n")]
            datas = ["\n".join(line[5:].strip() for line in lines if line.startswith("data:")) for lines in events]
            return [json.loads(data) for data in datas if data.strip()]
        if self.answered.get("content-type", "").startswith("application/json") and text.strip():
            return [json.loads(text)]
        return []


def dechunked(raw: bytes) -> bytes:
    body, rest = b"", raw
    while True:
        size, line, rest = rest.partition(b"\r\n")
        if not line or not size.strip():
            return body
        length = int(size.split(b";")[0], 16)
        if length == 0:
            return body
        body += rest[:length]
        rest = rest[length + 2:]


def fields(lines: list[bytes]) -> dict[str, str]:
    return {name.decode().lower(): value.decode().strip() for name, _, value in (line.partition(b":") for line in lines if line)}


class Tap:
    """Listens on a free port of loopback, for one server; every connection is good for one exchange."""

    def __init__(self, host: str, port: int) -> None:
        self.target = (host, port)
        self.exchanges: list[Exchange] = []
        self.port = 0
        started = threading.Event()
        self.loop = asyncio.new_event_loop()

        def run() -> None:
            asyncio.set_event_loop(self.loop)
            server = self.loop.run_until_complete(asyncio.start_server(self.serve, "127.0.0.1", 0, limit=16 << 20))
            self.port = server.sockets[0].getsockname()[1]
            started.set()
            self.loop.run_forever()

        threading.Thread(target=run, daemon=True).start()
        started.wait(10)

    def close(self) -> None:
        def cancel() -> None:
            for task in asyncio.all_tasks(self.loop):
                task.cancel()
            self.loop.call_later(0.2, self.loop.stop)

        self.loop.call_soon_threadsafe(cancel)

    async def serve(self, client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        server_side = None
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            first, *lines = (await client.readuntil(b"\r\n\r\n"))[:-4].split(b"\r\n")
            headers = fields(lines)
            body = await client.readexactly(int(headers.get("content-length", "0")))
            method, path, _ = first.decode().split(" ")
            exchange = Exchange(method, path, headers, body)
            self.exchanges.append(exchange)
            kept = [line for line in lines if line.lower().partition(b":")[0] not in (b"host", b"connection")]
            host = f"Host: {self.target[0]}:{self.target[1]}".encode()
            server, server_side = await asyncio.open_connection(*self.target, limit=16 << 20)
            server_side.write(b"\r\n".join([first, host, b"Connection: close", *kept]) + b"\r\n\r\n" + body)
            gone = asyncio.ensure_future(client.read(1))
            answering = asyncio.ensure_future(self.answer(exchange, server, back))
            await asyncio.wait([gone, answering], return_when=asyncio.FIRST_COMPLETED)
            for each in (gone, answering):
                each.cancel()
                with contextlib.suppress(BaseException):
                    await each
        for side in (server_side, back):
            with contextlib.suppress(Exception):
                side.close()

    async def answer(self, exchange: Exchange, server: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        first, *lines = (await server.readuntil(b"\r\n\r\n"))[:-4].split(b"\r\n")
        exchange.status = int(first.split(b" ")[1])
        exchange.answered = fields(lines)
        kept = [line for line in lines if line.lower().partition(b":")[0] not in (b"connection", b"keep-alive")]
        back.write(b"\r\n".join([first, *kept, b"Connection: close"]) + b"\r\n\r\n")
        while data := await server.read(65_536):
            exchange.raw += data
            back.write(data)
            await back.drain()
