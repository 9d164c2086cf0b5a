"""One endpoint for all servers: official clients of both eras with several real servers, one dead, one that hangs, one that
wants a sign-in."""

import json
import socket
import subprocess
import threading
import time

import pytest
from parts import http
from parts.processes import wait_for
from parts.world import CLIENTS, free_port, python

PLAN = [
    ["server", "server"], ["tools", "tools"], ["echo of new", "call", "new__echo", {"text": "one"}],
    ["echo of old", "call", "old__echo", {"text": "two"}], ["both at once", "several", "new__get_me", "new__get_me"],
    ["progress", "call", "old__progress", {"steps": 3}], ["ask", "call", "new__elicit", {}],
    ["ask of old", "call", "old__elicit", {}], ["sample", "call", "new__sample", {}],
    ["resources", "resources"], ["templates", "templates"], ["read new", "read", "doorward+new:note://shopping"],
    ["read old", "read", "doorward+old:note://shopping"], ["fill in", "read", "doorward+new:greeting://Ann"],
    ["prompts", "prompts"], ["prompt", "prompt", "old__review", {"topic": "tea"}],
    ["complete", "complete", {"type": "ref/prompt", "name": "new__review"}, {"name": "topic", "value": "te"}],
    [
        "complete a template", "complete", {"type": "ref/resource", "uri": "doorward+old:greeting://{name}"},
        {"name": "name", "value": "An"},
    ],
    ["sign in", "call", "shut__sign_in", {}], ["shut", "call", "shut__echo", {"text": "x"}],
    ["denied", "call", "new__delete_thing", {"name": "x"}], ["nonsense", "call", "echo", {"text": "x"}],
    ["foreign", "read", "note://shopping"],
]


