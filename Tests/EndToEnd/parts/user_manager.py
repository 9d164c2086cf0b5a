"""A real `systemd --user` of an account that no person uses, for the tests of the service."""

import contextlib
import grp
import os
import pwd
import shutil
import subprocess
from pathlib import Path

from .keyring import Keyring
from .processes import Processes, run

# An account that every Debian has and nobody works with; not `nobody`, whose number also means "any other user" in a
# namespace.
ACCOUNT = "games"
SCRIPT = Path(__file__).parent / "programs" / "user-manager.sh"


def needed() -> str | None:
    """Why it cannot be started here, or nothing."""
    if os.geteuid() != 0:
        return "only root can start another user's service manager"
    if not Path("/lib/systemd/systemd").exists():
        return "systemd is not installed"
    return None


class UserManager:
    def __init__(self, processes: Processes, folder: Path) -> None:
        self.processes = processes
        self.home = folder / "home"
        self.runtime = folder / "run"
        folder.mkdir(exist_ok=True)
        for each in (folder, self.home, self.runtime):
            each.mkdir(exist_ok=True, mode=0o700)
            self.own(each)
        self.environment = {
            "PATH": f"{self.home}/.local/bin:/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": str(self.home),
            "XDG_RUNTIME_DIR": str(self.runtime), "USER": ACCOUNT, "LOGNAME": ACCOUNT,
        }
        # Every folder above has to let the account through.
        for each in folder.parents:
            if each.stat().st_uid == os.geteuid() and each != Path("/") and not each.stat().st_mode & 0o001:
                each.chmod(each.stat().st_mode | 0o011)

    def own(self, path: Path) -> None:
        os.chown(path, pwd.getpwnam(ACCOUNT).pw_uid, grp.getgrgid(pwd.getpwnam(ACCOUNT).pw_gid).gr_gid)

    def start(self) -> None:
        self.manager = self.processes.start(
            "user-manager", [str(SCRIPT), ACCOUNT, str(self.home), str(self.runtime)],
            {"PATH": os.environ["PATH"]},
        )
        self.manager.ready(lambda: self.run("systemctl", "--user", "list-units").returncode == 0)

    def command(self, *arguments: str) -> list[str]:
        """The command as the account runs it."""
        return ["setpriv", f"--reuid={ACCOUNT}", f"--regid={ACCOUNT}", "--clear-groups", *arguments]

    def run(self, *arguments: str, seconds: float = 60, input: str | None = None) -> subprocess.CompletedProcess[str]:
        return run(self.command(*arguments), self.environment, seconds, input)

    def show(self, unit: str, name: str) -> str:
        return self.run("systemctl", "--user", "show", "--value", "-p", name, unit).stdout.strip()

    def status(self) -> str:
        return self.run("systemctl", "--user", "status", "doorward").stdout + self.manager.words()[-2000:]

    def start_keyring(self) -> None:
        """An unlocked keyring on the bus that the manager gives to its services, as a desktop session has it."""
        self.environment["DBUS_SESSION_BUS_ADDRESS"] = f"unix:path={self.runtime}/bus"
        self.keyring = Keyring(self.processes, self.home, self.environment, wrapper=self.command())
        self.keyring.unlock()

    def adopt_libraries(self, program: Path) -> None:
        """Makes a debug program run for the account: the toolchain's libraries may stand where it cannot read."""
        listed = run(["ldd", str(program)], {"PATH": "/usr/bin:/bin"}).stdout
        libraries = [Path(line.split()[2]) for line in listed.splitlines() if "=> /" in line]
        ours = [each for each in libraries if not str(each).startswith(("/lib/", "/usr/lib/"))]
        if not ours:
            return
        folder = self.home / "lib"
        folder.mkdir(exist_ok=True)
        for each in ours:
            shutil.copy2(each, folder / each.name)
        self.environment["LD_LIBRARY_PATH"] = str(folder)
        settings = self.home / ".config/systemd/user/doorward.service.d"
        settings.mkdir(parents=True, exist_ok=True)
        (settings / "libraries.conf").write_text(f"[Service]\nEnvironment=LD_LIBRARY_PATH={folder}\n")

    def own_everything(self) -> None:
        for each in [self.home, *self.home.rglob("*")]:
            self.own(each)

    def stop(self) -> None:
        self.run("systemctl", "--user", "stop", "doorward")
        self.manager.stop()
        for tree in ("systemd", "unified", ""):
            for group in Path("/sys/fs/cgroup", tree).glob("doorward-test.slice"):
                # Only empty groups can be removed, the innermost first.
                for each in sorted((path for path in group.rglob("*") if path.is_dir()), reverse=True):
                    with contextlib.suppress(OSError):
                        each.rmdir()
                with contextlib.suppress(OSError):
                    group.rmdir()
