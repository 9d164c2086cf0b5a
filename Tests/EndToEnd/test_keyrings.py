"""The whole life of a machine with the keyring of each desktop: gnome-keyring, KeePassXC and KWallet as Debian has them,
on a screen on which every window counts. Nothing but `login`, `connect` and `unlock` may show one."""

import signal
import time
from collections.abc import Callable

import pytest
from conftest import OPEN_POLICY
from parts import http
from parts.processes import wait_for
from parts.real_keyrings import REAL, GnomeKeyring, KeePassXC, KWallet
from parts.windows import answered
from parts.world import Answer

KEY = "Doorward: this machine's signing key"


@pytest.fixture(scope="module")
def authorization(world):
    return world.server("authorization", "authorization_server", "--lifetime", "600")


@pytest.fixture(scope="module")
def owner(world, desk, authorization):
    server = world.server("protected", "mcp_server", "--issuer", authorization.facts["issuer"])
    desk.add_server("protected", server.url, "--auth", "oauth")
    desk.policy(OPEN_POLICY)
    return desk


@pytest.fixture
def machine(world, owner):
    """Makes a machine with a keyring of one kind, enrolled and perhaps signed in."""

    def make(provider, connected: bool = True):
        if missing := provider.missing():
            pytest.skip(f"not installed: {missing}")
        # gnome-keyring asks with a program that the bus starts; the others must not be given its place.
        desk = world.desk(f"life-{time.monotonic_ns()}", services=provider is GnomeKeyring, provider=provider)
        made.append(desk)
        desk.login(invitation(owner, world))
        desk.start_agent()
        desk.bearer = desk.client("life")
        if connected:
            desk.connect("protected")
            assert "result" in echo(desk)
        return desk

    made = []
    yield make
    for desk in made:
        desk.stop_agent()
        desk.keyring.stop_daemon()


def invitation(owner, world) -> str:
    return world.secret(owner.doorward("admin", "invite", f"{time.monotonic_ns()}@example.com").json["token"])


def echo(desk):
    return http.call(desk.url("protected"), desk.bearer, "echo", {"text": "a"})


def passes(desk, seconds: float = 10) -> None:
    wait_for("the call to pass", lambda: "result" in echo(desk), seconds, every=0.2)


def refreshed(desk, authorization) -> None:
    """A call with a token that its server has just refused."""
    authorization.tell("expire", {})
    assert "result" in echo(desk)


def unlock(desk, answer: Callable[[], None]) -> Answer:
    """`doorward unlock`, and what its user does with the one window that it opens."""
    before = len(desk.keyring.windows)
    said = answered(desk, ["unlock"], answer)
    assert len(desk.keyring.windows) == before + 1
    return said


@pytest.mark.parametrize("provider", REAL, ids=lambda each: each.name)
def test_the_whole_life_asks_nobody_but_for_unlock(world, machine, owner, authorization, provider):
    desk = machine(provider)
    keyring = desk.keyring
    assert len(keyring.labels()) == 2 and keyring.labels().count(KEY) == 1

    # Refreshes, a restart of the agent between them.
    before = authorization.ask("counts")
    refreshed(desk, authorization)
    refreshed(desk, authorization)
    desk.stop_agent()
    desk.start_agent()
    passes(desk)
    refreshed(desk, authorization)

    # The keyring is started anew under a running agent, as by another sign-in to the desktop.
    keyring.stop_daemon()
    keyring.unlock()
    refreshed(desk, authorization)
    desk.stop_agent()
    desk.start_agent()
    passes(desk)
    assert keyring.windows == []

    # Locked: what can go on goes on, what cannot says so, and the user is not asked.
    keyring.lock()
    passes(desk)
    authorization.tell("expire", {})
    for _ in range(12):
        error = echo(desk)["error"]
        assert (error["code"], error["data"]["reason"], error["data"].get("command")) == (-31003, "locked", "doorward unlock")
    server = desk.servers()["protected"]
    assert (server["state"], server["error"]) == ("degraded", "the keyring is locked: doorward unlock")
    for command in (["admin", "users"], ["logout"], ["disconnect", "protected"]):
        answer = desk.doorward(*command, check=False)
        error = answer.json["error"]
        assert (answer.status, error["code"], error["next"]) == (3, "keyring_locked", "doorward unlock")
    desk.stop_agent()
    desk.start_agent(ready=False)
    error = echo(desk)["error"]
    assert (error["code"], error["data"]["reason"]) == (-31003, "locked")
    facts = desk.status()
    assert facts["link"] == "locked"
    assert (facts["keyring"]["code"], facts["keyring"]["next"]) == ("keyring_locked", "doorward unlock")
    assert facts["servers"][0]["state"] == "degraded"
    assert keyring.windows == []

    # Its user closes the window, and is told where else to open it; then opens it, and everything goes on at once.
    refused = unlock(desk, keyring.refuse)
    assert (refused.status, refused.json["error"]["code"]) == (3, "keyring_locked")
    assert keyring.by_hand in refused.json["error"]["next"]
    assert unlock(desk, keyring.type).json == {"open": True}
    assert "result" in echo(desk)
    refreshed(desk, authorization)
    assert "keyring" not in desk.status()
    after = authorization.ask("counts")
    assert (after["reuses"], after["registrations"]) == (before["reuses"], before["registrations"])
    assert len(keyring.windows) == 2

    # And out, and in again: neither key nor token is left meanwhile, and no window is needed.
    desk.doorward("disconnect", "protected")
    desk.doorward("logout")
    assert not keyring.holds_secrets()
    desk.login(invitation(owner, world))
    assert keyring.holds_secrets()
    assert len(keyring.windows) == 2


