"""Clients that only launch commands get through `doorward stdio` what they would get over HTTP."""

import json
import threading
import time

import pytest
from conftest import OPEN_POLICY
from parts import http
from parts.processes import run, wait_for
from parts.shim import INITIALIZE, META, Shim, launched
from parts.world import python, visit

VISITS = [("modern", "auto"), ("modern", "legacy"), ("modern", "2026-07-28"), ("handshake", "legacy")]


def text(answer) -> str:
    return answer["result"]["content"][0]["text"]


@pytest.fixture(scope="module")
def old(world, everything):
    server = world.server("old", "handshake_server", environment="handshake")
    everything.add_server("old", server.url)
    return server


@pytest.mark.slow
@pytest.mark.parametrize(("client", "mode"), VISITS, ids=["-".join(each) for each in VISITS])
def test_a_whole_visit_of_an_official_client_is_the_same(world, everything, bearer, client, mode):
    over_http = visit(client, mode, everything.url("everything"), bearer)
    command = launched(everything, "everything")
    assert visit(client, mode, f"stdio:{json.dumps(command)}", None) == over_http


@pytest.mark.slow
@pytest.mark.parametrize(("client", "mode"), [("handshake", "legacy"), ("modern", "auto")])
def test_a_whole_visit_to_a_server_of_the_handshake_era(everything, old, bearer, client, mode):
    over_http = visit(client, mode, everything.url("old"), bearer)
    command = launched(everything, "old")
    assert visit(client, mode, f"stdio:{json.dumps(command)}", None) == over_http


def test_a_client_does_what_its_snippet_says(everything):
    facts = everything.doorward("client", "add", "desktop").json
    everything.world.secret(facts["header"]["value"].removeprefix("Bearer "))
    entry = json.loads(facts["snippets"]["claude-desktop"])["mcpServers"]["everything"]
    # No secret is needed: the socket proves the user.
    assert "dwc1_" not in facts["snippets"]["claude-desktop"] + facts["snippets"]["stdio"]
    entry["env"] |= {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}
    transcript = visit("modern", "auto", f"stdio:{json.dumps(entry)}", None)
    assert transcript["protocol"] == "2026-07-28"
    clients = {(each["client"]["id"], each["client"]["how"]) for each in everything.records() if "client" in each}
    assert ("desktop", "claimed") in clients
    line = facts["snippets"]["stdio"].splitlines()[0]
    done = run(
        ["/bin/sh", "-c", line], {"PATH": "/usr/bin:/bin"},
        input=json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": INITIALIZE}) + "\n",
    )
    assert json.loads(done.stdout)["result"]["protocolVersion"] == "2025-11-25"


def test_a_claimed_name_must_be_a_client(everything):
    with Shim(everything, "everything", "--client", "nobody") as shim:
        error = shim.ask("initialize", INITIALIZE)["error"]
    assert error["code"] == -31003 and "doorward client add" in error["message"]


def test_both_eras_at_once_and_many_requests_at_a_time(everything):
    with Shim(everything, "everything") as shim:
        shim.initialize()
        started = time.monotonic()
        calls = [
            shim.begin("tools/call", {"name": "slow", "arguments": {"seconds": 1}}, modern=number % 2 == 0)
            for number in range(20)
        ]
        quick = shim.call("echo", text="quick")
        assert text(quick) == "quick" and time.monotonic() - started < 1
        waiting = set(calls)
        while waiting:
            message = shim.read()
            waiting.discard(message["id"])
            assert "result" in message
        assert time.monotonic() - started < 5
        assert shim.end() == 0


def test_a_server_asks_and_the_client_answers(everything):
    with Shim(everything, "everything") as shim:
        shim.initialize(elicitation={}, sampling={})
        call = shim.begin("tools/call", {"name": "elicit", "arguments": {}})
        while (question := shim.read()).get("method") != "elicitation/create":
            pass
        answer = {"action": "accept", "content": {"colour": "green"}}
        shim.send({"jsonrpc": "2.0", "id": question["id"], "result": answer})
        assert "green" in text(shim.answer(call))


