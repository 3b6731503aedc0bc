/*
 * What SIMD in Swift lacks, as inline functions over its own types: a fused
 * multiply-add on every instruction set, a table lookup, square roots,
 * conversions, a transpose. Each does the same arithmetic everywhere, so that
 * results are the same bits; the instruction set only changes the speed.
 */
#ifndef NEPIT_LANES_H
#define NEPIT_LANES_H

#include <stdint.h>
#include <string.h>

#pragma clang assume_nonnull begin
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wpsabi"

#define LANES_INLINE static inline __attribute__((always_inline))

/*
 * How many doubles a kernel computes side by side. Two 512-bit registers in step keep the processor's units busy where
 * one would wait for itself; elsewhere the registers are too few. Sums are kept in 8 lanes all the same, and added up in
 * the same order.
 */
#if defined(__AVX512F__)
#define LANES 16
#else
#define LANES 8
#endif

typedef double lanes_f64 __attribute__((ext_vector_type(LANES)));
typedef int64_t lanes_i64 __attribute__((ext_vector_type(LANES)));
typedef float lanes_f32 __attribute__((ext_vector_type(16)));
typedef int32_t lanes_i32 __attribute__((ext_vector_type(16)));
typedef double lanes_eight __attribute__((ext_vector_type(8)));

/* a * b + c, rounded once. */
#if defined(__FMA__) || defined(__aarch64__)
LANES_INLINE lanes_f64 lanes_fma(lanes_f64 a, lanes_f64 b, lanes_f64 c) { return __builtin_elementwise_fma(a, b, c); }
LANES_INLINE lanes_f32 lanes_fma_f32(lanes_f32 a, lanes_f32 b, lanes_f32 c) { return __builtin_elementwise_fma(a, b, c); }
#else
/*
 * libm's fma a lane; not inlined, or each kernel would be unrolled into hundreds of calls. The loop is: with a lane that
 * is known only at run time a vector would go through memory for each.
 */
static __attribute__((noinline)) lanes_f64 lanes_fma(lanes_f64 a, lanes_f64 b, lanes_f64 c) {
    _Pragma("clang loop unroll(full)")
    for (int i = 0; i < LANES; i++) a[i] = __builtin_fma(a[i], b[i], c[i]);
    return a;
}
static __attribute__((noinline)) lanes_f32 lanes_fma_f32(lanes_f32 a, lanes_f32 b, lanes_f32 c) {
    _Pragma("clang loop unroll(full)")
    for (int i = 0; i < 16; i++) a[i] = __builtin_fmaf(a[i], b[i], c[i]);
    return a;
}
#endif

/* a * b - c. */
LANES_INLINE lanes_f32 lanes_fms_f32(lanes_f32 a, lanes_f32 b, lanes_f32 c) { return lanes_fma_f32(a, b, -c); }
/* x 2^(the whole number in the low bits of `power`, less `bias`). */
LANES_INLINE lanes_f32 lanes_scaled_f32(lanes_f32 x, lanes_f32 power, int32_t bias) {
    return x * (lanes_f32)(((lanes_i32)power - bias) << 23);
}
/* The greater; b where a is NaN. */
LANES_INLINE lanes_f32 lanes_max_f32(lanes_f32 a, lanes_f32 b) { return a > b ? a : b; }
LANES_INLINE lanes_eight lanes_max_eight(lanes_eight a, lanes_eight b) { return a > b ? a : b; }
LANES_INLINE lanes_f64 lanes_max(lanes_f64 a, lanes_f64 b) { return a > b ? a : b; }

/* `yes` where the mask's bits are set: Swift's own is now and then left as a loop over the lanes, which may trap. */
LANES_INLINE lanes_f64 lanes_select(lanes_i64 mask, lanes_f64 yes, lanes_f64 no) { return mask ? yes : no; }
LANES_INLINE lanes_f32 lanes_select_f32(lanes_i32 mask, lanes_f32 yes, lanes_f32 no) { return mask ? yes : no; }

LANES_INLINE lanes_f64 lanes_sqrt(lanes_f64 x) { return __builtin_elementwise_sqrt(x); }

/* A table in memory is eight loads: a function of its own on the baseline, where size counts and speed is lost. */
#if defined(__AVX2__) || defined(__aarch64__)
#define LANES_TABLE LANES_INLINE
#else
#define LANES_TABLE static __attribute__((noinline))
#endif

/* table[index & 15] for each lane, of 16 doubles. */
LANES_TABLE lanes_f64 lanes_lookup(const double *table, lanes_i64 index) {
#if defined(__AVX512F__)
    typedef double vector __attribute__((vector_size(64)));
    typedef long long integers __attribute__((vector_size(64)));
    vector low, high;
    memcpy(&low, table, 64);
    memcpy(&high, table + 8, 64);
    lanes_f64 result;
    result.lo = (lanes_eight)__builtin_ia32_vpermi2varpd512(low, (integers)index.lo, high);
    result.hi = (lanes_eight)__builtin_ia32_vpermi2varpd512(low, (integers)index.hi, high);
    return result;
#else
    lanes_f64 result;
    _Pragma("clang loop unroll(full)")
    for (int i = 0; i < LANES; i++) result[i] = table[index[i] & 15];
    return result;
#endif
}

#if defined(__AVX2__) && !defined(__AVX512F__)
typedef float lanes_half_f32 __attribute__((ext_vector_type(8)));
typedef int32_t lanes_half_i32 __attribute__((ext_vector_type(8)));
/* b where the index has its sign bit set. */
LANES_INLINE lanes_half_f32 lanes_blend(lanes_half_f32 a, lanes_half_f32 b, lanes_half_i32 index) {
    typedef float vector __attribute__((vector_size(32)));
    return (lanes_half_f32)__builtin_ia32_blendvps256((vector)a, (vector)b, (vector)index);
}
/* table[index & 15]: two registers, a permutation of each. */
LANES_INLINE lanes_half_f32 lanes_lookup_half(const float *table, lanes_half_i32 index) {
    typedef float vector __attribute__((vector_size(32)));
    typedef int integers __attribute__((vector_size(32)));
    vector low, high;
    memcpy(&low, table, 32);
    memcpy(&high, table + 8, 32);
    return lanes_blend((lanes_half_f32)__builtin_ia32_permvarsf256(low, (integers)index),
                       (lanes_half_f32)__builtin_ia32_permvarsf256(high, (integers)index), index << 28);
}
#endif

