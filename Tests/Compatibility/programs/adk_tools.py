"""What google-adk shows. See Tests/EndToEnd/parts/clients/visiting.py."""

import contextlib
from unittest.mock import MagicMock

import visiting
from google.adk.tools.mcp_tool.mcp_session_manager import StreamableHTTPConnectionParams
from google.adk.tools.mcp_tool.mcp_toolset import McpToolset


@contextlib.asynccontextmanager
async def connect(url: str, headers: dict[str, str]):
    toolset = McpToolset(connection_params=StreamableHTTPConnectionParams(url=url, headers=headers, timeout=30))
    tools = {tool.name: tool for tool in await toolset.get_tools()}

    async def call(name: str, arguments: dict) -> str:
        return visiting.result(await tools[name].run_async(args=arguments, tool_context=MagicMock()))

    try:
        yield list(tools), call
    finally:
        await toolset.close()


visiting.main(connect)
