"""The scenarios that are about the wire itself, spoken byte by byte."""

import contextlib
import json
import socket
from dataclasses import dataclass
from typing import Any

from .. import http
from ..http import Reply

MODERN, OLD = "2026-07-28", "2025-11-25"
PREFIX = "io.modelcontextprotocol/"
ALL = {"elicitation": {"form": {}, "url": {}}, "sampling": {}, "roots": {}}


@dataclass
class Wire:
    """A server's endpoint as a client of one era sees it."""

    url: str
    authorization: str

    def modern(
        self, method: str, params: dict[str, Any] | None = None, headers: dict[str, str | None] | None = None,
        capabilities: dict[str, Any] | None = None, meta: dict[str, Any] | None = None, id: Any = 7,
    ) -> Reply:
        """One request; a header that is None is left out."""
        envelope = {f"{PREFIX}protocolVersion": MODERN, f"{PREFIX}clientInfo": {"name": "t", "version": "1"}}
        envelope[f"{PREFIX}clientCapabilities"] = ALL if capabilities is None else capabilities
        envelope |= meta or {}
        params = {**(params or {}), "_meta": {key: each for key, each in envelope.items() if each is not None}}
        name = params.get("name") or params.get("uri") or params.get("taskId")
        fields: dict[str, str | None] = {
            "Accept": "application/json, text/event-stream", "MCP-Protocol-Version": MODERN, "Mcp-Method": method,
            "Authorization": self.authorization, "Mcp-Name": name, **(headers or {}),
        }
        body = {"jsonrpc": "2.0", "id": id, "method": method, "params": params}
        return http.request("POST", self.url, {key: each for key, each in fields.items() if each is not None}, body)

    def call(self, name: str, arguments: dict[str, Any] | None = None, **more: Any) -> Reply:
        params = {"name": name, "arguments": arguments or {}, **{key: more.pop(key) for key in list(more) if key in (
            "inputResponses", "requestState")}}
        return self.modern("tools/call", params, **more)

    def old(self, message: dict[str, Any], session: str | None = None, method: str = "POST") -> Reply:
        fields = {"Accept": "application/json, text/event-stream", "Authorization": self.authorization}
        if session:
            fields |= {"Mcp-Session-Id": session, "MCP-Protocol-Version": OLD}
        return http.request(method, self.url, fields, message or None)

    def begin(self) -> str:
        """A session of the handshake era."""
        params = {"protocolVersion": OLD, "capabilities": ALL, "clientInfo": {"name": "t", "version": "1"}}
        reply = self.old({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params})
        assert reply.status == 200, reply
        session = reply.headers["mcp-session-id"]
        assert self.old({"jsonrpc": "2.0", "method": "notifications/initialized"}, session).status == 202
        return session


def final(reply: Reply) -> dict[str, Any]:
    return [each for each in reply.messages if "id" in each][-1]


def result(reply: Reply) -> dict[str, Any]:
    assert reply.status == 200 and "result" in final(reply), (reply.status, reply.body[:500])
    return final(reply)["result"]


def refused(reply: Reply, status: int, code: int) -> dict[str, Any]:
    assert reply.status == status, (reply.status, reply.body[:500])
    error = final(reply)["error"]
    assert error["code"] == code, error
    return error


def stateless(wire: Wire) -> None:
    found = result(wire.modern("server/discover", id="text-id"))
    assert MODERN in found["supportedVersions"] and "tools" in found["capabilities"]
    assert found["resultType"] == "complete" and found["_meta"][f"{PREFIX}serverInfo"]["name"]
    assert final(wire.modern("tools/list", id="text-id"))["id"] == "text-id"
    refused(wire.modern("no/such/method"), 404, -32601)
    for method in ("ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"):
        refused(wire.modern(method), 404, -32601)
    refused(wire.modern("tools/list", meta={f"{PREFIX}clientCapabilities": None}), 400, -32602)
    error = refused(wire.modern("tools/list", headers={"MCP-Protocol-Version": "1999-01-01"}, meta={
        f"{PREFIX}protocolVersion": "1999-01-01"}), 400, -32022)
    assert MODERN in error["data"]["supported"] and error["data"]["requested"] == "1999-01-01"
    error = refused(wire.call("test_missing_capability", capabilities={}), 400, -32021)
    assert "sampling" in error["data"]["requiredCapabilities"]
    assert "mcp-session-id" not in wire.modern("tools/list").headers
    # What was not asked for is not told: no log without a level, no progress without a token.
    assert len(wire.call("test_tool_with_logging").messages) == 1
    told = wire.call("test_tool_with_logging", meta={f"{PREFIX}logLevel": "debug"}).messages
    assert [each.get("method") for each in told] == ["notifications/message"] * 3 + [None], told
    for message in told:
        assert "id" not in message or "method" not in message, "a server asks nothing of its own accord"
    listened(wire)


