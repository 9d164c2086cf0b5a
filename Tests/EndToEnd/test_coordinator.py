"""The coordinator from outside: making one, serving it, inviting, tokens, the registry, problems."""

import json
import stat
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from parts import http
from parts.processes import Failed, wait_for
from parts.world import World, programs


@pytest.fixture
def fresh(tmp_path):
    """A world without a coordinator."""
    world = World(programs())
    yield world
    world.close()
    world.remove()


def problem(reply: http.Reply) -> dict:
    assert reply.headers["content-type"].startswith("application/problem+json"), reply
    assert {"type", "title", "status"} <= set(reply.json)
    assert reply.json["status"] == reply.status
    return reply.json


def test_init_makes_a_private_folder_and_refuses_one_that_is_taken(fresh):
    facts = fresh.coordinator.init("ann@example.com")
    assert set(facts) >= {"url", "ca_file", "owner", "token", "key"}
    assert facts["owner"] == "ann@example.com"
    assert facts["key"].startswith("SHA256:")
    assert stat.S_IMODE(fresh.coordinator.data.stat().st_mode) == 0o700
    assert facts["ca_file"].startswith("/")
    again = fresh.coordinator.run(
        "init", "--data", str(fresh.coordinator.data), "--url", facts["url"], "--json", check=False
    )
    assert again.status == 1
    assert again.json["error"]["code"]


def test_plain_http_needs_its_name_and_loopback(fresh):
    fresh.coordinator.init()
    data = str(fresh.coordinator.data)
    outside = fresh.coordinator.run("serve", "--data", data, "--listen", "0.0.0.0:0", "--insecure-http", check=False)
    assert outside.status in (1, 2)
    port = fresh.coordinator.url.rsplit(":", 1)[1]
    fresh.coordinator.url = f"http://127.0.0.1:{port}"
    fresh.coordinator.start("--listen", f"127.0.0.1:{port}", "--insecure-http")
    assert http.get(f"{fresh.coordinator.url}/healthz").status == 200


def test_it_speaks_tls_and_only_that(world):
    assert world.coordinator.get("/healthz").status == 200
    assert world.coordinator.get("/readyz").status == 200
    with pytest.raises(OSError):
        http.get(world.coordinator.url + "/healthz", seconds=5)  # The system does not trust a local CA.
    plain = world.coordinator.url.replace("https", "http")
    try:
        assert http.get(plain + "/healthz", seconds=5).status >= 400
    except (OSError, http.http.client.HTTPException):
        pass


@pytest.mark.parametrize("path", [
    "/v1/policy", "/v1/servers", "/v1/agents", "/v1/tokens", "/v1/invitations", "/v1/reports", "/v1/agent/bundle",
    "/v1/agent-log", "/metrics", "/v1/nothing",
])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_nobody_gets_in_without_a_signature_or_a_token(world, path, method):
    reply = world.coordinator.request(method, path, body=b"{}" if method in ("POST", "PUT") else None)
    assert reply.status in (401, 404, 405)
    if reply.status == 401:
        problem(reply)


def test_an_invitation_is_good_once_even_for_two_at_a_time(world, desk):
    token = world.secret(desk.doorward("admin", "invite", "twins@example.com").json["token"])
    twins = [world.desk("twin-a"), world.desk("twin-b")]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(
            lambda each: each.doorward(
                "login", world.coordinator.url, "--token-file", "-", input=token, check=False
            ), twins,
        ))
    assert sorted(each.status for each in answers) == [0, 1]
    loser = next(each for each in answers if each.status)
    assert loser.json["error"]["code"] == "token_spent"
    assert loser.json["error"]["next"]


def test_an_expired_invitation_is_refused(world, desk):
    invitation = desk.doorward("admin", "invite", "late@example.com", "--expires", "1s").json
    made = time.monotonic()
    world.secret(invitation["token"])
    late = world.desk("late")
    wait_for("the invitation to expire", lambda: time.monotonic() > made + 1.2)
    answer = late.doorward("login", world.coordinator.url, "--token-file", "-", input=invitation["token"], check=False)
    assert (answer.status, answer.json["error"]["code"]) == (1, "token_spent")


