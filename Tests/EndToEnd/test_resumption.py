"""A call whose line is cut is answered all the same, where server and client are official ones that resume."""

import json

import pytest
from parts.line import Line
from parts.processes import run
from parts.world import CLIENTS, python


@pytest.fixture(scope="module")
def line(world, desk):
    server = world.server("resumable", "resumable_server", environment="handshake")
    line = Line(server.port)
    desk.add_server("resumable", f"http://127.0.0.1:{line.port}/mcp")
    desk.policy(
        "version: 1\nroles: { all: { grant: [{ server: resumable }, { server: modern }] } }\n"
        "bind: [{ everyone: true, role: all }]\n"
    )
    yield line
    line.close()


def patient(url: str, bearer: str, tool: str, **more: str) -> str:
    """What an official client of the handshake era gets of a tool that takes three seconds."""
    environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": "/nonexistent", "MCP_AUTHORIZATION": bearer,
                   "PYTHONDONTWRITEBYTECODE": "1", **more}
    done = run([str(python("handshake")), str(CLIENTS / "patient.py"), url, tool, "3"], environment, 60)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def last_end(desk) -> str:
    ends = [each for each in desk.doorward("audit", "tail", json=True).lines if each.get("kind") == "call.end"]
    return ends[-1]["out"]["is"]


@pytest.mark.parametrize("tool", ["work", "mute"])
def test_a_call_outlives_its_line(world, desk, bearer, line, tool):
    cuts = line.cuts
    assert patient(desk.url("resumable"), bearer, tool) == "done"
    assert line.cuts == cuts + 1
    assert world.servers["resumable"].ask("counts")[tool] == 1
    assert last_end(desk) == "ok"


def test_a_call_over_the_bridge_outlives_the_line_of_its_client(world, desk, bearer, line):
    """No stream can be taken up again at a modern server: here the agent keeps it for its client."""
    server = world.server("modern", "mcp_server")
    desk.add_server("modern", server.url, "--era", "modern")
    near = Line(desk.port)
    try:
        url = f"http://127.0.0.1:{near.port}/servers/modern/mcp"
        assert patient(url, bearer, "drip", MCP_HOST=desk.listen) == "done"
        assert near.cuts == 1
    finally:
        near.close()
    assert last_end(desk) == "ok"