/* table[index & 15] for each lane, of 16 floats. */
LANES_TABLE lanes_f32 lanes_lookup_f32(const float *table, lanes_i32 index) {
#if defined(__AVX512F__)
    typedef float vector __attribute__((vector_size(64)));
    typedef int integers __attribute__((vector_size(64)));
    vector all;
    memcpy(&all, table, 64);
    return (lanes_f32)__builtin_ia32_permvarsf512(all, (integers)index);
#elif defined(__AVX2__)
    lanes_f32 result;
    result.lo = lanes_lookup_half(table, index.lo);
    result.hi = lanes_lookup_half(table, index.hi);
    return result;
#else
    lanes_f32 result;
    _Pragma("clang loop unroll(full)")
    for (int i = 0; i < 16; i++) result[i] = table[index[i] & 15];
    return result;
#endif
}

/*
 * x = mantissa 2^exponent, 1 <= mantissa < 2, for a normal x > 0. 0 has the exponent -infinity and the mantissa 1. What
 * other arguments give depends on the instruction set.
 */
LANES_INLINE lanes_f64 lanes_exponent(lanes_f64 x) {
#if defined(__AVX512F__)
    typedef double vector __attribute__((vector_size(64)));
    lanes_f64 result;
    result.lo = (lanes_eight)__builtin_ia32_getexppd512_mask((vector)x.lo, (vector)x.lo, (unsigned char)-1, 4);
    result.hi = (lanes_eight)__builtin_ia32_getexppd512_mask((vector)x.hi, (vector)x.hi, (unsigned char)-1, 4);
    return result;
#else
    /* The biased exponent as the low bits of a double of 2^52: exact, without a conversion of 64-bit integers. */
    typedef uint64_t bits __attribute__((ext_vector_type(LANES)));
    lanes_f64 exponent = (lanes_f64)(((bits)x >> 52) | 0x4330000000000000) - (0x1p52 + 1023);
    lanes_i64 none = x == 0;
    return (lanes_f64)((none & (lanes_i64)(lanes_f64)-__builtin_inf()) | (~none & (lanes_i64)exponent));
#endif
}
LANES_INLINE lanes_f64 lanes_mantissa(lanes_f64 x) {
#if defined(__AVX512F__)
    typedef double vector __attribute__((vector_size(64)));
    lanes_f64 result;
    result.lo = (lanes_eight)__builtin_ia32_getmantpd512_mask((vector)x.lo, 0, (vector)x.lo, (unsigned char)-1, 4);
    result.hi = (lanes_eight)__builtin_ia32_getmantpd512_mask((vector)x.hi, 0, (vector)x.hi, (unsigned char)-1, 4);
    return result;
#else
    return (lanes_f64)(((lanes_i64)x & 0x000fffffffffffff) | 0x3ff0000000000000);
#endif
}
LANES_INLINE lanes_f32 lanes_exponent_f32(lanes_f32 x) {
#if defined(__AVX512F__)
    typedef float vector __attribute__((vector_size(64)));
    return (lanes_f32)__builtin_ia32_getexpps512_mask((vector)x, (vector)x, (unsigned short)-1, 4);
#else
    lanes_f32 exponent = __builtin_convertvector((lanes_i32)x >> 23, lanes_f32) - 127;
    lanes_i32 none = x == 0;
    return (lanes_f32)((none & (lanes_i32)(lanes_f32)-__builtin_inff()) | (~none & (lanes_i32)exponent));
#endif
}
LANES_INLINE lanes_f32 lanes_mantissa_f32(lanes_f32 x) {
#if defined(__AVX512F__)
    typedef float vector __attribute__((vector_size(64)));
    return (lanes_f32)__builtin_ia32_getmantps512_mask((vector)x, 0, (vector)x, (unsigned short)-1, 4);
#else
    return (lanes_f32)(((lanes_i32)x & 0x007fffff) | 0x3f800000);
#endif
}

/*
 * Tables of log x = k ln 2 - log c + log1p(z c - 1), z the mantissa, where an absolute error will do: 16 cells of [1, 2),
 * the cell in the low bits of the index.
 */
LANES_INLINE lanes_f64 lanes_mantissa_reciprocal(lanes_i64 cell) {
    static const double table[16] __attribute__((aligned(64))) = {
        0x1.fp-1, 0x1.d4p-1, 0x1.bbp-1, 0x1.a4p-1,
        0x1.9p-1, 0x1.7dp-1, 0x1.6cp-1, 0x1.5dp-1,
        0x1.4ep-1, 0x1.41p-1, 0x1.35p-1, 0x1.2ap-1,
        0x1.1fp-1, 0x1.16p-1, 0x1.0dp-1, 0x1.04p-1};
    return lanes_lookup(table, cell);
}
LANES_INLINE lanes_f64 lanes_mantissa_log(lanes_i64 cell) {
    static const double table[16] __attribute__((aligned(64))) = {
        0x1.0415d89e74444p-5, 0x1.700d30aeac0e1p-4, 0x1.28753bc11aba5p-3, 0x1.95a5adcf7017fp-3,
        0x1.f991c6cb3b379p-3, 0x1.2e9e2bce12286p-2, 0x1.5d5bddf595f3p-2, 0x1.8873658327ccfp-2,
        0x1.b56fa04462909p-2, 0x1.de16b56ef90fp-2, 0x1.028d2d6a963f4p-1, 0x1.151c3f6f29612p-1,
        0x1.285e0842ca384p-1, 0x1.38ae2171976e7p-1, 0x1.4987ace0dabbp-1, 0x1.5af405c3649ep-1};
    return lanes_lookup(table, cell);
}
LANES_INLINE lanes_f32 lanes_mantissa_reciprocal_f32(lanes_i32 cell) {
    static const float table[16] __attribute__((aligned(64))) = {
        0x1.fp-1f, 0x1.d4p-1f, 0x1.bbp-1f, 0x1.a4p-1f,
        0x1.9p-1f, 0x1.7dp-1f, 0x1.6cp-1f, 0x1.5dp-1f,
        0x1.4ep-1f, 0x1.41p-1f, 0x1.35p-1f, 0x1.2ap-1f,
        0x1.1fp-1f, 0x1.16p-1f, 0x1.0dp-1f, 0x1.04p-1f};
    return lanes_lookup_f32(table, cell);
}
LANES_INLINE lanes_f32 lanes_mantissa_log_f32(lanes_i32 cell) {
    static const float table[16] __attribute__((aligned(64))) = {
        0x1.0415d8p-5f, 0x1.700d3p-4f, 0x1.28753cp-3f, 0x1.95a5aep-3f,
        0x1.f991c6p-3f, 0x1.2e9e2cp-2f, 0x1.5d5bdep-2f, 0x1.887366p-2f,
        0x1.b56fap-2f, 0x1.de16b6p-2f, 0x1.028d2ep-1f, 0x1.151c4p-1f,
        0x1.285e08p-1f, 0x1.38ae22p-1f, 0x1.4987acp-1f, 0x1.5af406p-1f};
    return lanes_lookup_f32(table, cell);
}

