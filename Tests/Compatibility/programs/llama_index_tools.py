"""What llama-index shows. See Tests/EndToEnd/parts/clients/visiting.py."""

import contextlib

import visiting
from llama_index.tools.mcp import BasicMCPClient, McpToolSpec


@contextlib.asynccontextmanager
async def connect(url: str, headers: dict[str, str]):
    spec = McpToolSpec(client=BasicMCPClient(url, headers=headers, timeout=30))
    tools = {tool.metadata.name: tool for tool in await spec.to_tool_list_async()}

    async def call(name: str, arguments: dict) -> str:
        return (await tools[name].acall(**arguments)).content

    yield list(tools), call


visiting.main(connect)
