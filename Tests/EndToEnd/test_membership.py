"""Joining and leaving while the agent runs: what the command tells is what is so from then on."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import OPEN_POLICY
from parts import http
from parts.processes import wait_for
from parts.world import Desk


@pytest.fixture(scope="module")
def late(world, desk):
    """A user whose agent ran before the machine was enrolled."""
    late = world.desk("late")
    late.start_agent()
    return late


def invitation(world, desk: Desk) -> str:
    return world.secret(desk.doorward("admin", "invite", "late@example.com").json["token"])


def test_a_login_tells_what_the_running_agent_has_taken_up(world, desk, late):
    facts = late.login(invitation(world, desk))
    assert facts["user"] == "late@example.com"
    assert facts["agent_id"] and facts["coordinator"] == world.coordinator.url and facts["custody"]
    assert facts["running"] and facts["listen"] == late.listen


def test_a_logout_is_over_when_it_says_so_and_makes_no_record_that_nobody_takes(world, desk, late):
    left = late.doorward("logout").json["left"]
    assert not (late.home / "state" / "servers.json").exists()
    answer = late.doorward("status", check=False)
    assert answer.status == 3
    assert answer.json["running"] and answer.json["agent_id"] is None
    problem = answer.json["problem"]
    assert (problem["code"], problem["next"]) == ("not_enrolled", "doorward login URL --token-file FILE")
    records = [each for each in desk.records("--user", "late@example.com") if each["agent"] == left]
    assert [each["kind"] for each in records].count("agent.stop") == 1
    assert records[-1]["kind"] == "agent.stop"
    assert "Records are not shipped any more" not in late.agent.words()


def test_a_call_that_runs_while_its_machine_leaves_is_answered_and_has_its_end(world, desk, late):
    late.login(invitation(world, desk))
    server = world.server("slow", "mcp_server")
    desk.add_server("old", server.url)
    desk.policy(OPEN_POLICY)
    wait_for("the policy", lambda: "old" in late.servers() and late.status()["policy_version"] > 0)
    bearer = late.client("leaving")
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(http.call, late.url("old"), bearer, "slow", {"seconds": 60}, seconds=30)
        wait_for("the call", lambda: server.ask("counts").get("slow"))
        left = late.doorward("logout").json
        error = answer.result()["error"]
    assert (error["code"], error["data"]["reason"]) == (-31004, "stopping")
    assert "left its coordinator before old had answered" in error["message"]
    assert left["told"] and left["kept"] is None
    assert any("API tokens and unused invitations" in line for line in left["words"])
    records = [each for each in desk.records("--user", "late@example.com") if each["agent"] == left["left"]]
    ends = [each["out"]["is"] for each in records if each["kind"] == "call.end" and each.get("tool") == "slow"]
    assert ends == ["unknown"]
    assert records[-1]["kind"] == "agent.stop"
    desk.doorward("admin", "servers", "remove", "old")


def test_after_a_restart_of_either_half_the_agent_soon_says_that_it_is_online(world, desk):
    desk.stop_agent()
    desk.start_agent()
    wait_for("the agent to be online", lambda: desk.status()["link"] == "online", 5)
    world.coordinator.process.stop()
    wait_for("the agent to be offline", lambda: desk.status()["link"].startswith("offline"), 10)
    world.coordinator.start()
    # The pause between two tries grows to seconds while it is away.
    wait_for("the agent to be online again", lambda: desk.status()["link"] == "online", 15)


def test_without_an_agent_the_last_known_state_is_shown(world, desk, late):
    desk.add_server("away", "http://127.0.0.1:1/mcp")
    desk.add_server("everything", world.server("everything", "mcp_server").url)
    desk.add_server("protected", "https://protected.example.com/mcp", "--auth", "oauth")
    desk.policy(OPEN_POLICY.replace("server: old", "server: away"))
    assert desk.doorward("call", "away", "echo", check=False).status == 1
    running = desk.status()["servers"]
    assert {each["alias"]: each["state"] for each in running} == {
        "away": "down", "everything": "up", "protected": "needs_sign_in"}
    desk.stop_agent()
    facts = desk.status()
    assert (facts["running"], facts["listen"]) == (False, None)
    assert facts["servers"] == running
    # With nothing kept, a server is up until evidence says otherwise.
    (desk.home / "state" / "servers.json").unlink()
    assert {each["alias"]: each["state"] for each in desk.status()["servers"]} == {
        "away": "up", "everything": "up", "protected": "needs_sign_in"}
