"""An MCP server on the official SDK that says what its clients do: it has its tools in pages, and counts how many calls run
at once."""

import argparse

import anyio
from mcp.server.lowlevel.server import Server
from mcp_types import CallToolResult, ListToolsResult, TextContent, Tool
from serving import free_socket, serve
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

PAGE = 6
NUMBER = {"type": "object", "properties": {"n": {"type": "number"}}}
NOTHING = {"type": "object", "properties": {}}
TOOLS = {
    "first": NOTHING, "forbidden": NOTHING, "scarce": NOTHING, "big": NUMBER, "nap": NUMBER, "fail": NOTHING,
    "seventh": NOTHING, "eighth": NOTHING, "last": NOTHING,
}


class Lab:
    def __init__(self) -> None:
        self.running = 0
        self.facts: dict[str, object] = {"at_once": 0, "revisions": []}

    async def list_tools(self, context, params) -> ListToolsResult:
        start = int(params.cursor or 0) if params else 0
        # One that may run beside others, as clients that ask before each call want to know.
        tools = [
            Tool(name=name, description=f"The tool {name}.", input_schema=schema, annotations={"readOnlyHint": True})
            for name, schema in list(TOOLS.items())[start:start + PAGE]
        ]
        return ListToolsResult(tools=tools, next_cursor=str(start + PAGE) if start + PAGE < len(TOOLS) else None)

    async def call_tool(self, context, params) -> CallToolResult:
        revisions = self.facts["revisions"]
        if context.protocol_version not in revisions:
            revisions.append(context.protocol_version)
        self.running += 1
        self.facts["at_once"] = max(self.facts["at_once"], self.running)
        try:
            return await self.run(params.name, (params.arguments or {}).get("n", 0))
        finally:
            self.running -= 1

    async def run(self, name: str, n: float) -> CallToolResult:
        if name == "nap":
            await anyio.sleep(n)
        text = "x" * int(n) if name == "big" else f"{name} is done"
        return CallToolResult(content=[TextContent(type="text", text=text)], is_error=name == "fail")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    listener, port = free_socket(parser.parse_args().port)
    lab = Lab()

    async def facts(_: Request) -> JSONResponse:
        """What was seen since the last question."""
        answer, lab.facts = lab.facts, {"at_once": 0, "revisions": []}
        return JSONResponse(answer)

    server = Server("lab", version="1.0", on_list_tools=lab.list_tools, on_call_tool=lab.call_tool)
    app = server.streamable_http_app()
    app.router.routes.append(Route("/test/facts", facts))
    serve(app, listener, url=f"http://127.0.0.1:{port}/mcp")


main()