def listened(wire: Wire) -> None:
    """The first event of a subscription says what of it the server takes, under the id of the request."""
    body = json.dumps({"jsonrpc": "2.0", "id": 77, "method": "subscriptions/listen", "params": {
        "notifications": {"toolsListChanged": True, "unheardOf": True},
        "_meta": {f"{PREFIX}protocolVersion": MODERN, f"{PREFIX}clientInfo": {"name": "t", "version": "1"},
                  f"{PREFIX}clientCapabilities": {}}}}).encode()
    host, _, path = wire.url.removeprefix("http://").partition("/")
    address, port = host.split(":")
    with socket.create_connection((address, int(port)), timeout=10) as connection:
        connection.sendall(
            f"POST /{path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: {wire.authorization}\r\nContent-Type: application/json\r\n"
            f"Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: {MODERN}\r\nMcp-Method: subscriptions/listen\r\n"
            f"Content-Length: {len(body)}\r\n\r\n".encode() + body
        )
        seen = b""
        connection.settimeout(5)
        with contextlib.suppress(TimeoutError):
            while b"acknowledged" not in seen or not seen.endswith((b"\n\n", b"\n\r\n", b"\r\n")):
                data = connection.recv(65_536)
                assert data, seen
                seen += data
    line = next(each for each in seen.decode().splitlines() if each.startswith("data:"))
    message = json.loads(line[5:])
    assert message["method"] == "notifications/subscriptions/acknowledged"
    assert message["params"]["notifications"] == {"toolsListChanged": True}
    assert message["params"]["_meta"][f"{PREFIX}subscriptionId"] == 77


