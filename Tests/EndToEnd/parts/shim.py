"""`doorward stdio` as a client launches it: one JSON message a line, each with a deadline."""

import json
import os
import queue
import signal
import subprocess
import threading
import time
from typing import Any

from .processes import Failed, in_child
from .world import Desk

MODERN = "2026-07-28"
INITIALIZE = {
    "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "tests", "version": "1"},
}
META = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "tests", "version": "1"},
}


def launched(desk: Desk, *arguments: str) -> dict[str, Any]:
    """What a client's configuration says: the command, its arguments, and the little environment that it gets."""
    environment = {name: desk.environment[name] for name in ("HOME", "PATH", "DOORWARD_HOME")}
    return {"command": str(desk.world.programs / "doorward"), "args": ["stdio", *arguments], "env": environment}


class Shim:
    def __init__(
        self, desk: Desk, *arguments: str, environment: dict[str, str] | None = None, reads: bool = True
    ) -> None:
        command = launched(desk, *arguments)
        self.popen = subprocess.Popen(
            [command["command"], *command["args"]], env=command["env"] | (environment or {}), start_new_session=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=in_child,
        )
        self.lines: queue.Queue[bytes] = queue.Queue()
        self.words: list[str] = []
        self.seen: list[Any] = []
        self.next = 0
        threading.Thread(target=self._read, args=(self.popen.stderr, self._word), daemon=True).start()
        if reads:
            self.read_on()

    def read_on(self) -> None:
        """Reads what it says, from now on."""
        threading.Thread(target=self._read, args=(self.popen.stdout, self.lines.put), daemon=True).start()

    def __enter__(self) -> "Shim":
        return self

    def __exit__(self, *_: object) -> None:
        if self.popen.poll() is None:
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait()

    @staticmethod
    def _read(stream: Any, take: Any) -> None:
        for line in stream:
            take(line)

    def _word(self, line: bytes) -> None:
        self.words.append(line.decode().rstrip("\n"))

    def send(self, message: Any) -> None:
        """Sends a message, or bytes as they are."""
        data = message if isinstance(message, bytes) else json.dumps(message).encode() + b"\n"
        self.popen.stdin.write(data)
        self.popen.stdin.flush()

    def read(self, seconds: float = 20) -> Any:
        """The next message; it must be one line of JSON."""
        try:
            line = self.lines.get(timeout=seconds)
        except queue.Empty:
            raise Failed(f"no message within {seconds:g} s; it said {self.words}") from None
        assert line.endswith(b"\n")
        return json.loads(line)

    def silent(self, seconds: float = 0.5) -> None:
        """Nothing comes for a while."""
        try:
            raise Failed(f"there came {self.lines.get(timeout=seconds)!r}")
        except queue.Empty:
            return

    def begin(self, method: str, params: dict[str, Any] | None = None, modern: bool = False) -> int:
        """Sends a request; its id."""
        self.next += 1
        params = dict(params or {})
        if modern:
            params["_meta"] = META | params.get("_meta", {})
        self.send({"jsonrpc": "2.0", "id": self.next, "method": method, "params": params})
        return self.next

    def answer(self, id: Any, seconds: float = 20) -> Any:
        """The answer to a request; what comes before it is kept in `seen`."""
        deadline = time.monotonic() + seconds
        while True:
            message = self.read(max(0.1, deadline - time.monotonic()))
            if message.get("id") == id and "method" not in message:
                return message
            self.seen.append(message)

    def ask(self, method: str, params: dict[str, Any] | None = None, modern: bool = False, seconds: float = 20) -> Any:
        return self.answer(self.begin(method, params, modern), seconds)

    def call(self, tool: str, modern: bool = False, seconds: float = 20, **arguments: Any) -> Any:
        return self.ask("tools/call", {"name": tool, "arguments": arguments}, modern, seconds)

    def notify(self, method: str, params: dict[str, Any] | None = None) -> None:
        self.send({"jsonrpc": "2.0", "method": method, "params": params or {}})

    def initialize(self, **capabilities: Any) -> Any:
        welcome = self.ask("initialize", INITIALIZE | {"capabilities": capabilities})
        self.notify("notifications/initialized")
        return welcome

    def end(self, seconds: float = 5) -> int:
        """Closes standard input, and waits for the end; its exit status."""
        self.popen.stdin.close()
        return self.popen.wait(seconds)
