"""Authorization servers that others made: the whole life of a sign-in at each of them."""

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ground import Ground
from parts import http
from parts.sign_in_servers import Authlib, Glewlwyd, OfficialSDK, OwnProcess, SignInServer
from parts.world import Desk, World, free_port
from table import Row, Section

HERE = Path(__file__).parent / "programs"
LIFETIME = 4
COLUMNS = ["sign-in", "refresh", "restart", "revoke", "ended there", "secret"]
ABOUT = """
Before each authorization server is an MCP server of the official SDK that trusts it (fastmcp's proxy is both). *sign-in*:
`connect` with a browser that consents, then a call. *refresh*: a call after the access token has ended. *restart*: a call after
the agent was killed and started again. *revoke*: `disconnect` says that the sign-in is revoked, and the server says that it
has no living grant. *ended there*: the server ends the grant; the next calls say that the user has to sign in, and the server's
words are shown. *secret*: a client that was registered beforehand with a port and a secret, by HTTP Basic, signs in with
`--client-secret-file`, is refreshed and revoked; "-" where that was not tried.
"""


class Django(OwnProcess):
    title = "django-oauth-toolkit"

    def __init__(self, ground: Ground, world: World, alias: str) -> None:
        interpreter = ground.environment("django", "django-oauth-toolkit==3.4.1", "Django==5.2.19")
        self.found = ground.version(interpreter, "django-oauth-toolkit")
        super().__init__(world, alias, LIFETIME, str(HERE / "django_server"), environment=str(interpreter), resource=("--any-resource",))

    @property
    def version(self) -> str:
        return self.found

    def browse(self, address: str) -> http.Reply:
        self.server.tell("consent", {"client_id": http.parameter(address, "client_id")})
        return super().browse(address)

    def end(self) -> None:
        self.server.tell("end", {})


class Canaille(OwnProcess):
    title = "canaille"
    lifetime = 20
    # Its refresh tokens end with the access tokens that came with them: a renewal has to come in the last tenth of their life.
    early = 18.6

    def __init__(self, ground: Ground, world: World, alias: str) -> None:
        interpreter = ground.environment("canaille", "canaille[front,oidc,server]==0.3.6")
        self.found = ground.version(interpreter, "canaille")
        super().__init__(
            world, alias, self.lifetime, str(HERE / "canaille_server"), environment=str(interpreter),
            resource=("--any-resource", "--scope", "openid", "--scope", "profile"),
        )

    @property
    def version(self) -> str:
        return self.found

    def browse(self, address: str) -> http.Reply:
        cookie = http.get(f"{self.server.origin}/test/sign-in").headers["set-cookie"].split(";")[0]
        form = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
        reply = http.request("POST", address, headers=form, body="answer=accept")
        assert reply.status == 302, reply
        return http.visit(reply.headers["location"])

    def end(self) -> None:
        self.server.tell("end", {})


class FastMCPProxy(SignInServer):
    title = "fastmcp OAuthProxy"

    def __init__(self, ground: Ground, world: World, alias: str) -> None:
        interpreter = ground.environment("fastmcp", "fastmcp==4.2.3")
        self.found = ground.version(interpreter, "fastmcp")
        self.alias = alias
        self.upstream = world.server(f"{alias}-upstream", "authlib_server", "--rotating", environment="authlib")
        self.resource = world.server(
            alias, str(HERE / "proxy_server"), "--lifetime", str(LIFETIME), "--upstream", self.upstream.facts["issuer"],
            environment=str(interpreter),
        )

    @property
    def version(self) -> str:
        return self.found

    def living(self) -> list[str]:
        return self.upstream.ask("grants")

    def end(self) -> None:
        self.upstream.tell("end", {})


def section(ground: Ground) -> Section:
    kinds: list[tuple[str, Callable[[World], SignInServer]]] = [
        ("sdk", lambda world: OfficialSDK(world, "sdk", LIFETIME)),
        ("rotating", lambda world: Authlib(world, "rotating", LIFETIME)),
        ("lasting", lambda world: Authlib(world, "lasting", LIFETIME, rotating=False)),
        ("glewlwyd", lambda world: Glewlwyd(world, "glewlwyd", LIFETIME)),
        ("django", lambda world: Django(ground, world, "django")),
        ("canaille", lambda world: Canaille(ground, world, "canaille")),
        ("fastmcp", lambda world: FastMCPProxy(ground, world, "fastmcp")),
    ]
    rows = [ground.attempt(name, lambda name=name, kind=kind: _row(ground, name, kind)) for name, kind in kinds]
    return Section("Sign-in servers", COLUMNS, ABOUT, rows)


