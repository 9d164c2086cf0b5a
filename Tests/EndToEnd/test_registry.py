"""The registry from outside: what others have published, upstream registries, versions, and what clients read."""

import json

import pytest
from parts import http
from parts.processes import wait_for
from parts.world import World, programs

POLICY = """\
version: 1
roles:
  everybody: { grant: [{ server: "*" }] }
  members: { grant: [{ server: shared }] }
bind:
  - { user: owner@example.com, role: everybody }
  - { everyone: true, role: members }
"""

OFFICIAL = "io.modelcontextprotocol.registry/official"


@pytest.fixture(scope="module")
def server(world):
    return world.server("published", "mcp_server")


@pytest.fixture(scope="module")
def office(desk):
    desk.policy(POLICY)
    return desk


@pytest.fixture(scope="module")
def elsewhere():
    """Another organisation's coordinator: a real registry that speaks the official API."""
    world = World(programs())
    try:
        world.coordinator.init()
        world.coordinator.start()
        yield world
    finally:
        world.close()
        world.remove()


@pytest.fixture(scope="module")
def publisher(elsewhere):
    """Who administers it, without an agent."""
    desk = elsewhere.desk("publisher")
    desk.login(elsewhere.coordinator.facts["token"])
    return desk


def document(name: str, url: str, version: str = "1.0.0", **settings) -> dict:
    found = {
        "$schema": "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json",
        "name": name, "title": "Published", "description": "A server that somebody has published.", "version": version,
        "remotes": [{"type": "streamable-http", "url": url}],
        "_meta": {"io.modelcontextprotocol.registry/publisher-provided": {"build": 7}, "com.example/notes": ["kept"]},
    }
    if settings:
        found["_meta"]["dev.doorward/entry"] = settings
    return found


def written(folder, name: str, content) -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(path)


def works(desk, alias: str) -> bool:
    return desk.doorward("call", alias, "add", '{"a": 2, "b": 3}', check=False).status == 0


def proposal(desk, name: str, source: str | None = None) -> dict | None:
    found = desk.doorward("admin", "servers", "proposals").json["proposals"]
    return next((each for each in found if each["name"] == name and source in (None, each["source"])), None)


def test_a_file_that_is_a_whole_entry_is_registered(office, server, tmp_path):
    path = written(tmp_path, "server.json", document(
        "com.example/whole", server.url, alias="whole", allow_loopback=True, categories=["maths"],
    ))
    assert office.doorward("admin", "servers", "import", path).json["registered"] == ["whole"]
    wait_for("the server to arrive", lambda: "whole" in office.servers(), 5)
    assert works(office, "whole")
    listed = office.doorward("admin", "servers", "list", "--category", "maths").json["servers"]
    assert [each["name"] for each in listed] == ["com.example/whole"]
    # What others keep in it is kept.
    assert listed[0]["_meta"]["com.example/notes"] == ["kept"]
    assert office.doorward("admin", "servers", "list", "--search", "nothing of that").json["servers"] == []


def test_what_is_no_entry_yet_waits_for_a_signature(office, server, tmp_path):
    path = written(tmp_path, "server.json", document("com.example/shared", server.url))
    found = office.doorward("admin", "servers", "import", path).json
    assert found["registered"] == [] and found["proposals"][0]["state"] == "waiting"
    assert "shared" not in office.servers()
    identity = found["proposals"][0]["id"]
    # Nothing agents would call: the address needs what an administrator has to say.
    shown = office.doorward("admin", "servers", "proposals", identity).json
    assert "allow_loopback" in shown["problem"]
    refused = office.doorward("admin", "servers", "approve", identity, check=False)
    assert (refused.status, refused.json["error"]["code"]) == (1, "invalid_entry")
    dry = office.doorward("admin", "servers", "approve", identity, "--allow-loopback", "--dry-run").json
    assert server.url in dry["diff"] and "shared" not in office.servers()
    office.doorward("admin", "servers", "approve", identity, "--allow-loopback")
    wait_for("the server to arrive", lambda: "shared" in office.servers(), 5)
    assert works(office, "shared")
    assert office.doorward("admin", "servers", "import", path).json["unchanged"] == ["com.example/shared"]


