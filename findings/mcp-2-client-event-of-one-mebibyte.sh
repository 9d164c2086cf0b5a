#!/usr/bin/env bash
# mcp 2.3.0 (Python): a tool result of 1.1 MB arrives if the server answers with application/json, and is refused if the same
# message is the one event of a text/event-stream: the client, as it is made here, takes no event over 1,048,576 bytes. So whether
# a large result arrives depends on a media type that neither the tool's author nor its caller chose. A gateway that passes a
# lone response on as JSON mends that.
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


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, body=b"", kind="application/json"):
        self.send_response(status)
        self.send_header("Content-Type", kind)
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
            answer["result"] = {"tools": [{"name": each, "inputSchema": {"type": "object"}} for each in ("json", "events")]}
        elif name in ("json", "events"):
            answer["result"] = {"content": [{"type": "text", "text": "x" * 1_100_000}]}
        else:
            answer["error"] = {"code": -32601, "message": "no such method"}
        body = json.dumps(answer).encode()
        if name == "events":
            return self.reply(200, b"event: message\ndata: " + body + b"\n\n", "text/event-stream")
        self.reply(200, body)


async def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    async with Client(f"http://127.0.0.1:{server.server_address[1]}/mcp") as client:
        for name in ("json", "events"):
            try:
                result = await asyncio.wait_for(client.call_tool(name, {}), 20)
                print(f"{name}: {len(result.content[0].text)} characters")
            except Exception as error:
                print(f"{name}: {error}")


asyncio.run(main())
END
seen=$("$folder/python/bin/python" "$folder/try.py" 2>/dev/null)
printf 'mcp 2.3.0, the same result twice:\n%s\n' "$seen"
expected='json: 1100000 characters
events: SSE stream failed: Server-sent event exceeded the 1048576 byte limit.'
[ "$seen" = "$expected" ] || { echo "this has changed; it was:"; echo "$expected"; exit 1; }
echo "A result of 1.1 MB arrives as JSON and is refused as an event."
