"""The agent beside nginx and beside no hop at all, measured in one interleaved run on the same cores.

usage: bench.py PROGRAMS [--processes N] [--seconds S]

A fast upstream (nginx answering from memory) is called by wrk: directly, through nginx as a plain reverse proxy (one
worker, keep-alive), and through the agent with policy, limits and audit on. nginx forwards and does none of that. Each
of the N processes of either kind is a fresh one, because one process differs from the next by more than one run does.
The coordinator is away while the clock runs: in life it has a machine of its own, and here it would take its share of
the same two cores in whichever run comes next.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Tests" / "EndToEnd"))
sys.dont_write_bytecode = True

from parts import http  # noqa: E402
from parts.processes import Failed, Process, wait_for  # noqa: E402
from parts.world import World, free_port  # noqa: E402

POLICY = """\
version: 1
roles:
  everybody:
    grant:
      - { server: upstream-small, tools: ["get_*", "list_*", "echo"] }
      - { server: upstream-large, tools: ["get_*", "list_*", "echo"] }
bind:
  - { everyone: true, role: everybody }
forbid:
  - { tools: ["delete_*"], because: "deletions go through review" }
limits:
  - { per: user, tools: ["*"], rate: 1000000/s, burst: 1000000, concurrent: 1000 }
"""
COMMON = """\
worker_processes 1;
daemon off;
pid {folder}/{name}.pid;
error_log stderr crit;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
    client_max_body_size 8m;
    client_body_buffer_size 64k;
    client_body_temp_path {folder}/{name}-body;
    proxy_temp_path {folder}/{name}-proxy;
    fastcgi_temp_path {folder}/{name}-fastcgi;
    uwsgi_temp_path {folder}/{name}-uwsgi;
    scgi_temp_path {folder}/{name}-scgi;
    tcp_nodelay on;
{rest}
}}
"""
# The answer is put together from one variable, since a word of nginx's language has at most 4 kB.
UPSTREAM = """\
    map $uri $filling {{ default "{filling}"; }}
    server {{
        listen 127.0.0.1:{port};
        default_type application/json;
        location /small {{ return 200 '{{"jsonrpc":"2.0","id":1,"result":{{"resultType":"complete","content":[{{"type":"text","text":"{small}"}}],"isError":false}}}}'; }}
        location /large {{ return 200 '{{"jsonrpc":"2.0","id":1,"result":{{"resultType":"complete","content":[{{"type":"text","text":"$filling$filling$filling$filling$filling$filling$filling$filling"}}],"isError":false}}}}'; }}
    }}
"""
PROXY = """\
    upstream fast {{ server 127.0.0.1:{upstream}; keepalive 64; keepalive_requests 1000000000; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://fast;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffers 16 16k;
            proxy_buffer_size 16k;
        }}
    }}
"""
SIZES = {"300 B": (300, "small"), "16 KB": (16_384, "large")}
WAYS = ("direct", "nginx", "agent")


def tree(pid: int) -> list[int]:
    """A process and everything below it."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(each for child in children for each in tree(int(child)))]


