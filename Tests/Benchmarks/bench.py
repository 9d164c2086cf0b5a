"""The agent beside nginx and beside no hop at all, measured in one interleaved run on the same cores.

usage: bench.py PROGRAMS [--against FOLDER] [--parts PART,...] [--processes N] [--seconds S]

A fast upstream (nginx answering from memory) is called by wrk: directly, through nginx as a plain reverse proxy (one
worker, keep-alive), and through the agent with policy, limits and audit on. nginx forwards and does none of that. Each
of the N processes of either kind is a fresh one, because one process differs from the next by more than one run does.
With --against the agent and the coordinator of another build take their turns in the same rounds.

The parts, of which all are measured unless some are named:

calls     throughput, latency and processor of a call, with the coordinator away: in life it has a machine of its own,
          and here it would take its share of the same cores in whichever run comes next
tls       the same over an upstream with TLS 1.3, for nginx and the agent alike
shipping  throughput and latency while the agent ships, and the coordinator stores, on the same cores
records   the processor that each record costs the agent and the coordinator beside the call: records pile up, and are
          then shipped while nothing else happens
reports   the processor for each record, and the memory, to make a report of all records so far and to verify it
"""

import argparse
import os
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Tests" / "EndToEnd"))
sys.dont_write_bytecode = True

from parts.processes import Failed  # noqa: E402
from parts.world import World  # noqa: E402

from build import Build  # noqa: E402
from measure import cpu, memory, wrk  # noqa: E402
from nginx import Proxy, Upstream  # noqa: E402
from table import Table  # noqa: E402

SIZES = {"300 B": (300, "small"), "16 KB": (16_384, "large")}
PARTS = ("calls", "tls", "shipping", "records", "reports")
PERCENTILES = ("p50", "p99")


