"""Servers and clients that do what they should not, in bounded loops on loopback."""

import asyncio
import contextlib
import json
import multiprocessing
import os
import socket
import time

MODERN = "2026-07-28"
HANDSHAKE = "2025-11-25"

# MARK: requests


def post(port: int, bearer: str, alias: str, message: dict | bytes, more: str = "") -> bytes:
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    return (
        f"POST /servers/{alias}/mcp HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: {bearer}\r\n"
        f"Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n{more}"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def call(port: int, bearer: str, alias: str, tool: str) -> bytes:
    meta = {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientInfo": {"name": "soak", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    message = {
        "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": {}, "_meta": meta},
    }
    more = f"MCP-Protocol-Version: {MODERN}\r\nMcp-Method: tools/call\r\nMcp-Name: {tool}\r\n"
    return post(port, bearer, alias, message, more)


def answer(connection: socket.socket) -> bytes:
    """One answer with a length."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += received(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    while len(body) < length:
        body += received(connection)
    return body


def received(connection: socket.socket) -> bytes:
    piece = connection.recv(65536)
    if not piece:
        raise ConnectionError("closed")
    return piece


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=5)


def stand_back() -> None:
    """Has this process run only while nobody else wants the core.

    A low priority is not enough: a process that runs may keep the core for milliseconds before a better one that wakes up
    gets it, and that would be measured in place of what the agent does.
    """
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


# MARK: servers


class Servers:
    """One healthy server in a process of its own, and three that are not, together in another of a low priority."""

    def __init__(self) -> None:
        listeners = {alias: socket.create_server(("127.0.0.1", 0), backlog=64) for alias in ("good", "endless", "handshake")}
        # A port that takes connections into its queue until that is full, and then answers no SYN.
        self.swallow = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.waiting = []
        for _ in range(4):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(self.swallow.getsockname())
            self.waiting.append(one)
        all = listeners | {"swallow": self.swallow}
        self.ports = {alias: each.getsockname()[1] for alias, each in all.items()}
        self.urls = {alias: f"http://127.0.0.1:{port}/mcp" for alias, port in self.ports.items()}
        good = {"good": listeners.pop("good")}
        multiprocessing.Process(target=lambda: asyncio.run(serve(good)), daemon=True).start()
        multiprocessing.Process(target=lambda: (stand_back(), asyncio.run(serve(listeners))), daemon=True).start()


async def serve(listeners: dict[str, socket.socket]) -> None:
    behaviours = {"good": good, "endless": endless, "handshake": handshake}
    for alias, listener in listeners.items():
        await asyncio.start_server(behaviours[alias], sock=listener)
    await asyncio.Event().wait()


async def requests(reader: asyncio.StreamReader):
    """The heads and bodies that come over one connection."""
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.LimitOverrunError):
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            fields = dict(
                (name.strip().lower(), value.strip())
                for name, _, value in (line.partition(":") for line in head.split("\r\n")[1:] if line)
            )
            yield head, await reader.readexactly(int(fields.get("content-length", 0)))


def reply(id: object, result: dict, more: str = "") -> bytes:
    body = json.dumps({"jsonrpc": "2.0", "id": id, "result": result}).encode()
    return (
        f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{more}Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body


async def good(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    async for _, body in requests(reader):
        result = {"resultType": "complete", "content": [{"type": "text", "text": "done"}], "isError": False}
        writer.write(reply(json.loads(body)["id"], result))
        await writer.drain()


async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One event of almost 8 MiB that never ends, slowly; a client that reads on gets comments without end."""
    async for _ in requests(reader):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        writer.write(b"7\r\ndata: x\r\n")
        with contextlib.suppress(ConnectionError):
            for _ in range(120):
                writer.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")
                await writer.drain()
                await asyncio.sleep(0.02)
            await asyncio.sleep(20)
        writer.close()
        return


async def handshake(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Begins a session for everybody, and ends the stream of each call after the mark to ask again."""
    async for head, body in requests(reader):
        message = json.loads(body) if body else {}
        if message.get("method") == "initialize":
            result = {
                "protocolVersion": HANDSHAKE, "capabilities": {"tools": {}},
                "serverInfo": {"name": "soak", "version": "1"},
            }
            writer.write(reply(message["id"], result, f"Mcp-Session-Id: {os.urandom(12).hex()}\r\n"))
        elif "id" in message:
            data = b"id: e1\ndata: \n\n"
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                + f"Content-Length: {len(data)}\r\n\r\n".encode() + data
            )
        else:
            writer.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()


# MARK: clients


def unread_metrics(port: int, bearer: str) -> None:
    """Pages without number, of which none is read."""
    with connect(port) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        request = f"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode() * 64
        for _ in range(500):
            connection.sendall(request)
            time.sleep(0.002)


def denied(port: int, bearer: str) -> None:
    """Calls that the policy denies, as fast as they are taken."""
    with connect(port) as connection:
        connection.settimeout(30)
        request = call(port, bearer, "good", "delete_everything") * 16
        for _ in range(200):
            connection.sendall(request)
            for _ in range(4):
                received(connection)
            time.sleep(0.01)


def swallowed(port: int, bearer: str) -> None:
    """Calls to a port that takes no connection; the client leaves at once."""
    request = call(port, bearer, "swallow", "echo")
    for _ in range(200):
        with connect(port) as connection:
            connection.sendall(request)
        time.sleep(0.01)


def endless_events(port: int, bearer: str) -> None:
    """Many answers at once that are one event without end."""
    request = call(port, bearer, "endless", "echo")
    connections = [connect(port) for _ in range(40)]
    try:
        for connection in connections:
            connection.sendall(request)
        time.sleep(15)
    finally:
        for connection in connections:
            connection.close()


def many_sessions(port: int, bearer: str) -> None:
    """Sessions without number, with calls in each whose streams end before their answers."""
    params = {"protocolVersion": HANDSHAKE, "capabilities": {}, "clientInfo": {"name": "soak", "version": "1"}}
    message = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}
    with connect(port) as connection:
        for _ in range(200):
            connection.sendall(post(port, bearer, "handshake", message))
            data = b""
            while b"\r\n\r\n" not in data:
                data += received(connection)
            session = next(
                line.split(b":", 1)[1].strip().decode()
                for line in data.split(b"\r\n") if line.lower().startswith(b"mcp-session-id:")
            )
            more = f"Mcp-Session-Id: {session}\r\nMCP-Protocol-Version: {HANDSHAKE}\r\n"
            for id in range(1, 9):
                asked = {"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": "echo"}}
                with connect(port) as other:
                    other.sendall(post(port, bearer, "handshake", asked, more))
                    received(other)
            time.sleep(0.01)


def small_chunks(port: int, bearer: str) -> None:
    """A body of 4 MiB in chunks of one byte with long heads, that never comes to its end."""
    with connect(port) as connection:
        connection.sendall(
            f"POST /servers/good/mcp HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: {bearer}\r\n"
            f"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        )
        for _ in range(1000):
            connection.sendall(b"000000000001\r\n \r\n" * 256)
            time.sleep(0.005)


def resting(port: int, bearer: str) -> None:
    """Connections that say nothing."""
    connections = []
    try:
        for _ in range(500):
            connections.append(connect(port))
        time.sleep(20)
    finally:
        for connection in connections:
            connection.close()


ABUSERS = [unread_metrics, denied, swallowed, endless_events, many_sessions, small_chunks, resting]
