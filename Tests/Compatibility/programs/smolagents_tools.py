"""What smolagents shows. See Tests/EndToEnd/parts/clients/visiting.py."""

import asyncio
import contextlib

import visiting
from smolagents import MCPClient


@contextlib.asynccontextmanager
async def connect(url: str, headers: dict[str, str]):
    server = {"url": url, "transport": "streamable-http", "headers": headers}
    client = await asyncio.to_thread(MCPClient, server, structured_output=False)
    tools = {tool.name: tool for tool in client.get_tools()}

    async def call(name: str, arguments: dict) -> str:
        return str(await asyncio.to_thread(tools[name], **arguments))

    try:
        yield list(tools), call
    finally:
        await asyncio.to_thread(client.disconnect)


visiting.main(connect)
