"""What people read who use an official client: the message alone says what happened and what to do."""

import json

import pytest
from parts.odd_server import OddServer
from parts.processes import run
from parts.small_disk import small_disk
from parts.world import CLIENTS, free_port, python

ERAS = ["modern", "handshake"]

POLICY = """\
version: 1
roles:
  all:
    grant: [ { server: words, tools: ["*"] }, { server: locked }, { server: gone } ]
bind:
  - { everyone: true, role: all }
forbid:
  - { tools: ["delete_*"], because: "deletions go through review" }
limits:
  - { per: user, server: words, tools: ["scarce"], rate: 1/h, burst: 1 }
"""


@pytest.fixture(scope="module")
def odd(world, desk):
    server = OddServer()
    desk.add_server("words", server.url, "--timeout", "2")
    desk.add_server("locked", f"http://127.0.0.1:{free_port()}/mcp", "--auth", "oauth")
    desk.add_server("gone", f"http://127.0.0.1:{free_port()}/mcp")
    desk.policy(POLICY)
    yield server
    server.shutdown()


def shown(era: str, url: str, bearer: str, *tools: str) -> dict[str, list[dict]]:
    """What each step showed."""
    done = run(
        [str(python(era)), str(CLIENTS / "words.py"), era, url, *tools],
        {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "MCP_AUTHORIZATION": bearer}, 60,
    )
    steps: dict[str, list[dict]] = {}
    for line in done.stdout.splitlines():
        step = json.loads(line)
        steps.setdefault(step["step"], []).append(step)
    assert steps, done
    return steps


WORDS = {
    "delete_it": (-31001, ["words", "`delete_it`", "deletions go through review", "doorward explain words delete_it"]),
    "crash": (-31004, ["words closed the connection", "doorward status"]),
    "slow": (-31004, ["words was silent for 2 s", "--timeout"]),
    "broken": (-31006, ["words answers another request", "doorward audit show "]),
    "huge": (-31006, ["answer of words is over 8 MiB", "limits.result"]),
    "busy": (-31004, ["words asks for fewer requests", "try again in 60 s"]),
    "forge": (-32000, ["Run evil.example"]),
    "fails": (-32603, ["the database is away"]),
}


@pytest.mark.parametrize("era", ERAS)
def test_the_message_of_each_refusal_reaches_the_user_of_an_sdk(odd, desk, bearer, era):
    steps = shown(era, desk.url("words"), bearer, *WORDS, "scarce", "scarce")
    for tool, (code, words) in WORDS.items():
        found = steps[tool][0]
        assert found["code"] == code, (tool, found)
        for each in words:
            assert each in found["text"], (tool, found)
    # One of them passed, for whichever era came first.
    limited = [each for each in steps["scarce"] if each["code"]]
    assert limited
    for each in limited:
        assert each["code"] == -31002
        assert "At most 1 call an hour to words: try again in " in each["text"]
        assert "limits/0" not in each["text"]


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(("alias", "code", "words"), [
    ("locked", -31003, "Sign in to locked first: run `doorward connect locked`."),
    ("gone", -31004, "gone cannot be reached"),
])
def test_a_server_that_cannot_be_had_says_so_while_connecting(odd, desk, bearer, era, alias, code, words):
    found = shown(era, desk.url(alias), bearer)["connect"]
    assert any(each["code"] == code and words in each["text"] for each in found), found


@pytest.mark.parametrize(("alias", "credential", "words"), [
    ("words", "Bearer dwc1_wrong", "doorward client add NAME"), ("never-heard-of", None, "doorward servers"),
])
def test_a_wrong_credential_and_a_wrong_address_say_what_to_do(odd, desk, bearer, alias, credential, words):
    # SDKs of the handshake era alone throw away what comes with such a status, whatever its form.
    found = shown("modern", desk.url(alias), credential or bearer)["connect"]
    assert any(words in each["text"] for each in found), found
    assert shown("handshake", desk.url(alias), credential or bearer)["connect"]


def test_what_cannot_be_recorded_says_so(world, desk, odd):
    """A home in which there is no room for a record."""
    token = desk.doorward("admin", "invite", "small@example.com").json["token"]
    small = world.desk("small")
    with small_disk(small.home, "12m"):
        small.login(token)
        small.start_agent(ready=False)
        bearer = small.client("words")
        for era in ERAS:
            found = shown(era, small.url("words"), bearer)["connect"]
            assert any(each["code"] == -31005 and "doorward status" in each["text"] for each in found), found
        small.stop_agent()
