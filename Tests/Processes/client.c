/* client.c - a library that is linked with libnepit: run.sh links it with each. */
#include "nepit.h"

const char *client_version(void);
double client_entropy(const double *weights, size_t n);

const char *client_version(void) { return nepit_version(); }

double client_entropy(const double *weights, size_t n) {
    double out;
    return nepit_entropy(nepit_vector_f64(weights, n), 2, NULL, &out) == NEPIT_OK ? out : -2;
}
