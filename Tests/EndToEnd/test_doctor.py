"""`doorward doctor` with each part broken for real: what it finds, what it says, and that the next command mends it."""

import os
import signal
import ssl
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

import pytest
from conftest import OPEN_POLICY
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import NameOID
from parts.processes import run, wait_for
from parts.small_disk import small_disk
from parts.world import Answer, Desk, World, free_port

# Everything that is looked at on a machine that is well, in the order in which it is shown.
ALL = [
    "settings", "files", "disk", "agent", "enrolment", "keyring", "coordinator", "clock", "policy", "records", "sandbox",
    "server everything",
]
# What a line to type begins with.
COMMANDS = ("doorward ", "systemctl ", "sudo ", "chmod ", "timedatectl", "df ", "bwrap ", "echo ")


def doctor(desk: Desk, *before: str, seconds: float = 60) -> tuple[int, dict[str, dict]]:
    """Its exit status and what it found, by name; `before`: what stands before the command."""
    done = run([*before, str(desk.world.programs / "doorward"), "doctor", "--json"], desk.environment, seconds)
    answer = Answer(done.returncode, done.stdout, done.stderr).json
    checks = {each["name"]: each for each in answer["checks"]}
    assert answer["ok"] is (done.returncode == 0)
    for each in checks.values():
        assert each["message"], each
        assert (each["next"] is None) is (each["state"] in ("ok", "skipped")), each
        assert each["next"] is None or each["next"].startswith(COMMANDS), each
    return done.returncode, checks


def states(checks: dict[str, dict], *but: str) -> set[str]:
    return {each["state"] for name, each in checks.items() if name not in but}


def test_a_machine_that_is_well_has_all_of_it_looked_at(everything: Desk) -> None:
    status, checks = doctor(everything)
    assert status == 0 and list(checks) == ALL and states(checks) == {"ok"}
    words = everything.doorward("doctor", json=False).out.splitlines()
    assert len(words) == len(ALL) and all(line.startswith("ok ") for line in words)


def test_a_keyring_that_is_locked_is_opened_by_the_next_command(everything: Desk) -> None:
    everything.keyring.lock()
    status, checks = doctor(everything)
    assert status == 3 and checks["keyring"]["state"] == "needs_user" and checks["keyring"]["next"] == "doorward unlock"
    # The coordinator can be asked whether it is there, and not what time it is: that takes a signature.
    assert checks["coordinator"]["state"] == "ok" and checks["clock"]["state"] == "skipped"
    everything.keyring.unlock()
    assert doctor(everything)[0] == 0


def test_a_keyring_that_hangs_is_given_up_in_time(everything: Desk) -> None:
    with everything.keyring.frozen():
        status, checks = doctor(everything, seconds=30)
    assert status == 3 and checks["keyring"]["state"] == "needs_user"
    assert "answer" in checks["keyring"]["message"]


def test_a_keyring_that_has_ended_is_said_to_be_closed(everything: Desk) -> None:
    # The bus starts another one, which nobody has unlocked.
    everything.keyring.stop_daemon()
    status, checks = doctor(everything)
    assert status == 3 and checks["keyring"]["state"] == "needs_user" and checks["keyring"]["next"] == "doorward unlock"
    everything.keyring.unlock()
    assert doctor(everything)[0] == 0


def test_a_session_without_a_bus_is_told_apart(everything: Desk) -> None:
    bus = everything.environment.pop("DBUS_SESSION_BUS_ADDRESS")
    try:
        status, checks = doctor(everything)
    finally:
        everything.environment["DBUS_SESSION_BUS_ADDRESS"] = bus
    assert status == 3 and checks["keyring"]["state"] == "needs_user"
    assert "session bus" in checks["keyring"]["message"]