/*
 * Tables for a ratio y = z 2^k, z in [0.703125, 1.40625), in 16 cells, one of which is centred on 1: the cell's reciprocal c,
 * and log c. The reciprocals have 18 bits, and were picked so that log c is a float to 2^-9 of its last place: log c - (c - 1)
 * keeps its bits.
 */
LANES_INLINE lanes_f32 lanes_ratio_reciprocal_f32(lanes_i32 cell) {
    static const float table[16] __attribute__((aligned(64))) = {
        0x1.63c6p+0f, 0x1.548a8p+0f, 0x1.47ef8p+0f, 0x1.3a8ap+0f,
        0x1.2f468p+0f, 0x1.250bp+0f, 0x1.1b0d4p+0f, 0x1.1161p+0f,
        0x1.0823p+0f, 0x1p+0f, 0x1.e072p-1f, 0x1.c5c2p-1f,
        0x1.adf4p-1f, 0x1.9875p-1f, 0x1.8707p-1f, 0x1.74ec8p-1f};
    return lanes_lookup_f32(table, cell);
}
LANES_INLINE lanes_f32 lanes_ratio_log_f32(lanes_i32 cell) {
    static const float table[16] __attribute__((aligned(64))) = {
        0x1.5103f6p-2f, 0x1.2434ecp-2f, 0x1.fb2a7ep-3f, 0x1.a5bf1p-3f,
        0x1.5b0fdap-3f, 0x1.14c53ap-3f, 0x1.9b73e6p-4f, 0x1.0d07dcp-4f,
        0x1.0052ap-5f, 0x0p+0f, -0x1.048d32p-4f, -0x1.eea31cp-4f,
        -0x1.65ae14p-3f, -0x1.ceb888p-3f, -0x1.14042ap-2f, -0x1.448ea8p-2f};
    return lanes_lookup_f32(table, cell);
}

/*
 * The logarithm's table. The mantissa range from 0.703125 is cut into 16 cells
 * of equal spacing in bits, one of which is centred on 1. A cell's reciprocal
 * has so few bits that z * reciprocal - 1 is exact; its logarithm is given in
 * two words, the first a multiple of 2^-42 so that k * ln 2 can be added to it
 * without rounding; bend is 1 - reciprocal + log(reciprocal).
 * Docs/numerics.md derives them.
 */
