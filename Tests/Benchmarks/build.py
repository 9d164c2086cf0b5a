"""A build of Doorward under measurement: a coordinator of its own, and agents that come and go."""

import os
import shutil
import signal
import time
from pathlib import Path
from typing import Any

from parts import http
from parts.processes import Failed, wait_for
from parts.world import Desk, World

from measure import command, cpu, cpu_beside, tree
from nginx import Upstream

TRANSPORTS = ("plain", "tls")
PATHS = ("small", "large")
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
POLICY = """\
version: 1
roles:
  everybody:
    grant:
""" + "".join(
    f'      - {{ server: {transport}-{path}, tools: ["get_*", "list_*", "echo"] }}\n'
    for transport in TRANSPORTS for path in PATHS
) + """\
bind:
  - { everyone: true, role: everybody }
forbid:
  - { tools: ["delete_*"], because: "deletions go through review" }
limits:
  - { per: user, tools: ["*"], rate: 1000000/s, burst: 1000000, concurrent: 1000 }
"""


class Build:
    def __init__(self, name: str, world: World, upstream: Upstream) -> None:
        self.name = name
        self.world = world
        self.upstream = upstream
        self.desk: Desk

    def prepare(self) -> None:
        self.world.coordinator.init()
        self.start_coordinator()
        self.owner = self.world.desk("owner")
        self.owner.login(self.world.coordinator.facts["token"])
        for transport in TRANSPORTS:
            for path in PATHS:
                # nginx cannot say what it speaks.
                self.owner.add_server(
                    f"{transport}-{path}", self.upstream.url(transport, path), "--era", "modern"
                )
        self.owner.policy(POLICY)

    def start_coordinator(self) -> None:
        # The pace at which one machine may upload is far below what is measured.
        limits = ("--upload-pace", "1024G", "--upload-quota", "1024G")
        for _ in range(60):
            try:
                return self.world.coordinator.start(*limits)
            except Failed as error:
                # While it was away, somebody's connection may have been given its port.
                if "cannot_listen" not in str(error):
                    raise
            time.sleep(1)
        raise Failed("the coordinator's port stayed in use")

    @property
    def coordinator_runs(self) -> bool:
        process = self.world.coordinator.process
        return process is not None and process.running()

    @property
    def coordinator_pid(self) -> int:
        return self.world.coordinator.process.pid

    @property
    def pid(self) -> int:
        """The agent itself, which may run inside of another program."""
        return tree(self.desk.agent.pid)[-1]

    def url(self, transport: str, path: str) -> str:
        return self.desk.url(f"{transport}-{path}")

    def enrol(self, name: str) -> Path:
        """A new machine with one client; returns the file with the client's Authorization header."""
        if not self.coordinator_runs:
            self.start_coordinator()
        token = self.owner.doorward("admin", "invite", f"{name}@example.com").json["token"]
        self.desk = self.world.desk(name)
        self.desk.login(token)
        self.desk.start_agent()
        wait_for("the servers to arrive", lambda: len(self.desk.servers()) == len(TRANSPORTS) * len(PATHS))
        authorization = self.desk.folder / "authorization"
        authorization.write_text(self.desk.client("bench") + "\n")
        return authorization

    def stop_coordinator(self) -> None:
        if self.coordinator_runs:
            self.world.coordinator.process.stop()

    def restart(self, trusts_upstream: bool = False) -> float:
        """Milliseconds from the start of the agent's process until it says that it is ready.

        The agent trusts the system's authorities. For an agent that trusts the upstream, that one is put in their place,
        in a file system of its own.
        """
        self.desk.stop_agent()
        inside = ["bwrap", "--dev-bind", "/", "/", "--bind", str(self.upstream.certificate), AUTHORITIES]
        begin = time.monotonic()
        self.desk.agent = self.world.processes.start(
            f"agent-{self.desk.name}",
            [
                *(inside if trusts_upstream else []),
                str(self.world.programs / "doorward"), "agent", "--listen", self.desk.listen,
            ],
            self.desk.environment,
        )
        while True:
            try:
                if http.get(f"http://{self.desk.listen}/readyz", seconds=2).status == 200:
                    return (time.monotonic() - begin) * 1000
            except OSError:
                pass
            if time.monotonic() - begin > 20 or not self.desk.agent.running():
                raise Failed(f"the agent is not ready: {self.desk.agent.words()[-1000:]}")
            time.sleep(0.001)

    def check(self, measured: float) -> None:
        """A call that is refused costs little, and is answered with the same status: all that were made since the start
        must have been served, but for those that were under way when their connection was closed."""
        metrics = http.get(f"http://{self.desk.listen}/metrics").body.decode()
        served = sum(
            float(line.rsplit(" ", 1)[1])
            for line in metrics.splitlines()
            if line.startswith("doorward_calls_total{") and 'outcome="ok"' in line
        )
        if served < measured * 0.99 - 100:
            raise Failed(f"of {measured:.0f} calls that were measured the agent of {self.name} served {served:.0f}")

    # Records

    @property
    def audit(self) -> dict[str, Any]:
        return self.desk.status()["audit"]

    @property
    def cpu_beside_calls(self) -> float:
        """Seconds of the agent's threads but for the one that serves calls: records are made durable and hashed there."""
        return cpu_beside(self.pid, "NIO-ELT")

    def ship(self) -> tuple[int, float, float]:
        """Lets a coordinator that was away take all records that wait.

        Returns how many there were, and the seconds of processor that they cost the agent and the coordinator. The agent
        is held still until the coordinator has started, whose start is no part of it.
        """
        audit = self.audit
        os.kill(self.pid, signal.SIGSTOP)
        try:
            self.start_coordinator()
            pids = (self.pid, self.coordinator_pid)
            before = [cpu(pid) for pid in pids]
        finally:
            os.kill(self.pid, signal.SIGCONT)
        wait_for("all records to be countersigned", self._is_shipped, 120, every=0.3)
        self._rest(self.coordinator_pid)
        agent, coordinator = (cpu(pid) - first for pid, first in zip(pids, before))
        return audit["recorded"] - audit["countersigned"], agent, coordinator

    def report(self) -> dict[str, float]:
        """Has a report made of all records so far, and verifies it: processor for each record, and memory."""
        if not self.coordinator_runs:
            self.start_coordinator()
        folder = self.owner.folder / "report"
        program = str(self.world.programs / "doorward")
        before = cpu(self.coordinator_pid)
        made, held = command(
            [program, "admin", "report", "--from", "-24h", "--to", "2099-01-01T00:00:00Z", "--out", str(folder)],
            self.owner.environment,
        )
        served = cpu(self.coordinator_pid) - before
        verified, needed = command([program, "verify", str(folder)], self.owner.environment)
        with (folder / "records.jsonl").open("rb") as records:
            count = sum(1 for _ in records)
        shutil.rmtree(folder)
        return {
            "made, us a record": served / count * 1e6, "received, us a record": made / count * 1e6,
            "verified, us a record": verified / count * 1e6, "to receive, MB": held, "to verify, MB": needed,
        }

    def _is_shipped(self) -> bool:
        audit = self.audit
        return audit["recorded"] == audit["countersigned"]

    def _rest(self, pid: int) -> None:
        """Waits until a process has nothing more to do: what was stored may be looked through once more."""
        last = cpu(pid)
        for _ in range(15):
            time.sleep(2)
            if (now := cpu(pid)) - last < 0.03:
                return
            last = now

    def close_agent(self) -> None:
        self.desk.stop_agent()
        self.desk.keyring.stop_bus()
