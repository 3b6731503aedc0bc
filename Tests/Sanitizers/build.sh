#!/usr/bin/env bash
# build.sh address|thread|valgrind|fuzz     What one of them needs, in build/ under its name.
#
# address, thread   the default build (ordinary Swift) as a shared library, and the C harness, both with the sanitizer
#                   in them; the address sanitizer's library counts its branches as well, for the fuzzer
# valgrind          a harness whose memory it can watch, with the debugging format that it knows; it takes the shipped
#                   library as it is
# fuzz              Tests/Fuzz/fuzz.c, and a copy of the shipped library for each instruction set
set -euo pipefail
cd "$(dirname "$0")/../.."

swift=${SWIFT:-swift}
# The clang whose sanitizers are those of the Swift compiler.
toolchain=$(dirname "$(readlink -f "$(command -v "$swift")")")
out=build/$1
mkdir -p "$out"

library() { # option...: the messages only if it fails
    NEPIT_SHARED=1 "$swift" build -c release --product nepit --scratch-path ".build/$sanitizer" \
        --sanitize="$sanitizer" "$@" > "$out/build.log" 2>&1 || { tail -n 40 "$out/build.log"; exit 1; }
    cp ".build/$sanitizer/release/libnepit.so" "$out/libnepit.so"
}

compile() { # program argument...
    "$toolchain/clang" -std=c11 -D_GNU_SOURCE -O1 -g -Wall -Wextra -Werror -IInclude -rdynamic -fuse-ld=lld \
        -o "$out/$1" "${@:2}" -lffi -ldl -lpthread -lm
}

sanitizer=$1
case $sanitizer in
    address)
        library -Xswiftc -sanitize-coverage=edge,inline-8bit-counters,pc-table,trace-cmp
        compile charness -fsanitize=address,undefined -fno-sanitize-recover=undefined Tests/CHarness/*.c
        ;;
    thread)
        library
        # Swift's thread sanitizer asks for these two libraries of a program that is not Swift's.
        runtime=$toolchain/../lib/swift/linux
        compile charness -fsanitize=thread Tests/CHarness/*.c \
            -L"$runtime" -Wl,-rpath,"$runtime" -Wl,--no-as-needed -ldispatch -lBlocksRuntime
        ;;
    valgrind)
        compile charness -gdwarf-4 -DOWN_MALLOC=0 Tests/CHarness/*.c
        ;;
    fuzz)
        for level in x86-64 x86-64-v3 x86-64-v4; do
            mkdir -p "$out/$level"
            cp build/lib/libnepit.so "$out/$level/libnepit.so"
        done
        compile fuzz -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined -ITests/CHarness \
            Tests/Fuzz/fuzz.c Tests/CHarness/{call,describe,dtype,objects,trial,watch}.c
        ;;
esac
