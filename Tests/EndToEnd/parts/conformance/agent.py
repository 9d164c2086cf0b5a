"""The suite's scenarios for clients (but for sign-in): here the agent is the client, and its side of the wire is looked at."""

import base64
from dataclasses import dataclass
from typing import Any

from .tap import Exchange, Tap

MODERN = "2026-07-28"
PREFIX = "io.modelcontextprotocol/"
NAMED = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}


@dataclass
class Said:
    """What the agent said to one server, what the official clients saw of it, and who asked for a schema from elsewhere."""

    exchanges: list[Exchange]
    transcripts: list[dict[str, Any]]
    elsewhere: Tap

    @property
    def requests(self) -> list[tuple[Exchange, dict[str, Any]]]:
        return [(each, each.request) for each in self.exchanges if isinstance(each.request, dict) and "method" in each.request]

    @property
    def modern(self) -> list[tuple[Exchange, dict[str, Any]]]:
        """All requests but those that find out whether the server knows the handshake."""
        return [(each, message) for each, message in self.requests if message["method"] != "initialize"]

    def calls(self, method: str, name: str | None = None) -> list[tuple[Exchange, dict[str, Any]]]:
        found = [(each, message) for each, message in self.requests if message["method"] == method]
        return [(each, message) for each, message in found if name is None or message["params"].get("name") == name]


def plain(value: str) -> str:
    if value.startswith("=?base64?") and value.endswith("?="):
        return base64.b64decode(value[9:-2]).decode()
    return value


def tools_call(said: Said) -> None:
    assert said.calls("tools/list") and said.calls("tools/call", "test_simple_text")
    for seen in said.transcripts:
        assert "simple-text" in seen, f"a client did not get so far: {seen.get('end', '')}"
        assert seen["simple-text"]["outcome"]["content"][0]["text"].startswith("This is a simple text")


def metadata(said: Said) -> None:
    assert said.modern
    for _, message in said.modern:
        meta = message["params"]["_meta"]
        assert meta[f"{PREFIX}protocolVersion"] == MODERN and isinstance(meta[f"{PREFIX}clientCapabilities"], dict), message
        assert meta[f"{PREFIX}clientInfo"]["name"], message


def standard_headers(said: Said) -> None:
    assert said.modern
    for exchange, message in said.modern:
        headers, method = exchange.headers, message["method"]
        assert {"application/json", "text/event-stream"} <= {each.strip() for each in headers["accept"].split(",")}, headers
        assert headers["content-type"].startswith("application/json") and headers["mcp-protocol-version"] == MODERN, headers
        assert headers["mcp-method"] == method, (headers, method)
        if method in NAMED:
            assert plain(headers["mcp-name"]) == message["params"][NAMED[method]], headers
        assert "mcp-session-id" not in headers and "last-event-id" not in headers


def custom_headers(said: Said) -> None:
    calls = said.calls("tools/call", "test_x_mcp_header")
    assert len(calls) == len(said.transcripts), "a client's call did not arrive"
    for exchange, message in calls:
        assert message["params"]["arguments"] == {"region": "Köln", "priority": 3, "dry": True}
        mirrored = {name: plain(value) for name, value in exchange.headers.items() if name.startswith("mcp-param-")}
        assert mirrored == {"mcp-param-region": "Köln", "mcp-param-priority": "3", "mcp-param-dry-run": "true"}, mirrored


def invalid_headers(said: Said) -> None:
    for seen in said.transcripts:
        assert "tools-list" in seen, f"a client did not get so far: {seen.get('end', '')}"
        names = [tool["name"] for tool in seen["tools-list"]["outcome"]["tools"]]
        assert "test_invalid_x_mcp_header" not in names and "test_x_mcp_header" in names


def request_state(said: Said) -> None:
    given: dict[str, Any] = {}
    retries = 0
    for exchange, message in said.modern:
        params = message["params"]
        if "inputResponses" in params or "requestState" in params:
            retries += 1
            assert params.get("requestState") in given, "a state that the server did not give"
            first = given[params["requestState"]]
            assert message["id"] != first["id"] and params["name"] == first["params"]["name"]
        for answer in exchange.messages:
            if answer.get("result", {}).get("resultType") == "input_required":
                given[answer["result"].get("requestState")] = message
    assert retries >= 4 * len(said.transcripts), f"{retries} retries alone"


def no_reference(said: Said) -> None:
    for seen in said.transcripts:
        assert "tools-list" in seen, f"a client did not get so far: {seen.get('end', '')}"
        tools = {tool["name"]: tool for tool in seen["tools-list"]["outcome"]["tools"]}
        assert tools["test_schema_elsewhere"]["inputSchema"]["properties"]["a"]["$ref"].startswith("http://127.0.0.1")
    assert not said.elsewhere.exchanges, "the schema was fetched"


def initialize(said: Said) -> None:
    begun = said.calls("initialize")
    assert begun, "it never begins a session"
    for exchange, message in begun:
        assert message["params"]["protocolVersion"] and isinstance(message["params"]["capabilities"], dict)
        assert message["params"]["clientInfo"]["name"]
        session = exchange.answered.get("mcp-session-id")
        told = [other.headers.get("mcp-session-id") for other, each in said.calls("notifications/initialized")]
        assert session in told, "the session is not told that it has begun"


def client_defaults(said: Said) -> None:
    for seen in said.transcripts:
        assert "defaults" in seen, f"a client did not get so far: {seen.get('end', '')}"
        text = seen["defaults"]["outcome"]["content"][0]["text"]
        assert "John Doe" in text and "95.5" in text and "active" in text and "30" in text, text


def taken_up_again(said: Said) -> None:
    for seen in said.transcripts:
        assert "reconnect" in seen, f"a client did not get so far: {seen.get('end', '')}"
        assert "completed successfully" in str(seen["reconnect"]["outcome"]), seen["reconnect"]["outcome"]
    again = [each for each in said.exchanges if each.method == "GET" and "last-event-id" in each.headers]
    assert len(again) >= len(said.transcripts), "a stream that was closed is not taken up again"


SCENARIOS = {
    "modern": {
        "tools_call": tools_call, "request-metadata": metadata, "http-standard-headers": standard_headers,
        "http-custom-headers": custom_headers, "http-invalid-tool-headers": invalid_headers,
        "sep-2322-client-request-state": request_state, "json-schema-ref-no-deref": no_reference,
    },
    "handshake": {
        "initialize": initialize, "tools_call": tools_call, "elicitation-sep1034-client-defaults": client_defaults,
        "sse-retry": taken_up_again,
    },
}
