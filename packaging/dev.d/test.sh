#!/usr/bin/env bash
# dev test [PART...]: all tests. Unit tests are built for debugging; end-to-end tests run the programs as they are shipped.
# Ends with a table of the parts and their durations and the line `N passed, F failed, S skipped`. A part that fails
# without saying which test counts as one failed test.
# The parts are functions that part() calls by name.
# shellcheck disable=SC2317
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=shared.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/shared.sh"

parts=(lint build unit architecture programs fuzz end-to-end)
for part in "$@"; do
    case " ${parts[*]} " in
    *" $part "*) ;;
    *)
        warn "there is no part '$part'; the parts are: ${parts[*]}"
        exit 2
        ;;
    esac
done
chosen=" ${*:-${parts[*]}} "

results="$tools/results"
rm -rf "$results"
mkdir -p "$results"
table=()
failures=()
passed=0 failed=0 skipped=0

# Runs one part, remembers how long it took, and adds up the results that its runner left behind.
part() {
    local name=$1 start=$SECONDS status=0 counts line p=0 f=0 s=0
    shift
    say ""
    say "== $name"
    # In a shell of its own: a part that gives up ends itself and not the table.
    ("$@") || status=$?
    if counts=$(/usr/bin/python3 packaging/dev.d/count.py "$results/$name"*.xml 2>/dev/null); then
        read -r p f s <<<"$counts"
        while read -r line; do failures+=("$name: $line"); done < <(tail -n +2 <<<"$counts")
    fi
    if [ $status -ne 0 ] && [ "$f" -eq 0 ]; then
        f=1
        failures+=("$name: the part ended with status $status")
    fi
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    table+=("$(printf '%-14s %6d s   %5d passed  %3d failed  %3d skipped' "$name" $((SECONDS - start)) "$p" "$f" "$s")")
    return $status
}

wanted() { case $chosen in *" $1 "*) true ;; *) false ;; esac; }

prepare() {
    need_packages "${build_packages[@]}" "${run_packages[@]}" "${test_packages[@]}"
    need_swift
    swift --version 2>&1 | head -n 1
    need_python modern
    need_python handshake
    need_python clients
    need_python authlib
    need_python servers
    need_python servers-handshake
    need_python schemathesis
    need_glewlwyd
}

# Runs the unit tests that these options choose, one at a time: those that compute for long would take every thread away
# from those that wait for something with a deadline.
unit_half() {
    local name=$1
    shift
    # A test must not find the session bus or the proxy of the person who runs it.
    env -u DBUS_SESSION_BUS_ADDRESS -u HTTPS_PROXY -u https_proxy -u ALL_PROXY \
        "$bundle" --testing-library swift-testing --no-parallel \
        --xunit-output "$results/unit-$name.xml" "$@"
}

# The tests of the agent's targets and all others, side by side: each half has a process of its own.
unit() {
    local status=0 bundle targets first TMPDIR
    bundle=$(swift build --show-bin-path)/doorwardPackageTests.xctest
    TMPDIR=$(mktemp -d)
    export TMPDIR
    targets=$(basename -a Agent/*/ | paste -sd '|')
    unit_half agent --filter "^($targets)Tests\\." >"$results/unit-agent.log" 2>&1 &
    first=$!
    unit_half others --skip "^($targets)Tests\\." || status=$?
    wait "$first" || status=$?
    cat "$results/unit-agent.log"
    # What tests leave behind, databases above all, is nobody's.
    rm -rf "$TMPDIR"
    return "$status"
}

python_tests() {
    local name=$1 folder=$2
    shift 2
    env -u DBUS_SESSION_BUS_ADDRESS PYTHONDONTWRITEBYTECODE=1 \
        "$tools/python-modern/bin/python" -m pytest -c Tests/EndToEnd/pytest.ini --rootdir "$root" \
        --junitxml "$results/$name.xml" "$@" "$folder"
}

end_to_end() {
    # A file at a time for each core, since the tests of one file share a world, and most of them wait most of the time.
    # They were built by the part before, or DOORWARD_PROGRAMS names others.
    DOORWARD_PROGRAMS=${DOORWARD_PROGRAMS:-$(swift build "${release[@]}" --show-bin-path)} \
        python_tests end-to-end Tests/EndToEnd --numprocesses "$(nproc)" --dist loadfile
}

finish() {
    say ""
    printf '%s\n' "${table[@]}"
    if [ ${#failures[@]} -gt 0 ]; then
        say ""
        say "What failed:"
        printf '  %s\n' "${failures[@]}"
    fi
    say ""
    say "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" -eq 0 ]
    exit
}

# A test that rewrites a file of the project would hide what was committed.
before=$(git status --porcelain 2>/dev/null || true)

part prepare prepare || finish
# The part ran in a shell of its own; this one needs the toolchain in its PATH too.
need_swift
if wanted lint; then part lint packaging/dev.d/lint.sh || true; fi
if wanted build; then part build run swift build --build-tests || finish; fi
if wanted unit; then part unit unit || true; fi
if wanted architecture; then part architecture python_tests architecture Tests/Architecture || true; fi
if wanted programs; then part programs build_release || finish; fi
# A minute for each: enough to find what every change of a reader could break at once. `dev fuzz` takes its time.
if wanted fuzz; then part fuzz packaging/dev.d/fuzz.sh "" "${DOORWARD_FUZZ_SECONDS:-60}" || true; fi
if wanted end-to-end; then part end-to-end end_to_end || true; fi
if [ "$before" != "$(git status --porcelain 2>/dev/null || true)" ]; then
    warn "the tests changed files of the project:"
    git status --porcelain >&2
    failures+=("the tests changed files of the project")
    failed=$((failed + 1))
fi
finish
