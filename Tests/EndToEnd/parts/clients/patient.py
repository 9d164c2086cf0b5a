"""One call of a tool by the last SDK that knows only the handshake revisions.

usage: patient.py URL TOOL SECONDS      the bearer comes in the environment as MCP_AUTHORIZATION

MCP_HOST is the `Host` of all its requests, where that is not the one of the URL: a line in between has another port.
"""

import asyncio
import json
import os
import sys
import warnings
from datetime import timedelta

import httpx
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

warnings.simplefilter("ignore")


async def progressed(*_: object) -> None:
    pass


async def main(url: str, tool: str, seconds: float) -> None:
    headers = {"Authorization": os.environ["MCP_AUTHORIZATION"]} if "MCP_AUTHORIZATION" in os.environ else {}
    if "MCP_HOST" in os.environ:
        headers["Host"] = os.environ["MCP_HOST"]
    async with (
        httpx.AsyncClient(headers=headers, timeout=httpx.Timeout(30, read=60)) as http,
        streamable_http_client(url, http_client=http) as (read, write, _),
        ClientSession(read, write) as session,
    ):
        await session.initialize()
        result = await session.call_tool(
            tool, {"seconds": seconds}, read_timeout_seconds=timedelta(seconds=20), progress_callback=progressed,
        )
        print(json.dumps(result.content[0].text))


asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3])))
