#!/usr/bin/env bash
# The two builds of one source, the shipped library (Embedded Swift) and the default build, give the same bits on all
# the vectors. The default build is made a shared library for this by NEPIT_SHARED=1.
set -euo pipefail
cd "$(dirname "$0")/.."

NEPIT_SHARED=1 "${SWIFT:-swift}" build -c release -Xswiftc -enable-testing --scratch-path .build/default --product nepit

# A line for each function, and one for all. Whether the bits are right as well is asked elsewhere.
digests() {
    { build/charness vectors --library "$1" Tests/Vectors/*.txt || true; } | grep -E '^(nepit_|digest )'
}
shipped=$(digests build/lib/libnepit.so)
default=$(digests .build/default/release/libnepit.so)
grep -q '^digest ' <<< "$shipped" || { echo "twins: the harness gave no digest"; exit 1; }
diff <(echo "$shipped") <(echo "$default") || { echo "twins: the default build (>) gives other bits (<)"; exit 1; }
tail -n 1 <<< "$shipped"
echo "twins: both builds give these bits"
