"""Sign-ins that overlap, that nobody waits for, and to servers that are gone: nothing of them is left behind."""

import json
import subprocess

import pytest
from conftest import OPEN_POLICY
from parts import http
from parts.processes import wait_for


@pytest.fixture(scope="module")
def authorization(world):
    return world.server("authorization", "authorization_server", "--lifetime", "3600")


@pytest.fixture(scope="module")
def protected(world, desk, authorization):
    server = world.server("protected", "mcp_server", "--issuer", authorization.facts["issuer"])
    desk.add_server("protected", server.url, "--auth", "oauth")
    desk.policy(OPEN_POLICY)
    return server


def begin(desk) -> tuple[subprocess.Popen, str]:
    """A `connect` that waits for its browser, and the address to open."""
    process = subprocess.Popen(
        [str(desk.world.programs / "doorward"), "connect", "protected", "--no-browser", "--json"],
        env=desk.environment, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return process, json.loads(process.stdout.readline())["authorization_url"]


def end(process: subprocess.Popen) -> tuple[int, dict]:
    out, _ = process.communicate(timeout=30)
    return process.returncode, json.loads(out.splitlines()[-1])


def test_a_second_sign_in_takes_the_place_of_the_first_and_says_so(protected, desk):
    first, _ = begin(desk)
    second, address = begin(desk)
    status, told = end(first)
    assert (status, told["error"]["code"]) == (1, "sign_in_replaced")
    assert http.visit(address).status == 200
    assert end(second) == (0, {"state": "up"})


def test_whoever_stops_waiting_leaves_a_sign_in_that_still_ends(protected, desk):
    desk.doorward("disconnect", "protected")
    process, address = begin(desk)
    process.kill()
    process.wait()
    assert desk.servers()["protected"]["state"] == "needs_sign_in"
    assert http.visit(address).status == 200
    wait_for("the sign-in", lambda: desk.servers()["protected"]["state"] == "up")


def test_the_grant_of_a_server_that_has_left_the_registry_is_revoked(protected, authorization, desk):
    desk.doorward("admin", "servers", "remove", "protected")
    wait_for("the server to go", lambda: "protected" not in desk.servers())
    assert desk.doorward("disconnect", "protected").json == {"state": "needs_sign_in", "revoked": True}
    answer = desk.doorward("disconnect", "protected", check=False)
    assert (answer.status, answer.json["error"]["code"]) == (1, "unknown_server")