LANES_INLINE lanes_f64 lanes_log_reciprocal(lanes_i64 cell) {
    static const double table[16] __attribute__((aligned(64))) = {
        0x1.68p+0, 0x1.58p+0, 0x1.48p+0, 0x1.38p+0,
        0x1.3p+0, 0x1.28p+0, 0x1.18p+0, 0x1.1p+0,
        0x1.08p+0, 0x1p+0, 0x1.ep-1, 0x1.c8p-1,
        0x1.bp-1, 0x1.98p-1, 0x1.88p-1, 0x1.78p-1};
    return lanes_lookup(table, cell);
}
LANES_INLINE lanes_f64 lanes_log_high(lanes_i64 cell) {
    static const double table[16] __attribute__((aligned(64))) = {
        -0x1.5d1bdbf581p-2, -0x1.2e8e2bae12p-2, -0x1.fb9186d5e4p-3, -0x1.9525a9cf46p-3,
        -0x1.5ff3070a7ap-3, -0x1.29552f82p-3, -0x1.6f0d28ae58p-4, -0x1.f0a30c0118p-5,
        -0x1.f829b0e78p-6, 0x0p+0, 0x1.08598b59e4p-4, 0x1.da72763844p-4,
        0x1.5bf406b544p-3, 0x1.d1037f2656p-3, 0x1.1178e8227ep-2, 0x1.3c25277333p-2};
    return lanes_lookup(table, cell);
}
LANES_INLINE lanes_f64 lanes_log_low(lanes_i64 cell) {
    static const double table[16] __attribute__((aligned(64))) = {
        0x1.8d6bdc9c7c238p-44, 0x1.67b1e99b72bd8p-45, 0x1.d572aab993c87p-47, 0x1.297137d9f158fp-44,
        0x1.8586f183bebf2p-44, 0x1.5b967f4471dfcp-44, 0x1.4b4641b664613p-44, 0x1.d599e83368e91p-45,
        -0x1.980267c7e09e4p-45, 0x0p+0, -0x1.7e5dd7009902cp-46, 0x1.a89401fa71733p-46,
        -0x1.27023eb68981cp-46, -0x1.84a7e75b6f6e4p-47, 0x1.1ef78ce2d07f2p-44, 0x1.83b54b606bd5cp-46};
    return lanes_lookup(table, cell);
}
LANES_INLINE lanes_f64 lanes_log_centre(lanes_i64 cell) {
    static const double table[16] __attribute__((aligned(64))) = {
        -0x1.5d1bdbf5809cap-2, -0x1.2e8e2bae11d31p-2, -0x1.fb9186d5e3e2bp-3, -0x1.9525a9cf456b4p-3,
        -0x1.5ff3070a793d4p-3, -0x1.29552f81ff523p-3, -0x1.6f0d28ae56b4cp-4, -0x1.f0a30c01162a6p-5,
        -0x1.f829b0e7833p-6, 0x0p+0, 0x1.08598b59e3a07p-4, 0x1.da727638446a2p-4,
        0x1.5bf406b543db2p-3, 0x1.d1037f2655e7bp-3, 0x1.1178e8227e47cp-2, 0x1.3c25277333184p-2};
    return lanes_lookup(table, cell);
}
LANES_INLINE lanes_f64 lanes_log_bend(lanes_i64 cell) {
    static const double table[16] __attribute__((aligned(64))) = {
        -0x1.0b909029fd8d7p-4, -0x1.8b8ea28f7167bp-5, -0x1.11b9e4a870756p-5, -0x1.56d2b185d4a5cp-6,
        -0x1.0067c7ac36162p-6, -0x1.6aad07e00adcbp-7, -0x1.0f2d751a94b46p-8, -0x1.eb9e7fdd3ab34p-10,
        -0x1.f593c61f33fedp-12, 0x0p+0, -0x1.0b316b3c740d1p-9, -0x1.a727638446a25p-8,
        -0x1.bf406b543db2p-7, -0x1.881bf932af3dbp-6, -0x1.0bc74113f23dfp-5, -0x1.61293b9998c1ep-5};
    return lanes_lookup(table, cell);
}
LANES_INLINE lanes_f64 lanes_load(const double *p) {
    lanes_f64 v;
    memcpy(&v, p, sizeof v);
    return v;
}
LANES_INLINE void lanes_store(double *p, lanes_f64 v) { memcpy(p, &v, sizeof v); }
LANES_INLINE lanes_eight lanes_load_eight(const double *p) {
    lanes_eight v;
    memcpy(&v, p, sizeof v);
    return v;
}
LANES_INLINE void lanes_store_eight(double *p, lanes_eight v) { memcpy(p, &v, sizeof v); }
/* Floats, widened. */
LANES_INLINE lanes_f64 lanes_widen(const float *p) {
    float __attribute__((ext_vector_type(LANES))) v;
    memcpy(&v, p, sizeof v);
    return __builtin_convertvector(v, lanes_f64);
}
/* As floats; one that rounds to zero is +0. */
LANES_INLINE void lanes_store_narrow(float *p, lanes_f64 v) {
    typedef float narrow __attribute__((ext_vector_type(LANES)));
    narrow rounded = __builtin_convertvector(v, narrow) + 0;
    memcpy(p, &rounded, sizeof rounded);
}
LANES_INLINE lanes_f32 lanes_load_f32(const float *p) {
    lanes_f32 v;
    memcpy(&v, p, sizeof v);
    return v;
}
/* `count` numbers, fewer than there are lanes, and zeros behind them. Nothing beyond them is read. */
#if defined(__AVX512F__)
LANES_INLINE lanes_f64 lanes_load_part(const double *p, int64_t count) {
    typedef double vector __attribute__((vector_size(64)));
    unsigned mask = ~(~0u << count);
    lanes_f64 v;
    v.lo = (lanes_eight)__builtin_ia32_loadupd512_mask(p, (vector){0}, (unsigned char)mask);
    v.hi = (lanes_eight)__builtin_ia32_loadupd512_mask(p + 8, (vector){0}, (unsigned char)(mask >> 8));
    return v;
}
LANES_INLINE lanes_f32 lanes_load_part_f32(const float *p, int64_t count) {
    typedef float vector __attribute__((vector_size(64)));
    return (lanes_f32)__builtin_ia32_loadups512_mask(p, (vector){0}, (unsigned short)~(~0u << count));
}
#elif defined(__AVX2__)
LANES_INLINE lanes_f64 lanes_load_part(const double *p, int64_t count) {
    typedef double vector __attribute__((vector_size(32)));
    typedef long long integers __attribute__((vector_size(32)));
    integers all = {count, count, count, count};
    lanes_f64 v;
    v.lo = __builtin_ia32_maskloadpd256((const vector *)p, (integers)(all > (integers){0, 1, 2, 3}));
    v.hi = __builtin_ia32_maskloadpd256((const vector *)(p + 4), (integers)(all > (integers){4, 5, 6, 7}));
    return v;
}
LANES_INLINE lanes_f32 lanes_load_part_f32(const float *p, int64_t count) {
    typedef float vector __attribute__((vector_size(32)));
    typedef int integers __attribute__((vector_size(32)));
    int n = (int)count;
    integers all = {n, n, n, n, n, n, n, n};
    lanes_f32 v;
    v.lo = __builtin_ia32_maskloadps256((const vector *)p, (integers)(all > (integers){0, 1, 2, 3, 4, 5, 6, 7}));
    v.hi = __builtin_ia32_maskloadps256((const vector *)(p + 8),
                                        (integers)(all > (integers){8, 9, 10, 11, 12, 13, 14, 15}));
    return v;
}
#else
static __attribute__((noinline)) lanes_f64 lanes_load_part(const double *p, int64_t count) {
    lanes_f64 v = 0;
    for (int64_t i = 0; i < count; i++) memcpy((char *)&v + i * 8, p + i, 8);
    return v;
}
static __attribute__((noinline)) lanes_f32 lanes_load_part_f32(const float *p, int64_t count) {
    lanes_f32 v = 0;
    for (int64_t i = 0; i < count; i++) memcpy((char *)&v + i * 4, p + i, 4);
    return v;
}
#endif
LANES_INLINE lanes_f32 lanes_convert_i32(lanes_i32 x) { return __builtin_convertvector(x, lanes_f32); }
/* The first of 16 floats, as many as there are lanes, widened. */
LANES_INLINE lanes_f64 lanes_widen_first(lanes_f32 v) {
#if LANES == 16
    return __builtin_convertvector(v, lanes_f64);
#else
    return __builtin_convertvector(v.lo, lanes_f64);
#endif
}
LANES_INLINE void lanes_store_f32(float *p, lanes_f32 v) { memcpy(p, &v, sizeof v); }
/* The first lanes, zeros behind them. */
LANES_INLINE lanes_f64 lanes_head(lanes_f64 v, int64_t count) {
    for (int i = 0; i < LANES; i++) v[i] = i < count ? v[i] : 0;
    return v;
}
/* The first lanes, rounded to floats. */
LANES_INLINE void lanes_write_f32(float *p, lanes_f64 v, int64_t count) {
    typedef float vector __attribute__((ext_vector_type(LANES)));
    vector narrow = __builtin_convertvector(v, vector) + 0;     /* what is too small for a float is +0 */
    if (count == LANES) memcpy(p, &narrow, sizeof narrow);
    else for (int i = 0; i < LANES; i++) if (i < count) p[i] = narrow[i];
}
/* 16 floats as 8 sums in double. */
LANES_INLINE lanes_eight lanes_fold_f32(lanes_f32 v) {
    return __builtin_convertvector(v.lo, lanes_eight) + __builtin_convertvector(v.hi, lanes_eight);
}
/* What will be read soon. */
LANES_INLINE void lanes_prefetch(const void *p) { __builtin_prefetch(p); }
/* 128 floats. */
LANES_INLINE void lanes_prefetch_block(const float *p) {
    for (int i = 0; i < 128; i += 16) __builtin_prefetch(p + i);
}
/* Whether one of 64 floats, of 16 doubles, is above a limit. */
LANES_INLINE int32_t lanes_above_f32(const float *p, float limit) {
    return __builtin_reduce_or((lanes_load_f32(p) > limit) | (lanes_load_f32(p + 16) > limit) |
                               (lanes_load_f32(p + 32) > limit) | (lanes_load_f32(p + 48) > limit));
}
LANES_INLINE int64_t lanes_above_f64(const double *p, double limit) {
    return __builtin_reduce_or((lanes_load_eight(p) > limit) | (lanes_load_eight(p + 8) > limit));
}
/* Whether each of 16 floats is below a limit; NaN is not. */
LANES_INLINE int32_t lanes_are_below_f32(lanes_f32 x, float limit) { return !__builtin_reduce_or(~(x < limit)); }
/* Whether a double is not below a limit, or NaN. */
LANES_INLINE int64_t lanes_reach(lanes_f64 x, double limit) { return __builtin_reduce_or(~(x < limit)); }
/* 16 sums in double, and what two floats each add to them. */
LANES_INLINE void lanes_add_f32(double *sums, lanes_f32 a, lanes_f32 b) {
    lanes_eight low = lanes_load_eight(sums), high = lanes_load_eight(sums + 8);
    low += __builtin_convertvector(a.lo, lanes_eight) + __builtin_convertvector(b.lo, lanes_eight);
    high += __builtin_convertvector(a.hi, lanes_eight) + __builtin_convertvector(b.hi, lanes_eight);
    lanes_store_eight(sums, low);
    lanes_store_eight(sums + 8, high);
}
LANES_INLINE lanes_i64 lanes_shift_right(lanes_i64 x, int64_t count) {
    typedef uint64_t vector __attribute__((ext_vector_type(LANES)));
    return (lanes_i64)((vector)x >> (uint64_t)count);
}
/* The sum of eight numbers, by halves. */
LANES_INLINE double lanes_sum(lanes_eight v) {
    typedef double four __attribute__((ext_vector_type(4)));
    typedef double two __attribute__((ext_vector_type(2)));
    four a = v.lo + v.hi;
    two b = a.lo + a.hi;
    return b.x + b.y;
}
/* The greatest of eight numbers, none of them NaN, and the union of eight words' bits. */
LANES_INLINE double lanes_greatest(lanes_eight v) {
    typedef double four __attribute__((ext_vector_type(4)));
    typedef double two __attribute__((ext_vector_type(2)));
    four a = v.lo > v.hi ? v.lo : v.hi;
    two b = a.lo > a.hi ? a.lo : a.hi;
    return b.x > b.y ? b.x : b.y;
}
LANES_INLINE float lanes_greatest_f32(lanes_f32 v) {
    typedef float eight __attribute__((ext_vector_type(8)));
    typedef float four __attribute__((ext_vector_type(4)));
    eight a = v.lo > v.hi ? v.lo : v.hi;
    four b = a.lo > a.hi ? a.lo : a.hi;
    float c = b.x > b.y ? b.x : b.y, d = b.z > b.w ? b.z : b.w;
    return c > d ? c : d;
}
LANES_INLINE int32_t lanes_union_f32(lanes_i32 v) { return __builtin_reduce_or(v); }
LANES_INLINE int64_t lanes_union(lanes_eight v) {
    typedef int64_t eight __attribute__((ext_vector_type(8)));
    return __builtin_reduce_or((eight)v);
}

