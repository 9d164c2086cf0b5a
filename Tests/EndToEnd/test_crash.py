"""kill -9 at any moment: no record of a forwarded call is lost, and none is there twice."""

import json
import random
import threading
import time
from collections import Counter

import pytest
from conftest import OPEN_POLICY
from parts import http
from parts.processes import wait_for

ROUNDS = 6


@pytest.fixture(scope="module")
def upstream(world, desk):
    server = world.server("slow-upstream", "fake_upstream")
    desk.add_server("everything", server.url)
    desk.policy(OPEN_POLICY)
    return server


def caller(desk, bearer, number: int, stop: threading.Event, errors: list) -> None:
    """Calls until it is told to stop; a killed agent is a refused connection, nothing to worry about."""
    chance = random.Random(number)
    while not stop.is_set():
        trace = f"{chance.getrandbits(128) | 1:032x}"
        try:
            http.call(
                desk.url("everything"), bearer, "echo", {"text": "a"},
                headers={"traceparent": f"00-{trace}-{1:016x}-01"}, seconds=5,
            )
        except (OSError, ValueError, AssertionError):
            stop.wait(0.02)
        except Exception as error:  # http.client has many ways to say that the other side is gone
            errors.append(type(error).__name__)


@pytest.mark.slow
def test_no_record_of_a_forwarded_call_is_lost_or_repeated(world, desk, bearer, upstream):
    chance = random.Random(20260728)
    stop, errors = threading.Event(), []
    threads = [
        threading.Thread(target=caller, args=(desk, bearer, number, stop, errors), daemon=True) for number in range(6)
    ]
    for each in threads:
        each.start()
    try:
        for round in range(ROUNDS):
            time.sleep(chance.uniform(0.3, 1.5))
            desk.agent.kill()
            if round == ROUNDS // 2:
                # The coordinator dies in the middle of an upload too.
                world.coordinator.process.kill()
                world.coordinator.start()
            desk.start_agent()
    finally:
        stop.set()
        for each in threads:
            each.join()
    desk.countersigned(60)

    folder, _ = desk.report()
    assert desk.doorward("verify", str(folder)).json["ok"]
    records = [json.loads(line) for line in (folder / "records.jsonl").read_text().splitlines()]
    begins = Counter(each["trace"] for each in records if each["kind"] == "call.begin")
    forwarded = set(upstream.ask("traces"))
    assert len(forwarded) > 50
    assert not forwarded - set(begins), "forwarded without a record"
    assert not [trace for trace, times in begins.items() if times > 1], "recorded twice"

    ends = Counter(each["call"] for each in records if each["kind"] == "call.end")
    calls = [each["call"] for each in records if each["kind"] == "call.begin"]
    assert all(ends[call] == 1 for call in calls)
    assert set(ends) <= set(calls)
    assert any(each["out"]["is"] == "unknown" for each in records if each["kind"] == "call.end")
    numbers = [each["seq"] for each in records]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


LIMITED = OPEN_POLICY + 'limits:\n  - { per: user, tools: ["echo"], rate: 6/h, burst: 6 }\n'


def passed(desk, bearer: str | None, calls: int) -> int:
    """How many of so many calls the limit lets pass; none fails for another reason."""
    answers = [http.call(desk.url("everything"), bearer, "echo", {"text": "a"}) for _ in range(calls)]
    assert {each["error"]["code"] for each in answers if "error" in each} <= {-31002}
    return sum("result" in each for each in answers)


def test_nobody_resets_a_limit_by_killing_the_agent(world, desk, bearer, upstream):
    desk.policy(LIMITED)
    try:
        total = passed(desk, bearer, 4)
        assert total == 4
        for _ in range(2):
            # Long before anything is written down by the clock.
            desk.agent.kill()
            desk.start_agent()
            total += passed(desk, bearer, 7)
        assert total == 6
    finally:
        desk.policy(OPEN_POLICY)


def test_nor_for_a_tool_whose_name_stands_in_records_as_a_hash(world, desk, bearer, upstream):
    desk.policy(OPEN_POLICY + 'limits:\n  - { per: user, tools: ["an odd name"], rate: 2/h, burst: 2 }\n')

    def refused() -> int:
        answer = http.call(desk.url("everything"), bearer, "an odd name")
        return answer.get("error", {}).get("code") == -31002

    try:
        assert not refused()
        for expected in (False, True):
            desk.agent.kill()
            desk.start_agent()
            assert refused() == expected
    finally:
        desk.policy(OPEN_POLICY)


def test_nobody_resets_a_limit_by_leaving_and_enrolling_anew(world, desk, upstream):
    ben = world.desk("ben")

    def enrol() -> str:
        ben.login(desk.doorward("admin", "invite", "ben@example.com").json["token"])
        wait_for("the policy", lambda: ben.status()["policy_version"] > 0 and "everything" in ben.servers())
        return ben.client(f"c{len(ben.doorward('client', 'list').json['clients'])}")

    desk.policy(LIMITED)
    try:
        ben.start_agent()
        assert passed(ben, enrol(), 8) == 6
        ben.doorward("logout")
        assert passed(ben, enrol(), 3) == 0
        ben.doorward("logout")
        ben.agent.kill()
        ben.start_agent()
        assert passed(ben, enrol(), 3) == 0
    finally:
        ben.agent.kill()
        desk.policy(OPEN_POLICY)
