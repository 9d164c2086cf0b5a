"""The suite's scenarios of the extension io.modelcontextprotocol/tasks, which get no points; for modern servers alone."""

import re
import time
from collections.abc import Callable
from typing import Any

from .raw import Wire, refused, result

EXTENSION = "io.modelcontextprotocol/tasks"
TASKS = {"elicitation": {"form": {}}, "sampling": {}, "extensions": {EXTENSION: {}}}
OVER = ("completed", "failed", "cancelled")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
NO_SUCH_TASK = -31001


def call(wire: Wire, tool: str, /, **arguments: Any) -> dict[str, Any]:
    return result(wire.call(tool, arguments, capabilities=TASKS))


def ask(wire: Wire, method: str, task: str, **more: Any) -> Any:
    params = {"taskId": task, **({"inputResponses": {}} if method == "tasks/update" else {}), **more}
    return wire.modern(method, params, headers={"Mcp-Name": task}, capabilities=TASKS)


def get(wire: Wire, task: str) -> dict[str, Any]:
    return result(ask(wire, "tasks/get", task))


def until(wire: Wire, task: str, *wanted: str) -> dict[str, Any]:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        found = get(wire, task)
        if found["status"] in wanted:
            return found
        time.sleep(0.1)
    raise AssertionError(f"it is never {wanted}")


def made(wire: Wire, tool: str, /, **arguments: Any) -> str:
    created = call(wire, tool, **arguments)
    assert created["resultType"] == "task" and created["taskId"] and created["status"], created
    return created["taskId"]


def lifecycle(wire: Wire) -> None:
    sync = call(wire, "greet", name="World")
    assert sync["resultType"] == "complete" and sync["content"][0]["text"] == "Hello, World!" and "taskId" not in sync
    created = call(wire, "slow_compute", seconds=1, label="lifecycle")
    assert created["resultType"] == "task" and not {"task", "result", "error", "inputRequests"} & created.keys()
    assert TIME.fullmatch(created["createdAt"]) and TIME.fullmatch(created["lastUpdatedAt"])
    working = get(wire, created["taskId"])
    assert working["taskId"] == created["taskId"] and working["status"] == "working", working
    done = until(wire, created["taskId"], *OVER)
    assert done["status"] == "completed" and done["result"]["content"], done
    failed = until(wire, made(wire, "failing_job"), *OVER)
    assert failed["status"] == "completed" and failed["result"]["isError"] is True, failed
    broken = until(wire, made(wire, "protocol_error_job"), *OVER)
    assert broken["status"] == "failed" and isinstance(broken["error"]["code"], int) and broken["error"]["message"]
    assert "result" not in broken
    long = made(wire, "slow_compute", seconds=60)
    ack = result(ask(wire, "tasks/cancel", long))
    assert ack["resultType"] == "complete" and not {"taskId", "status", "result"} & ack.keys(), ack
    assert get(wire, long)["status"] == "cancelled"
    refused(ask(wire, "tasks/cancel", long), 400, -32602)


def capability(wire: Wire) -> None:
    said = result(wire.modern("server/discover", capabilities=TASKS))["capabilities"]
    assert EXTENSION in said["extensions"] and "tasks" not in said, said
    mine = made(wire, "slow_compute", seconds=60)
    for method in ("tasks/get", "tasks/update", "tasks/cancel"):
        params = {"taskId": mine, **({"inputResponses": {}} if method == "tasks/update" else {})}
        refused(wire.modern(method, params, headers={"Mcp-Name": mine}, capabilities={}), 400, -32021)
    plain = result(wire.call("slow_compute", {"seconds": 0}, capabilities={}))
    assert plain["resultType"] == "complete" and plain["content"] and "taskId" not in plain
    assert result(ask(wire, "tasks/cancel", mine))


def wire_fields(wire: Wire) -> None:
    created = call(wire, "slow_compute", seconds=0.2)
    assert not {"ttl", "pollInterval"} & created.keys(), created
    assert created["ttlMs"] is None or isinstance(created["ttlMs"], int) and created["ttlMs"] > 0
    assert isinstance(created.get("pollIntervalMs", 1), int)
    done = until(wire, created["taskId"], *OVER)
    assert "io.modelcontextprotocol/related-task" not in done["result"].get("_meta", {})
    assert get(wire, created["taskId"])["status"] == "completed"


def no_request_state(wire: Wire) -> None:
    created = call(wire, "slow_compute", seconds=60)
    assert "requestState" not in created and "requestState" not in get(wire, created["taskId"])
    ask(wire, "tasks/cancel", created["taskId"])


