"""Whatever a member uploads or asks, and however full the disk is: an administrator gets in and can shut the member out."""

import ctypes
import json
import multiprocessing
import os
import sys
import threading
import time
from pathlib import Path

import pytest
from parts.machine import Machine
from parts.processes import run, wait_for
from parts.world import World, programs

VERIFIER = Path(__file__).parents[1] / "Verifier" / "verify.py"

_libc = ctypes.CDLL(None, use_errno=True)


@pytest.fixture
def world(request):
    world = World(programs())
    failures = request.session.testsfailed
    yield world
    world.close()
    if request.session.testsfailed > failures:
        print(world.logs()[-4000:])
    _libc.umount2(str(world.coordinator.data).encode(), 2)
    world.remove()


def small_disk(world: World, size: str) -> None:
    """Puts the coordinator's data folder on a file system of its own."""
    folder = world.coordinator.data
    folder.mkdir(mode=0o700)
    if _libc.mount(b"none", str(folder).encode(), b"tmpfs", 0, f"size={size},mode=700".encode()) != 0:
        pytest.skip(f"a small disk needs the right to mount: {os.strerror(ctypes.get_errno())}")


def start(world: World, *more: str) -> None:
    """Starts the coordinator, and does not ask that it be ready."""
    coordinator = world.coordinator
    home = world.folder / "coordinator-home"
    coordinator.process = world.processes.start(
        "coordinator",
        [str(world.programs / "doorward-coordinator"), "serve", "--data", str(coordinator.data), *more],
        world.environment(home, home / "run"),
    )
    coordinator.process.ready(lambda: coordinator.get("/healthz").status == 200)


def machine(world: World, token: str) -> Machine:
    return Machine(world.coordinator.url, world.coordinator.ca).enrol(token)


def owner_and_members(world: World, members: int) -> tuple[Machine, list[Machine], str]:
    """The owner's machine, those of some members, and an API token of scope admin."""
    owner = machine(world, world.coordinator.facts["token"])
    made = []
    for number in range(members):
        body = json.dumps({"email": f"member{number}@example.com", "role": "member"}).encode()
        made.append(machine(world, owner.ask("POST", "/v1/invitations", body).json["token"]))
    token = owner.ask("POST", "/v1/tokens", json.dumps({"name": "t", "scopes": ["admin"]}).encode()).json["token"]
    return owner, made, f"Bearer {token}"


def fill(world: World) -> None:
    """What another program does that takes everything."""
    with (world.coordinator.data / "filler").open("ab", buffering=0) as file:
        for step in (1 << 20, 4096, 1):
            try:
                while True:
                    file.write(b"x" * step)
            except OSError:
                pass


def test_a_member_who_fills_the_disk_is_shut_out_and_the_room_comes_back(world):
    small_disk(world, "128m")
    coordinator = world.coordinator
    coordinator.init()
    start(world, "--upload-pace", "100G", "--keep-free", "24M")
    owner, (hostile, other), bearer = owner_and_members(world, 2)
    by_token = {"Authorization": bearer}

    for _ in range(40):
        reply = hostile.upload()
        if reply.status != 200:
            break
    assert reply.status == 507 and hostile.problem(reply) == "no_room", reply
    assert int(reply.headers["retry-after"]) > 0
    assert "sends them again" in reply.json["detail"]
    # Records are refused, and nothing else; no member can make the page for balancers say that nothing works.
    ready = coordinator.get("/readyz")
    assert ready.status == 200 and b"no records are taken" in ready.body, ready
    assert owner.ask("GET", "/v1/users").status == 200
    assert hostile.ask("GET", "/v1/agent-log").json["size"] == hostile.size
    stored = {each["agent_id"]: each["stored_bytes"] for each in owner.ask("GET", "/v1/agents").json["agents"]}
    assert stored[hostile.id] > 30 << 20 and stored[other.id] == 0

    # Now the rest goes too, to another program, what the database was ahead of itself included.
    def told() -> bool:
        fill(world)
        return coordinator.get("/readyz").status == 503

    wait_for("the full disk to be told", told)
    used = owner.headers("GET", "/v1/agents")
    assert owner.ask("GET", "/v1/agents", headers=used).status == 200
    for number in range(100):
        reply = owner.ask("GET", "/v1/agents")
        if reply.status == 429:
            time.sleep(1)
            continue
        assert reply.status == 200, (number, reply)
        assert coordinator.get("/v1/agents", headers=by_token).status == 200
    again = owner.ask("GET", "/v1/agents", headers=used)
    assert again.status == 401 and owner.problem(again) == "replayed", again

    # A signature opens once also on a full disk, and after a restart on it.
    used = owner.headers("GET", "/v1/users")
    assert owner.ask("GET", "/v1/users", headers=used).status == 200
    assert coordinator.process.stop() == 0
    fill(world)
    start(world, "--upload-pace", "100G", "--keep-free", "24M")
    wait_for("the full disk to be told", told)
    again = owner.ask("GET", "/v1/users", headers=used)
    assert again.status == 401 and owner.problem(again) == "replayed", again

    assert owner.ask("DELETE", f"/v1/agents/{hostile.id}").status == 200
    gone = hostile.ask("GET", "/v1/agent-log")
    assert gone.status == 401 and hostile.problem(gone) == "revoked_key", gone
    assert coordinator.request("DELETE", f"/v1/agents/{other.id}", headers=by_token).status == 200

    # Room is made on the full disk itself, and the file becomes smaller.
    before = (coordinator.data / "coordinator.sqlite").stat().st_size
    reply = owner.ask("DELETE", f"/v1/agents/{hostile.id}/log")
    assert reply.status == 200 and reply.json["removed_below"] == hostile.size, reply
    assert owner.ask("DELETE", f"/v1/agents/{hostile.id}/log").json == reply.json
    wait_for(
        "the file to shrink",
        lambda: (coordinator.data / "coordinator.sqlite").stat().st_size < before - reply.json["bytes"] // 2,
        60,
    )
    (coordinator.data / "filler").unlink()
    wait_for("records to be taken again", lambda: coordinator.get("/readyz").body == b"ready\n", 30)
    body = json.dumps({"email": "new@example.com", "role": "member"}).encode()
    newcomer = machine(world, owner.ask("POST", "/v1/invitations", body).json["token"])
    assert newcomer.upload(100_000).status == 200


