"""Records and reports: one begin and one end for each call, proofs that hold, and every way of tampering found."""

import io
import json
import os
import shutil
import sqlite3
import tarfile
import time
from collections import Counter
from pathlib import Path

import pytest
from parts import http
from parts.processes import run, wait_for
from parts.world import python

VERIFIER = Path(__file__).parents[1] / "Verifier" / "verify.py"


def trace(number: int) -> str:
    return f"{number:032x}"


def call(desk, bearer, number, tool="echo", arguments=None):
    return http.call(
        desk.url("everything"), bearer, tool, {"text": "a"} if arguments is None else arguments,
        headers={"traceparent": f"00-{trace(number)}-{1:016x}-01"},
    )


@pytest.fixture(scope="module")
def report(world, everything, bearer):
    """A report of a few calls of every outcome."""
    assert "result" in call(everything, bearer, 1)
    assert call(everything, bearer, 2, "fail", {"why": "secret reason"})["result"]["isError"]
    assert call(everything, bearer, 3, "delete_thing", {"name": "a"})["error"]["code"] == -31001
    assert "result" in call(everything, bearer, 4, "slow", {"seconds": 0.2})
    everything.countersigned()
    folder, facts = everything.report()
    return folder, facts


@pytest.fixture
def copy(report, tmp_path):
    folder = tmp_path / "report"
    shutil.copytree(report[0], folder)
    return folder


def records(folder):
    return [json.loads(line) for line in (folder / "records.jsonl").read_text().splitlines()]


def by_trace(folder, number):
    return [each for each in records(folder) if each.get("trace") == trace(number)]


def test_each_call_has_one_begin_and_one_end(report):
    for number, outcome in ((1, "ok"), (2, "tool_error"), (4, "ok")):
        begin = [each for each in by_trace(report[0], number) if each["kind"] == "call.begin"]
        assert len(begin) == 1
        end = [each for each in records(report[0]) if each["kind"] == "call.end" and each["call"] == begin[0]["call"]]
        assert [each["out"]["is"] for each in end] == [outcome]
    assert begin[0]["tool"] == "slow"
    assert begin[0]["srv"] == "everything"
    assert begin[0]["method"] == "tools/call"
    assert begin[0]["dec"]["is"] == "allow"
    assert begin[0]["client"] == {"id": "tests", "how": "token"}
    assert end[0]["out"]["ms"] >= 200
    assert end[0]["out"]["bytes_out"] > 0


def test_a_denied_call_has_one_record_and_no_begin(report):
    denied = by_trace(report[0], 3)
    assert [each["kind"] for each in denied] == ["call.deny"]
    assert denied[0]["dec"]["is"] == "deny"
    assert denied[0]["dec"]["rules"] == ["forbid/0"]


def test_records_hold_nothing_of_what_was_said(report):
    text = (report[0] / "records.jsonl").read_text()
    assert "secret reason" not in text
    assert "@example.com" not in text


def test_numbers_are_contiguous_and_facts_agree(report):
    folder, facts = report
    lines = records(folder)
    assert facts["records"] == len(lines)
    assert Path(facts["path"]) == folder
    for agent in {each["agent"] for each in lines}:
        numbers = [each["seq"] for each in lines if each["agent"] == agent]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_the_report_verifies_offline(world, everything, report):
    world.coordinator.process.stop()
    try:
        verdict = everything.doorward("verify", str(report[0])).json
        assert verdict["ok"]
        assert verdict["records"] == report[1]["records"]
        assert verdict["proven"]
        # Another person needs to be told whose key it should be.
        stranger = world.desk("stranger", keyring=False)
        alone = stranger.doorward("verify", str(report[0]), check=False)
        assert alone.status == 1
        assert alone.json["not_proven"]
        told = stranger.doorward("verify", str(report[0]), "--key", world.coordinator.facts["key"]).json
        assert told["ok"]
        wrong = stranger.doorward("verify", str(report[0]), "--key", "SHA256:" + "A" * 43, check=False)
        assert (wrong.status, wrong.json["ok"]) == (1, False)
    finally:
        world.coordinator.start()


