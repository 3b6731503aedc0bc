#!/bin/sh
# Compiles a file that includes nepit.h twice and calls its inline functions, in every language it promises to serve.
#
#     Tests/ABI/lint.sh
#
# A compiler that is not there is an error: silence would look like success.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# C++ takes the same text: nothing in it is C alone.
cat > "$work/lint.c" <<'EOF'
#include "nepit.h"
#include "nepit.h"

int lint(void);

int lint(void) {
    static const double weights[4] = {0.5, 0.25, 0.125, 0.125};
    static const float floats[2] = {1, 2};
    static const int64_t counts[2] = {1, 2};
    double out[4];
    nepit_execution how;
    nepit_mutable_array gradient = nepit_mutable_rows(out, 1, 4, NEPIT_F64);
    nepit_status status = nepit_entropy(nepit_vector_f64(weights, 4), NEPIT_E, NULL, out);
    how.size = sizeof how;
    how.threads = 1;
    how.monitor = NULL;
    how.context = NULL;
    status |= nepit_entropy_gradient(nepit_rows_f64(weights, 2, 2), 2.0, &how, NULL, nepit_no_array());
    status |= nepit_entropy_gradient(nepit_vector_f64(weights, 4), 2.0, &how, NULL, gradient);
    status |= nepit_entropy(nepit_vector_f32(floats, 2), 2.0, NULL, out);
    status |= nepit_entropy(nepit_vector_i64(counts, 2), 2.0, NULL, out);
    status |= nepit_entropy(nepit_rows_f32(floats, 1, 2), 2.0, NULL, out);
    status |= nepit_entropy(nepit_rows_i64(counts, 1, 2), 2.0, NULL, out);
    status |= nepit_entropy(nepit_columns(weights, 2, 2, NEPIT_F64), 2.0, NULL, out);
    return status == NEPIT_OK ? 0 : NEPIT_VERSION_MAJOR + 1;
}
EOF

check() { # compiler standard flags...
    compiler=$1 standard=$2
    shift 2
    case $standard in c++*) language=c++ ;; *) language=c ;; esac
    "$compiler" -std="$standard" -x "$language" "$@" -Wall -Wextra -pedantic -Werror \
        -I"$root/Include" -fsyntax-only "$work/lint.c"
    passed="$passed $compiler/$standard"
}

passed=
for standard in c99 c11 c17; do
    check "${CLANG:-clang}" $standard -Wdocumentation -Wstrict-prototypes -Wconversion
    check "${GCC:-gcc}" $standard -Wstrict-prototypes -Wconversion
done
for standard in c++11 c++14 c++17 c++20; do
    check "${CLANGXX:-clang++}" $standard -Wdocumentation -Wconversion
    check "${GXX:-g++}" $standard -Wconversion
done
echo "lint: nepit.h is clean as$passed"
