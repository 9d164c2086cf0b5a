"""Clients and servers of different eras meet at the agent, with the official ones of both on either side; and the odd
answers by which real servers show their era."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from parts import http
from parts.processes import wait_for
from parts.shim import Shim
from parts.world import visit

POLICY = """\
version: 1
roles:
  all:
    grant:
      - {{ server: held }}
{grants}
bind:
  - {{ everyone: true, role: all }}
"""

DISCOVERED = {
    "resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}, "ttlMs": 0,
    "cacheScope": "private", "_meta": {"io.modelcontextprotocol/serverInfo": {"name": "odd", "version": "1"}},
}
INITIALIZED = {
    "protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "odd", "version": "1"},
}
TOOLS = {"tools": [{"name": "echo", "inputSchema": {"type": "object"}}]}
CALLED = {"content": [{"type": "text", "text": "ok"}]}


def ask(url: str, bearer: str, method: str, **more) -> dict:
    return http.rpc(url, bearer, method, **more).messages[-1]


class Session:
    """A session of the handshake era, by hand."""

    def __init__(self, url: str, bearer: str) -> None:
        self.url = url
        self.headers = {"Accept": "application/json, text/event-stream", "Authorization": bearer}
        params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "by-hand", "version": "1"}}
        self.initialized = self.ask("initialize", params)

    def ask(self, method: str, params: dict, id: int = 1) -> dict:
        message = {"jsonrpc": "2.0", "id": id, "method": method, "params": params}
        reply = http.request("POST", self.url, headers=self.headers, body=message)
        if session := reply.headers.get("mcp-session-id"):
            self.headers |= {"Mcp-Session-Id": session, "MCP-Protocol-Version": "2025-11-25"}
        return reply.messages[-1]


class Odd:
    """A server that answers as a test says: `answer` gets the message and the headers, and gives status, headers, body."""

    def __init__(self, answer) -> None:
        self.seen: list[tuple[str, dict]] = []
        odd = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                odd.seen.append((message.get("method", ""), message))
                self.give(*answer(message, self.headers))

            def do_GET(self) -> None:
                self.give(405, {}, b"")

            def do_DELETE(self) -> None:
                self.give(200, {}, b"")

            def give(self, status: int, headers: dict, body: bytes) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        # Its end is looked for so often.
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/mcp"

    def methods(self) -> list[str]:
        return [method for method, _ in self.seen]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def result(message: dict, value: dict, **headers: str) -> tuple[int, dict, bytes]:
    body = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": value}).encode()
    return 200, {"Content-Type": "application/json", **headers}, body


def error(status: int, code: int, id: object, **headers: str) -> tuple[int, dict, bytes]:
    body = json.dumps({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": "It is odd."}}).encode()
    return status, {"Content-Type": "application/json", **headers}, body


def handshake_server(refusal):
    """A server of the handshake era whose answer to what it does not know is `refusal`."""

    def answer(message: dict, headers) -> tuple[int, dict, bytes]:
        if headers.get("MCP-Protocol-Version") == "2026-07-28":
            return refusal(message)
        match message.get("method"):
            case "initialize":
                return result(message, INITIALIZED, **{"Mcp-Session-Id": "real"})
            case "tools/list" | "tools/call" if headers.get("Mcp-Session-Id") != "real":
                return error(404, -32600, "server-error")
            case "tools/list":
                return result(message, TOOLS)
            case "tools/call":
                return result(message, CALLED)
        return 202, {}, b""

    return answer


def modern_server(refusal):
    """A modern server whose answer to what it does not know is `refusal`."""

    def answer(message: dict, headers) -> tuple[int, dict, bytes]:
        match message.get("method"):
            case "server/discover":
                return result(message, DISCOVERED)
            case "tools/list":
                return result(message, {**TOOLS, "resultType": "complete", "ttlMs": 0, "cacheScope": "private"})
            case "tools/call":
                return result(message, {**CALLED, "resultType": "complete"})
        return refusal(message)

    return answer


REFUSALS = {
    "400-plain": lambda _: (400, {}, b"Bad Request: Unsupported MCP-Protocol-Version: 2026-07-28"),
    "400-new-session": lambda _: error(400, -32600, "server-error", **{"Mcp-Session-Id": "stray"}),
    "404": lambda _: (404, {"Content-Type": "text/plain"}, b"Not Found"),
    "405": lambda _: (405, {}, b""),
    "406": lambda _: (406, {}, b""),
    "415": lambda _: (415, {}, b""),
    "method-at-200": lambda message: error(200, -32601, message["id"]),
    "params": lambda message: error(400, -32602, message["id"]),
    "method-at-404": lambda message: error(404, -32601, message["id"]),
}


@pytest.fixture(scope="module")
def odd(desk):
    servers: list[Odd] = []
    grants: list[str] = ["everything", "old", "new", "late"]
    desk.policy(policy(grants))

    def make(alias: str, answer, *more: str) -> Odd:
        server = Odd(answer)
        servers.append(server)
        desk.add_server(alias, server.url, *more)
        grants.append(alias)
        desk.policy(policy(grants))
        return server

    yield make
    for server in servers:
        server.close()


def policy(aliases: list[str]) -> str:
    return POLICY.format(
        grants="\n".join(f"      - {{ server: {each}, server_requests: [elicitation, sampling, roots] }}" for each in aliases)
    )


def ends(desk, alias: str) -> list[str]:
    """The outcomes of the calls to a server, in their order."""
    records = desk.records("--server", alias)
    return [each["out"]["is"] for each in records if each["kind"] == "call.end"]


@pytest.mark.parametrize("kind", list(REFUSALS))
def test_a_server_that_refuses_server_discover_is_one_of_the_handshake_era(desk, bearer, odd, kind):
    alias = f"old-{kind}"
    server = odd(alias, handshake_server(REFUSALS[kind]))
    found = ask(desk.url(alias), bearer, "server/discover")
    assert found["result"]["supportedVersions"] == ["2026-07-28"], found
    assert found["result"]["_meta"]["io.modelcontextprotocol/serverInfo"]["name"] == "odd"
    called = http.call(desk.url(alias), bearer, "echo", {})
    assert called["result"]["content"] == CALLED["content"]
    assert called["result"]["resultType"] == "complete"
    # One session, begun once, with the id of the answer to initialize; and no call that failed.
    assert server.methods().count("initialize") == 1
    assert ends(desk, alias) == ["ok", "ok"]


@pytest.mark.parametrize("kind", list(REFUSALS))
def test_a_server_that_refuses_initialize_is_asked_whether_it_is_a_modern_one(desk, bearer, odd, kind):
    alias = f"new-{kind}"
    odd(alias, modern_server(REFUSALS[kind]))
    session = Session(desk.url(alias), bearer)
    assert session.initialized["result"]["protocolVersion"] == "2025-11-25"
    called = session.ask("tools/call", {"name": "echo", "arguments": {}})
    assert called["result"] == CALLED
    assert set(ends(desk, alias)) == {"ok"}


def test_a_first_call_does_not_run_under_the_rules_of_another_era(desk, bearer, odd):
    """A stateless server of the handshake era would do what a modern client asks, version header or not."""

    def answer(message: dict, headers) -> tuple[int, dict, bytes]:
        if message.get("method") == "server/discover":
            return error(200, -32601, message["id"])
        return handshake_server(lambda it: result(it, {"content": [{"type": "text", "text": "wrong era"}]}))(message, headers)

    server = odd("eager", answer)
    called = http.call(desk.url("eager"), bearer, "echo", {})
    assert called["result"]["content"] == CALLED["content"]
    assert server.methods()[:2] == ["server/discover", "initialize"]


@pytest.mark.parametrize("real", [handshake_server, modern_server])
@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
def test_outages_and_credentials_are_no_evidence(desk, bearer, odd, status, real):
    alias = f"out-{status}-{real.__name__[:3]}"
    broken = [True]

    def answer(message: dict, headers) -> tuple[int, dict, bytes]:
        if broken[0]:
            return status, {"Content-Type": "text/plain"}, b"Not now."
        return real(REFUSALS["404"])(message, headers)

    odd(alias, answer)
    for refused in (ask(desk.url(alias), bearer, "server/discover"), http.call(desk.url(alias), bearer, "echo", {})):
        assert refused["error"]["code"] in (-31003, -31004), refused
    broken[0] = False
    called = http.call(desk.url(alias), bearer, "echo", {})
    assert called["result"]["content"] == CALLED["content"], called


def test_calls_that_come_at_once_wait_for_one_question(desk, bearer, odd):
    def answer(message: dict, headers) -> tuple[int, dict, bytes]:
        if message.get("method") == "server/discover":
            time.sleep(0.5)
        return modern_server(REFUSALS["404"])(message, headers)

    server = odd("crowded", answer)
    with ThreadPoolExecutor(20) as pool:
        called = list(pool.map(lambda _: http.call(desk.url("crowded"), bearer, "echo", {}), range(20)))
    assert all(each["result"]["content"] == CALLED["content"] for each in called)
    assert server.methods().count("server/discover") == 1


def test_what_was_found_out_outlives_the_agent_and_a_pin_outweighs_it(desk, bearer, odd):
    server = odd("kept", handshake_server(REFUSALS["405"]))
    http.call(desk.url("kept"), bearer, "echo", {})
    time.sleep(1.5)
    desk.stop_agent()
    desk.start_agent()
    before = server.methods().count("server/discover")
    http.call(desk.url("kept"), bearer, "echo", {})
    assert server.methods().count("server/discover") == before
    pinned = odd("pinned", handshake_server(REFUSALS["405"]), "--era", "handshake")
    http.call(desk.url("pinned"), bearer, "echo", {})
    assert "server/discover" not in pinned.methods()


# What differs between the eras themselves, or is the library's own doing and no loss on the way.
OF_THE_ERA = {"protocol", "capabilities", "server", "level", "ping", "subscribe", "unsubscribe", "cancelled"}
# Errors whose codes are the era's own.
OF_THE_ERA |= {"no resource", "no prompt"}


# What a modern result says beside what was asked for.
OF_MODERN_RESULTS = {"_meta", "ttlMs", "cacheScope", "resultType"}


def same(through: dict, direct: dict) -> dict:
    """What differs, but for what the eras themselves make different."""

    def plain(value: object) -> object:
        if not isinstance(value, dict):
            return value
        return {name: each for name, each in value.items() if name not in OF_MODERN_RESULTS}

    return {
        name: (through.get(name), direct.get(name))
        for name in sorted((through.keys() | direct.keys()) - OF_THE_ERA)
        if plain(through.get(name)) != plain(direct.get(name))
    }


@pytest.fixture(scope="module")
def old(world, desk):
    server = world.server("old", "handshake_server", environment="handshake")
    desk.add_server("old", server.url)
    return server


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["2026-07-28", "auto"])
def test_a_modern_client_meets_a_server_of_the_handshake_era(desk, bearer, odd, old, mode):
    server = old
    through = visit("modern", mode, desk.url("old"), bearer)
    direct = visit("modern", "legacy", server.url, None)
    assert through["protocol"] == "2026-07-28"
    assert same(through, direct) == {}


def test_a_subscription_is_acknowledged_once_nothing_of_it_is_lost(world, desk, bearer, odd):
    """A server of the handshake era says what belongs to no request on a stream alone, which may open late."""
    server = world.server("late", "handshake_server", "--late", "1", environment="handshake")
    desk.add_server("late", server.url, "--era", "handshake")
    with Shim(desk, "late") as shim:
        shim.begin("subscriptions/listen", {"notifications": {"resourceSubscriptions": ["note://shopping"]}}, modern=True)
        assert shim.read()["method"] == "notifications/subscriptions/acknowledged"
        shim.call("write_note", modern=True, text="bread")
        updated = shim.seen[0] if shim.seen else shim.read()
        assert updated["method"] == "notifications/resources/updated"
        assert updated["params"]["uri"] == "note://shopping"


def test_an_address_that_has_to_be_opened_first_is_asked_for_and_the_call_made_again(desk, bearer, odd, old):
    meta = {"io.modelcontextprotocol/clientCapabilities": {"elicitation": {"url": {}}}}
    params = {"name": "page_first", "arguments": {}, "_meta": meta}
    asked = ask(desk.url("old"), bearer, "tools/call", params=params)["result"]
    (key, question), = asked["inputRequests"].items()
    assert question["params"] == {"mode": "url", "message": "Sign in first", "url": "https://pages.example/2"}
    answers = {"inputResponses": {key: {"action": "accept"}}, "requestState": asked["requestState"]}
    done = ask(desk.url("old"), bearer, "tools/call", params=params | answers)
    assert done["result"]["content"][0]["text"] == "the page was opened"


def test_what_the_policy_does_not_let_a_server_ask_ends_the_call_at_once(desk, bearer, odd, old):
    desk.add_server("held", old.url, "--era", "handshake")
    meta = {"io.modelcontextprotocol/clientCapabilities": {"sampling": {}, "elicitation": {"form": {}}}}
    refused = ask(desk.url("held"), bearer, "tools/call", params={"name": "sample", "arguments": {}, "_meta": meta})
    assert refused["error"]["code"] == -31001, refused
    wait_for("the server to hear of it", lambda: old.ask("counts").get("sample unanswered") == 1)
    # Elicitation passes without a word in the grant.
    asked = ask(desk.url("held"), bearer, "tools/call", params={"name": "elicit", "arguments": {}, "_meta": meta})
    assert asked["result"]["resultType"] == "input_required"


@pytest.mark.slow
def test_a_handshake_client_meets_a_modern_server(world, desk, bearer, odd):
    server = world.server("new", "mcp_server")
    desk.add_server("new", server.url, "--era", "modern")
    for client in ("handshake", "modern"):
        through = visit(client, "legacy", desk.url("new"), bearer)
        direct = visit(client, "legacy", server.url, None)
        assert same(through, direct) == {}