def test_a_later_version_shows_what_it_changes_and_an_earlier_one_comes_back(office, server, tmp_path):
    path = written(tmp_path, "server.json", document("com.example/shared", server.url + "?v=2", "2.0.0"))
    identity = office.doorward("admin", "servers", "import", path).json["proposals"][0]["id"]
    shown = office.doorward("admin", "servers", "proposals", identity).json
    assert shown["updates"] == "shared"
    assert f'+       "url": "{server.url}?v=2"' in shown["diff"] and f'-       "url": "{server.url}"' in shown["diff"]
    office.doorward("admin", "servers", "approve", identity)
    versions = office.doorward("admin", "servers", "versions", "shared").json["versions"]
    assert [(each["version"], each["in_use"]) for each in versions] == [("2.0.0", True), ("1.0.0", False)]
    assert server.url in office.doorward("admin", "servers", "versions", "shared", "1.0.0").json["diff"]
    office.doorward("admin", "servers", "use", "shared", "1.0.0")
    versions = office.doorward("admin", "servers", "versions", "shared").json["versions"]
    assert [each["version"] for each in versions if each["in_use"]] == ["1.0.0"]
    assert works(office, "shared")
    folder, _ = office.report()
    assert office.doorward("verify", str(folder)).json["ok"]


def test_a_folder_is_taken_in_as_a_whole_or_not_at_all(office, server, tmp_path):
    written(tmp_path, "one/server.json", document("com.example/one", server.url))
    written(tmp_path, "two/server.json", document("com.example/two", server.url) | {"remotes": [{"type": "stdio"}]})
    written(tmp_path, "three/server.json", document("com.example/three", server.url, alias="three", colour=1))
    written(tmp_path, ".git/config.json", "no JSON, and nobody looks")
    written(tmp_path, "readme.md", "no JSON either")
    bad = written(tmp_path, "broken.json", '{"name": 1, "name": 2}')
    refused = office.doorward("admin", "servers", "import", str(tmp_path), check=False)
    assert (refused.status, refused.json["error"]["code"]) == (1, "import_refused")
    assert [each["where"] for each in refused.json["problems"]] == ["broken.json"]
    (tmp_path / "broken.json").unlink()
    assert bad
    refused = office.doorward("admin", "servers", "import", str(tmp_path), check=False)
    assert sorted(each["where"] for each in refused.json["problems"]) == [
        "three/server.json: _meta/dev.doorward/entry/colour", "two/server.json: remotes/0/type",
    ]
    assert proposal(office, "com.example/one") is None
    written(tmp_path, "two/server.json", document("com.example/two", server.url))
    written(tmp_path, "three/server.json", document("com.example/three", server.url, alias="three"))
    # Of a folder nothing is registered by itself.
    found = office.doorward("admin", "servers", "import", str(tmp_path)).json
    assert found["registered"] == [] and len(found["proposals"]) == 3
    for each in found["proposals"]:
        office.doorward("admin", "servers", "reject", each["id"])
    assert office.doorward("admin", "servers", "proposals").json["proposals"] == []


