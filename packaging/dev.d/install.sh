#!/usr/bin/env bash
# dev install: builds what is shipped and puts it where a user expects it. Nothing is started.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=shared.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/shared.sh"

build_release
bin="$HOME/.local/bin"
units="$HOME/.config/systemd/user"
mkdir -p "$bin" "$units"
for program in doorward doorward-coordinator; do
    # A new file in place of the old one: a running agent keeps what it was started from. Without the symbols it is
    # half the size.
    install -s -m 755 "$programs/$program" "$bin/.$program.new"
    mv -f "$bin/.$program.new" "$bin/$program"
    say "$bin/$program"
done
install -m 644 "$root/packaging/systemd/doorward.service" "$units/doorward.service"
say "$units/doorward.service"

# Without a user manager (a container, an ssh session without one) there is nobody to tell.
systemctl --user daemon-reload 2>/dev/null || true
case ":$PATH:" in
*":$bin:"*) ;;
*) say "Put $bin into your PATH to type the commands without it." ;;
esac
if [ "$(cat /proc/sys/kernel/apparmor_restrict_unprivileged_userns 2>/dev/null)" = 1 ] && [ ! -e /etc/apparmor.d/doorward ]; then
    say "AppArmor lets no program of a server be isolated here. To allow it for Doorward, an administrator types:"
    say "  sudo install -m 644 $root/packaging/apparmor/doorward /etc/apparmor.d/doorward && sudo apparmor_parser -r /etc/apparmor.d/doorward"
fi
say "Next: doorward login URL --token-file FILE, then: systemctl --user enable --now doorward"
