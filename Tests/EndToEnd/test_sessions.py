"""Sessions of the agent's own: what a server loses, what a call may have done, and conversations that are kept apart."""

import threading

import pytest
from parts import http
from parts.processes import wait_for
from parts.world import visit

POLICY = "version: 1\nroles: { all: { grant: [%s] } }\nbind: [{ everyone: true, role: all }]\n"
ACCEPT = "application/json, text/event-stream"
META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}
INITIALIZE = {
    "jsonrpc": "2.0", "id": 1, "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}},
}


@pytest.fixture(scope="module")
def old(world, desk):
    server = world.server("old", "handshake_server", environment="handshake")
    desk.add_server("old", server.url)
    return server


@pytest.fixture(scope="module")
def apart(world, desk, everything):
    desk.add_server("apart", world.servers["everything"].url, "--isolation", "per-session")
    desk.policy(POLICY % "{ server: old }, { server: apart }")
    return world.servers["everything"]


class Raw:
    """A client that shows every header."""

    def __init__(self, desk, bearer: str, alias: str) -> None:
        self.url = desk.url(alias)
        self.headers = {"Authorization": bearer, "Accept": ACCEPT}

    def post(self, body: dict, **headers: str) -> http.Reply:
        return http.request("POST", self.url, self.headers | headers, body, seconds=30)

    def begin(self) -> str:
        reply = self.post(INITIALIZE)
        assert reply.status == 200, reply
        self.headers |= {"Mcp-Session-Id": reply.headers["mcp-session-id"], "MCP-Protocol-Version": "2025-11-25"}
        assert self.post({"jsonrpc": "2.0", "method": "notifications/initialized"}).status == 202
        return reply.headers["mcp-session-id"]

    def call(self, tool: str, **arguments) -> dict:
        body = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
        return self.post(body).messages[-1]


def test_an_id_is_the_agents_own(desk, bearer, old, apart):
    first, second = Raw(desk, bearer, "old"), Raw(desk, bearer, "old")
    ids = {first.begin(), second.begin()}
    assert len(ids) == 2
    for id in ids:
        assert len(id) == 32 and set(id) <= set("0123456789abcdef")
        # The server has never heard of it.
        headers = {"Accept": ACCEPT, "Mcp-Session-Id": id, "MCP-Protocol-Version": "2025-11-25"}
        assert http.request("POST", old.url, headers, {"jsonrpc": "2.0", "id": 1, "method": "ping"}).status == 404
    assert first.call("echo", text="x")["result"]["content"][0]["text"] == "x"


def test_a_call_that_may_have_been_done_is_not_repeated(desk, bearer, old, apart):
    client = Raw(desk, bearer, "old")
    client.begin()
    answers = []
    calling = threading.Thread(target=lambda: answers.append(client.call("slow", seconds=20)))
    calling.start()
    wait_for("the call to arrive", lambda: old.ask("counts").get("slow"))
    old.process.kill()
    old.restart()
    calling.join(20)
    error = answers[0]["error"]
    assert error["code"] == -31004, error
    assert "may have done" in error["message"]
    # It goes on in another session, of which the client does not know; and the tool was not run again.
    answer = client.call("echo", text="on")
    assert answer.get("result", answer)["content"][0]["text"] == "on"
    assert old.ask("counts").get("slow", 0) == 0


def test_a_session_ends_where_its_client_ends_it(desk, bearer, old, apart):
    client = Raw(desk, bearer, "old")
    client.begin()
    assert http.request("DELETE", client.url, client.headers).status in (200, 204)
    assert client.post({"jsonrpc": "2.0", "id": 1, "method": "ping"}).status == 404
    assert http.request("DELETE", client.url, client.headers).status == 404


def modern(desk, bearer: str, path: str) -> dict:
    headers = {
        "Authorization": bearer, "Accept": ACCEPT, "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call",
        "Mcp-Name": "echo",
    }
    params = {"name": "echo", "arguments": {"text": "hi"}, "_meta": META}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    reply = http.request("POST", f"http://{desk.listen}{path}", headers, body)
    assert reply.status in (200, 404), reply
    return reply.messages[-1]


def test_conversations_are_kept_apart(desk, bearer, apart):
    refused = modern(desk, bearer, "/servers/apart/mcp")["error"]
    assert (refused["code"], refused["data"]["reason"]) == (-31001, "no_thread")
    assert "/threads/ID/mcp" in refused["message"]
    denied = [each for each in desk.doorward("audit", "tail", json=True).lines if each["kind"] == "call.deny"]
    assert denied[-1]["dec"]["reason"] == "no_thread"
    answer = modern(desk, bearer, "/servers/apart/threads/talk-1/mcp")
    assert answer["result"]["content"][0]["text"] == "hi"
    for path in ["/servers/apart/threads//mcp", "/servers/apart/threads/a.b/mcp", f"/servers/apart/threads/{'x' * 65}/mcp"]:
        assert http.request("POST", f"http://{desk.listen}{path}", {"Authorization": bearer}, {}).status == 404


def test_clients_that_know_no_thread_get_along_with_a_handshake(desk, bearer, apart):
    # What is refused to its first question makes the newer SDK begin a session, which is a conversation.
    assert visit("modern", "auto", desk.url("apart"), bearer)["protocol"] == "2025-11-25"
    thread = desk.url("apart").removesuffix("/mcp") + "/threads/t1/mcp"
    assert visit("modern", "auto", thread, bearer)["protocol"] == "2026-07-28"


def test_isolation_is_one_of_three_words(desk):
    answer = desk.doorward(
        "admin", "servers", "add", "odd", "--url", "http://127.0.0.1:9/mcp", "--allow-loopback", "--isolation", "none",
        check=False,
    )
    assert answer.status == 2
