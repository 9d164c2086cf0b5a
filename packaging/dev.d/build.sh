#!/usr/bin/env bash
# dev build [release]: everything in debug, or the two programs as they are shipped.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=shared.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/shared.sh"

case ${1:-debug} in
debug)
    need_packages "${build_packages[@]}"
    need_swift
    run swift build --build-tests
    ;;
release)
    build_release
    say "$programs/doorward"
    say "$programs/doorward-coordinator"
    ;;
*)
    warn "usage: ./packaging/dev build [release]"
    exit 2
    ;;
esac
