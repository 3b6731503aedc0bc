/*
 * loops.c - the loops that a C programmer writes, over the log of the C library.
 *
 * Compiled twice: with -O2 (KIND plain: one call of log an element), and with
 * -O3 -ffast-math for this machine (KIND fast: glibc's vector log, where there
 * is one). p and q are normalised and positive, which these loops rely on.
 */
#include "loops.h"

#include <math.h>

#define JOIN_(name, kind, suffix) name##_##kind##_##suffix
#define JOIN(name, kind, suffix) JOIN_(name, kind, suffix)

#define DEFINE(suffix, type, log)                                                        \
    double JOIN(entropy, KIND, suffix)(const type *p, const type *q, size_t n) {         \
        type sum = 0;                                                                    \
        (void)q;                                                                         \
        for (size_t j = 0; j < n; j++) sum -= p[j] * log(p[j]);                          \
        return (double)sum;                                                              \
    }                                                                                    \
    double JOIN(cross_entropy, KIND, suffix)(const type *p, const type *q, size_t n) {   \
        type sum = 0;                                                                    \
        for (size_t j = 0; j < n; j++) sum -= p[j] * log(q[j]);                          \
        return (double)sum;                                                              \
    }                                                                                    \
    double JOIN(kl_divergence, KIND, suffix)(const type *p, const type *q, size_t n) {   \
        type sum = 0;                                                                    \
        for (size_t j = 0; j < n; j++) sum += p[j] * log(p[j] / q[j]);                   \
        return (double)sum;                                                              \
    }                                                                                    \
    double JOIN(jensen_shannon, KIND, suffix)(const type *p, const type *q, size_t n) {  \
        type sum = 0;                                                                    \
        for (size_t j = 0; j < n; j++) {                                                 \
            type m = (p[j] + q[j]) / 2;                                                  \
            sum += p[j] * log(p[j] / m) + q[j] * log(q[j] / m);                          \
        }                                                                                \
        return (double)sum / 2;                                                          \
    }

DEFINE(f64, double, log)
DEFINE(f32, float, logf)