def test_what_is_cancelled_ends_at_the_server(world, everything):
    server = world.servers["everything"]

    def cancelled() -> int:
        return server.ask("counts").get("slow cancelled", 0)

    for modern in (False, True):
        with Shim(everything, "everything") as shim:
            if not modern:
                shim.initialize()
            before = cancelled()
            call = shim.begin("tools/call", {"name": "slow", "arguments": {"seconds": 20}}, modern=modern)
            time.sleep(0.5)
            shim.notify("notifications/cancelled", {"requestId": call})
            wait_for("the server to hear of it", lambda: cancelled() > before)
            # Nobody answers what was taken back, and the shim goes on.
            assert text(shim.call("echo", modern=modern, text="on")) == "on"
            assert all(each.get("id") != call for each in shim.seen)


def test_a_subscription_tells_of_changes_and_survives_the_agent(everything):
    with Shim(everything, "everything") as shim:
        listen = shim.begin(
            "subscriptions/listen", {"notifications": {"toolsListChanged": True, "resourceSubscriptions": ["note://shopping"]}},
            modern=True,
        )
        acknowledged = shim.read()
        assert acknowledged["method"] == "notifications/subscriptions/acknowledged"
        shim.call("write_note", modern=True, text="bread")
        updated = next(each for each in [*shim.seen, *(shim.read() for _ in range(1) if not shim.seen)] if "method" in each)
        assert updated["method"] == "notifications/resources/updated"

        everything.agent.kill()
        everything.start_agent()
        # It may have missed a change, so it is told to look; and is not told twice that it has subscribed.
        changed = shim.read()
        assert changed["method"] == "notifications/tools/list_changed"
        assert changed["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"] == listen
        shim.seen.clear()
        shim.call("write_note", modern=True, text="cheese")
        if not shim.seen:
            shim.seen.append(shim.read())
        assert [each["method"] for each in shim.seen] == ["notifications/resources/updated"]
        shim.notify("notifications/cancelled", {"requestId": listen})
        assert text(shim.call("echo", modern=True, text="on")) == "on"


@pytest.mark.parametrize("modern", [False, True], ids=["handshake", "modern"])
def test_the_agent_may_die_in_between(world, everything, modern):
    server = world.servers["everything"]
    with Shim(everything, "everything") as shim:
        if not modern:
            shim.initialize()
        assert text(shim.call("echo", modern=modern, text="before")) == "before"
        writes = server.ask("counts").get("slow", 0)
        call = shim.begin("tools/call", {"name": "slow", "arguments": {"seconds": 20}}, modern=modern)
        wait_for("the call to arrive", lambda: server.ask("counts").get("slow", 0) > writes)
        listed = shim.begin("tools/list", modern=modern)
        shim.answer(listed)
        everything.agent.kill()
        # It may have had an effect, and is not done twice; that is said.
        error = shim.answer(call)["error"]
        assert error["code"] == -31004 and error["data"]["reason"] == "agent_lost"
        assert "nobody knows whether this was done" in error["message"]
        # What is asked while nobody listens waits for the agent.
        waiting = [shim.begin("tools/list", modern=modern), shim.begin("tools/call", {"name": "echo", "arguments": {"text": "after"}}, modern=modern)]
        time.sleep(1)
        everything.start_agent()
        answers = {}
        while len(answers) < 2:
            message = shim.read()
            if message.get("id") in waiting:
                answers[message["id"]] = message
        assert answers[waiting[0]]["result"]["tools"]
        assert text(answers[waiting[1]]) == "after"
        assert server.ask("counts").get("slow", 0) == writes + 1
        wait_for("words about it", lambda: any("answers again" in each for each in shim.words))
        assert shim.end() == 0


def test_a_session_that_the_server_has_lost_is_begun_anew(world, everything):
    server = world.servers["everything"]
    with Shim(everything, "everything") as shim:
        shim.initialize()
        assert text(shim.call("echo", text="before")) == "before"
        server.process.kill()
        server.start()

        def answered() -> bool:
            return "result" in shim.call("echo", text="after")

        # The agent may have tried it a moment ago, and waits a little before it tries again.
        wait_for("the server to answer again", answered)


