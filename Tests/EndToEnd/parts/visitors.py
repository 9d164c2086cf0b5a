"""Clients that people have, each a program of `clients/`, and what each shows.

How such a program is spoken to is said in `clients/visiting.py`."""

import json
import os
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any

from .processes import Failed, in_child

Step = tuple[str, str]


class Visitor:
    """A client that is told of some servers, lists their tools, and makes its calls when it is told to."""

    def __init__(self, name: str, python: Path, program: Path, log: Path, **environment: str) -> None:
        self.name = name
        self.log = log
        self.steps: dict[Step, list[dict[str, Any]]] = {}
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                [str(python), "-B", str(program)], text=True, start_new_session=True, preexec_fn=in_child,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=file,
                env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": "/nonexistent", **environment},
            )

    def __enter__(self) -> "Visitor":
        return self

    def __exit__(self, *_: object) -> None:
        """Whatever became of it, nothing of it stays: its children are in its group."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.communicate()

    def told(self, plan: list[dict[str, Any]]) -> None:
        self._say(json.dumps(plan))

    def listed(self, seconds: float = 60) -> None:
        """Waits until it has listed what there is."""
        self._hear(seconds, until="listed")

    def goes_on(self) -> None:
        self._say("")

    def done(self, seconds: float = 60) -> dict[Step, list[dict[str, Any]]]:
        """What it showed, by the server's name in the plan and the step."""
        self._hear(seconds)
        if self.process.wait(5) != 0:
            raise Failed(f"{self.name} ended with status {self.process.returncode}: {self.log.read_text()[-2000:]}")
        return self.steps

    def _say(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def _hear(self, seconds: float, until: str | None = None) -> None:
        assert self.process.stdout is not None
        # A client that says nothing more is ended, and so the reading ends.
        timer = threading.Timer(seconds, lambda: os.killpg(self.process.pid, signal.SIGKILL))
        timer.start()
        try:
            for line in self.process.stdout:
                facts = json.loads(line)
                if facts["step"] == until:
                    return
                self.steps.setdefault((facts.get("case", ""), facts["step"]), []).append(facts)
        finally:
            timer.cancel()
        if until is not None:
            raise Failed(f"{self.name} ended before it had {until}: {self.log.read_text()[-2000:]}")
