"""What the last official SDK of the handshake (mcp 1.x) shows. See Tests/EndToEnd/parts/clients/visiting.py."""

import contextlib

import httpx
import visiting
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client


@contextlib.asynccontextmanager
async def connect(url: str, headers: dict[str, str]):
    async with (
        httpx.AsyncClient(headers=headers, timeout=30) as http,
        streamable_http_client(url, http_client=http) as (read, write, _),
        ClientSession(read, write) as session,
    ):
        await session.initialize()
        # The user of the SDK asks for each page.
        names, cursor = [], None
        while True:
            page = await session.list_tools(cursor=cursor)
            names += [tool.name for tool in page.tools]
            if not (cursor := page.nextCursor):
                break

        async def call(name: str, arguments: dict) -> str:
            return visiting.result(await session.call_tool(name, arguments))

        yield names, call


visiting.main(connect)
