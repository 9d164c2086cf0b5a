"""What Microsoft's agent-framework shows. See Tests/EndToEnd/parts/clients/visiting.py."""

import contextlib

import httpx2
import visiting
from agent_framework import MCPStreamableHTTPTool


@contextlib.asynccontextmanager
async def connect(url: str, headers: dict[str, str]):
    async with (
        httpx2.AsyncClient(headers=headers, timeout=30) as http,
        MCPStreamableHTTPTool("it", url, http_client=http, load_prompts=False) as server,
    ):
        tools = {tool.name: tool for tool in server.functions}

        async def call(name: str, arguments: dict) -> str:
            return visiting.result(await tools[name].invoke(arguments=arguments))

        yield list(tools), call


visiting.main(connect)
