"""Starting programs so that none of them ever outlives the program that started it, and waiting for what they do."""

import ctypes
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1


class Failed(AssertionError):
    """Something did not happen; the message says what, with the end of the log that tells why."""


def wait_for(what: str, probe: Callable[[], Any], seconds: float = 20, every: float = 0.05) -> Any:
    """Asks `probe` until it gives something true and returns that; errors that it raises count as not yet."""
    deadline = time.monotonic() + seconds
    last: Exception | None = None
    while True:
        try:
            if result := probe():
                return result
        except (OSError, ValueError, KeyError, LookupError, Failed) as error:
            last = error
        if time.monotonic() > deadline:
            raise Failed(f"waited {seconds:g} s in vain for {what}" + (f" ({last!r})" if last else ""))
        time.sleep(every)


def in_child() -> None:
    # A test runner that is killed takes its children along; everything else is ended by `Processes.close`.
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Process:
    """A program that runs until it is told to end. Standard output and error go to a file, except a first line that
    the program prints when it is ready."""

    def __init__(
        self, name: str, arguments: list[str], environment: dict[str, str], log: Path, outlive: bool = False
    ) -> None:
        self.name = name
        self.log = log
        # A second start continues the log: the search for secrets reads all of it.
        with log.open("ab") as file:
            self.popen = subprocess.Popen(
                arguments, env=environment, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
                start_new_session=True, preexec_fn=None if outlive else in_child,
            )

    @property
    def pid(self) -> int:
        return self.popen.pid

    def running(self) -> bool:
        return self.popen.poll() is None

    def words(self) -> str:
        return self.log.read_text(errors="replace")

    def ready(self, probe: Callable[[], Any], seconds: float = 20) -> Any:
        """Waits until `probe` is true; gives up at once when the program ends."""

        def ask() -> Any:
            if not self.running():
                return "ended"
            return probe()

        try:
            result = wait_for(f"{self.name} to be ready", ask, seconds)
        except Failed as error:
            raise Failed(f"{error}\n{self.words()[-2000:]}") from None
        if result == "ended":
            raise Failed(f"{self.name} ended with status {self.popen.returncode}\n{self.words()[-2000:]}")
        return result

    def announced(self, seconds: float = 20) -> dict[str, Any]:
        """The JSON line that one of our own small servers prints when it is ready."""

        def line() -> Any:
            for text in self.words().splitlines():
                if text.startswith("{"):
                    return json.loads(text)
            return None

        return self.ready(line, seconds)

    def kill(self) -> None:
        """Ends it as a power cut would: no handler runs."""
        self._signal(signal.SIGKILL)
        self.popen.wait()

    def stop(self, seconds: float = 10) -> int:
        """Asks it to end, and insists after a while. The exit status."""
        self._signal(signal.SIGTERM)
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failed(f"{self.name} did not end within {seconds:g} s of SIGTERM") from None

    def _signal(self, number: signal.Signals) -> None:
        if self.running():
            os.killpg(self.pid, number)


class Processes:
    """All programs of one little world, ended last in, first out. With `outlive` they go on when the one who started
    them ends without closing."""

    def __init__(self, logs: Path, outlive: bool = False) -> None:
        self.logs = logs
        self.outlive = outlive
        logs.mkdir(parents=True, exist_ok=True)
        self.all: list[Process] = []

    def start(self, name: str, arguments: list[str], environment: dict[str, str]) -> Process:
        process = Process(name, [str(each) for each in arguments], environment, self.logs / f"{name}.log", self.outlive)
        self.all.append(process)
        return process

    def close(self) -> None:
        for process in reversed(self.all):
            try:
                process.stop(5)
            except (Failed, ProcessLookupError):
                pass
        self.all.clear()


def run(
    arguments: list[str], environment: dict[str, str], seconds: float = 60, input: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs a program to its end, in a process group of its own that ends with it."""
    process = subprocess.Popen(
        [str(each) for each in arguments], env=environment, text=True, start_new_session=True, preexec_fn=in_child,
        stdin=subprocess.PIPE if input is not None else subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )
    try:
        out, error = process.communicate(input, seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, error = process.communicate()
        raise Failed(f"{' '.join(map(str, arguments))} took longer than {seconds:g} s\n{out}\n{error}") from None
    return subprocess.CompletedProcess(arguments, process.returncode, out, error)
