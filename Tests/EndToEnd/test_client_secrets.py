"""Clients that an administrator has registered beforehand and that have a secret: it is given once, stays in the keyring, and proves
the client as its server wants it."""

import os
import time
from pathlib import Path

import pytest
from parts import glewlwyd
from parts.sign_in_servers import Authlib, Glewlwyd, OfficialSDK, SignInServer
from parts.world import free_port

LIFETIME = 3
# What is registered at the server is one of the two; its metadata names both, and basic is tried first.
CLIENTS = {
    "authlib-basic": (Authlib, "client_secret_basic"), "authlib-post": (Authlib, "client_secret_post"),
    "sdk-basic": (OfficialSDK, "client_secret_basic"), "sdk-post": (OfficialSDK, "client_secret_post"),
    "glewlwyd-basic": (Glewlwyd, "client_secret_basic"),
}


class Registered:
    """A client that was registered with one port, the entry that names it, and the file with its secret."""

    def __init__(self, world, desk, name: str, server: SignInServer) -> None:
        self.alias, self.server, self.begun = name, server, 0.0
        port = free_port()
        self.id, self.secret = server.client(f"http://127.0.0.1:{port}/callback", CLIENTS[name][1])
        desk.add_server(
            name, server.resource.url, "--auth", "oauth", "--client-id", self.id, "--redirect-port", str(port)
        )
        self.file = world.folder / f"{name}.secret"
        self.file.write_text(self.secret + "\n")
        self.file.chmod(0o600)

    def sign_in(self, desk, *more: str, **options):
        return desk.sign_in(self.alias, *more, browse=self.server.browse, **options)

    def connect(self, desk, *more: str, **options) -> None:
        answer = self.sign_in(desk, *more, **options)
        assert (answer.status, answer.json) == (0, {"state": "up"}), answer
        self.begun = time.monotonic()

    def refused(self, desk, *more: str, **options) -> dict:
        """What a sign-in that comes to nothing says."""
        answer = self.sign_in(desk, *more, **options)
        assert (answer.status, answer.json["state"]) == (1, "needs_sign_in")
        return answer.json["error"]

    def works(self, desk) -> bool:
        answer = desk.doorward("call", self.alias, "echo", '{"text": "a"}', check=False)
        assert answer.status == 0, answer
        return True

    def is_alive(self) -> bool:
        """Whether it holds a refresh token that is good, by the server's own word."""
        return self.id in self.server.living()


@pytest.fixture(scope="module")
def registered(world, desk):
    servers: dict[type, SignInServer] = {}
    clients: dict[str, Registered] = {}
    for name, (kind, _) in CLIENTS.items():
        if kind is Glewlwyd and not glewlwyd.PROGRAM.exists() and not os.environ.get("CI"):
            continue
        if kind not in servers:
            servers[kind] = kind(world, kind.__name__.lower(), LIFETIME)
        clients[name] = Registered(world, desk, name, servers[kind])
    grants = ", ".join(f"{{ server: {name} }}" for name in clients)
    desk.policy(f"version: 1\nroles: {{ all: {{ grant: [ {grants} ] }} }}\nbind: [ {{ everyone: true, role: all }} ]\n")
    return clients


@pytest.fixture(params=CLIENTS)
def client(request, registered) -> Registered:
    if request.param not in registered:
        pytest.skip("glewlwyd is not there: packaging/dev test brings it")
    return registered[request.param]


def test_without_the_secret_the_user_is_told_how_to_give_it(desk, client):
    error = client.refused(desk)
    assert error["code"] == "client_refused"
    assert f"doorward connect {client.alias} --client-secret-file" in error["next"]


def test_a_wrong_secret_is_not_kept(desk, client):
    error = client.refused(desk, "--client-secret-file", "-", input="another\n")
    assert error["code"] == "client_refused"
    assert "another" not in error["message"]
    assert not client.is_alive()


def test_with_the_secret_from_a_file_the_sign_in_comes_about(desk, client):
    client.connect(desk, "--client-secret-file", str(client.file))
    client.file.unlink()
    assert client.works(desk)
    assert client.is_alive()


def test_it_is_renewed_without_the_file(desk, client):
    time.sleep(max(0.0, client.begun + LIFETIME + 0.5 - time.monotonic()))
    assert client.works(desk)
    assert client.is_alive()


def test_after_a_restart_and_a_disconnect_the_secret_is_still_known(desk, registered):
    assert desk.agent is not None
    desk.stop_agent()
    desk.start_agent()
    for client in registered.values():
        assert client.works(desk)
        assert desk.doorward("disconnect", client.alias).json["revoked"] is True
        assert not client.is_alive()
        client.connect(desk)
        assert client.works(desk)


def test_the_secrets_are_in_the_keyring_and_nowhere_else(world, desk, registered):
    kept = [path for path in desk.folder.rglob("*") if path.is_file() and "keyrings" not in path.parts]
    assert kept
    texts = {str(path): path.read_bytes() for path in kept}
    assert desk.agent is not None
    for name in ("cmdline", "environ"):
        texts[f"{name} of the agent"] = Path(f"/proc/{desk.agent.pid}/{name}").read_bytes()
    texts["the logs"] = "\n".join(
        path.read_text(errors="replace") for path in world.processes.logs.glob("*.log") if "sign-in" not in path.name
    ).encode()
    for client in registered.values():
        assert [place for place, text in texts.items() if client.secret.encode() in text] == []


def test_the_secret_can_be_forgotten(desk, registered):
    client = registered["sdk-post"]
    assert desk.doorward("disconnect", client.alias, "--forget-secret").json["revoked"] is True
    assert client.refused(desk)["code"] == "client_refused"
    client.connect(desk, "--client-secret-file", "-", input=client.secret)


def test_a_secret_is_refused_where_no_client_was_registered(desk, registered):
    desk.add_server("open", registered["sdk-basic"].server.resource.url, "--auth", "oauth")
    answer = desk.sign_in("open", "--client-secret-file", "-", input="secret\n")
    assert (answer.status, answer.json["error"]["code"]) == (1, "no_client")
    for text in ["", "two\nlines", "caf\N{LATIN SMALL LETTER E WITH ACUTE}"]:
        answer = desk.doorward("connect", "open", "--client-secret-file", "-", input=text, check=False)
        assert (answer.status, answer.json["error"]["code"]) == (1, "bad_client_secret")
    answer = desk.doorward("connect", "open", "--client-secret-file", "/nonexistent", check=False)
    assert (answer.status, answer.json["error"]["code"]) == (1, "no_file")
    assert desk.servers()["open"]["state"] == "needs_sign_in"
