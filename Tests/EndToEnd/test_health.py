"""How servers do, as the user, an administrator and the metrics see it; and `doorward doctor`, which says what to mend."""

import contextlib
import os
import re
import signal
import socket
import statistics
import threading
import time
from pathlib import Path

import pytest
from parts import http
from parts.processes import wait_for
from parts.world import PROGRAMS, free_port

POLICY = "version: 1\nroles: { all: { grant: [%s] } }\nbind: [{ everyone: true, role: all }]\n"
META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}
OTHERS = [f"s{number:02}" for number in range(19)]


@pytest.fixture(scope="module")
def hanging():
    """A port that takes connections and requests, and never answers."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    held = []

    def accept() -> None:
        while True:
            try:
                held.append(listener.accept()[0])
            except OSError:
                return

    threading.Thread(target=accept, daemon=True).start()
    yield listener.getsockname()[1]
    listener.close()
    for each in held:
        each.close()


@pytest.fixture(scope="module")
def twenty(world, desk, hanging):
    """Nineteen servers that answer, one that hangs and one that is not there, each asked every five seconds."""
    server = world.server("everything", "mcp_server")
    for alias in OTHERS:
        desk.add_server(alias, server.url, "--health-interval", "5")
    desk.add_server("hangs", f"http://127.0.0.1:{hanging}/mcp", "--health-interval", "5", "--timeout", "60")
    desk.add_server("gone", f"http://127.0.0.1:{free_port()}/mcp", "--health-interval", "5")
    command = ["/usr/bin/python3", str(PROGRAMS / "stdio_probe.py"), "frozen-program"]
    desk.add_program("frozen", command, "--health-interval", "5", "--read", str(PROGRAMS))
    desk.add_program("asleep", command, "--health-interval", "5", "--read", str(PROGRAMS))
    grants = ", ".join("{ server: %s }" % alias for alias in [*OTHERS, "hangs", "gone", "frozen", "asleep"])
    desk.policy(POLICY % grants)
    return server


@pytest.fixture(scope="module")
def frozen(desk, twenty):
    """The processes of a program that was called once, and then stopped."""
    desk.doorward("call", "frozen", "attempt", '{"what": "facts"}')
    found = [int(each.parent.name) for each in Path("/proc").glob("[0-9]*/cmdline") if runs(each, b"\0frozen-program\0")]
    for pid in found:
        os.kill(pid, signal.SIGSTOP)
    yield found
    for pid in found:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def runs(cmdline: Path, argument: bytes) -> bool:
    try:
        return argument in cmdline.read_bytes() and b"stdio_probe" in cmdline.read_bytes()
    except OSError:
        return False


def ask(desk, bearer: str, alias: str, seconds: float = 30) -> http.Reply:
    headers = {
        "Authorization": bearer, "Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": "tools/call", "Mcp-Name": "echo",
    }
    params = {"name": "echo", "arguments": {"text": "x"}, "_meta": META}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    return http.request("POST", desk.url(alias), headers, body, seconds=seconds)


def times(desk, bearer: str) -> list[float]:
    taken = []
    for turn in range(3):
        for alias in OTHERS:
            before = time.monotonic()
            assert ask(desk, bearer, alias).messages[-1]["result"]
            # The first calls find out what the servers speak.
            if turn:
                taken.append(time.monotonic() - before)
    return taken


def test_a_server_that_hangs_delays_no_other(desk, bearer, twenty):
    without = times(desk, bearer)

    def hang() -> None:
        try:
            ask(desk, bearer, "hangs", 15)
        except OSError:
            pass

    hung = [threading.Thread(target=hang, daemon=True) for _ in range(40)]
    for each in hung:
        each.start()
    time.sleep(0.5)
    beside = times(desk, bearer)
    assert any(each.is_alive() for each in hung)
    assert statistics.median(beside) < statistics.median(without) + 0.02
    assert max(beside) < max(without) + 0.25


def test_servers_are_found_to_be_down_without_any_call(desk, twenty, frozen):
    def found():
        servers = desk.servers()
        states = {alias: servers[alias]["state"] for alias in ("gone", "hangs", "frozen")}
        return states == {"gone": "down", "hangs": "degraded", "frozen": "down"} and servers

    servers = wait_for("the states to be found out", found, 40)
    assert frozen and "did not answer" in servers["frozen"]["error"]
    # A program that nobody has called is not started to be asked.
    assert servers["asleep"]["state"] == "up"
    metrics = http.get(f"http://{desk.listen}/metrics").body.decode()
    assert 'server="asleep"' not in "".join(re.findall(r"doorward_health_probes_total.* [1-9].*", metrics))
    for pid in frozen:
        os.kill(pid, signal.SIGCONT)
    wait_for("the program to answer again", lambda: desk.servers()["frozen"]["state"] == "up", 20)
    assert {servers[alias]["state"] for alias in OTHERS} == {"up"}
    for alias in ["gone", "hangs"]:
        assert servers[alias]["since"] and servers[alias]["error"]
        last = servers[alias]["errors"][-1]
        assert last["count"] >= 1 and last["message"] and last["first"] <= last["last"]
    # What the agent asks on its own account is no call.
    assert not any(
        each.get("srv") == "gone" for each in desk.doorward("audit", "tail", json=True).lines
    )
    metrics = http.get(f"http://{desk.listen}/metrics").body.decode()
    assert 'doorward_server_up{server="gone"} 0' in metrics
    assert 'doorward_server_up{server="s01"} 1' in metrics
    assert 'doorward_server_degraded{server="hangs"} 1' in metrics
    answered = r'doorward_health_probes_total\{outcome="answered",server="s01"\} [1-9]'
    wait_for("the server to be asked", lambda: re.search(answered, http.get(f"http://{desk.listen}/metrics").body.decode()))


def test_the_last_errors_are_one_command_away(desk, twenty):
    one = desk.doorward("servers", "gone").json["servers"]
    assert [each["alias"] for each in one] == ["gone"]
    words = desk.doorward("servers", "gone", json=False).out
    assert words.startswith("gone is down since ") and "LAST" in words
    assert "gone" in desk.doorward("servers", "--errors", json=False).out
    unknown = desk.doorward("servers", "nowhere", check=False)
    assert unknown.status == 1 and unknown.json["error"]["code"] == "unknown_server"


def test_the_coordinator_knows_how_the_servers_of_each_machine_do(desk, twenty):
    def told():
        agent = desk.doorward("admin", "agents").json["agents"][0]
        states = {each["alias"]: each["state"] for each in agent.get("servers", [])}
        return states.get("gone") == "down" and states.get("s01") == "up" and agent

    agent = wait_for("the report to arrive", told, 20)
    assert agent["servers_at"] >= agent["enrolled"]
    assert "gone down" in desk.doorward("admin", "agents", json=False).out


def checks(answer) -> dict[str, dict]:
    return {each["name"]: each for each in answer.json["checks"]}


def test_the_doctor_says_what_to_mend(desk, twenty):
    answer = desk.doorward("doctor", check=False)
    assert answer.status == 1 and answer.json["ok"] is False
    found = checks(answer)
    assert found["server gone"]["state"] == "failed" and found["server gone"]["next"] == "doorward servers gone"
    assert found["server hangs"]["state"] == "warning"
    well = ["agent", "enrolment", "keyring", "coordinator", "clock", "policy", "records", "files", "settings", "server s01"]
    assert {name: found[name]["state"] for name in well} == dict.fromkeys(well, "ok")
    words = desk.doorward("doctor", check=False, json=False).out
    assert "FAILED   server gone" in words and "next: doorward servers gone" in words

    (desk.home / "state" / "clients.json").chmod(0o644)
    files = checks(desk.doorward("doctor", check=False))["files"]
    assert files["state"] == "failed" and files["next"].startswith("chmod go-rwx")
    (desk.home / "state" / "clients.json").chmod(0o600)

    desk.doorward("admin", "servers", "remove", "gone")
    wait_for("the server to go", lambda: "gone" not in desk.servers())
    answer = desk.doorward("doctor")
    assert answer.status == 0 and answer.json["ok"] is True


def test_the_doctor_needs_no_agent(desk, twenty):
    desk.agent.stop()
    answer = desk.doorward("doctor", check=False)
    found = checks(answer)
    assert answer.status == 1
    assert found["agent"]["state"] == "failed" and "doorward agent" in found["agent"]["next"]
    assert found["coordinator"]["state"] == "ok" and found["server s01"]["state"] == "ok"
    desk.start_agent()


def test_the_doctor_asks_for_what_only_the_user_can_do(world):
    desk = world.desk("stranger")
    answer = desk.doorward("doctor", check=False)
    # It does not run and belongs nowhere: the first thing to do is told first.
    found = checks(answer)
    assert found["enrolment"]["state"] == "needs_user" and found["enrolment"]["next"].startswith("doorward login")
    desk.start_agent(ready=False)
    answer = desk.doorward("doctor", check=False)
    assert answer.status == 3, answer
    desk.agent.stop()
