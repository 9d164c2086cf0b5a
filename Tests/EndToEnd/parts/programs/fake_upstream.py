"""The least that is an MCP server of the modern revision: it answers each tool call with one small result after a
random moment, and remembers the trace of everything that reached it. For crashes, where it matters what arrived."""

import argparse
import asyncio
import json
import random

from serving import free_socket, serve
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--longest", type=float, default=0.05, help="seconds that an answer takes at most")
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    traces: list[str] = []

    async def answer(request: Request) -> JSONResponse:
        message = json.loads(await request.body())
        if message["method"] == "server/discover":
            # What an agent asks on its own account is no call.
            facts = {"resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}}
            return JSONResponse({"jsonrpc": "2.0", "id": message["id"], "result": facts})
        traces.append(request.headers.get("traceparent", "--").split("-")[1])
        await asyncio.sleep(random.uniform(0, options.longest))
        result = {"resultType": "complete", "content": [{"type": "text", "text": "done"}], "isError": False}
        return JSONResponse({"jsonrpc": "2.0", "id": message["id"], "result": result})

    async def seen(_: Request) -> JSONResponse:
        return JSONResponse(traces)

    listener, port = free_socket(options.port)
    app = Starlette(routes=[Route("/mcp", answer, methods=["POST"]), Route("/test/traces", seen)])
    serve(app, listener, url=f"http://127.0.0.1:{port}/mcp")


main()
