"""The keyrings of real desktops, each as its user has it: with a screen on which every window counts, a password that
can be typed, a lock, and a daemon that can be killed.

gnome-keyring, KeePassXC and KWallet as Debian has them, without a desktop around them.
"""

import base64
import functools
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import time
import uuid
from pathlib import Path

from .keyring import Keyring
from .processes import Failed, Process, run, wait_for

_PASSWORD = "door"
_SCREEN = Path(__file__).with_name("screen.py")
_SERVICE = "/org/freedesktop/secrets"
# A lock is asked for, and carried out only for a caller that waits for it.
_LOCK = """
import sys
from gi.repository import Gio, GLib
bus, loop = Gio.bus_get_sync(Gio.BusType.SESSION), GLib.MainLoop()
def call(path, interface, method, values):
    return bus.call_sync("org.freedesktop.secrets", path, "org.freedesktop.Secret." + interface, method, values, None, 0, 5000)
bus.signal_subscribe("org.freedesktop.secrets", "org.freedesktop.Secret.Prompt", "Completed", None, None, 0, lambda *_: loop.quit())
prompt = call("/org/freedesktop/secrets", "Service", "Lock", GLib.Variant("(ao)", ([sys.argv[1]],)))[1]
if prompt != "/":
    call(prompt, "Prompt", "Prompt", GLib.Variant("(s)", ("",)))
    GLib.timeout_add(5000, loop.quit)
    loop.run()
"""


def version(package: str) -> str:
    """Of a Debian package; empty where it is not installed."""
    try:
        done = run(["dpkg-query", "-W", "-f=${Version}", package], dict(os.environ), 10)
    except (OSError, Failed):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


class RealKeyring(Keyring):
    """What all have: a screen of their own, on which windows are counted, and a user who answers them."""

    #: What people call it, the Debian package, and where its user is sent when it does not open.
    name = package = by_hand = ""
    #: The packages that it needs beside its own.
    around: tuple[str, ...] = ("xvfb", "python3-xlib", "python3-gi")

    def start_bus(self) -> str:
        if "DISPLAY" not in self.environment:
            self._start_screen()
        return super().start_bus()

    def _start_screen(self) -> None:
        number = Path(self.environment["XDG_RUNTIME_DIR"]) / "screen"
        number.unlink(missing_ok=True)
        screen = self.processes.start(
            "screen", [*self.wrapper, "/bin/sh", "-c", 'exec Xvfb -displayfd 3 -nolisten tcp -screen 0 1024x768x24 3>"$0"', str(number)],
            self.environment,
        )
        self.environment["DISPLAY"] = ":" + screen.ready(lambda: number.exists() and number.read_text().strip())
        self._watcher = self.processes.start(
            f"windows-{uuid.uuid4().hex[:8]}", [*self.wrapper, "/usr/bin/python3", str(_SCREEN), "watch"], self.environment
        )
        self._watcher.announced()

    # What its user sees and does.

    @property
    def windows(self) -> list[str]:
        """The titles of all windows that were shown until now."""
        lines = [json.loads(line) for line in self._watcher.words().splitlines() if line.startswith("{")]
        return [line["window"] for line in lines if "window" in line]

    def type(self, text: str = _PASSWORD) -> None:
        self._at_screen("type", text)

    def refuse(self) -> None:
        """Says no to the window on top."""
        self._at_screen("close")

    def _at_screen(self, *arguments: str) -> None:
        done = run([*self.wrapper, "/usr/bin/python3", str(_SCREEN), *arguments], self.environment, 10)
        if done.returncode != 0:
            raise Failed(done.stderr.strip())

    # What a test does to it.

    @property
    def collection(self) -> str:
        raise NotImplementedError

    def locked(self) -> bool:
        answer = self._call(
            "org.freedesktop.secrets", self.collection, "org.freedesktop.DBus.Properties.Get",
            "org.freedesktop.Secret.Collection", "Locked",
        )
        return "true" in answer

    def lock(self) -> None:
        done = run([*self.wrapper, "/usr/bin/python3", "-c", _LOCK, self.collection], self.environment, 15)
        if done.returncode != 0:
            raise Failed(done.stderr.strip())
        wait_for("the lock", self.locked, 5)

    def end(self, number: signal.Signals) -> None:
        """The daemon gets a signal and ends, whatever it had in mind."""
        assert self.daemon is not None
        os.killpg(self.daemon.pid, number)
        self.daemon.popen.wait(10)
        wait_for("its name to be free", lambda: not self.owned())

    @property
    def file(self) -> Path:
        """Where everything is that it keeps."""
        raise NotImplementedError

    @staticmethod
    def copy(source: Path, target: Path) -> None:
        if source.is_dir():
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(source, target)
        else:
            shutil.copy(source, target)

    def holds_secrets(self) -> bool:
        """Whether there is an entry of Doorward that is not emptied: removing one may need a window, emptying does not."""
        command = [*self.wrapper, "secret-tool", "search", "--all", "application", "doorward"]
        # A key is no text.
        found = subprocess.run(command, env=self.environment, capture_output=True, timeout=10)
        lines = [line for line in found.stdout.split(b"\n") if line.startswith(b"secret = ")]
        return any(line != b"secret = removed by doorward" for line in lines)

    def labels(self) -> list[str]:
        """The labels of Doorward's entries."""
        found = self._call(
            "org.freedesktop.secrets", _SERVICE, "org.freedesktop.Secret.Service.SearchItems", "{'application': 'doorward'}"
        )
        labels = []
        for path in re.findall(r"'(/[^']*)'", found):
            answer = self._call(
                "org.freedesktop.secrets", path, "org.freedesktop.DBus.Properties.Get", "org.freedesktop.Secret.Item", "Label"
            )
            labels.append(answer.strip("()<>,\n").strip("'\""))
        return sorted(labels)

    @classmethod
    def missing(cls) -> str:
        """The packages that have to be installed for it; empty where all are."""
        return " ".join(each for each in (cls.package, *cls.around) if not version(each))