def test_another_program_takes_the_whole_disk_in_the_middle_of_uploads(world):
    small_disk(world, "160m")
    coordinator = world.coordinator
    coordinator.init()
    start(world, "--upload-pace", "100G", "--keep-free", "24M")
    owner, (busy, idle), _ = owner_and_members(world, 2)
    statuses: list[int] = []

    def upload() -> None:
        while not statuses or statuses[-1] == 200:
            statuses.append(busy.upload(4 << 20).status)

    uploads = threading.Thread(target=upload)
    uploads.start()
    wait_for("some uploads", lambda: len(statuses) >= 3, 60)
    with (coordinator.data / "filler").open("wb") as file:
        # At one stroke, as a program does that reserves room for a large file.
        for _ in range(100):
            space = os.statvfs(coordinator.data)
            try:
                os.posix_fallocate(file.fileno(), 0, file.seek(0, os.SEEK_END) + space.f_bavail * space.f_frsize)
                break
            except OSError:
                pass
    fill(world)
    uploads.join(60)
    assert statuses[-1] == 507, statuses
    for _ in range(150):
        assert owner.ask("GET", "/v1/agents").status == 200
    assert owner.ask("DELETE", f"/v1/agents/{idle.id}").status == 200
    assert coordinator.process.stop() == 0
    start(world, "--keep-free", "24M")
    assert owner.ask("DELETE", f"/v1/agents/{busy.id}").status == 200
    # What was acknowledged is there.
    pieces, begin = [], 0
    while (piece := owner.ask("GET", f"/v1/agents/{busy.id}/log?from={begin}")).body:
        pieces.append(piece.body)
        begin = int(piece.headers["doorward-log-next"])
    assert begin == busy.size and b"".join(pieces).count(b"\n") == busy.size
    # The log of that machine can go while the disk is as full as before: nothing has to be done on the host for it.
    removed = owner.ask("DELETE", f"/v1/agents/{busy.id}/log")
    assert (removed.status, removed.json["removed_below"]) == (200, busy.size)


def test_each_machine_has_a_pace_and_a_quota(world):
    coordinator = world.coordinator
    coordinator.init()
    start(world, "--upload-pace", "16M", "--upload-quota", "10M")
    owner, (busy, other), _ = owner_and_members(world, 2)

    assert busy.upload().status == 200
    reply = busy.upload(4 << 20)
    assert reply.status == 507 and busy.problem(reply) == "upload_quota", reply
    assert reply.json["quota"] == 10 << 20 and 7 << 20 < reply.json["stored"] < 9 << 20
    assert "doorward admin agents" in reply.json["next"]
    for _ in range(4):
        reply = busy.upload(4 << 20)
        if reply.status == 429:
            break
    assert reply.status == 429 and busy.problem(reply) == "upload_pace", reply
    assert 1 <= int(reply.headers["retry-after"]) <= 60
    # No other caller is held up by it.
    assert other.upload(4 << 20).status == 200
    assert owner.ask("GET", "/v1/agents").status == 200


