"""One long session of an official client, which does what it is told line by line: what it hears it says at once.

usage: listener.py URL      the bearer comes in the environment as MCP_AUTHORIZATION

Runs with the SDK of either environment: the last one of the handshake revisions opens the stream of its session, the
newer one subscribes to changes of the list of tools, or with MCP_MODE=legacy does the handshake. Each line of standard input is a text for the tool `echo`. Each
line of standard output is an object: `session` (its id) once it listens, `echo`, `tools` (their names) after the
news that they have changed, or `error`.
"""

import asyncio
import json
import os
import sys
import warnings

warnings.simplefilter("ignore")
HEADERS = {"Authorization": os.environ["MCP_AUTHORIZATION"]}


def say(**facts) -> None:
    print(json.dumps(facts), flush=True)


async def serve(client) -> None:
    """Calls `echo` with each line, until no more come."""
    while line := (await asyncio.to_thread(sys.stdin.readline)).strip():
        try:
            say(echo=(await client.call_tool("echo", {"text": line})).content[0].text)
        except Exception as error:  # Whatever the SDK raises, the test wants to see it.
            say(error=str(error))


async def tools(client) -> None:
    say(tools=sorted(each.name for each in (await client.list_tools()).tools))


async def handshake(url: str) -> None:
    import httpx
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    tasks = set()

    async def message(message) -> None:
        if getattr(getattr(message, "root", None), "method", None) == "notifications/tools/list_changed":
            # The messages are read one by one, so the answer comes only once this one is done.
            tasks.add(asyncio.create_task(tools(session)))

    async with (
        httpx.AsyncClient(headers=HEADERS, timeout=httpx.Timeout(30, read=300)) as http,
        streamable_http_client(url, http_client=http) as (read, write, session_id),
        ClientSession(read, write, message_handler=message) as session,
    ):
        await session.initialize()
        await tools(session)
        say(session=session_id())
        await serve(session)


async def modern(url: str) -> None:
    import httpx2
    from mcp.client.client import Client
    from mcp.client.streamable_http import streamable_http_client

    async def listen(client, events) -> None:
        async for _ in events:
            await tools(client)

    async with (
        httpx2.AsyncClient(headers=HEADERS, timeout=httpx2.Timeout(30, read=300)) as http,
        Client(streamable_http_client(url, http_client=http), mode="2026-07-28") as client,
        client.listen(tools_list_changed=True) as events,
    ):
        await tools(client)
        say(session=None)
        listening = asyncio.create_task(listen(client, events))
        await serve(client)
        listening.cancel()


async def legacy(url: str) -> None:
    import httpx2
    from mcp.client.client import Client
    from mcp.client.streamable_http import streamable_http_client

    async with (
        httpx2.AsyncClient(headers=HEADERS, timeout=httpx2.Timeout(30, read=300)) as http,
        Client(streamable_http_client(url, http_client=http), mode="legacy") as client,
    ):
        await tools(client)
        say(session=None)
        await serve(client)


def is_modern() -> bool:
    try:
        import mcp.client.client  # noqa: F401
    except ImportError:
        return False
    return True


if os.environ.get("MCP_MODE") == "legacy":
    asyncio.run(legacy(sys.argv[1]))
else:
    asyncio.run((modern if is_modern() else handshake)(sys.argv[1]))