class GnomeKeyring(RealKeyring):
    name, package, by_hand = "gnome-keyring", "gnome-keyring", "seahorse"
    collection = f"{_SERVICE}/collection/login"

    @property
    def file(self) -> Path:
        return self.home / ".local" / "share" / "keyrings"


class KeePassXC(RealKeyring):
    name, package, by_hand = "KeePassXC", "keepassxc", "KeePassXC"
    collection = f"{_SERVICE}/collection/keys"
    #: Whether it asks before a program reads an entry that another connection has made: its own default.
    confirms = False

    def refuse(self) -> None:
        # Of a window that is closed in another way it does not tell the program that waits.
        self._at_screen("escape")

    @property
    def windows(self) -> list[str]:
        # Its own window is there from the beginning.
        return [each for each in super().windows if each != self.name]

    @property
    def file(self) -> Path:
        return self.home / "keys.kdbx"

    def stop_daemon(self) -> None:
        # It saves a little later, and asks whether to save when it is told to end before that.
        if self.daemon is not None and self.daemon.running():
            time.sleep(1)
            self.end(signal.SIGKILL)
        super().stop_daemon()

    def unlock(self, tries: int = 3) -> None:
        """Starts it with its database open."""
        self.stop_daemon()
        self._configure()
        if not self.file.exists():
            self._make_database()
        # Of one user there is one at a time, known by a file among the temporary ones.
        environment = self.environment | {"TMPDIR": self.environment["XDG_RUNTIME_DIR"]}
        self.daemon = self.processes.start(
            "keyring", [*self.wrapper, "/bin/sh", "-c", f"echo {_PASSWORD} | exec keepassxc --pw-stdin '{self.file}'"],
            environment,
        )
        self.daemon.ready(self.owned)
        wait_for("the database to be open", lambda: not self.locked(), 10)

    def _configure(self) -> None:
        folder = self.home / ".config" / "keepassxc"
        folder.mkdir(parents=True, exist_ok=True)
        confirms = "true" if self.confirms else "false"
        (folder / "keepassxc.ini").write_text(
            "[General]\nConfigVersion=2\nUpdateCheckMessageShown=true\n\n"
            f"[FdoSecrets]\nEnabled=true\nConfirmAccessItem={confirms}\nShowNotification=false\n"
        )

    def _make_database(self) -> None:
        """A database with a group for the Secret Service, which no command can choose: the file names it."""
        first, xml = self.home / "first.kdbx", self.home / "keys.xml"
        twice, once = f"{_PASSWORD}\n{_PASSWORD}\n", f"{_PASSWORD}\n"
        self._cli(twice, "db-create", "-q", "-p", "-t", "100", str(first))
        self._cli(once, "mkdir", "-q", str(first), "Secrets")
        text = self._cli(once, "export", "-q", str(first))
        found = re.search(r"<UUID>([^<]*)</UUID>\s*<Name>Secrets", text)
        assert found
        group = uuid.UUID(bytes=base64.b64decode(found[1]))
        data = f"<CustomData><Item><Key>FDO_SECRETS_EXPOSED_GROUP</Key><Value>{{{group}}}</Value></Item></CustomData>"
        xml.write_text(text.replace("</Meta>", f"{data}</Meta>", 1))
        self._cli(twice, "import", "-q", "-p", "-t", "100", str(xml), str(self.file))
        first.unlink()

    def _cli(self, input: str, *arguments: str) -> str:
        done = run([*self.wrapper, "keepassxc-cli", *arguments], self.environment, 20, input)
        if done.returncode != 0:
            raise Failed(f"keepassxc-cli {' '.join(arguments)}: {done.stderr}")
        return done.stdout


