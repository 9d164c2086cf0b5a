"""Tries the programs with clients, servers, keyrings and sign-in servers that others made, and writes down what was seen.

usage: compatibility.py PROGRAMS [SECTION...] [--page FILE]     without a section all of them
"""

import argparse
import datetime
import importlib
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT / "Tests" / "EndToEnd")]
sys.dont_write_bytecode = True

from ground import Ground  # noqa: E402
from table import replaced  # noqa: E402

SECTIONS = ["clients", "servers", "keyrings", "sign_in_servers"]
INTRODUCTION = """\
# Compatibility

Written by `./packaging/dev compatibility`, which tries what is built with parts that others made, each in the version
that its row names, on Debian 12, and without a model or an account anywhere. A number in brackets leads to a note below
the table.
"""


def tried(programs: Path) -> str:
    version = subprocess.run([programs / "doorward", "--version"], capture_output=True, text=True).stdout.split()
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    return f"Tried on {today} with Doorward {version[-1] if version else 'of unknown version'}."


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", type=Path)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=", ".join(SECTIONS))
    parser.add_argument("--page", type=Path, default=ROOT / "packaging" / "docs" / "compatibility.md")
    options = parser.parse_args()
    if unknown := [each for each in options.sections if each not in SECTIONS]:
        print(f"dev: there is no section '{unknown[0]}'; the sections are: {' '.join(SECTIONS)}", file=sys.stderr)
        return 2
    ground = Ground(options.programs.resolve())
    page = options.page.read_text() if options.page.exists() else INTRODUCTION
    whole = INTRODUCTION
    for name in SECTIONS:
        if options.sections and name not in options.sections:
            continue
        print(f"== {name}", file=sys.stderr, flush=True)
        section = importlib.import_module(name).section(ground)
        section.tried = tried(options.programs)
        page = replaced(page, section)
        # After each section, so that what was seen is kept when a later one is interrupted.
        options.page.write_text(page)
        whole = replaced(whole, section)
        print(section.markdown(), flush=True)
    if not options.sections:
        # Nothing of an earlier run is left.
        options.page.write_text(whole)
    return 0


if __name__ == "__main__":
    sys.exit(main())
