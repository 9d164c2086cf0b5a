"""Joining and leaving while the agent runs: what the command tells is what is so from then on."""

import pytest
from parts.world import Desk


@pytest.fixture(scope="module")
def late(world, desk):
    """Somebody whose agent ran before the machine was enrolled."""
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
    answer = late.doorward("status", check=False)
    assert answer.status == 3
    assert answer.json["running"] and answer.json["agent_id"] is None
    records = [each for each in desk.records("--user", "late@example.com") if each["agent"] == left]
    assert [each["kind"] for each in records].count("agent.stop") == 1
    assert records[-1]["kind"] == "agent.stop"
    assert "Records are not shipped any more" not in late.agent.words()


def test_without_an_agent_no_server_is_called_up(world, desk, late):
    server = world.server("everything", "mcp_server")
    desk.add_server("everything", server.url)
    desk.stop_agent()
    facts = desk.status()
    assert (facts["running"], facts["listen"]) == (False, None)
    assert [(each["alias"], each["state"]) for each in facts["servers"]] == [("everything", "down")]
    assert facts["servers"][0]["error"]
