"""The policy desk: what was in force and why, and drafts that are tried on the calls on record before they are."""

import datetime
import json

import pytest
from parts import http
from parts.processes import wait_for

POLICY = """\
version: 1
roles:
  dev:
    grant:
      - {{ server: everything, tools: [{tools}] }}
bind:
  - {{ user: owner@example.com, role: dev }}
"""
OPEN = "version: 1\nroles: { all: { grant: [ { server: everything } ] } }\nbind: [ { everyone: true, role: all } ]\n"


def code(answer):
    return answer.status, answer.json["error"]["code"]


def command(desk, *arguments, **options):
    return desk.doorward("admin", "policy", *arguments, **options)


@pytest.fixture
def draft(desk):
    """Writes a policy file and says where it is."""
    def write(text, name="draft.yaml"):
        path = desk.folder / name
        path.write_text(text)
        return str(path)
    return write


@pytest.fixture(scope="module")
def auditor(world, desk):
    return invited(world, desk, "auditor")


@pytest.fixture(scope="module")
def member(world, desk):
    return invited(world, desk, "member")


def invited(world, desk, role):
    token = world.secret(desk.doorward("admin", "invite", f"{role}@example.com", "--role", role).json["token"])
    other = world.desk(role)
    other.login(token)
    return other


# MARK: History


def test_every_policy_is_kept_with_who_when_and_why(everything, draft):
    why = "échos first\n\nfor the tests"
    first = command(everything, "apply", draft(POLICY.format(tools="echo")), "--why", why).json
    second = command(everything, "apply", draft(POLICY.format(tools="echo, add"))).json
    assert second["version"] == first["version"] + 1
    assert second["replaced"] == first["version"]
    assert "+       - { server: everything, tools: [echo, add] }" in second["diff"].splitlines()

    listed = command(everything, "history").json
    newest, former = listed["versions"][:2]
    assert (newest["version"], former["version"]) == (second["version"], first["version"])
    assert (newest["why"], former["why"]) == (None, why)
    assert newest["user"] == former["user"] == "owner@example.com"
    assert newest["applied"] >= former["applied"]
    assert len(command(everything, "history", "--limit", "1").json["versions"]) == 1

    shown = command(everything, "show", "--version", str(first["version"])).json
    assert shown["file"] == POLICY.format(tools="echo")
    assert shown["etag"] == former["etag"]
    differ = command(everything, "diff", str(first["version"]), str(second["version"])).json["diff"]
    assert differ == second["diff"]
    assert command(everything, "diff", str(second["version"])).json["diff"] == ""
    assert code(command(everything, "show", "--version", "9999", check=False)) == (1, "unknown_version")


def test_the_terminal_shows_files_and_differences_line_by_line(everything):
    lines = command(everything, "show", json=False).out.splitlines()
    assert lines[0] == "version: 1"
    assert "  dev:" in lines
    newest = command(everything, "history").json["versions"][0]["version"]
    table = command(everything, "history", json=False).out.splitlines()
    assert table[0].split() == ["VERSION", "APPLIED", "BY", "WHY"]
    assert table[1].split()[0] == str(newest)
    assert any("échos first" in line for line in table)


def test_going_back_is_a_new_version_that_agents_enforce(everything, bearer, draft):
    url = everything.url("everything")
    good = everything.policy(POLICY.format(tools="echo"))
    bad = everything.policy(POLICY.format(tools="add"))
    assert "error" in http.call(url, bearer, "echo", {"text": "a"})
    back = command(everything, "roll-back", str(good), "--why", "echo is needed").json
    assert (back["ok"], back["version"], back["rolled_back_to"]) == (True, bad + 1, good)
    wait_for("echo to be open again", lambda: "result" in http.call(url, bearer, "echo", {"text": "a"}), 5)
    newest = command(everything, "history").json["versions"][0]
    assert (newest["rolled_back_to"], newest["why"]) == (good, "echo is needed")
    assert code(command(everything, "roll-back", "9999", check=False)) == (1, "unknown_version")


def test_who_replaces_another_policy_than_the_one_seen_is_refused(everything, draft):
    seen = command(everything, "show").json["etag"]
    everything.policy(POLICY.format(tools="echo"))
    path = draft(POLICY.format(tools="add"))
    assert code(command(everything, "apply", path, "--if-match", seen, check=False)) == (1, "precondition_failed")
    present = command(everything, "show").json
    assert "add" not in present["file"]
    stale = command(everything, "roll-back", str(present["version"]), "--if-match", seen, check=False)
    assert code(stale) == (1, "precondition_failed")
    # With and without the quotation marks of the header.
    done = command(everything, "apply", path, "--if-match", present["etag"].strip('"')).json
    assert done["version"] == present["version"] + 1
    command(everything, "roll-back", str(present["version"]), "--if-match", command(everything, "show").json["etag"])


