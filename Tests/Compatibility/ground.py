"""What each section needs: the programs under test, Python environments made from PyPI, Debian packages, a world."""

import contextlib
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from parts.world import ROOT, World
from table import Row


class Missing(Exception):
    """A part cannot be had here; the text says why."""


class Ground:
    def __init__(self, programs: Path) -> None:
        self.programs = programs
        self.tools = ROOT / ".build" / "tools" / "compatibility"
        self.tools.mkdir(parents=True, exist_ok=True)

    def say(self, text: str) -> None:
        print(f"  {text}", file=sys.stderr, flush=True)

    @contextlib.contextmanager
    def world(self) -> Iterator[World]:
        """A world whose coordinator serves; everything in it ends with the block."""
        world = World(self.programs)
        try:
            world.coordinator.init()
            world.coordinator.start()
            yield world
        finally:
            world.close()
            world.remove()

    def environment(self, name: str, *requirements: str) -> Path:
        """The interpreter of a Python environment with these requirements (each pinned: `name==1.2.3`), made once, and anew
        when they change."""
        folder = self.tools / name
        stamp = hashlib.sha256("\n".join(requirements).encode()).hexdigest()
        file = folder / "stamp"
        if not file.exists() or file.read_text() != stamp:
            self.say(f"making the environment {name}: {' '.join(requirements)}")
            shutil.rmtree(folder, ignore_errors=True)
            self._run(["/usr/bin/python3", "-m", "venv", str(folder)])
            self._run([str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                       *requirements])
            file.write_text(stamp)
        return folder / "bin" / "python"

    def version(self, python: Path, package: str) -> str:
        """Which version of a package is in an environment."""
        script = "import importlib.metadata, sys; print(importlib.metadata.version(sys.argv[1]))"
        return self._run([str(python), "-c", script, package]).strip()

    def debian(self, *packages: str) -> None:
        """Installs Debian packages, as the other verbs of packaging/dev do."""
        script = f'. "{ROOT}/packaging/dev.d/shared.sh"; need_packages "$@"'
        self._run(["/bin/bash", "-euo", "pipefail", "-c", script, "bash", *packages])

    def debian_version(self, package: str) -> str:
        return self._run(["dpkg-query", "-W", "-f=${Version}", package]).strip()

    def attempt(self, part: str, row: Callable[[], Row]) -> Row:
        """The row that `row` gives. Where the part cannot be had, or fails in an unforeseen way, the row says so."""
        self.say(part)
        try:
            return row()
        except Missing as error:
            return Row(part, note=f"not tried: {error}")
        except Exception as error:
            return Row(part, note=f"failed: {type(error).__name__}: {' '.join(str(error).split())[:300]}")

    def _run(self, command: list[str]) -> str:
        done = subprocess.run(command, capture_output=True, text=True, timeout=900, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            words = (done.stderr.strip() or done.stdout.strip() or f"status {done.returncode}").splitlines()
            raise Missing(f"{Path(command[0]).name} {command[-1]}: {words[-1][:200]}")
        return done.stdout