def test_a_token_of_another_coordinator_is_refused_before_it_is_sent(world, fresh):
    """The token carries the fingerprint of the key and the certificate that it is for."""
    other = fresh.coordinator.init()
    fresh.coordinator.start()
    desk = world.desk("lost")
    answer = desk.doorward("login", world.coordinator.url, "--token-file", "-", input=other["token"], check=False)
    assert answer.status == 1
    # It is still good where it belongs.
    assert fresh.desk("found").login(other["token"])["agent_id"]


def test_members_are_no_admins(world, desk):
    token = world.secret(desk.doorward("admin", "invite", "member@example.com").json["token"])
    member = world.desk("member")
    member.login(token)
    for command in (
        ("admin", "users"), ("admin", "invite", "x@example.com"), ("admin", "servers", "remove", "everything"),
        ("admin", "tokens", "add", "mine", "--scope", "admin"), ("admin", "policy", "show"),
    ):
        answer = member.doorward(*command, check=False)
        assert answer.status == 1, command
        assert answer.json["error"]["next"]
    path = member.folder / "policy.yaml"
    path.write_text("version: 1\n")
    assert member.doorward("admin", "policy", "apply", str(path), check=False).status == 1


@pytest.mark.parametrize(("arguments", "where"), [
    (("Bad_Alias", "--url", "https://example.com/mcp"), "alias"),
    (("a" * 33, "--url", "https://example.com/mcp"), "alias"),
    (("plain", "--url", "http://example.com/mcp"), "url"),
    (("plain", "--url", "http://example.com/mcp", "--allow-loopback"), "url"),
    (("loop", "--url", "http://127.0.0.1:1/mcp"), "url"),
    (("scheme", "--url", "file:///etc/passwd"), "url"),
    (("user", "--url", "https://user:password@example.com/mcp"), "url"),
])
def test_a_bad_entry_is_refused_with_the_field(desk, arguments, where):
    answer = desk.doorward("admin", "servers", "add", *arguments, check=False)
    assert answer.status in (1, 2)
    assert where in json.dumps(answer.json["error"])
    assert arguments[0] not in desk.servers()


def test_an_entry_over_the_api_is_checked_at_every_depth(world, desk):
    token = world.secret(desk.doorward("admin", "tokens", "add", "registry", "--scope", "admin").json["token"])
    auth = {"Authorization": f"Bearer {token}"}
    entry = {
        "$schema": "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json",
        "name": "com.example/tools", "description": "Tools.", "version": "1.2.3",
        "remotes": [{"type": "streamable-http", "url": "https://mcp.example.com/mcp"}],
        "_meta": {"dev.doorward/entry": {"alias": "tools", "auth": {"type": "none"}, "timeout_s": 20}},
    }
    assert world.coordinator.request("POST", "/v1/servers", headers=auth, body=entry).status in (200, 201)
    assert "tools" in world.coordinator.get("/v1/servers", headers=auth).body.decode()
    for depth, change in (
        ("isolation", lambda e: e["_meta"]["dev.doorward/entry"].update(isolation="per-planet")),
        ("colour", lambda e: e["_meta"]["dev.doorward/entry"].update(colour="green")),
        ("secret", lambda e: e["_meta"]["dev.doorward/entry"]["auth"].update(secret="x")),
        ("timeout_s", lambda e: e["_meta"]["dev.doorward/entry"].update(timeout_s="20")),
        ("name", lambda e: e.pop("name")),
    ):
        bad = json.loads(json.dumps(entry))
        bad["_meta"]["dev.doorward/entry"]["alias"] = "other"
        change(bad)
        refused = world.coordinator.request("POST", "/v1/servers", headers=auth, body=bad)
        assert 400 <= refused.status < 500
        assert depth in json.dumps(problem(refused))


def test_entries_come_and_go_within_two_seconds(world, desk):
    desk.doorward("admin", "servers", "add", "brief", "--url", "https://brief.example.com/mcp")
    wait_for("the entry to arrive", lambda: "brief" in desk.servers(), 2)
    assert "brief" in json.dumps(desk.doorward("admin", "servers", "list").json)
    assert desk.doorward("admin", "servers", "add", "brief", "--url", "https://x.example.com/mcp", check=False).status == 1
    desk.doorward("admin", "servers", "remove", "brief")
    wait_for("the entry to go", lambda: "brief" not in desk.servers(), 2)


