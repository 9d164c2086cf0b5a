"""Decisions: what is granted, forbidden, limited and shown; how a policy changes, and what is refused."""

import json
import threading
import time

import pytest
from parts import http
from parts.processes import wait_for
from parts.verdicts import verify as independent
from parts.world import World, programs

POLICY = """\
version: 1
roles:
  dev:
    grant:
      - {{ server: everything, tools: ["echo", "add", "delete_*", "elicit", "sample", "slow"], prompts: ["rev*"] }}
bind:
  - {{ user: owner@example.com, role: dev }}
forbid:
  - {{ server: everything, tools: ["delete_*"], because: "deletions go through review" }}
limits:
{limits}
tests:
  - {{ user: owner@example.com, call: everything/echo, expect: allow }}
  - {{ user: owner@example.com, call: everything/delete_thing, expect: deny, because: forbidden }}
"""
NO_LIMITS = "  - { per: client, server: nothing, tools: [\"*\"], rate: 1/s }"


@pytest.fixture(scope="module")
def policed(everything):
    everything.policy(POLICY.format(limits=NO_LIMITS))
    return everything


def code(message):
    return message["error"]["code"], message["error"]["data"]["reason"]


def test_a_grant_opens_and_nothing_else_does(policed, bearer):
    url = policed.url("everything")
    assert http.call(url, bearer, "echo", {"text": "a"})["result"]
    assert code(http.call(url, bearer, "fail", {"why": "a"})) == (-31001, "no_grant")
    assert code(http.call(url, bearer, "Echo", {"text": "a"})) == (-31001, "no_grant")


def test_a_denial_names_the_rule_the_reason_and_the_record(world, policed, bearer):
    before = world.servers["everything"].ask("counts").get("delete_thing", 0)
    message = http.call(policed.url("everything"), bearer, "delete_thing", {"name": "a"}, id="seven")
    assert message["id"] == "seven"
    assert code(message) == (-31001, "forbidden")
    assert message["error"]["data"]["rules"] == ["forbid/0"]
    record = message["error"]["data"]["record"]
    assert world.servers["everything"].ask("counts").get("delete_thing", 0) == before
    shown = policed.doorward("audit", "show", record).json["records"]
    assert [each["kind"] for each in shown] == ["call.deny"]
    assert shown[0]["call"] == record
    assert shown[0]["tool"] == "delete_thing"


def test_lists_show_only_what_is_granted(policed, bearer):
    def names(method, member):
        for message in http.rpc(policed.url("everything"), bearer, method).messages:
            if "result" in message:
                return {each["name"] for each in message["result"][member]}
        return None

    tools = names("tools/list", "tools")
    assert tools == {"echo", "add", "elicit", "sample", "slow"}
    assert names("prompts/list", "prompts") == {"review"}
    assert names("resources/list", "resources") == set()


def test_resources_and_prompts_are_judged_too(policed, bearer):
    url = policed.url("everything")
    denied = http.rpc(url, bearer, "resources/read", {"uri": "note://shopping"}).messages[-1]
    assert code(denied) == (-31001, "no_grant")
    allowed = http.rpc(url, bearer, "prompts/get", {"name": "review", "arguments": {"topic": "a"}}).messages[-1]
    assert "result" in allowed
    unknown = http.rpc(url, bearer, "frobnicate/now")
    assert unknown.status == 404
    assert unknown.json["error"]["code"] == -32601


def test_what_the_server_may_ask_of_the_client_is_judged(policed, bearer):
    """Without `server_requests`, elicitation alone passes."""
    capabilities = {"io.modelcontextprotocol/clientCapabilities": {"elicitation": {"form": {}}, "sampling": {}}}
    url = policed.url("everything")
    ask = http.rpc(url, bearer, "tools/call", {"name": "elicit", "arguments": {}, "_meta": capabilities}).messages[-1]
    assert ask["result"]["resultType"] == "input_required"
    refused = http.rpc(url, bearer, "tools/call", {"name": "sample", "arguments": {}, "_meta": capabilities}).messages[-1]
    assert refused["error"]["code"] == -31001


