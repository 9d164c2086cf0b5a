#!/usr/bin/env bash
# mcp-use 1.7.1, mcp-haystack 2.1.1 and llama-index-tools-mcp 0.6.0 (Python): of a list of tools that the server cuts into pages
# (`nextCursor`, as every revision of MCP lets it) they show their user the first page alone, without an error or a warning;
# the tools of later pages do not exist for the model. The official SDK under them would fetch the next page if it were asked.
# A gateway that passes a server's pages on so loses tools; one that walks them itself loses none.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat >"$folder/server.py" <<'END'
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server(BaseHTTPRequestHandler):
    """Two pages of one tool each."""

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
            answer["result"] = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": info}
        elif asked["method"] == "tools/list":
            isSecond = (asked.get("params") or {}).get("cursor") == "2"
            tool = {"name": "second" if isSecond else "first", "description": "A tool.", "inputSchema": {"type": "object"}}
            answer["result"] = {"tools": [tool]} if isSecond else {"tools": [tool], "nextCursor": "2"}
        else:
            answer["error"] = {"code": -32601, "message": "unknown method"}
        self.reply(200, answer)


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
URL = f"http://127.0.0.1:{server.server_address[1]}/mcp"
END
cat >"$folder/mcp_use_client.py" <<'END'
import asyncio

from mcp_use import MCPClient
from server import URL


async def main():
    client = MCPClient({"mcpServers": {"it": {"url": URL}}})
    session = await client.create_session("it")
    names = [tool.name for tool in await session.list_tools()]
    cursor = (await session.connector.client_session.list_tools()).nextCursor
    print("mcp-use 1.7.1:", *names, "| the SDK under it says that there is more:", cursor == "2")
    await client.close_all_sessions()


asyncio.run(main())
END
cat >"$folder/haystack_client.py" <<'END'
from haystack_integrations.tools.mcp import MCPToolset, StreamableHttpServerInfo
from server import URL

toolset = MCPToolset(StreamableHttpServerInfo(url=URL))
toolset.warm_up()
print("mcp-haystack 2.1.1:", *(tool.name for tool in toolset))
toolset.close()
END
cat >"$folder/llama_index_client.py" <<'END'
import asyncio

from llama_index.tools.mcp import BasicMCPClient, McpToolSpec
from server import URL


async def main():
    tools = await McpToolSpec(client=BasicMCPClient(URL)).to_tool_list_async()
    print("llama-index-tools-mcp 0.6.0:", *(tool.metadata.name for tool in tools))


asyncio.run(main())
END
show() {
    python3 -m venv "$folder/$2"
    "$folder/$2/bin/pip" install --quiet --disable-pip-version-check "$1"
    # What else a library writes there is its log.
    MCP_USE_ANONYMIZED_TELEMETRY=false "$folder/$2/bin/python" "$folder/$2.py" 2>/dev/null | grep "^${1/==/ }:"
}
seen=$(show mcp-use==1.7.1 mcp_use_client; show mcp-haystack==2.1.1 haystack_client; show llama-index-tools-mcp==0.6.0 llama_index_client)
printf 'The tools "first" and "second" come in two pages. Shown are:\n%s\n' "$seen"
expected='mcp-use 1.7.1: first | the SDK under it says that there is more: True
mcp-haystack 2.1.1: first
llama-index-tools-mcp 0.6.0: first'
[ "$seen" = "$expected" ] || { echo "this has changed; it was:"; echo "$expected"; exit 1; }
echo "The second page is lost without a word."
