"""How each of the small servers starts: on a free loopback port, which it prints as one JSON line when it accepts."""

import asyncio
import json
import socket

import uvicorn


def free_socket(port: int = 0) -> tuple[socket.socket, int]:
    """A listening socket on loopback; bound before the application is made, because issuers contain their port."""
    listener = socket.create_server(("127.0.0.1", port), backlog=512)
    return listener, listener.getsockname()[1]


def serve(app, listener: socket.socket, **facts: object) -> None:
    """Serves `app` until the process is told to end; prints `facts` once it answers."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1, lifespan="on"))

    async def run() -> None:
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started and not serving.done():
            await asyncio.sleep(0.01)
        print(json.dumps({"port": listener.getsockname()[1], **facts}), flush=True)
        await serving

    asyncio.run(run())