/* The two halves of what a kernel computes side by side; the second is 0 where there is one only. */
LANES_INLINE lanes_eight lanes_first(lanes_f64 v) {
#if LANES == 16
    return v.lo;
#else
    return v;
#endif
}
LANES_INLINE lanes_eight lanes_second(lanes_f64 v) {
#if LANES == 16
    return v.hi;
#else
    return (lanes_eight)0;
#endif
}

/*
 * Eight columns of eight neighbouring rows: from[c stride + r] to to[r pitch + c]. By two lanes, which every machine
 * shuffles well; the columns to come are far apart, and no processor would guess them: they are asked for, where so many
 * are left, these eight included.
 */
LANES_INLINE void lanes_transpose_f64(const double *from, ptrdiff_t stride, double *to, ptrdiff_t pitch,
                                      ptrdiff_t left) {
    typedef double pair __attribute__((ext_vector_type(2)));
    const ptrdiff_t ahead = left < 32 ? 0 : 24;
    for (int c = 0; c < 8; c += 2) {
        for (int i = 0; i < 2; i++) __builtin_prefetch(from + (c + i + ahead) * stride);
        for (int r = 0; r < 8; r += 2) {
            pair a, b, even, odd;
            memcpy(&a, from + c * stride + r, sizeof a);
            memcpy(&b, from + (c + 1) * stride + r, sizeof b);
            even = __builtin_shufflevector(a, b, 0, 2);
            odd = __builtin_shufflevector(a, b, 1, 3);
            memcpy(to + r * pitch + c, &even, sizeof even);
            memcpy(to + (r + 1) * pitch + c, &odd, sizeof odd);
        }
    }
}
LANES_INLINE void lanes_transpose_f32(const float *from, ptrdiff_t stride, float *to, ptrdiff_t pitch,
                                      ptrdiff_t left) {
    typedef float four __attribute__((ext_vector_type(4)));
    const ptrdiff_t ahead = left < 32 ? 0 : 24;
    for (int c = 0; c < 8; c += 4) {
        for (int i = 0; i < 4; i++) __builtin_prefetch(from + (c + i + ahead) * stride);
        for (int r = 0; r < 8; r += 4) {
            four v[4], low, high, low2, high2, out;
            for (int i = 0; i < 4; i++) memcpy(&v[i], from + (c + i) * stride + r, sizeof v[i]);
            low = __builtin_shufflevector(v[0], v[1], 0, 4, 1, 5);
            high = __builtin_shufflevector(v[0], v[1], 2, 6, 3, 7);
            low2 = __builtin_shufflevector(v[2], v[3], 0, 4, 1, 5);
            high2 = __builtin_shufflevector(v[2], v[3], 2, 6, 3, 7);
            out = __builtin_shufflevector(low, low2, 0, 1, 4, 5);
            memcpy(to + r * pitch + c, &out, sizeof out);
            out = __builtin_shufflevector(low, low2, 2, 3, 6, 7);
            memcpy(to + (r + 1) * pitch + c, &out, sizeof out);
            out = __builtin_shufflevector(high, high2, 0, 1, 4, 5);
            memcpy(to + (r + 2) * pitch + c, &out, sizeof out);
            out = __builtin_shufflevector(high, high2, 2, 3, 6, 7);
            memcpy(to + (r + 3) * pitch + c, &out, sizeof out);
        }
    }
}

