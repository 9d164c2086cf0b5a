"""What Claude Code shows: `claude mcp list` its user, and `claude -p` its model. See visiting.py.

The program is the one in the wheel of claude-agent-sdk. Its home is a throw-away folder, it sends nothing to anybody, and
its model is a script here that makes the calls which it is told to make.
"""

import asyncio
import contextlib
import importlib.util
import itertools
import json
import tempfile
from pathlib import Path

import visiting

PROGRAM = Path(importlib.util.find_spec("claude_agent_sdk").submodule_search_locations[0]) / "_bundled" / "claude"
PREFIX = "mcp__it__"


class NotConnected(Exception):
    """What `claude mcp list` says of a server that it cannot use."""


class Model:
    """Speaks as much of the Messages API as Claude Code needs of it."""

    def __init__(self) -> None:
        self.tools: asyncio.Future[list[str]] = asyncio.get_running_loop().create_future()
        self.calls: asyncio.Queue[dict] = asyncio.Queue()
        self.shown: dict[str, asyncio.Future[str]] = {}
        self.numbers = itertools.count(1)

    async def call(self, name: str, arguments: dict) -> str:
        number = f"toolu_{next(self.numbers)}"
        self.shown[number] = asyncio.get_running_loop().create_future()
        block = {"type": "tool_use", "id": number, "name": PREFIX + name, "input": arguments}
        await self.calls.put(block)
        return await self.shown[number]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode().lower().split("\r\n")
                length = next((int(line.split(":")[1]) for line in lines if line.startswith("content-length:")), 0)
                body = await reader.readexactly(length)
                await self.answer(json.loads(body) if lines[0].startswith("post /v1/messages?") else None, writer)
        writer.close()

    async def answer(self, request: dict | None, writer: asyncio.StreamWriter) -> None:
        if request is None:
            writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            return await writer.drain()
        events = "".join(
            f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in self.events(await self.turn(request))
        ).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: {len(events)}\r\n\r\n"
        writer.write(head.encode() + events)
        await writer.drain()

    async def turn(self, request: dict) -> list[dict]:
        names = [tool["name"] for tool in request.get("tools", [])]
        if not names:
            return [{"type": "text", "text": "done"}]
        for message in request["messages"]:
            for block in message["content"] if isinstance(message["content"], list) else []:
                if block["type"] == "tool_result" and not self.shown[block["tool_use_id"]].done():
                    content = block["content"]
                    if isinstance(content, list):
                        content = "".join(each.get("text", "") for each in content)
                    self.shown[block["tool_use_id"]].set_result(content)
        if not self.tools.done():
            self.tools.set_result([name.removeprefix(PREFIX) for name in names if name.startswith(PREFIX)])
        blocks = [await self.calls.get()]
        # Calls that are made at once are in one turn.
        await asyncio.sleep(0.1)
        while not self.calls.empty():
            blocks.append(self.calls.get_nowait())
        return blocks

    def events(self, blocks: list[dict]) -> list[dict]:
        usage = {"input_tokens": 1, "output_tokens": 1}
        message = {"id": f"msg_{next(self.numbers)}", "type": "message", "role": "assistant", "model": "script"}
        start = {**message, "content": [], "stop_reason": None, "stop_sequence": None, "usage": usage}
        events = [{"type": "message_start", "message": start}]
        for index, block in enumerate(blocks):
            if block["type"] == "text":
                empty, delta = {"text": ""}, {"type": "text_delta", "text": block["text"]}
            else:
                empty, delta = {"input": {}}, {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
            events += [
                {"type": "content_block_start", "index": index, "content_block": {**block, **empty}},
                {"type": "content_block_delta", "index": index, "delta": delta},
                {"type": "content_block_stop", "index": index},
            ]
        reason = "tool_use" if blocks[-1]["type"] == "tool_use" else "end_turn"
        events.append({"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None}, "usage": usage})
        return [*events, {"type": "message_stop"}]


async def started(home: str, *arguments: str, **environment: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        PROGRAM, *arguments, cwd=home, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={
            "HOME": home, "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "DISABLE_AUTOUPDATER": "1", "DISABLE_TELEMETRY": "1",
            "DISABLE_ERROR_REPORTING": "1", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "ENABLE_TOOL_SEARCH": "false",
            "NO_PROXY": "127.0.0.1", **environment,
        },
    )


@contextlib.asynccontextmanager
async def connect(url: str, headers: dict[str, str]):
    with tempfile.TemporaryDirectory(prefix="dw-claude-", ignore_cleanup_errors=True) as home:
        settings = Path(home) / ".claude.json"
        settings.touch(0o600)
        settings.write_text(json.dumps({"mcpServers": {"it": {"type": "http", "url": url, "headers": headers}}}))
        out, _ = await (await started(home, "mcp", "list")).communicate()
        line = next((each for each in out.decode().splitlines() if each.startswith("it: ")), out.decode())
        if "✔ Connected" not in line:
            raise NotConnected(line.partition(" - ")[2] or line)
        model = Model()
        server = await asyncio.start_server(model.serve, "127.0.0.1")
        address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        process = await started(
            home, "-p", "go", "--allowedTools", PREFIX[:-2], ANTHROPIC_BASE_URL=address, ANTHROPIC_API_KEY="of-nobody"
        )
        said = asyncio.create_task(process.communicate())
        try:
            await asyncio.wait([model.tools, said], return_when=asyncio.FIRST_COMPLETED)
            if not model.tools.done():
                raise NotConnected(said.result()[0].decode())
            yield model.tools.result(), model.call
            await model.calls.put({"type": "text", "text": "done"})
            await asyncio.wait_for(said, 10)
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
            server.close()


visiting.main(connect)
