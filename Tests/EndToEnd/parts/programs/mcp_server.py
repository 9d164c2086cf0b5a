"""An MCP server on the official SDK that speaks both eras and has one of everything; with `--issuer` it is an OAuth
protected resource whose tokens an authorization server elsewhere vouches for."""

import argparse
import json
import urllib.parse
import urllib.request
from typing import Annotated

import anyio
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.resolve import Elicit, ListRoots, Resolve, Sample
from mcp_types import (
    CallToolResult,
    Completion,
    CreateMessageResult,
    ElicitRequest,
    ElicitRequestURLParams,
    EmptyResult,
    InputRequiredResult,
    ListRootsResult,
    PromptReference,
    SamplingMessage,
    SubscribeRequestParams,
    TextContent,
    UnsubscribeRequestParams,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import AnyHttpUrl, BaseModel
from serving import free_socket, serve
from signed_tokens import SignedTokens
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from witness import Witness

NOTE = "note://shopping"


class Introspection:
    """Asks the authorization server about each token; remembers nothing, so that expiry and revocation hold at once."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer

    async def verify_token(self, token: str) -> AccessToken | None:
        def ask() -> dict:
            body = urllib.parse.urlencode({"token": token}).encode()
            with urllib.request.urlopen(f"{self.issuer}/introspect", body, timeout=5) as answer:
                return json.load(answer)

        facts = await anyio.to_thread.run_sync(ask)
        if not facts.get("active"):
            return None
        return AccessToken(
            token=token, client_id=facts["client_id"], scopes=facts["scope"].split(), expires_at=facts["exp"],
            resource=facts.get("aud"), subject=facts["sub"], claims={"iss": facts["iss"]},
        )


class Colour(BaseModel):
    colour: str


def ask_colour() -> Elicit[Colour]:
    return Elicit("Which colour?", Colour)


def ask_model() -> Sample:
    question = SamplingMessage(role="user", content=TextContent(type="text", text="What is two and two?"))
    return Sample([question], max_tokens=16)


def ask_roots() -> ListRoots:
    return ListRoots()


def build(witness: Witness, auth: AuthSettings | None, verifier: Introspection | SignedTokens | None) -> MCPServer:
    server = MCPServer(
        "everything", version="1.0", instructions="One of everything.", auth=auth, token_verifier=verifier,
        log_level="WARNING",
    )
    notes = {NOTE: "milk"}

    @server.tool()
    def echo(text: str) -> str:
        """Says what it was told."""
        witness.tools["echo"] += 1
        return text

    @server.tool()
    def get_me() -> str:
        """Who is asking."""
        return "ann"

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
    async def sample(answer: Annotated[CreateMessageResult, Resolve(ask_model)]) -> str:
        """Asks the client's model."""
        content = answer.content
        return f"the model says {content.text if isinstance(content, TextContent) else content}"

    @server.tool()
    async def elicit(answer: Annotated[Colour, Resolve(ask_colour)]) -> str:
        """Asks the user."""
        return f"the user likes {answer.colour}"

    @server.tool()
    async def roots(answer: Annotated[ListRootsResult, Resolve(ask_roots)]) -> str:
        """Asks where the client works."""
        return ", ".join(str(each.uri) for each in answer.roots)

    @server.tool(structured_output=False)
    async def page(context: Context) -> CallToolResult | InputRequiredResult:
        """Wants the user to open a page."""
        words, address = "Sign in, please", "https://pages.example/1"
        if context.protocol_version not in MODERN_PROTOCOL_VERSIONS:
            action = (await context.elicit_url(words, address, "page-1")).action
        elif context.input_responses is None:
            question = ElicitRequest(params=ElicitRequestURLParams(message=words, url=address))
            return InputRequiredResult(input_requests={"page": question}, request_state="page")
        else:
            action = context.input_responses["page"].action
        return CallToolResult(content=[TextContent(type="text", text=f"the user says {action}")])

    @server.tool(structured_output=False)
    def big(size: int) -> str:
        """A result of a given size."""
        return "x" * size

    @server.tool()
    def fail(why: str) -> str:
        """Always fails."""
        raise ToolError(why)

    @server.tool()
    async def write_note(text: str, context: Context) -> str:
        """Changes a resource that clients may be subscribed to."""
        notes[NOTE] = text
        await context.notify_resource_updated(NOTE)
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
        return Completion(values=[word for word in words if word.startswith(argument.value)], has_more=False)

    # Handshake clients subscribe by a request of its own; everything here is told to every session, so nothing is kept.
    async def subscribe(_context, _params) -> EmptyResult:
        return EmptyResult()

    low = server._lowlevel_server  # noqa: SLF001 - the high-level server has no way to add these
    low.add_request_handler("resources/subscribe", SubscribeRequestParams, subscribe)
    low.add_request_handler("resources/unsubscribe", UnsubscribeRequestParams, subscribe)
    return server


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--issuer", help="the authorization server; without it anybody may call")
    parser.add_argument("--as-url", action="store_true", help="write the issuer as the SDK writes URLs: a bare origin gets a slash")
    parser.add_argument("--trusts", action="append", help="the issuers that its metadata names, as they are to be written")
    parser.add_argument("--keys", help="tokens are signed with these keys; without it the issuer is asked about each")
    parser.add_argument("--any-resource", action="store_true", help="the authorization server names no resource in its tokens")
    parser.add_argument("--scope", action="append", help="what a token must be good for")
    parser.add_argument("--json", action="store_true", help="answer with JSON instead of event streams where possible")
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()

    listener, port = free_socket(options.port)
    url = f"http://127.0.0.1:{port}/mcp"
    auth = verifier = None
    if options.issuer:
        verifier = SignedTokens(options.issuer, options.keys) if options.keys else Introspection(options.issuer)
        # Strings, not URL objects: those write a bare origin with a slash at its end, and issuers compare as strings.
        auth = AuthSettings(
            issuer_url=AnyHttpUrl(options.issuer) if options.as_url else options.issuer, resource_server_url=url,
            required_scopes=options.scope or ["tools"], validate_token_resource=not options.any_resource,
        )
    witness = Witness()
    app = build(witness, auth, verifier).streamable_http_app(json_response=options.json)
    app.router.routes.extend(witness.routes())
    if options.trusts:

        async def trusts(_: Request) -> JSONResponse:
            return JSONResponse({
                "resource": url, "authorization_servers": options.trusts, "scopes_supported": options.scope or ["tools"],
            })

        app.router.routes.insert(0, Route("/.well-known/oauth-protected-resource/mcp", trusts))
    serve(witness.wrap(app), listener, url=url)


main()