class Bench:
    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.world = World(options.programs.resolve())
        self.worlds = {"agent": self.world}
        if options.against:
            self.worlds["against"] = World(options.against.resolve())
        self.ways = ["direct", "nginx", *self.worlds]
        self.table = Table(self.ways)
        self.environment = self.world.environment(self.world.folder / "home", self.world.folder / "run")

    def run(self) -> None:
        self.upstream = Upstream(self.world)
        self.builds = {name: Build(name, world, self.upstream) for name, world in self.worlds.items()}
        for build in self.builds.values():
            build.prepare()
        for number in range(self.options.processes):
            print(f"process {number + 1} of {self.options.processes} ...", file=sys.stderr, flush=True)
            self.one_process(number)

    def one_process(self, number: int) -> None:
        begin = time.monotonic()
        self.proxy = Proxy(self.world, f"proxy-{number}", self.upstream)
        self.table.note("nginx", "start to ready, ms", (time.monotonic() - begin) * 1000)
        self.authorization = {name: build.enrol(f"bench-{number}") for name, build in self.builds.items()}
        self.served = dict.fromkeys(self.builds, 0.0)
        for name, build in self.builds.items():
            build.stop_coordinator()
            self.table.note(name, "start to ready, ms", build.restart())
        time.sleep(1)
        self.weigh("nginx", self.proxy.process.pid, "idle")
        for name, build in self.builds.items():
            self.weigh(name, build.pid, "idle")
        for part in self.options.parts:
            if part == "calls":
                self.calls("plain")
            elif part == "shipping":
                self.shipping()
            elif part == "records":
                self.records()
            elif part == "reports":
                for name, build in self.builds.items():
                    for quantity, value in build.report().items():
                        self.table.note(name, quantity, value)
                    build.stop_coordinator()
        for name, build in self.builds.items():
            self.weigh(name, build.pid, "in the end")
            self.check(name)
        if "tls" in self.options.parts:
            for build in self.builds.values():
                build.restart(trusts_upstream=True)
            self.calls("tls")
            for name in self.builds:
                self.check(name)
        for build in self.builds.values():
            build.close_agent()
        self.proxy.process.stop()

    def weigh(self, way: str, pid: int, when: str) -> None:
        self.table.note(way, f"memory {when}, MB", memory(pid))
        self.table.note(way, f"memory {when}, without programs, MB", memory(pid, "Pss_Anon"))

    def check(self, name: str) -> None:
        self.builds[name].check(self.served[name])
        self.served[name] = 0

    # The parts

    def calls(self, transport: str) -> None:
        for way in self.ways:
            self.call(way, transport, "300 B", 32, 1)  # warm
        self.throughput(f"{transport} ", transport, self.ways)
        for size in SIZES:
            for way in self.ways:
                self.latency(f"{transport} ", way, transport, size)

    def shipping(self) -> None:
        for name, build in self.builds.items():
            # The others are at rest meanwhile, and their coordinators away.
            build.start_coordinator()
            build.desk.countersigned(120)
            ways = ["nginx", name]
            for way in ways:
                self.call(way, "plain", "300 B", 32, 1)
            build.desk.countersigned(120)
            served, agent, coordinator = self.served[name], build.cpu_beside_calls, cpu(build.coordinator_pid)
            self.throughput("shipping ", "plain", ways)
            build.desk.countersigned(120)
            records = 2 * (self.served[name] - served)
            self.table.note(name, "shipping agent, us a record", (build.cpu_beside_calls - agent) / records * 1e6)
            self.table.note(
                name, "shipping coordinator, us a record", (cpu(build.coordinator_pid) - coordinator) / records * 1e6
            )
            for way in ways:
                self.latency("shipping ", way, "plain", "300 B")
            build.desk.countersigned(120)
            build.stop_coordinator()

    def records(self) -> None:
        for name, build in self.builds.items():
            # Not what another part has left behind.
            build.ship()
            build.stop_coordinator()
            hashed = build.cpu_beside_calls
            calls = self.call(name, "plain", "300 B", 32, self.options.seconds)["calls"]
            time.sleep(1)
            hashed = build.cpu_beside_calls - hashed
            count, agent, coordinator = build.ship()
            if count < 2 * calls:
                raise Failed(f"{calls:.0f} calls left {count} records")
            self.table.note(name, "hashed, us a record", hashed / count * 1e6)
            self.table.note(name, "shipped, us a record", agent / count * 1e6)
            self.table.note(name, "stored, us a record", coordinator / count * 1e6)
            build.stop_coordinator()

    # One quantity

    def call(self, way: str, transport: str, size: str, connections: int, seconds: float) -> dict[str, float]:
        length, path = SIZES[size]
        source = {"direct": self.upstream, "nginx": self.proxy, **self.builds}[way]
        authorization = self.authorization.get(way, self.authorization["agent"])
        result = wrk(source.url(transport, path), length, connections, seconds, authorization, self.environment)
        if way in self.served:
            self.served[way] += result["calls"]
        return result

    def throughput(self, label: str, transport: str, ways: list[str]) -> None:
        pids = {"nginx": [self.proxy.process.pid]}
        for name, build in self.builds.items():
            pids[name] = [build.pid, build.coordinator_pid] if build.coordinator_runs else [build.pid]
        # In turns of a second: the machine's own pace changes from one to the next.
        turns = max(1, round(self.options.seconds))
        calls, seconds, used = (dict.fromkeys(ways, 0.0) for _ in range(3))
        for way in ways * turns:
            before = sum(map(cpu, pids.get(way, [])))
            result = self.call(way, transport, "300 B", 32, self.options.seconds / turns)
            calls[way] += result["calls"]
            seconds[way] += result["seconds"]
            used[way] += sum(map(cpu, pids.get(way, []))) - before
        for way in ways:
            self.table.note(way, f"{label}calls per second", calls[way] / seconds[way])
            if way in pids:
                self.table.note(way, f"{label}CPU per call, us", used[way] / calls[way] * 1e6)

    def latency(self, label: str, way: str, transport: str, size: str) -> None:
        before = cpu(self.builds[way].pid) if way in self.builds else cpu(self.proxy.process.pid)
        result = self.call(way, transport, size, 1, self.options.seconds)
        after = cpu(self.builds[way].pid) if way in self.builds else cpu(self.proxy.process.pid)
        for which in PERCENTILES:
            self.table.note(way, f"{label}{which}, {size}", result[which])
        if way != "direct":
            self.table.note(way, f"{label}CPU at 1 connection, {size}", (after - before) / result["calls"] * 1e6)

    # What was found

    def print(self) -> None:
        table = self.table
        for part, transport in (("calls", "plain"), ("tls", "tls")):
            if part not in self.options.parts:
                continue
            table.head("An upstream over TLS 1.3" if part == "tls" else "A plain upstream")
            table.row(f"{transport} calls per second", "calls per second, 32 connections")
            table.row(f"{transport} CPU per call, us", "CPU per call, 32 connections, us")
            for size in SIZES:
                table.row(f"{transport} CPU at 1 connection, {size}", f"CPU per call, 1 connection, {size}, us")
                for which in PERCENTILES:
                    table.row(f"{transport} {which}, {size}", f"{which} at 1 connection, {size}, us")
                table.added(f"{transport} p50, {size}", f"added to p50, {size}, us")
        if "shipping" in self.options.parts:
            table.head("The coordinator on the same cores")
            table.row("shipping calls per second", "calls per second, 32 connections")
            table.row("shipping CPU per call, us", "CPU of both per call, us")
            table.row("shipping agent, us a record", "agent beside its calls, us a record")
            table.row("shipping coordinator, us a record", "coordinator, us a record")
            for which in PERCENTILES:
                table.row(f"shipping {which}, 300 B", f"{which} at 1 connection, 300 B, us")
        if "records" in self.options.parts:
            table.head("Each record, two a call, us of CPU")
            table.row("hashed, us a record", "agent: made durable and hashed")
            table.row("shipped, us a record", "agent: read, proven, signed, shipped")
            table.row("stored, us a record", "coordinator: verified and stored")
        if "reports" in self.options.parts:
            table.head("A report of all records")
            table.row("made, us a record", "coordinator: made, us a record")
            table.row("received, us a record", "command: received, us a record")
            table.row("to receive, MB", "command: most memory, MB")
            table.row("verified, us a record", "verifier: us a record")
            table.row("to verify, MB", "verifier: most memory, MB")
        table.head("The programs")
        table.row("start to ready, ms")
        for when in ("idle", "in the end"):
            table.row(f"memory {when}, MB")
            table.row(f"memory {when}, without programs, MB")
        print(f"\nMedians over {self.options.processes} processes of each, {self.options.seconds:g} s a run, interleaved; "
              f"{os.cpu_count()} cores. The agent had policy, limits and audit on.")

    def close(self) -> None:
        for world in self.worlds.values():
            world.close()

    def remove(self) -> None:
        for world in self.worlds.values():
            world.remove()


def parts(text: str) -> list[str]:
    chosen = text.split(",")
    if unknown := set(chosen) - set(PARTS):
        raise argparse.ArgumentTypeError(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    return [part for part in PARTS if part in chosen]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", type=Path)
    parser.add_argument("--against", type=Path, help="a folder with the two programs of another build")
    parser.add_argument("--parts", type=parts, default=list(PARTS), help=", ".join(PARTS))
    parser.add_argument("--processes", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3)
    bench = Bench(parser.parse_args())
    try:
        bench.run()
        bench.print()
    except (Failed, OSError, LookupError, ValueError, AssertionError) as error:
        logs = ", ".join(str(world.processes.logs) for world in bench.worlds.values())
        print(f"The benchmark failed: {error}\nThe logs are in {logs}", file=sys.stderr)
        return 1
    finally:
        bench.close()
    bench.remove()
    return 0


if __name__ == "__main__":
    sys.exit(main())
