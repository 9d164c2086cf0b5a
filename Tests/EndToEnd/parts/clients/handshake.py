"""The same visit as modern.py, made by the last SDK that knows only the handshake revisions (mcp 1.30).

usage: handshake.py legacy URL      the bearer comes in the environment as MCP_AUTHORIZATION

In place of a URL there may be `stdio:` and a JSON object of `command`, `args` and `env`: a server to launch.
"""

import asyncio
import contextlib
import json
import os
import sys
import warnings

import anyio
import httpx
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import McpError
from mcp.types import (
    CreateMessageResult,
    ElicitResult,
    ListRootsResult,
    PromptReference,
    ResourceTemplateReference,
    Root,
    TextContent,
)
from pydantic import AnyUrl

warnings.simplefilter("ignore")
NOTE = AnyUrl("note://shopping")


def plain(value):
    return value.model_dump(mode="json", by_alias=True, exclude_none=True) if hasattr(value, "model_dump") else value


class Visit:
    def __init__(self) -> None:
        self.transcript: dict[str, object] = {}
        self.logged: list[object] = []
        self.opened: list[str] = []
        self.updated = anyio.Event()

    async def note(self, name: str, step) -> None:
        """Takes down what a step gave, or the error that it ended with."""
        try:
            self.transcript[name] = plain(await step)
        except McpError as error:
            self.transcript[name] = {"error": {"code": error.error.code, "message": error.error.message}}

    async def sampling(self, _context, params) -> CreateMessageResult:
        text = TextContent(type="text", text=f"four ({len(params.messages)} message)")
        return CreateMessageResult(role="assistant", content=text, model="abacus")

    async def elicitation(self, _context, params) -> ElicitResult:
        if params.mode == "url":
            self.opened.append(params.url)
            return ElicitResult(action="accept")
        return ElicitResult(action="accept", content={"colour": "blue"})

    async def roots(self, _context) -> ListRootsResult:
        return ListRootsResult(roots=[Root(uri="file:///work", name="work")])

    async def logging(self, params) -> None:
        self.logged.append(plain(params))

    async def message(self, message) -> None:
        if getattr(getattr(message, "root", None), "method", None) == "notifications/resources/updated":
            self.updated.set()


@contextlib.asynccontextmanager
async def connected(url: str, http: httpx.AsyncClient):
    if url.startswith("stdio:"):
        async with stdio_client(StdioServerParameters(**json.loads(url.removeprefix("stdio:")))) as streams:
            yield streams
    else:
        async with streamable_http_client(url, http_client=http) as (read, write, _):
            yield read, write


async def visit(url: str) -> dict[str, object]:
    headers = {"Authorization": os.environ["MCP_AUTHORIZATION"]} if "MCP_AUTHORIZATION" in os.environ else {}
    taken = Visit()
    async with (
        httpx.AsyncClient(headers=headers, timeout=httpx.Timeout(30, read=60)) as http,
        connected(url, http) as (read, write),
        ClientSession(
            read, write, sampling_callback=taken.sampling, elicitation_callback=taken.elicitation,
            list_roots_callback=taken.roots, logging_callback=taken.logging, message_handler=taken.message,
        ) as client,
    ):
        welcome = await client.initialize()
        taken.transcript["protocol"] = welcome.protocolVersion
        taken.transcript["server"] = plain(welcome.serverInfo)
        taken.transcript["capabilities"] = plain(welcome.capabilities)
        await everything(client, taken)
    return taken.transcript


async def everything(client: ClientSession, taken: Visit) -> None:
    # As the first visitor finds it, after any other visitor.
    await client.call_tool("write_note", {"text": "milk"})
    await taken.note("ping", client.send_ping())
    await taken.note("tools", client.list_tools())
    await taken.note("resources", client.list_resources())
    await taken.note("templates", client.list_resource_templates())
    await taken.note("prompts", client.list_prompts())
    await taken.note("level", client.set_logging_level("debug"))
    await taken.note("echo", client.call_tool("echo", {"text": "Grüße, 世界 \U0001f6aa \"quoted\" \\"}))
    await taken.note("add", client.call_tool("add", {"a": 2, "b": 40}))
    await taken.note("bad arguments", client.call_tool("add", {"a": "two"}))
    await taken.note("unknown tool", client.call_tool("no_such_tool", {}))
    await taken.note("fail", client.call_tool("fail", {"why": "because"}))

    steps: list[object] = []

    async def progressed(done: float, total: float | None, message: str | None) -> None:
        steps.append([done, total, message])

    await taken.note("progress", client.call_tool("progress", {"steps": 3}, progress_callback=progressed))
    taken.transcript["progress steps"] = steps
    await taken.note("log", client.call_tool("log", {"words": "hello"}))
    await anyio.sleep(0.1)
    taken.transcript["logged"] = taken.logged
    await taken.note("sample", client.call_tool("sample", {}))
    await taken.note("elicit", client.call_tool("elicit", {}))
    await taken.note("roots", client.call_tool("roots", {}))
    await taken.note("page", client.call_tool("page", {}))
    taken.transcript["opened"] = taken.opened
    result = await client.call_tool("big", {"size": 900_000})
    taken.transcript["big"] = [len(result.content[0].text), set(result.content[0].text) == {"x"}]

    await taken.note("note", client.read_resource(NOTE))
    await taken.note("greeting", client.read_resource(AnyUrl("greeting://Ann")))
    await taken.note("no resource", client.read_resource(AnyUrl("note://nothing")))
    await taken.note("prompt", client.get_prompt("review", {"topic": "doors"}))
    await taken.note("no prompt", client.get_prompt("nothing", {}))
    argument = {"name": "topic", "value": "te"}
    await taken.note("completion", client.complete(PromptReference(type="ref/prompt", name="review"), argument))
    template = ResourceTemplateReference(type="ref/resource", uri="greeting://{name}")
    await taken.note("template completion", client.complete(template, {"name": "name", "value": "An"}))

    with anyio.fail_after(10):
        # The stream for what the server says of itself opens by itself after the handshake, in its own time.
        await anyio.sleep(0.5)
        taken.updated = anyio.Event()
        await taken.note("subscribe", client.subscribe_resource(NOTE))
        await taken.note("write", client.call_tool("write_note", {"text": "bread"}))
        await taken.updated.wait()
        taken.transcript["event"] = ["ResourceUpdated", str(NOTE)]
        await taken.note("unsubscribe", client.unsubscribe_resource(NOTE))
    await taken.note("note after", client.read_resource(NOTE))

    with anyio.move_on_after(0.5) as scope:
        await client.call_tool("slow", {"seconds": 20})
    taken.transcript["cancelled"] = scope.cancelled_caught
    await taken.note("echo again", client.call_tool("echo", {"text": "still here"}))


print(json.dumps(asyncio.run(visit(sys.argv[2])), sort_keys=True))
