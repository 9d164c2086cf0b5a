"""Servers that speak HTTP/2 alone: real MCP servers behind `nghttpx`, called by official clients of both eras."""

import socket
import subprocess
import threading

import pytest
from conftest import OPEN_POLICY
from parts import http
from parts.processes import wait_for
from parts.world import free_port, visit

VISITS = [
    ("modern", "auto", "new2", "everything"), ("modern", "legacy", "new2", "everything"), ("modern", "2026-07-28", "old2", "old"),
    ("handshake", "legacy", "old2", "old"),
]


class Front:
    """A TLS front of a server, which speaks what it is told to."""

    def __init__(self, world, name: str, backend: int, protocols: str) -> None:
        self.world, self.name = world, f"nghttpx-{name}"
        self.port = free_port()
        folder = world.folder / "h2"
        self.log = folder / f"{name}.log"
        self.command = [
            "nghttpx", "--conf=/dev/null", f"--frontend=127.0.0.1,{self.port}", f"--backend=127.0.0.1,{backend}",
            f"--npn-list={protocols}", "--no-ocsp", "--workers=1", f"--accesslog-file={self.log}",
            "--accesslog-format=$alpn $remote_port $method $status", str(folder / "key.pem"), str(folder / "cert.pem"),
        ]
        self.start()

    def start(self) -> None:
        folder = self.world.folder / "h2"
        self.process = self.world.processes.start(
            self.name, self.command, self.world.environment(folder / "home", folder / "run")
        )
        self.process.ready(self._listens)

    def _listens(self) -> bool:
        with socket.create_connection(("127.0.0.1", self.port), 1):
            return True

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}/mcp"

    def requests(self) -> list[list[str]]:
        """Each request: the protocol, the port of the connection, method and status."""
        return [line.split() for line in self.log.read_text().splitlines()] if self.log.exists() else []


@pytest.fixture(scope="module")
def fronts(world, everything):
    folder = world.folder / "h2"
    folder.mkdir()
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost",
            "-addext", "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "cert.pem",
        ],
        cwd=folder, check=True, capture_output=True,
    )
    old = world.server("old", "handshake_server", environment="handshake")
    new = world.servers["everything"]
    backends = {"new2": (new, "h2"), "old2": (old, "h2"), "both": (new, "h2,http/1.1")}
    made = {alias: Front(world, alias, server.port, protocols) for alias, (server, protocols) in backends.items()}
    for alias, front in made.items():
        everything.add_server(alias, front.url, "--ca", str(folder / "cert.pem"))
    everything.add_server("old", old.url)
    grant = "\n      - { server: %s, server_requests: [elicitation, sampling, roots] }"
    everything.policy(OPEN_POLICY.replace("    grant:", "    grant:" + "".join(grant % alias for alias in made), 1))
    return made


@pytest.mark.slow
@pytest.mark.parametrize(("client", "mode", "alias", "same"), VISITS, ids=["-".join(each[:3]) for each in VISITS])
def test_a_whole_visit_is_the_same_as_over_http_1(everything, fronts, bearer, client, mode, alias, same):
    over = visit(client, mode, everything.url(alias), bearer)
    assert over == visit(client, mode, everything.url(same), bearer)
    requests = fronts[alias].requests()
    assert requests and {each[0] for each in requests} == {"h2"}


def test_a_server_that_has_both_is_asked_over_http_1(everything, fronts, bearer):
    assert http.call(everything.url("both"), bearer, "get_me")["result"]["content"][0]["text"] == "ann"
    assert {each[0] for each in fronts["both"].requests()} == {"http/1.1"}


def test_many_calls_share_a_connection_and_a_slow_one_holds_up_none(everything, fronts, bearer):
    url, front = everything.url("new2"), fronts["new2"]
    assert "result" in http.call(url, bearer, "echo", {"text": "warm"})
    before = len(front.requests())
    answers = []

    def call(tool: str, arguments: dict) -> None:
        answers.append((tool, http.call(url, bearer, tool, arguments)))

    threads = [threading.Thread(target=call, args=("slow", {"seconds": 2}))]
    threads += [threading.Thread(target=call, args=("echo", {"text": str(number)})) for number in range(40)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert all("result" in answer for _, answer in answers), answers
    assert answers[-1][0] == "slow"
    wait_for("the front to note all of them", lambda: len(front.requests()) - before >= 41)
    assert len({each[1] for each in front.requests()[before:]}) == 1


def test_a_large_answer_and_a_large_request_pass_whole(everything, fronts, bearer):
    url = everything.url("new2")
    answer = http.call(url, bearer, "big", {"size": 2_000_000})
    assert len(answer["result"]["content"][0]["text"]) == 2_000_000
    text = "x" * 2_000_000
    assert http.call(url, bearer, "echo", {"text": text})["result"]["content"][0]["text"] == text


def test_what_is_taken_back_ends_at_the_server_and_leaves_the_connection(world, everything, fronts, bearer):
    url, front, server = everything.url("new2"), fronts["new2"], world.servers["everything"]
    assert "result" in http.call(url, bearer, "echo", {"text": "warm"})
    before, cancelled = len(front.requests()), server.ask("counts").get("slow cancelled", 0)
    with pytest.raises(OSError):
        http.call(url, bearer, "slow", {"seconds": 20}, seconds=1)
    wait_for("the server to hear of it", lambda: server.ask("counts").get("slow cancelled", 0) > cancelled)
    assert "result" in http.call(url, bearer, "echo", {"text": "on"})
    wait_for("the front to note it", lambda: len(front.requests()) > before)
    assert len({each[1] for each in front.requests()[before - 1:]}) == 1


def test_a_front_that_is_started_anew_is_found_again(everything, fronts, bearer):
    url, front = everything.url("new2"), fronts["new2"]
    assert "result" in http.call(url, bearer, "echo", {"text": "before"})
    front.process.stop()
    assert http.call(url, bearer, "echo", {"text": "down"})["error"]["code"] == -31004
    front.start()
    wait_for("the server to be found again", lambda: "result" in http.call(url, bearer, "echo", {"text": "after"}))
