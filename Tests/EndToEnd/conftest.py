"""A world for each module of tests, made when the first test asks and ended after the last."""

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.dont_write_bytecode = True
pytest.register_assert_rewrite("parts")

from parts.world import ROOT, Desk, World, programs  # noqa: E402

OPEN_POLICY = """\
version: 1
roles:
  everybody:
    grant:
      - { server: everything, server_requests: [elicitation, sampling, roots] }
      - { server: old, server_requests: [elicitation, sampling, roots] }
      - { server: protected, server_requests: [elicitation, sampling, roots] }
bind:
  - { everyone: true, role: everybody }
forbid:
  - { tools: ["delete_*"], because: "deletions go through review" }
"""


def pytest_sessionstart(session: pytest.Session) -> None:
    missing = [name for name in ("doorward", "doorward-coordinator") if not (programs() / name).exists()]
    if missing:
        pytest.exit(f"build first (./packaging/dev build): {', '.join(missing)} not in {programs()}", 2)


def _finish(request: pytest.FixtureRequest, world: World, failures: int) -> None:
    world.close()
    if request.session.testsfailed > failures:
        kept = ROOT / ".build" / "tools" / "results" / "logs" / request.node.name.replace("/", "-")
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(world.processes.logs, kept)
        print(f"\nthe logs of these tests are in {kept}")
    world.remove()


@pytest.fixture(scope="module")
def world(request: pytest.FixtureRequest):
    """A coordinator that serves, and nothing else."""
    failures = request.session.testsfailed
    world = World(programs())
    try:
        world.coordinator.init()
        world.coordinator.start()
        yield world
    finally:
        _finish(request, world, failures)


@pytest.fixture(scope="module")
def desk(world: World) -> Desk:
    """The owner's desk, enrolled, with a running agent that has no servers and no policy."""
    desk = world.desk("owner")
    desk.login(world.coordinator.facts["token"])
    desk.start_agent()
    return desk


@pytest.fixture(scope="module")
def everything(world: World, desk: Desk) -> Desk:
    """The owner's desk with a server that anybody may call and a policy that opens all but deletions."""
    server = world.server("everything", "mcp_server")
    desk.add_server("everything", server.url)
    desk.policy(OPEN_POLICY)
    return desk


@pytest.fixture(scope="module")
def bearer(desk: Desk) -> str:
    """The Authorization header of a client of the owner."""
    return desk.client("tests")