def test_a_wallet_that_was_opened_with_the_desktop_needs_nobody(machine, authorization):
    desk = machine(KWallet)
    keyring = desk.keyring
    keyring.stop_daemon()
    keyring.start_closed()
    # The agent starts before the wallet is open, and goes on by itself.
    desk.stop_agent()
    desk.start_agent(ready=False)
    assert echo(desk)["error"]["data"]["reason"] == "locked"
    keyring.open_by_pam()
    passes(desk)
    refreshed(desk, authorization)
    assert keyring.windows == []

    # A user who wants to be asked for every program is asked only by `unlock`.
    keyring.asks_for_programs = True
    keyring.stop_daemon()
    keyring.start_closed()
    keyring.open_by_pam()
    desk.stop_agent()
    desk.start_agent(ready=False)
    wait_for("the agent to have looked", lambda: "keyring" in desk.status())
    assert echo(desk)["error"]["data"]["reason"] == "locked"
    assert keyring.windows == []
    assert unlock(desk, lambda: keyring.type("")).json == {"open": True}
    assert "result" in echo(desk)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_wallet_that_ends_right_after_its_word_has_kept_it(world, owner, machine, authorization, number):
    if missing := KWallet.missing():
        pytest.skip(f"not installed: {missing}")

    def end():
        desk.keyring.end(number)
        desk.keyring.unlock()

    desk = world.desk(f"five-seconds-{number}", services=False, provider=KWallet)
    begin = time.monotonic()
    desk.login(invitation(owner, world))
    assert time.monotonic() - begin < 4
    end()
    assert desk.keyring.labels() == [KEY]
    desk.start_agent()
    desk.bearer = desk.client("life")
    desk.connect("protected")
    end()
    before = authorization.ask("counts")["reuses"]
    # With a restart of the agent, which forgets what it held in memory, and without.
    for isAgentToo in (True, False):
        refreshed(desk, authorization)
        end()
        if isAgentToo:
            desk.agent.kill()
            desk.start_agent()
        passes(desk)
        refreshed(desk, authorization)
    assert authorization.ask("counts")["reuses"] == before
    assert desk.keyring.windows == []


@pytest.mark.parametrize("provider", [GnomeKeyring, KeePassXC], ids=lambda each: each.name)
def test_a_keyring_that_is_put_back_from_a_backup_makes_no_token_go_twice(machine, authorization, provider, tmp_path):
    desk = machine(provider)
    keyring = desk.keyring
    before = authorization.ask("counts")["reuses"]
    keyring.copy(keyring.file, tmp_path / "backup")
    refreshed(desk, authorization)
    keyring.stop_daemon()
    keyring.copy(tmp_path / "backup", keyring.file)
    keyring.unlock()
    refreshed(desk, authorization)
    desk.stop_agent()
    desk.start_agent()
    passes(desk)
    refreshed(desk, authorization)
    assert authorization.ask("counts")["reuses"] == before
    assert keyring.windows == []


class Confirming(KeePassXC):
    """With its own settings: it asks for every entry that another connection has made."""

    confirms = True


def test_a_keyring_that_asks_for_each_program_is_asked_by_unlock(machine, authorization):
    desk = machine(Confirming, connected=False)
    keyring = desk.keyring
    assert keyring.labels() == [KEY]
    assert keyring.windows == []

    # The agent is another program than `login` was. It does not ask the user, and says what is in the way and what to
    # do.
    desk.stop_agent()
    desk.start_agent(ready=False)
    error = echo(desk)["error"]
    assert (error["data"]["reason"], error["data"]["command"]) == ("locked", "doorward unlock")
    told = desk.status()["keyring"]
    for words in (error["message"], f"{told['message']} {told['next']}"):
        assert "KeePassXC wants to be asked for this entry" in words
        assert "Settings, Secret Service Integration" in words
        assert "doorward unlock" in words
    assert keyring.windows == []

    assert unlock(desk, keyring.refuse).json["error"]["code"] == "keyring_locked"
    assert unlock(desk, lambda: keyring.type("")).json == {"open": True}
    desk.connect("protected")
    assert "result" in echo(desk)
    refreshed(desk, authorization)
    refreshed(desk, authorization)
    # What it was allowed once it is allowed for its life.
    assert len(keyring.windows) == 2
    assert keyring.labels().count(KEY) == 1


def test_another_keyring_under_the_same_name_ends_no_sign_in(machine, authorization):
    desk = machine(KeePassXC)
    keyring = desk.keyring
    other = GnomeKeyring(desk.world.processes, keyring.home, desk.environment, services=False)
    other.bus = keyring.bus
    before = authorization.ask("counts")
    keyring.stop_daemon()
    other.unlock()
    authorization.tell("expire", {})
    for _ in range(2):
        assert echo(desk)["error"]["data"]["reason"] == "locked"
    assert desk.servers()["protected"]["state"] == "degraded"

    # Who starts while it answers knows it as well, makes no second key and calls nothing lost.
    desk.stop_agent()
    desk.start_agent(ready=False)
    for words in (
        echo(desk)["error"]["message"], desk.status()["keyring"]["message"],
        desk.doorward("admin", "users", check=False).json["error"]["message"],
        desk.doorward("unlock", check=False).json["error"]["message"],
    ):
        assert "KeePassXC has what is looked for" in words and "gnome-keyring answers" in words
    assert desk.status()["problem"] is None
    assert other.labels() == []

    other.stop_daemon()
    keyring.unlock()
    passes(desk)
    refreshed(desk, authorization)
    after = authorization.ask("counts")
    assert (after["reuses"], after["registrations"]) == (before["reuses"], before["registrations"])
    assert keyring.windows == []
