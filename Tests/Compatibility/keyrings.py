"""Keyrings of real desktops, each through the whole life of a machine, on a screen on which every window counts."""

import contextlib
from collections.abc import Callable
from typing import Any

from conftest import OPEN_POLICY
from ground import Ground
from parts import http
from parts.processes import Failed, wait_for
from parts.real_keyrings import GnomeKeyring, KeePassXC, KWallet, RealKeyring
from parts.windows import answered
from parts.world import Desk, World
from table import Row, Section

COLUMNS = ["login", "connect", "refresh", "agent anew", "keyring anew", "locked", "unlock", "logout", "asks"]
ABOUT = """
A machine with each keyring: `login` with the keyring open, `connect`, calls whose token was refused (refresh), the agent
started anew, the keyring ended after a refresh and started anew, the keyring locked (calls and commands must say so,
and name `doorward unlock`), `doorward unlock` with a user who answers its window, `disconnect` and `logout`. Each runs on a
screen of its own, without a desktop around it.

Asks: what made a window appear. A refresh token that was shown twice, or a second signing key, would be a note.
"""
KEY = "Doorward: this machine's signing key"


class Confirming(KeePassXC):
    """KeePassXC with its own settings: it asks for every entry that another connection has made."""

    confirms = True


PARTS: list[tuple[str, type[RealKeyring]]] = [
    ("gnome-keyring", GnomeKeyring),
    ("KeePassXC, confirmation off", KeePassXC),
    ("KeePassXC, its own settings", Confirming),
    ("KWallet, opened by PAM", KWallet),
]


def section(ground: Ground) -> Section:
    rows: list[Row] = []
    with ground.world() as world:
        owner = world.desk("owner")
        owner.login(world.coordinator.facts["token"])
        owner.start_agent()
        authorization = world.server("authorization", "authorization_server", "--lifetime", "600")
        server = world.server("protected", "mcp_server", "--issuer", authorization.facts["issuer"])
        owner.add_server("protected", server.url, "--auth", "oauth")
        owner.policy(OPEN_POLICY)
        for name, provider in PARTS:
            rows.append(ground.attempt(name, lambda name=name, provider=provider: Life(ground, world, name, provider).row()))
    return Section("Keyrings", COLUMNS, ABOUT, rows)


class Life:
    """One machine, from its enrolment to its end; each step is a cell, and what made a window appear is noted."""

    def __init__(self, ground: Ground, world: World, name: str, provider: type[RealKeyring]) -> None:
        ground.debian(provider.package, *provider.around)
        self.world = world
        self.result = Row(name, ground.debian_version(provider.package))
        self.number = PARTS.index((name, provider))
        self.provider = provider
        self.authorization = world.servers["authorization"]
        self.asked: list[str] = []
        self.bearer = ""
        self.desk: Desk

    def row(self) -> Row:
        # gnome-keyring asks with a program that the bus starts; the others must not be given its place.
        isStarted = self.provider is GnomeKeyring
        self.desk = self.world.desk(f"keyring-{self.number}", services=isStarted, provider=self.provider)
        self.keyring: Any = self.desk.keyring
        before = self.authorization.ask("counts")["reuses"]
        try:
            for column, step in (
                ("login", self.login), ("connect", self.connect), ("refresh", self.refresh), ("agent anew", self.agent_anew),
                ("keyring anew", self.keyring_anew), ("locked", self.locked), ("unlock", self.unlock), ("logout", self.logout),
            ):
                self.step(column, step)
        finally:
            self.desk.stop_agent()
            self.keyring.stop_daemon()
        self.result.cells["asks"] = ", ".join(self.asked) or "nobody"
        if reuses := self.authorization.ask("counts")["reuses"] - before:
            self.result.note = f"a refresh token was shown twice, {reuses} times"
        return self.result

    def step(self, column: str, step: Callable[[], str]) -> None:
        windows = len(self.keyring.windows)
        try:
            self.result.cells[column] = step()
        except (Failed, AssertionError) as error:
            words = str(error).split("\n", 1)[0]
            self.result.cells[column] = f"no: {words[:160]}"
        if len(self.keyring.windows) > windows:
            self.asked.append(column)

    # The steps.

    def login(self) -> str:
        owner = self.world.desks[0]
        token = owner.doorward("admin", "invite", f"keyring-{self.number}@example.com").json["token"]
        self.desk.login(token)
        keys = self.keyring.labels().count(KEY)
        self.desk.start_agent(ready=False)
        self.bearer = self.desk.client("life")
        if self.error() == "locked":
            # The agent is another program than `login`.
            told = self.desk.status()["keyring"]["message"]
            self.answered(lambda: self.keyring.type(""))
            return f"yes: then the agent needs `doorward unlock` ({told})"
        return "yes" if keys == 1 else f"yes: {keys} signing keys"

    def connect(self) -> str:
        self.desk.connect("protected")
        return "yes" if self.passes() else "no"

    def refresh(self) -> str:
        for _ in range(2):
            self.authorization.tell("expire", {})
            if error := self.error():
                return f"no: {error}"
        return "yes"

    def agent_anew(self) -> str:
        self.desk.stop_agent()
        self.desk.start_agent(ready=False)
        if self.passes():
            return "yes"
        self.answered(lambda: self.keyring.type(""))
        return "asks: `doorward unlock` after each start" if self.passes() else "no"

    def keyring_anew(self) -> str:
        self.refresh()
        self.keyring.stop_daemon()
        self.keyring.unlock()
        if not self.passes():
            return "no"
        if (result := self.refresh()) == "yes":
            return result
        self.answered(lambda: self.keyring.type(""))
        return "asks: `doorward unlock` after each start" if self.refresh() == "yes" else result

    def locked(self) -> str:
        self.keyring.lock()
        self.authorization.tell("expire", {})
        calls = self.error()
        answer = self.desk.doorward("admin", "users", check=False)
        commands = (answer.json["error"]["code"], answer.json["error"]["next"])
        if calls == "locked" and commands == ("keyring_locked", "doorward unlock"):
            return "told"
        return f"told otherwise: calls {calls}, commands {' '.join(commands)}"

    def unlock(self) -> str:
        if (status := self.answered(self.keyring.type)) != 0:
            return f"no: status {status}"
        return "yes" if self.passes() else f"no: {self.error()}"

    def logout(self) -> str:
        self.desk.doorward("disconnect", "protected")
        self.desk.doorward("logout")
        if self.keyring.holds_secrets():
            return "no: a secret stays"
        return "yes" if not self.keyring.labels() else "yes: the entries stay, emptied, since it would ask before it removes one"

    # Parts of steps.

    def error(self) -> str:
        """Why a call does not pass; empty where it does."""
        answer = http.call(self.desk.url("protected"), self.bearer, "echo", {"text": "a"})
        return "" if "result" in answer else answer["error"].get("data", {}).get("reason", "error")

    def passes(self) -> bool:
        with contextlib.suppress(Failed):
            return bool(wait_for("the call to pass", lambda: not self.error(), 8, every=0.2))
        return False

    def answered(self, answer: Callable[[], None]) -> int:
        """`doorward unlock`, and what its user does with the window; the command's status."""
        return answered(self.desk, ["unlock"], answer).status