@pytest.mark.parametrize(("tool", "decision", "because"), [
    ("echo", "allow", "granted"), ("delete_thing", "deny", "forbidden"), ("fail", "deny", "no_grant"),
])
def test_explain_says_what_a_call_would_get(policed, tool, decision, because):
    facts = policed.doorward("explain", "everything", tool).json
    assert facts["decision"] == decision
    if decision == "deny":
        assert facts["because"] == because
    assert facts["policy_version"] == policed.status()["policy_version"]


def test_the_command_calls_and_its_exit_status_tells(policed):
    good = policed.doorward("call", "everything", "echo", '{"text": "from the terminal"}')
    assert good.json["result"]["content"][0]["text"] == "from the terminal"
    assert good.json["record"]
    bad = policed.doorward("call", "everything", "delete_thing", '{"name": "a"}', check=False)
    assert bad.status == 1
    assert bad.json["error"]["code"] == -31001
    assert bad.json["record"]


def test_a_bucket_lets_a_burst_through_and_then_says_when(policed, bearer):
    policed.policy(POLICY.format(
        limits='  - { per: user, server: everything, tools: ["add"], rate: 6/min, burst: 3 }'
    ))
    answers = [http.call(policed.url("everything"), bearer, "add", {"a": 1, "b": 1}) for _ in range(5)]
    assert ["result" in each for each in answers] == [True, True, True, False, False]
    error = answers[3]["error"]
    assert error["code"] == -31002
    assert 5_000 < error["data"]["retry_after_ms"] <= 10_000
    assert http.call(policed.url("everything"), bearer, "echo", {"text": "not limited"})["result"]


def test_a_restart_is_no_way_around_a_limit(policed, bearer):
    policed.stop_agent()
    policed.start_agent()
    assert http.call(policed.url("everything"), bearer, "add", {"a": 1, "b": 1})["error"]["code"] == -31002


