"""What is read of a process that runs, and one run of the load generator."""

import json
import os
import re
import subprocess
import tempfile
from pathlib import Path

from parts.processes import Failed

SCRIPT = Path(__file__).parent / "call.lua"


def tree(pid: int) -> list[int]:
    """A process and everything below it."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(each for child in children for each in tree(int(child)))]


def seconds(stat: Path) -> float:
    """Seconds of processor, user and system, in a `stat` file of a process or a thread."""
    fields = stat.read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def cpu(pid: int) -> float:
    """Seconds of processor that a process and its children have used."""
    return sum(seconds(Path(f"/proc/{each}/stat")) for each in tree(pid))


def cpu_beside(pid: int, thread: str) -> float:
    """Seconds of processor that the threads of a process have used, but for those whose names begin so."""
    return sum(
        seconds(each / "stat")
        for each in Path(f"/proc/{pid}/task").iterdir() if not (each / "comm").read_text().startswith(thread)
    )


def memory(pid: int, kind: str = "Pss") -> float:
    """Megabytes that a process and its children hold, shared pages divided among their holders.

    The kind `Pss_Anon` is what they have written. The rest are pages of programs: how many of those are there depends on
    what was copied and run before, too.
    """
    total = 0
    for each in tree(pid):
        text = Path(f"/proc/{each}/smaps_rollup").read_text()
        total += int(re.search(rf"^{kind}:\s+(\d+)", text, re.MULTILINE).group(1))
    return total / 1024


def command(arguments: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Runs a command that has to succeed; returns its seconds of processor and the most megabytes that it held."""
    with open(os.devnull, "rb") as nothing, tempfile.TemporaryFile() as output:
        process = subprocess.Popen(arguments, env=environment, stdin=nothing, stdout=output, stderr=output)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            output.seek(0)
            raise Failed(f"{' '.join(arguments[:3])}: {output.read().decode(errors='replace')}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def wrk(
    url: str, size: int, connections: int, duration: float, authorization: Path, environment: dict[str, str]
) -> dict[str, float]:
    """Calls a server over and over; every call has to be answered with success."""
    command = [
        "wrk", "-t1", f"-c{connections}", f"-d{duration:g}s", "--latency", "-s", str(SCRIPT), url, "--", str(size),
        str(authorization),
    ]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    found = re.search(r"^RESULT (.*)$", done.stdout, re.MULTILINE)
    if not found:
        raise Failed(f"wrk: {done.stdout}{done.stderr}")
    result = json.loads(found.group(1))
    if result["errors"]:
        raise Failed(f"{result['errors']} of {result['calls']} calls to {url} failed")
    return result