def take(client: str, url: str, bearer: str, plan: list) -> dict:
    """The transcript of an official client that takes these steps."""
    done = subprocess.run(
        [str(python(client)), str(CLIENTS / f"conformance_{client}.py"), url], input=json.dumps(plan), text=True,
        capture_output=True, timeout=170,
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "MCP_AUTHORIZATION": bearer, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    transcript = json.loads(done.stdout)
    assert "end" not in transcript, (transcript["end"], done.stderr[-2000:])
    return transcript


class Hanging:
    """Takes every connection and says nothing."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.kept: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            self.kept.append(self.listener.accept()[0])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}/mcp"


def policy(*aliases: str, more: str = "") -> str:
    grants = "\n".join(f"      - {{ server: {alias}, server_requests: [elicitation, sampling] }}" for alias in aliases)
    return (
        f"version: 1\nroles:\n  all:\n    grant:\n{grants}\nbind:\n  - {{ everyone: true, role: all }}\n"
        f'forbid:\n  - {{ tools: ["delete_*"], because: "deletions go through review" }}\n{more}'
    )


ALIASES = ["new", "old", "shut", "dead", "hangs"]


@pytest.fixture(scope="module")
def servers(world, desk):
    authorization = world.server("authorization", "authorization_server")
    desk.add_server("new", world.server("new", "mcp_server").url)
    desk.add_server("old", world.server("old", "handshake_server", environment="handshake").url)
    shut = world.server("shut", "mcp_server", "--issuer", authorization.facts["issuer"])
    desk.add_server("shut", shut.url, "--auth", "oauth")
    desk.add_server("dead", f"http://127.0.0.1:{free_port()}/mcp")
    desk.add_server("hangs", Hanging().url)
    desk.policy(policy(*ALIASES))
    return world.servers


@pytest.fixture(scope="module")
def everything_url(desk, servers):
    url = desk.doorward("client", "add", "one-endpoint").json["mcp_url"]
    assert url == f"http://{desk.listen}/mcp"
    return url


@pytest.mark.parametrize("client", ["modern", "handshake"])
def test_official_clients_use_all_servers_through_one_endpoint(servers, desk, bearer, everything_url, client):
    seen = take(client, everything_url, bearer, PLAN)
    outcome = {name: each["outcome"] for name, each in seen.items()}

    # A client that is told which revision to use does not ask for it.
    if client == "handshake":
        assert outcome["server"]["capabilities"]["tools"]["listChanged"] is True
    names = [tool["name"] for tool in outcome["tools"]["tools"]]
    assert "nextCursor" not in outcome["tools"]
    assert [name for name in names if name.startswith("new__")] and [name for name in names if name.startswith("old__")]
    assert names == sorted(names, key=lambda name: name.split("__")[0]), "in the order of the aliases"
    assert "shut__sign_in" in names and not any(name.startswith(("dead__", "hangs__")) for name in names)
    assert not any("delete" in name for name in names)

    def text(name: str) -> str:
        return outcome[name]["content"][0]["text"]

    assert text("echo of new") == "one" and text("echo of old") == "two"
    assert [each["content"][0]["text"] for each in outcome["both at once"]] == ["ann", "ann"]
    assert [told for told in seen["progress"]["told"] if isinstance(told, list)] == [
        [1, 3, "step 1"], [2, 3, "step 2"], [3, 3, "step 3"]
    ]
    assert text("ask").startswith("the user likes") and text("ask of old").startswith("the user likes")
    # The user sees who asks.
    assert seen["ask"]["asked"][0]["message"].startswith("new: ")
    assert seen["ask of old"]["asked"][0]["message"].startswith("old: ")
    assert text("sample") == "the model says Paris"
    assert [each["uri"] for each in outcome["resources"]["resources"]] == [
        "doorward+new:note://shopping", "doorward+old:note://shopping"
    ]
    templates = [each["uriTemplate"] for each in outcome["templates"]["resourceTemplates"]]
    assert templates == ["doorward+new:greeting://{name}", "doorward+old:greeting://{name}"]
    assert outcome["read new"]["contents"][0] == {
        "uri": "doorward+new:note://shopping", "mimeType": "text/plain", "text": "milk"
    } | {key: value for key, value in outcome["read new"]["contents"][0].items() if key == "_meta"}
    assert outcome["read old"]["contents"][0]["uri"] == "doorward+old:note://shopping"
    assert outcome["fill in"]["contents"][0]["text"] == "Hello Ann"
    assert [each["name"] for each in outcome["prompts"]["prompts"]] == ["new__review", "old__review"]
    assert outcome["prompt"]["messages"][0]["content"]["text"] == "Please review tea."
    assert outcome["complete"]["completion"]["values"] == ["tea", "teapot"]
    assert outcome["complete a template"]["completion"]["values"] == ["Ann", "Anna"]
    assert "doorward connect shut" in text("sign in")
    assert outcome["shut"]["error"]["code"] == -31003
    assert outcome["denied"]["error"]["code"] == -31001
    assert outcome["nonsense"]["error"]["code"] == -32602
    assert outcome["foreign"]["error"]["code"] in (-32602, -32002)


def test_what_goes_to_a_server_is_on_record_as_its_own(servers, desk, bearer, everything_url):
    before = len(desk.records())
    assert http.call(everything_url, bearer, "new__add", {"a": 1, "b": 2})["result"]["content"][0]["text"] == "3"
    new = [each for each in desk.records()[before:] if each.get("method") == "tools/call"]
    assert [(each["kind"], each["srv"], each["tool"]) for each in new] == [
        ("call.begin", "new", "add"), ("call.end", "new", "add")
    ]


def test_a_list_waits_for_no_server_that_hangs_or_is_dead(servers, desk, everything_url):
    bearer = desk.client("patient")
    times = []
    for _ in range(4):
        began = time.monotonic()
        answer = http.rpc(everything_url, bearer, "tools/list").json["result"]
        times.append(time.monotonic() - began)
        assert any(tool["name"] == "new__echo" for tool in answer["tools"])
    assert times[0] < 3, times
    assert max(times[1:]) < 1, times


def test_a_server_that_is_down_is_shown_as_it_was(servers, desk, everything_url):
    bearer = desk.client("loyal")

    def names() -> list[str]:
        return [tool["name"] for tool in http.rpc(everything_url, bearer, "tools/list").json["result"]["tools"]]

    assert "old__echo" in names()
    servers["old"].process.stop()
    try:
        time.sleep(6)
        assert "old__echo" in names()
        answer = http.call(everything_url, bearer, "old__echo", {"text": "x"})
        assert answer["error"]["code"] == -31004
        assert http.call(everything_url, bearer, "new__get_me")["result"]["content"][0]["text"] == "ann"
    finally:
        servers["old"].start()
    wait_for(
        "the server to be called again",
        lambda: "result" in http.call(everything_url, bearer, "old__echo", {"text": "x"}), 30,
    )


def test_a_sign_in_makes_tools_of_the_helper(servers, desk, everything_url):
    bearer = desk.client("signer")
    listing = lambda: [t["name"] for t in http.rpc(everything_url, bearer, "tools/list").json["result"]["tools"]]  # noqa: E731
    assert "shut__sign_in" in listing()
    desk.connect("shut")
    names = listing()
    assert "shut__echo" in names and "shut__sign_in" not in names
    assert http.call(everything_url, bearer, "shut__echo", {"text": "in"})["result"]["content"][0]["text"] == "in"
    desk.doorward("disconnect", "shut")
    assert "shut__sign_in" in listing()


LISTEN = """
import asyncio, os, sys, time
import httpx2
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client

async def main():
    async with httpx2.AsyncClient(headers={"Authorization": os.environ["MCP_AUTHORIZATION"]}, timeout=30) as client:
        async with Client(streamable_http_client(sys.argv[1], http_client=client), mode="2026-07-28") as session:
            async with session.listen(
                tools_list_changed=True, resource_subscriptions=["doorward+new:note://shopping"]
            ) as events:
                await asyncio.sleep(1)
                await session.call_tool("new__write_note", {"text": "bread"})
                print("listening", flush=True)
                async for event in events:
                    print(type(event).__name__, getattr(event, "uri", ""), flush=True)

asyncio.run(asyncio.wait_for(main(), 25))
"""


def test_one_stream_brings_what_all_servers_say_and_what_the_policy_changes(servers, desk, bearer, everything_url):
    listener = subprocess.Popen(
        [str(python("modern")), "-c", LISTEN, everything_url], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "MCP_AUTHORIZATION": bearer},
    )
    try:
        assert listener.stdout is not None
        lines = []
        while "listening" not in lines or len(lines) < 2:
            lines.append(listener.stdout.readline().strip())
            assert lines[-1], lines
        assert any(line.endswith("doorward+new:note://shopping") for line in lines), lines
        desk.policy(policy("new", "shut", "dead", "hangs"))
        assert "ToolsListChanged" in listener.stdout.readline()
    finally:
        listener.kill()
        desk.policy(policy(*ALIASES))


def test_a_session_outlives_the_agent(servers, desk, bearer, everything_url):
    headers = {"Authorization": bearer, "Accept": "application/json, text/event-stream"}
    version = {"MCP-Protocol-Version": "2025-11-25"}

    def ask(method: str, params: dict, **more: str) -> http.Reply:
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return http.request("POST", everything_url, headers | more, message)

    begun = ask(
        "initialize", {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    )
    session = {"Mcp-Session-Id": begun.headers["mcp-session-id"]}
    assert begun.json["result"]["protocolVersion"] == "2025-11-25"
    assert "## new" in begun.json["result"]["instructions"]
    call = {"name": "old__echo", "arguments": {"text": "still here"}}
    first = ask("tools/call", call, **session, **version)
    assert first.messages[-1]["result"]["content"][0]["text"] == "still here"
    desk.stop_agent()
    desk.start_agent()
    again = ask("tools/call", call, **session, **version)
    assert again.messages[-1]["result"]["content"][0]["text"] == "still here", again
    # Nobody else's, and gone once it is ended.
    other = {"Authorization": desk.client("thief")}
    assert http.request("POST", everything_url, headers | session | version | other, {
        "jsonrpc": "2.0", "id": 1, "method": "tools/list"
    }).status == 404
    assert http.request("DELETE", everything_url, headers | session | version).status == 204
    assert ask("tools/list", {}, **session, **version).status == 404


def test_of_twenty_servers_one_that_hangs_changes_nothing_for_the_others(world, desk, servers, bearer, everything_url):
    twenty = [f"s{number}" for number in range(19)]
    for alias in twenty:
        desk.doorward("admin", "servers", "add", alias, "--url", servers["new"].url, "--allow-loopback")
    wait_for("the servers to arrive", lambda: set(twenty) <= set(desk.servers()))

    def median(aliases: list[str]) -> float:
        desk.policy(policy(*aliases))
        http.rpc(everything_url, bearer, "tools/list")
        times = []
        for number in range(60):
            began = time.monotonic()
            answer = http.call(everything_url, bearer, f"{twenty[number % 19]}__get_me")
            times.append(time.monotonic() - began)
            assert answer["result"]["content"][0]["text"] == "ann"
            if number % 10 == 0:
                threading.Thread(
                    target=lambda: http.rpc(everything_url, bearer, "tools/list", seconds=10), daemon=True
                ).start()
        return sorted(times)[len(times) // 2]

    try:
        alone, beside = median(twenty), median([*twenty, "hangs"])
        assert beside < 2 * alone + 0.01, (alone, beside)
    finally:
        desk.policy(policy(*ALIASES))