@pytest.mark.parametrize(("scope", "allowed", "denied"), [
    ("read", [("GET", "/v1/policy"), ("GET", "/v1/servers")], [("PUT", "/v1/policy"), ("POST", "/v1/servers")]),
    ("policy", [("GET", "/v1/policy")], [("POST", "/v1/servers"), ("POST", "/v1/reports"), ("GET", "/metrics")]),
    ("metrics", [("GET", "/metrics")], [("GET", "/v1/policy"), ("POST", "/v1/reports")]),
])
def test_a_token_opens_its_scope_and_no_more(world, desk, scope, allowed, denied):
    name = f"scope-{scope}"
    made = desk.doorward("admin", "tokens", "add", name, "--scope", scope).json
    auth = {"Authorization": f"Bearer {world.secret(made['token'])}"}
    for method, path in allowed:
        assert world.coordinator.request(method, path, headers=auth).status == 200, path
    for method, path in denied:
        reply = world.coordinator.request(method, path, headers=auth | {"If-Match": '"x"'}, body=b"{}")
        assert reply.status == 403, (path, reply)
        problem(reply)
    listed = desk.doorward("admin", "tokens", "list").json
    assert name in json.dumps(listed)
    assert made["token"] not in json.dumps(listed)
    desk.doorward("admin", "tokens", "remove", name)
    assert world.coordinator.request(*allowed[0], headers=auth).status == 401


def test_a_token_that_has_expired_is_no_token(world, desk):
    made = desk.doorward("admin", "tokens", "add", "brief", "--scope", "read", "--expires", "1s").json
    auth = {"Authorization": f"Bearer {world.secret(made['token'])}"}
    wait_for("the token to expire", lambda: world.coordinator.get("/v1/policy", headers=auth).status == 401, 5)


def test_one_signed_request_of_this_machine(desk):
    facts = desk.doorward("admin", "api", "GET", "/v1/servers").json
    assert set(facts) >= {"status", "headers", "body"}
    assert facts["status"] == 200
    assert desk.doorward("admin", "api", "GET", "/v1/nothing", check=False).status == 1


def test_people_and_machines_are_listed(world, desk):
    agents = desk.doorward("admin", "agents").json["agents"]
    mine = next(each for each in agents if each["agent_id"] == desk.status()["agent_id"])
    assert set(mine) >= {"agent_id", "user", "version", "custody", "last_seen", "policy_version"}
    assert desk.doorward("admin", "users").json["users"]
    assert isinstance(desk.doorward("admin", "roles").json["roles"], list)


def test_a_lost_machine_is_shut_out(world, desk):
    token = world.secret(desk.doorward("admin", "invite", "lost@example.com", "--role", "auditor").json["token"])
    lost = world.desk("lost-machine")
    agent = lost.login(token)["agent_id"]
    assert lost.doorward("admin", "users").status == 0
    assert lost.doorward("admin", "agents", "revoke", agent, check=False).status == 1
    shown = desk.doorward("admin", "agents", "revoke", agent).json
    assert (shown["agent_id"], shown["revoked"]) == (agent, "revoked")
    assert "revoked_key" in json.dumps(lost.doorward("admin", "users", check=False).json)
    listed = desk.doorward("admin", "agents", "list").json["agents"]
    assert next(each for each in listed if each["agent_id"] == agent)["revoked"] == "revoked"
    unknown = desk.doorward("admin", "agents", "revoke", "a-nobody", check=False)
    assert (unknown.status, unknown.json["error"]["code"]) == (1, "unknown_agent")


def test_its_logs_are_json_lines(world):
    lines = [line for line in world.coordinator.process.words().splitlines() if line.strip()]
    assert lines
    for line in lines:
        assert {"time", "level", "message"} <= set(json.loads(line)), line


def test_the_agent_logs_json_lines_too(desk):
    for line in desk.agent.words().splitlines():
        assert {"time", "level", "message"} <= set(json.loads(line)), line


def test_a_command_that_fails_says_what_to_type_next(desk):
    answer = desk.doorward("admin", "policy", "apply", "/no/such/file", check=False)
    assert answer.status == 1
    assert set(answer.json["error"]) >= {"code", "message", "next"}
    assert desk.doorward("no-such-command", check=False, json=False).status == 2
    plain = desk.doorward("connect", "no-such-server", check=False, json=False)
    assert plain.status in (1, 3)
    assert plain.error.strip()
    with pytest.raises(Failed):
        desk.doorward("connect", "no-such-server")
