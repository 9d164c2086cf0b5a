"""What the current official SDK (mcp 2.x) shows. See Tests/EndToEnd/parts/clients/visiting.py."""

import contextlib

import httpx2
import visiting
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client


@contextlib.asynccontextmanager
async def connect(url: str, headers: dict[str, str]):
    async with (
        httpx2.AsyncClient(headers=headers, timeout=30) as http,
        Client(streamable_http_client(url, http_client=http)) as client,
    ):
        # The user of the SDK asks for each page.
        names, cursor = [], None
        while True:
            page = await client.list_tools(cursor=cursor)
            names += [tool.name for tool in page.tools]
            if not (cursor := page.next_cursor):
                break

        async def call(name: str, arguments: dict) -> str:
            return visiting.result(await client.call_tool(name, arguments))

        yield names, call


visiting.main(connect)
