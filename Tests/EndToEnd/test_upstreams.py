"""What servers share of the agent: names, files, streams. Each has a share, and none takes another's."""

import contextlib
import json
import os
import socket
import statistics
import subprocess
import threading
import time

import pytest
from parts import http
from parts.processes import run, wait_for

NAME_SERVER = "127.0.0.77"
FILES = 256
OPEN = "version: 1\nroles: { all: { grant: [%s] } }\nbind: [{ everyone: true, role: all }]\n"


class SmallServer:
    """A server of bytes in a thread of its own for each connection; `serve` gets each connection and its number."""

    def __init__(self, serve) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        self.serve = serve
        self.taken = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                self.taken += 1
                threading.Thread(target=self._run, args=(connection, self.taken), daemon=True).start()

    def _run(self, connection: socket.socket, number: int) -> None:
        with connection, contextlib.suppress(OSError):
            self.serve(connection, number)

    def url(self, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}/mcp"


def read_request(connection: socket.socket) -> dict | None:
    """The message of one request, an empty one for a GET; nothing at the end of the connection."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (more := connection.recv(65536)):
            return None
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    length = int(lengths[0].split(b":")[1]) if lengths else 0
    while len(body) < length:
        body += connection.recv(65536)
    return json.loads(body) if body else {}


def answer(connection: socket.socket, message: dict, *lines: str) -> None:
    result = {"resultType": "complete", "content": [], "tools": [], "isError": False}
    if message["method"] == "server/discover":
        result |= {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}}
    body = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}).encode()
    head = "\r\n".join(["HTTP/1.1 200 OK", "Content-Type: application/json", f"Content-Length: {len(body)}", *lines, "", ""])
    connection.sendall(head.encode() + body)


def one_answer_each(connection: socket.socket, _: int) -> None:
    """Each call needs a connection of its own."""
    if message := read_request(connection):
        answer(connection, message, "Connection: close")


def one_after_the_other(connection: socket.socket, _: int) -> None:
    while message := read_request(connection):
        answer(connection, message)


def lines_of(aliases) -> str:
    return OPEN % ", ".join(f"{{ server: {alias} }}" for alias in aliases)


def times(desk, bearer: str, alias: str, count: int) -> float:
    """Makes calls that all have to succeed; the time that 99 of 100 stay under."""
    durations = []
    for _ in range(count):
        begun = time.monotonic()
        assert "result" in http.call(desk.url(alias), bearer, "x")
        durations.append(time.monotonic() - begun)
    return statistics.quantiles(durations, n=100)[98]


# MARK: Names


@pytest.fixture
def silent_names(world, desk):
    """The desk's agent in a mount namespace of its own, where the only name server takes questions and never answers."""
    if os.geteuid() != 0 or run(["unshare", "-m", "true"], {"PATH": "/usr/bin:/bin"}).returncode != 0:
        pytest.skip("needs root and mount namespaces")
    settings = desk.folder / "resolv.conf"
    settings.write_text(f"nameserver {NAME_SERVER}\n")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as questions:
        questions.bind((NAME_SERVER, 53))
        desk.stop_agent()
        desk.wrapper = [
            "unshare", "-m", "sh", "-c", f'mount --bind "{settings}" /etc/resolv.conf && exec "$@"', "agent",
        ]
        desk.start_agent()
        yield questions
    desk.stop_agent()
    desk.wrapper = []
    desk.start_agent()


@pytest.mark.parametrize("hanging", [1, 4])
def test_names_that_hang_hold_up_no_other_server(world, desk, bearer, silent_names, hanging):
    well = SmallServer(one_answer_each)
    aliases = [f"silent-{hanging}-{number}" for number in range(hanging)]
    literal, named = f"literal-{hanging}", f"named-{hanging}"
    for alias in aliases:
        desk.add_server(alias, f"https://{alias}.example/mcp")
    desk.add_server(literal, well.url())
    desk.add_server(named, well.url("localhost"))
    desk.policy(lines_of([*aliases, literal, named]))
    quiet = {alias: times(desk, bearer, alias, 60) for alias in (literal, named)}
    answers: list[dict] = []
    over = threading.Event()

    def call(alias: str) -> None:
        while not over.is_set():
            answers.append(http.call(desk.url(alias), bearer, "x", seconds=30))

    callers = [threading.Thread(target=call, args=(alias,), daemon=True) for alias in aliases for _ in range(4)]
    for caller in callers:
        caller.start()
    silent_names.settimeout(10)
    assert silent_names.recv(512), "no name server was asked"
    # Longer than anybody waits, so that breakers open, too.
    deadline = time.monotonic() + 12
    worst = dict.fromkeys(quiet, 0.0)
    while time.monotonic() < deadline:
        for alias in quiet:
            worst[alias] = max(worst[alias], times(desk, bearer, alias, 30))
    over.set()
    for caller in callers:
        caller.join(30)
    for alias, before in quiet.items():
        assert worst[alias] < before * 1.1 + 0.25, (alias, quiet, worst)
    assert answers and {each["error"]["code"] for each in answers} == {-31004}
    states = {alias: facts["state"] for alias, facts in desk.servers().items()}
    assert {states[literal], states[named]} == {"up"}
    assert {states[alias] for alias in aliases} == {"down"}


