"""A coordinator that was restored from a backup: agents notice, an administrator says so, and everybody goes on."""

import json
import shutil
import sqlite3

import pytest
from parts.processes import wait_for
from parts.verdicts import verify as independent
from parts.world import World, programs

POLICY = """\
version: 1
roles:
  dev: { grant: [ { server: everything, tools: [%s] } ] }
bind:
  - { everyone: true, role: dev }
"""


@pytest.fixture(scope="module")
def office():
    world = World(programs())
    try:
        world.coordinator.init()
        world.coordinator.start()
        desk = world.desk("owner")
        desk.login(world.coordinator.facts["token"])
        desk.start_agent()
        desk.add_server("everything", world.server("everything", "mcp_server").url)
        world.owner = desk
        yield world
    finally:
        world.close()
        world.remove()


def echo(desk, text):
    return desk.doorward("call", "everything", "echo", json.dumps({"text": text})).json["record"]


def restart_log(world, *more, check=True):
    return world.coordinator.run(
        "restart-log", "--data", str(world.coordinator.data), "--reason", "restored from the backup of Sunday", *more,
        "--json", check=check,
    )


def link(desk):
    return desk.status()["link"]


def test_after_a_restore_an_administrator_restarts_the_log_and_the_agents_go_on(office):
    desk, coordinator = office.owner, office.coordinator
    first = desk.policy(POLICY % '"echo"')
    echo(desk, "before")
    desk.countersigned()

    # The backup is a copy of the folder of a coordinator that does not run.
    coordinator.process.stop()
    backup = office.folder / "backup"
    shutil.copytree(coordinator.data, backup)
    coordinator.start()
    assert desk.policy(POLICY % '"echo", "add"') == first + 1
    calls = [echo(desk, f"after {number}") for number in range(5)]
    known = desk.countersigned()["countersigned"]

    # The disk is lost.
    coordinator.process.stop()
    shutil.rmtree(coordinator.data)
    shutil.copytree(backup, coordinator.data)
    coordinator.start()
    wait_for("the agent to notice", lambda: link(desk).split(":")[0] in ("stale", "untrusted"), 40)
    # The log grows beyond what the agent has seen, with another history.
    for _ in range(60):
        if "untrusted" in link(desk):
            break
        desk.doorward("admin", "invite", "somebody@example.com")
    assert "untrusted" in link(desk)
    evidence = desk.status()["evidence"]
    assert evidence["seen"] != evidence["shown"]
    assert "/audit" in evidence["seen"]
    assert desk.status()["policy_version"] == first + 1
    calls.append(echo(desk, "meanwhile"))

    # Not while it serves, and not with a state that was made up.
    running = restart_log(office, check=False)
    assert (running.status, running.json["error"]["code"]) == (1, "already_running")
    coordinator.process.stop()
    forged = office.folder / "forged.note"
    forged.write_text(evidence["seen"].replace("/audit", "/audit2"))
    assert restart_log(office, "--old-head", str(forged), check=False).status == 2
    assert restart_log(office, "--reason", "two\nlines", check=False).status == 2
    seen = office.folder / "seen.note"
    seen.write_text(evidence["seen"])
    done = restart_log(office, "--old-head", str(seen)).json
    assert done["origin"].endswith(f"/audit/epoch-{done['epoch']}")
    assert done["known"]["size"] == int(evidence["seen"].split("\n")[1])
    coordinator.start()

    wait_for("the agent to go on", lambda: link(desk) == "online", 40)
    wait_for("the policy of the backup", lambda: desk.status()["policy_version"] == first)
    assert "evidence" not in desk.status()
    # The coordinator has heard what was lost, and every record is with it again.
    assert desk.countersigned()["countersigned"] >= known
    assert desk.policy(POLICY % '"echo"') == first + 1
    calls.append(echo(desk, "anew"))
    records = desk.records()
    assert {each["call"] for each in records if each["kind"] == "call.begin"} >= set(calls)
    assert [each["seq"] for each in records] == list(range(records[0]["seq"], records[0]["seq"] + len(records)))

    folder, _ = desk.report()
    verdict = desk.doorward("verify", str(folder)).json
    assert verdict["ok"], verdict
    assert any(f"epoch-{done['epoch']}" in each and "Sunday" in each for each in verdict["proven"]), verdict
    assert any(str(done["epoch"]) in each for each in verdict["not_proven"]), verdict
    assert independent(str(folder), coordinator.facts["key"]).startswith("verified")

    kept = {each.name for each in (desk.home / "state" / "evidence" / desk.status()["agent_id"]).iterdir()}
    assert {f"epoch-{done['epoch']}-{name}" for name in ("before.note", "after.note", "restart.json")} <= kept
    assert "unreported.note" not in kept
    coordinator.process.stop()
    with sqlite3.connect(coordinator.data / "coordinator.sqlite") as database:
        leaves = [json.loads(leaf) for (leaf,) in database.execute("SELECT leaf FROM org_leaf WHERE kind = 'log.seen'")]
    assert [each["agent"] for each in leaves] == [desk.status()["agent_id"]]
    coordinator.start()


def test_a_restart_of_a_log_that_was_never_set_back_is_harmless(office):
    desk, coordinator = office.owner, office.coordinator
    desk.countersigned()
    wait_for("the agent to be online", lambda: link(desk) == "online", 40)
    folder = desk.home / "state" / "evidence"
    before = sorted(each.name for each in folder.rglob("*"))
    version = desk.status()["policy_version"]
    coordinator.process.stop()
    done = restart_log(office).json
    assert done["known"] == done["old"]
    coordinator.start()
    wait_for("the agent to go on", lambda: link(desk) == "online", 40)
    assert desk.status()["policy_version"] == version
    echo(desk, "and on")
    desk.countersigned()
    assert sorted(each.name for each in folder.rglob("*")) == before
    path, _ = desk.report()
    assert desk.doorward("verify", str(path)).json["ok"]


def test_what_went_before_a_restart_never_comes_back(office):
    """The coordinator before the restart, with everything that it signed: to the agent it is an old one."""
    desk, coordinator = office.owner, office.coordinator
    version = desk.status()["policy_version"]
    coordinator.process.stop()
    aside = office.folder / "aside"
    coordinator.data.rename(aside)
    shutil.copytree(office.folder / "backup", coordinator.data)
    coordinator.start()
    wait_for("the agent to notice", lambda: link(desk).startswith("stale"), 40)
    assert desk.status()["policy_version"] == version
    coordinator.process.stop()
    shutil.rmtree(coordinator.data)
    aside.rename(coordinator.data)
    coordinator.start()
    wait_for("the agent to go on", lambda: link(desk) == "online", 40)
