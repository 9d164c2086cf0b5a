# shellcheck shell=bash
# What the verbs share: words for people, Debian packages, the Swift toolchain, Python environments.
# The scripts that read this file use what it sets:
# shellcheck disable=SC2034

root=$(cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../.." && pwd)
cd "$root" || exit 1

# Everything that the verbs make for themselves is here, beside what SwiftPM makes: `rm -rf .build` forgets it all.
tools="$root/.build/tools"

say() { printf '%s\n' "$*"; }
warn() { printf 'dev: %s\n' "$*" >&2; }
die() {
    warn "$*"
    exit 1
}

# Prints a command, then runs it.
run() {
    printf '+ %s\n' "$*" >&2
    "$@"
}

# Installs those of the named Debian packages that are missing: as root or with passwordless sudo without asking,
# otherwise the one command to type is printed and the script ends.
need_packages() {
    local package missing=() as_root=()
    if ! command -v dpkg-query >/dev/null; then
        warn "this is no Debian system: please see to it that the equivalents of these packages are here: $*"
        return 0
    fi
    for package in "$@"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0

    if [ "$(id -u)" -ne 0 ]; then
        if sudo -n true 2>/dev/null; then
            as_root=(sudo -n)
        else
            warn "these Debian packages are missing: ${missing[*]}"
            warn "install them with this command, then run this script again:"
            say "sudo apt-get install --no-install-recommends -y ${missing[*]}"
            exit 1
        fi
    fi
    say "Installing Debian packages: ${missing[*]}"
    local install=(env DEBIAN_FRONTEND=noninteractive apt-get install --no-install-recommends -y -qq "${missing[@]}")
    local log="$tools/apt.log"
    mkdir -p "$tools"
    # The package lists of a fresh container are empty and those of an old one are stale: then they are fetched first.
    "${as_root[@]}" "${install[@]}" >"$log" 2>&1 ||
        { "${as_root[@]}" apt-get update -qq && "${as_root[@]}" "${install[@]}"; } >"$log" 2>&1 ||
        { cat "$log" >&2; die "apt-get could not install: ${missing[*]}"; }
}

build_packages=(
    binutils libcurl4-openssl-dev libsecret-1-dev libsqlite3-dev libssl-dev pkg-config zlib1g-dev
)
run_packages=(bubblewrap ca-certificates curl dbus gnome-keyring libglib2.0-bin python3 python3-venv)
test_packages=(
    dbus-user-session faketime git libsecret-tools nghttp2-proxy procps python3-gi shellcheck systemd util-linux
)
# The keyrings of other desktops, and a screen on which their windows can be seen and answered: some 130 MB.
test_packages+=(keepassxc libkf5wallet-bin libqca-qt5-2-plugins python3-xlib xvfb)
# A browser that tests drive, what gives it the certificate of a CA, and a font to read pages by: some 330 MB.
test_packages+=(chromium chromium-driver fonts-dejavu-core libnss3-tools)

# Debian's glewlwyd, an identity provider that tests sign in to, with its pages: unpacked and not installed, since its
# package would start one as a service on the machine of the person who tests. What it is linked with is installed.
need_glewlwyd() {
    local folder="$tools/glewlwyd" update=(apt-get update -qq)
    need_packages libcbor0.8 libconfig9 libhoel1.4 libiddawc1.1 libldap-2.5-0 liboath0 librhonabwy1.1 libulfius2.7 libyder2.0
    [ ! -e "$folder/usr/share/glewlwyd/webapp/login.html" ] || [ ! -x "$folder/usr/bin/glewlwyd" ] || return 0
    command -v dpkg-deb >/dev/null || return 0
    [ "$(id -u)" -eq 0 ] || update=(sudo -n "${update[@]}")
    rm -rf "$folder"
    mkdir -p "$folder"
    (
        cd "$folder"
        packages=(glewlwyd glewlwyd-common fonts-fork-awesome libjs-bootstrap4 libjs-jquery libjs-popper.js)
        apt-get download -qq "${packages[@]}" || { "${update[@]}" && apt-get download -qq "${packages[@]}"; }
        for package in *.deb; do dpkg-deb -x "$package" . && rm "$package"; done
    ) >"$tools/apt.log" 2>&1 || { cat "$tools/apt.log" >&2; die "apt-get could not bring glewlwyd"; }
}

# What a Swift toolchain needs of Debian 12 to start and to link, by Swift's own page for it.
swift_packages=(
    binutils-gold gcc git libcurl4-openssl-dev libedit-dev libicu-dev libncurses-dev libpython3-dev libsqlite3-dev
    libstdc++-12-dev libxml2-dev pkg-config tzdata uuid-dev
)

# Puts a Swift toolchain of the version that we build with into PATH, or says where to get one. One that is there and does
# not start is not "not found": what keeps it from starting is said.
need_swift() {
    local needed=6.3 version="" found="" answer folder broken="" reason=""
    for folder in "" "$HOME/.local/share/swiftly/bin" /opt/swift/usr/bin /usr/local/swift/usr/bin /usr/libexec/swift/bin; do
        [ -z "$folder" ] || PATH="$folder:$PATH"
        command -v swift >/dev/null || continue
        if answer=$(swift --version 2>&1); then
            version=$(sed -n 's/.*Swift version \([0-9][0-9.]*\).*/\1/p' <<<"$answer" | head -n 1)
        else
            version=""
            if [ -z "$broken" ]; then
                broken=$(command -v swift)
                reason=$(grep -v '^$' <<<"$answer" | head -n 1) || true
            fi
        fi
        [ -n "$version" ] || continue
        found=$version
        if [ "$(printf '%s\n%s\n' "$needed" "$version" | sort -V | head -n 1)" = "$needed" ]; then
            export PATH
            return 0
        fi
    done
    if [ -n "$broken" ]; then
        warn "$broken is there and does not start: ${reason:-it says nothing}"
        warn "A library is missing, or the toolchain is not for this system. Swift names these packages for Debian 12:"
        say "sudo apt-get install --no-install-recommends -y ${swift_packages[*]}"
        exit 1
    fi
    warn "Swift $needed or newer is needed and was not found${found:+ (found $found)}."
    warn "Get it for Debian 12 from https://www.swift.org/install/linux/ , put its usr/bin into PATH and run this again."
    exit 1
}

# Makes the Python environment NAME from a list of requirements in Tests/EndToEnd, once, and again when the list changes.
# Two generations of the MCP SDK cannot stand in one environment, and what only some tests need is in one of its own.
need_python() {
    local name=$1 list="$root/Tests/EndToEnd/requirements-$1.txt" folder="$tools/python-$1" stamp
    stamp=$(sha256sum <"$list")
    if [ "$(cat "$folder/stamp" 2>/dev/null)" != "$stamp" ]; then
        say "Making the Python environment '$name' from PyPI: $(grep -v '^#' "$list" | tr '\n' ' ')"
        rm -rf "$folder"
        # The system's own Python: an environment of another one may not be readable to other users of the tests.
        /usr/bin/python3 -m venv "$folder"
        "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$list" ||
            die "pip could not install the packages of $list (is PyPI reachable?)"
        printf '%s\n' "$stamp" >"$folder/stamp"
    fi
}

# The two programs as they are shipped: release, with the Swift runtime inside. That no two accesses to a variable overlap
# is checked at run time by debug builds, and so by all tests; here it would be a twentieth of what a call costs.
release=(-c release --static-swift-stdlib -Xswiftc -enforce-exclusivity=unchecked)

# Builds the two programs as they are shipped, and sets `programs` to their folder.
# DOORWARD_PROGRAMS names a folder with ready programs instead; the tests of these verbs use what they have just built.
build_release() {
    if [ -n "${DOORWARD_PROGRAMS:-}" ]; then
        programs=$DOORWARD_PROGRAMS
        return 0
    fi
    need_packages "${build_packages[@]}"
    need_swift
    local product
    for product in doorward-coordinator doorward; do
        build_with_progress "$product" swift build "${release[@]}" --product "$product"
    done
    programs=$(swift build "${release[@]}" --show-bin-path)
}

# Runs a build and shows how far it is: on a terminal in one line that changes, else now and then in a line of its own.
build_with_progress() {
    local what=$1 log="$tools/build.log" start=$SECONDS pid step last="" shown=0 every=20
    shift
    mkdir -p "$tools"
    [ ! -t 1 ] || every=1
    "$@" >"$log" 2>&1 &
    pid=$!
    # An interrupted script must not leave the compiler behind.
    trap 'kill "$pid" 2>/dev/null' INT TERM
    while kill -0 "$pid" 2>/dev/null; do
        sleep 0.5
        [ $((SECONDS - start - shown)) -ge $every ] || continue
        shown=$((SECONDS - start))
        step=$(grep -o '^\[[0-9]*/[0-9]*\]' "$log" | tail -n 1) || true
        if [ -t 1 ]; then
            printf '\r  building %s %-12s %d s ' "$what" "$step" "$shown"
        elif [ "$step" != "$last" ] || [ $((shown % 60)) -lt $every ]; then
            say "  building $what ${step:-(fetching packages)} after $shown s"
        fi
        last=$step
    done
    trap - INT TERM
    if ! wait "$pid"; then
        say ""
        grep -E 'error|warning' "$log" | head -n 20 >&2
        die "the build of $what failed; all of its output is in $log"
    fi
    [ ! -t 1 ] || printf '\r%60s\r' ''
    say "  built $what in $((SECONDS - start)) s"
}
