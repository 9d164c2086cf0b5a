"""A server on the last SDK of the handshake revisions that remembers its events, so that streams can be taken up again."""

import argparse

import anyio
from events import Events
from mcp.server.fastmcp import Context, FastMCP
from serving import free_socket, serve
from witness import Witness


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    listener, port = free_socket(options.port)
    witness = Witness()
    server = FastMCP("resumable", event_store=Events(), retry_interval=300, log_level="WARNING")

    @server.tool()
    async def work(seconds: float, context: Context) -> str:
        """Takes its time and tells how it goes."""
        witness.tools["work"] += 1
        for step in range(6):
            await context.info(f"step {step}")
            await anyio.sleep(seconds / 6)
        return "done"

    @server.tool()
    async def mute(seconds: float) -> str:
        """Takes its time and says nothing."""
        witness.tools["mute"] += 1
        await anyio.sleep(seconds)
        return "done"

    app = server.streamable_http_app()
    app.router.routes.extend(witness.routes())
    serve(witness.wrap(app), listener, url=f"http://127.0.0.1:{port}/mcp")


main()
