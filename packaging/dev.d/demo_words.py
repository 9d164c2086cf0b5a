"""How the demo says what it does."""

import shlex
import time


class Steps:
    """Says what happens, and how long it took."""

    def __init__(self) -> None:
        self.begin = self.last = time.monotonic()
        self.times: list[tuple[str, float]] = []

    def __call__(self, words: str) -> None:
        print(f"\n{words}", flush=True)

    def done(self, name: str) -> None:
        now = time.monotonic()
        self.times.append((name, now - self.last))
        self.last = now


def say(words: str) -> None:
    print(f"  {words}", flush=True)


def shown(*command: str) -> None:
    say(f"$ {' '.join(shlex.quote(each) for each in command)}")