def test_no_agent_is_said_in_words(world):
    desk = world.desk("nobody", keyring=False)
    with Shim(desk, "everything") as shim:
        started = time.monotonic()
        error = shim.ask("initialize", INITIALIZE)["error"]
        assert 2 < time.monotonic() - started < 8
        assert error["code"] == -31004 and error["data"]["reason"] == "agent_not_running"
        assert "systemctl --user start doorward" in error["message"]
        assert error["data"]["command"] == "systemctl --user start doorward"
        # The client may try again, in either era.
        assert shim.ask("tools/list", modern=True)["error"]["data"]["reason"] == "agent_not_running"
        assert shim.end() == 0
        wait_for("words", lambda: len(shim.words) == 2)
        assert "The agent is not running" in shim.words[0] and "systemctl" in shim.words[1]


HOSTILE = [
    (b"{this is no JSON}\n", -32700, None),
    (b'{"jsonrpc":"2.0","id":7,"id":7,"method":"tools/list"}\n', -32600, None),
    (b'{"jsonrpc":"2.0","id":7,"method":"tools/list","Method":"tools/call","params":{}}\n', -32600, 7),
    (b'[{"jsonrpc":"2.0","id":7,"method":"tools/list"}]\n', -32600, None),
    (b'{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"a\\u0000"}}\n', -32600, 7),
    (b'{"jsonrpc":"2.0","id":"\xff","method":"tools/list"}\n', -32700, None),
    (b'{"jsonrpc":"2.0","id":7,"method":"no/such"}\n', -32601, 7),
    (b'{"jsonrpc":"2.0","method":"tools/call","params":{"name":"echo"}}\n', -32600, None),
]


