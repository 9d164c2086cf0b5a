#!/usr/bin/env bash
# dev fuzz [NAME [SECONDS]]: runs one libFuzzer target, or each in turn. What it finds is left in .build/tools/fuzz/NAME.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=shared.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/shared.sh"

name=${1:-}
seconds=${2:-60}
need_packages "${build_packages[@]}"
need_swift

targets=()
for folder in "$root"/Tests/Fuzzers/*/; do
    [ -d "$folder" ] || die "there are no fuzzers in Tests/Fuzzers"
    target=$(basename "$folder")
    # What they have in common is none itself.
    if [ "$target" = FuzzerDriver ]; then continue; fi
    if [ -z "$name" ] || [ "$name" = "$target" ]; then targets+=("$target"); fi
done
[ ${#targets[@]} -gt 0 ] || die "there is no fuzzer '$name' in Tests/Fuzzers"

# Instrumented code has a build folder of its own: the usual one would be built anew after every change of flags.
scratch="$root/.build/fuzz"
for target in "${targets[@]}"; do
    run env DOORWARD_FUZZING=1 swift build -c release --scratch-path "$scratch" --product "$target"
done

# As many at a time as there are processors.
one() {
    local target=$1 corpus="$tools/fuzz/$1"
    mkdir -p "$corpus"
    # The toolchain's own crash reports would hide libFuzzer's.
    if ! env SWIFT_BACKTRACE=enable=no "$scratch/release/$target" "$corpus" -max_total_time="$seconds" \
        -artifact_prefix="$corpus/crash-" </dev/null >"$corpus.log" 2>&1; then
        tail -n 40 "$corpus.log" >&2
        return 1
    fi
    say "$target: $(tail -n 1 "$corpus.log")"
}
running=() status=0
for target in "${targets[@]}"; do
    if [ ${#running[@]} -ge "$(nproc)" ]; then
        wait "${running[0]}" || status=1
        running=("${running[@]:1}")
    fi
    one "$target" &
    running+=($!)
done
for process in "${running[@]}"; do wait "$process" || status=1; done
exit $status
