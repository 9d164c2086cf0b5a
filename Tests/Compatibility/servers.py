"""Servers that others made, before the agent: what it makes of their eras, their sessions and their streams."""

import contextlib
import http.client
import json
import time
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ground import Ground
from parts import http as plain
from parts.line import Line
from parts.world import Desk, World, free_port, python
from table import Row, Section

PROGRAM = Path(__file__).parent / "programs" / "framework_server.py"
COLUMNS = ["discover", "session", "resume"]
HANDSHAKE = "2025-11-25"
ABOUT = """
Each server is spoken to directly and through the agent, by requests made by hand, so that no client hides what it
answers; a cell says what both ways have in common, or how they differ. *discover*: the revisions that it offers, asked by
`server/discover` of 2026-07-28 and by `initialize` of 2025-11-25. *session*: lists and calls give the same as directly, and
so they do, in the same session, after the agent was started anew; "none" where the server has no sessions. *resume*: a call
whose stream breaks, once between client and agent and once between agent and server, and is taken up again with
`Last-Event-ID`, brings its answer; only servers that give their events ids can do so (for the official SDKs a store of
events was added, which they leave to their users). The tool says how it goes: what is silent is answered as JSON, on
a connection that does not leave the machine.
"""


@dataclass
class Part:
    name: str
    environment: str
    requirements: tuple[str, ...]
    package: str
    command: Callable[[Ground, Path, int], list[str]]
    tool: str = "echo"
    arguments: dict[str, Any] = field(default_factory=lambda: {"text": "hello"})
    note: str = ""


def framework(name: str, environment: str, *requirements: str, package: str, label: str = "", note: str = "") -> Part:
    def command(_: Ground, interpreter: Path, port: int) -> list[str]:
        return [str(interpreter), str(PROGRAM), name, str(port)]

    return Part(label or package, environment, requirements, package, command, note=note)


def beside(interpreter: Path, program: str) -> str:
    return str(interpreter.parent / program)


def on_stdio() -> list[str]:
    """A server of the official SDK that talks over standard input and output."""
    return [str(python("handshake")), str(PROGRAM), "stdio", "0"]


def proxied(ground: Ground, port: int, *server: str) -> list[str]:
    """A server on stdio, behind mcp-proxy."""
    return [beside(ground.environment("mcp-proxy", *PROXY), "mcp-proxy"), "--port", str(port), "--", *server]


