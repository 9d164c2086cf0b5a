"""A server on the last SDK of the handshake revisions that remembers its events, so that streams can be taken up again."""

import argparse

import anyio
from mcp.server.fastmcp import Context, FastMCP
from mcp.server.streamable_http import EventMessage, EventStore
from serving import free_socket, serve
from witness import Witness


class Events(EventStore):
    """All events, in their order."""

    def __init__(self) -> None:
        self.all: list[tuple[str, object]] = []

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
                await send_callback(EventMessage(message, str(number)))
        return stream


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
