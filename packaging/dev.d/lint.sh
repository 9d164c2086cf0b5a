#!/usr/bin/env bash
# dev lint: the form of Swift, shell and Python sources. Nothing is changed; `dev format` changes.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=shared.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/shared.sh"

need_packages shellcheck python3
need_swift

# Each check runs, whatever the one before it found.
status=0
run swift format lint --strict --recursive --parallel Package.swift Agent Coordinator Shared Tests || status=1
run shellcheck --external-sources packaging/dev packaging/dev.d/*.sh .ci/run Tests/EndToEnd/parts/programs/*.sh || status=1
# Python: that it compiles, without writing anything beside the sources.
run /usr/bin/python3 - <<'END' || status=1
import pathlib
import sys

failed = 0
for folder in ("Tests", "packaging"):
    for path in sorted(pathlib.Path(folder).rglob("*.py")):
        try:
            compile(path.read_text(), str(path), "exec")
        except SyntaxError as error:
            failed += 1
            print(f"{path}:{error.lineno}: {error.msg}", file=sys.stderr)
sys.exit(1 if failed else 0)
END
exit $status
