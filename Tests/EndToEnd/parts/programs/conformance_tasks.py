"""Tasks (the extension io.modelcontextprotocol/tasks) of the conformance fixture, on the official SDK."""

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

import conformance_fixture as fixture
import mcp_types as types
from mcp.server.lowlevel.server import Server
from mcp.shared.exceptions import MCPError

EXTENSION = "io.modelcontextprotocol/tasks"
OVER = ("completed", "failed", "cancelled")
LACKING = {"requiredCapabilities": {"extensions": {EXTENSION: {}}}}
CONFIRM = {"type": "boolean", "title": "Really?"}


class TaskParams(types.RequestParams):
    task_id: str


class UpdateParams(TaskParams):
    input_responses: dict[str, Any] = {}


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Task:
    """One task while it runs, and its outcome."""

    def __init__(self) -> None:
        self.id = secrets.token_hex(16)
        self.status = "working"
        self.created = self.updated = now()
        self.outcome: dict[str, Any] = {}
        self.asked: dict[str, dict[str, Any]] = {}
        self.answers: dict[str, asyncio.Future] = {}
        self.running: asyncio.Task | None = None

    def become(self, status: str, **outcome: Any) -> None:
        if self.status not in OVER:
            self.status, self.outcome, self.updated = status, outcome, now()

    async def ask(self, key: str, question: dict[str, Any]) -> Any:
        self.asked[key] = question
        self.answers[key] = asyncio.get_running_loop().create_future()
        self.become("input_required")
        answer = await self.answers[key]
        if not self.asked:
            self.become("working")
        return answer

    def answer(self, responses: dict[str, Any]) -> None:
        for key, response in responses.items():
            if self.asked.pop(key, None) is not None:
                self.answers[key].set_result(response)

    async def run(self, work: Coroutine[Any, Any, dict[str, Any]]) -> None:
        try:
            self.become("completed", result=await work)
        except MCPError as error:
            self.become("failed", error={"code": error.error.code, "message": error.error.message})

    @property
    def said(self) -> dict[str, Any]:
        return {
            "taskId": self.id, "status": self.status, "createdAt": self.created, "lastUpdatedAt": self.updated,
            "ttlMs": 60_000, "pollIntervalMs": 100,
        }

    @property
    def detailed(self) -> dict[str, Any]:
        asked = {"inputRequests": self.asked} if self.asked else {}
        return {"resultType": "complete", **self.said, **self.outcome, **asked}


async def slow_compute(task: Task, arguments: dict[str, Any]) -> dict[str, Any]:
    await asyncio.sleep(arguments.get("seconds", 0))
    return fixture.text(f"computed {arguments.get('label', '')}")


async def failing_job(task: Task, arguments: dict[str, Any]) -> dict[str, Any]:
    return fixture.text("The job failed", isError=True)


async def protocol_error_job(task: Task, arguments: dict[str, Any]) -> dict[str, Any]:
    raise MCPError(types.INTERNAL_ERROR, "The job broke")


async def confirm_delete(task: Task, arguments: dict[str, Any]) -> dict[str, Any]:
    answer = await task.ask("confirm", fixture.form(f"Delete {arguments.get('filename')}?", confirm=CONFIRM))
    return fixture.text(f"action={answer['action']}")


async def multi_input(task: Task, arguments: dict[str, Any]) -> dict[str, Any]:
    first, second = fixture.form("First?", name=fixture.NAME), fixture.form("Second?", name=fixture.NAME)
    answers = await asyncio.gather(task.ask("first", first), task.ask("second", second))
    return fixture.text(f"{len(answers)} answers")


Work = Callable[[Task, dict[str, Any]], Coroutine[Any, Any, dict[str, Any]]]
WORK: dict[str, Work] = {
    each.__name__: each for each in (slow_compute, failing_job, protocol_error_job, confirm_delete, multi_input)
} | {"test_tool_with_task": slow_compute}
TOOLS = [{"name": name, "description": "Runs as a task", "inputSchema": {"type": "object"}} for name in WORK]
TOOLS.append({"name": "greet", "description": "Answers at once", "inputSchema": {"type": "object"}})


def declared(context: Any) -> bool:
    capabilities = context.session.client_capabilities
    return EXTENSION in ((capabilities and capabilities.extensions) or {})


class Tasks:
    def __init__(self) -> None:
        self.all: dict[str, Task] = {}

    def install(self, server: Server) -> None:
        server.extensions[EXTENSION] = {}
        server.add_request_handler("tasks/get", TaskParams, self.get)
        server.add_request_handler("tasks/update", UpdateParams, self.update)
        server.add_request_handler("tasks/cancel", TaskParams, self.cancel)

    async def call(self, context: Any, params: Any) -> Any:
        """Calls one of the tools of this module."""
        arguments = params.arguments or {}
        if params.name == "greet":
            return types.CallToolResult.model_validate(fixture.text(f"Hello, {arguments.get('name')}!"))
        if not declared(context):
            if params.name == "failing_job":
                raise MCPError(types.MISSING_REQUIRED_CLIENT_CAPABILITY, "It runs as a task alone", LACKING)
            return types.CallToolResult.model_validate(await WORK[params.name](Task(), arguments))
        if params.name == "test_tool_with_task" and params.input_responses is None:
            asked = {"name": fixture.form("Whose task?", name=fixture.NAME)}
            return types.InputRequiredResult.model_validate({"inputRequests": asked, "requestState": "asked"})
        task = Task()
        self.all[task.id] = task
        task.running = asyncio.create_task(task.run(WORK[params.name](task, arguments)))
        return {"resultType": "task", **task.said}

    def find(self, context: Any, params: TaskParams) -> Task:
        if not declared(context):
            raise MCPError(types.MISSING_REQUIRED_CLIENT_CAPABILITY, "Tasks were not declared", LACKING)
        if params.task_id not in self.all:
            raise MCPError(types.INVALID_PARAMS, "There is no such task")
        return self.all[params.task_id]

    async def get(self, context: Any, params: TaskParams) -> dict[str, Any]:
        return self.find(context, params).detailed

    async def update(self, context: Any, params: UpdateParams) -> dict[str, Any]:
        self.find(context, params).answer(params.input_responses)
        return {"resultType": "complete"}

    async def cancel(self, context: Any, params: TaskParams) -> dict[str, Any]:
        task = self.find(context, params)
        if task.status in OVER:
            raise MCPError(types.INVALID_PARAMS, "The task is over")
        task.become("cancelled")
        assert task.running is not None
        task.running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task.running
        return {"resultType": "complete"}
