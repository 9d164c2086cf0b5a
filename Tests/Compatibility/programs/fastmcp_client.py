"""What fastmcp's client shows. See Tests/EndToEnd/parts/clients/visiting.py."""

import contextlib

import visiting
from fastmcp.client import Client
from fastmcp.client.transports import StreamableHttpTransport


@contextlib.asynccontextmanager
async def connect(url: str, headers: dict[str, str]):
    async with Client(StreamableHttpTransport(url, headers=headers)) as client:

        async def call(name: str, arguments: dict) -> str:
            return visiting.result(await client.call_tool(name, arguments))

        yield [tool.name for tool in await client.list_tools()], call


visiting.main(connect)