def test_a_coordinator_that_is_away_is_no_fault_of_anything_else(world: World, everything: Desk) -> None:
    world.coordinator.process.stop()
    try:
        status, checks = doctor(everything)
    finally:
        world.coordinator.start()
    assert status == 1 and checks["coordinator"]["state"] == "failed"
    assert world.coordinator.url.partition("//")[2] in checks["coordinator"]["message"]
    assert checks["clock"]["state"] == "skipped"
    assert states(checks, "coordinator", "clock") == {"ok"}
    wait_for("the machine to be well again", lambda: doctor(everything)[0] == 0)


def test_a_clock_that_is_wrong_is_found_and_named_with_its_distance(everything: Desk) -> None:
    status, checks = doctor(everything, "faketime", "-f", "+3h")
    clock = checks["clock"]
    assert clock["state"] == "warning" and clock["next"] == "timedatectl set-ntp true", checks
    assert "3 h ahead of the coordinator's" in clock["message"] or "2 h ahead" in clock["message"]
    assert status == 0 and checks["coordinator"]["state"] == "ok"


def test_a_clock_before_the_coordinators_certificate_is_named_as_the_cause(everything: Desk) -> None:
    status, checks = doctor(everything, "faketime", "-f", "-3000d")
    assert status == 1 and checks["coordinator"]["state"] == "failed"
    assert "is not valid yet" in checks["coordinator"]["message"]
    assert "clock" in checks["coordinator"]["message"] and checks["coordinator"]["next"] == "timedatectl"


def certificate(folder: Path, authority: Path | None, key: Path | None, days: tuple[int, int]) -> tuple[Path, Path]:
    """A certificate of this machine, from and to so many days from now, and its key; of itself without an authority."""
    own = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    issuer = x509.load_pem_x509_certificate(authority.read_bytes()).subject if authority else name
    signer = load_pem_private_key(key.read_bytes(), None) if key else own
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1")), x509.DNSName("localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(issuer, name, own.public_key(), x509.random_serial_number())
        .not_valid_before(now + timedelta(days=days[0])).not_valid_after(now + timedelta(days=days[1]))
        .add_extension(names, False).sign(signer, hashes.SHA256())
    )
    files = folder / "expired.pem", folder / "expired.key"
    files[0].write_bytes(made.public_bytes(Encoding.PEM))
    files[1].write_bytes(own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return files


class TLSFront:
    """A server on a port that shows a certificate; nobody gets as far as to ask it something."""

    def __init__(self, port: int, files: tuple[Path, Path]) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*files)
        self.server = ThreadingHTTPServer(("127.0.0.1", port), BaseHTTPRequestHandler, bind_and_activate=False)
        self.server.allow_reuse_address = True
        self.server.server_bind()
        self.server.server_activate()
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def test_a_coordinator_whose_certificate_has_expired_is_told_from_one_that_is_away(
    world: World, everything: Desk, tmp_path: Path
) -> None:
    key = world.coordinator.data / "tls" / "ca.key"
    files = certificate(tmp_path, Path(world.coordinator.ca), key, (-10, -1))
    world.coordinator.process.stop()
    front = TLSFront(int(world.coordinator.url.rpartition(":")[2]), files)
    try:
        status, checks = doctor(everything)
    finally:
        front.stop()
        world.coordinator.start()
    assert status == 1 and checks["coordinator"]["state"] == "failed"
    assert "certificate has expired" in checks["coordinator"]["message"]
    wait_for("the machine to be well again", lambda: doctor(everything)[0] == 0)