def test_a_check_shows_what_would_change_where_it_can_be_seen(world, everything, draft):
    everything.policy(POLICY.format(tools="echo"))
    checked = command(everything, "check", draft(POLICY.format(tools="echo, add"))).json
    assert checked["ok"] is True
    assert "+       - { server: everything, tools: [echo, add] }" in checked["diff"].splitlines()
    assert checked["compared_with"] == everything.status()["policy_version"]
    stranger = world.desk("stranger", keyring=False)
    checked = command(stranger, "check", draft(OPEN)).json
    assert (checked["ok"], checked["diff"], checked["compared_with"]) == (True, None, None)


def test_a_reason_that_steers_a_terminal_is_refused(everything, draft):
    path = draft(POLICY.format(tools="echo"))
    before = command(everything, "show").json["version"]
    assert code(command(everything, "apply", path, "--why", "a\x1b[2Jb", check=False)) == (1, "invalid_reason")
    assert command(everything, "show").json["version"] == before


# MARK: Trying


def now():
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@pytest.fixture(scope="module")
def used(everything, bearer):
    """When calls began that a policy which opens two tools has decided, and that are with the coordinator."""
    everything.policy(POLICY.format(tools="echo, add"))
    url = everything.url("everything")
    since = now()
    for _ in range(3):
        assert "result" in http.call(url, bearer, "echo", {"text": "a"})
    assert "result" in http.call(url, bearer, "add", {"a": 1, "b": 2})
    for _ in range(2):
        assert "error" in http.call(url, bearer, "fail", {"why": "a"})
    everything.countersigned()
    return since


def changes(answer):
    return {(each["tool"], each["was"], each["would"]): each["count"] for each in answer["changes"]}


def test_the_policy_in_force_would_change_nothing(everything, used, draft):
    report = command(everything, "simulate", draft(POLICY.format(tools="echo, add")), "--since", used).json
    assert (report["calls"], report["would_allow"], report["would_deny"], report["unknown"]) == (6, 4, 2, 0)
    assert report["changes"] == []


def test_a_draft_says_whom_it_would_stop_and_let(everything, used, draft):
    path = draft(POLICY.format(tools="add, fail"))
    version = everything.status()["policy_version"]
    report = command(everything, "simulate", path, "--since", used).json
    assert set(report) >= {"calls", "would_deny", "would_allow", "unknown", "changes"}
    assert (report["calls"], report["would_allow"], report["would_deny"], report["unknown"]) == (6, 3, 3, 0)
    assert changes(report) == {("echo", "allow", "deny"): 3, ("fail", "deny", "allow"): 2}
    for each in report["changes"]:
        assert (each["user"], each["server"]) == ("owner@example.com", "everything")
    # Nothing was applied.
    assert everything.status()["policy_version"] == version
    words = command(everything, "simulate", path, "--since", used, json=False).out.splitlines()
    assert words[0] == "6 calls: 3 would be allowed, 3 denied, 0 cannot be told."
    assert ["CALLS", "USER", "SERVER", "TOOL", "WAS", "WOULD"] in [line.split() for line in words]

    assert command(everything, "simulate", path, "--since", used, "--server", "nothing").json["calls"] == 0
    assert command(everything, "simulate", path, "--since", used, "--until", used).json["calls"] == 0
    assert command(everything, "simulate", path, "--since", used, "--user", "owner@example.com").json["calls"] == 6
    nobody = command(everything, "simulate", path, "--since", used, "--user", "nobody@example.com", check=False)
    assert code(nobody) == (1, "unknown_user")


def test_a_draft_is_checked_before_it_is_tried(everything, used, draft):
    refused = command(everything, "simulate", draft("version: 1\nfrob: 1\n"), "--since", used, check=False)
    assert (refused.status, refused.json["ok"]) == (1, False)
    assert refused.json["problems"][0]["where"] == "frob"
    answer = everything.doorward(
        "admin", "api", "POST", "/v1/policy/simulations", '{"file": "version: 2\\n"}', check=False
    )
    assert answer.json["status"] == 422


