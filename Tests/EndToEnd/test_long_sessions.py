"""Sessions of official clients that last: they outlive the agent, and hear of what an administrator changes."""

import base64
import hashlib
import json
import queue
import subprocess
import threading
import time
from typing import Any

import pytest
from parts import http
from parts.processes import wait_for
from parts.world import CLIENTS, python

POLICY = "version: 1\nroles: {{ all: {{ grant: [{}] }} }}\nbind: [{{ everyone: true, role: all }}]\n"
OPEN = "{ server: old }, { server: everything }"
NARROW = "{ server: old, tools: [echo] }, { server: everything, tools: [echo] }"
ELSEWHERE = "{ server: old }, { server: everything, tools: [echo] }"


class Listener:
    """A client in a process of its own."""

    def __init__(self, environment: str, url: str, bearer: str, **more: str) -> None:
        self.popen = subprocess.Popen(
            [str(python(environment)), str(CLIENTS / "listener.py"), url],
            env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": "/nonexistent", "MCP_AUTHORIZATION": bearer,
                 "PYTHONDONTWRITEBYTECODE": "1", **more},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )
        self.said: queue.Queue[dict[str, Any]] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self.popen.stdout:
            self.said.put(json.loads(line))

    def hear(self, name: str, seconds: float = 20) -> Any:
        """The next thing that it says, which is to be of this name."""
        facts = self.said.get(timeout=seconds)
        assert list(facts) == [name], facts
        return facts[name]

    def echo(self, text: str) -> str:
        self.popen.stdin.write(text + "\n")
        self.popen.stdin.flush()
        return self.hear("echo")

    def close(self) -> None:
        self.popen.kill()
        self.popen.wait()


@pytest.fixture(scope="module")
def servers(world, desk, everything):
    old = world.server("old", "handshake_server", environment="handshake")
    desk.add_server("old", old.url)
    desk.policy(POLICY.format(OPEN))
    return world.servers


@pytest.fixture
def listener(request):
    listeners = []

    def begin(*arguments: str, **more: str) -> Listener:
        listeners.append(Listener(*arguments, **more))
        return listeners[-1]

    yield begin
    for each in listeners:
        each.close()


@pytest.fixture(scope="module")
def other(desk):
    return desk.client("other")


def is_kept(desk, server, client: str, id: str) -> bool:
    """Whether the agent has written down that this session is that client's, and nothing that tells its id."""
    path = desk.home / "state" / "sessions.json"
    assert path.stat().st_mode & 0o777 == 0o600
    text = path.read_text()
    assert id not in text
    mark = hashlib.sha256(f"{server.name}\n{server.url}\n{id}".encode()).digest()
    hash = base64.urlsafe_b64encode(mark).decode().rstrip("=")
    return any(each["client"] == client and each["hash"] == hash for each in json.loads(text)["sessions"])


@pytest.mark.parametrize("ending", ["stop", "kill"])
def test_a_session_goes_on_after_the_agent_has_ended(servers, desk, bearer, other, listener, ending):
    session = listener("handshake", desk.url("old"), bearer)
    session.hear("tools")
    id = session.hear("session")
    assert session.echo("before") == "before"
    wait_for("the session to be kept", lambda: is_kept(desk, servers["old"], "tests", id))

    desk.agent.stop() if ending == "stop" else desk.agent.kill()
    desk.start_agent()

    def ask(authorization: str, session_id: str) -> int:
        headers = {
            "Authorization": authorization, "Mcp-Session-Id": session_id, "MCP-Protocol-Version": "2025-11-25",
            "Accept": "application/json, text/event-stream",
        }
        body = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
        return http.request("POST", desk.url("old"), headers, body).status

    assert ask(other, id) == 404
    assert ask(bearer, id[:-1] + ("0" if id[-1] != "0" else "1")) == 404
    # Neither was a session to anybody, and the one that is goes on.
    assert session.echo("after") == "after"
    assert ask(bearer, id) == 200
    assert ask(other, id) == 404


@pytest.mark.parametrize("restarts", ["server", "both"])
@pytest.mark.parametrize("environment", ["handshake", "modern"])
def test_a_session_outlives_its_server(servers, desk, bearer, listener, environment, restarts):
    mode = {"MCP_MODE": "legacy"} if environment == "modern" else {}
    session = listener(environment, desk.url("old"), bearer, **mode)
    session.hear("tools")
    id = session.hear("session")
    assert session.echo("before") == "before"
    if restarts == "both":
        if id:
            wait_for("the session to be kept", lambda: is_kept(desk, servers["old"], "tests", id))
        else:
            time.sleep(1.5)
        desk.agent.stop()
    servers["old"].process.stop()
    servers["old"].restart()
    if restarts == "both":
        desk.start_agent()
    calls = len([each for each in desk.doorward("audit", "tail", json=True).lines if each["kind"] == "call.begin"])
    said = session.said
    session.popen.stdin.write("after\n")
    session.popen.stdin.flush()
    # The other program may have other tools, so the client is told to look again; that may come first or last.
    heard = [said.get(timeout=20)]
    while "echo" not in heard[-1]:
        heard.append(said.get(timeout=20))
    assert heard[-1] == {"echo": "after"}, heard
    begun = [each["method"] for each in desk.doorward("audit", "tail", json=True).lines if each["kind"] == "call.begin"]
    # What the agent does to begin the session anew is no call.
    assert "initialize" not in begun[calls:]


@pytest.mark.parametrize(("environment", "alias"), [("handshake", "old"), ("modern", "everything")])
def test_clients_hear_of_a_change_of_the_policy(servers, desk, bearer, listener, environment, alias):
    desk.policy(POLICY.format(OPEN))
    client = listener(environment, desk.url(alias), bearer)
    unchanged = listener("handshake", desk.url("old"), bearer) if alias == "everything" else None
    everything = client.hear("tools")
    assert len(everything) > 2
    client.hear("session")
    # The stream is open once something was answered behind the request for it.
    wait_for("the stream to open", lambda: client.echo("x") == "x")
    if unchanged:
        unchanged.hear("tools")
        unchanged.hear("session")
        desk.policy(POLICY.format(ELSEWHERE))
    else:
        desk.policy(POLICY.format(NARROW))
    assert client.hear("tools") == ["echo"]
    desk.policy(POLICY.format(OPEN))
    assert client.hear("tools") == everything
    if unchanged:
        # It was told of nothing, and so the next thing that it says is this.
        assert unchanged.echo("still here") == "still here"
