"""A server with two tools, on the framework that is named; each with what the framework itself offers for resuming.

usage: framework_server.py FRAMEWORK PORT
"""

import asyncio
import sys

FRAMEWORK, PORT = sys.argv[1], int(sys.argv[2])


def echo(text: str) -> str:
    """Says what it was told."""
    return text


async def work(seconds: float) -> str:
    """Takes its time."""
    await asyncio.sleep(seconds)
    return "done"


def telling(context_type):
    """The same, for a framework whose servers can say how it goes."""

    async def work(seconds: float, context: context_type) -> str:
        """Takes its time, and says that it has begun."""
        await context.report_progress(0, 1)
        await asyncio.sleep(seconds)
        return "done"

    return work


def events(module):
    """The official SDKs give the interface of a store of events, and no store."""

    class Events(module.EventStore):
        def __init__(self) -> None:
            self.all = []

        async def store_event(self, stream_id, message):
            self.all.append((stream_id, message))
            return str(len(self.all))

        async def replay_events_after(self, last_event_id, send_callback):
            last = int(last_event_id)
            if not 0 < last <= len(self.all):
                return None
            stream = self.all[last - 1][0]
            for number, (of, message) in enumerate(self.all[last:], last + 1):
                if of == stream and message is not None:
                    await send_callback(module.EventMessage(message, str(number)))
            return stream

    return Events()


def serve(app) -> None:
    import uvicorn

    uvicorn.run(app, host="127.0.0.1", port=PORT, log_level="warning", timeout_graceful_shutdown=1)


def mcp_1() -> None:
    import mcp.server.streamable_http
    from mcp.server.fastmcp import Context, FastMCP

    server = FastMCP("sdk-1", event_store=events(mcp.server.streamable_http), retry_interval=300, log_level="WARNING")
    server.tool()(echo)
    server.tool()(telling(Context))
    serve(server.streamable_http_app())


def mcp_2() -> None:
    import mcp.server.streamable_http
    from mcp.server.mcpserver import Context, MCPServer

    server = MCPServer("sdk-2", version="1", log_level="WARNING")
    server.tool()(echo)
    server.tool()(telling(Context))
    serve(server.streamable_http_app(event_store=events(mcp.server.streamable_http), retry_interval=300))


def fastmcp() -> None:
    from fastmcp import Context, FastMCP
    from fastmcp.server.event_store import EventStore

    server = FastMCP("fastmcp")
    server.tool(echo)
    server.tool(telling(Context))
    serve(server.http_app(event_store=EventStore(), retry_interval=300))


def aiohttp_mcp() -> None:
    from aiohttp import web
    from aiohttp_mcp import AiohttpMCP, TransportMode, build_mcp_app

    server = AiohttpMCP("aiohttp-mcp")
    server.tool()(echo)
    server.tool()(work)
    app = build_mcp_app(server, transport_mode=TransportMode.STREAMABLE_HTTP, json_response=True)
    web.run_app(app, host="127.0.0.1", port=PORT)


def chuk() -> None:
    from chuk_mcp_server import ChukMCPServer

    server = ChukMCPServer("chuk")
    server.tool(echo)
    server.tool(work)
    server.run(host="127.0.0.1", port=PORT, stdio=False)


def litestar() -> None:
    from litestar import Litestar, post
    from litestar_mcp import LitestarMCP

    @post("/echo", mcp_tool="echo", sync_to_thread=False)
    def say(text: str) -> str:
        return echo(text)

    @post("/work", mcp_tool="work")
    async def toil(seconds: float) -> str:
        return await work(seconds)

    serve(Litestar([say, toil], plugins=[LitestarMCP()]))


def fastapi() -> None:
    from fastapi import FastAPI
    from fastapi_mcp import FastApiMCP

    app = FastAPI()
    app.post("/echo", operation_id="echo")(echo)
    app.post("/work", operation_id="work")(work)
    FastApiMCP(app).mount_http()
    serve(app)


def stdio() -> None:
    """On the last SDK of the handshake revisions, for what bridges stdio to HTTP."""
    from mcp.server.fastmcp import FastMCP

    server = FastMCP("stdio", log_level="WARNING")
    server.tool()(echo)
    server.tool()(work)
    server.run("stdio")


{
    "mcp-1": mcp_1, "mcp-2": mcp_2, "fastmcp": fastmcp, "aiohttp-mcp": aiohttp_mcp, "chuk": chuk, "litestar": litestar,
    "fastapi": fastapi, "stdio": stdio,
}[FRAMEWORK]()
