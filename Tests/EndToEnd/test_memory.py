"""What a neighbour sends without end is not kept: neither of a client, nor of a server."""

import contextlib
import json
import re
import socket
import threading
import time

import pytest
from parts.http import MODERN

MEGABYTES = 24
# Far below what is sent, far above what a connection needs.
MOST = 8 << 20


def resident(desk) -> int:
    """Bytes of memory of the agent's process."""
    with open(f"/proc/{desk.agent.pid}/statm") as numbers:
        return int(numbers.read().split()[1]) * 4096


def call(desk, bearer: str, alias: str) -> bytes:
    """A tool call of the modern revision."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
        "name": "x", "_meta": {
            "io.modelcontextprotocol/protocolVersion": MODERN,
            "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {}}}}).encode()
    return (
        f"POST /servers/{alias}/mcp HTTP/1.1\r\nHost: {desk.listen}\r\nAuthorization: {bearer}\r\n"
        f"Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
        f"MCP-Protocol-Version: {MODERN}\r\nMcp-Method: tools/call\r\nMcp-Name: x\r\n"
        f"Content-Length: {len(body)}\r\n\r\n".encode() + body
    )


def push(connection: socket.socket, data: bytes, seconds: float = 2) -> int:
    """Sends until the other side has taken nothing for so long; returns how much it took."""
    connection.settimeout(seconds)
    sent = 0
    with contextlib.suppress(TimeoutError):
        while sent < len(data):
            sent += connection.send(data[sent:sent + 65536])
    return sent


def told_its_era(connection: socket.socket) -> bool:
    """Reads a request; true where it was the question whether this is a modern server, which is answered."""
    request = connection.recv(65536)
    if b'"server/discover"' not in request:
        return False
    result = {
        "resultType": "complete", "supportedVersions": [MODERN], "capabilities": {"tools": {}}, "ttlMs": 0,
        "cacheScope": "private",
    }
    body = json.dumps({"jsonrpc": "2.0", "id": json.loads(request[request.index(b"{"):])["id"], "result": result}).encode()
    connection.sendall(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
        + f"Content-Length: {len(body)}\r\n\r\n".encode() + body
    )
    return True


@pytest.fixture(scope="module")
def endless(desk):
    """A server whose answer is comments in an event stream, of which each piece ends in the middle of the next one."""
    listener = socket.create_server(("127.0.0.1", 0))
    sent = threading.Event()

    def serve() -> None:
        while True:
            connection, _ = listener.accept()
            if not told_its_era(connection):
                break
            connection.close()
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n:")
            for _ in range(MEGABYTES * 16):
                connection.sendall((b"x" * 1022 + b"\n:") * 64)
            sent.set()
            # The client goes away, and so the agent does.
            with contextlib.suppress(OSError):
                connection.recv(1)

    threading.Thread(target=serve, daemon=True).start()
    desk.add_server("endless", f"http://127.0.0.1:{listener.getsockname()[1]}/mcp")
    desk.policy("version: 1\nroles: { all: { grant: [{ server: endless }] } }\nbind: [{ everyone: true, role: all }]\n")
    yield sent
    listener.close()


def test_an_agent_that_rests_gives_back_what_it_does_not_need(desk):
    desk.stop_agent()
    desk.start_agent()
    started, deadline = resident(desk), time.monotonic() + 45
    # It looks every ten seconds, and rests when nothing has happened in between.
    while resident(desk) > started * 0.7 and time.monotonic() < deadline:
        time.sleep(1)
    assert resident(desk) <= started * 0.7
    # And it is all there again when it is wanted.
    assert desk.status()["running"] is True


def test_a_client_whose_requests_never_end_with_a_read(desk):
    size = 1 << 20
    request = f"GET /healthz HTTP/1.1\r\nHost: {desk.listen}\r\nContent-Length: {size}\r\n\r\n".encode() + b"z" * size
    with socket.create_connection(("127.0.0.1", desk.port), timeout=20) as connection:
        before = resident(desk)
        connection.sendall(request[:1])
        for _ in range(MEGABYTES):
            connection.sendall(request[1:] + request[:1])
            answer = b""
            while not answer.endswith(b"ok\n"):
                answer += connection.recv(65536)
        assert resident(desk) - before < MOST


def test_a_server_whose_events_never_end_with_a_read(desk, endless):
    bearer = desk.client("patient")
    with socket.create_connection(("127.0.0.1", desk.port), timeout=20) as connection:
        before = resident(desk)
        connection.sendall(call(desk, bearer, "endless"))
        assert endless.wait(60), "the agent does not read on"
        assert resident(desk) - before < MOST
    assert desk.agent.running()


def test_a_client_that_reads_none_of_its_answers(desk):
    request = f"GET /metrics HTTP/1.1\r\nHost: {desk.listen}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", desk.port), timeout=20) as connection:
        before = resident(desk)
        # Each answer has some hundred times the size of its request.
        assert push(connection, request * ((MEGABYTES << 20) // len(request))) > len(request)
        assert resident(desk) - before < MOST


def test_a_body_in_chunks_of_one_byte(desk, endless):
    bearer = desk.client("crumbs")
    count = 1 << 20
    with socket.create_connection(("127.0.0.1", desk.port), timeout=60) as connection:
        before = resident(desk)
        connection.sendall(
            f"POST /servers/endless/mcp HTTP/1.1\r\nHost: {desk.listen}\r\nAuthorization: {bearer}\r\n"
            "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        )
        connection.sendall(b"000000000001\r\na\r\n" * count)
        # 17 bytes for each byte of the body were sent.
        assert resident(desk) - before < MOST
        connection.sendall(b"0\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 400 ")


@pytest.fixture
def tight(desk):
    """The desk's agent with as little memory for its connections as may be, and a server whose events never end."""
    settings = desk.home / "config.yaml"
    settings.write_text("limits: { memory: 33554432 }\n")
    desk.stop_agent()
    desk.start_agent()
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)

    def serve(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            if told_its_era(connection):
                return
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: ")
            for _ in range(7 << 6):
                connection.sendall(b"x" * (16 << 10))
            connection.recv(1)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    desk.add_server("heavy", f"http://127.0.0.1:{listener.getsockname()[1]}/mcp")
    desk.policy(
        "version: 1\nroles: { all: { grant: [{ server: heavy }, { server: endless }] } }\n"
        "bind: [{ everyone: true, role: all }]\n"
    )
    yield
    listener.close()
    settings.unlink()


def test_events_that_never_end_on_many_streams(desk, endless, tight):
    bearer = desk.client("collector")
    before = resident(desk)
    with contextlib.ExitStack() as connections:
        waiting = []
        for _ in range(40):
            connection = connections.enter_context(socket.create_connection(("127.0.0.1", desk.port), timeout=60))
            connection.sendall(call(desk, bearer, "heavy"))
            waiting.append(connection)
        # 280 MB are sent, of which 32 MiB are kept: the rest is given up, stream by stream, each with its answer.
        refused = 0
        most = 0
        deadline = time.monotonic() + 60
        while refused < 34 and time.monotonic() < deadline:
            most = max(most, resident(desk) - before)
            for connection in list(waiting):
                connection.settimeout(0.01)
                with contextlib.suppress(TimeoutError):
                    assert re.search(rb'"code":-31006.*too_large', connection.recv(65536), re.DOTALL)
                    refused += 1
                    waiting.remove(connection)
        assert refused >= 34
        assert most < 128 << 20
        # And the next client is served.
        with socket.create_connection(("127.0.0.1", desk.port), timeout=20) as connection:
            connection.sendall(f"GET /healthz HTTP/1.1\r\nHost: {desk.listen}\r\n\r\n".encode())
            assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
    assert desk.agent.running()
