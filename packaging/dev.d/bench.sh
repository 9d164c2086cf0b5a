#!/usr/bin/env bash
# dev bench [--against FOLDER] [--parts PART,...] [--processes N] [--seconds S]: builds release and compares the agent with
# nginx and with no hop at all, and with another build where there is one; `--help` says what the parts are.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=shared.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/shared.sh"

need_packages "${run_packages[@]}" openssl wrk
command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] || need_packages nginx-light
need_python modern
build_release
exec "$tools/python-modern/bin/python" "$root/Tests/Benchmarks/bench.py" "$programs" "$@"
