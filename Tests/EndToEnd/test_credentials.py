"""OAuth with a server that rotates: signing in, refreshing once for everybody, and what a bad token endpoint does."""

import concurrent.futures
import time

import pytest
from conftest import OPEN_POLICY
from parts import http
from parts.processes import wait_for

LIFETIME = 3


@pytest.fixture(scope="module")
def authorization(world):
    return world.server("authorization", "authorization_server", "--lifetime", str(LIFETIME))


@pytest.fixture(scope="module")
def protected(world, desk, authorization):
    server = world.server("protected", "mcp_server", "--issuer", authorization.facts["issuer"])
    desk.add_server("protected", server.url, "--auth", "oauth")
    desk.policy(OPEN_POLICY)
    return server


def echo(desk, bearer, text="a"):
    return http.call(desk.url("protected"), bearer, "echo", {"text": text})


def kinds(desk):
    return [each["kind"] for each in desk.doorward("audit", "tail").lines]


def test_before_signing_in_the_user_is_told_what_to_do(protected, desk, bearer):
    assert desk.servers()["protected"]["state"] == "needs_sign_in"
    error = echo(desk, bearer)["error"]
    assert error["code"] == -31003
    assert error["data"]["reason"] == "needs_sign_in"
    assert "doorward connect protected" in error["data"]["command"]
    answer = desk.doorward("call", "protected", "echo", '{"text": "a"}', check=False)
    assert answer.status == 3


def test_signing_in(protected, authorization, desk, bearer):
    assert desk.connect("protected")["state"] == "up"
    assert desk.servers()["protected"]["state"] == "up"
    assert echo(desk, bearer)["result"]["content"][0]["text"] == "a"
    counts = authorization.ask("counts")
    assert counts["registrations"] == 1
    assert set(counts["resources"]) == {protected.url}
    assert "credential.grant" in kinds(desk)


def test_ten_calls_after_expiry_make_one_refresh(protected, authorization, desk, bearer):
    echo(desk, bearer)
    before = authorization.ask("counts")
    time.sleep(LIFETIME + 1)
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda number: echo(desk, bearer, str(number)), range(10)))
    assert [each["result"]["content"][0]["text"] for each in answers] == [str(number) for number in range(10)]
    after = authorization.ask("counts")
    assert after["refreshes"] - before["refreshes"] == 1
    assert after["reuses"] == 0
    assert "credential.refresh" in kinds(desk)


@pytest.mark.parametrize("kind", ["html", "unavailable", "limited"])
def test_a_token_endpoint_that_misbehaves_costs_a_retry_and_not_the_sign_in(protected, authorization, desk, bearer, kind):
    time.sleep(LIFETIME + 1)
    authorization.tell("fault", {"kind": kind, "times": 1})
    wait_for("the call to come through", lambda: "result" in echo(desk, bearer), 20, every=0.2)
    assert authorization.ask("counts")["reuses"] == 0


def test_a_killed_agent_keeps_the_sign_in(protected, authorization, desk, bearer):
    desk.agent.kill()
    desk.start_agent()
    time.sleep(LIFETIME + 1)
    assert echo(desk, bearer)["result"]
    assert authorization.ask("counts")["reuses"] == 0


def test_an_upstream_401_is_answered_by_one_refresh(protected, authorization, desk, bearer):
    """A token that the server refuses although it has not expired: refreshed once, then the call goes on."""
    assert echo(desk, bearer)["result"]
    authorization.tell("expire", {})
    assert echo(desk, bearer)["result"]
    assert authorization.ask("counts")["reuses"] == 0


def test_a_revoked_grant_needs_the_user_and_no_401_reaches_the_client(protected, authorization, desk, bearer):
    authorization.tell("forget", {})
    reply = http.rpc(desk.url("protected"), bearer, "tools/call", {"name": "echo", "arguments": {"text": "a"}})
    assert reply.status == 200
    assert reply.messages[-1]["error"]["code"] == -31003
    assert "www-authenticate" not in reply.headers
    assert desk.servers()["protected"]["state"] == "needs_sign_in"
    assert desk.connect("protected")["state"] == "up"
    assert echo(desk, bearer)["result"]


def test_disconnecting_revokes_and_forgets(protected, authorization, desk, bearer):
    before = authorization.ask("counts")["revocations"]
    desk.doorward("disconnect", "protected")
    assert authorization.ask("counts")["revocations"] == before + 1
    assert echo(desk, bearer)["error"]["code"] == -31003
    assert "credential.revoke" in kinds(desk)


def test_the_upstream_saw_only_its_own_tokens(protected, authorization, bearer):
    tokens = set(authorization.ask("tokens"))
    values = {value for each in protected.ask("seen") for name, value in each["headers"] if name == "authorization"}
    assert values
    assert {value.removeprefix("Bearer ") for value in values} <= tokens
    assert bearer not in values
