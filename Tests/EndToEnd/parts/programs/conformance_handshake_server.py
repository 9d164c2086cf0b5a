"""The fixture of the conformance tests up to 2025-11-25, on the last official SDK that knows no later revision (mcp 1.x)."""

import argparse
import contextlib
from typing import Any

import anyio
import conformance_fixture as fixture
import mcp.types as types
from events import Events
from mcp.server.lowlevel import NotificationOptions, Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.shared.exceptions import McpError
from mcp.shared.message import ServerMessageMetadata
from serving import free_socket, serve
from starlette.applications import Starlette
from starlette.routing import Mount

SERVER = Server("mcp-conformance-test-server", "1.0.0")
ANSWERS = {
    "elicitation/create": types.ElicitResult, "sampling/createMessage": types.CreateMessageResult,
    "roots/list": types.ListRootsResult,
}


async def play(steps: fixture.Steps) -> dict[str, Any]:
    """Runs a tool or a prompt, and asks the client in the middle of it."""
    context = SERVER.request_context
    session, answer = context.session, None
    while True:
        try:
            step = steps.send(answer)
        except StopIteration as end:
            return end.value
        answer = None
        if step[0] == "ask":
            answer = {}
            for key, request in step[1].items():
                result = await session.send_request(
                    types.ServerRequest.model_validate(request), ANSWERS[request["method"]],
                    metadata=ServerMessageMetadata(related_request_id=context.request_id),
                )
                answer[key] = result.model_dump(by_alias=True, mode="json", exclude_none=True)
        elif step[0] == "close":
            await context.close_sse_stream()
            await anyio.sleep(0.3)
        elif step[0] == "change":
            await changed(session, step[1])
        elif step[1] == "notifications/progress":
            token = context.meta.progressToken if context.meta else None
            if token is not None:
                await session.send_progress_notification(
                    token, step[2]["progress"], step[2]["total"], step[2]["message"], str(context.request_id)
                )
        else:
            await session.send_log_message("info", step[2]["data"], related_request_id=context.request_id)


async def changed(session: Any, what: str) -> None:
    if what == "tools":
        await session.send_tool_list_changed()
    elif what == "prompts":
        await session.send_prompt_list_changed()
    else:
        await session.send_resource_updated(what)


def on(request: type, result: type):
    def register(handler):
        async def handle(message):
            return types.ServerResult(result.model_validate(await handler(message.params)))

        SERVER.request_handlers[request] = handle
        return handler

    return register


@on(types.ListToolsRequest, types.ListToolsResult)
async def list_tools(_):
    return {"tools": fixture.tools()}


@on(types.CallToolRequest, types.CallToolResult)
async def call_tool(params):
    if params.name not in fixture.TOOLS:
        raise McpError(types.ErrorData(code=types.INVALID_PARAMS, message=f"Unknown tool: {params.name}"))
    return await play(fixture.TOOLS[params.name][0](params.arguments or {}))


@on(types.ListPromptsRequest, types.ListPromptsResult)
async def list_prompts(_):
    return {"prompts": fixture.PROMPTS}


@on(types.GetPromptRequest, types.GetPromptResult)
async def get_prompt(params):
    if params.name not in {each["name"] for each in fixture.PROMPTS}:
        raise McpError(types.ErrorData(code=types.INVALID_PARAMS, message=f"Unknown prompt: {params.name}"))
    return await play(fixture.prompt(params.name, params.arguments or {}))


@on(types.ListResourcesRequest, types.ListResourcesResult)
async def list_resources(_):
    return {"resources": fixture.RESOURCES}


@on(types.ListResourceTemplatesRequest, types.ListResourceTemplatesResult)
async def list_templates(_):
    return {"resourceTemplates": fixture.TEMPLATES}


@on(types.ReadResourceRequest, types.ReadResourceResult)
async def read_resource(params):
    found = fixture.resource(str(params.uri))
    if found is None:
        raise McpError(types.ErrorData(code=-32002, message="Resource not found", data={"uri": str(params.uri)}))
    return found


@on(types.CompleteRequest, types.CompleteResult)
async def complete(params):
    return fixture.completion(params.argument.value)


for request in (types.SubscribeRequest, types.UnsubscribeRequest, types.SetLevelRequest):

    @on(request, types.EmptyResult)
    async def nothing(_):
        return {}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--schema", default="http://127.0.0.1/schema", help="the address of a schema that no one may fetch")
    options = parser.parse_args()
    fixture.ELSEWHERE["properties"]["a"]["$ref"] = options.schema
    listener, port = free_socket(options.port)
    begin = SERVER.create_initialization_options

    def options_with_changes():
        # The SDK says of no server that it tells of changes, whatever handlers it has.
        declared = begin(NotificationOptions(True, True, True))
        declared.capabilities.resources.subscribe = True
        return declared

    SERVER.create_initialization_options = options_with_changes
    manager = StreamableHTTPSessionManager(SERVER, event_store=Events(), retry_interval=100)

    @contextlib.asynccontextmanager
    async def lifespan(_):
        async with manager.run():
            yield

    app = Starlette(routes=[Mount("/mcp", manager.handle_request)], lifespan=lifespan)

    async def exactly(scope, receive, send):
        # `Mount` answers the path without a slash at its end with a redirection.
        if scope["type"] == "http" and scope["path"] == "/mcp":
            scope = {**scope, "path": "/mcp/", "raw_path": b"/mcp/"}
        await app(scope, receive, send)

    serve(exactly, listener, url=f"http://127.0.0.1:{port}/mcp")


main()
