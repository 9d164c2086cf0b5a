#!/usr/bin/env bash
# dev compatibility [SECTION...]: builds release, tries it with parts that others made, and writes what was seen into
# packaging/docs/compatibility.md: all of the page, or the sections that are named.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=shared.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/shared.sh"

for section in "$@"; do
    case $section in
    clients | servers | keyrings | sign_in_servers) ;;
    *)
        warn "there is no section '$section'; the sections are: clients servers keyrings sign_in_servers"
        exit 2
        ;;
    esac
done

need_packages "${run_packages[@]}"
need_python modern
need_python handshake
need_python authlib
need_glewlwyd
need_python clients
build_release
exec env -u DBUS_SESSION_BUS_ADDRESS -u HTTPS_PROXY -u https_proxy -u ALL_PROXY PYTHONDONTWRITEBYTECODE=1 \
    "$tools/python-modern/bin/python" "$root/Tests/Compatibility/compatibility.py" "$programs" "$@"
