#!/usr/bin/env bash
# dev demo [--keep]: builds what is shipped and shows one real call going the whole way, on real parts.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=shared.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/shared.sh"

case ${1:-} in
"" | --keep) ;;
*)
    warn "usage: ./packaging/dev demo [--keep]"
    exit 2
    ;;
esac

need_packages "${run_packages[@]}"
need_python modern
say "Building the two programs (the first time this takes many minutes, later none)"
build_release
exec "$tools/python-modern/bin/python" "$root/packaging/dev.d/demo.py" "$programs" "$@"