def test_slots_bound_what_runs_at_once(policed, bearer):
    policed.policy(POLICY.format(
        limits='  - { per: user, server: everything, tools: ["slow"], rate: 100/s, burst: 100, concurrent: 2 }'
    ))
    answers = []

    def one():
        answers.append(http.call(policed.url("everything"), bearer, "slow", {"seconds": 1.5}))

    threads = [threading.Thread(target=one) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    limited = [each["error"] for each in answers if "error" in each]
    assert len(limited) == 2
    assert {each["code"] for each in limited} == {-31002}
    assert {each["data"]["retry_after_ms"] for each in limited} == {1000}
    # The slots are free again.
    assert http.call(policed.url("everything"), bearer, "slow", {"seconds": 0})["result"]


def test_a_change_is_enforced_within_two_seconds(policed, bearer):
    url = policed.url("everything")
    policed.policy(POLICY.format(limits=NO_LIMITS))
    assert http.call(url, bearer, "echo", {"text": "a"})["result"]
    path = policed.folder / "closed.yaml"
    without = POLICY.format(limits=NO_LIMITS).replace('["echo", "add",', '["add",')
    path.write_text(without.replace("everything/echo", "everything/add"))
    policed.doorward("admin", "policy", "apply", str(path))
    applied = time.monotonic()
    wait_for("echo to be denied", lambda: "error" in http.call(url, bearer, "echo", {"text": "a"}), 5, every=0.02)
    assert time.monotonic() - applied < 2


ARGUED = """\
version: 1
roles:
  dev:
    grant:
      - { server: everything, tools: ["echo"], args: { /text: { max_len: 8, in: [a, "https://a.example/x", long-and-granted] } } }
      - { server: everything, tools: ["add"], args: { /a: { int_range: [1, 9] }, /b: { present: true } } }
bind: [{ everyone: true, role: dev }]
forbid: [{ server: everything, tools: ["add"], args: { /b: { eq: 7 } } }]
tests:
  - { user: a@example.com, call: everything/echo, args: { text: a }, expect: allow }
  - { user: a@example.com, call: everything/echo, args: { text: b }, expect: deny, because: no_grant }
  - { user: a@example.com, call: everything/add, args: { a: 1, b: 7 }, expect: deny, because: forbidden }
"""


def test_arguments_are_judged_as_they_are_forwarded(world, policed, bearer):
    url = policed.url("everything")
    policed.policy(ARGUED)
    assert http.call(url, bearer, "echo", {"text": "a"})["result"]
    for arguments in ({"text": "b"}, {"text": "long-and-granted"}, {"text": "a", "Text": "b"}, {"text": ["a"]}, {}):
        assert code(http.call(url, bearer, "echo", arguments)) == (-31001, "no_grant"), arguments
    assert http.call(url, bearer, "add", {"a": 3, "b": 4})["result"]
    before = world.servers["everything"].ask("counts").get("add", 0)
    for arguments, why in (({"a": 3, "b": 7}, "forbidden"), ({"a": 3}, "forbidden"), ({"a": 30, "b": 1}, "no_grant")):
        assert code(http.call(url, bearer, "add", arguments)) == (-31001, why), arguments
    assert world.servers["everything"].ask("counts").get("add", 0) == before
    record = policed.doorward("call", "everything", "add", '{"a": 3, "b": 4}').json["record"]
    told = policed.doorward("audit", "show", record).json["records"][0]["dec"]["args"]
    assert [each.split(":")[1] for each in told] == ["0", "1", "1"]
    assert policed.doorward("explain", "everything", "add", '{"a": 3, "b": 7}').json["because"] == "forbidden"
    assert policed.doorward("explain", "everything", "add", '{"a": 3, "b": 4}').json["decision"] == "allow"
    assert policed.doorward("explain", "everything", "add").json["decision"] == "deny"
    bad = policed.folder / "bad.yaml"
    bad.write_text(ARGUED.replace("max_len: 8", "regex: x"))
    problems = policed.doorward("admin", "policy", "check", str(bad), check=False).json["problems"]
    assert [each["where"] for each in problems] == ["roles/dev/grant/0/args//text/regex"]
    policed.policy(POLICY.format(limits=NO_LIMITS))


def test_a_policy_that_observes_lets_pass_what_no_grant_opens_and_says_so_on_record(policed, bearer):
    url = policed.url("everything")
    observing = POLICY.format(limits=NO_LIMITS).replace("version: 1\n", "version: 1\nmode: observe\n")
    policed.policy(observing)
    assert http.call(url, bearer, "fail", {"why": "a"})["result"]["isError"]
    record = policed.doorward("call", "everything", "fail", '{"why": "a"}', check=False).json["record"]
    begin = policed.doorward("audit", "show", record).json["records"][0]
    assert (begin["kind"], begin["dec"]["is"], begin["dec"]["reason"], begin["dec"]["observed"]) == (
        "call.begin", "allow", "observed", "no_grant")
    # What is granted is no observation, and what is forbidden stays closed.
    granted = policed.doorward("call", "everything", "echo", '{"text": "a"}').json["record"]
    assert "observed" not in policed.doorward("audit", "show", granted).json["records"][0]["dec"]
    assert code(http.call(url, bearer, "delete_thing", {"name": "a"})) == (-31001, "forbidden")
    listed = http.rpc(url, bearer, "tools/list").messages[-1]["result"]["tools"]
    assert "fail" in {each["name"] for each in listed}
    assert "delete_thing" not in {each["name"] for each in listed}
    facts = policed.doorward("explain", "everything", "fail").json
    assert (facts["decision"], facts["because"], facts["observed"]) == ("allow", "observed", "no_grant")
    path = policed.folder / "observing.yaml"
    path.write_text(observing)
    checked = policed.doorward("admin", "policy", "check", str(path)).json
    assert [each["where"] for each in checked["warnings"]][0] == "mode"
    policed.policy(POLICY.format(limits=NO_LIMITS))
    assert code(http.call(url, bearer, "fail", {"why": "a"})) == (-31001, "no_grant")


BAD = [
    ("version: 2\n", "version"),
    ("version: 1\nroles: {}\nrole: {}\n", "role"),
    ("version: 1\nroles:\n  dev:\n    grant:\n      - { tools: [a] }\n", "roles/dev/grant/0"),
    ("version: 1\nbind:\n  - { user: a@example.com, role: nobody }\n", "bind/0"),
    ("version: 1\nroles: &a {}\nbind: *a\n", ""),
    ("version: 1\nversion: 1\n", ""),
    (POLICY.format(limits=NO_LIMITS).replace("expect: allow", "expect: deny"), "tests/0"),
    ("version: 1\nforbid:\n  - { server: a, tools: ['*x'] }\n", "forbid/0"),
    ("version: 1\nmode: sometimes\n", "mode"),
]


def test_rules_that_change_nothing_are_warned_of(policed):
    path = policed.folder / "odd.yaml"
    path.write_text("""\
version: 1
roles:
  dev:
    grant:
      - { server: everything }
      - { server: everything, tools: ["get_*"] }
      - { server: docs, resources: ["file:///docs/../etc/*"] }
bind: [{ everyone: true, role: dev }]
""")
    checked = policed.doorward("admin", "policy", "check", str(path))
    assert checked.json["ok"] is True
    assert checked.json["problems"] == []
    assert [each["where"] for each in checked.json["warnings"]] == [
        "roles/dev/grant/1", "roles/dev/grant/2/resources/0",
    ]
    assert all(each["why"] for each in checked.json["warnings"])
    answer = policed.doorward("admin", "api", "POST", "/v1/policy/check", '{"version": 1}').json
    assert answer["body"]["warnings"] == []


@pytest.mark.parametrize(("text", "where"), BAD, ids=[str(number) for number in range(len(BAD))])
def test_a_refused_file_changes_nothing_and_says_where(policed, text, where):
    path = policed.folder / "bad.yaml"
    path.write_text(text)
    before = policed.status()["policy_version"]
    checked = policed.doorward("admin", "policy", "check", str(path), check=False)
    applied = policed.doorward("admin", "policy", "apply", str(path), check=False)
    for answer in (checked, applied):
        assert answer.status == 1
        assert answer.json["ok"] is False
        assert any(where in each["where"] for each in answer.json["problems"]), answer.json
        assert all(each["why"] for each in answer.json["problems"])
    assert policed.doorward("admin", "policy", "apply", str(path), check=False).status == 1
    assert policed.status()["policy_version"] == before


def test_the_web_api_does_the_same(world, policed):
    token = policed.doorward("admin", "tokens", "add", "automation", "--scope", "policy").json["token"]
    world.secret(token)
    auth = {"Authorization": f"Bearer {token}"}
    current = world.coordinator.get("/v1/policy", headers=auth)
    assert current.status == 200
    changed = current.body + b"\n# a comment\n"

    def put(tag, body):
        headers = auth | ({"If-Match": tag} if tag else {})
        return world.coordinator.request("PUT", "/v1/policy", headers=headers, body=body)

    assert put(None, changed).status == 428
    assert put('"something else"', changed).status == 412
    done = put(current.headers["etag"], changed)
    assert done.status == 200, done.body
    assert put(current.headers["etag"], changed).status == 412
    refused = put(done.headers.get("etag") or world.coordinator.get("/v1/policy", headers=auth).headers["etag"],
                  b"version: 2\n")
    assert 400 <= refused.status < 500
    assert world.coordinator.get("/v1/policy", headers=auth).body == changed


def test_nothing_applied_denies_everything(world):
    """A coordinator without a policy: version 0, the empty file with its ETag, and every call denied."""
    other = World(programs())
    try:
        other.coordinator.init()
        other.coordinator.start()
        desk = other.desk("owner")
        desk.login(other.coordinator.facts["token"])
        desk.start_agent()
        assert desk.status()["policy_version"] == 0
        desk.add_server("everything", world.servers["everything"].url)
        denied = desk.doorward("call", "everything", "echo", '{"text": "a"}', check=False)
        assert denied.status == 1
        shown = desk.doorward("admin", "policy", "show").json
        assert shown is not None
        answer = desk.doorward("admin", "api", "GET", "/v1/policy").json
        assert answer["status"] == 200
        assert any(name.lower() == "etag" for name in answer["headers"])
    finally:
        other.close()
        other.remove()


def test_both_verifiers_take_what_records_tell_of_observation_and_arguments(world, policed, bearer):
    url = policed.url("everything")
    policed.policy(ARGUED.replace("version: 1\n", "version: 1\nmode: observe\n"))
    assert http.call(url, bearer, "echo", {"text": "b"})["result"]
    assert code(http.call(url, bearer, "add", {"a": 3, "b": 7})) == (-31001, "forbidden")
    policed.countersigned()
    folder, facts = policed.report()
    lines = [json.loads(line) for line in (folder / "records.jsonl").read_text().splitlines()]
    decisions = [each["dec"] for each in lines if "dec" in each]
    assert any(each.get("observed") == "no_grant" and each.get("args") for each in decisions)
    assert any(each["is"] == "deny" and each.get("args") for each in decisions)
    assert policed.doorward("verify", str(folder)).json["ok"]
    assert independent(str(folder), world.coordinator.facts["key"]).startswith("verified")
    policed.policy(POLICY.format(limits=NO_LIMITS))


DEMANDING = """\
version: 1
roles:
  dev:
    grant:
      - { server: everything, tools: ["echo", "add", "get_me", "log"] }
      - { server: everything, tools: ["big"], args: { /size: { int_range: [1, 10] } } }
bind: [{ everyone: true, role: dev }]
require:
  - { tools: ["echo"], audit: strict }
  - { tools: ["add"], online_within: 1h, key_protection: [keyring, memory] }
  - { tools: ["get_me"], key_protection: tpm, because: "costly" }
  - { tools: ["log"], recent_login: 1d }
"""


def test_what_a_rule_demands_is_met_before_anything_is_sent(world, policed, bearer):
    url = policed.url("everything")
    policed.policy(DEMANDING)
    strict = policed.doorward("call", "everything", "echo", '{"text": "a"}').json
    assert strict["result"]
    begin = policed.doorward("audit", "show", strict["record"]).json["records"][0]
    assert begin["dec"]["rules"][-1] == "require/0"
    # It was countersigned before it was sent.
    assert policed.status()["audit"]["countersigned"] > begin["seq"]
    assert http.call(url, bearer, "add", {"a": 1, "b": 2})["result"]
    assert http.call(url, bearer, "log", {"words": "a"})["result"]
    assert code(http.call(url, bearer, "get_me", {})) == (-31001, "key_protection")
    facts = policed.doorward("explain", "everything", "get_me").json
    assert (facts["decision"], facts["because"]) == ("deny", "key_protection")
    assert facts["require"] == {"key_protection": ["tpm"]}
    assert facts["unmet"][0]["what"] == "key_protection"
    assert policed.doorward("explain", "everything", "echo").json["require"] == {"audit": "strict"}
    nearest = policed.doorward("explain", "everything", "big", '{"size": 99}').json["nearest"]
    assert nearest["rule"] == "roles/dev/grant/1"
    assert [each["what"] for each in nearest["lacks"]] == ["arguments"]
    policed.policy(POLICY.format(limits=NO_LIMITS))


def test_a_strict_call_is_not_sent_while_its_record_cannot_arrive(world, policed, bearer):
    url = policed.url("everything")
    policed.policy(DEMANDING)
    assert http.call(url, bearer, "echo", {"text": "a"})["result"]
    before = world.servers["everything"].ask("counts").get("echo", 0)
    world.coordinator.process.kill()
    try:
        message = http.call(url, bearer, "echo", {"text": "a"})
        assert code(message) == (-31005, "not_countersigned")
        assert world.servers["everything"].ask("counts").get("echo", 0) == before
        assert http.call(url, bearer, "add", {"a": 1, "b": 2})["result"]
    finally:
        world.coordinator.start()
    # The next one arrives again.
    wait_for("the coordinator to be heard of", lambda: policed.status()["link"] == "online", 30)
    assert http.call(url, bearer, "echo", {"text": "a"})["result"]
    policed.policy(POLICY.format(limits=NO_LIMITS))
