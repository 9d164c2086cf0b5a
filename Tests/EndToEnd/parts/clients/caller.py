"""Lists the tools of a server and makes some calls in one connection, with the official client of whichever environment runs it.

usage: caller.py MODE URL CALLS     MODE: as modern.py has it; CALLS: a JSON list of [TOOL, ARGUMENTS]
"""

import asyncio
import contextlib
import json
import os
import sys
import warnings

warnings.simplefilter("ignore")
HEADERS = {"Authorization": os.environ["MCP_AUTHORIZATION"]}


@contextlib.asynccontextmanager
async def current(mode: str, url: str):
    import httpx2
    from mcp.client.client import Client
    from mcp.client.streamable_http import streamable_http_client

    async with (
        httpx2.AsyncClient(headers=HEADERS, timeout=httpx2.Timeout(30, read=60)) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode, cache=None) as client,
    ):
        yield client, client.protocol_version


@contextlib.asynccontextmanager
async def earlier(_mode: str, url: str):
    import httpx
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    async with (
        httpx.AsyncClient(headers=HEADERS, timeout=httpx.Timeout(30, read=60)) as http,
        streamable_http_client(url, http_client=http) as (read, write, _),
        ClientSession(read, write) as client,
    ):
        yield client, (await client.initialize()).protocolVersion


async def main(mode: str, url: str, calls: list) -> None:
    try:
        from mcp.client.client import Client  # noqa: F401
        connected = current
    except ImportError:
        connected = earlier
    async with connected(mode, url) as (client, version):
        tools = [tool.name for tool in (await client.list_tools()).tools]
        answers = []
        for tool, arguments in calls:
            result = await client.call_tool(tool, arguments)
            answers.append("".join(getattr(each, "text", "") for each in result.content))
    print(json.dumps({"protocol": version, "tools": tools, "answers": answers}))


asyncio.run(main(sys.argv[1], sys.argv[2], json.loads(sys.argv[3])))
