"""A real `systemd --user` of an account that nobody uses, for the tests of the service."""

import grp
import os
import pwd
import shutil
import subprocess
from pathlib import Path

from .processes import Processes, run

# An account that every Debian has and nobody works with; not `nobody`, whose number also stands for "any other user" in
# a namespace.
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
            {"PATH": os.environ["PATH"], **({"DBUS_SESSION_BUS_ADDRESS": self.environment["DBUS_SESSION_BUS_ADDRESS"]}
                                            if "DBUS_SESSION_BUS_ADDRESS" in self.environment else {})},
        )
        self.manager.ready(lambda: self.run("systemctl", "--user", "list-units").returncode == 0)

    def command(self, *arguments: str) -> list[str]:
        """The command as the account runs it."""
        return ["setpriv", f"--reuid={ACCOUNT}", f"--regid={ACCOUNT}", "--clear-groups", *arguments]

    def run(self, *arguments: str, seconds: float = 60, input: str | None = None) -> subprocess.CompletedProcess[str]:
        return run(self.command(*arguments), self.environment, seconds, input)

    def show(self, unit: str, name: str) -> str:
        return self.run("systemctl", "--user", "show", "--value", "-p", name, unit).stdout.strip()

    def give(self, source: Path, target: Path) -> None:
        """Copies a program, with the libraries of the toolchain that it was linked to, to where the account can run it."""
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)
        target.chmod(0o755)
