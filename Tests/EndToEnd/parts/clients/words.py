"""What the user of an official client is shown when something is refused: each error in it, as a line of JSON.

usage: words.py (modern|handshake) URL TOOL...     the bearer comes in the environment as MCP_AUTHORIZATION
"""

import asyncio
import json
import os
import sys
import warnings

warnings.simplefilter("ignore")
ERA, URL, TOOLS = sys.argv[1], sys.argv[2], sys.argv[3:]
HEADERS = {"Authorization": os.environ["MCP_AUTHORIZATION"]}


def say(step: str, error: BaseException) -> None:
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            say(step, each)
        return
    facts = getattr(error, "error", None)
    print(json.dumps({"step": step, "text": str(error), "code": getattr(facts, "code", None)}))


async def call(client) -> None:
    for tool in TOOLS:
        try:
            result = await client.call_tool(tool, {})
            print(json.dumps({"step": tool, "text": result.content[0].text, "code": 0}))
        except Exception as error:
            say(tool, error)


async def modern() -> None:
    import httpx2
    from mcp.client.client import Client
    from mcp.client.streamable_http import streamable_http_client

    async with httpx2.AsyncClient(headers=HEADERS, timeout=20) as http:
        async with Client(streamable_http_client(URL, http_client=http), cache=None) as client:
            await call(client)


async def handshake() -> None:
    import httpx
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    async with httpx.AsyncClient(headers=HEADERS, timeout=20) as http:
        async with streamable_http_client(URL, http_client=http) as (read, write, _):
            async with ClientSession(read, write) as client:
                await client.initialize()
                await call(client)


try:
    asyncio.run(asyncio.wait_for({"modern": modern, "handshake": handshake}[ERA](), 30))
except BaseException as error:
    say("connect", error)
