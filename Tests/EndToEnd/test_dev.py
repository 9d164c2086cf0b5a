"""The script that everybody uses: its verbs, its counting, and what it says when something is missing."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from parts.world import ROOT, programs

DEV = ROOT / "packaging" / "dev"
SCRIPTS = ROOT / "packaging" / "dev.d"


def dev(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(DEV), *arguments], capture_output=True, text=True, timeout=60)


def test_help_names_every_verb_and_each_is_there():
    verbs = set(re.findall(r"^  ([a-z]+) ", dev("help").stdout, re.MULTILINE))
    assert verbs == {
        "demo", "test", "build", "lint", "format", "bench", "soak", "fuzz", "compatibility", "sanitize", "install",
        "uninstall", "help",
    }
    for verb in verbs:
        assert os.access(SCRIPTS / f"{verb}.sh", os.X_OK)


@pytest.mark.parametrize("arguments", [
    ("frobnicate",), ("test", "frobnicate"), ("build", "frobnicate"), ("demo", "-x"), ("compatibility", "frobnicate"),
    ("sanitize", "frobnicate"),
])
def test_bad_usage_is_told_apart(arguments):
    done = dev(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("dev: ")


def test_the_continuous_integration_calls_the_tests_and_nothing_else():
    lines = [line for line in (ROOT / ".ci" / "run").read_text().splitlines() if line and not line.startswith(("#", "set "))]
    assert lines == ['exec "$(dirname -- "$0")/../packaging/dev" test']


def count(tmp_path: Path, text: str) -> subprocess.CompletedProcess[str]:
    file = tmp_path / "results.xml"
    file.write_text(text)
    return subprocess.run(["/usr/bin/python3", str(SCRIPTS / "count.py"), str(file)], capture_output=True, text=True)


def test_results_are_added_up_and_failures_are_named(tmp_path):
    done = count(tmp_path, (
        '<testsuites><testsuite><testcase name="a"/><testcase classname="S" name="b"><failure/></testcase>'
        '<testcase classname="S" name="c"><error/></testcase><testcase name="d"><skipped/></testcase></testsuite></testsuites>'
    ))
    assert (done.returncode, done.stdout.splitlines()) == (0, ["1 2 1", "S: b", "S: c"])


@pytest.mark.parametrize("text", ["", "<testsuites>"])
def test_results_that_cannot_be_read_do_not_count_as_good(tmp_path, text):
    assert count(tmp_path, text).returncode == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run a program as a user without rights")
def test_a_user_who_may_not_install_is_told_the_one_command(tmp_path):
    copy = tmp_path / "shared.sh"
    copy.write_text((SCRIPTS / "shared.sh").read_text())
    for each in (tmp_path, *tmp_path.parents):
        if each.stat().st_uid == 0 and each != Path("/"):
            each.chmod(each.stat().st_mode | 0o011)
    copy.chmod(0o644)
    done = subprocess.run(
        ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "/bin/bash", "-c",
         f'set -euo pipefail; . "{copy}"; need_packages bash there-is-no-such-package'],
        capture_output=True, text=True, cwd="/",
    )
    assert done.returncode == 1
    assert done.stdout.strip() == "sudo apt-get install --no-install-recommends -y there-is-no-such-package"


def test_a_toolchain_that_does_not_start_is_not_called_missing(tmp_path):
    """What the loader says is passed on, with the packages that bring what is missing."""
    folder = tmp_path / "dev.d"
    folder.mkdir()
    text = (SCRIPTS / "shared.sh").read_text()
    for place in ("/opt/swift/usr/bin", "/usr/local/swift/usr/bin", "/usr/libexec/swift/bin"):
        assert place in text
        text = text.replace(place, "/nonexistent")
    (folder / "shared.sh").write_text(text)
    swift = tmp_path / "swift"
    swift.write_text(
        "#!/bin/sh\n"
        "echo 'swift: error while loading shared libraries: libncurses.so.6: cannot open shared object file' >&2\n"
        "exit 127\n"
    )
    swift.chmod(0o755)
    done = subprocess.run(
        ["bash", "-c", f". {folder}/shared.sh; need_swift"],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", "HOME": str(tmp_path)}, capture_output=True, text=True, timeout=60,
    )
    assert done.returncode == 1
    assert "libncurses.so.6" in done.stderr
    assert f"{swift} is there and does not start" in done.stderr
    assert "libncurses-dev" in done.stdout and "not found" not in done.stderr


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make a machine look like another")
@pytest.mark.parametrize("restricted", [True, False])
def test_where_apparmor_forbids_sandboxes_the_installation_says_how_to_load_the_profile(tmp_path, restricted):
    kernel = tmp_path / "kernel"
    kernel.mkdir()
    (kernel / "apparmor_restrict_unprivileged_userns").write_text(f"{restricted:d}\n")
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "DOORWARD_PROGRAMS": str(programs()), "LANG": "C.UTF-8"}
    done = subprocess.run(
        ["unshare", "--mount", "/bin/sh", "-c", f'mount --bind {kernel} /proc/sys/kernel; exec "$@"', "-", str(DEV), "install"],
        capture_output=True, text=True, timeout=60, env=environment,
    )
    assert done.returncode == 0, done.stderr
    profile = ROOT / "packaging" / "apparmor" / "doorward"
    assert (f"sudo install -m 644 {profile} /etc/apparmor.d/doorward" in done.stdout) is restricted
    # It says what to type, and types nothing itself.
    assert not Path("/etc/apparmor.d/doorward").exists()
    assert "profile doorward" in profile.read_text() and "userns," in profile.read_text()