def cpu(pid: int) -> float:
    """Seconds of processor that a process and its children have used."""
    ticks = 0
    for each in tree(pid):
        fields = Path(f"/proc/{each}/stat").read_text().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def memory(pid: int) -> float:
    """Megabytes that a process and its children hold, shared pages divided among their holders."""
    total = 0
    for each in tree(pid):
        total += int(re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{each}/smaps_rollup").read_text(), re.MULTILINE).group(1))
    return total / 1024


class Bench:
    def __init__(self, programs: Path, processes: int, seconds: float) -> None:
        self.world = World(programs)
        self.processes = processes
        self.seconds = seconds
        self.environment = self.world.environment(self.world.folder / "home", self.world.folder / "run")
        # way -> name of a number -> one value for each process
        self.numbers: dict[str, dict[str, list[float]]] = {way: {} for way in WAYS}

    def nginx(self, name: str, text: str, port: int) -> Process:
        path = self.world.folder / f"{name}.conf"
        path.write_text(COMMON.format(folder=self.world.folder, name=name, rest=text))
        process = self.world.processes.start(name, ["nginx", "-p", str(self.world.folder), "-c", str(path)], self.environment)
        process.ready(lambda: http.get(f"http://127.0.0.1:{port}/small").status, 10)
        return process

    def wrk(
        self, url: str, size: int, connections: int, authorization: Path | None, seconds: float | None = None
    ) -> dict[str, float]:
        command = [
            "wrk", "-t1", f"-c{connections}", f"-d{seconds or self.seconds:g}s", "--latency",
            "-s", str(ROOT / "Tests/Benchmarks/call.lua"), url, "--", str(size),
        ]
        if authorization:
            command.append(str(authorization))
        done = subprocess.run(command, capture_output=True, text=True, env=self.environment, check=False)
        found = re.search(r"^RESULT (.*)$", done.stdout, re.MULTILINE)
        if not found:
            raise Failed(f"wrk: {done.stdout}{done.stderr}")
        result = json.loads(found.group(1))
        if result["errors"]:
            raise Failed(f"{result['errors']} of {result['calls']} calls to {url} failed")
        return result

    def note(self, way: str, name: str, value: float) -> None:
        self.numbers[way].setdefault(name, []).append(value)

    def run(self) -> None:
        upstream = free_port()
        self.nginx("upstream", UPSTREAM.format(port=upstream, filling="x" * 2048, small="x" * 180), upstream)
        self.world.coordinator.init()
        self.world.coordinator.start()
        self.owner = self.world.desk("owner")
        self.owner.login(self.world.coordinator.facts["token"])
        for size in ("small", "large"):
            self.owner.add_server(f"upstream-{size}", f"http://127.0.0.1:{upstream}/{size}")
        self.owner.policy(POLICY)
        for number in range(self.processes):
            self.one_process(number, upstream)

    def one_process(self, number: int, upstream: int) -> None:
        print(f"process {number + 1} of {self.processes} ...", file=sys.stderr, flush=True)
        port = free_port()
        begin = time.monotonic()
        proxy = self.nginx(f"proxy-{number}", PROXY.format(port=port, upstream=upstream), port)
        self.note("nginx", "start to ready, ms", (time.monotonic() - begin) * 1000)

        if not self.world.coordinator.process.running():
            self.world.coordinator.start()
        token = self.owner.doorward("admin", "invite", f"bench{number}@example.com").json["token"]
        desk = self.world.desk(f"bench-{number}")
        desk.login(token)
        desk.start_agent()
        wait_for("the servers to arrive", lambda: len(desk.servers()) == 2)
        authorization = desk.folder / "authorization"
        authorization.write_text(desk.client("bench") + "\n")
        desk.stop_agent()
        self.world.coordinator.process.stop()
        self.note("agent", "start to ready, ms", self.restart(desk))

        time.sleep(1)
        self.note("nginx", "idle memory, MB", memory(proxy.pid))
        self.note("agent", "idle memory, MB", memory(desk.agent.pid))
        urls = {
            "direct": lambda path: f"http://127.0.0.1:{upstream}/{path}",
            "nginx": lambda path: f"http://127.0.0.1:{port}/{path}",
            "agent": lambda path: desk.url(f"upstream-{path}"),
        }
        pids = {"nginx": proxy.pid, "agent": desk.agent.pid}
        measured = 0
        for way in WAYS:
            self.wrk(urls[way]("small"), 300, 32, authorization)  # warm
        # In turns of a second: the machine's own pace changes from one to the next.
        turns = max(1, round(self.seconds))
        calls, seconds, used = (dict.fromkeys(WAYS, 0.0) for _ in range(3))
        for way in WAYS * turns:
            before = cpu(pids[way]) if way in pids else 0
            result = self.wrk(urls[way]("small"), 300, 32, authorization, self.seconds / turns)
            calls[way] += result["calls"]
            seconds[way] += result["seconds"]
            used[way] += cpu(pids[way]) - before if way in pids else 0
        for way in WAYS:
            self.note(way, "calls per second, 32 connections", calls[way] / seconds[way])
            if way in pids:
                self.note(way, "CPU per call, us", used[way] / calls[way] * 1e6)
        measured += calls["agent"]
        for name, (size, path) in SIZES.items():
            for way in WAYS:
                result = self.wrk(urls[way](path), size, 1, authorization)
                self.note(way, f"p50 at 1 connection, {name}, us", result["p50"])
                self.note(way, f"p99 at 1 connection, {name}, us", result["p99"])
                measured += result["calls"] if way == "agent" else 0
        self.check(desk, measured)
        proxy.stop()
        desk.stop_agent()
        desk.keyring.stop_bus()

    def check(self, desk, measured: float) -> None:
        """A call that is refused costs little, and is answered with the same status: all must have been served."""
        metrics = http.get(f"http://{desk.listen}/metrics").body.decode()
        served = sum(
            float(line.rsplit(" ", 1)[1])
            for line in metrics.splitlines()
            if line.startswith("doorward_calls_total{") and 'outcome="ok"' in line
        )
        if served < measured:
            raise Failed(f"of {measured:.0f} calls that were measured the agent served {served:.0f}")

    def restart(self, desk) -> float:
        """Milliseconds from the start of the agent's process until it says that it is ready."""
        begin = time.monotonic()
        desk.agent = self.world.processes.start(
            f"agent-{desk.name}", [str(self.world.programs / "doorward"), "agent", "--listen", desk.listen],
            desk.environment,
        )
        while True:
            try:
                if http.get(f"http://{desk.listen}/readyz", seconds=2).status == 200:
                    return (time.monotonic() - begin) * 1000
            except OSError:
                pass
            if time.monotonic() - begin > 20 or not desk.agent.running():
                raise Failed(f"the agent is not ready: {desk.agent.words()[-1000:]}")
            time.sleep(0.001)

    def table(self) -> None:
        names = [
            "calls per second, 32 connections", "CPU per call, us",
            *(f"{which} at 1 connection, {size}, us" for size in SIZES for which in ("p50", "p99")),
            "idle memory, MB", "start to ready, ms",
        ]
        print(f"\n{'':36}{'direct':>10}{'nginx':>10}{'agent':>10}   agent/nginx")
        for name in names:
            cells = {way: statistics.median(self.numbers[way][name]) for way in WAYS if name in self.numbers[way]}
            row = "".join(f"{cells[way]:>10.1f}" if way in cells else f"{'-':>10}" for way in WAYS)
            ratios = [mine / other for mine, other in zip(self.numbers["agent"][name], self.numbers["nginx"][name])]
            spread = f"({min(ratios):.2f} to {max(ratios):.2f})" if len(ratios) > 1 else ""
            print(f"{name:36}{row}   {statistics.median(ratios):.2f} {spread}")
        for size in SIZES:
            name = f"p50 at 1 connection, {size}, us"
            added = {
                way: [mine - none for mine, none in zip(self.numbers[way][name], self.numbers["direct"][name])]
                for way in ("nginx", "agent")
            }
            mine, other = (statistics.median(added[way]) for way in ("agent", "nginx"))
            ratio = f"{mine / other:.2f}" if other > 0 else "-"
            print(f"{f'added to p50, {size}, us':36}{'-':>10}{other:>10.1f}{mine:>10.1f}   {ratio}")
        print(f"\nMedians over {self.processes} processes of each, {self.seconds:g} s a run, interleaved; "
              f"{os.cpu_count()} cores. The agent had policy, limits and audit on.")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", type=Path)
    parser.add_argument("--processes", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3)
    options = parser.parse_args()
    bench = Bench(options.programs.resolve(), options.processes, options.seconds)
    try:
        bench.run()
        bench.table()
        return 0
    except (Failed, OSError, LookupError, ValueError, AssertionError) as error:
        print(f"The benchmark failed: {error}\nThe logs are in {bench.world.processes.logs}", file=sys.stderr)
        return 1
    finally:
        bench.world.close()
        if sys.exc_info()[0] is None:
            bench.world.remove()


if __name__ == "__main__":
    sys.exit(main())
