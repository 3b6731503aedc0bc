#!/bin/sh
# Builds what processes.c needs beside it, and runs it.
#
#     Tests/Processes/run.sh [MODE...]        threads fork reload copies older swift signals environment memory
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
here=$root/Tests/Processes
into=$root/build/processes
library=$root/build/lib/libnepit.so
mkdir -p "$into"

c() { clang -std=c11 -D_GNU_SOURCE -O1 -g -Wall -Wextra -Werror -I"$root/Include" "$@"; }

# A library that serves as another: its SONAME, its symbol version, its file.
stand_in() {
    printf '%s { global: nepit_*; local: *; };\n' "$2" > "$into/$2.map"
    c -shared -fPIC "$here/older.c" -o "$into/$3" -Wl,-soname="$1" -Wl,--version-script="$into/$2.map"
}
stand_in libnepit_older.so NEPIT_OLDER libnepit_older.so
mkdir -p "$into/earlier"
stand_in libnepit.so.0 NEPIT_0 earlier/libnepit.so
c -shared -fPIC "$here/older.c" -o "$into/impostor.so"

client() { # name, directory it is linked in, library, directory it is run with
    c -shared -fPIC "$here/client.c" -o "$into/$1" -L"$2" -l"$3" -Wl,-rpath="$4"
}
client client_older.so "$into" nepit_older "$into"
client client_shipped.so "$root/build/lib" nepit "$root/build/lib"
client client_earlier.so "$into/earlier" nepit "$root/build/lib"

"${SWIFT:-swift}c" -O "$here/host.swift" -I "$root/Include" -o "$into/host"
c "$here/processes.c" -o "$into/processes" -ldl -lpthread -lm
exec "$into/processes" "$into" "$library" "$@"
