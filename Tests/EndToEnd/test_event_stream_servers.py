"""Servers of HTTP+SSE (2024-11-05), for clients of every era: a real one of the last SDK that has that transport alone."""

import functools
import json

import pytest
from parts.processes import wait_for
from parts.shim import Shim, launched
from parts.world import visit


@pytest.fixture(scope="module")
def servers(world, desk):
    """The same server twice: over Streamable HTTP, and over HTTP+SSE alone."""
    servers = {
        "old": world.server("old", "handshake_server", environment="handshake"),
        "sse": world.server("sse", "handshake_server", "--sse", environment="handshake"),
    }
    desk.add_server("old", servers["old"].url)
    # What it speaks is found, not said.
    desk.add_server("found", servers["sse"].url)
    entry = {
        "name": "local.doorward/said", "version": "1.0.0", "description": "The MCP server said",
        "remotes": [{"type": "sse", "url": servers["sse"].url}],
        "_meta": {"dev.doorward/entry": {"alias": "said", "allow_loopback": True}},
    }
    desk.doorward("admin", "api", "POST", "/v1/servers", json.dumps(entry))
    grants = "\n".join(
        f"      - {{ server: {alias}, server_requests: [elicitation, sampling, roots] }}" for alias in ("old", "found", "said")
    )
    desk.policy(f"version: 1\nroles:\n  all:\n    grant:\n{grants}\nbind:\n  - {{ everyone: true, role: all }}\n")
    return servers


@pytest.fixture(scope="module")
def over_streamable_http(servers, desk, bearer):
    """The transcript of a client's visit to the same server over Streamable HTTP."""
    return functools.cache(lambda client, mode: visit(client, mode, desk.url("old"), bearer))


@pytest.mark.slow
@pytest.mark.parametrize("alias", ["found", "said"])
@pytest.mark.parametrize(("client", "mode"), [("handshake", "legacy"), ("modern", "legacy"), ("modern", "auto")])
def test_a_whole_visit_is_the_same_as_over_streamable_http(over_streamable_http, desk, bearer, client, mode, alias):
    assert visit(client, mode, desk.url(alias), bearer) == over_streamable_http(client, mode)


@pytest.mark.slow
@pytest.mark.parametrize(("client", "mode"), [("handshake", "legacy"), ("modern", "auto")])
def test_a_client_that_launches_commands_meets_such_a_server(over_streamable_http, desk, client, mode):
    transcript = visit(client, mode, "stdio:" + json.dumps(launched(desk, "said")), None)
    assert transcript == over_streamable_http(client, mode)


def test_the_server_may_be_started_again(servers, desk):
    with Shim(desk, "said") as shim:
        shim.initialize()
        assert shim.call("echo", text="before")["result"]["content"][0]["text"] == "before"
        servers["sse"].process.kill()
        servers["sse"].start()
        # The agent may have tried it a moment ago, and waits a little before it tries again.
        wait_for("the server to answer again", lambda: "result" in shim.call("echo", text="after"))


@pytest.mark.parametrize("alias", ["found", "said"])
def test_a_modern_client_is_bridged_to_it(servers, desk, alias):
    with Shim(desk, alias) as shim:
        tools = shim.ask("tools/list", modern=True)["result"]
        assert tools["resultType"] == "complete" and "echo" in {each["name"] for each in tools["tools"]}
        assert shim.call("echo", modern=True, text="hello")["result"]["content"][0]["text"] == "hello"
        note = shim.ask("resources/read", {"uri": "note://shopping"}, modern=True)["result"]
        assert note["contents"]


def test_a_type_that_is_none_is_refused(servers, desk):
    entry = {
        "name": "local.doorward/odd", "version": "1.0.0", "description": "odd",
        "remotes": [{"type": "websocket", "url": servers["sse"].url}],
        "_meta": {"dev.doorward/entry": {"alias": "odd", "allow_loopback": True}},
    }
    answer = desk.doorward("admin", "api", "POST", "/v1/servers", json.dumps(entry), check=False)
    assert answer.status == 1 and answer.json["status"] == 422 or answer.json["status"] == 400
