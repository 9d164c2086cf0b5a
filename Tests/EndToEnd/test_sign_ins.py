"""Sign-ins that overlap, that no command waits for, and to servers that are gone: nothing of them is left behind."""

import json
import subprocess

import pytest
from conftest import OPEN_POLICY
from parts import http
from parts.processes import wait_for
from parts.world import free_port


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


def test_a_command_that_stops_waiting_leaves_a_sign_in_that_still_ends(protected, desk):
    desk.doorward("disconnect", "protected")
    process, address = begin(desk)
    process.kill()
    process.wait()
    assert desk.servers()["protected"]["state"] == "needs_sign_in"
    assert http.visit(address).status == 200
    wait_for("the sign-in", lambda: desk.servers()["protected"]["state"] == "up")


def test_a_disconnect_that_the_server_refused_says_so_in_its_words(protected, authorization, desk):
    authorization.tell("fault", {"kind": "refused", "path": "/revoke", "times": 9})
    answer = desk.doorward("disconnect", "protected", check=False)
    authorization.tell("fault", {"kind": "", "times": 0})
    assert (answer.status, answer.json["state"], answer.json["revoked"]) == (1, "needs_sign_in", False)
    error = answer.json["error"]
    assert error["code"] == "revocation_refused"
    assert f"{authorization.facts['issuer']} did not take it back" in error["message"]
    assert 'status 400, invalid_request: "not while the audit runs"' in error["message"]
    assert authorization.facts["issuer"] in error["next"]
    assert "error: The sign-in to protected is forgotten here, but" in answer.error
    # It is forgotten all the same.
    assert desk.doorward("disconnect", "protected", check=False).json["error"]["code"] == "needs_sign_in"


def test_a_disconnect_that_nobody_heard_says_so(world, desk):
    alone = world.server("alone", "authorization_server", "--lifetime", "3600")
    server = world.server("unheard", "mcp_server", "--issuer", alone.facts["issuer"])
    desk.add_server("unheard", server.url, "--auth", "oauth")
    assert desk.connect("unheard") == {"state": "up"}
    alone.process.stop()
    answer = desk.doorward("disconnect", "unheard", check=False)
    assert (answer.status, answer.json["error"]["code"]) == (1, "revocation_unreachable")
    assert f"{alone.facts['issuer']} did not answer" in answer.json["error"]["message"]


def test_the_next_authorization_server_is_asked_where_the_first_is_dead_or_none(world, desk, authorization):
    nobody = world.server("nobody", "fake_upstream")
    first = [f"http://127.0.0.1:{free_port()}", nobody.origin]
    server = world.server(
        "second", "mcp_server", "--issuer", authorization.facts["issuer"],
        *(f"--trusts={each}" for each in [*first, authorization.facts["issuer"]]),
    )
    desk.add_server("second", server.url, "--auth", "oauth")
    assert desk.connect("second") == {"state": "up"}


def test_an_issuer_is_the_same_with_another_case_of_its_host_and_a_slash(world, desk, authorization):
    written = authorization.facts["issuer"].replace("http://", "HTTP://") + "/"
    server = world.server("written", "mcp_server", "--issuer", authorization.facts["issuer"], f"--trusts={written}")
    desk.add_server("written", server.url, "--auth", "oauth")
    assert desk.connect("written") == {"state": "up"}
    assert desk.doorward("disconnect", "written").json["revoked"] is True


def test_the_grant_of_a_server_that_has_left_the_registry_is_revoked(protected, authorization, desk):
    assert desk.connect("protected") == {"state": "up"}
    desk.doorward("admin", "servers", "remove", "protected")
    wait_for("the server to go", lambda: "protected" not in desk.servers())
    answer = desk.doorward("disconnect", "protected").json
    assert (answer["state"], answer["revoked"], answer["issuer"]) == ("needs_sign_in", True, authorization.facts["issuer"])
    answer = desk.doorward("disconnect", "protected", check=False)
    assert (answer.status, answer.json["error"]["code"]) == (1, "unknown_server")
