#!/usr/bin/env bash
# dev uninstall: ends the service and takes the programs and the unit away. Settings, records and secrets stay.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=shared.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/shared.sh"

if systemctl --user is-system-running >/dev/null 2>&1 || systemctl --user list-units >/dev/null 2>&1; then
    systemctl --user disable --now doorward.service 2>/dev/null || systemctl --user stop doorward.service 2>/dev/null || true
fi
for file in "$HOME/.local/bin/doorward" "$HOME/.local/bin/doorward-coordinator" \
    "$HOME/.config/systemd/user/doorward.service"; do
    if [ -e "$file" ]; then
        rm -f "$file"
        say "removed $file"
    fi
done
systemctl --user daemon-reload 2>/dev/null || true
say "Settings (~/.config/doorward), records (~/.local/state/doorward) and secrets (keyring) are still there."
