"""Commands that make a keyring ask, and a user who answers."""

import contextlib
import subprocess
from collections.abc import Callable

from .processes import Failed, wait_for
from .world import Answer, Desk


def answered(desk: Desk, command: list[str], answer: Callable[[], None]) -> Answer:
    """What a command says that makes the keyring of a desk show a window, for which `answer` does what its user would; one
    that asks nobody just ends."""
    windows = len(desk.keyring.windows)
    process = subprocess.Popen(
        [str(desk.world.programs / "doorward"), *command, "--json"], env=desk.environment, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )
    try:
        wait_for("a window", lambda: process.poll() is not None or len(desk.keyring.windows) > windows)
        # What is done before a window listens is lost.
        for _ in range(5):
            if process.poll() is None:
                with contextlib.suppress(Failed):
                    answer()
            with contextlib.suppress(subprocess.TimeoutExpired):
                out, error = process.communicate(timeout=3)
                return Answer(process.returncode, out, error)
        raise Failed(f"doorward {' '.join(command)} still waits; the windows are {desk.keyring.windows}")
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
