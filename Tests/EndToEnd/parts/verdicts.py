"""What `doorward verify` and the verifier in Tests/Verifier say of a report: they have to say the same."""

import functools
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .reports import GOLDEN_KEY, Forged, ed25519
from .world import programs

from forms import Refused  # noqa: E402  Tests/Verifier, which `reports` made known.
from verify import verify  # noqa: E402

# Most signatures are in many of the reports.
ed25519.verify = functools.cache(ed25519.verify)
ed25519.is_key = functools.cache(ed25519.is_key)

FOLDER = object()
PIPE = object()


@dataclass
class Link:
    """A link to a file that has these bytes, or to a place."""

    to: bytes | str


@dataclass
class Case:
    """The files of a report, the key, and what the verdict has to be if that is known."""

    files: dict[Any, Any]
    verdict: bool | None = None
    key: str = GOLDEN_KEY


def case(report: Forged, verdict: bool | None = None) -> Case:
    return Case(report.build(), verdict, report.fingerprint)


def write(files: dict[Any, Any], folder: Path) -> None:
    """Paths are texts, or bytes where they are no UTF-8."""
    folder.mkdir()
    for path, content in files.items():
        full = os.path.join(os.fsencode(folder), path.encode() if isinstance(path, str) else path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        if content is FOLDER:
            os.makedirs(full)
        elif content is PIPE:
            os.mkfifo(full)
        elif isinstance(content, Link):
            target = content.to
            if isinstance(target, bytes):
                outside = folder.with_name(folder.name + ".outside")
                outside.write_bytes(target)
                target = str(outside)
            os.symlink(target, full)
        else:
            with open(full, "wb") as file:
                file.write(content)


def _program(folder: Path, key: str) -> tuple[bool, str]:
    environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": "/nonexistent"}
    command = [str(programs() / "doorward"), "verify", str(folder), "--key", key, "--json"]
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=30)
    try:
        said = json.loads(done.stdout)
        failure = said.get("failure")
        good = said["ok"] == (done.returncode == 0) and (said["ok"] or (failure["where"] is not None and failure["why"]))
    except (ValueError, KeyError, TypeError):
        good, failure = False, None
    if done.returncode not in (0, 1) or not good:
        raise AssertionError(f"status {done.returncode}, {done.stdout[-500:]!r} {done.stderr[-500:]!r}")
    return done.returncode == 0, json.dumps(failure)


def _page(folder: Path, key: str) -> tuple[bool, str]:
    try:
        return True, verify(str(folder), key)
    except Refused as refused:
        return False, str(refused)


def disagreements(cases: dict[str, tuple[Path, str, bool | None]]) -> Iterator[str]:
    """A line for each folder of which the two do not say the same, or not what they have to."""
    with ThreadPoolExecutor(max(2, os.cpu_count() or 2)) as pool:
        asked = {name: pool.submit(_program, folder, key) for name, (folder, key, _) in cases.items()}
        told = {name: _page(folder, key) for name, (folder, key, _) in cases.items()}
    for name, (_, _, wanted) in cases.items():
        try:
            ours, theirs = asked[name].result(), told[name]
        except AssertionError as error:
            yield f"{name}: {error}"
            continue
        if ours[0] != theirs[0] or wanted not in (None, ours[0]):
            yield f"{name}: doorward {ours}, by the page {theirs}, wanted {wanted}"


def agree(folder: Path, cases: dict[str, Case]) -> None:
    """Asserts that both say the same of all cases, and what they have to."""
    folders = {}
    for number, (name, each) in enumerate(cases.items()):
        place = folder / f"{number}"
        write(each.files, place)
        folders[name] = place, each.key, each.verdict
    found = list(disagreements(folders))
    for place, _, _ in folders.values():
        shutil.rmtree(place)
    assert not found, "\n".join(found)
