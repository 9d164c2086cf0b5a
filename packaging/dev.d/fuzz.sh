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
    if [ -z "$name" ] || [ "$name" = "$target" ]; then targets+=("$target"); fi
done
[ ${#targets[@]} -gt 0 ] || die "there is no fuzzer '$name' in Tests/Fuzzers"

# Instrumented code has a build folder of its own: the usual one would be built anew after every change of flags.
scratch="$root/.build/fuzz"
for target in "${targets[@]}"; do
    run env DOORWARD_FUZZING=1 swift build -c release --scratch-path "$scratch" --product "$target"
    corpus="$tools/fuzz/$target"
    mkdir -p "$corpus"
    # The toolchain's own crash reports would hide libFuzzer's.
    run env SWIFT_BACKTRACE=enable=no "$scratch/release/$target" "$corpus" -max_total_time="$seconds" \
        -artifact_prefix="$corpus/crash-" </dev/null
done