/* IEEE binary16 to double, exact, without a compiler's helper function. */
LANES_INLINE double lanes_from_half(uint16_t bits) {
    uint64_t sign = (uint64_t)(bits & 0x8000) << 48, rest = (uint64_t)(bits & 0x7fff) << 42, word;
    double value;
    if ((bits & 0x7c00) == 0x7c00) {
        word = sign | 0x7ff0000000000000 | (rest & 0x000fffffffffffff);
        memcpy(&value, &word, 8);
        return value;
    }
    word = sign | rest;              /* exponent too small by 1008, denormals included */
    memcpy(&value, &word, 8);
    return value * 0x1p+1008;
}
LANES_INLINE double lanes_from_bfloat(uint16_t bits) {
    uint32_t word = (uint32_t)bits << 16;
    float value;
    memcpy(&value, &word, 4);
    return value;
}
/* Round to nearest even, as an addition does; overflow to infinity. */
LANES_INLINE uint16_t lanes_to_half(double value) {
    uint64_t word, sign;
    memcpy(&word, &value, 8);
    sign = word >> 48 & 0x8000;
    word &= 0x7fffffffffffffff;
    if (word >= 0x7ff0000000000000) return (uint16_t)(sign | 0x7c00 | (word > 0x7ff0000000000000 ? 0x200 : 0));
    if (word >= 0x40effe0000000000) return (uint16_t)(sign | 0x7c00);   /* 65520 and more */
    int exponent = (int)(word >> 52) - 1023;
    if (exponent < -25) return (uint16_t)sign;
    int shift = exponent < -14 ? 42 - 14 - exponent : 42;
    uint64_t mantissa = (word & 0x000fffffffffffff) | 0x0010000000000000;
    uint64_t rounded = (mantissa + ((uint64_t)1 << (shift - 1)) - 1 + (mantissa >> shift & 1)) >> shift;
    if (exponent >= -14) rounded += (uint64_t)(exponent + 14) << 10;    /* the hidden bit is exponent 1 */
    return (uint16_t)(sign | rounded);
}
LANES_INLINE uint16_t lanes_to_bfloat(double value) {
    uint64_t word;
    memcpy(&word, &value, 8);
    uint16_t sign = (uint16_t)(word >> 48 & 0x8000);
    word &= 0x7fffffffffffffff;
    if (word > 0x7ff0000000000000) return sign | 0x7fc0;
    if (word >= 0x47efff0000000000) return sign | 0x7f80;
    int exponent = (int)(word >> 52) - 1023;
    if (exponent < -134) return sign;
    int shift = exponent < -126 ? 45 - 126 - exponent : 45;
    uint64_t mantissa = (word & 0x000fffffffffffff) | 0x0010000000000000;
    uint64_t rounded = (mantissa + ((uint64_t)1 << (shift - 1)) - 1 + (mantissa >> shift & 1)) >> shift;
    if (exponent >= -126) rounded += (uint64_t)(exponent + 126) << 7;
    return (uint16_t)(sign | rounded);
}

/* 16 of them at once; the processor's own conversions give the same bits as those above. */
LANES_INLINE lanes_f32 lanes_widen_bfloat(const uint16_t *p) {
    uint16_t __attribute__((ext_vector_type(16))) v;
    memcpy(&v, p, sizeof v);
    typedef uint32_t words __attribute__((ext_vector_type(16)));
    return (lanes_f32)(__builtin_convertvector(v, words) << 16);
}
LANES_INLINE void lanes_narrow_bfloat(lanes_f32 x, uint16_t *p) {
    typedef uint32_t words __attribute__((ext_vector_type(16)));
    typedef uint16_t halves __attribute__((ext_vector_type(16)));
    words v = (words)x;
    words rounded = (v + 0x7fff + (v >> 16 & 1)) >> 16, nan = (v >> 16 & 0x8000) | 0x7fc0;
    words is_nan = (words)(x != x);
    halves out = __builtin_convertvector((rounded & ~is_nan) | (nan & is_nan), halves);
    memcpy(p, &out, sizeof out);
}
LANES_INLINE lanes_f32 lanes_widen_half(const uint16_t *p) {
    lanes_f32 out;
#if defined(__F16C__)
    typedef short eight __attribute__((vector_size(16)));
    for (int i = 0; i < 16; i += 8) {
        eight v;
        memcpy(&v, p + i, sizeof v);
        float __attribute__((vector_size(32))) wide =
            (float __attribute__((vector_size(32))))__builtin_convertvector((_Float16 __attribute__((vector_size(16))))v,
                                                                            float __attribute__((vector_size(32))));
        memcpy((char *)&out + 4 * i, &wide, sizeof wide);
    }
#else
    for (int i = 0; i < 16; i++) out[i] = (float)lanes_from_half(p[i]);
#endif
    return out;
}
LANES_INLINE void lanes_narrow_half(lanes_f32 x, uint16_t *p) {
#if defined(__F16C__)
    for (int i = 0; i < 16; i += 8) {
        float __attribute__((vector_size(32))) wide;
        memcpy(&wide, (const char *)&x + 4 * i, sizeof wide);
        short __attribute__((vector_size(16))) v = __builtin_ia32_vcvtps2ph256(wide, 0);
        memcpy(p + i, &v, sizeof v);
    }
#else
    for (int i = 0; i < 16; i++) p[i] = lanes_to_half((double)x[i]);
#endif
}

