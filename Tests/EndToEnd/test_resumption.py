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
        "version: 1\nroles: { all: { grant: [{ server: resumable }] } }\nbind: [{ everyone: true, role: all }]\n"
    )
    yield line
    line.close()


@pytest.mark.parametrize("tool", ["work", "mute"])
def test_a_call_outlives_its_line(world, desk, bearer, line, tool):
    cuts = line.cuts
    environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": "/nonexistent", "MCP_AUTHORIZATION": bearer,
                   "PYTHONDONTWRITEBYTECODE": "1"}
    command = [str(python("handshake")), str(CLIENTS / "patient.py"), desk.url("resumable"), tool, "3"]
    done = run(command, environment, 60)
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout) == "done"
    assert line.cuts == cuts + 1
    assert world.servers["resumable"].ask("counts")[tool] == 1
    ends = [each for each in desk.doorward("audit", "tail", json=True).lines if each.get("kind") == "call.end"]
    assert ends[-1]["out"]["is"] == "ok"