def test_of_a_server_it_is_said_what_is_wrong(world: World, everything: Desk, tmp_path: Path) -> None:
    files = certificate(tmp_path, None, None, (-10, -1))
    front = TLSFront(free_port(), files)
    everything.add_server("expired", f"https://localhost:{front.server.server_port}/mcp", "--ca", str(files[0]))
    everything.add_server("gone", f"http://127.0.0.1:{free_port()}/mcp")
    grants = "\n      - { server: expired }\n      - { server: gone }"
    everything.policy(OPEN_POLICY.replace("    grant:", "    grant:" + grants, 1))
    for alias in ("expired", "gone"):
        everything.doorward("call", alias, "get_me", check=False)
    try:
        status, checks = doctor(everything)
        assert status == 1
        assert checks["server expired"]["state"] == "failed"
        assert "its certificate has expired" in checks["server expired"]["message"]
        assert checks["server gone"]["state"] == "failed" and "nobody answers" in checks["server gone"]["message"]
        for alias in ("expired", "gone"):
            assert checks[f"server {alias}"]["next"] == f"doorward servers {alias}"
            assert "LAST" in everything.doorward("servers", alias, json=False).out
        assert states(checks, "server expired", "server gone") == {"ok"}
    finally:
        front.stop()
        for alias in ("expired", "gone"):
            everything.doorward("admin", "servers", "remove", alias)
        wait_for("the servers to go", lambda: set(everything.servers()) == {"everything"})


def test_an_agent_that_is_stopped_or_hangs_is_told_apart(everything: Desk) -> None:
    assert everything.agent is not None
    os.kill(everything.agent.pid, signal.SIGSTOP)
    try:
        status, checks = doctor(everything)
    finally:
        os.kill(everything.agent.pid, signal.SIGCONT)
    assert status == 1 and checks["agent"]["state"] == "failed" and "does not answer" in checks["agent"]["message"]
    assert checks["agent"]["next"] == "systemctl --user restart doorward"
    assert states(checks, "agent") <= {"ok", "skipped"}
    everything.stop_agent()
    status, checks = doctor(everything)
    assert status == 1 and checks["agent"]["state"] == "failed" and "does not run" in checks["agent"]["message"]
    assert states(checks, "agent") <= {"ok", "skipped"}
    everything.start_agent()


def test_files_that_others_can_read_and_settings_that_nobody_can(everything: Desk) -> None:
    clients = everything.home / "state" / "clients.json"
    everything.client("doctor")
    clients.chmod(0o644)
    settings = everything.home / "config.yaml"
    settings.write_text("limits: {result: a lot}\n")
    try:
        status, checks = doctor(everything)
        assert status == 1 and checks["files"]["state"] == checks["settings"]["state"] == "failed"
        assert checks["files"]["next"] == f"chmod go-rwx '{clients}'"
        assert str(settings) in checks["settings"]["message"]
    finally:
        settings.unlink()
    assert os.system(checks["files"]["next"]) == 0
    assert doctor(everything)[0] == 0


@pytest.mark.skipif(os.getuid() != 0, reason="only root can mount a small disk")
def test_a_disk_without_room_is_found_before_calls_stop(world: World) -> None:
    desk = world.desk("small", keyring=False)
    with small_disk(desk.home, "16m"):
        (desk.home / "state").mkdir(mode=0o700)
        checks = doctor(desk)[1]
    assert checks["disk"]["state"] == "warning" and "MiB are free" in checks["disk"]["message"]
    assert checks["disk"]["next"].startswith("df ")


def test_who_belongs_nowhere_yet_is_told_to_enrol(world: World) -> None:
    desk = world.desk("stranger", keyring=False)
    status, checks = doctor(desk)
    assert status == 1 and checks["agent"]["state"] == "failed"
    assert checks["enrolment"]["state"] == "needs_user" and checks["enrolment"]["next"].startswith("doorward login ")


def test_a_machine_that_was_revoked_is_told_to_enrol_anew(world: World, everything: Desk) -> None:
    token = everything.doorward("admin", "invite", "eve@example.com").json["token"]
    desk = world.desk("eve")
    desk.login(token)
    desk.start_agent()
    assert doctor(desk)[0] == 0
    everything.doorward("admin", "agents", "revoke", desk.status()["agent_id"])
    status, checks = wait_for("the machine to be told", lambda: (found := doctor(desk))[0] == 3 and found)
    assert checks["enrolment"]["state"] == "needs_user" and "revoked" in checks["enrolment"]["message"]
    desk.stop_agent()