def test_what_records_do_not_tell_is_unknown_and_never_allowed(everything, bearer, draft):
    everything.policy(OPEN)
    since = now()
    url = everything.url("everything")
    assert "result" in http.rpc(url, bearer, "resources/read", {"uri": "note://shopping"}).messages[-1]
    everything.countersigned()
    narrow = OPEN.replace("server: everything", 'server: everything, resources: ["note://shopping"]')
    report = command(everything, "simulate", draft(narrow), "--since", since).json
    assert (report["calls"], report["would_allow"], report["unknown"], report["changes"]) == (1, 0, 1, [])
    assert [each["why"] for each in report["unknowns"]] == ["resource"]
    wide = OPEN.replace("server: everything", 'server: everything, resources: ["*"]')
    assert command(everything, "simulate", draft(wide), "--since", since).json["would_allow"] == 1
    closed = OPEN.replace("server: everything", "server: everything, tools: [echo]")
    assert command(everything, "simulate", draft(closed), "--since", since).json["would_deny"] == 1


def test_a_long_answer_says_how_far_it_is(world, everything, used):
    token = world.secret(everything.doorward("admin", "tokens", "add", "trial", "--scope", "audit").json["token"])
    body = {"file": OPEN, "since": used}
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/jsonl"}
    reply = world.coordinator.request("POST", "/v1/policy/simulations", headers=headers, body=body)
    assert reply.status == 200
    lines = [json.loads(line) for line in reply.body.splitlines()]
    assert all(set(line) == {"judged"} for line in lines[:-1])
    assert lines[-1]["calls"] >= 6


# MARK: Suggesting


def test_a_suggestion_is_the_least_that_denies_nothing_that_passed(everything, used, draft):
    suggested = command(everything, "suggest", "--since", used).json
    assert suggested["people"] == 1
    path = draft(suggested["file"], "suggested.yaml")
    assert command(everything, "check", path).json["ok"] is True
    assert "tests:" in suggested["file"]
    report = command(everything, "simulate", path, "--since", used).json
    assert [each for each in report["changes"] if each["was"] == "allow"] == []
    assert "fail" not in suggested["file"].split("tests:")[0]
    assert "*" not in suggested["file"].split("tests:")[0].replace('resources: ["*"]', "")


def test_a_suggestion_for_one_server_or_person_says_so(everything, used):
    assert command(everything, "suggest", "--since", used, "--server", "nothing").json["people"] == 0
    one = command(everything, "suggest", "--since", used, "--user", "owner@example.com").json
    assert any("owner@example.com" in note for note in one["notes"])
    printed = command(everything, "suggest", "--since", used, json=False).out
    assert printed.splitlines()[-1].startswith("  - { user: ")


def test_what_a_policy_that_observes_let_pass_is_suggested(everything, bearer, draft):
    everything.policy("version: 1\nmode: observe\n")
    since = now()
    url = everything.url("everything")
    assert "result" in http.call(url, bearer, "echo", {"text": "a"})
    http.rpc(url, bearer, "tools/list")
    everything.countersigned()
    suggested = command(everything, "suggest", "--since", since).json
    path = draft(suggested["file"], "enforced.yaml")
    report = command(everything, "simulate", path, "--since", since).json
    assert (report["would_deny"], report["unknown"]) == (0, 0)
    # The day after: it is enforced, and the work goes on.
    version = command(everything, "apply", path, "--why", "what was observed").json["version"]
    wait_for("it to arrive", lambda: everything.status()["policy_version"] == version)
    assert "result" in http.call(url, bearer, "echo", {"text": "a"})
    assert "error" in http.call(url, bearer, "add", {"a": 1, "b": 1})
    # Tried under the policy of the first day, the same calls would have passed.
    strict = draft("version: 1\n", "strict.yaml")
    assert changes(command(everything, "simulate", strict, "--since", since).json)[("echo", "allow", "deny")] >= 1


# MARK: Explaining