def test_the_verifier_written_from_the_specification_agrees(world, report):
    done = run([str(python("modern")), str(VERIFIER), str(report[0]), "--key", world.coordinator.facts["key"]],
               {"PATH": "/usr/bin:/bin"}, 120)
    assert done.returncode == 0, done.stdout + done.stderr


def refused(desk, folder):
    answer = desk.doorward("verify", str(folder), check=False)
    assert answer.status == 1
    assert answer.json["ok"] is False
    return answer.json["failure"]


def files(folder):
    return sorted(each for each in folder.rglob("*") if each.is_file())


def test_one_flipped_byte_anywhere_is_found(everything, copy):
    for path in files(copy):
        original = path.read_bytes()
        for position in {0, len(original) // 3, len(original) // 2, len(original) - 1}:
            changed = bytearray(original)
            changed[position] ^= 1
            path.write_bytes(bytes(changed))
            failure = refused(everything, copy)
            assert failure["where"] and failure["why"], (path, position)
        path.write_bytes(original)
    assert everything.doorward("verify", str(copy)).json["ok"]


def test_a_flipped_byte_in_a_record_is_found_where_it_is(everything, copy):
    path = copy / "records.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    lines[1] = lines[1].replace(b'"kind"', b'"kinb"', 1)
    path.write_bytes(b"".join(lines))
    assert refused(everything, copy)["where"] in ("records.jsonl:2", "records.jsonl")


def test_a_missing_an_extra_and_a_renamed_file_are_found(everything, copy):
    for path in files(copy):
        away = path.with_name(path.name + ".away")
        path.rename(away)
        assert refused(everything, copy)["where"]
        away.rename(path)
    (copy / "extra.txt").write_text("hello")
    assert "extra.txt" in refused(everything, copy)["where"]


@pytest.mark.parametrize("change", ["remove", "repeat", "swap", "truncate"])
def test_records_cannot_be_removed_repeated_or_moved(everything, copy, change):
    path = copy / "records.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    middle = len(lines) // 2
    if change == "remove":
        del lines[middle]
    elif change == "repeat":
        lines.insert(middle, lines[middle])
    elif change == "swap":
        lines[middle], lines[middle - 1] = lines[middle - 1], lines[middle]
    else:
        lines[-1] = lines[-1][:-1]
    path.write_bytes(b"".join(lines))
    assert refused(everything, copy)["why"]


def test_a_selection_proves_what_is_there_and_says_what_it_does_not(everything, report):
    folder, facts = everything.report("--server", "everything")
    assert 0 < facts["records"] <= report[1]["records"] + 10
    verdict = everything.doorward("verify", str(folder)).json
    assert verdict["ok"]
    assert any("complete" in each for each in verdict["not_proven"])


def test_the_report_over_the_api_is_the_same_folder(world, everything, report, tmp_path):
    token = world.secret(everything.doorward("admin", "tokens", "add", "auditor", "--scope", "audit").json["token"])
    reply = world.coordinator.request(
        "POST", "/v1/reports", headers={"Authorization": f"Bearer {token}"},
        body={"from": "2020-01-01T00:00:00Z", "to": "2099-01-01T00:00:00Z"},
    )
    assert reply.status == 200, reply.body
    with tarfile.open(fileobj=io.BytesIO(reply.body)) as archive:
        # Debian's Python knows no filters; a path that leads out would show as a missing folder below.
        archive.extractall(tmp_path, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    folder = next(path.parent for path in tmp_path.rglob("records.jsonl"))
    assert everything.doorward("verify", str(folder)).json["ok"]


def test_a_report_begins_and_ends_at_the_microsecond(everything, report, tmp_path):
    times = sorted(each["t"] for each in records(report[0]))
    first, last = times[0], times[-1]
    facts = everything.doorward("admin", "report", "--from", first, "--to", last, "--out", str(tmp_path / "r")).json
    assert (facts["from"], facts["to"]) == (first, last)
    assert facts["records"] == len([each for each in times if each < last])


def test_an_output_folder_that_is_in_use_is_refused(everything, copy):
    answer = everything.doorward(
        "admin", "report", "--from", "-24h", "--to", "2099-01-01T00:00:00Z", "--out", str(copy), check=False
    )
    assert answer.status == 1


def test_a_report_that_does_not_come_leaves_nothing(world, everything, report, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    world.coordinator.process.stop()
    try:
        for folder in (tmp_path / "new", empty):
            answer = everything.doorward(
                "admin", "report", "--from", "-24h", "--to", "2099-01-01T00:00:00Z", "--out", str(folder), check=False
            )
            assert answer.status == 1
    finally:
        world.coordinator.start()
    assert [each.name for each in tmp_path.rglob("*")] == ["empty"]


def test_a_coordinator_that_is_away_costs_nothing_but_delay(world, everything, bearer):
    world.coordinator.process.kill()
    for number in range(100, 110):
        assert "result" in call(everything, bearer, number)
    status = everything.status()
    assert status["audit"]["recorded"] > status["audit"]["countersigned"]
    world.coordinator.start()
    everything.countersigned(40)
    folder, _ = everything.report()
    for number in range(100, 110):
        assert Counter(each["kind"] for each in by_trace(folder, number))["call.begin"] == 1
    assert everything.doorward("verify", str(folder)).json["ok"]


# Makes the database one of the release before uploads were stored with what finds them, which has come half way.
EARLIER = """
    DROP TABLE search_backlog;
    DELETE FROM grdb_migrations WHERE identifier = '0009-search';
    CREATE TABLE search_progress (id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1), through INTEGER NOT NULL) STRICT;
    INSERT INTO search_progress (id, through) SELECT 1, MAX(id) / 2 FROM agent_batch;
    DELETE FROM search_time WHERE batch > (SELECT through FROM search_progress);
    DELETE FROM search_server WHERE batch > (SELECT through FROM search_progress);
"""


def test_a_database_of_an_earlier_release_is_made_up_at_the_start(world, everything, report):
    everything.countersigned()
    before = everything.report()[1]["records"]
    world.coordinator.process.stop()
    database = sqlite3.connect(next(world.coordinator.data.glob("*.sqlite")))
    database.executescript(EARLIER)
    left = database.execute("SELECT COUNT(*) FROM agent_batch").fetchone()[0]
    left -= database.execute("SELECT COUNT(*) FROM search_time").fetchone()[0]
    database.close()
    assert left > 0
    world.coordinator.start()
    lines = [line for line in world.coordinator.process.words().splitlines() if "quick to find" in line]
    assert [json.loads(line)["uploads"] for line in lines] == [str(left)] * 2
    folder, facts = everything.report()
    assert facts["records"] >= before
    assert everything.doorward("verify", str(folder)).json["ok"]
    chosen, _ = everything.report("--server", "everything")
    assert {trace(number) for number in (1, 2, 3, 4)} <= {each["trace"] for each in records(chosen)}


def test_tail_and_show(everything, bearer):
    call(everything, bearer, 500)
    tail = everything.doorward("audit", "tail").lines
    assert 2 <= len(tail) <= 20
    begin = next(each for each in tail if each.get("trace") == trace(500) and each["kind"] == "call.begin")
    wait_for("the end of the call to be written", lambda: [
        each["kind"] for each in everything.doorward("audit", "show", begin["call"]).json["records"]
    ] == ["call.begin", "call.end"])


def test_leaving_ships_everything_first(world, everything):
    token = world.secret(everything.doorward("admin", "invite", "leaver@example.com").json["token"])
    desk = world.desk("leaver")
    desk.login(token)
    desk.start_agent()
    bearer = desk.client("leaver")
    assert "result" in call(desk, bearer, 900)
    desk.stop_agent()
    desk.doorward("logout")
    assert desk.doorward("status", check=False).status == 3
    time.sleep(0.2)
    folder, _ = everything.report()
    assert Counter(each["kind"] for each in by_trace(folder, 900))["call.begin"] == 1
    assert os.path.isdir(folder / "keys")
