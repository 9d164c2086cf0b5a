"""A whole visit of the official client (mcp 2.x) to a server, as one JSON transcript on standard output.

usage: modern.py MODE URL [HEADER-VALUE]     MODE: auto, legacy or a modern revision such as 2026-07-28

In place of a URL there may be `stdio:` and a JSON object of `command`, `args` and `env`: a server to launch.

The same visit, made directly and through an agent, must give the same transcript; so nothing that names a session,
a port or a time is written down. The bearer comes in the environment as MCP_AUTHORIZATION, since arguments can be seen.
"""

import asyncio
import json
import os
import sys
import warnings

import anyio
import httpx2
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import (
    CreateMessageResult,
    ElicitResult,
    ListRootsResult,
    PromptReference,
    ResourceTemplateReference,
    Root,
    TextContent,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

warnings.simplefilter("ignore")
NOTE = "note://shopping"


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
        except MCPError as error:
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
        if getattr(message, "method", None) == "notifications/resources/updated":
            self.updated.set()


async def visit(mode: str, url: str) -> dict[str, object]:
    headers = {"Authorization": os.environ["MCP_AUTHORIZATION"]} if "MCP_AUTHORIZATION" in os.environ else {}
    taken = Visit()
    async with httpx2.AsyncClient(headers=headers, timeout=httpx2.Timeout(30, read=60)) as http:
        if url.startswith("stdio:"):
            server = StdioServerParameters(**json.loads(url.removeprefix("stdio:")))
        else:
            server = streamable_http_client(url, http_client=http)
        client = Client(
            server, mode=mode, cache=None,
            sampling_callback=taken.sampling, elicitation_callback=taken.elicitation, list_roots_callback=taken.roots,
            logging_callback=taken.logging, log_level="debug", message_handler=taken.message,
        )
        async with client:
            await everything(client, taken)
    return taken.transcript


async def everything(client: Client, taken: Visit) -> None:
    # As the first visitor finds it, after any other visitor.
    await client.call_tool("write_note", {"text": "milk"})
    taken.transcript["protocol"] = client.protocol_version
    taken.transcript["server"] = plain(client.server_info)
    taken.transcript["capabilities"] = plain(client.server_capabilities)
    await taken.note("tools", client.list_tools())
    await taken.note("resources", client.list_resources())
    await taken.note("templates", client.list_resource_templates())
    await taken.note("prompts", client.list_prompts())
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
    await taken.note("greeting", client.read_resource("greeting://Ann"))
    await taken.note("no resource", client.read_resource("note://nothing"))
    await taken.note("prompt", client.get_prompt("review", {"topic": "doors"}))
    await taken.note("no prompt", client.get_prompt("nothing", {}))
    argument = {"name": "topic", "value": "te"}
    await taken.note("completion", client.complete(PromptReference(type="ref/prompt", name="review"), argument))
    template = ResourceTemplateReference(type="ref/resource", uri="greeting://{name}")
    await taken.note("template completion", client.complete(template, {"name": "name", "value": "An"}))
    await subscription(client, taken)
    await cancellation(client, taken)
    await taken.note("echo again", client.call_tool("echo", {"text": "still here"}))


async def subscription(client: Client, taken: Visit) -> None:
    with anyio.fail_after(10):
        if client.protocol_version in MODERN_PROTOCOL_VERSIONS:
            async with client.listen(resource_subscriptions=[NOTE]) as events:
                await taken.note("write", client.call_tool("write_note", {"text": "bread"}))
                async for event in events:
                    taken.transcript["event"] = [type(event).__name__, event.uri]
                    break
        else:
            # The stream for what the server says of itself opens by itself after the handshake, in its own time.
            await anyio.sleep(0.5)
            taken.updated = anyio.Event()
            await taken.note("subscribe", client.subscribe_resource(NOTE))
            await taken.note("write", client.call_tool("write_note", {"text": "bread"}))
            await taken.updated.wait()
            taken.transcript["event"] = ["ResourceUpdated", NOTE]
            await taken.note("unsubscribe", client.unsubscribe_resource(NOTE))
    await taken.note("note after", client.read_resource(NOTE))


async def cancellation(client: Client, taken: Visit) -> None:
    with anyio.move_on_after(0.5) as scope:
        await client.call_tool("slow", {"seconds": 20})
    taken.transcript["cancelled"] = scope.cancelled_caught


print(json.dumps(asyncio.run(visit(sys.argv[1], sys.argv[2])), sort_keys=True))
