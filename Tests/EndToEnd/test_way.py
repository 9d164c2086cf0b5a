"""Somebody on the way to the coordinator, within TLS: he can hold answers up, and nothing else for longer than he is there."""

import json
import re
import time

import pytest
from parts import http
from parts.processes import wait_for
from parts.way import Passing, within_tls
from parts.world import World, programs

POLICY = """\
version: 1
roles:
  dev: { grant: [ { server: everything, tools: [%s] } ] }
bind:
  - { user: %s, role: dev }
"""
# How soon an agent obeys what is new, once the proxy no longer lies.
SOON = 15


@pytest.fixture(scope="module")
def road():
    """A world whose coordinator is reached through a proxy that has its certificate and key."""
    world = World(programs())
    way = None
    try:
        world.coordinator.init()
        way, listen = within_tls(world.coordinator)
        world.coordinator.start("--listen", listen)
        world.way = way
        yield world
    finally:
        if way:
            way.stop()
        world.close()
        world.remove()


@pytest.fixture(scope="module")
def ann(road):
    desk = road.desk("ann")
    desk.login(road.coordinator.facts["token"])
    desk.start_agent()
    desk.add_server("everything", road.server("everything", "mcp_server").url)
    desk.credential = desk.client("tests")
    return desk


@pytest.fixture
def begun(road, ann):
    """Ann may call `echo` and `add`; from here on the policy of the moment is number one of the test."""
    road.way.lie = None
    ann.first = ann.policy(POLICY % ('"echo", "add"', "owner@example.com"))
    wait_for("the way to be clear", lambda: ann.status()["link"] == "online")
    yield ann
    road.way.lie = None


def call(desk, tool, arguments):
    return http.call(desk.url("everything"), desk.credential, tool, arguments)


def apply(desk, text):
    path = desk.folder / "next.yaml"
    path.write_text(text)
    return desk.doorward("admin", "policy", "apply", str(path)).json["version"]


def link(desk):
    return desk.status()["link"]


def healed(road, desk, version):
    """With the way clear again the agent obeys the newest policy within seconds, by itself."""
    road.way.lie = None
    wait_for("the newest policy", lambda: desk.status()["policy_version"] == version, SOON)
    wait_for("the link", lambda: link(desk) == "online", SOON)


def notes(text, name, value):
    """A signed note whose document says something else in one member."""
    return re.sub(rf'"{name}":[0-9]+', f'"{name}":{value}', text)


def fast_forward(passing: Passing):
    if passing.status == 200:
        answer = passing.json
        passing.put(answer | {"state": notes(answer["state"], "counter", 900_000_000_000_000)})


def bare_counter(passing: Passing):
    """What was enough to stop an agent for good: a counter, and the true state of the log."""
    if passing.status == 200:
        passing.put({"counter": 900_000_000_000_000, "org_checkpoint": passing.json["org_checkpoint"]})


def without_binding(passing: Passing):
    if passing.status == 200:
        answer = passing.json
        answer.pop("binding", None)
        passing.put(answer)


