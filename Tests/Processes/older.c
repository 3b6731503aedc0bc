/* older.c - a stand-in for other libraries with functions of the same names: run.sh compiles it as an older version
 * (another SONAME and symbol version), as an earlier 0.x (the same), and without versions. */
#include "nepit.h"

const char *nepit_version(void) { return "older"; }

nepit_status nepit_entropy(nepit_array weights, double base, const nepit_execution *execution, double *out) {
    (void)weights;
    (void)base;
    (void)execution;
    *out = -1;
    return NEPIT_OK;
}
