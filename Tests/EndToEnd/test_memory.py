"""What a neighbour sends without end is not kept: neither of a client, nor of a server."""

import contextlib
import json
import socket
import threading

import pytest
from parts.http import MODERN

MEGABYTES = 24
# Far below what is sent, far above what a connection needs.
MOST = 8 << 20


def resident(desk) -> int:
    """Bytes of memory of the agent's process."""
    with open(f"/proc/{desk.agent.pid}/statm") as numbers:
        return int(numbers.read().split()[1]) * 4096


@pytest.fixture(scope="module")
def endless(desk):
    """A server whose answer is comments in an event stream, of which each piece ends in the middle of the next one."""
    listener = socket.create_server(("127.0.0.1", 0))
    sent = threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
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
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
        "name": "x", "_meta": {
            "io.modelcontextprotocol/protocolVersion": MODERN,
            "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {}}}}).encode()
    with socket.create_connection(("127.0.0.1", desk.port), timeout=20) as connection:
        before = resident(desk)
        connection.sendall(
            f"POST /servers/endless/mcp HTTP/1.1\r\nHost: {desk.listen}\r\nAuthorization: {bearer}\r\n"
            f"Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
            f"MCP-Protocol-Version: {MODERN}\r\nMcp-Method: tools/call\r\nMcp-Name: x\r\n"
            f"Content-Length: {len(body)}\r\n\r\n".encode() + body
        )
        assert endless.wait(60), "the agent does not read on"
        assert resident(desk) - before < MOST
    assert desk.agent.running()
