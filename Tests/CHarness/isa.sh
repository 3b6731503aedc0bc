#!/bin/sh
# Runs the harness on each instruction set that this processor has, and compares the digests.
#
#     Tests/CHarness/isa.sh [library [calls]]
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
library=${1:-$root/build/lib/libnepit.so}
calls=${2:-1000}
seed=$(date +%s)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

run() { # isa mode argument...: prints the digest, and what failed
    isa=$1 mode=$2
    shift 2
    NEPIT_ISA=$isa "$root/build/charness" "$mode" --library "$library" --description "$root/build/contract.txt" "$@" \
        >"$work/$mode" ||
        { grep -v 'cases\|calls' "$work/$mode"; echo "$mode failed with NEPIT_ISA=$isa"; } >"$work/failed"
    sed -n 's/^digest //p' "$work/$mode"
}

first= status=0
for isa in x86-64 x86-64-v3 x86-64-v4; do
    rm -f "$work/failed"
    vectors=$(run $isa vectors "$root"/Tests/Vectors/*.txt)
    contract=$(run $isa contract --seed "$seed" --calls "$calls")
    served=$(sed -n 's/^isa //p' "$work/contract")
    echo "NEPIT_ISA=$isa: serves $served, vectors $vectors, contract $contract (seed $seed)"
    [ ! -e "$work/failed" ] || { cat "$work/failed"; status=1; }
    [ "$served" = "$isa" ] || { echo "isa: this processor has no $isa"; continue; }
    [ -n "$first" ] || first="$vectors $contract"
    [ "$first" = "$vectors $contract" ] || { echo "isa: $isa gives other bits than the one before"; status=1; }
done
[ $status -ne 0 ] || echo "isa: the digests agree"
exit $status
