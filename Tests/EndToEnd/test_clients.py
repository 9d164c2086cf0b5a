"""Official clients get through the agent what they get directly: every feature, both eras, both kinds of replies."""

import time

import anyio
import pytest
from parts import http
from parts.processes import run, wait_for
from parts.world import python, visit

VISITS = [
    ("modern", "auto"), ("modern", "legacy"), ("modern", "2026-07-28"), ("handshake", "legacy"),
]


@pytest.fixture(scope="module")
def servers(world, desk, everything):
    servers = {
        "everything": world.servers["everything"],
        "everything-json": world.server("everything-json", "mcp_server", "--json"),
        "old": world.server("old", "handshake_server", environment="handshake"),
    }
    for alias in ("everything-json", "old"):
        desk.add_server(alias, servers[alias].url)
    grants = "\n".join(
        f"      - {{ server: {alias}, server_requests: [elicitation, sampling, roots] }}" for alias in servers
    )
    desk.policy(
        f"version: 1\nroles:\n  all:\n    grant:\n{grants}\nbind:\n  - {{ everyone: true, role: all }}\n"
    )
    return servers


def combinations():
    for alias in ("everything", "everything-json", "old"):
        for client, mode in VISITS:
            if alias == "old" and mode in ("2026-07-28", "auto"):
                continue  # Through the agent they meet in the client's era: test_eras.py.
            if alias.endswith("-json") and mode == "auto":
                continue  # The same wire as the other modes.
            if alias.endswith("-json") and client == "handshake":
                continue  # The server itself answers 500 where it would have to ask this client something.
            yield pytest.param(alias, client, mode, id=f"{client}-{mode}-to-{alias}")


@pytest.mark.slow
@pytest.mark.parametrize(("alias", "client", "mode"), list(combinations()))
def test_a_whole_visit_is_the_same_through_the_agent(servers, desk, bearer, alias, client, mode):
    server = servers[alias]

    def stopped() -> int:
        return server.ask("counts").get("slow cancelled", 0)

    before = stopped()
    direct = visit(client, mode, server.url, None)
    # A server that answers with JSON may not notice that its client has gone; then the agent cannot tell it.
    deadline = time.monotonic() + 3
    while stopped() == before and time.monotonic() < deadline:
        time.sleep(0.05)
    notices, before = stopped() > before, stopped()

    through = visit(client, mode, desk.url(alias), bearer)

    assert through == direct
    if not alias.endswith("-json"):
        assert through["progress steps"] == [[1, 3, "step 1"], [2, 3, "step 2"], [3, 3, "step 3"]]
    assert notices or alias.endswith("-json")
    # A call that is cancelled here is cancelled there too.
    if notices:
        wait_for("the server to hear of the cancelled call", lambda: stopped() > before)


BIG = """
import asyncio, os, sys
{imports}

async def main():
    async with {http}(headers={{"Authorization": os.environ["MCP_AUTHORIZATION"]}}, timeout=60) as client:
        {body}

asyncio.run(main())
"""
MODERN_BIG = BIG.format(
    imports="import httpx2\nfrom mcp.client.client import Client\n"
    "from mcp.client.streamable_http import streamable_http_client",
    http="httpx2.AsyncClient",
    body="""async with Client(streamable_http_client(sys.argv[1], http_client=client), mode=sys.argv[2]) as session:
            result = await session.call_tool("big", {"size": 2_000_000})
            print(len(result.content[0].text))""",
)
HANDSHAKE_BIG = BIG.format(
    imports="import httpx\nfrom mcp import ClientSession\n"
    "from mcp.client.streamable_http import streamable_http_client",
    http="httpx.AsyncClient",
    body="""async with streamable_http_client(sys.argv[1], http_client=client) as (read, write, _):
            async with ClientSession(read, write) as session:
                await session.initialize()
                result = await session.call_tool("big", {"size": 2_000_000})
                print(len(result.content[0].text))""",
)


@pytest.mark.parametrize(
    ("environment", "mode", "script"),
    [("modern", "auto", MODERN_BIG), ("modern", "legacy", MODERN_BIG), ("handshake", "", HANDSHAKE_BIG)],
    ids=["modern-auto", "modern-legacy", "handshake"],
)
def test_a_result_of_two_megabytes_passes_to_every_sdk(servers, desk, bearer, environment, mode, script):
    # Directly the newer SDK refuses an event over 1 MiB: the agent answers such a result as JSON.
    done = run(
        [str(python(environment)), "-c", script, desk.url("everything"), mode],
        {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "MCP_AUTHORIZATION": bearer},
    )
    assert done.stdout.strip() == "2000000", done.stderr[-2000:]


def test_events_pass_as_they_come(servers, desk, bearer):
    """The first progress of a slow call arrives long before its result."""
    script = """
import asyncio, os, sys, time
import httpx2
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client

async def main():
    async with httpx2.AsyncClient(headers={"Authorization": os.environ["MCP_AUTHORIZATION"]}) as client:
        async with Client(streamable_http_client(sys.argv[1], http_client=client)) as session:
            seen = []
            async def progressed(*_):
                seen.append(time.monotonic())
            begin = time.monotonic()
            await session.call_tool("drip", {"seconds": 1.5}, progress_callback=progressed)
            print(seen[0] - begin, time.monotonic() - begin)

asyncio.run(main())
"""
    done = run(
        [str(python("modern")), "-c", script, desk.url("everything")],
        {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "MCP_AUTHORIZATION": bearer},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    first, last = map(float, done.stdout.split())
    assert first < 1 < last


def test_many_sessions_at_once_keep_their_own_answers(servers, desk, bearer):
    """Clients that use the same ids at the same time never see each other's results."""

    async def main() -> None:
        async def one(number: int) -> None:
            message = await anyio.to_thread.run_sync(
                lambda: http.call(desk.url("everything"), bearer, "echo", {"text": f"canary {number}"}, id=7)
            )
            assert message["id"] == 7
            assert message["result"]["content"][0]["text"] == f"canary {number}"

        async with anyio.create_task_group() as tasks:
            for number in range(100):
                tasks.start_soon(one, number)

    anyio.run(main)


def test_the_upstream_sees_no_credential_of_the_client(servers, desk, bearer):
    seen = servers["everything"].ask("seen")
    through = [each for each in seen if any(name == "traceparent" for name, _ in each["headers"])]
    assert through
    for each in seen:
        for name, value in each["headers"]:
            assert bearer.removeprefix("Bearer ") not in value
            assert name not in ("cookie", "proxy-authorization")
