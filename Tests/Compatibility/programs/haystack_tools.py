"""What haystack shows. See Tests/EndToEnd/parts/clients/visiting.py."""

import asyncio
import contextlib

import visiting
from haystack_integrations.tools.mcp import MCPToolset, StreamableHttpServerInfo


@contextlib.asynccontextmanager
async def connect(url: str, headers: dict[str, str]):
    toolset = MCPToolset(StreamableHttpServerInfo(url=url, headers=headers), invocation_timeout=30)
    await asyncio.to_thread(toolset.warm_up)
    tools = {tool.name: tool for tool in toolset}

    async def call(name: str, arguments: dict) -> str:
        return str(await asyncio.to_thread(tools[name].invoke, **arguments))

    try:
        yield list(tools), call
    finally:
        await asyncio.to_thread(toolset.close)


visiting.main(connect)
