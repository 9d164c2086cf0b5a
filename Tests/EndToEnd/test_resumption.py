"""A call whose line is cut is answered all the same, where server and client are official ones that resume."""

import contextlib
import json
import socket
import threading

import pytest
from parts.processes import run
from parts.world import CLIENTS, python


class Line:
    """A TCP line to a server that is cut once for each call of a tool, a while after the call has passed."""

    def __init__(self, port: int) -> None:
        self.target = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.cuts = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near = self.listener.accept()[0]
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self.target))
            threading.Thread(target=self._pass, args=(near, far, True), daemon=True).start()
            threading.Thread(target=self._pass, args=(far, near, False), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, is_up: bool) -> None:
        try:
            while data := source.recv(65536):
                sink.sendall(data)
                if is_up and b'"tools/call"' in data:
                    threading.Timer(1, self._cut, (source, sink)).start()
        except OSError:
            pass
        for end in (source, sink):
            end.close()

    def _cut(self, *ends: socket.socket) -> None:
        self.cuts += 1
        for end in ends:
            # Wakes whoever reads, who closes what is left of the line.
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.listener.close()


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