PROXY = ("mcp-proxy==0.13.0", "mcp==1.30.0")
PARTS = [
    framework("mcp-1", "", package="mcp", label="mcp 1 (FastMCP)"),
    framework("mcp-2", "", package="mcp", label="mcp 2 (MCPServer)"),
    framework("fastmcp", "fastmcp", "fastmcp==4.2.3", package="fastmcp"),
    framework("chuk", "chuk-mcp-server", "chuk-mcp-server==0.26.1", package="chuk-mcp-server"),
    framework(
        "aiohttp-mcp", "aiohttp-mcp", "aiohttp-mcp==0.7.0", "mcp==1.30.0", package="aiohttp-mcp",
        note="with JSON replies: where it answers with event streams it leaves out the session's id",
    ),
    framework("litestar", "litestar-mcp", "litestar-mcp==0.16.0", "uvicorn==0.54.0", package="litestar-mcp"),
    framework("fastapi", "fastapi-mcp", "fastapi-mcp==0.4.0", "mcp==1.30.0", package="fastapi-mcp"),
    Part(
        "mcp-proxy", "mcp-proxy", PROXY, "mcp-proxy",
        lambda ground, _, port: proxied(ground, port, *on_stdio()),
        note="before a server of mcp 1.30 on stdio",
    ),
    Part(
        "mcp-server-time", "mcp-server-time", ("mcp-server-time==2026.10.19",), "mcp-server-time",
        lambda ground, interpreter, port: proxied(ground, port, beside(interpreter, "mcp-server-time")),
        "convert_time", {"source_timezone": "UTC", "time": "12:00", "target_timezone": "Asia/Tokyo"},
        note="behind mcp-proxy",
    ),
    Part(
        "cnb-rs-mcp", "cnb-rs-mcp", ("cnb-rs-mcp==1.3.0",), "cnb-rs-mcp",
        lambda ground, interpreter, port: proxied(ground, port, beside(interpreter, "cnb-rs-mcp")),
        "cnb_get_current_repository", {"remote_url": "https://cnb.cool/a/b"}, note="Rust, behind mcp-proxy",
    ),
    Part(
        "dcc-mcp-server serve", "dcc-mcp-server", ("dcc-mcp-server==0.20.49",), "dcc-mcp-server",
        lambda _, interpreter, port: [
            beside(interpreter, "dcc-mcp-server"), "serve", "--mcp-port", str(port), "--no-bridge", "--gateway-port", "0",
        ],
        "list_skills", {}, note="Rust",
    ),
    Part(
        "dcc-mcp-server translate", "dcc-mcp-server", ("dcc-mcp-server==0.20.49",), "dcc-mcp-server",
        lambda _, interpreter, port: [
            beside(interpreter, "dcc-mcp-server"), "translate", "--stdio", " ".join(on_stdio()),
            "--port", str(port), "--no-register", "--gateway-port", "0",
        ],
        note="Rust, before a server of mcp 1.30 on stdio",
    ),
    Part(
        "mcp-server-motherduck", "motherduck", ("mcp-server-motherduck==1.1.0",), "mcp-server-motherduck",
        lambda _, interpreter, port: [
            beside(interpreter, "mcp-server-motherduck"), "--transport", "http", "--port", str(port),
            "--db-path", ":memory:", "--read-write",
        ],
        "execute_query", {"sql": "select 1 as one"},
    ),
    Part(
        "jupyter-mcp-server", "jupyter", ("jupyter-mcp-server==2.2.4",), "jupyter-mcp-server",
        lambda _, interpreter, port: [
            beside(interpreter, "jupyter-mcp-server"), "start", "--transport", "streamable-http", "--port", str(port),
            "--insecure-mcp-noauth", "--start-new-code-sandbox", "False",
        ],
        "list_notebooks", {}, note="stateless",
    ),
]


