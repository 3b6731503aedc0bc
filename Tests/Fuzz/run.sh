#!/usr/bin/env bash
# run.sh [libFuzzer option...]     Builds the fuzzer, and runs it until something is found or the options say stop.
#
# What it learns stays in build/fuzz/corpus, and starts the next run beside the committed inputs in Tests/Fuzz/corpus.
# An input that fails is kept in build/fuzz; build/fuzz/fuzz FILE repeats it.
set -euo pipefail
cd "$(dirname "$0")/../.."
Tests/Sanitizers/build.sh address
Tests/Sanitizers/build.sh fuzz
# A program that has called abort needs no account of its registers as well.
export SWIFT_BACKTRACE=enable=no
mkdir -p build/fuzz/corpus
# Its progress, without a line for each input that is kept.
build/fuzz/fuzz -artifact_prefix=build/fuzz/ -max_len=4096 -len_control=20 -timeout=30 -print_final_stats=1 "$@" \
    build/fuzz/corpus Tests/Fuzz/corpus 2>&1 |
    grep --line-buffered -vE '^#[0-9]+\s+(NEW|REDUCE|RELOAD) |^\s*NEW_|dictionary|# Uses:'
