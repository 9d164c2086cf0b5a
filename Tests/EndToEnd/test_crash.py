"""kill -9 at any moment: no record of a forwarded call is lost, and none is there twice."""

import json
import random
import threading
import time
from collections import Counter

import pytest
from conftest import OPEN_POLICY
from parts import http

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
