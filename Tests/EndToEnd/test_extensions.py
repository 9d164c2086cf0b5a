"""Extensions between modern ends: tasks, apps and what nobody here knows pass as they are, and ids stay with their owner."""

import json

import pytest
from parts import http as by_hand
from parts.turncoat import Turncoat, tool

POLICY = """\
version: 1
roles:
  everybody:
    grant:
      - { server: apps }
bind:
  - { everyone: true, role: everybody }
"""
UI = "io.modelcontextprotocol/ui"
TASKS = "io.modelcontextprotocol/tasks"
CAPABILITIES = {"extensions": {
    UI: {"mimeTypes": ["text/html;profile=mcp-app"]}, TASKS: {}, "com.example/own": {"n": 1.50},
}}
META = {"io.modelcontextprotocol/clientCapabilities": CAPABILITIES, "com.example/mine": {"a": [1, 2]}}
TOOL = tool(
    "chart", _meta={"ui": {"resourceUri": "ui://chart/view.html", "visibility": ["model", "app"]}, "com.example/x": 1},
    annotations={"readOnlyHint": True},
)
TASK = {
    "resultType": "task", "taskId": "t-1", "status": "working", "createdAt": "2026-11-30T00:00:00Z",
    "lastUpdatedAt": "2026-11-30T00:00:00Z", "ttlMs": None, "pollIntervalMs": 100,
}


@pytest.fixture(scope="module")
def apps(desk):
    server = Turncoat(TOOL)
    desk.add_server("apps", server.url)
    desk.policy(POLICY)
    return server


@pytest.fixture(scope="module")
def other(desk):
    return desk.client("another")


def ask(desk, bearer, method, params=None, **headers):
    return by_hand.rpc(desk.url("apps"), bearer, method, {"_meta": META, **(params or {})}, headers=headers)


def result(reply):
    assert reply.status == 200, reply
    return reply.messages[-1]["result"]


def test_what_both_sides_declare_passes_as_it_is(apps, desk, bearer):
    said = {"supportedVersions": [by_hand.MODERN], "capabilities": CAPABILITIES | {"tools": {}}, "ttlMs": 0,
            "cacheScope": "private", "_meta": {"com.example/theirs": True}}
    apps.results["server/discover"] = said
    assert result(ask(desk, bearer, "server/discover")) == said | {"resultType": "complete"}
    meta = json.loads(apps.bodies[-1])["params"]["_meta"]
    assert meta["io.modelcontextprotocol/clientCapabilities"] == CAPABILITIES and meta["com.example/mine"] == {"a": [1, 2]}


def test_an_app_is_shown_and_read(apps, desk, bearer):
    assert result(ask(desk, bearer, "tools/list"))["tools"] == [TOOL]
    page = {"uri": "ui://chart/view.html", "mimeType": "text/html;profile=mcp-app", "text": "<p>\u00e9</p>",
            "_meta": {"ui": {"csp": {"connectDomains": ["https://a.example"]}, "permissions": {"camera": {}}}}}
    apps.results["resources/read"] = {"contents": [page], "ttlMs": 0, "cacheScope": "private"}
    read = ask(desk, bearer, "resources/read", {"uri": page["uri"]})
    assert result(read)["contents"] == [page]
    answer = {"content": [], "structuredContent": [1, None], "_meta": {"ui": {"state": {"x": 1}}}}
    apps.results["tools/call"] = answer
    called = ask(desk, bearer, "tools/call", {"name": "chart", "arguments": {}})
    assert result(called) == answer | {"resultType": "complete"}


def test_a_task_belongs_to_the_client_and_the_tool_that_made_it(apps, desk, bearer, other):
    apps.results["tools/call"] = TASK
    assert result(ask(desk, bearer, "tools/call", {"name": "chart", "arguments": {}})) == TASK
    done = TASK | {"resultType": "complete", "status": "completed", "result": {"content": [], "_meta": {"k": 1}}}
    apps.results["tasks/get"] = done
    apps.results["tasks/update"] = apps.results["tasks/cancel"] = {}
    for method in ("tasks/get", "tasks/update", "tasks/cancel"):
        params = {"taskId": "t-1"} | ({"inputResponses": {}} if method == "tasks/update" else {})
        before = len(apps.bodies)
        refused = ask(desk, other, method, params, **{"Mcp-Name": "t-1"}).json["error"]
        assert refused["code"] == -31001 and refused["data"]["reason"] == "unknown_task"
        assert len(apps.bodies) == before
    assert result(ask(desk, bearer, "tasks/get", {"taskId": "t-1"}, **{"Mcp-Name": "t-1"})) == done
    assert result(ask(desk, bearer, "tasks/cancel", {"taskId": "t-1"}, **{"Mcp-Name": "t-1"}))["resultType"] == "complete"
    unknown = ask(desk, bearer, "tasks/get", {"taskId": "t-2"}, **{"Mcp-Name": "t-2"}).json["error"]
    assert unknown["data"]["reason"] == "unknown_task"


def test_nobody_else_hears_of_a_task(apps, desk, bearer, other):
    before = len(apps.bodies)
    refused = ask(desk, other, "subscriptions/listen", {"notifications": {"taskIds": ["t-1"]}}).json["error"]
    assert refused["code"] == -31001 and refused["data"]["reason"] == "unknown_task"
    assert len(apps.bodies) == before


def test_a_task_is_over_with_the_right_to_its_tool(apps, desk, bearer):
    desk.policy(POLICY + 'forbid:\n  - { server: apps, tools: [chart] }\n')
    refused = ask(desk, bearer, "tasks/get", {"taskId": "t-1"}, **{"Mcp-Name": "t-1"}).json["error"]
    assert refused["data"]["reason"] == "forbidden"
    desk.policy(POLICY)


def test_a_kind_of_result_that_nobody_declared_goes_no_further(apps, desk, bearer):
    apps.results["tools/call"] = {"resultType": "com.example/odd", "content": []}
    refused = ask(desk, bearer, "tools/call", {"name": "chart", "arguments": {}}).json["error"]
    assert refused["code"] == -31006
