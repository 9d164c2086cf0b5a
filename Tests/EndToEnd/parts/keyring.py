"""A Secret Service of one's own: gnome-keyring on a private session bus, with every way in which it can be missing.

Nothing of the person who runs this is touched: bus, home and runtime folder are made for the occasion.
"""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

from .processes import Failed, Process, Processes, run, wait_for

_BARE_BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:dir={folder}</listen><auth>EXTERNAL</auth>{services}
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>
</busconfig>"""
_PASSWORD = "door"


class Keyring:
    """A session bus and, when asked, a keyring on it. `services` false: a bus on which nothing can be activated;
    `wrapper`: what makes a command run as another user."""

    def __init__(
        self, processes: Processes, home: Path, environment: dict[str, str], services: bool = True,
        wrapper: list[str] | None = None,
    ) -> None:
        self.processes = processes
        self.wrapper = wrapper or []
        self.home = home
        self.environment = environment
        self.services = services
        self.bus: Process | None = None
        self.daemon: Process | None = None

    def start_bus(self) -> str:
        """Starts the bus and puts its address into the environment that was given."""
        folder = Path(self.environment["XDG_RUNTIME_DIR"])
        configuration = folder / "bus.conf"
        services = "<standard_session_servicedirs/>" if self.services else ""
        configuration.write_text(_BARE_BUS.format(folder=folder, services=services))
        address = folder / "bus.address"
        address.unlink(missing_ok=True)
        self.bus = self.processes.start(
            "bus",
            # The address goes to a file because a log that several starts share cannot tell whose line is whose.
            [*self.wrapper, "/bin/sh", "-c", 'exec dbus-daemon --config-file="$0" --nofork --nopidfile --print-address=3 3>"$1"',
             str(configuration), str(address)],
            self.environment,
        )
        text = self.bus.ready(lambda: address.exists() and address.read_text().strip())
        self.environment["DBUS_SESSION_BUS_ADDRESS"] = text
        return text

    def start(self) -> None:
        """Bus and unlocked keyring."""
        if self.bus is None or not self.bus.running():
            self.start_bus()
        self.unlock()

    def unlock(self, tries: int = 3) -> None:
        """Starts a keyring daemon with the right password; the first time this makes the collection."""
        self.stop_daemon()
        self.daemon = self.processes.start(
            "keyring",
            [*self.wrapper, "/bin/sh", "-c",
             f"printf {_PASSWORD} | exec gnome-keyring-daemon --unlock --components=secrets --foreground"],
            self.environment,
        )
        self.daemon.ready(self.owned)
        try:
            wait_for("the collection to be unlocked", lambda: not self.locked(), seconds=7)
        except Failed:
            # Now and then the daemon misses the password when it is asked for something while it comes up.
            if tries == 1:
                raise
            self.unlock(tries - 1)

    def start_fake(self, **habits: str) -> None:
        """In place of a keyring one whose habits a test sets (secret_service.py)."""
        if self.bus is None or not self.bus.running():
            self.start_bus()
        self.stop_daemon()
        program = Path(__file__).with_name("secret_service.py")
        self.daemon = self.processes.start("keyring", [*self.wrapper, "/usr/bin/python3", str(program)], self.environment)
        self.daemon.ready(self.owned)
        for habit, value in habits.items():
            self.habit(habit, value)

    def habit(self, habit: str, value: str) -> None:
        self._call("org.freedesktop.secrets", "/fake", "dev.doorward.Fake.Set", habit, value)

    def asked(self, what: str) -> int:
        """How often the fake was asked for something, or showed a `window`."""
        answer = self._call("org.freedesktop.secrets", "/fake", "dev.doorward.Fake.Log")
        return answer.strip("(')\n,").split("\\n").count(what)

    def lock(self) -> None:
        self._call("org.freedesktop.secrets", "/org/freedesktop/secrets", "org.freedesktop.Secret.Service.Lock",
                   "['/org/freedesktop/secrets/collection/login']")

    def locked(self) -> bool:
        answer = self._call(
            "org.freedesktop.secrets", "/org/freedesktop/secrets/collection/login",
            "org.freedesktop.DBus.Properties.Get", "org.freedesktop.Secret.Collection", "Locked",
        )
        return "true" in answer

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """While it lasts the daemon owns its name and answers no call."""
        owner = self._owner_pid()
        assert owner is not None
        os.kill(owner, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(owner, signal.SIGCONT)

    def stop_daemon(self) -> None:
        """Ends whichever daemon owns the name; the bus starts a locked one when it is asked again."""
        owner = self._owner_pid()
        if owner is not None:
            os.kill(owner, 15)
            wait_for("the keyring to end", lambda: self._owner_pid() != owner)
        if self.daemon is not None and self.daemon.running():
            self.daemon.stop()
        self.daemon = None

    def stop_bus(self) -> None:
        """The bus goes away under everybody who uses it."""
        if self.bus is not None:
            self.bus.kill()

    def owned(self) -> bool:
        return self._owner_pid() is not None

    def _owner_pid(self) -> int | None:
        try:
            answer = self._call(
                "org.freedesktop.DBus", "/org/freedesktop/DBus",
                "org.freedesktop.DBus.GetConnectionUnixProcessID", "org.freedesktop.secrets",
            )
        except Failed:
            return None
        return int("".join(each for each in answer.split("uint32")[-1] if each.isdigit()))

    def _call(self, destination: str, path: str, method: str, *arguments: str) -> str:
        try:
            done = run([*self.wrapper, "gdbus", "call", "--session", "--timeout", "5", "-d", destination, "-o", path, "-m", method,
                        *arguments], self.environment, 10)
        except subprocess.SubprocessError as error:
            raise Failed(str(error)) from None
        if done.returncode != 0:
            raise Failed(done.stderr.strip())
        return done.stdout
