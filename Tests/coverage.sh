#!/usr/bin/env bash
# Which lines of Sources the tests reach: the shipped library with counters, under the vectors on each instruction set
# and the contract; and the default build with counters, under the Swift tests. Tests/coverage.py tells, and compares
# with Tests/uncovered.txt.
set -euo pipefail
cd "$(dirname "$0")/.."

swift=${SWIFT:-swift}
tools=$(dirname "$(readlink -f "$(command -v "$swift")")")
work=$PWD/build/coverage
rm -rf "$work"
mkdir -p "$work/shipped"

quietly() { # log command...: its output where it fails
    "${@:2}" > "$work/$1.log" 2>&1 || { tail -n 40 "$work/$1.log"; exit 1; }
}

lines() { # name counters... -- binary...: what was reached, line by line
    local name=$1 counters=()
    shift
    while [ "$1" != -- ]; do counters+=("$1"); shift; done
    "$tools/llvm-profdata" merge --sparse "${counters[@]}" --output "$work/$name.profdata"
    "$tools/llvm-cov" export --format=lcov --instr-profile "$work/$name.profdata" "${@:2}" > "$work/$name.info"
}

# The counters' runtime registers with atexit, which wants the handle that the omitted crtbeginS.o would define.
NEPIT_EMBEDDED=1 quietly build-shipped "$swift" build -c release --product nepit --scratch-path .build/coverage-shipped \
    --disable-local-rpath -Xswiftc -profile-generate -Xswiftc -profile-coverage-mapping \
    -Xlinker --defsym=__dso_handle=__ehdr_start
library=.build/coverage-shipped/release/libnepit.so
for isa in x86-64 x86-64-v3 x86-64-v4; do
    NEPIT_ISA=$isa LLVM_PROFILE_FILE=$work/shipped/$isa.profraw \
        quietly vectors build/charness vectors --library $library Tests/Vectors/*.txt
done
# A file for each function: the counters of all processes, added to one file again and again, overflow.
awk '$1 == "function" { print $2 }' build/contract.txt | while read -r function; do
    for isa in x86-64-v3 x86-64-v4; do
        NEPIT_ISA=$isa LLVM_PROFILE_FILE=$work/shipped/$function-$isa-%1m.profraw quietly contract \
            build/charness contract --library $library --seed 1 --calls 1500 --only "$function" < /dev/null
    done
done
lines shipped "$work"/shipped/*.profraw -- $library

options=(-c release -Xswiftc -enable-testing --enable-code-coverage --scratch-path .build/coverage)
quietly build-default "$swift" build "${options[@]}" --build-tests
quietly swift "$swift" test "${options[@]}" --skip-build
lines default .build/coverage/release/codecov/*.profraw -- .build/coverage/release/*.xctest

"${PYTHON:-python3}" Tests/coverage.py "$work"/*.info "$@"
