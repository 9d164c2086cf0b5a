"""What agno shows. See Tests/EndToEnd/parts/clients/visiting.py."""

import contextlib

import visiting
from agno.tools.function import FunctionCall
from agno.tools.mcp import MCPTools


@contextlib.asynccontextmanager
async def connect(url: str, headers: dict[str, str]):
    tools = MCPTools(url=url, transport="streamable-http", headers=headers, timeout_seconds=30)
    await tools.connect()

    async def call(name: str, arguments: dict) -> str:
        made = await FunctionCall(function=tools.functions[name], arguments=arguments, call_id="1").aexecute()
        result = made.result if made.status == "success" else made.error
        return str(getattr(result, "content", result))

    try:
        yield list(tools.functions), call
    finally:
        await tools.close()


visiting.main(connect)
