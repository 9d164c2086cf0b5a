"""No secret that was ever used is found in a database, a state folder, a log, an argument list or an environment."""

import base64
import os
import re
import time
from pathlib import Path

from conftest import OPEN_POLICY
from parts import http


def forms(secret: str) -> set[bytes]:
    """The ways in which a secret could be written down."""
    raw = secret.encode()
    encoded = {base64.b64encode(b"x" * shift + raw)[4 if shift else 0:-4] for shift in range(3)}
    return {raw, raw.hex().encode(), *(each for each in encoded if len(each) > 15)}


def files(folder: Path):
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            yield path


def search(world, secrets: set[str]) -> list[str]:
    needles = {form: secret[:6] + "..." for secret in secrets for form in forms(secret)}
    pattern = re.compile(b"|".join(re.escape(each) for each in sorted(needles, key=len, reverse=True)))
    found = []
    for path in files(world.folder):
        if match := pattern.search(path.read_bytes()):
            found.append(f"{path}: {needles[match.group()]}")
    ours = str(world.folder).encode()
    for process in Path("/proc").iterdir():
        if not process.name.isdigit() or process.name == str(os.getpid()):
            continue
        for name in ("cmdline", "environ"):
            try:
                text = (process / name).read_bytes()
            except OSError:
                continue
            if ours in text and (match := pattern.search(text)):
                found.append(f"{process / name}: {needles[match.group()]}")
    return found


def test_no_secret_is_found_anywhere(world, desk, bearer):
    authorization = world.server("authorization", "authorization_server", "--lifetime", "2")
    server = world.server("protected", "mcp_server", "--issuer", authorization.facts["issuer"])
    desk.add_server("protected", server.url, "--auth", "oauth")
    desk.policy(OPEN_POLICY)
    desk.connect("protected")
    for _ in range(3):
        http.call(desk.url("protected"), bearer, "echo", {"text": "a"})
        time.sleep(2.1)
    authorization.tell("fault", {"kind": "html"})
    http.call(desk.url("protected"), bearer, "echo", {"text": "a"})
    token = world.secret(desk.doorward("admin", "tokens", "add", "canary", "--scope", "admin").json["token"])
    world.coordinator.get("/v1/policy", headers={"Authorization": f"Bearer {token}"})
    world.secret(desk.doorward("admin", "invite", "next@example.com").json["token"])
    desk.doorward("login", world.coordinator.url, "--token-file", "-", input=token, check=False)
    http.rpc(desk.url("protected"), f"Basic {token}", "tools/list")
    desk.countersigned()
    desk.report()

    secrets = world.secrets | set(authorization.ask("tokens"))
    assert len(secrets) > 12
    assert search(world, secrets) == []

    # And again when everything has ended and written what it had to write.
    desk.stop_agent()
    world.coordinator.process.stop()
    assert search(world, secrets) == []


def test_the_search_finds_what_is_there(world):
    """A search that cannot find is worth nothing."""
    path = world.folder / "planted"
    for form in forms("dwc1_a-planted-secret-of-some-length"):
        path.write_bytes(b"before " + form + b" after")
        assert search(world, {"dwc1_a-planted-secret-of-some-length"})
    path.unlink()


def test_the_agent_cannot_be_dumped(desk, bearer):
    if not desk.agent.running():
        desk.start_agent()
    limits = Path(f"/proc/{desk.agent.pid}/limits").read_text()
    core = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
    assert core.split()[4:6] == ["0", "0"]
