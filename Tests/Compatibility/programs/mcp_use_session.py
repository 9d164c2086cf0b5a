"""What mcp-use shows. See Tests/EndToEnd/parts/clients/visiting.py."""

import contextlib

import visiting
from mcp_use import MCPClient


@contextlib.asynccontextmanager
async def connect(url: str, headers: dict[str, str]):
    client = MCPClient({"mcpServers": {"it": {"url": url, "headers": headers}}})
    session = await client.create_session("it")

    async def call(name: str, arguments: dict) -> str:
        return visiting.result(await session.call_tool(name, arguments))

    try:
        yield [tool.name for tool in await session.list_tools()], call
    finally:
        await client.close_all_sessions()


visiting.main(connect)