def test_any_call_of_anybody_is_explained(everything, draft):
    everything.policy(POLICY.format(tools="echo") + """\
  - { group: engineering, role: dev, clients: [claude-code] }
forbid:
  - { server: everything, tools: ["delete_*"], because: "deletions go through review" }
""")
    def explain(user, tool, *more):
        return command(everything, "explain", "--user", user, "everything", tool, *more).json

    mine = explain("owner@example.com", "echo")
    assert (mine["decision"], mine["rules"]) == ("allow", ["roles/dev/grant/0", "bind/0"])
    assert mine["policy_version"] == everything.status()["policy_version"]
    assert (mine["nearest"], mine["roles"]) == (None, [{"role": "dev", "rule": "bind/0"}])
    missed = explain("owner@example.com", "add")
    assert (missed["decision"], missed["because"]) == ("deny", "no_grant")
    assert missed["nearest"]["rule"] == "roles/dev/grant/0"
    assert [each["what"] for each in missed["nearest"]["lacks"]] == ["item"]
    # Somebody who has not come yet.
    stranger = explain("new@example.com", "echo")
    assert [each["what"] for each in stranger["nearest"]["lacks"]] == ["role"]
    grouped = explain("new@example.com", "echo", "--group", "engineering")
    assert [each["what"] for each in grouped["nearest"]["lacks"]] == ["client"]
    through = explain("new@example.com", "echo", "--group", "engineering", "--client", "claude-code")
    assert through["decision"] == "allow"
    forbidden = explain("owner@example.com", "delete_thing")
    assert (forbidden["because"], forbidden["rules"], forbidden["nearest"]) == ("forbidden", ["forbid/0"], None)
    assert forbidden["words"] == "deletions go through review"

    path = draft(POLICY.format(tools="add"))
    under = explain("owner@example.com", "add", "--file", path)
    assert (under["decision"], under["policy_version"]) == ("allow", None)
    words = command(
        everything, "explain", "--user", "owner@example.com", "everything", "add", json=False
    ).out.splitlines()
    assert words[0] == "Denied: no_grant"
    assert any(line.startswith("Nearest grant: roles/dev/grant/0, but it is for tools echo") for line in words)


# MARK: Who may


@pytest.mark.parametrize("what", [
    ("history",), ("show",), ("diff", "0", "1"), ("roll-back", "1"), ("simulate", "FILE", "--since", "-1h"),
    ("suggest", "--since", "-1h"), ("explain", "--user", "owner@example.com", "everything", "echo"),
])
def test_a_member_sees_nothing_of_the_desk(world, everything, draft, member, what):
    path = draft(OPEN)
    answer = command(member, *(path if each == "FILE" else each for each in what), check=False)
    assert code(answer) == (1, "role_needed")


def test_an_auditor_tries_and_an_editor_applies(everything, used, auditor, draft):
    path = draft(POLICY.format(tools="echo, add"))
    assert command(auditor, "simulate", path, "--since", used).json["calls"] >= 6
    assert command(auditor, "suggest", "--since", used).json["file"]
    assert command(auditor, "history").json["versions"]
    assert command(auditor, "explain", "--user", "owner@example.com", "everything", "echo").json["decision"]
    assert code(command(auditor, "apply", path, check=False)) == (1, "role_needed")
    assert code(command(auditor, "roll-back", "1", check=False)) == (1, "role_needed")


def test_a_token_of_the_policy_sees_no_records(world, everything, used):
    token = world.secret(everything.doorward("admin", "tokens", "add", "git", "--scope", "policy").json["token"])
    headers = {"Authorization": f"Bearer {token}"}
    for path in ("/v1/policy/simulations", "/v1/policy/suggestions"):
        reply = world.coordinator.request("POST", path, headers=headers, body={"file": OPEN})
        assert (reply.status, reply.json["type"].rsplit("/", 1)[1]) == (403, "scope_needed")
    assert world.coordinator.get("/v1/policy/versions", headers=headers).status == 200


def test_a_huge_draft_is_refused_and_costs_nobody_an_answer(world, everything, used):
    token = world.secret(everything.doorward("admin", "tokens", "add", "huge", "--scope", "audit").json["token"])
    headers = {"Authorization": f"Bearer {token}"}
    rules = "".join(f"      - {{ server: s{number}, tools: [a*, b*, c*] }}\n" for number in range(40_000))
    large = f"version: 1\nroles:\n  all:\n    grant:\n{rules}bind: [{{ everyone: true, role: all }}]\n"
    reply = world.coordinator.request("POST", "/v1/policy/simulations", headers=headers, body={"file": large})
    assert (reply.status, reply.json["type"].rsplit("/", 1)[1]) == (422, "policy_refused")
    reply = world.coordinator.request("POST", "/v1/policy/simulations", headers=headers, body={"file": "#" * (4 << 20)})
    assert reply.status == 413
    for body in ({}, {"file": 1}, {"file": OPEN, "since": "yesterday"}, {"file": OPEN, "frob": 1}):
        assert world.coordinator.request("POST", "/v1/policy/simulations", headers=headers, body=body).status == 422
    assert world.coordinator.get("/readyz").status == 200