def truncated(passing: Passing):
    passing.body = passing.body[:len(passing.body) // 2]


def damaged(passing: Passing):
    if passing.status == 200:
        answer = passing.json
        for name in ("state", "bundle", "binding", "entries"):
            if name in answer:
                answer[name] = answer[name].replace('"v":1', '"v":2')
        passing.put(answer)


def unproven(passing: Passing):
    if passing.status == 200:
        passing.put({name: value for name, value in passing.json.items() if name != "consistency"})


@pytest.mark.parametrize(("lie", "word"), [
    (fast_forward, "unproven"), (bare_counter, "unproven"), (without_binding, "unproven"), (truncated, "offline"),
    (damaged, "unproven"), (unproven, "untrusted"),
])
def test_an_answer_that_somebody_changed_is_not_taken_and_the_next_good_one_is(road, begun, lie, word):
    road.way.lie = lie
    before = road.way.lies
    version = apply(begun, POLICY % ('"echo"', "owner@example.com"))
    wait_for("the lie to be seen through", lambda: link(begun).startswith(word), 40)
    assert road.way.lies > before
    # What was in force stays.
    assert begun.status()["policy_version"] == begun.first
    assert "result" in call(begun, "add", {"a": 1, "b": 2})
    healed(road, begun, version)
    assert call(begun, "add", {"a": 1, "b": 2})["error"]["data"]["reason"] == "no_grant"
    assert "result" in call(begun, "echo", {"text": "a"})


def test_that_somebody_was_taken_out_cannot_be_held_back_beside_a_new_bundle(road, begun):
    old = {}

    def mixed(passing: Passing):
        if passing.status != 200:
            return
        answer = passing.json
        if "binding" in answer and old:
            passing.put(answer | {"binding": old["binding"]})

    old |= next(each.json for each in reversed(road.way.seen) if "binding" in each.json)
    road.way.lie = mixed
    version = apply(begun, POLICY % ('"echo", "add"', "nobody@example.com"))
    wait_for("the mix to be seen through", lambda: link(begun).startswith("unproven"), 40)
    # Never the new policy with the old roles.
    assert begun.status()["policy_version"] == begun.first
    healed(road, begun, version)
    assert call(begun, "echo", {"text": "a"})["error"]["data"]["reason"] == "unknown_server"


def test_an_old_answer_is_stale_and_nothing_more(road, begun):
    mine = [each for each in road.way.seen if "bundle" in each.json]
    old = mine[0].body

    def replayed(passing: Passing):
        passing.status, passing.body = 200, old

    road.way.lie = replayed
    version = apply(begun, POLICY % ('"echo"', "owner@example.com"))
    wait_for("the old answer to be noticed", lambda: link(begun).startswith("stale"), 40)
    assert begun.status()["policy_version"] == begun.first
    assert "result" in call(begun, "add", {"a": 1, "b": 2})
    assert "evidence" not in begun.status()
    healed(road, begun, version)


def test_what_is_for_somebody_else_is_not_taken(road, begun):
    token = road.secret(begun.doorward("admin", "invite", "bob@example.com").json["token"])
    bob = road.desk("bob")
    bob.login(token)
    bob.start_agent()
    mine = {each.key for each in road.way.seen if json.dumps(each.json).count(begun.status()["agent_id"])}
    his = wait_for(
        "an answer to bob", lambda: [each for each in road.way.seen if each.key not in mine and "bundle" in each.json]
    )
    keys = {each.key for each in his}

    def another(passing: Passing):
        if passing.key not in keys:
            passing.status, passing.body = 200, his[-1].body

    road.way.lie = another
    version = apply(begun, POLICY % ('"echo"', "owner@example.com"))
    wait_for("the foreign answer to be noticed", lambda: link(begun).startswith("unproven"), 40)
    assert begun.status()["policy_version"] == begun.first
    healed(road, begun, version)
    bob.stop_agent()


def test_a_restart_of_the_agent_amid_lies_changes_nothing(road, begun):
    road.way.lie = bare_counter
    version = apply(begun, POLICY % ('"echo"', "owner@example.com"))
    begun.stop_agent()
    begun.start_agent(ready=False)
    wait_for("the lie to be seen through", lambda: link(begun).startswith("unproven"), 40)
    assert begun.status()["policy_version"] == begun.first
    healed(road, begun, version)


def test_somebody_who_always_says_that_there_is_no_news_is_not_asked_without_end(road, begun):
    """A coordinator holds a question until there is news; what answers at once must not keep the agent busy."""
    road.way.mutes = True
    try:
        # The question that is held already brings this; the next one is not passed on.
        lies = road.way.lies
        apply(begun, POLICY % ('"echo"', "owner@example.com"))
        wait_for("the first answer of it", lambda: road.way.lies > lies)
        before, start = road.way.lies, time.monotonic()
        time.sleep(4)
        asked = road.way.lies - before
        assert asked <= (time.monotonic() - start) * 2 + 2, asked
        newest = apply(begun, POLICY % ('"add"', "owner@example.com"))
    finally:
        road.way.mutes = False
    wait_for("the newest policy", lambda: begun.status()["policy_version"] == newest, SOON)