@pytest.mark.parametrize(("line", "code", "id"), HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_lines_are_answered_and_nothing_breaks(everything, line, code, id):
    with Shim(everything, "everything") as shim:
        shim.initialize()
        shim.send(line)
        answer = shim.read()
        assert answer["error"]["code"] == code and answer["id"] == id
        shim.send(b"\n \r\n")
        assert text(shim.call("echo", text="on")) == "on"
        assert shim.end() == 0


def test_a_line_may_be_as_long_as_a_request_and_no_longer(everything):
    with Shim(everything, "everything") as shim:
        shim.initialize()
        long = "x" * 3_900_000
        assert text(shim.call("echo", text=long)) == long
        body = json.dumps({"jsonrpc": "2.0", "method": "tools/call", "params": {"name": "echo", "arguments": {"text": "x" * 5_000_000}}, "id": 77})
        writing = threading.Thread(target=shim.send, args=(body.encode() + b"\n",))
        writing.start()
        error = shim.answer(77)["error"]
        assert error["code"] == -32600 and "limits.body" in error["message"]
        # Of one that is longer still not even the id is looked for.
        writing.join()
        threading.Thread(target=shim.send, args=(b'{"a":"' + b"x" * 40_000_000 + b'"}\n',)).start()
        assert shim.read()["id"] is None
        assert text(shim.call("echo", text="on")) == "on"
        assert resident(shim.popen.pid) < 300


def resident(pid: int) -> float:
    """What a process has in memory, in MB."""
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:")) / 1024


def test_a_client_that_does_not_read_costs_no_memory(everything):
    with Shim(everything, "everything", reads=False) as shim:
        calls = {shim.begin("tools/call", {"name": "big", "arguments": {"size": 900_000}}, modern=True) for _ in range(50)}
        time.sleep(3)
        assert resident(shim.popen.pid) < 120
        shim.read_on()
        while calls:
            message = shim.read()
            assert len(message["result"]["content"][0]["text"]) == 900_000
            calls.discard(message["id"])


def test_it_ends_when_its_input_ends(world, everything):
    server = world.servers["everything"]
    with Shim(everything, "everything") as shim:
        shim.initialize()
        call = shim.begin("tools/call", {"name": "slow", "arguments": {"seconds": 1}})
        started = time.monotonic()
        shim.popen.stdin.close()
        # What is nearly done comes to its end; what is not is given up before a client would kill.
        assert text(shim.answer(call)) is not None
        assert shim.popen.wait(5) == 0 and time.monotonic() - started < 2
    with Shim(everything, "everything") as shim:
        shim.initialize()
        before = server.ask("counts").get("slow cancelled", 0)
        shim.begin("tools/call", {"name": "slow", "arguments": {"seconds": 20}}, modern=True)
        time.sleep(0.5)
        started = time.monotonic()
        assert shim.end() == 0 and time.monotonic() - started < 2
        wait_for("the server to hear of it", lambda: server.ask("counts").get("slow cancelled", 0) > before)


def test_it_ends_when_nobody_reads_what_it_says(everything):
    with Shim(everything, "everything", reads=False) as shim:
        shim.popen.stdout.close()
        shim.begin("server/discover", modern=True)
        assert shim.popen.wait(5) == 0


def test_bad_usage_is_said_before_anything_is_read(everything):
    assert everything.doorward("stdio", "No/Such", json=False, check=False).status == 2
    assert everything.doorward("stdio", "everything", "--client", "a b", json=False, check=False).status == 2


def test_an_unknown_server_is_said_in_words(everything):
    with Shim(everything, "nothing") as shim:
        error = shim.ask("initialize", INITIALIZE)["error"]
        assert "doorward servers" in error["message"]
        assert "error" in shim.ask("tools/list")
        assert "error" in shim.ask("tools/list", modern=True)


def test_one_process_is_one_conversation(world, everything, old, bearer):
    everything.add_server("alone", old.url, "--isolation", "per-session")
    everything.policy(OPEN_POLICY.replace("{ server: old,", "{ server: alone }\n      - { server: old,"))
    request = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": META}}
    headers = {
        "Authorization": bearer, "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/list",
        "Accept": "application/json, text/event-stream",
    }
    refused = http.request("POST", everything.url("alone"), body=request, headers=headers).json
    assert refused["error"]["data"]["reason"] == "no_thread"
    with Shim(everything, "alone") as one, Shim(everything, "alone") as other:
        for shim in (one, other):
            assert text(shim.call("echo", modern=True, text="alone")) == "alone"
            shim.initialize()
            assert text(shim.call("echo", text="alone")) == "alone"


@pytest.mark.parametrize("modern", [False, True], ids=["handshake", "modern"])
def test_without_an_alias_all_servers_are_there(everything, old, modern):
    with Shim(everything) as shim:
        if not modern:
            shim.initialize()
        names = {tool["name"] for tool in shim.ask("tools/list", modern=modern)["result"]["tools"]}
        assert {"everything__echo", "old__echo"} <= names
        for name in ("everything__echo", "old__echo"):
            assert text(shim.call(name, modern=modern, text="all")) == "all"
        assert shim.end() == 0


# VS Code can be configured with `unix:///path/to/agent.sock#/servers/ALIAS/mcp`: HTTP over the socket, `Host: localhost`.
def test_the_socket_speaks_http_as_vs_code_does(everything):
    socket = str(everything.home / "run" / "agent.sock")
    message = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": INITIALIZE}
    command = [
        "curl", "-s", "-i", "--unix-socket", socket, "http://localhost/servers/everything/mcp",
        "-H", "Content-Type: application/json", "-H", "Accept: application/json, text/event-stream",
        "-d", json.dumps(message),
    ]
    done = run(command, {"PATH": "/usr/bin:/bin"})
    head, _, body = done.stdout.partition("\n\n")
    assert head.startswith("HTTP/1.1 200")
    session = next(line.split(": ", 1)[1] for line in head.splitlines() if line.lower().startswith("mcp-session-id"))
    assert "protocolVersion" in body
    done = run(
        [*command[:-2], "-H", f"Mcp-Session-Id: {session}", "-H", "MCP-Protocol-Version: 2025-11-25", "-d",
         json.dumps({"jsonrpc": "2.0", "id": 2, "method": "tools/list"})],
        {"PATH": "/usr/bin:/bin"},
    )
    assert "echo" in done.stdout
    modern = {"jsonrpc": "2.0", "id": 3, "method": "tools/list", "params": {"_meta": META}}
    done = run(
        [*command[:-2], "-H", "MCP-Protocol-Version: 2026-07-28", "-H", "Mcp-Method: tools/list", "-d", json.dumps(modern)],
        {"PATH": "/usr/bin:/bin"},
    )
    assert "echo" in done.stdout
    # And all servers at once, as `unix:///path#/mcp`.
    command[command.index("http://localhost/servers/everything/mcp")] = "http://localhost/mcp"
    done = run(command, {"PATH": "/usr/bin:/bin"})
    assert done.stdout.startswith("HTTP/1.1 200") and "protocolVersion" in done.stdout