def rebinding(wire: Wire) -> None:
    for fields in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}):
        reply = http.request("POST", wire.url, {"Authorization": wire.authorization, **fields}, {"jsonrpc": "2.0"})
        assert 400 <= reply.status < 500, reply.status
    good = http.request("POST", wire.url, {
        "Authorization": wire.authorization, "Accept": "application/json, text/event-stream",
        "Origin": "/".join(wire.url.split("/")[:3]),
    }, {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": OLD, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}})
    assert good.status not in (403, 421), good.status


def caching(wire: Wire) -> None:
    for method in ("server/discover", "tools/list", "prompts/list", "resources/list", "resources/templates/list"):
        hints(result(wire.modern(method)))
    hints(result(wire.modern("resources/read", {"uri": "test://static-text"})))
    first = result(wire.call("test_input_required_result_elicitation"))
    assert first["resultType"] == "input_required" and "ttlMs" not in first


def hints(found: dict[str, Any]) -> None:
    assert isinstance(found["ttlMs"], int) and found["ttlMs"] >= 0 and found["cacheScope"] in ("public", "private"), found


ASKING = "test_input_required_result_elicitation"
ACCEPT = {"action": "accept", "content": {"name": "Bo"}}


def begun(wire: Wire, name: str = ASKING, **more: Any) -> dict[str, Any]:
    first = result(wire.call(name, **more))
    assert first["resultType"] == "input_required" and first["inputRequests"], first
    return first


def missing_response(wire: Wire) -> None:
    first = begun(wire)
    again = result(wire.call(ASKING, inputResponses={}, requestState=first["requestState"]))
    assert again["resultType"] == "input_required" and again["inputRequests"], again


def result_type(wire: Wire) -> None:
    first = begun(wire)
    key = next(iter(first["inputRequests"]))
    done = result(wire.call(ASKING, inputResponses={key: ACCEPT}, requestState=first["requestState"], id=8))
    assert done["resultType"] == "complete" and done["content"][0]["text"] == "Hello, Bo!", done


def unsupported_methods(wire: Wire) -> None:
    for method in ("tools/list", "prompts/list", "resources/list", "server/discover"):
        assert result(wire.modern(method))["resultType"] == "complete"


def tampered_state(wire: Wire) -> None:
    name = "test_input_required_result_tampered_state"
    first = begun(wire, name)
    state, key = first["requestState"], next(iter(first["inputRequests"]))
    at = len(state) // 2
    wrong = state[:at] + ("A" if state[at] != "A" else "B") + state[at + 1:]
    answer = {"action": "accept", "content": {"ok": True}}
    reply = wire.call(name, inputResponses={key: answer}, requestState=wrong, id=8)
    assert "error" in final(reply) or final(reply)["result"].get("isError"), reply.body[:500]
    # The true one is good all the same.
    done = result(wire.call(name, inputResponses={key: answer}, requestState=state, id=9))
    assert "state-ok" in done["content"][0]["text"], done


def capability_check(wire: Wire) -> None:
    reply = wire.call("test_input_required_result_capabilities", capabilities={"sampling": {}})
    if "error" in final(reply):
        # A tool that cannot go on without what the client lacks.
        refused(reply, 400, -32021)
        return
    requests = result(reply).get("inputRequests") or {}
    assert all(each["method"] == "sampling/createMessage" for each in requests.values()), requests


def extra_responses(wire: Wire) -> None:
    first = begun(wire)
    key = next(iter(first["inputRequests"]))
    answers = {key: ACCEPT, "nobody_asked": {"action": "accept", "content": {"x": "y"}}}
    done = result(wire.call(ASKING, inputResponses=answers, requestState=first["requestState"], id=8))
    assert done["content"][0]["text"] == "Hello, Bo!", done


def validate_input(wire: Wire) -> None:
    first = begun(wire)
    key = next(iter(first["inputRequests"]))
    reply = wire.call(ASKING, inputResponses={key: {"action": "no such action"}}, requestState=first["requestState"], id=8)
    message = final(reply)
    assert "error" in message or message["result"].get("resultType") == "input_required" or message["result"].get("isError")


def headers(wire: Wire) -> None:
    text = "test_simple_text"
    for wrong in (
        {"Mcp-Method": "tools/list"}, {"Mcp-Name": "test_image_content"}, {"Mcp-Method": None}, {"Mcp-Name": None},
        {"MCP-Protocol-Version": OLD}, {"Mcp-Name": "=?base64?!!!?="}, {"Mcp-Name": text.upper()},
    ):
        refused(wire.call(text, headers=wrong), 400, -32020)
    assert result(wire.call(text, headers={"Mcp-Name": "=?base64?dGVzdF9zaW1wbGVfdGV4dA==?="}))


def custom_headers(wire: Wire) -> None:
    arguments = {"region": "Köln", "priority": 3, "dry": True}
    right = {"Mcp-Param-Region": "=?base64?S8O2bG4=?=", "Mcp-Param-Priority": "3", "Mcp-Param-Dry-Run": "true"}
    done = result(wire.call("test_x_mcp_header", arguments, headers=right))
    assert done["content"][0]["text"] == "region Köln, priority 3, dry True", done
    for wrong in (
        {"Mcp-Param-Region": "Bonn"}, {"Mcp-Param-Priority": "4"}, {"Mcp-Param-Dry-Run": "True"}, {"Mcp-Param-Region": None},
    ):
        refused(wire.call("test_x_mcp_header", arguments, headers={**right, **wrong}), 400, -32020)


def session_lifecycle(wire: Wire) -> None:
    session = wire.begin()
    assert wire.old({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}, session).status == 200
    assert wire.old({}, session, "DELETE").status in (200, 202, 204)
    assert wire.old({"jsonrpc": "2.0", "id": 2, "method": "tools/list"}, session).status == 404
    assert wire.old({"jsonrpc": "2.0", "id": 3, "method": "tools/list"}, "no-such-session").status == 404
