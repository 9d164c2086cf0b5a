"""The fixture of the conformance tests at 2026-07-28, on the official SDK (mcp 2.x): it knows no earlier revision."""

import argparse
import base64
import hashlib
import hmac
import json
import secrets
from typing import Any

import conformance_fixture as fixture
import conformance_tasks
import mcp_types as types
from mcp.server.caching import CacheHint
from mcp.server.lowlevel.server import Server
from mcp.server.subscriptions import (
    InMemorySubscriptionBus,
    ListenHandler,
    PromptsListChanged,
    ResourceUpdated,
    ToolsListChanged,
)
from mcp.shared.exceptions import MCPError
from serving import free_socket, serve
from starlette.responses import JSONResponse

MODERN = "2026-07-28"
KEY = secrets.token_bytes(32)
KINDS = {"elicitation/create": "elicitation", "sampling/createMessage": "sampling", "roots/list": "roots"}
CHANGES = {"tools": ToolsListChanged(), "prompts": PromptsListChanged(), fixture.WATCHED: ResourceUpdated(uri=fixture.WATCHED)}
CACHED = ("tools/list", "prompts/list", "resources/list", "resources/templates/list", "resources/read", "server/discover")
RESULTS = {"tools/call": types.CallToolResult, "prompts/get": types.GetPromptResult}
BUS = InMemorySubscriptionBus()


def seal(name: str, rounds: list[dict[str, Any]]) -> str:
    body = json.dumps({"name": name, "rounds": rounds}).encode()
    return base64.urlsafe_b64encode(hmac.digest(KEY, body, hashlib.sha256) + body).decode()


def unseal(name: str, state: str | None) -> list[dict[str, Any]]:
    """The answers of earlier rounds."""
    if state is None:
        return []
    try:
        raw = base64.urlsafe_b64decode(state)
        if hmac.compare_digest(hmac.digest(KEY, raw[32:], hashlib.sha256), raw[:32]):
            body = json.loads(raw[32:])
            if body["name"] == name:
                return body["rounds"]
    except ValueError:
        pass
    raise MCPError(types.INVALID_PARAMS, "requestState is not one of this server's")


async def play(context: Any, name: str, steps: fixture.Steps, params: Any) -> Any:
    """Runs a tool or a prompt as far as the answers go that there are."""
    rounds = unseal(name, params.request_state)
    given = params.model_dump(by_alias=True, mode="json", exclude_none=True).get("inputResponses")
    waiting = [*rounds, *([given] if given is not None else [])]
    answer: Any = None
    done: list[dict[str, Any]] = []
    while True:
        try:
            step = steps.send(answer)
        except StopIteration as end:
            return RESULTS[context.method].model_validate(end.value)
        answer = None
        if step[0] == "notify":
            # Replayed steps have been told in their own round.
            if len(done) == len(rounds):
                await tell(context, step[1], step[2])
        elif step[0] == "close":
            # No stream can be taken up again at this revision.
            continue
        elif step[0] == "change":
            await BUS.publish(CHANGES[step[1]])
        else:
            questions = allowed(context, name, step[1])
            if waiting and questions.keys() <= waiting[0].keys():
                answer = {key: value for key, value in waiting.pop(0).items() if key in questions}
                done.append(answer)
                continue
            if not questions:
                answer = {}
                continue
            return types.InputRequiredResult.model_validate({"inputRequests": questions, "requestState": seal(name, done)})


def allowed(context: Any, name: str, questions: dict[str, Any]) -> dict[str, Any]:
    """The questions that the client can be asked; a tool that cannot go on without the others fails."""
    declared = context.session.client_capabilities
    have = declared.model_dump(by_alias=True, exclude_none=True) if declared else {}
    missing = {KINDS[each["method"]]: {} for each in questions.values() if KINDS[each["method"]] not in have}
    if missing and name != "test_input_required_result_capabilities":
        raise MCPError(-32021, "The client lacks a capability", {"requiredCapabilities": missing})
    return {key: each for key, each in questions.items() if KINDS[each["method"]] not in missing}


async def tell(context: Any, method: str, params: dict[str, Any]) -> None:
    if method == "notifications/progress":
        await context.session.report_progress(params["progress"], params["total"], params["message"])
    else:
        await context.session.send_log_message("info", params["data"], related_request_id=context.request_id)


def build() -> Server:
    tasks = conformance_tasks.Tasks()

    async def call_tool(context, params):
        if params.name in {each["name"] for each in conformance_tasks.TOOLS}:
            return await tasks.call(context, params)
        if params.name not in fixture.TOOLS:
            raise MCPError(types.INVALID_PARAMS, f"Unknown tool: {params.name}")
        return await play(context, params.name, fixture.TOOLS[params.name][0](params.arguments or {}), params)

    async def get_prompt(context, params):
        if params.name not in {each["name"] for each in fixture.PROMPTS}:
            raise MCPError(types.INVALID_PARAMS, f"Unknown prompt: {params.name}")
        return await play(context, params.name, fixture.prompt(params.name, params.arguments or {}), params)

    async def read_resource(_, params):
        found = fixture.resource(str(params.uri))
        if found is None:
            raise MCPError(types.INVALID_PARAMS, "Resource not found", {"uri": str(params.uri)})
        return types.ReadResourceResult.model_validate(found)

    async def listed(model, **lists):
        return model.model_validate(lists)

    server = Server(
        "mcp-conformance-test-server", version="1.0.0",
        cache_hints={method: CacheHint(ttl_ms=60_000, scope="public") for method in CACHED},
        on_list_tools=lambda *_: listed(types.ListToolsResult, tools=[*fixture.tools(), *conformance_tasks.TOOLS]),
        on_call_tool=call_tool,
        on_list_resources=lambda *_: listed(types.ListResourcesResult, resources=fixture.RESOURCES), on_read_resource=read_resource,
        on_list_resource_templates=lambda *_: listed(types.ListResourceTemplatesResult, resourceTemplates=fixture.TEMPLATES),
        on_list_prompts=lambda *_: listed(types.ListPromptsResult, prompts=fixture.PROMPTS), on_get_prompt=get_prompt,
        on_completion=lambda _, params: listed(types.CompleteResult, **fixture.completion(params.argument.value)),
        on_subscriptions_listen=ListenHandler(BUS),
    )
    tasks.install(server)
    return server


def modern_alone(app):
    """Refuses every other revision, and what HTTP methods there were before."""

    async def wrapped(scope, receive, send):
        if scope["type"] != "http":
            return await app(scope, receive, send)
        headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
        if scope["method"] != "POST":
            return await JSONResponse({"error": "POST alone"}, 405, {"Allow": "POST"})(scope, receive, send)
        if headers.get("mcp-protocol-version", "") != MODERN:
            asked = headers.get("mcp-protocol-version")
            error = {"code": -32022, "message": "Unsupported protocol version", "data": {"supported": [MODERN], "requested": asked}}
            return await JSONResponse({"jsonrpc": "2.0", "id": None, "error": error}, 400)(scope, receive, send)
        return await app(scope, receive, send)

    return wrapped


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--schema", default="http://127.0.0.1/schema", help="the address of a schema that no one may fetch")
    options = parser.parse_args()
    fixture.ELSEWHERE["properties"]["a"]["$ref"] = options.schema
    listener, port = free_socket(options.port)
    serve(modern_alone(build().streamable_http_app()), listener, url=f"http://127.0.0.1:{port}/mcp")


main()
