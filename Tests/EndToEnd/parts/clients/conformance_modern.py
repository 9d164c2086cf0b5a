"""Takes the steps that it is told on standard input with the official client of the current revision (mcp 2.x).

usage: conformance_modern.py URL     the bearer comes in the environment as MCP_AUTHORIZATION
"""

import asyncio
import json
import os
import sys
import warnings

import anyio
import httpx2
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import (
    CreateMessageResult,
    ElicitResult,
    ListRootsResult,
    PromptReference,
    ResourceTemplateReference,
    TextContent,
)
from steps import Notes, filled, plain, read

warnings.simplefilter("ignore")
NOTES = Notes()


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


async def step(client: Client, what: str, arguments: list) -> object:
    async def progressed(done, total, message) -> None:
        NOTES.told.append([done, total, message])

    if what == "call":
        return plain(await client.call_tool(arguments[0], arguments[1], progress_callback=progressed))
    if what == "several":
        calls: list[object] = [None] * len(arguments)

        async def one(index: int, name: str) -> None:
            calls[index] = plain(await client.call_tool(name, {}))

        async with anyio.create_task_group() as group:
            for index, name in enumerate(arguments):
                group.start_soon(one, index, name)
        return calls
    if what == "complete":
        reference = arguments[0]
        kind = PromptReference if reference["type"] == "ref/prompt" else ResourceTemplateReference
        return plain(await client.complete(kind.model_validate(reference), arguments[1]))
    if what == "listen":
        async with client.listen(**arguments[0]) as events:
            await client.call_tool(arguments[1], {})
            async for event in events:
                return type(event).__name__
    if what == "server":
        return {"protocol": client.protocol_version, "capabilities": plain(client.server_capabilities)}
    method = {
        "tools": client.list_tools, "resources": client.list_resources, "templates": client.list_resource_templates,
        "prompts": client.list_prompts, "read": client.read_resource, "prompt": client.get_prompt,
    }[what]
    return plain(await method(*arguments))


async def visit(url: str) -> None:
    headers = {"Authorization": os.environ["MCP_AUTHORIZATION"]}
    async with httpx2.AsyncClient(headers=headers, timeout=httpx2.Timeout(20, read=30)) as http:
        client = Client(
            streamable_http_client(url, http_client=http), mode="2026-07-28", cache=None,
            sampling_callback=sampling, elicitation_callback=elicitation, list_roots_callback=roots,
            logging_callback=logged, log_level="debug",
        )
        async with client:
            for name, what, *arguments in read():
                NOTES.begin()
                try:
                    with anyio.fail_after(12):
                        outcome = await step(client, what, arguments)
                except MCPError as error:
                    outcome = {"error": {"code": error.error.code, "message": error.error.message}}
                except Exception as error:  # noqa: BLE001 - whatever it is, it is what this step came to
                    outcome = {"failed": f"{type(error).__name__}: {error}"[:300]}
                NOTES.end(name, outcome)


try:
    asyncio.run(asyncio.wait_for(visit(sys.argv[1]), 150))
except BaseException as error:  # noqa: BLE001 - the steps that were taken count
    NOTES.transcript["end"] = f"{type(error).__name__}: {error}"[:500]
print(json.dumps(NOTES.transcript))
