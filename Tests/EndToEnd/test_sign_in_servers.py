"""The whole life of a sign-in at authorization servers that others made: connect, call, renewal, restart, disconnect, and an end
that the server has made. What is alive is asked of the server itself."""

import os
import time

import pytest
from parts import glewlwyd
from parts.processes import wait_for
from parts.sign_in_servers import Authlib, Glewlwyd, OfficialSDK, SignInServer

LIFETIME = 3
NAMES = ["sdk", "rotating", "lasting", "glewlwyd"]
POLICY = """\
version: 1
roles:
  everybody: { grant: [ { server: sdk }, { server: rotating }, { server: lasting }, { server: glewlwyd } ] }
bind: [ { everyone: true, role: everybody } ]
"""


class Street:
    """All of them, and when each was signed in to."""

    def __init__(self, world, desk) -> None:
        self.servers: dict[str, SignInServer] = {
            "sdk": OfficialSDK(world, "sdk", LIFETIME),
            "rotating": Authlib(world, "rotating", LIFETIME),
            "lasting": Authlib(world, "lasting", LIFETIME, rotating=False),
        }
        # Without Debian packages it is missing; CI must have it.
        if glewlwyd.PROGRAM.exists() or os.environ.get("CI"):
            self.servers["glewlwyd"] = Glewlwyd(world, "glewlwyd", LIFETIME)
        for server in self.servers.values():
            server.enter(desk)
        desk.policy(POLICY)
        self.begun: dict[str, float] = {}

    def __getitem__(self, name: str) -> SignInServer:
        if name not in self.servers:
            pytest.skip("glewlwyd is not there: packaging/dev test brings it")
        return self.servers[name]

    def connect(self, desk, name: str) -> None:
        assert self[name].connect(desk) == {"state": "up"}
        self.begun[name] = time.monotonic()

    def outlive(self, name: str) -> None:
        """Waits until the token that came with the sign-in is over; those who come later need not wait any more."""
        time.sleep(max(0.0, self.begun[name] + LIFETIME + 0.5 - time.monotonic()))


@pytest.fixture(scope="module")
def street(world, desk):
    return Street(world, desk)


def works(server: SignInServer, desk) -> bool:
    answer = server.call(desk)
    assert answer.status == 0, answer
    return answer.json["result"]["content"][0]["text"] == "a"


def renewals(desk) -> int:
    """How many there have been for all servers, by this machine's own records."""
    tail = desk.doorward("audit", "tail").lines
    return sum(each["kind"] == "credential.refresh" for each in tail)


@pytest.mark.parametrize("name", NAMES)
def test_signing_in_opens_the_server(street, desk, name):
    server = street[name]
    assert desk.servers()[server.alias]["state"] == "needs_sign_in"
    street.connect(desk, name)
    assert works(server, desk)
    assert len(server.living()) == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_token_that_is_over_is_renewed(street, desk, name):
    server = street[name]
    street.outlive(name)
    before = renewals(desk)
    assert works(server, desk)
    assert renewals(desk) > before
    # Where refresh tokens are good once, the one before is dead.
    assert len(set(server.living())) == 1


def test_a_killed_agent_keeps_every_sign_in(street, desk):
    assert desk.agent is not None
    desk.agent.kill()
    desk.start_agent()
    for server in street.servers.values():
        assert works(server, desk)


@pytest.mark.parametrize("name", NAMES)
def test_disconnecting_ends_the_grant_at_the_server(street, desk, name):
    server = street[name]
    answer = desk.doorward("disconnect", server.alias).json
    assert (answer["revoked"], answer["revocation"]) == (True, "revoked")
    assert server.living() == []
    assert server.call(desk).status == 3


@pytest.mark.parametrize("name", NAMES)
def test_a_grant_that_the_server_has_ended_is_about_to_be_noticed(street, desk, name):
    street.connect(desk, name)
    street[name].end()
    assert street[name].living() == []


@pytest.mark.parametrize("name", NAMES)
def test_a_client_that_calls_after_that_is_told_to_sign_in(street, desk, name):
    server = street[name]
    street.outlive(name)
    answer = server.call(desk)
    facts = desk.servers()[server.alias]
    if server.says_why:
        assert (answer.status, answer.json["error"]["data"]["reason"]) == (3, "needs_sign_in")
        assert facts["state"] == "needs_sign_in"
        assert "invalid_grant" in facts["error"]
    else:
        # A refusal without a word may be a server's trouble: it is believed after two minutes of it.
        assert answer.json["error"]["code"] == -31004
        assert (facts["state"], "does not say why" in facts["error"]) == ("degraded", True)
    street.connect(desk, name)
    wait_for("the server to be up", lambda: desk.servers()[server.alias]["state"] == "up")
    assert works(server, desk)
    assert desk.servers()[server.alias]["error"] is None
