#!/bin/sh
# Runs the harness on each instruction set that this processor has, and compares the digests.
#
#     Tests/CHarness/isa.sh [library [calls]]
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
library=${1:-$root/build/lib/libnepit.so}
calls=${2:-3000}
seed=$(date +%s)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

run() { # isa mode argument...
    isa=$1 mode=$2
    shift 2
    NEPIT_ISA=$isa "$root/build/charness" "$mode" --library "$library" --description "$root/build/contract.txt" "$@" \
        >"$work/$mode" || { cat "$work/$mode"; echo "isa.sh: $mode failed with NEPIT_ISA=$isa"; exit 1; }
    served=$(sed -n 's/^isa //p' "$work/$mode")
    sed -n 's/^digest //p' "$work/$mode"
}

first= served_before=
for isa in x86-64 x86-64-v3 x86-64-v4; do
    vectors=$(run $isa vectors "$root"/Tests/Vectors/*.txt)
    contract=$(run $isa contract --seed "$seed" --calls "$calls")
    served=$(sed -n 's/^isa //p' "$work/contract")
    echo "NEPIT_ISA=$isa: serves $served, vectors $vectors, contract $contract (seed $seed)"
    [ "$served" = "$isa" ] || { echo "isa.sh: this processor has no $isa"; continue; }
    [ -n "$first" ] || first="$vectors $contract"
    [ "$first" = "$vectors $contract" ] || { echo "isa.sh: $isa gives other bits than x86-64"; exit 1; }
done
echo "isa: the digests agree"
