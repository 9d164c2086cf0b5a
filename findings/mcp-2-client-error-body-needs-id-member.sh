#!/usr/bin/env bash
# mcp 2.3.0 (Python): of a JSON-RPC error in the body of a 4xx answer the client shows the message only if the body has a member
# `id`; null is enough. Without the member, as servers write it that could not read the request's id, the user sees "Server
# returned an error response" and nothing of the reason. JSON-RPC 2.0 asks for `"id": null` there, and many servers leave it out.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/python"
"$folder/python/bin/pip" install --quiet --disable-pip-version-check mcp==2.3.0
cat >"$folder/try.py" <<'END'
import asyncio
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from mcp import Client

NAMES = ("own_id", "null_id", "no_id")


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, message=None):
        body = json.dumps(message).encode() if message else b""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.reply(405)

    do_DELETE = do_GET

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if "id" not in asked:
            return self.reply(202)
        answer = {"jsonrpc": "2.0", "id": asked["id"]}
        name = asked.get("params", {}).get("name")
        if asked["method"] == "initialize":
            info = {"name": "server", "version": "1"}
            answer["result"] = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": info}
        elif asked["method"] == "tools/list":
            answer["result"] = {"tools": [{"name": each, "inputSchema": {"type": "object"}} for each in NAMES]}
        elif name in NAMES:
            answer["error"] = {"code": -32602, "message": "the reason"}
            if name == "null_id":
                answer["id"] = None
            if name == "no_id":
                del answer["id"]
            return self.reply(403, answer)
        else:
            answer["error"] = {"code": -32601, "message": "no such method"}
        self.reply(200, answer)


async def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    async with Client(f"http://127.0.0.1:{server.server_address[1]}/mcp") as client:
        for name in NAMES:
            try:
                await asyncio.wait_for(client.call_tool(name, {}), 10)
            except Exception as error:
                print(f"{name}: {error}")


asyncio.run(main())
END
seen=$("$folder/python/bin/python" "$folder/try.py" 2>/dev/null)
printf 'mcp 2.3.0 shows of three answers with HTTP 403:\n%s\n' "$seen"
expected='own_id: the reason
null_id: the reason
no_id: Server returned an error response'
[ "$seen" = "$expected" ] || { echo "this has changed; it was:"; echo "$expected"; exit 1; }
echo "The reason is shown with an id of null, and lost without the member."
