"""A plain MCP server on the last SDK that knows only the handshake revisions: the honest old peer."""

import argparse

import anyio
from mcp.server.fastmcp import Context, FastMCP
from mcp.shared.exceptions import UrlElicitationRequiredError
from mcp.types import Completion, ElicitRequestURLParams, PromptReference, SamplingMessage, TextContent
from pydantic import BaseModel
from serving import free_socket, serve
from witness import Witness

NOTE = "note://shopping"


class Colour(BaseModel):
    colour: str


def build(witness: Witness, json_response: bool) -> FastMCP:
    server = FastMCP("old", instructions="One of everything.", json_response=json_response, log_level="WARNING")
    notes = {NOTE: "milk"}

    @server.tool()
    def echo(text: str) -> str:
        """Says what it was told."""
        witness.tools["echo"] += 1
        return text

    @server.tool()
    def add(a: int, b: int) -> int:
        """Adds two numbers."""
        witness.tools["add"] += 1
        return a + b

    @server.tool()
    def delete_thing(name: str) -> str:
        """Deletes something; policies forbid it."""
        witness.tools["delete_thing"] += 1
        return f"{name} is gone"

    @server.tool()
    async def slow(seconds: float) -> str:
        """Takes its time."""
        witness.tools["slow"] += 1
        try:
            await anyio.sleep(seconds)
        except anyio.get_cancelled_exc_class():
            witness.tools["slow cancelled"] += 1
            raise
        witness.tools["slow finished"] += 1
        return "at last"

    @server.tool()
    async def progress(steps: int, context: Context) -> str:
        """Reports progress as it goes."""
        for step in range(1, steps + 1):
            await context.report_progress(step, steps, f"step {step}")
        return "done"

    @server.tool()
    async def drip(seconds: float, context: Context) -> str:
        """Reports progress at once and answers later."""
        await context.report_progress(0, 1)
        await anyio.sleep(seconds)
        return "done"

    @server.tool()
    async def log(words: str, context: Context) -> str:
        """Sends log messages of two levels."""
        await context.info(words)
        await context.warning(f"careful: {words}")
        return "logged"

    @server.tool()
    async def sample(context: Context) -> str:
        """Asks the client's model."""
        question = SamplingMessage(role="user", content=TextContent(type="text", text="What is two and two?"))
        try:
            answer = await context.session.create_message(
                [question], max_tokens=16, related_request_id=context.request_id
            )
        except BaseException:
            witness.tools["sample unanswered"] += 1
            raise
        content = answer.content
        return f"the model says {content.text if isinstance(content, TextContent) else content}"

    @server.tool()
    async def elicit(context: Context) -> str:
        """Asks the user."""
        answer = await context.elicit("Which colour?", Colour)
        return f"the user likes {answer.data.colour}" if answer.action == "accept" else f"the user says {answer.action}"

    @server.tool()
    async def roots(context: Context) -> str:
        """Asks where the client works; the SDK asks it on the stream of the session."""
        answer = await context.session.list_roots()
        return ", ".join(str(each.uri) for each in answer.roots)

    @server.tool()
    async def page(context: Context) -> str:
        """Wants the user to open a page."""
        answer = await context.elicit_url("Sign in, please", "https://pages.example/1", "page-1")
        return f"the user says {answer.action}"

    @server.tool()
    async def page_first(context: Context) -> str:
        """Does nothing before the user has opened a page."""
        witness.tools["page_first"] += 1
        if witness.tools["page_first"] % 2:
            page = ElicitRequestURLParams(message="Sign in first", url="https://pages.example/2", elicitationId="page-2")
            raise UrlElicitationRequiredError([page])
        return "the page was opened"

    @server.tool(structured_output=False)
    def big(size: int) -> str:
        """A result of a given size."""
        return "x" * size

    @server.tool()
    def fail(why: str) -> str:
        """Always fails."""
        raise ValueError(why)

    @server.tool()
    async def write_note(text: str, context: Context) -> str:
        """Changes a resource that clients may be subscribed to."""
        notes[NOTE] = text
        await context.session.send_resource_updated(NOTE)
        return "written"

    @server.resource(NOTE, mime_type="text/plain")
    def note() -> str:
        """The shopping list."""
        return notes[NOTE]

    @server.resource("greeting://{name}", mime_type="text/plain")
    def greeting(name: str) -> str:
        """A greeting for a person."""
        return f"Hello {name}"

    @server.prompt()
    def review(topic: str) -> str:
        """Asks for a review."""
        return f"Please review {topic}."

    @server.completion()
    async def complete(reference, argument, _context) -> Completion:
        words = ["tea", "teapot", "table"] if isinstance(reference, PromptReference) else ["Ann", "Anna", "Bob"]
        return Completion(values=[word for word in words if word.startswith(argument.value)], hasMore=False)

    low = server._mcp_server  # noqa: SLF001 - the high-level server has no way to add these

    @low.subscribe_resource()
    async def subscribe(_uri) -> None:
        return None

    @low.unsubscribe_resource()
    async def unsubscribe(_uri) -> None:
        return None

    @low.set_logging_level()
    async def set_level(_level) -> None:
        return None

    return server


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="answer with JSON instead of event streams")
    parser.add_argument("--late", type=float, default=0, help="take so many seconds to open the stream of a session")
    parser.add_argument("--sse", action="store_true", help="speak HTTP+SSE of 2024-11-05")
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    listener, port = free_socket(options.port)
    witness = Witness()
    server = build(witness, options.json)
    app = server.sse_app() if options.sse else server.streamable_http_app()
    app.router.routes.extend(witness.routes())

    async def late(scope, receive, send) -> None:
        if scope["type"] == "http" and scope["method"] == "GET" and scope["path"] == "/mcp":
            await anyio.sleep(options.late)
        await app(scope, receive, send)

    serve(witness.wrap(late), listener, url=f"http://127.0.0.1:{port}/{'sse' if options.sse else 'mcp'}")


main()