class KWallet(RealKeyring):
    name, package, by_hand = "KWallet", "libkf5wallet-bin", "KWalletManager"
    around = (*RealKeyring.around, "libqca-qt5-2-plugins")
    collection = f"{_SERVICE}/collection/kdewallet"
    #: Whether its user wants to be asked before a program uses a wallet that is open.
    asks_for_programs = False

    @functools.cached_property
    def _hash(self) -> str:
        """What PAM makes of the password, with the salt that lies beside the wallet."""
        folder = self.home / ".local" / "share" / "kwalletd"
        folder.mkdir(parents=True, exist_ok=True)
        salt = folder / "kdewallet.salt"
        if not salt.exists():
            salt.write_bytes(os.urandom(56))
        made = hashlib.pbkdf2_hmac("sha512", _PASSWORD.encode(), salt.read_bytes(), 50000, 56)
        return "[" + ", ".join(f"byte {each}" for each in made) + "]"

    def start_closed(self) -> None:
        """The daemon runs, and its wallet is closed."""
        self.stop_daemon()
        (self.home / ".config").mkdir(exist_ok=True)
        asks = "true" if self.asks_for_programs else "false"
        (self.home / ".config" / "kwalletrc").write_text(
            f"[Wallet]\nEnabled=true\nFirst Use=false\nPrompt on Open={asks}\n"
        )
        self.daemon = self.processes.start("keyring", [*self.wrapper, "kwalletd5"], self.environment)
        self.daemon.ready(self.owned)
        self.daemon.ready(lambda: "true" in self._wallet("isEnabled"))

    def open_by_pam(self) -> None:
        """What the sign-in to a KDE desktop does: the wallet is open, and Secret Service calls it locked."""
        self._wallet("pamOpen", "kdewallet", self._hash, "0")

    def unlock(self, tries: int = 3) -> None:
        """A desktop that has been signed in to, in which a program has asked for the wallet."""
        isNew = not (self.home / ".local" / "share" / "kwalletd" / "kdewallet.kwl").exists()
        self.start_closed()
        self.open_by_pam()
        if isNew:
            # A wallet that was made while the daemon runs is seen by its next run.
            wait_for("the wallet", lambda: (self.home / ".local" / "share" / "kwalletd" / "kdewallet.kwl").exists())
            self.start_closed()
            self.open_by_pam()
            self._call("org.freedesktop.secrets", _SERVICE, "org.freedesktop.Secret.Service.SetAlias", "default", self.collection)

    def lock(self) -> None:
        self._wallet("close", "kdewallet", "true")
        wait_for("the lock", self.locked, 5)

    def _wallet(self, method: str, *arguments: str) -> str:
        return self._call("org.kde.kwalletd5", "/modules/kwalletd5", f"org.kde.KWallet.{method}", *arguments)


REAL: tuple[type[RealKeyring], ...] = (GnomeKeyring, KeePassXC, KWallet)
