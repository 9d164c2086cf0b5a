"""The public checker of the revision 2026-07-28, against a server of either era and against the endpoint of all."""

import json
import os
import subprocess

import pytest
from conftest import OPEN_POLICY
from parts.world import python


@pytest.fixture(scope="module")
def both(world, desk):
    modern = world.server("everything", "mcp_server")
    handshake = world.server("old", "handshake_server", environment="handshake")
    desk.add_server("everything", modern.url)
    desk.add_server("old", handshake.url)
    desk.policy(OPEN_POLICY)
    return desk


def check(url: str, bearer: str) -> None:
    """Every check passes, or cannot tell."""
    done = subprocess.run(
        [str(python("modern").parent / "mcpcheck"), url, "--probe", "all", "--json"], text=True, capture_output=True,
        timeout=120, env={**os.environ, "MCPCHECK_TOKEN": bearer.removeprefix("Bearer ")},
    )
    checks = json.loads(done.stdout)["checks"]
    failed = [each for each in checks if each["status"] not in ("pass", "inconclusive", "warn")]
    assert done.returncode == 0 and not failed, json.dumps(failed, indent=1)
    # What it warns of is the server's own: a tool without an output schema.
    assert {each["name"] for each in checks if each["status"] == "warn"} <= {"schemas", "discover", "errors"}
    assert len(checks) == 8 and sum(each["status"] == "pass" for each in checks) >= 5


@pytest.mark.parametrize("alias", ["everything", "old"])
def test_the_endpoint_of_one_server_passes(both, bearer, alias):
    check(both.url(alias), bearer)


def test_the_endpoint_of_all_servers_passes(both, bearer):
    check(f"http://{both.listen}/mcp", bearer)
