"""The whole life of a machine, again and again, with everything in the middle that ends a conversation of C libraries early:
keyrings that hang, lock and vanish, servers that hang, commands that are ended by a signal.

usage: rounds.py PROGRAMS [--rounds N] [--slow] [--seed N]

A command may fail; it may not die. What a sanitizer has to say is in its own reports (packaging/dev.d/sanitize.sh).
"""

import argparse
import concurrent.futures
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Tests" / "EndToEnd"))
sys.dont_write_bytecode = True

from parts import http  # noqa: E402
from parts.processes import Failed, wait_for  # noqa: E402
from parts.world import Answer, Desk, Server, World  # noqa: E402

LIFETIME = 2
POLICY = """\
version: 1
roles: { all: { grant: [{ server: protected }] } }
bind: [{ everyone: true, role: all }]
"""
# What ends a command by its own will: done, failed, bad usage, needs the user.
ENDS = {0, 1, 2, 3}


class Died(Exception):
    """A program ended in an unexpected way."""


class Rounds:
    def __init__(self, world: World, chance: random.Random, slow: bool) -> None:
        self.world = world
        self.chance = chance
        # Under valgrind a command takes seconds.
        self.slow = slow
        self.commands = 0

    def start(self) -> None:
        world = self.world
        world.coordinator.init()
        world.coordinator.start()
        self.owner = world.desk("owner")
        self.owner.login(world.coordinator.facts["token"])
        self.owner.start_agent()
        self.authorization = world.server("authorization", "authorization_server", "--lifetime", str(LIFETIME))
        self.protected: Server = world.server("protected", "mcp_server", "--issuer", self.authorization.facts["issuer"])
        self.owner.add_server("protected", self.protected.url, "--auth", "oauth")
        self.owner.policy(POLICY)

    def command(self, desk: Desk, *arguments: str, input: str | None = None) -> Answer:
        answer = desk.doorward(*arguments, input=input, check=False, seconds=180)
        self.commands += 1
        if answer.status not in ENDS:
            raise Died(f"doorward {' '.join(arguments)}: status {answer.status}\n{answer.out}\n{answer.error[-3000:]}")
        return answer

    def token(self) -> str:
        return self.owner.doorward("admin", "invite", f"{time.monotonic_ns()}@example.com", seconds=180).json["token"]

    def login(self, desk: Desk, token: str) -> Answer:
        return self.command(desk, "login", self.world.coordinator.url, "--token-file", "-", input=token + "\n")

    def ended(self, desk: Desk, *arguments: str, input: str | None = None) -> None:
        """A command that a signal ends somewhere."""
        process = subprocess.Popen(
            [str(self.world.programs / "doorward"), *arguments, "--json"], env=desk.environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        by = self.chance.choice([signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
        timer = threading.Timer(self.chance.uniform(0, 20 if self.slow else 0.6), process.send_signal, [by])
        timer.start()
        try:
            out, error = process.communicate(input, timeout=180)
        except subprocess.TimeoutExpired:
            process.kill()
            raise Died(f"doorward {' '.join(arguments)} does not end") from None
        finally:
            timer.cancel()
        self.commands += 1
        if process.returncode not in ENDS | {-by, 128 + by}:
            raise Died(f"doorward {' '.join(arguments)}: status {process.returncode}\n{out}\n{error[-3000:]}")

    @contextlib.contextmanager
    def thawing(self, desk: Desk, seconds: float):
        """The keyring hangs for so long, or until the block ends."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(desk.keyring.frozen())
            timer = threading.Timer(seconds, stack.pop_all().close)
            timer.start()
            yield
            timer.join()

    # MARK: What can happen

    def in_and_out(self, desk: Desk) -> None:
        """Login and logout, a few times, while other commands come and go."""
        for _ in range(1 if self.slow else 5):
            token = self.token()
            with concurrent.futures.ThreadPoolExecutor(3) as pool:
                others = [pool.submit(self.command, desk, "status") for _ in range(2)]
                self.login(desk, token)
                for other in others:
                    other.result()
            self.command(desk, "logout")

    def signals(self, desk: Desk) -> None:
        """Logins and logouts that are ended in the middle; the last one ends well."""
        for _ in range(2 if self.slow else 6):
            self.ended(desk, "login", self.world.coordinator.url, "--token-file", "-", input=self.token() + "\n")
            self.ended(desk, "logout")
        self.command(desk, "logout", "--offline")

    def hanging(self, desk: Desk) -> None:
        """A keyring that hangs for a while when a user logs in, and for longer than any caller waits."""
        for seconds in (self.chance.uniform(0, 2), 9):
            with self.thawing(desk, seconds):
                self.login(desk, self.token())
            self.command(desk, "logout")

    def odd(self, desk: Desk) -> None:
        """Keyrings with odd habits, in the middle of a login."""
        for habit, value in (
            ("prompt", "dismiss"), ("prompt", "odd"), ("prompt", "vanish"), ("garble", "1"), ("hang", "GetSecret"),
            ("odd", "SearchItems"),
        ):
            if self.slow and self.chance.random() < 0.6:
                continue
            habits = {habit: value} | ({"locked": "1"} if habit == "prompt" else {})
            desk.keyring.start_fake(**habits)
            self.login(desk, self.token())
            self.command(desk, "logout", "--offline")

    def life(self, desk: Desk) -> None:
        """Everything that a user does, with a keyring and servers that stop in the middle."""
        if self.login(desk, self.token()).status != 0:
            raise Failed("a login at a keyring that is well did not work")
        desk.start_agent()
        bearer = desk.client("rounds")
        url = desk.url("protected")

        def call(seconds: float = 120) -> dict:
            return http.call(url, bearer, "echo", {"text": "a"}, seconds=seconds)

        def calls(count: int) -> None:
            with concurrent.futures.ThreadPoolExecutor(count) as pool:
                list(pool.map(lambda _: call(), range(count)))

        def works() -> None:
            wait_for("a call to work", lambda: "result" in call(), 120, every=0.3)

        self.sign_in(desk)
        works()
        steps: dict[str, Callable[[], object]] = {
            # Tokens that expire while the keyring is locked, hangs, or is gone with its bus.
            "locked": lambda: (desk.keyring.lock(), time.sleep(LIFETIME), calls(5), desk.keyring.unlock()),
            "hanging for a while": lambda: self.hung(desk, 3, calls),
            "hanging for long": lambda: self.hung(desk, 9, calls),
            "without a bus": lambda: self.without_bus(desk, calls),
            # Sign-in servers that answer badly, late, or not at all.
            **{f"answered {kind}": lambda kind=kind: self.refused(kind, calls) for kind in ("html", "unavailable", "limited")},
            "no sign-in server": lambda: self.away(self.authorization, calls),
            "no server": lambda: self.away(self.protected, calls),
            "no coordinator": lambda: self.without_coordinator(desk, calls),
            # Clients that leave while a token is refreshed.
            "impatient": lambda: (time.sleep(LIFETIME), self.impatient(url, bearer)),
            "anew": lambda: (self.command(desk, "disconnect", "protected"), self.sign_in(desk)),
            "restart": lambda: (desk.stop_agent(), desk.start_agent()),
        }
        names = self.chance.sample(list(steps), 5 if self.slow else len(steps))
        for name in names:
            try:
                steps[name]()
                if not desk.agent.running():
                    raise Died(f"the agent has ended: {desk.agent.words()[-3000:]}")
                if desk.servers()["protected"]["state"] == "needs_sign_in":
                    self.sign_in(desk)
                works()
            except Failed as error:
                raise Failed(f"{name} (after {names}): {error}\n{call()}\n{desk.agent.words()[-3000:]}") from None
        self.command(desk, "disconnect", "protected")
        self.command(desk, "logout")
        check_leaks(desk.agent.pid)
        desk.stop_agent()

    def sign_in(self, desk: Desk) -> None:
        if desk.connect("protected")["state"] != "up":
            raise Failed("signing in did not work")

    def hung(self, desk: Desk, seconds: float, calls: Callable[[int], None]) -> None:
        time.sleep(LIFETIME)
        with self.thawing(desk, seconds):
            calls(5)

    def without_bus(self, desk: Desk, calls: Callable[[int], None]) -> None:
        desk.keyring.stop_bus()
        time.sleep(LIFETIME)
        calls(3)
        # The next bus has another address.
        desk.keyring.start()
        desk.stop_agent()
        desk.start_agent()

    def refused(self, kind: str, calls: Callable[[int], None]) -> None:
        self.authorization.tell("fault", {"kind": kind, "times": 2})
        time.sleep(LIFETIME)
        calls(3)

    def away(self, server: Server, calls: Callable[[int], None]) -> None:
        """A server that is stopped like a process: it takes connections, and answers nothing."""
        assert server.process is not None
        time.sleep(LIFETIME)
        server.process.popen.send_signal(signal.SIGSTOP)
        timer = threading.Timer(4, server.process.popen.send_signal, [signal.SIGCONT])
        timer.start()
        try:
            calls(3)
        finally:
            timer.join()

    def without_coordinator(self, desk: Desk, calls: Callable[[int], None]) -> None:
        self.world.coordinator.process.kill()
        self.command(desk, "admin", "users")
        calls(2)
        self.world.coordinator.start()

    def impatient(self, url: str, bearer: str) -> None:
        for _ in range(5):
            with contextlib.suppress(OSError):
                http.call(url, bearer, "echo", {"text": "a"}, seconds=self.chance.uniform(0.01, 0.2))


def check_leaks(pid: int) -> None:
    """Has a program under AddressSanitizer look for unreachable memory (leaks.c); others have no such thing."""
    for line in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
        name, _, marks = line.decode().partition("=")
        if name == "DOORWARD_LEAKS":
            os.kill(pid, signal.SIGRTMIN + 3)
            wait_for("the look for leaks", Path(f"{marks}.{pid}").exists, 60)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--slow", action="store_true", help="fewer steps, more time for each")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    world = World(options.programs.resolve())
    rounds = Rounds(world, chance, options.slow)
    try:
        rounds.start()
        for number in range(options.rounds):
            for step in (rounds.in_and_out, rounds.signals, rounds.hanging, rounds.odd, rounds.life):
                begin = time.monotonic()
                desk = world.desk(f"{step.__name__.replace('_', '-')}-{number}")
                step(desk)
                print(f"  round {number + 1}: {step.__name__}, {time.monotonic() - begin:.0f} s", flush=True)
                desk.keyring.stop_daemon()
                desk.keyring.stop_bus()
        check_leaks(rounds.owner.agent.pid)
        check_leaks(world.coordinator.process.pid)
        print(json.dumps({"rounds": options.rounds, "commands": rounds.commands}))
        return 0
    except (Died, Failed) as error:
        print(f"rounds: {error}", file=sys.stderr)
        return 1
    finally:
        world.close()
        world.remove()


if __name__ == "__main__":
    sys.exit(main())
