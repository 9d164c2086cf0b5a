"""HTTP as the tests need it: exact headers, any status, certificates of a local CA."""

import http.client
import json
import ssl
import urllib.parse
from dataclasses import dataclass
from typing import Any


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def messages(self) -> list[Any]:
        """The JSON-RPC messages of a reply, whether it came as JSON or as an event stream."""
        if self.headers.get("content-type", "").startswith("application/json"):
            return [self.json]
        text = self.body.decode()
        return [json.loads(line[5:]) for line in text.splitlines() if line.startswith("data:") and line[5:].strip()]


def request(
    method: str,
    url: str,
    headers: dict[str, str] | list[tuple[str, str]] | None = None,
    body: bytes | str | dict | None = None,
    ca: str | None = None,
    seconds: float = 20,
) -> Reply:
    """One request on a connection of its own. A `Host` among the headers replaces the usual one."""
    parts = urllib.parse.urlsplit(url)
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(
            parts.hostname or "", parts.port, timeout=seconds, context=ssl.create_default_context(cafile=ca)
        )
    else:
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=seconds)
    pairs = list(headers.items()) if isinstance(headers, dict) else list(headers or [])
    if isinstance(body, dict):
        body = json.dumps(body)
        pairs.append(("Content-Type", "application/json"))
    payload = body.encode() if isinstance(body, str) else body
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    try:
        connection.putrequest(
            method, target or "/", skip_host=any(name.lower() == "host" for name, _ in pairs), skip_accept_encoding=True
        )
        for name, value in pairs:
            connection.putheader(name, value)
        if payload is not None and not any(name.lower() == "content-length" for name, _ in pairs):
            connection.putheader("Content-Length", str(len(payload)))
        connection.endheaders(payload)
        answer = connection.getresponse()
        headers: dict[str, str] = {}
        for name, value in answer.getheaders():
            headers[name.lower()] = f"{headers[name.lower()]}, {value}" if name.lower() in headers else value
        return Reply(answer.status, headers, answer.read())
    finally:
        connection.close()


def get(url: str, **options: Any) -> Reply:
    return request("GET", url, **options)


def visit(url: str) -> Reply:
    """What a browser does with a sign-in page that consents at once: it follows every redirect."""
    for _ in range(10):
        reply = request("GET", url)
        if reply.status not in (301, 302, 303, 307, 308):
            return reply
        url = urllib.parse.urljoin(url, reply.headers["location"])
    raise AssertionError(f"too many redirects, the last one to {url}")


def parameter(url: str, name: str) -> str:
    """A field of a URL's query."""
    return urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)[name][0]


def quoted(text: str) -> str:
    """A text as a field of a query, or as a part of a path."""
    return urllib.parse.quote(text, safe="")


MODERN = "2026-07-28"


def rpc(
    url: str,
    authorization: str | None,
    method: str = "tools/call",
    params: dict[str, Any] | None = None,
    id: int | str = 1,
    headers: dict[str, str] | None = None,
    **options: Any,
) -> Reply:
    """One request of the modern revision, made by hand: for answers that an SDK would hide."""
    params = dict(params or {})
    params["_meta"] = {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientInfo": {"name": "by-hand", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    } | params.get("_meta", {})
    pairs = {
        "Accept": "application/json, text/event-stream", "MCP-Protocol-Version": MODERN, "Mcp-Method": method,
    }
    if name := params.get("name") or params.get("uri"):
        pairs["Mcp-Name"] = name
    if authorization:
        pairs["Authorization"] = authorization
    pairs |= headers or {}
    message = {"jsonrpc": "2.0", "id": id, "method": method, "params": params}
    return request("POST", url, headers=pairs, body=message, **options)


def call(url: str, authorization: str | None, tool: str, arguments: dict[str, Any] | None = None, **more: Any) -> Any:
    """One tool call by hand; the JSON-RPC message that answers it."""
    reply = rpc(url, authorization, "tools/call", {"name": tool, "arguments": arguments or {}}, **more)
    for message in reply.messages:
        if "result" in message or "error" in message:
            return message
    raise AssertionError(f"no answer in {reply}")
