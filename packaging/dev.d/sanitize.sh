#!/usr/bin/env bash
# dev sanitize [address|valgrind]: the paths where C libraries meet Swift (keyring, fetch, SQLite), with programs that watch
# their memory: built for AddressSanitizer, or as they are shipped and run by valgrind. Any report is a failure, and is shown.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=shared.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/shared.sh"

case ${1:-} in
"" | address | valgrind) ;;
*)
    warn "usage: ./packaging/dev sanitize [address|valgrind]"
    exit 2
    ;;
esac

sources="$root/Tests/Sanitizers"
python="$tools/python-modern/bin/python"
failed=()

# Puts in place of each program a script that runs it as the named function says. Sets `watched` to the folder of these
# scripts, and `reports` to the one where the reports go.
watch() {
    local kind=$1 program
    shift
    watched="$tools/sanitize/$kind" reports="$tools/sanitize/$kind-reports"
    rm -rf "$watched" "$reports"
    mkdir -p "$watched" "$reports"
    for program in doorward doorward-coordinator; do
        printf '#!/bin/sh\nexec %s "$@"\n' "$("$@" "$program")" >"$watched/$program"
        chmod +x "$watched/$program"
    done
}

# Runs one part; its own failure counts as much as a report.
part() {
    local name=$1
    shift
    say "== $name"
    env -u DBUS_SESSION_BUS_ADDRESS -u HTTPS_PROXY -u https_proxy -u ALL_PROXY PYTHONDONTWRITEBYTECODE=1 \
        DOORWARD_PROGRAMS="$watched" "$@" || failed+=("$name")
}

# Shows the reports that there are.
judge() {
    local file
    for file in "$reports"/*; do
        [ -s "$file" ] || continue
        say ""
        say "== $file"
        head -n 120 "$file"
        failed+=("$file")
    done
}

under_address_sanitizer() {
    local options="log_path=$reports/$1:exitcode=86:detect_leaks=1:detect_stack_use_after_return=0"
    printf '%s ' env SWIFT_BACKTRACE=enable=no "DOORWARD_LEAKS='$tools/sanitize/looked/$1'" \
        "LD_PRELOAD='$tools/sanitize/leaks.so'" "ASAN_OPTIONS='$options'" \
        "LSAN_OPTIONS='suppressions=$sources/leaks.supp:print_suppressions=0'" "'$bin/$1'"
}

under_valgrind() {
    printf '%s ' valgrind --quiet --num-callers=40 "--suppressions='$sources/valgrind.supp'" --leak-check=full \
        --show-leak-kinds=definite --errors-for-leak-kinds=definite "--log-file='$reports/$1.%p'" "'$bin/$1'"
}

need_packages "${build_packages[@]}" "${run_packages[@]}" "${test_packages[@]}" gcc libc6-dev
need_python modern
need_python handshake
mkdir -p "$tools/sanitize"

if [ "${1:-address}" = address ]; then
    need_swift
    # Instrumented code has a build folder of its own: the usual one would be built anew after every change of flags.
    sanitized=(--sanitize=address --scratch-path "$root/.build/sanitize")
    for product in doorward-coordinator doorward; do
        build_with_progress "$product" swift build "${sanitized[@]}" --product "$product"
    done
    bin=$(swift build "${sanitized[@]}" --show-bin-path)
    nm "$bin/doorward" | grep __asan_init >/dev/null || die "$bin/doorward was built without AddressSanitizer"
    rm -rf "$tools/sanitize/looked"
    mkdir -p "$tools/sanitize/looked"
    gcc -shared -fPIC -O1 -o "$tools/sanitize/leaks.so" "$sources/leaks.c" -lpthread
    watch address under_address_sanitizer
    part "rounds (AddressSanitizer)" "$python" "$sources/rounds.py" "$watched" --rounds 3
    part "tests (AddressSanitizer)" "$python" -m pytest -q -c Tests/EndToEnd/pytest.ini --rootdir "$root" \
        Tests/EndToEnd/test_keyring.py Tests/EndToEnd/test_credentials.py Tests/EndToEnd/test_membership.py \
        Tests/EndToEnd/test_sign_ins.py
    judge
fi

if [ "${1:-valgrind}" = valgrind ]; then
    need_packages valgrind libc6-dbg binutils
    build_release
    bin="$tools/sanitize/stripped"
    rm -rf "$bin"
    mkdir -p "$bin"
    # valgrind cannot read the debug information of a Swift program; the symbols stay.
    for product in doorward-coordinator doorward; do strip -g -o "$bin/$product" "$programs/$product"; done
    watch valgrind under_valgrind
    part "rounds (valgrind)" "$python" "$sources/rounds.py" "$watched" --rounds 1 --slow
    judge
fi

if [ ${#failed[@]} -gt 0 ]; then
    say ""
    say "What failed:"
    printf '  %s\n' "${failed[@]}"
    exit 1
fi
say "No sanitizer has anything to say."