def test_an_owner_removes_what_a_machine_has_stored_and_every_report_says_so(world, tmp_path):
    coordinator = world.coordinator
    coordinator.init()
    start(world)
    desk = world.desk("owner")
    desk.login(coordinator.facts["token"])
    desk.start_agent()
    hostile = machine(world, desk.doorward("admin", "invite", "member@example.com").json["token"])
    uploads = [hostile.upload(100_000, 0), hostile.upload(100_000, 0)]
    assert [each.status for each in uploads] == [200, 200]
    desk.countersigned()
    before, facts = desk.report()
    assert facts["records"] > hostile.size

    file = tmp_path / "records.jsonl"
    drop = ("admin", "agents", "drop-log", hostile.id, "--to", str(file))
    refused = desk.doorward(*drop, check=False)
    assert refused.status == 1 and refused.json["error"]["code"] == "log_in_use", refused
    assert refused.json["error"]["next"] == f"Take its key away first: doorward admin agents revoke {hostile.id}"
    file.unlink()
    desk.doorward("admin", "agents", "revoke", hostile.id)
    dropped = desk.doorward(*drop).json
    assert dropped["removed_below"] == hostile.size and dropped["file"] == str(file), dropped
    kept = file.read_bytes().splitlines(keepends=True)
    assert len(kept) == hostile.size and sum(map(len, kept)) == dropped["bytes"]
    assert set(kept) <= set((before / "records.jsonl").read_bytes().splitlines(keepends=True))
    listed = {each["agent_id"]: each for each in desk.doorward("admin", "agents").json["agents"]}
    assert listed[hostile.id]["removed_below"] == hostile.size

    # What was made before verifies as it did; what is made from now on tells of what is gone, to both verifiers.
    after, facts = desk.report()
    assert not set(kept) & set((after / "records.jsonl").read_bytes().splitlines(keepends=True))
    for folder in (before, after):
        verdict = desk.doorward("verify", str(folder)).json
        assert verdict["ok"], verdict
        done = run(
            [sys.executable, str(VERIFIER), str(folder), "--key", coordinator.facts["key"]], {"PATH": "/usr/bin:/bin"}
        )
        assert done.returncode == 0, done.stdout
    words = [each for each in verdict["not_proven"] if hostile.id in each]
    assert len(words) == 1 and f"below number {hostile.size}:" in words[0] and "removed these records" in words[0], words
    leaf = after / "removals" / f"{hostile.id}.tlog-proof"
    leaf.write_bytes(leaf.read_bytes().replace(b"index ", b"index 1"))
    assert not desk.doorward("verify", str(after), check=False).json["ok"]


def _flood(url: str, ca: str, token: str, stop: "multiprocessing.synchronize.Event", counts: "multiprocessing.Queue") -> None:
    member = Machine(url, ca).enrol(token)
    served: dict[int, int] = {}
    while not stop.is_set():
        for reply in (member.upload(2 << 20), *(member.ask("GET", "/v1/agent-log") for _ in range(20))):
            served[reply.status] = served.get(reply.status, 0) + 1
    counts.put(served)


def test_a_member_who_asks_without_end_keeps_no_administrator_waiting(world):
    coordinator = world.coordinator
    coordinator.init()
    start(world)
    owner, _, bearer = owner_and_members(world, 0)
    context = multiprocessing.get_context("spawn")
    stop, counts = context.Event(), context.Queue()
    flooders = []
    for number in range(6):
        body = json.dumps({"email": "flood@example.com", "role": "member"}).encode()
        token = owner.ask("POST", "/v1/invitations", body).json["token"]
        flooders.append(context.Process(target=_flood, args=(coordinator.url, coordinator.ca, token, stop, counts)))
    for each in flooders:
        each.start()
    try:
        wait_for("the flood", lambda: sum(each.get("stored_bytes", 0) for each in owner.ask(
            "GET", "/v1/agents").json["agents"]) > 20 << 20, 60)
        slowest = 0.0
        for number in range(20):
            start_time = time.monotonic()
            assert owner.ask("GET", "/v1/agents").status == 200
            body = json.dumps({"email": f"in{number}@example.com", "role": "member"}).encode()
            assert owner.ask("POST", "/v1/invitations", body).status == 201
            assert coordinator.get("/v1/agents", headers={"Authorization": bearer}).status == 200
            slowest = max(slowest, time.monotonic() - start_time)
        # Three requests, one of them on a new TLS connection, on a machine that the flood has half of.
        assert slowest < 10, slowest
    finally:
        stop.set()
        results = [counts.get(timeout=60) for _ in flooders]
        for each in flooders:
            each.join(10)
            each.kill()
    assert sum(each.get(200, 0) for each in results) > 0