def test_an_upstream_registry_is_asked_and_its_outage_takes_nothing_away(
    office, world, server, elsewhere, publisher
):
    publisher.doorward("admin", "servers", "add", "far", "--url", server.url, "--allow-loopback")
    token = elsewhere.secret(publisher.doorward("admin", "tokens", "add", "mirror", "--scope", "read").json["token"])
    there = elsewhere.coordinator
    office.doorward(
        "admin", "servers", "upstreams", "add", "partner", there.url, "--allow-loopback", "--ca", there.ca,
        "--every", "1min",
    )

    def partner():
        return office.doorward("admin", "servers", "upstreams").json["upstreams"][0]

    # It wants a token, says so, and gets it from the coordinator's own folder.
    wait_for("the registry to be asked", lambda: partner()["state"] == "failing")
    assert "401" in partner()["error"] and "upstreams/127.0.0.1:" in partner()["error"]
    folder = world.coordinator.data / "upstreams"
    folder.mkdir(mode=0o700)
    path = folder / f"{there.url.removeprefix('https://')}.token"
    path.touch(0o600)
    path.write_text(token + "\n")
    office.doorward("admin", "servers", "upstreams", "pull", "partner")
    wait_for("the registry to answer", lambda: partner()["state"] == "good")
    found = wait_for("the proposal", lambda: proposal(office, "local.doorward/far", "partner"))
    # Where the server is, not where the other organisation's agents are.
    assert found["offers"][0]["what"] == server.url
    assert "far" not in office.servers()
    office.doorward("admin", "servers", "approve", found["id"])
    wait_for("the server to arrive", lambda: "far" in office.servers(), 5)
    assert works(office, "far")

    there.process.stop()
    office.doorward("admin", "servers", "upstreams", "pull", "partner")
    wait_for("the outage to show", lambda: partner()["state"] == "failing")
    assert works(office, "far")
    assert world.coordinator.get("/readyz").status == 200
    admin = office.doorward("admin", "tokens", "add", "metrics", "--scope", "metrics").json["token"]
    bearer = {"Authorization": f"Bearer {world.secret(admin)}"}
    metrics = world.coordinator.get("/metrics", headers=bearer).body.decode()
    rounds = [line for line in metrics.splitlines() if line.startswith("doorward_registry_rounds_total{")]
    assert all('upstream="partner"' in line for line in rounds)
    assert ['outcome="failed"' in line for line in sorted(rounds)] == [True, False]
    office.doorward("admin", "servers", "upstreams", "remove", "partner")
    assert office.doorward("admin", "servers", "upstreams").json["upstreams"] == []
    assert works(office, "far")
    assert token not in world.logs()


def test_clients_read_what_their_user_may_use_at_the_users_own_agent(office, world):
    assert world.coordinator.get("/v0.1/servers").status == 401
    member = world.desk("reader")
    member.login(office.doorward("admin", "invite", "reader@example.com").json["token"])
    reply = member.doorward("admin", "api", "GET", "/v0.1/servers?version=latest").json
    assert reply["status"] == 200
    listed = reply["body"]["servers"]
    assert [each["server"]["name"] for each in listed] == ["com.example/shared"]
    assert listed[0]["server"]["remotes"][0]["url"] == "http://127.0.0.1:7717/servers/shared/mcp"
    assert set(listed[0]["_meta"]) == {OFFICIAL}
    path = "/v0.1/servers/com.example%2Fwhole/versions/latest"
    assert member.doorward("admin", "api", "GET", path, check=False).json["status"] == 404

    office.doorward("admin", "servers", "settings", "--public", "--agent-url", "http://localhost:9999")
    open_to_all = world.coordinator.get("/v0.1/servers?limit=50&version=latest")
    assert open_to_all.status == 200 and open_to_all.headers["access-control-allow-origin"] == "*"
    assert [each["server"]["name"] for each in open_to_all.json["servers"]] == ["com.example/shared"]
    assert open_to_all.json["servers"][0]["server"]["remotes"][0]["url"] == "http://localhost:9999/servers/shared/mcp"
    asked = world.coordinator.request("OPTIONS", "/v0.1/servers", headers={"Origin": "vscode-file://vscode-app"})
    assert asked.status == 204 and asked.headers["access-control-allow-methods"] == "GET, OPTIONS"
    office.doorward("admin", "servers", "settings", "--no-public")
    assert world.coordinator.get("/v0.1/servers").status == 401


def test_what_is_about_to_go_is_said_to_its_users(office):
    office.doorward("admin", "servers", "deprecate", "whole", "--message", "Use shared instead.")
    wait_for("the notice to arrive", lambda: office.servers()["whole"].get("deprecated") == "Use shared instead.")
    assert works(office, "whole")
    listed = office.doorward("admin", "servers", "list", "--search", "com.example/whole").json["servers"]
    assert listed[0]["_meta"][OFFICIAL]["status"] == "deprecated"
    office.doorward("admin", "servers", "deprecate", "whole", "--undo")
    wait_for("the notice to go", lambda: office.servers()["whole"].get("deprecated") is None)


def test_no_registry_is_a_way_into_the_coordinators_network(office):
    for url in ("https://169.254.169.254", "https://10.0.0.1", "http://127.0.0.1:1", "https://localhost:1"):
        refused = office.doorward("admin", "servers", "import", url, check=False)
        assert refused.status == 1, url
        assert refused.json["error"]["code"] in ("upstream_failed", "invalid_request"), url