/* ------------------------------------------- what kernels and callers share */

/* An unevaluated sum of two doubles. */
typedef struct lanes_pair { double high, low; } lanes_pair;

/* The sum of eight lanes in two words each, in two words. */
LANES_INLINE lanes_pair lanes_total(lanes_eight high, lanes_eight low) {
    typedef double four __attribute__((ext_vector_type(4)));
    typedef double two __attribute__((ext_vector_type(2)));
    four sum4 = high.lo + high.hi, part4 = sum4 - high.lo;
    four low4 = (low.lo + low.hi) + ((high.lo - (sum4 - part4)) + (high.hi - part4));
    two sum2 = sum4.lo + sum4.hi, part2 = sum2 - sum4.lo;
    two low2 = (low4.lo + low4.hi) + ((sum4.lo - (sum2 - part2)) + (sum4.hi - part2));
    double sum = sum2.x + sum2.y, part = sum - sum2.x;
    double rest = (low2.x + low2.y) + ((sum2.x - (sum - part)) + (sum2.y - part)), all = sum + rest;
    /* An infinite or NaN sum has no second word; its rest is NaN. */
    if (sum - sum != 0) return (lanes_pair){sum, 0};
    return (lanes_pair){all, (sum - all) + rest};
}

/* What a reduction gives: up to four sums, the greatest elements, the sign bits met. */
typedef struct lanes_sums {
    lanes_pair a, b, c, d;
    double greatest_p, greatest_q;
    int64_t signs_p, signs_q;        /* negative if an element had its sign bit set */
} lanes_sums;

/* What the sums of 16 rows side by side are kept in; zeros at first. */
typedef struct lanes_slots { double words[3 * 32 * 16]; } lanes_slots;

/* Room for the two vectors at a row's end that are not full, and for what eight vectors of floats have begun. */
typedef struct lanes_room { double words[32 + 64]; } lanes_room;

/* On a caller's stack: the sums of a row's segments, and copies of pieces of four rows. */
typedef struct row_segments { lanes_sums all[64]; } row_segments;
typedef struct row_sums { lanes_sums all[16]; } row_sums;
typedef struct row_buffers { double words[1024]; } row_buffers;

/* On a caller's stack: for each byte where its keys go next, and where they end. */
typedef struct sort_table { int64_t words[512]; } sort_table;

/* The lanes of an unfinished reduction, for a row that is fed in pieces. */
typedef struct lanes_carry { double words[96]; } lanes_carry;
/* Nothing yet: the carry of a row in one piece. */
LANES_INLINE const lanes_carry *lanes_no_carry(void) {
    static const lanes_carry none __attribute__((aligned(64)));
    return &none;
}

/* Numbers a kernel needs, the same for a whole row; each kernel says which it reads. */
typedef struct lanes_parameters {
    double scale_p, scale_q;         /* powers of two */
    lanes_pair total_p, total_q;     /* of the scaled weights */
    lanes_pair greatest;             /* log of the greatest scaled weight */
    double weight, order, threshold, value, value_q, shift, factor;
} lanes_parameters;

/* A row of a group: how its weights become probabilities, and its share in the mixture. */
typedef struct lanes_member {
    double scale;                    /* a power of two */
    lanes_pair total;                /* of the scaled weights */
    double weight;
} lanes_member;

/* How logits become terms e^((x - M) / T), M the greatest of the row and T the temperature. */
typedef struct lanes_softmax {
    double temperature;
    double greatest;                 /* M */
    double shift, exponent;          /* of floats: terms are in units of 2^exponent e^(shift / T) */
    double factor, slope, offset;    /* of an output: term (factor + slope (x - M) / T) - offset */
} lanes_softmax;

/* Sums of terms: e^d, and e^d (-d), in two words a lane. */
typedef struct lanes_softmax_carry { double high[8], low[8], spread_high[8], spread_low[8]; } lanes_softmax_carry;

/* Room for a piece of a row on the stack: 4096 floats or 2048 doubles. */
typedef struct row_chunk { double words[2048]; } row_chunk;

/* On a caller's stack: what blocks of rows have added up. */
typedef struct loss_block { lanes_pair loss; int64_t correct; } loss_block;
typedef struct loss_blocks { loss_block all[1024]; } loss_blocks;

/* 16 rows of at most 64 columns side by side, word [c][r] the element of column c; and what becomes of them. */
typedef struct lanes_narrow {
    double words[64][16];
    double label[16];                /* in: the label, -1 where there is none */
    double greatest[16], place[16];  /* the greatest logit, and its first column */
    double others[16];               /* the sum of the terms but that of the greatest */
    double log1p[16];                /* log(1 + others) */
    double label_logit[16];
} lanes_narrow;

/* Two rows of logits: the greatest of each, the sums of e^(x - greatest), the second greatest less the first, and the
 * logarithm of the second sum over the first. */
typedef struct lanes_logit_pair {
    double greatest_p, greatest_q, total_p, total_q;
    lanes_pair shift;
    double delta;
} lanes_logit_pair;

/* Four sums over a pair, a lane and word each: high[8], low[8]. */
typedef struct lanes_logit_sums { double words[64]; } lanes_logit_sums;

