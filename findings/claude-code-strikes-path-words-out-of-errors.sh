#!/usr/bin/env bash
# Claude Code 2.1.332 (the program in the wheel of claude-agent-sdk 0.2.189): `claude mcp list` shows the message of a server's
# JSON-RPC error, but strikes out of it every word that is also a word of the path in the server's address, also where it
# belongs to a command that the user should type. With the address /servers/weather/mcp the message "Run: tool login weather"
# is shown as "Run: tool login [redacted]". A gateway whose addresses name its servers cannot name them in its errors.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/python"
"$folder/python/bin/pip" install --quiet --disable-pip-version-check claude-agent-sdk==0.2.189
cat >"$folder/try.py" <<'END'
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import claude_agent_sdk

PROGRAM = pathlib.Path(claude_agent_sdk.__file__).parent / "_bundled" / "claude"


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
        self.reply(404 if "well-known" in self.path else 405)

    do_DELETE = do_GET

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if "id" not in asked:
            return self.reply(202)
        error = {"code": -32000, "message": "Not ready. Run: tool login weather"}
        self.reply(200, {"jsonrpc": "2.0", "id": asked["id"], "error": error})


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
for path in ("mcp", "servers/weather/mcp"):
    with tempfile.TemporaryDirectory() as home:
        environment = {
            "HOME": home, "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "DISABLE_AUTOUPDATER": "1", "DISABLE_TELEMETRY": "1",
            "DISABLE_ERROR_REPORTING": "1", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "NO_PROXY": "127.0.0.1",
        }

        def claude(*arguments):
            return subprocess.run(
                [PROGRAM, *arguments], cwd=home, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                timeout=120, check=False,
            ).stdout

        url = f"http://127.0.0.1:{server.server_address[1]}/{path}"
        claude("mcp", "add", "--scope", "user", "--transport", "http", "it", url)
        shown = claude("mcp", "list")
        words = next((line for line in shown.splitlines() if "Not ready" in line), shown.strip())
        print(f"/{path}: {words[words.find('Not ready'):]}")
END
seen=$("$folder/python/bin/python" "$folder/try.py" 2>/dev/null)
printf 'What Claude Code 2.1.332 shows of "Not ready. Run: tool login weather", by the address of the server:\n%s\n' "$seen"
expected='/mcp: Not ready. Run: tool login weather
/servers/weather/mcp: Not ready. Run: tool login [redacted]'
[ "$seen" = "$expected" ] || { echo "this has changed; it was:"; echo "$expected"; exit 1; }
echo "A word of the server's path is struck out of the server's own message."
