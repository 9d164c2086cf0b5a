#!/usr/bin/env bash
# mcp 1.30.0 (Python): one tool call that is answered with HTTP 400 ends the client's whole session. The call itself and every
# later one raise CancelledError, though the body of the 400 is a JSON-RPC error with the call's own id, and the message in it
# is shown nowhere. A gateway that refuses one request with a 4xx so takes all tools away from its user; an answer with
# HTTP 200 and the same JSON-RPC error costs the one call only.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/python"
"$folder/python/bin/pip" install --quiet --disable-pip-version-check mcp==1.30.0
cat >"$folder/try.py" <<'END'
import asyncio
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, message=None):
        body = json.dumps(message).encode() if message else b""
        self.send_response(status)
        if body:
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
        if asked["method"] == "initialize":
            info = {"name": "server", "version": "1"}
            answer["result"] = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": info}
        elif asked["method"] == "tools/list":
            schema = {"type": "object"}
            answer["result"] = {"tools": [{"name": name, "inputSchema": schema} for name in ("good", "at_200", "at_400")]}
        elif asked["params"]["name"] == "good":
            answer["result"] = {"content": [{"type": "text", "text": "fine"}]}
        else:
            answer["error"] = {"code": -32602, "message": "not like this"}
            return self.reply(int(asked["params"]["name"][3:]), answer)
        self.reply(200, answer)


async def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    seen = []
    try:
        async with streamablehttp_client(f"http://127.0.0.1:{server.server_address[1]}/mcp") as (reading, writing, _):
            async with ClientSession(reading, writing) as session:
                await session.initialize()
                for name in ("good", "at_200", "good", "at_400", "good"):
                    try:
                        result = await asyncio.wait_for(session.call_tool(name, {}), 10)
                        seen.append(f"{name}: {result.content[0].text}")
                    except asyncio.CancelledError:
                        asyncio.current_task().uncancel()
                        seen.append(f"{name}: CancelledError")
                    except Exception as error:
                        seen.append(f"{name}: {error}")
    except Exception as error:
        seen.append(f"end: {type(error).__name__}")
    print("\n".join(seen))


asyncio.run(main())
END
seen=$("$folder/python/bin/python" "$folder/try.py" 2>/dev/null)
printf 'mcp 1.30.0 answers, call by call on one session:\n%s\n' "$seen"
expected='good: fine
at_200: not like this
good: fine
at_400: CancelledError
good: CancelledError
end: ExceptionGroup'
[ "$seen" = "$expected" ] || { echo "this has changed; it was:"; echo "$expected"; exit 1; }
echo "A JSON-RPC error with HTTP 200 costs one call; the same error with HTTP 400 costs every later one too."