def _row(ground: Ground, alias: str, kind: Callable[[World], SignInServer]) -> Row:
    with ground.world() as world:
        desk = world.desk("owner")
        desk.login(world.coordinator.facts["token"])
        desk.start_agent()
        server = kind(world)
        server.enter(desk)
        desk.policy(
            f"version: 1\nroles: {{ all: {{ grant: [ {{ server: {alias} }}, {{ server: known }} ] }} }}\n"
            "bind: [ { everyone: true, role: all } ]\n"
        )
        return Row(server.title, server.version, _life(desk, server))


def _life(desk: Desk, server: SignInServer) -> dict[str, str]:
    cells: dict[str, str] = {}
    answer = desk.sign_in(server.alias, browse=server.browse)
    begun = time.monotonic()
    if answer.status != 0:
        return {"sign-in": f"no: {answer.json['error']['message']}"}
    cells["sign-in"] = _works(desk, server)
    cells["refresh"] = _refreshed(desk, server, begun)
    assert desk.agent is not None
    desk.agent.kill()
    desk.start_agent()
    cells["restart"] = _works(desk, server)
    cells["revoke"] = _revoked(desk, server)
    cells["ended there"] = _ended(desk, server)
    cells["secret"] = _secret(desk, server)
    return cells


def _works(desk: Desk, server: SignInServer) -> str:
    answer = server.call(desk)
    if answer.status == 0:
        return "yes"
    return f"no: {desk.servers()[server.alias]['error'] or answer.json['error']['message']}"


def _refreshed(desk: Desk, server: SignInServer, begun: float) -> str:
    if early := getattr(server, "early", None):
        time.sleep(max(0.0, begun + early - time.monotonic()))
        server.call(desk)
    _outlive(server, begun)
    seen = _works(desk, server)
    return "yes: only while the access token is good, with which its refresh token ends" if early and seen == "yes" else seen


def _outlive(server: SignInServer, begun: float) -> None:
    time.sleep(max(0.0, begun + getattr(server, "lifetime", LIFETIME) + 1 - time.monotonic()))


def _revoked(desk: Desk, server: SignInServer) -> str:
    answer = desk.doorward("disconnect", server.alias, check=False)
    if answer.status != 0:
        return f"no: {answer.json['error']['message']}"
    if not answer.json["revoked"]:
        return f"no: {answer.json['revocation']}"
    return "no: the server holds it for alive" if server.living() else "yes"


def _ended(desk: Desk, server: SignInServer) -> str:
    server.connect(desk)
    begun = time.monotonic()
    server.end()
    _outlive(server, begun)
    deadline = time.monotonic() + (10 if server.says_why else 300)
    shown: Any = None
    while time.monotonic() < deadline:
        error = server.call(desk).json.get("error", {})
        reason = error.get("data", {}).get("reason")
        if reason == "needs_sign_in":
            words = desk.servers()[server.alias]["error"] or ""
            return "yes" if server.says_why else f"after 2 min: {words}"
        shown = error.get("message")
        # No quicker than a person tries again.
        with contextlib.suppress(KeyError):
            time.sleep(min(5.0, error["data"].get("retry_after_ms", 1000) / 1000))
    return f"no: {shown}"


def _secret(desk: Desk, server: SignInServer) -> str:
    """A client with a secret that an administrator has registered, at the same server under another alias."""
    port = free_port()
    try:
        client, secret = server.client(f"http://127.0.0.1:{port}/callback", "client_secret_basic")
    except NotImplementedError:
        return "-"
    desk.add_server("known", server.resource.url, "--auth", "oauth", "--client-id", client, "--redirect-port", str(port))
    server.alias = "known"
    answer = desk.sign_in("known", "--client-secret-file", "-", input=secret, browse=server.browse)
    begun = time.monotonic()
    if answer.status != 0:
        return f"no: {answer.json['error']['message']}"
    for seen in (_works(desk, server), _refreshed(desk, server, begun)):
        if not seen.startswith("yes"):
            return seen
    return _revoked(desk, server)
