"""A stdio server of the handshake era that tries what it is told to, and says how far it came. Standard library alone.

    python3 stdio_probe.py [ARG...]     its one tool is `attempt`, with `what` and what that needs
"""

import contextlib
import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

STARTED = time.monotonic()
CALLS = 0


def read(path: str, **_: object) -> str:
    place = Path(path).expanduser()
    return " ".join(sorted(os.listdir(place))) if place.is_dir() else place.read_text(errors="replace")


def write(path: str, text: str = "written", **_: object) -> str:
    Path(path).expanduser().write_text(text)
    return "written"


def connect(path: str = "", host: str = "", port: int = 0, **_: object) -> str:
    """To a socket with a path, one without (`@name`), or over TCP."""
    family = socket.AF_INET if host else socket.AF_UNIX
    with socket.socket(family, socket.SOCK_STREAM) as other:
        other.settimeout(3)
        other.connect((host, port) if host else ("\0" + path[1:] if path.startswith("@") else path))
    return "connected"


def trace(pid: int, **_: object) -> str:
    """Attaches to another process, as a debugger does."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(16, pid, None, None) != 0:
        raise OSError(ctypes.get_errno(), "ptrace")
    return "attached"


def processes(**_: object) -> str:
    found = []
    for each in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if each.name.isdigit():
                found.append((each / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip())
    return json.dumps(found)


def grandchild(mark: str, **_: object) -> str:
    """One that has left its parent, its session and all signals behind."""
    script = f"import signal, os, time; [signal.signal(s, signal.SIG_IGN) for s in (1, 2, 15)]; time.sleep(600)  # {mark}"
    middle = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {script!r}], start_new_session=True)"
    subprocess.run([sys.executable, "-c", middle], check=True)
    return "started"


def run(command: list, **_: object) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    return f"{done.returncode} {done.stdout}{done.stderr}"


def say(text: str, times: int = 1, **_: object) -> str:
    for _each in range(times):
        print(text, file=sys.stderr, flush=True)
    return "said"


def raw(text: str, times: int = 1, **_: object) -> str:
    """Writes something of its own to standard output."""
    for _each in range(times):
        sys.stdout.write(text)
    sys.stdout.flush()
    return "written"


def facts(**_: object) -> str:
    return json.dumps({
        "pid": os.getpid(), "arguments": sys.argv[1:], "environment": dict(os.environ), "folder": os.getcwd(),
        "files": sorted(int(each) for each in os.listdir("/proc/self/fd"))[:-1], "uid": os.getuid(),
        "ignored": [each.name for each in signal.Signals if signal.getsignal(each) == signal.SIG_IGN],
        "calls": CALLS, "started": STARTED, "pids": sum(each.isdigit() for each in os.listdir("/proc")),
    })


def leave(status: int = 0, **_: object) -> str:
    os._exit(status)


def kill(pid: int, **_: object) -> str:
    os.kill(pid, 9)
    return "killed"


def big(size: int, **_: object) -> str:
    return "x" * size


def wait(seconds: float, **_: object) -> str:
    time.sleep(seconds)
    return "waited"


ATTEMPTS = {each.__name__: each for each in (
    read, write, connect, trace, processes, grandchild, run, say, raw, facts, leave, kill, big, wait,
)}


def attempt(arguments: dict) -> dict:
    global CALLS
    CALLS += 1
    try:
        return {"content": [{"type": "text", "text": ATTEMPTS[arguments["what"]](**arguments)}]}
    except Exception as error:
        return {"content": [{"type": "text", "text": f"{type(error).__name__}: {error}"}], "isError": True}


def answer(message: dict) -> dict:
    method, params = message["method"], message.get("params", {})
    if method == "initialize":
        return {"result": {
            "protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}},
            "serverInfo": {"name": "probe", "version": "1"},
        }}
    if method == "tools/list":
        schema = {"type": "object", "properties": {"what": {"type": "string"}}, "required": ["what"]}
        return {"result": {"tools": [{"name": "attempt", "description": "Tries it.", "inputSchema": schema}]}}
    if method == "tools/call":
        return {"result": attempt(params.get("arguments", {}))}
    return {"result": {}} if method == "ping" else {"error": {"code": -32601, "message": f"there is no {method}"}}


def main() -> None:
    if "--die" in sys.argv:
        sys.exit("I cannot start: the die was cast")
    for line in sys.stdin:
        message = json.loads(line)
        if "--strict" in sys.argv and message.get("method") == "server/discover":
            sys.exit("what comes before initialize ends me")
        if "id" in message and "method" in message:
            print(json.dumps({"jsonrpc": "2.0", "id": message["id"], **answer(message)}), flush=True)


main()
