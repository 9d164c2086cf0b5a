"""States in which a machine cannot go on with its coordinator: each answer says what happened and the next command, and
following these leads back in. With a running agent and without."""

import json
import re
import shutil
import sqlite3
import subprocess
import time

import pytest
from conftest import OPEN_POLICY
from parts import http
from parts.processes import Failed, run, wait_for
from parts.world import Desk, World, programs


class Place:
    """A coordinator with an owner and a server, and members who come and go."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.owner = self.enter("owner", world.coordinator.facts["token"])
        self.server = world.server("everything", "mcp_server")
        self.owner.add_server("everything", self.server.url)
        self.owner.policy(OPEN_POLICY)

    def enter(self, name: str, token: str) -> Desk:
        desk = self.world.desk(name)
        desk.login(token)
        return desk

    def token(self) -> str:
        email = f"{time.monotonic_ns()}@example.com"
        return self.world.secret(self.owner.doorward("admin", "invite", email).json["token"])

    def member(self, name: str) -> Desk:
        """A user who has made a call, which is with the coordinator."""
        desk = self.enter(name, self.token())
        desk.start_agent()
        wait_for("the policy", lambda: desk.status()["policy_version"] > 0)
        assert call(desk).status == 0
        desk.countersigned()
        return desk


@pytest.fixture(scope="module")
def place(world):
    return Place(world)


@pytest.fixture
def other_place():
    """One whose coordinator may be broken."""
    world = World(programs())
    try:
        world.coordinator.init()
        world.coordinator.start()
        yield Place(world)
    finally:
        world.close()
        world.remove()


def call(desk: Desk):
    return desk.doorward("call", "everything", "echo", '{"text": "a"}', check=False)


def refusal(desk: Desk) -> dict:
    """What a client is told, in words and with the next command."""
    answer = call(desk)
    error = answer.json["error"]
    assert error["message"] and error["data"]["command"]
    return {"status": answer.status, "code": error["code"], **error["data"]}


def problem(desk: Desk) -> str | None:
    answer = desk.doorward("status", check=False)
    if answer.status == 0:
        assert answer.json["problem"] is None
        return None
    assert answer.status == 3
    told = answer.json["problem"]
    assert told["message"] and told["next"]
    assert answer.json["agent_id"]
    return told["code"]


def leave(desk: Desk, failed) -> dict:
    """Follows what commands say next until the machine has left; what the last one told."""
    for _ in range(4):
        answer = failed.json
        following = (answer.get("error") or answer.get("problem"))["next"]
        assert following.startswith("doorward logout"), following
        failed = desk.doorward(*following.split()[1:], check=False)
        if failed.status == 0:
            assert (failed.json["kept"] is None) == ("kept in" not in " ".join(failed.json["words"]))
            return failed.json
    raise Failed(f"it leads nowhere: {failed}")


def login(desk: Desk, token: str, check: bool = True):
    desk.world.secret(token)
    return desk.doorward(
        "login", desk.world.coordinator.url, "--token-file", "-", input=token + "\n", check=check)


def back_in(place: Place, desk: Desk) -> dict:
    """From what `login` answers in this state to an enrolment that works; what the leave between told."""
    token = place.token()
    failed = login(desk, token, check=False)
    assert failed.status == 1 and failed.json["error"]["code"] == "already_enrolled"
    left = leave(desk, failed)
    assert desk.doorward("status", check=False).json["agent_id"] is None
    again = login(desk, token).json
    assert again["agent_id"] != left["left"]
    if not desk.agent.running():
        desk.start_agent()
    wait_for("the policy", lambda: desk.status()["policy_version"] > 0)
    assert problem(desk) is None
    assert call(desk).status == 0
    desk.countersigned()
    return left


def kept_records(left: dict) -> list[dict]:
    """What was kept aside is there, as many as was said."""
    folder = left["kept"]["path"]
    found = run(["/bin/sh", "-c", 'cat "$0"/*.records', folder], {"PATH": "/bin:/usr/bin"})
    lines = [json.loads(line) for line in found.stdout.splitlines() if line.startswith("{")]
    assert 0 < left["kept"]["records"] <= len(lines)
    return lines[-left["kept"]["records"]:]


def revoke(place: Place, desk: Desk) -> None:
    place.owner.doorward("admin", "agents", "revoke", desk.status()["agent_id"])


def clear_keyring(desk: Desk) -> None:
    done = run(["secret-tool", "clear", "application", "doorward"], desk.environment)
    assert done.returncode == 0, done


def key_attributes(desk: Desk) -> list[str]:
    # In bytes, since the secret is among what it says.
    found = subprocess.run(
        ["secret-tool", "search", "--all", "application", "doorward"],
        env=desk.environment, capture_output=True, timeout=20, check=True)
    lines = (found.stdout + found.stderr).decode(errors="replace").splitlines()
    facts = dict(line.removeprefix("attribute.").split(" = ", 1) for line in lines if line.startswith("attribute."))
    return ["application", "doorward", "namespace", facts["namespace"], "name", facts["name"]]


def store(desk: Desk, attributes: list[str]) -> None:
    """Another program stores something of its own under these attributes."""
    done = run(["secret-tool", "store", "--label", "copy", *attributes], desk.environment, input="another key")
    assert done.returncode == 0, done


def of_two(desk: Desk, running: bool) -> None:
    if not running:
        desk.stop_agent()


with_and_without = pytest.mark.parametrize("running", [True, False], ids=["agent", "no agent"])


def test_a_revoked_machine_closes_within_a_minute_remembers_it_and_gets_back_in(place):
    desk = place.member("revoked")
    revoke(place, desk)
    wait_for("the revocation to arrive", lambda: refusal(desk)["reason"] == "revoked", 60)
    told = refusal(desk)
    assert (told["status"], told["code"], told["command"]) == (3, -31003, "doorward logout")
    assert problem(desk) == "revoked"
    assert desk.status()["link"] == "revoked"
    # Also while no agent runs, and in the next run, where the coordinator does not have to be there.
    desk.stop_agent()
    assert problem(desk) == "revoked"
    place.world.coordinator.process.stop()
    try:
        desk.start_agent()
        assert refusal(desk)["reason"] == "revoked"
    finally:
        place.world.coordinator.start()
    left = back_in(place, desk)
    assert any(each["kind"] == "call.deny" for each in kept_records(left))


@with_and_without
def test_what_is_pending_of_a_revoked_machine_is_kept(place, running):
    desk = place.member(f"pending-{running}")
    revoke(place, desk)
    wait_for("the revocation to arrive", lambda: refusal(desk)["reason"] == "revoked", 60)
    of_two(desk, running)
    left = back_in(place, desk)
    assert left["told"]
    assert left["kept"]["records"] > 0 and kept_records(left)


def test_commands_of_a_revoked_machine_without_an_agent_name_the_way_out(place):
    desk = place.member("unaware")
    desk.stop_agent()
    revoke(place, desk)
    answer = desk.doorward("admin", "users", check=False)
    assert (answer.status, answer.json["error"]["code"]) == (3, "revoked_key")
    leave(desk, answer)
    assert desk.doorward("status", check=False).json["agent_id"] is None


@with_and_without
def test_a_log_that_the_coordinator_takes_no_more_of(place, running):
    desk = place.member(f"forked-{running}")
    coordinator = place.world.coordinator
    coordinator.process.stop()
    with sqlite3.connect(coordinator.data / "coordinator.sqlite") as database:
        database.execute("UPDATE agent_log SET locked_at = 1 WHERE agent_id = ?", [desk.status()["agent_id"]])
    coordinator.start()
    assert call(desk).status == 0
    wait_for("the refusal", lambda: problem(desk) == "log_forked", 60)
    assert "contradict" in desk.status()["audit"]["problem"]
    of_two(desk, running)
    assert problem(desk) == "log_forked"
    left = back_in(place, desk)
    assert "call.end" in [each["kind"] for each in kept_records(left)]


@with_and_without
@pytest.mark.parametrize("how", ["cleared", "replaced"])
def test_a_key_that_is_gone(place, running, how):
    desk = place.member(f"keyless-{how}-{running}")
    attributes = key_attributes(desk)
    clear_keyring(desk)
    if how == "replaced":
        store(desk, attributes)
    # It is in the agent's memory: nothing happens to a client that calls.
    assert call(desk).status == 0
    desk.stop_agent()
    desk.start_agent()
    assert refusal(desk)["reason"] == "key_missing"
    assert refusal(desk)["command"] == "doorward logout"
    assert problem(desk) == "key_missing"
    assert desk.status()["link"] == "key_missing"
    of_two(desk, running)
    assert problem(desk) == "key_missing"
    before = desk.status()["agent_id"]
    left = back_in(place, desk)
    assert not left["told"] and f"doorward admin agents revoke {before}" in left["words"]
    assert left["kept"]["records"] > 0


def test_commands_say_that_the_key_is_gone(place):
    desk = place.member("no-key")
    desk.stop_agent()
    clear_keyring(desk)
    answer = desk.doorward("admin", "users", check=False)
    assert (answer.status, answer.json["error"]["code"]) == (3, "key_missing")
    leave(desk, answer)


def test_a_keyring_that_was_made_anew(place):
    desk = place.member("new-keyring")
    desk.stop_agent()
    desk.keyring.stop_daemon()
    shutil.rmtree(desk.keyring.home / ".local" / "share" / "keyrings")
    desk.keyring.unlock()
    desk.start_agent()
    assert refusal(desk)["reason"] == "key_missing"
    back_in(place, desk)


def test_a_copy_beside_the_right_key_changes_nothing(place):
    desk = place.member("two-keys")
    # Times of items are in seconds: the copy is the newer one.
    time.sleep(1.1)
    store(desk, [*key_attributes(desk), "copied", "yes"])
    desk.stop_agent()
    desk.start_agent()
    wait_for("the call", lambda: call(desk).status == 0)
    assert problem(desk) is None
    desk.countersigned()


def test_a_keyring_that_is_restored_opens_the_agent_by_itself(place):
    desk = place.member("restored")
    desk.stop_agent()
    keyrings = desk.keyring.home / ".local" / "share" / "keyrings"
    desk.keyring.stop_daemon()
    shutil.copytree(keyrings, desk.folder / "kept")
    shutil.rmtree(keyrings)
    desk.keyring.unlock()
    desk.start_agent()
    assert refusal(desk)["reason"] == "key_missing"
    desk.keyring.stop_daemon()
    shutil.rmtree(keyrings)
    shutil.copytree(desk.folder / "kept", keyrings)
    desk.keyring.unlock()
    wait_for("the agent to go on", lambda: call(desk).status == 0, 30)
    assert problem(desk) is None


def test_a_logout_under_a_locked_keyring_changes_nothing_and_can_be_done_again(place):
    desk = place.member("locked-out")
    agent = desk.status()["agent_id"]
    desk.keyring.lock()
    answer = desk.doorward("logout", check=False)
    assert (answer.status, answer.json["error"]["code"]) == (3, "keyring_locked")
    rows = {each["agent_id"]: each for each in place.owner.doorward("admin", "agents").json["agents"]}
    assert not rows[agent].get("revoked")
    assert call(desk).status == 0
    desk.keyring.unlock()
    assert desk.doorward("logout").json["kept"] is None


@with_and_without
def test_a_coordinator_that_was_set_back_to_before_the_enrolment(other_place, running):
    place = other_place
    coordinator = place.world.coordinator
    place.owner.stop_agent()
    coordinator.process.stop()
    shutil.copytree(coordinator.data, place.world.folder / "older")
    coordinator.start()
    desk = place.member("unknown")
    coordinator.process.stop()
    shutil.rmtree(coordinator.data)
    shutil.copytree(place.world.folder / "older", coordinator.data)
    coordinator.start()
    wait_for("the refusal", lambda: problem(desk) == "unknown_key", 60)
    # Nothing is signed of that, so calls go on as long as the policy lasts.
    assert call(desk).status == 0
    of_two(desk, running)
    assert problem(desk) == "unknown_key"
    left = back_in(place, desk)
    assert left["told"] and kept_records(left)


@with_and_without
def test_a_coordinator_that_is_gone_for_good(other_place, running):
    place = other_place
    desk = place.member("alone")
    place.world.coordinator.process.stop()
    of_two(desk, running)
    # All that was done is with the coordinator: leaving needs no other party.
    left = desk.doorward("logout").json
    assert not left["told"]
    assert desk.doorward("status", check=False).json["agent_id"] is None


@with_and_without
def test_records_that_wait_for_a_coordinator_that_is_gone(other_place, running):
    place = other_place
    desk = place.member("waiting")
    place.world.coordinator.process.stop()
    assert call(desk).status == 0
    of_two(desk, running)
    answer = desk.doorward("logout", check=False)
    assert (answer.status, answer.json["error"]["code"]) == (1, "records_pending")
    assert re.match(r"\d+ records wait for the coordinator, the first from 20", answer.json["error"]["message"])
    assert desk.status()["agent_id"]
    if running:
        assert call(desk).status == 0
    left = leave(desk, answer)
    assert not left["told"]
    assert {"call.begin", "call.end"} <= {each["kind"] for each in kept_records(left)}
    place.world.coordinator.start()
    login(desk, place.token())


@with_and_without
def test_a_coordinator_that_was_made_anew_at_the_same_place(other_place, running):
    place = other_place
    desk = place.member("anew")
    coordinator = place.world.coordinator
    coordinator.process.stop()
    assert call(desk).status == 0
    shutil.rmtree(coordinator.data)
    coordinator.facts = coordinator.run(
        "init", "--data", str(coordinator.data), "--url", coordinator.url, "--owner", "new@example.com", "--json").json
    place.world.secret(coordinator.facts["token"])
    coordinator.start()
    wait_for("the link to say so", lambda: running is False or desk.status()["link"] != "online", 30)
    of_two(desk, running)
    failed = login(desk, coordinator.facts["token"], check=False)
    assert failed.json["error"]["code"] == "already_enrolled"
    left = leave(desk, failed)
    assert not left["told"] and kept_records(left)
    assert login(desk, coordinator.facts["token"]).json["user"] == "new@example.com"


def test_a_logout_that_was_killed_between_telling_and_forgetting_is_ended_by_the_next(place):
    desk = place.member("killed")
    # What is left of it: the coordinator has let go, and everything else is as it was.
    answer = desk.doorward("admin", "api", "POST", "/v1/agent/leave", check=False)
    assert answer.status == 0, answer
    wait_for("the agent to hear of it", lambda: problem(desk) == "revoked", 60)
    back_in(place, desk)


def test_a_membership_that_cannot_be_read_now_is_no_reason_to_leave(place):
    desk = place.member("unreadable")
    path = desk.home / "state" / "membership.json"
    aside = path.with_suffix(".aside")
    path.rename(aside)
    # Not even root can read a folder as a file; and it takes no moment in which there is nothing.
    path.mkdir()
    if desk.status()["agent_id"] is None:
        pytest.skip("the agent has looked between the two")
    agent = desk.status()["agent_id"]
    time.sleep(2.5)
    assert call(desk).status == 0
    assert desk.status()["agent_id"] == agent
    path.rmdir()
    aside.rename(path)
    wait_for("the agent to go on", lambda: call(desk).status == 0)
    assert desk.status()["agent_id"] == agent
    desk.stop_agent()
    # A start that cannot read it says so, and does not say that it is missing.
    path.rename(aside)
    path.mkdir()
    desk.agent.popen.wait()
    desk.start_agent(ready=False)
    answer = call(desk)
    assert (answer.status, answer.json["error"]["code"]) == (1, -31005)
    assert "membership.json" in answer.json["error"]["message"]
    status = desk.doorward("status", check=False)
    assert status.json["problem"]["message"]
    path.rmdir()
    aside.rename(path)
    wait_for("the agent to take it", lambda: call(desk).status == 0)


def test_a_damaged_membership_can_be_given_up(place):
    desk = place.member("damaged")
    desk.stop_agent()
    path = desk.home / "state" / "membership.json"
    path.write_text("{")
    answer = login(desk, place.token(), check=False)
    assert answer.json["error"]["code"] == "membership_damaged"
    following = answer.json["error"]["next"]
    assert following.startswith("doorward logout --offline")
    moved = desk.doorward("logout", "--offline").json["moved"]
    assert moved.endswith("membership.json.damaged")
    login(desk, place.token())


@with_and_without
def test_records_that_do_not_open_are_told_as_that_and_hold_nobody(place, running):
    desk = place.member(f"broken-{running}")
    agent = desk.status()["agent_id"]
    assert call(desk).status == 0
    desk.stop_agent()
    spool = desk.home / "state" / "spool" / agent
    segment = sorted(spool.glob("*.records"))[-1]
    text = segment.read_bytes()
    segment.write_bytes(text.replace(b'"call.begin"', b'"call.broken"', 1))
    desk.start_agent(ready=False)
    answer = call(desk)
    assert (answer.status, answer.json["error"]["code"]) == (1, -31005)
    assert str(spool) in answer.json["error"]["message"]
    told = desk.doorward("status", check=False)
    assert told.status == 3 and told.json["agent_id"] == agent
    assert str(spool) in told.json["problem"]["message"]
    assert http.get(f"http://{desk.listen}/healthz").status == 200
    of_two(desk, running)
    failed = desk.doorward("logout", check=False)
    assert failed.json["error"]["code"] == "records_pending"
    left = leave(desk, failed)
    assert left["told"] and left["kept"]["records"] is None
    login(desk, place.token())


def test_a_clock_that_was_set_back_before_a_start_buys_no_time(place):
    desk = place.member("late-clock")
    clock = desk.home / "state" / "clock.json"
    desk.stop_agent()
    known = json.loads(clock.read_text())["wall"]
    assert abs(known / 1e6 - time.time()) < 120
    # As after a run nine days from now, and the clock set back since: the policy's seven days are over.
    clock.write_text(json.dumps({"v": 1, "wall": known + 9 * 86_400 * 1_000_000}))
    place.world.coordinator.process.stop()
    try:
        desk.start_agent()
        answer = call(desk)
        assert answer.json["error"]["data"]["reason"] == "policy_expired"
    finally:
        place.world.coordinator.start()
    # An agent that hears of the coordinator again knows the time again.
    wait_for("the policy", lambda: call(desk).status == 0, 60)
