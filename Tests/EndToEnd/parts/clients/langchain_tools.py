"""What langchain shows, whose agents get their tools from langchain-mcp-adapters. See visiting.py."""

import contextlib

import visiting
from langchain_mcp_adapters.client import MultiServerMCPClient


@contextlib.asynccontextmanager
async def connect(url: str, headers: dict[str, str]):
    client = MultiServerMCPClient({"it": {"transport": "streamable_http", "url": url, "headers": headers}})
    tools = {tool.name: tool for tool in await client.get_tools()}

    async def call(name: str, arguments: dict) -> str:
        # As an agent does it, which shows its model the content of the message.
        message = await tools[name].ainvoke({"type": "tool_call", "id": "1", "name": name, "args": arguments})
        return "".join(block.get("text", "") for block in message.content_blocks)

    yield list(tools), call


visiting.main(connect)
