#!/usr/bin/env bash
# The two builds of one source, the shipped library (Embedded Swift) and the default build, give the same bits on all
# the vectors: those of Tests/Vectors/digests, which the harness compares with what it finds. The default build is made
# a shared library for this by NEPIT_SHARED=1.
set -euo pipefail
cd "$(dirname "$0")/.."

NEPIT_SHARED=1 "${SWIFT:-swift}" build -c release -Xswiftc -enable-testing --scratch-path .build/default --product nepit

for library in build/lib/libnepit.so .build/default/release/libnepit.so; do
    found=$(build/charness vectors --library "$library" Tests/Vectors/*.txt) || { echo "$found"; exit 1; }
    echo "$library: $(tail -n 1 <<< "$found")"
done
echo "twins: both builds give these bits"
