"""A server whose tools are whatever a test says they are now; it speaks both eras."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODERN = "2026-07-28"


def tool(name: str, description: str = "As it was.", **more: Any) -> dict[str, Any]:
    return {"name": name, "description": description, "inputSchema": {"type": "object"}, **more}


class Turncoat(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, *tools: dict[str, Any]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.tools = list(tools)
        self.called: list[str] = []
        # The bodies of requests as they came.
        self.bodies: list[bytes] = []
        # What a method answers instead of the usual, by its name.
        self.results: dict[str, dict[str, Any]] = {}
        # How many tools a page has; 0: all of them.
        self.page = 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/mcp"

    def list(self, cursor: str | None) -> dict[str, Any]:
        start = int(cursor or 0)
        end = start + self.page if self.page else len(self.tools)
        result: dict[str, Any] = {"tools": self.tools[start:end]}
        if end < len(self.tools):
            result["nextCursor"] = str(end)
        return result


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Turncoat

    def log_message(self, *_) -> None:
        pass

    def do_GET(self) -> None:
        self.send_response(405)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_DELETE = do_GET

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.bodies.append(body)
        message = json.loads(body)
        if "id" not in message:
            self.send_response(202)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        params = message.get("params", {})
        about = {"name": "turncoat", "version": "1"}
        result: dict[str, Any]
        match message["method"]:
            case method if method in self.server.results:
                result = dict(self.server.results[method])
            case "initialize":
                result = {
                    "protocolVersion": params["protocolVersion"], "capabilities": {"tools": {"listChanged": True}},
                    "serverInfo": about,
                }
            case "server/discover":
                result = {
                    "supportedVersions": [MODERN], "capabilities": {"tools": {"listChanged": True}},
                    "ttlMs": 0, "cacheScope": "private",
                }
            case "tools/list":
                result = self.server.list(params.get("cursor"))
            case "tools/call":
                self.server.called.append(params["name"])
                result = {"content": [{"type": "text", "text": f"called {params['name']}"}]}
            case "subscriptions/listen":
                return self.listen(message["id"], params["notifications"])
            case _:
                result = {}
        if self.headers.get("MCP-Protocol-Version") == MODERN:
            result.setdefault("resultType", "complete")
            if message["method"] == "tools/list":
                result |= {"ttlMs": 0, "cacheScope": "private"}
        body = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def listen(self, id: Any, wanted: dict[str, Any]) -> None:
        """Takes a subscription and says nothing more on it, as long as the other side stays."""
        meta = {"io.modelcontextprotocol/subscriptionId": id}
        taken = {"jsonrpc": "2.0", "method": "notifications/subscriptions/acknowledged",
                 "params": {"notifications": wanted, "_meta": meta}}
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self.close_connection = True
        try:
            self.wfile.write(f"data: {json.dumps(taken)}\n\n".encode())
            while True:
                self.wfile.flush()
                threading.Event().wait(0.5)
                self.wfile.write(b": still here\n\n")
        except OSError:
            pass
