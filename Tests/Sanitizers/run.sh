#!/usr/bin/env bash
# run.sh address|thread|valgrind     Builds what is needed, and runs the C harness under it. No finding is suppressed.
set -euo pipefail
cd "$(dirname "$0")/../.."
Tests/Sanitizers/build.sh "$1"

checker=$1 harness=(build/$1/charness) library=(--library "build/$1/libnepit.so")

# run MODE [argument...]: what is found in full, else what the harness says in the end.
run() {
    local log=build/$checker/$1.log
    "${harness[@]}" "$@" > "$log" 2>&1 || { grep -vE '^nepit_\w+ +[0-9]+ (cases|calls)' "$log" | head -n 200; return 1; }
    echo "$checker: $1: $(grep -E '^[0-9]+ (cases|calls)' "$log")"
}

seed=$(date +%s)
echo "seed $seed"
case $checker in
    address)
        run vectors "${library[@]}" Tests/Vectors/*.txt
        run contract "${library[@]}" --calls 1000 --seed "$seed"
        ;;
    thread)
        run contract "${library[@]}" --calls 700 --seed "$seed"
        awk '/ threads /{ sum += $9 } END { print "thread: " sum " threads" }' build/thread/contract.log
        ;;
    valgrind)
        # Of x86-64-v3 valgrind 3.19 does not know vmovq between registers, and it knows the default floating-point
        # environment alone.
        export NEPIT_ISA=x86-64
        harness=(valgrind -q --error-exitcode=9 "${harness[@]}")
        run vectors Tests/Vectors/*.txt
        run contract --default-environment --calls 100 --seed "$seed"
        sed -n 's/^isa /valgrind: instruction set /p' build/valgrind/vectors.log
        ;;
esac
