#!/usr/bin/env bash
# The two builds of one source, the shipped library (Embedded Swift) and the default build, give the same bits on all
# the vectors. The default build is made a shared library for this by NEPIT_SHARED=1.
set -euo pipefail
cd "$(dirname "$0")/.."

NEPIT_SHARED=1 swift build -c release -Xswiftc -enable-testing --scratch-path .build/default --product nepit
digest() { build/charness vectors --library "$1" Tests/Vectors/*.txt | sed -n 's/^digest //p'; }

shipped=$(digest build/lib/libnepit.so)
default=$(digest .build/default/release/libnepit.so)
echo "shipped $shipped, default $default"
[ -n "$shipped" ] && [ "$shipped" = "$default" ]
