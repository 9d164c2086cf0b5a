"""What a server saw, for the tests to ask: every HTTP request with its headers, and how often each tool ran."""

from collections import Counter

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


class Witness:
    """Wraps an application and remembers; `/test/seen` and `/test/counts` answer without asking for a token."""

    def __init__(self) -> None:
        self.requests: list[dict[str, object]] = []
        self.tools: Counter[str] = Counter()

    def routes(self) -> list[Route]:
        async def seen(_: Request) -> JSONResponse:
            return JSONResponse(self.requests)

        async def counts(_: Request) -> JSONResponse:
            return JSONResponse(self.tools)

        return [Route("/test/seen", seen), Route("/test/counts", counts)]

    def wrap(self, app):
        async def watched(scope, receive, send):
            if scope["type"] == "http" and not scope["path"].startswith("/test/"):
                headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
                self.requests.append({"method": scope["method"], "path": scope["path"], "headers": headers})
            await app(scope, receive, send)

        return watched