# MARK: Files


@pytest.fixture
def few_files(desk):
    """The desk's agent with few files."""
    desk.stop_agent()
    desk.wrapper = ["bash", "-c", f'ulimit -n {FILES}; exec "$@"', "agent"]
    desk.start_agent()
    yield
    desk.stop_agent()
    desk.wrapper = []
    desk.start_agent()


class Files(threading.Thread):
    """Watches how many files the agent has open."""

    def __init__(self, desk) -> None:
        super().__init__(daemon=True)
        self.folder = f"/proc/{desk.agent.pid}/fd"
        self.most = 0
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.01):
            with contextlib.suppress(OSError):
                self.most = max(self.most, len(os.listdir(self.folder)))

    def __enter__(self) -> "Files":
        self.start()
        return self

    def __exit__(self, *_) -> None:
        self.over.set()
        self.join()


def call_and_leave(desk, bearer: str, alias: str) -> None:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "x", "_meta": {
        "io.modelcontextprotocol/protocolVersion": http.MODERN,
        "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {}}}})
    with socket.create_connection(("127.0.0.1", desk.port), timeout=10) as connection:
        connection.sendall((
            f"POST /servers/{alias}/mcp HTTP/1.1\r\nHost: {desk.listen}\r\nAuthorization: {bearer}\r\n"
            f"Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
            f"MCP-Protocol-Version: {http.MODERN}\r\nMcp-Method: tools/call\r\nMcp-Name: x\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}").encode())
        # Until the agent has begun to connect.
        time.sleep(0.002)


def test_attempts_that_nobody_waits_for_take_no_files(world, desk, bearer, few_files):
    well = SmallServer(one_answer_each)
    desk.add_server("well", well.url())
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, contextlib.ExitStack() as fillers:
        # Its queue is full: it takes the first packet of a connection and nothing more.
        for _ in range(4):
            filler = fillers.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        desk.add_server("full", f"http://127.0.0.1:{full.getsockname()[1]}/mcp")
        desk.policy(lines_of(["well", "full"]))

        def attack() -> None:
            for _ in range(150):
                call_and_leave(desk, bearer, "full")

        with Files(desk) as files:
            attackers = [threading.Thread(target=attack, daemon=True) for _ in range(4)]
            for attacker in attackers:
                attacker.start()
            while any(attacker.is_alive() for attacker in attackers):
                assert "result" in http.call(desk.url("well"), bearer, "x")
        assert files.most < FILES - 32
    # Nothing was given up for want of files: records are made, and the machine is enrolled.
    assert "result" in http.call(desk.url("well"), bearer, "x")
    assert desk.status()["user"] == "owner@example.com"
    assert desk.servers()["well"]["state"] == "up"


def test_connections_that_rest_make_room_for_those_that_are_needed(world, desk, bearer, few_files):
    servers = {f"rest-{number}": SmallServer(slowly) for number in range(4)}
    for alias, server in servers.items():
        desk.add_server(alias, server.url())
    desk.policy(lines_of(servers))
    with Files(desk) as files:
        for alias in servers:
            answers: list[dict] = []

            def call(alias: str = alias, answers: list[dict] = answers) -> None:
                answers.append(http.call(desk.url(alias), bearer, "x"))

            callers = [threading.Thread(target=call, daemon=True) for _ in range(40)]
            for caller in callers:
                caller.start()
            for caller in callers:
                caller.join(20)
            assert len(answers) == 40 and all("result" in each for each in answers), answers
    assert files.most < FILES - 32
    desk.countersigned()


def slowly(connection: socket.socket, _: int) -> None:
    """So that the calls of one moment need a connection each; then it rests as long as the agent likes."""
    while message := read_request(connection):
        time.sleep(0.3)
        answer(connection, message, "Keep-Alive: timeout=60")


# MARK: Streams


def test_one_clients_streams_keep_no_others_out(world, desk):
    def stream(connection: socket.socket, _: int) -> None:
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n: here\n\n")
        connection.recv(1)

    server = SmallServer(stream)
    desk.add_server("streams", server.url())
    desk.policy(lines_of(["streams"]))
    greedy, other = desk.client("greedy"), desk.client("other")

    def listen(bearer: str) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", desk.port), timeout=5)
        connection.sendall(
            f"GET /servers/streams/mcp HTTP/1.1\r\nHost: {desk.listen}\r\nAuthorization: {bearer}\r\n"
            f"MCP-Protocol-Version: 2025-11-25\r\nAccept: text/event-stream\r\n\r\n".encode()
        )
        return connection

    with contextlib.ExitStack() as stack:
        for _ in range(300):
            stack.enter_context(listen(greedy))
        wait_for("the greedy client to have its share", lambda: server.taken >= 64)
        with listen(other) as connection:
            assert connection.recv(64).startswith(b"HTTP/1.1 200")
        assert server.taken <= 66


# MARK: A closing connection


def test_a_closing_connection_costs_only_what_must_not_be_asked_twice(world, desk, bearer):
    def once(connection: socket.socket, _: int) -> None:
        if message := read_request(connection):
            answer(connection, message)
        # The next request crosses the end of the connection.
        read_request(connection)

    server = SmallServer(once)
    desk.add_server("closing", server.url())
    desk.policy(lines_of(["closing"]))
    for _ in range(3):
        for method in ("tools/list", "server/discover", "prompts/list", "resources/list"):
            message = http.rpc(desk.url("closing"), bearer, method).messages[-1]
            assert "result" in message, (method, message)
    http.rpc(desk.url("closing"), bearer, "tools/list")
    outcomes = {tuple(http.call(desk.url("closing"), bearer, "x"))[-1] for _ in range(2)}
    assert outcomes == {"error", "result"}


# MARK: Whose server it is

STRANGER = """
import socket, sys
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
while True:
    connection, _ = listener.accept()
    data = connection.recv(65536)
    print(len(data), flush=True)
    if data:
        connection.sendall(b"HTTP/1.1 503 No\\r\\nContent-Length: 0\\r\\n\\r\\n")
    connection.close()
"""


@pytest.fixture
def stranger():
    """A program of another user that listens on loopback and says how much each connection brought."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to start a program of another user")
    process = subprocess.Popen(["/usr/bin/python3", "-c", STRANGER], user=65534, text=True, stdout=subprocess.PIPE)
    try:
        process.port = int(process.stdout.readline())
        yield process
    finally:
        process.kill()
        process.wait()


def test_another_users_program_gets_no_byte(world, desk, bearer, stranger):
    url = f"http://127.0.0.1:{stranger.port}/mcp"
    desk.add_server("mistaken", url)
    desk.add_server("signed", url, "--auth", "oauth")
    desk.add_server("meant", url, "--allow-foreign-owner")
    desk.policy(lines_of(["mistaken", "signed", "meant"]))
    for _ in range(4):
        error = http.call(desk.url("mistaken"), bearer, "x")["error"]
        assert (error["code"], error["data"]["reason"]) == (-31004, "foreign_server")
        assert "mistaken" in error["message"] and "user id 65534" in error["message"]
        assert "--allow-foreign-owner" in error["message"]
        assert stranger.stdout.readline() == "0\n"
    facts = desk.servers()["mistaken"]
    assert facts["state"] == "down" and "65534" in json.dumps(facts["error"])
    # Nor does a process that has the port of a place to sign in.
    done = desk.doorward("connect", "signed", "--no-browser", check=False)
    assert done.status == 1 and "user id 65534" in done.out, done
    error = http.call(desk.url("meant"), bearer, "x")["error"]
    assert error["data"]["reason"] != "foreign_server"
    # The next connection after those of the calls is the one that was meant.
    assert int(stranger.stdout.readline()) > 0
