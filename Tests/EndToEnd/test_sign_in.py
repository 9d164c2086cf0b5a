"""Signing in at the organisation's identity provider, glewlwyd on its own pages, in a real browser; and enrolling with it."""

import json
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from conftest import OPEN_POLICY
from parts import http
from parts.browser import Browser
from parts.identity_provider import IdentityProvider
from parts.processes import wait_for
from parts.world import Desk, World

PEOPLE = {"ann": ["staff"], "bob": ["staff", "admins"], "cid": ["staff"], "dan": ["staff"], "eve": ["staff"]}


@pytest.fixture(scope="module")
def provider(world: World) -> Iterator[IdentityProvider]:
    provider = IdentityProvider(world, PEOPLE)
    assert world.coordinator.process is not None
    world.coordinator.process.stop()
    world.coordinator.start(*provider.options(world), "--oidc-role", "admins=admin", "--oidc-recheck", "1")
    yield provider


@pytest.fixture
def browser(world: World, provider: IdentityProvider, request: pytest.FixtureRequest) -> Iterator[Browser]:
    browser = Browser(world, re.sub(r"\W+", "-", request.node.name))
    yield browser
    browser.close()


def session(browser: Browser) -> dict[str, Any]:
    browser.open("/v1/session")
    return json.loads(browser.text)


def sign_in(browser: Browser, provider: IdentityProvider, name: str, path: str = "/v1/session") -> dict[str, Any]:
    browser.open(f"/sign-in?return={path}")
    provider.sign_in(browser, name)
    browser.see("the end of the sign-in", lambda: browser.url == browser.world.coordinator.url + path)
    return session(browser)


def test_groups_are_roles(world: World, provider: IdentityProvider, browser: Browser) -> None:
    """Who signs in is a member, or what the groups say; the person comes to the page where it wanted to go."""
    facts = sign_in(browser, provider, "bob", "/healthz")
    assert facts["user"] == "bob@example.com" and facts["role"] == "admin" and facts["how"] == "provider"
    # Signed in at the provider, another browser session there needs no password; nobody else is let in by that.
    browser.open("/v1/users")
    assert "bob@example.com" in browser.text
    provider.change("bob", ["staff"])
    wait_for("the role to go with the group", lambda: session(browser)["role"] == "member")
    provider.change("bob")
    wait_for("the role to come back", lambda: session(browser)["role"] == "admin")


def test_answers_are_for_the_browser_that_asked(world: World, provider: IdentityProvider, browser: Browser) -> None:
    """A person is made to follow the answer to somebody else's sign-in (login CSRF), and an answer is brought twice."""
    reply = world.coordinator.get("/sign-in")
    assert reply.status == 303
    attacker = provider.session("eve")
    answer = http.get(reply.headers["location"] + "&g_continue", headers={"Cookie": attacker.cookie}).headers["location"]
    assert "/oidc/callback?" in answer and "code=" in answer
    browser.open(answer)
    browser.shows("was not begun in this browser")
    assert "__Host-doorward" not in browser.cookies()
    # The attacker's own browser may, once.
    cookie = reply.headers["set-cookie"].split(";")[0]
    path = answer.removeprefix(world.coordinator.url)
    first = world.coordinator.get(path, headers={"Cookie": cookie})
    assert first.status == 303 and "__Host-doorward=" in first.headers["set-cookie"]
    second = world.coordinator.get(path, headers={"Cookie": cookie})
    assert second.status in (400, 502) and "__Host-doorward=" not in second.headers.get("set-cookie", "")


@pytest.mark.parametrize("path", ["//evil.example/", "https://evil.example/", "/\\evil.example"])
def test_nobody_is_sent_elsewhere(world: World, provider: IdentityProvider, path: str) -> None:
    reply = world.coordinator.get(f"/sign-in?return={http.quoted(path)}")
    eve = provider.session("eve")
    answer = http.get(reply.headers["location"] + "&g_continue", headers={"Cookie": eve.cookie}).headers["location"]
    cookie = reply.headers["set-cookie"].split(";")[0]
    back = world.coordinator.get(answer.removeprefix(world.coordinator.url), headers={"Cookie": cookie})
    assert back.status == 303 and back.headers["location"] == "/"


def test_dangerous_acts_need_a_recent_sign_in(world: World, provider: IdentityProvider, browser: Browser) -> None:
    """What outlasts the session is asked for again at the provider; then it is done."""
    facts = sign_in(browser, provider, "bob", "/healthz")
    headers = {
        "Cookie": f"__Host-doorward={browser.cookies()['__Host-doorward']['value']}", "Doorward-CSRF": facts["csrf"],
        "Origin": world.coordinator.url,
    }
    invite = {"email": "friend@example.com"}
    refused = world.coordinator.request("POST", "/v1/invitations", headers=headers, body=invite)
    assert refused.status == 403 and refused.json["type"].endswith("sign_in_again")
    browser.open("/sign-in?again=1&return=/v1/session")
    provider.sign_in(browser, "bob")
    browser.shows('"how":"provider"')
    # Another cookie; forms that were open before are still good.
    assert session(browser)["csrf"] == facts["csrf"]
    headers["Cookie"] = f"__Host-doorward={browser.cookies()['__Host-doorward']['value']}"
    made = world.coordinator.request("POST", "/v1/invitations", headers=headers, body=invite)
    assert made.status == 201
    world.secret(made.json["token"])


