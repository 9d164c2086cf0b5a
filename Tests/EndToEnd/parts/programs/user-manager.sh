#!/bin/bash
# A real `systemd --user` for an ordinary account, on a machine whose own PID 1 may be anything. Needs root; stays in the
# foreground. usage: user-manager.sh ACCOUNT HOME RUNTIME-DIR
set -euo pipefail
account=$1 home=$2 runtime=$3

if [ "${in_namespace:-}" != yes ]; then
    in_namespace=yes exec unshare --mount --propagation private "$0" "$@"
fi

# systemd looks here to learn whether it was booted; only this mount namespace sees it. Without unit-root the sandboxing
# of units fails.
mkdir -p /run/systemd
mount -t tmpfs -o mode=755 tmpfs /run/systemd
mkdir -p /run/systemd/system
mkdir -m 700 /run/systemd/unit-root

# A part of the control group tree that belongs to the account: hybrid hierarchies and the unified one.
for tree in /sys/fs/cgroup/systemd /sys/fs/cgroup/unified /sys/fs/cgroup; do
    [ -w "$tree/cgroup.procs" ] || continue
    group="$tree/doorward-test.slice/$$"
    mkdir -p "$group"
    chown "$account" "$group" "$group/cgroup.procs"
    chown "$account" "$group/cgroup.subtree_control" 2>/dev/null || true
    echo $$ >"$group/cgroup.procs"
done

exec setpriv --reuid="$account" --regid="$account" --clear-groups env -i \
    HOME="$home" USER="$account" LOGNAME="$account" SHELL=/bin/bash PATH=/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8 \
    XDG_RUNTIME_DIR="$runtime" \
    /lib/systemd/systemd --user --log-target=console
