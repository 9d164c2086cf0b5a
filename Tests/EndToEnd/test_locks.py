"""A machine or a person is locked, at once, and goes on as before when the lock is taken off."""

import time

import pytest
from parts.processes import wait_for


@pytest.fixture(scope="module")
def ann(world, everything):
    """A colleague of the owner's, with an agent of her own."""
    made = everything.doorward("admin", "invite", "ann@example.com", "--role", "admin").json
    ann = world.desk("ann")
    ann.login(made["token"])
    ann.start_agent()
    wait_for("ann's agent to know the server", lambda: call(ann).status == 0)
    return ann


def call(desk):
    return desk.doorward("call", "everything", "echo", '{"text": "hello"}', check=False)


def agent_of(owner, desk) -> dict:
    listed = owner.doorward("admin", "agents").json["agents"]
    return next(each for each in listed if each["agent_id"] == desk.status()["agent_id"])


def locked(desk) -> dict | None:
    """The refusal that a call meets, where that is the lock."""
    error = call(desk).json.get("error") or {}
    return error if (error.get("data") or {}).get("reason") == "locked_by_administrator" else None


@pytest.mark.parametrize("what", ["machine", "person"])
def test_a_lock_holds_within_a_minute_and_is_taken_off_again(everything, ann, what):
    agent = ann.status()["agent_id"]
    noun, name = ("agents", agent) if what == "machine" else ("users", "ann@example.com")
    before = ann.countersigned()["recorded"]
    started = time.monotonic()
    shown = everything.doorward("admin", noun, "lock", name, "--why", "left on a train").json
    assert shown["locked"]["why"] == "left on a train"
    error = wait_for("the lock to hold", lambda: locked(ann), seconds=60)
    assert time.monotonic() - started < 60
    assert error["code"] == -31001
    assert "left on a train" in error["message"] and error["data"]["record"]

    status = ann.doorward("status", check=False)
    assert (status.status, status.json["problem"]["code"]) == (3, "locked_by_administrator")
    assert "left on a train" in status.json["problem"]["message"]
    # Nothing that goes back to it opens anything, and what it records is taken all the same.
    refused = ann.doorward("admin", "users", check=False)
    assert (refused.status, refused.json["error"]["code"]) == (1, "locked")
    assert ann.countersigned()["recorded"] > before
    listed = agent_of(everything, ann) if what == "machine" else None
    assert listed is None or listed["locked"]["why"] == "left on a train"

    everything.doorward("admin", noun, "unlock", name)
    wait_for("calls to pass again", lambda: call(ann).status == 0)
    assert ann.doorward("admin", "users").status == 0
    wait_for("the status to be well", lambda: ann.doorward("status", check=False).status == 0)


def test_a_lock_outlives_a_restart_of_the_agent(everything, ann):
    agent = ann.status()["agent_id"]
    everything.doorward("admin", "agents", "lock", agent)
    wait_for("the lock to hold", lambda: locked(ann), seconds=60)
    ann.stop_agent()
    ann.start_agent()
    assert call(ann).status != 0 and locked(ann)
    everything.doorward("admin", "agents", "unlock", agent)
    wait_for("calls to pass again", lambda: call(ann).status == 0)


def test_an_agent_that_ends_says_so_and_is_online_again(everything, ann):
    wait_for("the agent to be online", lambda: agent_of(everything, ann)["presence"] == "online")
    agent = ann.status()["agent_id"]
    ann.stop_agent()
    listed = everything.doorward("admin", "agents").json["agents"]
    assert next(each for each in listed if each["agent_id"] == agent)["presence"] == "ended"
    ann.start_agent()
    # How it does is told a moment after its start.
    shown = wait_for(
        "the agent to tell how it does",
        lambda: (found := agent_of(everything, ann))["presence"] == "online" and "clock_ahead_s" in found and found,
    )
    assert abs(shown["clock_ahead_s"]) <= 5 and shown["pending_records"] >= 0


def test_what_administrators_did_is_listed_with_before_and_after(everything, ann):
    agent = ann.status()["agent_id"]
    changes = everything.doorward("admin", "changes", "--what", f"agents/{agent}").json["changes"]
    assert [each["after"] is None for each in changes] == [True, False] * (len(changes) // 2) and changes
    assert changes[-1]["user"] == "owner@example.com"
    assert changes[-1]["after"]["document"]["why"] == "left on a train"
    one = everything.doorward("admin", "api", "GET", f"/v1/changes/{changes[0]['position']}").json["body"]
    assert one["proof"]["index"] == changes[0]["position"] and "admin.change" in one["proof"]["leaf"]
    policies = everything.doorward("admin", "changes", "--what", "policy").json["changes"]
    assert "everybody" in policies[0]["after"]["text"]
    table = everything.doorward("admin", "changes", json=False).out
    assert "WHAT" in table and f"agents/{agent}/lock" in table


def test_groups_are_bound_by_the_policy(everything, ann):
    everything.policy(
        "version: 1\n"
        "roles: { staff: { grant: [{ server: everything }] } }\n"
        "bind: [{ user: owner@example.com, role: staff }, { group: staff, role: staff }]\n"
    )
    wait_for("ann to lose the grant", lambda: call(ann).status != 0)
    made = everything.doorward("admin", "groups", "change", "staff", "--add", "Ann@example.com").json
    assert made["members"] == ["ann@example.com"]
    wait_for("ann's group to count", lambda: call(ann).status == 0)
    everything.doorward("admin", "groups", "change", "staff", "--remove", "ann@example.com")
    wait_for("ann to be out of the group", lambda: call(ann).status != 0)
    assert everything.doorward("admin", "groups").json["groups"] == []
