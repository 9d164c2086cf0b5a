"""Takes the steps that it is told on standard input with the last official client that knows only the handshake (mcp 1.x).

usage: conformance_handshake.py URL     the bearer comes in the environment as MCP_AUTHORIZATION
"""

import asyncio
import json
import os
import sys
import warnings
from datetime import timedelta

import anyio
import httpx
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import McpError
from mcp.types import (
    CreateMessageResult,
    ElicitResult,
    ListRootsResult,
    PromptReference,
    ResourceTemplateReference,
    TextContent,
)
from pydantic import AnyUrl
from steps import Notes, filled, plain, read

warnings.simplefilter("ignore")
NOTES = Notes()
CHANGED = anyio.Event()


async def elicitation(_context, params) -> ElicitResult:
    NOTES.asked.append(plain(params))
    return ElicitResult(action="accept", content=filled(plain(params).get("requestedSchema", {})))


async def sampling(_context, params) -> CreateMessageResult:
    NOTES.asked.append(plain(params))
    return CreateMessageResult(role="assistant", content=TextContent(type="text", text="Paris"), model="abacus")


async def roots(_context) -> ListRootsResult:
    NOTES.asked.append("roots")
    return ListRootsResult.model_validate({"roots": [{"uri": "file:///home/ann", "name": "home"}, {"uri": "file:///tmp"}]})


async def logged(params) -> None:
    NOTES.told.append(plain(params))


async def message(received) -> None:
    method = getattr(getattr(received, "root", None), "method", "")
    if method.endswith(("list_changed", "updated")):
        NOTES.told.append(method)
        CHANGED.set()


async def step(session: ClientSession, initialized, what: str, arguments: list) -> object:
    async def progressed(done, total, words) -> None:
        NOTES.told.append([done, total, words])

    if what == "call":
        return plain(await session.call_tool(arguments[0], arguments[1], progress_callback=progressed))
    if what == "several":
        calls: list[object] = [None] * len(arguments)

        async def one(index: int, name: str) -> None:
            calls[index] = plain(await session.call_tool(name, {}))

        async with anyio.create_task_group() as group:
            for index, name in enumerate(arguments):
                group.start_soon(one, index, name)
        return calls
    if what == "complete":
        reference = arguments[0]
        kind = PromptReference if reference["type"] == "ref/prompt" else ResourceTemplateReference
        return plain(await session.complete(kind.model_validate(reference), arguments[1]))
    if what == "changed":
        global CHANGED
        # The stream for what the server says of itself opens by itself after the handshake, in its own time.
        await anyio.sleep(0.5)
        CHANGED = anyio.Event()
        await session.call_tool(arguments[0], {})
        await CHANGED.wait()
        return NOTES.told
    if what == "server":
        return {"protocol": initialized.protocolVersion, "capabilities": plain(initialized.capabilities)}
    if what in ("read", "subscribe", "unsubscribe"):
        arguments = [AnyUrl(arguments[0])]
    method = {
        "tools": session.list_tools, "resources": session.list_resources, "templates": session.list_resource_templates,
        "prompts": session.list_prompts, "read": session.read_resource, "prompt": session.get_prompt, "ping": session.send_ping,
        "level": session.set_logging_level, "subscribe": session.subscribe_resource, "unsubscribe": session.unsubscribe_resource,
    }[what]
    return plain(await method(*arguments))


async def visit(url: str) -> None:
    headers = {"Authorization": os.environ["MCP_AUTHORIZATION"]}
    async with httpx.AsyncClient(headers=headers, timeout=httpx.Timeout(20, read=60)) as http:
        async with streamable_http_client(url, http_client=http) as (reading, writing, _):
            async with ClientSession(
                reading, writing, read_timeout_seconds=timedelta(seconds=12),
                sampling_callback=sampling, elicitation_callback=elicitation, list_roots_callback=roots,
                logging_callback=logged, message_handler=message,
            ) as session:
                initialized = await session.initialize()
                for name, what, *arguments in read():
                    NOTES.begin()
                    try:
                        with anyio.fail_after(12):
                            outcome = await step(session, initialized, what, arguments)
                    except McpError as error:
                        outcome = {"error": {"code": error.error.code, "message": error.error.message}}
                    except Exception as error:  # noqa: BLE001 - whatever it is, it is what this step came to
                        outcome = {"failed": f"{type(error).__name__}: {error}"[:300]}
                    NOTES.end(name, outcome)


try:
    asyncio.run(asyncio.wait_for(visit(sys.argv[1]), 150))
except BaseException as error:  # noqa: BLE001 - the steps that were taken count
    NOTES.transcript["end"] = f"{type(error).__name__}: {error}"[:500]
print(json.dumps(NOTES.transcript))