def asked(wire: Wire) -> None:
    one = made(wire, "confirm_delete", filename="a.txt")
    waiting = until(wire, one, "input_required")
    (key, question), = waiting["inputRequests"].items()
    assert question["method"] == "elicitation/create"
    confirmed = {key: {"action": "accept", "content": {"confirm": True}}}
    ack = result(ask(wire, "tasks/update", one, inputResponses=confirmed))
    assert ack["resultType"] == "complete" and not {"taskId", "status", "inputRequests"} & ack.keys(), ack
    assert until(wire, one, *OVER)["result"]["content"][0]["text"] == "action=accept"
    two = made(wire, "multi_input")
    first, second = until(wire, two, "input_required")["inputRequests"]
    answer = {"action": "accept", "content": {"name": "x"}}
    ask(wire, "tasks/update", two, inputResponses={first: answer})
    left = get(wire, two)
    assert left["status"] == "input_required" and list(left["inputRequests"]) == [second], left
    ask(wire, "tasks/update", two, inputResponses={second: answer})
    assert until(wire, two, *OVER)["status"] == "completed"


def headers(wire: Wire) -> None:
    task = made(wire, "slow_compute", seconds=60)
    assert get(wire, task)["taskId"] == task
    # Where head and body disagree, 2026-07-28 has it refused (`http-header-validation`).
    refused(wire.call("greet", {"name": "x"}, headers={"Mcp-Method": "tasks/get"}, capabilities=TASKS), 400, -32020)
    reply = wire.modern("tasks/get", {"taskId": task}, headers={"Mcp-Name": "another"}, capabilities=TASKS)
    refused(reply, 400, -32020)
    ask(wire, "tasks/cancel", task)


def dispatch(wire: Wire) -> None:
    # Both were there before.
    for method, params in (("tasks/result", {"taskId": "any"}), ("tasks/list", {})):
        refused(wire.modern(method, params, headers={"Mcp-Name": None}, capabilities=TASKS), 404, -32601)
    params = {"name": "greet", "arguments": {"name": "x"}, "task": {"ttl": 60_000}}
    legacy = wire.modern("tools/call", params, capabilities=TASKS)
    assert result(legacy)["resultType"] == "complete" and "taskId" not in result(legacy)
    long = made(wire, "slow_compute", seconds=60)
    assert get(wire, long)["resultType"] == "complete"
    parked = made(wire, "confirm_delete", filename="b.txt")
    until(wire, parked, "input_required")
    ack = result(ask(wire, "tasks/update", parked, inputResponses={"unknown-key": {"action": "cancel"}}))
    assert ack["resultType"] == "complete" and get(wire, parked)["status"] == "input_required"
    for task in (long, parked):
        assert result(ask(wire, "tasks/cancel", task))["resultType"] == "complete"
    # A server says -32602 of a task that it does not know; here nobody is told of any but his own.
    refused(ask(wire, "tasks/get", "no-such-task"), 200, NO_SUCH_TASK)


def notifications(wire: Wire) -> None:
    """A server may tell of what becomes of a task, and then says which and what."""
    reply = wire.call("slow_compute", {"seconds": 0.2}, capabilities=TASKS)
    until(wire, result(reply)["taskId"], *OVER)
    for message in reply.messages:
        if message.get("method", "").startswith("notifications/tasks"):
            assert message["params"]["taskId"] and message["params"]["status"], message


def required(wire: Wire) -> None:
    error = refused(wire.call("failing_job", capabilities={}), 400, -32021)
    assert EXTENSION in error["data"]["requiredCapabilities"]["extensions"], error


def composition(wire: Wire) -> None:
    """A call that asks first, and becomes a task with the answer."""
    first = result(wire.call("test_tool_with_task", capabilities=TASKS))
    (key, _), = first["inputRequests"].items()
    answers = {key: {"action": "accept", "content": {"name": "x"}}}
    second = result(wire.call(
        "test_tool_with_task", inputResponses=answers, requestState=first["requestState"], capabilities=TASKS,
    ))
    assert second["resultType"] == "task", second
    assert until(wire, second["taskId"], *OVER)["status"] == "completed"


SCENARIOS: dict[str, Callable[[Wire], None]] = {
    "tasks-lifecycle": lifecycle, "tasks-capability-negotiation": capability, "tasks-wire-fields": wire_fields,
    "tasks-request-state-removal": no_request_state, "tasks-mrtr-input": asked, "tasks-request-headers": headers,
    "tasks-dispatch-and-envelope": dispatch, "tasks-status-notifications": notifications,
    "tasks-required-task-error": required, "tasks-mrtr-composition": composition,
}
