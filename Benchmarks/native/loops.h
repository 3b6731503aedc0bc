/* loops.h - the loops that a C programmer writes, over the log of the C library. */
#ifndef LOOPS_H
#define LOOPS_H

#include <stddef.h>

#define LOOPS(suffix, type)                                              \
    double entropy_##suffix(const type *p, const type *q, size_t n);        \
    double cross_entropy_##suffix(const type *p, const type *q, size_t n);  \
    double kl_divergence_##suffix(const type *p, const type *q, size_t n);  \
    double jensen_shannon_##suffix(const type *p, const type *q, size_t n);

LOOPS(plain_f64, double)
LOOPS(plain_f32, float)
LOOPS(fast_f64, double)
LOOPS(fast_f32, float)

#endif
