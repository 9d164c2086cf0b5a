#!/usr/bin/env bash
# dev soak [--minutes M]: builds release, and lets every known abuser loose on an agent beside one client that behaves.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=shared.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/shared.sh"

need_packages "${run_packages[@]}"
need_python modern
build_release
exec "$tools/python-modern/bin/python" "$root/Tests/Soak/soak.py" "$programs" "$@"
