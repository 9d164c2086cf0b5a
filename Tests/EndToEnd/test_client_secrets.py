"""Clients that an administrator has registered beforehand and that have a secret: it is given once, stays in the keyring, and proves
the client as its server wants it."""

import os
import time
from pathlib import Path

import pytest
from parts import glewlwyd
from parts.processes import wait_for
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
    """A server whose client was registered with one port, and the file with its secret."""

    def __init__(self, world, desk, name: str) -> None:
        kind, method = CLIENTS[name]
        self.server: SignInServer = kind(world, name, LIFETIME)
        port = free_port()
        self.id, self.secret = self.server.client(f"http://127.0.0.1:{port}/callback", method)
        self.server.enter(desk, "--client-id", self.id, "--redirect-port", str(port))
        self.file = world.folder / f"{name}.secret"
        self.file.write_text(self.secret + "\n")
        self.file.chmod(0o600)


@pytest.fixture(scope="module")
def registered(world, desk):
    names = [name for name in CLIENTS if CLIENTS[name][0] is not Glewlwyd or Path(glewlwyd.PROGRAM).exists() or os.environ.get("CI")]
    all = {name: Registered(world, desk, name) for name in names}
    grants = ", ".join(f"{{ server: {name} }}" for name in names)
    desk.policy(f"version: 1\nroles: {{ all: {{ grant: [ {grants} ] }} }}\nbind: [ {{ everyone: true, role: all }} ]\n")
    return all


@pytest.fixture(params=CLIENTS)
def client(request, registered) -> Registered:
    if request.param not in registered:
        pytest.skip("not installed: apt-get install glewlwyd")
    return registered[request.param]


def works(desk, client: Registered) -> bool:
    answer = client.server.call(desk)
    assert answer.status == 0, answer
    return True


def refused(desk, client: Registered, *more: str, **options) -> dict:
    """What a sign-in that comes to nothing says."""
    answer = desk.sign_in(client.server.alias, *more, browse=client.server.browse, **options)
    assert (answer.status, answer.json["state"]) == (1, "needs_sign_in")
    return answer.json["error"]


def test_without_the_secret_the_user_is_told_how_to_give_it(desk, client):
    error = refused(desk, client)
    assert error["code"] == "client_refused"
    assert f"doorward connect {client.server.alias} --client-secret-file" in error["next"]


def test_a_wrong_secret_is_not_kept(desk, client):
    error = refused(desk, client, "--client-secret-file", "-", input="another\n")
    assert error["code"] == "client_refused"
    assert "another" not in error["message"]
    assert client.server.living() == []


def test_with_the_secret_from_a_file_the_sign_in_comes_about_and_lasts(desk, client):
    answer = client.server.connect(desk, "--client-secret-file", str(client.file))
    begun = time.monotonic()
    client.file.unlink()
    assert answer == {"state": "up"}
    assert works(desk, client)
    time.sleep(max(0.0, begun + LIFETIME + 0.5 - time.monotonic()))
    assert works(desk, client)
    assert len(set(client.server.living())) == 1


def test_after_a_restart_and_a_disconnect_the_secret_is_still_known(desk, registered):
    assert desk.agent is not None
    desk.stop_agent()
    desk.start_agent()
    for client in registered.values():
        assert works(desk, client)
        answer = desk.doorward("disconnect", client.server.alias).json
        assert answer["revoked"] is True
        assert client.server.living() == []
        assert client.server.connect(desk) == {"state": "up"}
        assert works(desk, client)


def test_the_secrets_are_in_the_keyring_and_nowhere_else(world, desk, registered):
    kept = [path for path in desk.folder.rglob("*") if path.is_file() and "keyrings" not in path.parts]
    assert kept
    texts = {str(path): path.read_bytes() for path in kept}
    texts |= {f"the arguments of {pid.name}": (pid / "cmdline").read_bytes() for pid in Path("/proc").glob("[0-9]*")}
    texts["the logs"] = "\n".join(
        path.read_text(errors="replace") for path in world.processes.logs.glob("*.log") if "sign-in" not in path.name
    ).encode()
    for client in registered.values():
        assert [place for place, text in texts.items() if client.secret.encode() in text] == []


def test_the_secret_can_be_forgotten(desk, registered):
    client = registered["sdk-post"]
    answer = desk.doorward("disconnect", client.server.alias, "--forget-secret").json
    assert answer["revoked"] is True
    assert refused(desk, client)["code"] == "client_refused"
    answer = client.server.connect(desk, "--client-secret-file", "-", input=client.secret)
    assert answer == {"state": "up"}


def test_a_secret_is_refused_where_no_client_was_registered(world, desk):
    server = OfficialSDK(world, "open", LIFETIME)
    server.enter(desk)
    answer = desk.sign_in("open", "--client-secret-file", "-", input="secret\n")
    assert (answer.status, answer.json["error"]["code"]) == (1, "no_client")
    for text in ["", "two\nlines", "caf\N{LATIN SMALL LETTER E WITH ACUTE}"]:
        answer = desk.doorward("connect", "open", "--client-secret-file", "-", input=text, check=False)
        assert (answer.status, answer.json["error"]["code"]) == (1, "bad_client_secret")
    answer = desk.doorward("connect", "open", "--client-secret-file", "/nonexistent", check=False)
    assert (answer.status, answer.json["error"]["code"]) == (1, "no_file")
    assert wait_for("the server", lambda: desk.servers()["open"]["state"] == "needs_sign_in")
