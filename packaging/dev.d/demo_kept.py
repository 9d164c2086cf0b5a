"""What `packaging/dev demo --keep` leaves: everything running, a way into the console, commands to go on with."""

import shlex
from typing import Any

from demo_words import say


def keep(demo: Any) -> None:
    """Leaves a command that sees what the demo made, one that ends it, and says what to try."""
    folder = demo.world.folder
    variables = " ".join(
        f"{name}={shlex.quote(value)}" for name, value in sorted(demo.desk.environment.items())
        if name in ("DOORWARD_HOME", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR")
    )
    command, stop = folder / "doorward", folder / "stop"
    command.write_text(f'#!/bin/sh\nexec env {variables} {shlex.quote(str(demo.world.programs))}/doorward "$@"\n')
    groups = " ".join(f"-{each.pid}" for each in reversed(demo.world.processes.all) if each.running())
    stop.write_text(STOP.format(groups=groups, folder=shlex.quote(str(folder))))
    coordinator = shlex.quote(str(demo.world.programs / "doorward-coordinator"))
    console = folder / "console"
    console.write_text(f"#!/bin/sh\nexec {coordinator} sign-in-link --data {shlex.quote(str(demo.world.coordinator.data))} \"$@\"\n")
    for script in (command, stop, console):
        script.chmod(0o700)
    link = demo.world.coordinator.run("sign-in-link", "--data", str(demo.world.coordinator.data), "--json").json["url"]
    print("\nEverything is still running:")
    say(f"coordinator        {demo.world.coordinator.url}  (certificate authority {demo.world.coordinator.ca})")
    say(f"agent              http://{demo.desk.listen}  (settings and state in {demo.desk.home})")
    say(f"MCP server         {demo.server.url}")
    say(f"logs               {demo.world.processes.logs}")
    print("\nThe console, signed in at once as ann@example.com (once, within ten minutes; your browser does not know its authority):")
    say(link)
    say(f"{console}    makes another link")
    print("\nTry next:")
    for words in (
        "status", "servers", "call everything echo '{\"text\": \"hello\"}'", "call everything delete_thing '{\"name\": \"x\"}'",
        "explain everything delete_thing", "audit tail", "admin policy show", "client add my-editor",
    ):
        say(f"{command} {words}")
    say(f"{stop}    ends everything and removes it")


# The shell of a fresh machine takes a signal for process groups in this form alone.
STOP = """\
#!/bin/sh
kill -s TERM -- {groups}
tries=0
for group in {groups}; do
    while kill -s 0 -- "$group" 2>/dev/null && [ $tries -lt 100 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
done
kill -s KILL -- {groups} 2>/dev/null
rm -rf {folder}
"""