/* Two rows of floats x and y: p = e^x / 2^exponent_p of the one, and of the other either p e^r, r = y - x - shift, or
 * factor e^y / 2^exponent_q, which is the same. */
typedef struct lanes_logit_units {
    double exponent_p, exponent_q, factor;
    double greatest_p, greatest_q;
    lanes_pair shift;                /* two floats */
} lanes_logit_units;

/* Up to five sums of floats over a pair, 8 lanes each. */
typedef struct lanes_logit_lanes { double words[40]; } lanes_logit_lanes;

/* What is added up over two rows of logits, or written of each of their elements. */
typedef enum __attribute__((enum_extensibility(closed))) lanes_divergence_kind : int32_t {
    lanes_divergence_kullback_leibler,
    lanes_divergence_jensen_shannon,
    lanes_divergence_total_variation,
} lanes_divergence_kind;

/* Two rows of logits, x and y, with p = e^((x - M) / T) / P and q = e^((y - N) / T) / Q, and log(q / p) = r. */
typedef struct lanes_divergence {
    double temperature;
    double greatest_p, greatest_q;   /* M and N */
    double total_p, total_q;         /* P and Q */
    lanes_pair shift;                /* y - x - T r */
    double weight;                   /* of q in the mixture, at most 1/2 */
    double mean_p, mean_q, factor;   /* of gradients: what p's and q's are less of, what both are multiplied with */
} lanes_divergence;

/* What a row of logits and a number w for each of them add up to. */
typedef enum __attribute__((enum_extensibility(closed))) lanes_weighting_kind : int32_t {
    lanes_weighting_targets,
    lanes_weighting_upstream,
} lanes_weighting_kind;

/* Terms e = e^((x - M) / T); of an output: e (factor + slope (w - reference)) + rest w. */
typedef struct lanes_weighting {
    double temperature, greatest;    /* T and M */
    double reference, factor, slope, rest;
} lanes_weighting;

/* The greatest elements of a row from the first on, and their columns; `least` is the last of them. */
typedef struct lanes_top {
    int64_t capacity, filled;
    double least, unused[5];
    double values[64];
    int64_t columns[64];
} lanes_top;

/* On a caller's stack: pieces of two rows. */
typedef struct logit_pieces { double words[4096]; } logit_pieces;

/* What a loss of elements reads and writes: adjacent floats or doubles. Instead of an input that is absent a number is
 * taken; outputs that are absent are not written. */
typedef struct lanes_loss_rows {
    const void *_Nullable inputs[4];
    double absent[4];
    void *_Nullable terms;
    void *_Nullable slopes[4];       /* by each input */
    int64_t input_steps[4], terms_step, slope_steps[4];  /* from row to row, in bytes */
    double scale;                    /* what the slopes are multiplied with */
    double parameter;                /* each loss says what */
    int64_t choice;
} lanes_loss_rows;

/* A sum of terms in two words a lane. */
typedef struct lanes_loss_sum { double high[8], low[8]; } lanes_loss_sum;

/* On a caller's stack: pieces of 256 elements of four inputs, the terms and four outputs; sums of rows that are added in
 * one go, and of blocks of rows. */
typedef struct loss_pieces { double words[9 * 256]; } loss_pieces;
typedef struct loss_totals { lanes_pair all[64]; } loss_totals;
typedef struct loss_sums { lanes_pair all[1024]; } loss_sums;

/* A loss of elements. */
typedef enum __attribute__((enum_extensibility(closed))) lanes_loss : int32_t {
    lanes_loss_variational,
    lanes_loss_gaussian_kl,
    lanes_loss_sigmoid,
    lanes_loss_binary,
    lanes_loss_gaussian_likelihood,
    lanes_loss_poisson_likelihood,
    lanes_loss_sampled_kl,
    lanes_loss_weight,               /* the first input itself */
} lanes_loss;

/* What is summed over a row. */
typedef enum __attribute__((enum_extensibility(closed))) lanes_reduction : int32_t {
    lanes_reduction_scan,
    lanes_reduction_pair_scan,
    lanes_reduction_entropy,
    lanes_reduction_cross_entropy,
    lanes_reduction_surprisal,
    lanes_reduction_kl_first,
    lanes_reduction_kl,
    lanes_reduction_jeffreys_first,
    lanes_reduction_jeffreys,
    lanes_reduction_jensen_shannon_first,
    lanes_reduction_jensen_shannon,
    lanes_reduction_hellinger,
    lanes_reduction_total_variation,
    lanes_reduction_chi_squared,
    lanes_reduction_stability,
    lanes_reduction_power,
    lanes_reduction_ratio,
    lanes_reduction_renyi,
    lanes_reduction_floor,
} lanes_reduction;

/* What is computed of each element. */
typedef enum __attribute__((enum_extensibility(closed))) lanes_map : int32_t {
    lanes_map_entr,
    lanes_map_rel_entr,
    lanes_map_kl_div,
    lanes_map_binary_entropy,
    lanes_map_entropy_gradient,
    lanes_map_cross_entropy_gradient,
    lanes_map_kl_gradient,
    lanes_map_jeffreys_gradient,
    lanes_map_jensen_shannon_gradient,
    lanes_map_hellinger_gradient,
    lanes_map_renyi_entropy_gradient,
    lanes_map_min_entropy_gradient,
    lanes_map_renyi_divergence_gradient,
    lanes_map_smooth_additive,
    lanes_map_smooth_mix,
    lanes_map_smooth_uniform,
    lanes_map_smooth_floor,
} lanes_map;

/* A function of one number. */
typedef enum __attribute__((enum_extensibility(closed))) lanes_function : int32_t {
    lanes_function_log,
    lanes_function_log1p,
    lanes_function_exp,
    lanes_function_expm1,
    lanes_function_excess,           /* x - log(1 + x) */
} lanes_function;

/* The type of the elements a kernel reads. */
typedef enum __attribute__((enum_extensibility(closed))) lanes_element : int32_t {
    lanes_element_double,
    lanes_element_float,
} lanes_element;

#pragma clang diagnostic pop
#pragma clang assume_nonnull end

#endif
