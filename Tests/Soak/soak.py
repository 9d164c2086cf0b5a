"""Every known abuser at once, and one well-behaved client beside them, for as long as is asked.

usage: soak.py PROGRAMS [--minutes M] [--json]

One client calls a healthy server fifty times a second, first alone and then among clients and servers that do what they
should not: requests whose answers nobody reads, calls that are denied, ports that swallow connections, events that never
end, sessions without number, bodies in the smallest chunks. Each abuser is a bounded loop on loopback that runs while
nobody else wants the core, since the cores are shared with what is measured; what that sharing costs all the same is
measured too, by the same calls past the agent.
In the end the agent must have less than 200 MB, and the slowest hundredth of all the client's calls must be under twice what
it was alone, or under twice what it is past the agent where the cores cost more than that; exit status 1 otherwise. What is
printed on the way is the slowest hundredth of twenty seconds, ten calls: there one moment of a busy machine shows.
"""

import argparse
import contextlib
import json
import multiprocessing
import os
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Tests" / "EndToEnd"))
sys.dont_write_bytecode = True

import hostile  # noqa: E402
from parts.world import World  # noqa: E402

POLICY = """\
version: 1
roles:
  everybody:
    grant:
      - { server: good, tools: ["echo"] }
      - { server: swallow }
      - { server: endless }
      - { server: handshake }
bind: [{ everyone: true, role: everybody }]
"""
MOST_MEMORY = 200 << 20
QUIET_SECONDS = 20
PERIOD = 0.02


def well_behaved(port: int, bearer: str, seconds: float, results: "multiprocessing.Queue") -> None:
    """Calls at a steady pace on one connection; puts the milliseconds of each call, and how many were not answered well."""
    times: list[float] = []
    bad = 0
    request = hostile.call(port, bearer, "good", "echo")
    connection = socket.create_connection(("127.0.0.1", port), timeout=30)
    end = time.monotonic() + seconds
    due = time.monotonic()
    while time.monotonic() < end:
        due += PERIOD
        began = time.perf_counter()
        try:
            connection.sendall(request)
            bad += b'"result"' not in hostile.answer(connection)
        except OSError:
            bad += 1
            connection.close()
            connection = socket.create_connection(("127.0.0.1", port), timeout=30)
        times.append((time.perf_counter() - began) * 1000)
        time.sleep(max(0.0, due - time.monotonic()))
    results.put((times, bad))


def measure(port: int, bearer: str, seconds: float) -> tuple[list[float], int]:
    """The milliseconds of each call, and how many had no good answer."""
    results: multiprocessing.Queue = multiprocessing.Queue()
    process = multiprocessing.Process(target=well_behaved, args=(port, bearer, seconds, results))
    process.start()
    found = results.get(timeout=seconds + 60)
    process.join()
    return found


def slowest_hundredth(times: list[float]) -> float:
    return sorted(times)[int(len(times) * 0.99)]


def resident(pid: int) -> int:
    with open(f"/proc/{pid}/statm") as numbers:
        return int(numbers.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def quietly(body: Callable[..., None], *arguments: object) -> None:
    """Runs an abuser until it is ended; the agent may close any of its connections."""
    hostile.stand_back()
    while True:
        with contextlib.suppress(OSError):
            body(*arguments)
        time.sleep(0.05)


def start(body: Callable[..., None], *arguments: object) -> multiprocessing.Process:
    process = multiprocessing.Process(target=quietly, args=(body, *arguments), daemon=True)
    process.start()
    return process


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", type=Path)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    multiprocessing.set_start_method("fork")
    world = World(options.programs)
    abusers: list[multiprocessing.Process] = []
    try:
        servers = hostile.Servers()
        world.coordinator.init()
        world.coordinator.start()
        desk = world.desk()
        desk.login(world.coordinator.facts["token"])
        desk.start_agent()
        for alias, url in servers.urls.items():
            # Nobody has to find out what these few lines of a server speak.
            desk.add_server(alias, url, "--era", "handshake" if alias == "handshake" else "modern")
        desk.policy(POLICY)
        bearer = desk.client("well-behaved")
        bad = desk.client("abuser")
        measure(desk.port, bearer, 3)
        quiet = slowest_hundredth(measure(desk.port, bearer, QUIET_SECONDS)[0])
        print(f"alone: slowest hundredth {quiet:.2f} ms", file=sys.stderr)
        abusers = [start(body, desk.port, bad) for body in hostile.ABUSERS]
        most = failed = 0
        times: list[float] = []
        past: list[float] = []
        end = time.monotonic() + options.minutes * 60
        while time.monotonic() < end:
            seconds = min(QUIET_SECONDS, max(5.0, end - time.monotonic()))
            # What the cores cost when so many processes share them: the same calls past the agent.
            past += (now_past := measure(servers.ports["good"], bearer, 5)[0])
            now, wrong = measure(desk.port, bearer, seconds)
            times += now
            memory = resident(desk.agent.pid)
            most, failed = max(most, memory), failed + wrong
            print(
                f"among abusers: slowest hundredth {slowest_hundredth(now):.2f} ms of {len(now)} calls "
                f"({slowest_hundredth(now_past):.2f} ms past the agent), "
                f"{wrong} without a good answer; the agent has {memory >> 20} MB",
                file=sys.stderr, flush=True,
            )
        among, beside = slowest_hundredth(times), slowest_hundredth(past)
        facts = {
            "calls": len(times), "quiet_p99_ms": round(quiet, 3), "p99_ms": round(among, 3),
            "p99_ms_past_the_agent": round(beside, 3), "failed": failed, "most_memory": most,
            "ok": failed == 0 and most < MOST_MEMORY and among < 2 * max(quiet, beside),
        }
        print(json.dumps(facts) if options.json else "  ".join(f"{name}: {value}" for name, value in facts.items()))
        return 0 if facts["ok"] else 1
    finally:
        for process in abusers:
            process.kill()
        world.close()
        world.remove()


if __name__ == "__main__":
    sys.exit(main())
