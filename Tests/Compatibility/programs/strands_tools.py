"""What strands-agents shows. See Tests/EndToEnd/parts/clients/visiting.py."""

import asyncio
import contextlib
import itertools

import httpx2
import visiting
from mcp.client.streamable_http import streamable_http_client
from strands.tools.mcp import MCPClient

numbers = itertools.count(1)


@contextlib.asynccontextmanager
async def connect(url: str, headers: dict[str, str]):
    client = MCPClient(lambda: streamable_http_client(url, http_client=httpx2.AsyncClient(headers=headers, timeout=30)))

    async def call(name: str, arguments: dict) -> str:
        # As its agents do, which show their model the content of what comes back.
        result = await client.call_tool_async(f"call-{next(numbers)}", name, arguments)
        return "".join(block.get("text", "") for block in result["content"])

    try:
        tools = await client.load_tools()
        yield [tool.tool_name for tool in tools], call
    finally:
        await asyncio.to_thread(client.stop, None, None, None)


visiting.main(connect)