class Visitor:
    """A client of the handshake revisions that hides nothing."""

    def __init__(self, url: str, authorization: str | None) -> None:
        self.url = url
        self.headers = {"Accept": "application/json, text/event-stream"}
        if authorization:
            self.headers["Authorization"] = authorization
        self.id = 0

    def begin(self) -> str | None:
        """The revision that the server takes, or nothing where it knows none of these."""
        hello = {"protocolVersion": HANDSHAKE, "capabilities": {}, "clientInfo": {"name": "by-hand", "version": "1"}}
        reply = self.send("initialize", hello)
        version = answer(reply).get("result", {}).get("protocolVersion")
        if version is None:
            return None
        if "mcp-session-id" in reply.headers:
            self.headers["Mcp-Session-Id"] = reply.headers["mcp-session-id"]
        self.headers["MCP-Protocol-Version"] = version
        plain.request(
            "POST", self.url, headers=dict(self.headers), body={"jsonrpc": "2.0", "method": "notifications/initialized"}
        )
        return version

    @property
    def has_session(self) -> bool:
        return "Mcp-Session-Id" in self.headers

    def message(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        self.id += 1
        return {"jsonrpc": "2.0", "id": self.id, "method": method, "params": params}

    def send(self, method: str, params: dict[str, Any] | None = None) -> plain.Reply:
        return plain.request("POST", self.url, headers=dict(self.headers), body=self.message(method, params or {}))

    def call(self, part: Part) -> dict[str, Any]:
        return answer(self.send("tools/call", {"name": part.tool, "arguments": part.arguments}))

    def tools(self) -> list[str]:
        return [each["name"] for each in answer(self.send("tools/list")).get("result", {}).get("tools", [])]

    def gives_ids(self) -> bool:
        """Whether the events of an answer have ids."""
        reply = self.send("tools/list")
        is_stream = reply.headers.get("content-type", "").startswith("text/event-stream")
        return is_stream and any(line.startswith(b"id:") for line in reply.body.splitlines())

    def end(self) -> int:
        return plain.request("DELETE", self.url, headers=dict(self.headers)).status

    def work(self, leaves: bool) -> str:
        """A call of two seconds whose stream breaks. With `leaves` it is the client that lets go."""
        params = {"name": "work", "arguments": {"seconds": 2}, "_meta": {"progressToken": "work"}}
        message = self.message("tools/call", params)
        last, got = self._read("POST", json.dumps(message).encode(), {}, message["id"], leaves)
        deadline = time.monotonic() + 15
        while not got:
            if not last:
                return "the stream ends before the first id"
            if time.monotonic() > deadline:
                return "no answer within 15 s"
            time.sleep(0.3)
            newer, got = self._read("GET", None, {"Last-Event-ID": last}, message["id"], False)
            last = newer or last
        return got

    def _read(
        self, method: str, body: bytes | None, more: dict[str, str], id: int, leaves: bool
    ) -> tuple[str, str]:
        """The last id of a stream, and the text of the answer, where it came."""
        parts = urllib.parse.urlsplit(self.url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
        last = ""
        try:
            connection.request(method, parts.path, body, {"Content-Type": "application/json"} | self.headers | more)
            reply = connection.getresponse()
            if reply.status != 200:
                return last, f"{method} is answered {reply.status}"
            while line := reply.readline():
                name, _, value = line.decode().strip().partition(":")
                if name == "id":
                    last = value.strip()
                    if leaves:
                        return last, ""
                if name == "data" and value.strip() and (message := json.loads(value)).get("id") == id:
                    if "error" in message:
                        return last, message["error"]["message"]
                    return last, message["result"]["content"][0]["text"]
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        return last, ""


def answer(reply: plain.Reply) -> dict[str, Any]:
    """The message that answers; an empty one where the reply is not JSON-RPC."""
    try:
        return next((each for each in reply.messages if "result" in each or "error" in each), {})
    except ValueError:
        return {}


@contextlib.contextmanager
def served(ground: Ground, world: World, part: Part, interpreter: Path) -> Iterator[int]:
    """The part's server, on a port of its own."""
    port = free_port()
    home = world.folder / part.environment
    environment = world.environment(home, home / "run")
    process = world.processes.start(f"server-{port}", part.command(ground, interpreter, port), environment)

    def is_up() -> bool:
        return plain.request("GET", f"http://127.0.0.1:{port}/nothing").status > 0

    try:
        process.ready(is_up, 60)
        yield port
    finally:
        with contextlib.suppress(Exception):
            process.stop(5)


def discovered(url: str, authorization: str | None) -> tuple[list[str], str]:
    """The revisions that a server offers, and how it answers `server/discover`."""
    reply = plain.rpc(url, authorization, "server/discover")
    message = answer(reply)
    versions = list(message.get("result", {}).get("supportedVersions", []))
    words = f"{reply.status}"
    if "error" in message:
        words += f" and {message['error']['code']}"
    elif not message:
        words += " without JSON-RPC"
    visitor = Visitor(url, authorization)
    if handshake := visitor.begin():
        versions.append(handshake)
        if visitor.has_session:
            visitor.end()
    return versions, words


def discover(direct: str, through: str, bearer: str) -> str:
    versions, words = discovered(direct, None)
    versions_through, words_through = discovered(through, bearer)
    if versions != versions_through:
        return f"differs: {', '.join(versions)} directly, {', '.join(versions_through) or 'nothing'} through the agent"
    text = ", ".join(versions) or "none"
    if words != words_through:
        return f"{text}: server/discover is answered {words} directly, {words_through} through the agent"
    return text


def session(direct: str, through: str, bearer: str, part: Part, desk: Desk) -> str:
    visits = [Visitor(direct, None), Visitor(through, bearer)]
    speaks = [each.begin() is not None for each in visits]

    def seen() -> list[Any]:
        """What comes directly and through the agent, in the eras that the server speaks."""
        found: list[list[Any]] = [[], []]
        for facts, visitor, spoken, url, authorization in zip(
            found, visits, speaks, (direct, through), (None, bearer), strict=True
        ):
            if spoken:
                facts += [visitor.tools(), visitor.call(part).get("result")]
            modern = answer(plain.rpc(url, authorization, "tools/call", {"name": part.tool, "arguments": part.arguments}))
            facts.append(modern.get("result"))
        return found

    before = seen()
    if before[0] != before[1]:
        return f"differs: {_short(before[0])} directly, {_short(before[1])} through the agent"
    if not any(before[0]):
        return "no answers: neither directly nor through the agent"
    desk.stop_agent()
    desk.start_agent()
    after = seen()
    if after[1] != before[1]:
        return f"lost: after a restart of the agent {_short(after[1])}"
    if not visits[1].has_session:
        return "none"
    ends = [visitor.end() for visitor in visits]
    if ends[0] // 100 != ends[1] // 100:
        return f"kept: but DELETE is answered {ends[0]} directly, {ends[1]} through the agent"
    return "kept"


def resume(direct: str, line: Line, through: str, bearer: str) -> str:
    visitor = Visitor(direct, None)
    if visitor.begin() is None:
        return "not in 2026-07-28"
    if not visitor.gives_ids():
        return "no event ids"
    if (text := visitor.work(leaves=True)) != "done":
        return f"no: not even directly: {text}"
    for leaves, where in ((True, "between client and agent"), (False, "between agent and server")):
        visitor = Visitor(through, bearer)
        visitor.begin()
        line.is_cut = not leaves
        text = visitor.work(leaves)
        line.is_cut = False
        if text != "done":
            return f"no: a line cut {where}: {text}"
    return "yes"


def _short(facts: Any) -> str:
    text = json.dumps(facts)
    return text if len(text) <= 160 else text[:160] + "..."


def interpreter(ground: Ground, part: Part) -> Path:
    if not part.environment:
        return python("handshake" if part.name.startswith("mcp 1") else "modern")
    return ground.environment(part.environment, *part.requirements)


def tried(ground: Ground, world: World, desk: Desk, bearer: str, part: Part, alias: str) -> Row:
    command = interpreter(ground, part)
    row = Row(part.name, ground.version(command, part.package), note=part.note)
    with served(ground, world, part, command) as port, contextlib.closing(Line(port, is_cut=False)) as line:
        direct = f"http://127.0.0.1:{port}/mcp"
        desk.add_server(alias, f"http://127.0.0.1:{line.port}/mcp")
        through = desk.url(alias)
        row.cells["discover"] = discover(direct, through, bearer)
        row.cells["session"] = session(direct, through, bearer, part, desk)
        row.cells["resume"] = resume(direct, line, through, bearer)
    return row


def section(ground: Ground) -> Section:
    aliases = [f"server-{number}" for number, _ in enumerate(PARTS)]
    grants = ", ".join(f"{{ server: {alias} }}" for alias in aliases)
    with ground.world() as world:
        desk = world.desk("owner")
        desk.login(world.coordinator.facts["token"])
        desk.start_agent()
        desk.policy(f"version: 1\nroles: {{ all: {{ grant: [{grants}] }} }}\nbind: [{{ everyone: true, role: all }}]\n")
        bearer = desk.client("by-hand")
        rows = [
            ground.attempt(part.name, lambda part=part, alias=alias: tried(ground, world, desk, bearer, part, alias))
            for part, alias in zip(PARTS, aliases, strict=True)
        ]
    return Section("Servers", COLUMNS, ABOUT, rows)