def test_signing_out(world: World, provider: IdentityProvider, browser: Browser) -> None:
    """Here, and where the person wants it at the provider too."""
    sign_in(browser, provider, "bob", "/healthz")
    browser.open("/")
    browser.press("Sign out")
    browser.shows("signed out of Doorward")
    assert "__Host-doorward" not in browser.cookies()
    browser.press("Sign out at the identity provider too")
    browser.see("the provider", lambda: browser.url.startswith(provider.origin))


def test_enrolling(world: World, desk: Desk, provider: IdentityProvider, browser: Browser) -> None:
    """`doorward login URL`: page and terminal show the same words, and the machine comes in as the person's."""
    ann = world.desk("ann")
    question, process = login(ann)
    assert question["custody"] == "keyring" and len(question["words"].split()) == 6
    browser.open(question["authorization_url"])
    provider.sign_in(browser, "ann")
    # A sign-in that the provider has not made just now is asked for again, before a machine comes in.
    if "Enrol this machine?" not in browser.text:
        provider.sign_in(browser, "ann")
    browser.shows("Enrol this machine?")
    for words in (question["words"], question["hostname"], "ann@example.com", "keyring"):
        browser.shows(words)
    browser.press("Enrol this machine")
    browser.shows("You can close this page.")
    facts = ended(process)
    assert facts["user"] == "ann@example.com" and process.returncode == 0
    ann.start_agent()
    agents = desk.doorward("admin", "agents").json["agents"]
    assert [each["user"] for each in agents if each["agent_id"] == facts["agent_id"]] == ["ann@example.com"]


def test_saying_no(world: World, provider: IdentityProvider, browser: Browser) -> None:
    cid = world.desk("cid")
    question, process = login(cid)
    browser.open(question["authorization_url"])
    provider.sign_in(browser, "cid")
    if "Enrol this machine?" not in browser.text:
        provider.sign_in(browser, "cid")
    browser.press("Do not enrol it")
    browser.shows("You can close this page.")
    assert ended(process)["error"]["code"] == "access_denied" and process.returncode == 1


def test_removed_at_the_provider(world: World, desk: Desk, provider: IdentityProvider, browser: Browser) -> None:
    """A person who is removed at the provider is out here: browser, machine and what it calls; and is told so."""
    server = world.server("everything", "mcp_server")
    desk.add_server("everything", server.url)
    desk.policy(OPEN_POLICY)
    dan = world.desk("dan")
    question, process = login(dan)
    browser.open(question["authorization_url"])
    provider.sign_in(browser, "dan")
    if "Enrol this machine?" not in browser.text:
        provider.sign_in(browser, "dan")
    browser.press("Enrol this machine")
    assert ended(process)["user"] == "dan@example.com"
    dan.start_agent()
    client = dan.client("tests")
    wait_for("the server to arrive", lambda: "everything" in dan.servers())
    assert "result" in http.call(dan.url("everything"), client, "echo", {"text": "hello"})

    provider.admin().ask("DELETE", "user/dan")
    wait_for("the session to end", lambda: "session_ended" in (browser.open("/v1/session") or browser.text), 30)
    refused = wait_for(
        "the calls to end",
        lambda: http.call(dan.url("everything"), client, "echo", {"text": "hello"}).get("error"), 30,
    )
    assert refused["code"] == -31003 and refused["data"]["reason"] == "sign_in_ended", refused
    assert "Sign in again" in refused["message"] and refused["data"]["url"] == f"{world.coordinator.url}/sign-in"
    # The machine's own requests open nothing either, and its records are still taken.
    denied = dan.doorward("admin", "users", check=False)
    assert denied.status != 0
    dan.countersigned()
    changes = desk.doorward("admin", "api", "GET", "/v1/changes").json["body"]
    assert any(each["who"] == "provider" and each["what"].endswith("/standing") for each in changes["changes"])


def test_without_a_provider(world: World) -> None:
    """Exit status 3, and it says so."""
    assert world.coordinator.process is not None
    world.coordinator.process.stop()
    world.coordinator.start()
    desk = world.desk("fay")
    answer = desk.doorward("login", world.coordinator.url, "--ca", world.coordinator.ca, check=False)
    assert answer.status == 3 and answer.json["error"]["code"] == "browser_sign_in_unavailable"
    assert "--token-file" in answer.json["error"]["next"]


def login(desk: Desk) -> tuple[dict[str, Any], subprocess.Popen[str]]:
    """Begins `doorward login`; what it asks, and the command that waits."""
    coordinator = desk.world.coordinator
    process = subprocess.Popen(
        [str(desk.world.programs / "doorward"), "login", coordinator.url, "--ca", coordinator.ca, "--no-browser", "--json"],
        env=desk.environment, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise AssertionError(process.communicate())
    return json.loads(line), process


def ended(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, error = process.communicate(timeout=30)
    assert out.strip(), error
    return json.loads(out.splitlines()[-1])
