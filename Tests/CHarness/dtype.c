/* dtype.c - elements of every type, written and compared. */
#include "harness.h"

#include <math.h>
#include <string.h>

static const struct {
    const char *name;
    size_t size;
} dtypes[] = {
    [NEPIT_F64] = {"f64", 8}, [NEPIT_F32] = {"f32", 4}, [NEPIT_F16] = {"f16", 2}, [NEPIT_BF16] = {"bf16", 2},
    [NEPIT_I8] = {"i8", 1},   [NEPIT_I16] = {"i16", 2}, [NEPIT_I32] = {"i32", 4}, [NEPIT_I64] = {"i64", 8},
    [NEPIT_U8] = {"u8", 1},   [NEPIT_U16] = {"u16", 2}, [NEPIT_U32] = {"u32", 4}, [NEPIT_U64] = {"u64", 8},
};

size_t dtype_size(nepit_dtype dtype) { return dtypes[dtype].size; }
const char *dtype_name(nepit_dtype dtype) { return dtypes[dtype].name; }
bool dtype_is_float(nepit_dtype dtype) { return NEPIT_F64 <= dtype && dtype <= NEPIT_BF16; }

nepit_dtype dtype_named(const char *name) {
    for (nepit_dtype dtype = NEPIT_F64; dtype <= NEPIT_U64; dtype++) {
        if (strcmp(dtypes[dtype].name, name) == 0) return dtype;
    }
    return 0;
}

/* x in a format of 16 bits with so many bits of significand (the leading one not counted), rounded to nearest even. */
static uint16_t narrow(double x, int significand, int bias) {
    const int exponents = 15 - significand;
    const uint16_t sign = signbit(x) ? 0x8000 : 0;
    const uint16_t infinity = (uint16_t)(((1u << exponents) - 1) << significand);
    if (isnan(x)) return sign | infinity | (uint16_t)(1u << (significand - 1));
    if (isinf(x)) return sign | infinity;
    if (x == 0) return sign;
    int exponent;
    frexp(x, &exponent); /* |x| in [2^(exponent-1), 2^exponent) */
    int unit = exponent - 1 - significand;
    const int least = 1 - bias - significand;
    if (unit < least) unit = least;
    /* In units of the last place the encoding is one run of integers, subnormals and carries included. */
    const double scaled = nearbyint(ldexp(fabs(x), -unit));
    const double code = scaled + ldexp((double)(unit - least), significand);
    return code >= infinity ? sign | infinity : sign | (uint16_t)code;
}

void put_element(void *at, nepit_dtype dtype, double x) {
    switch (dtype) {
    case NEPIT_F64: memcpy(at, &x, 8); return;
    case NEPIT_F32: {
        const float narrowed = (float)x;
        memcpy(at, &narrowed, 4);
        return;
    }
    case NEPIT_F16:
    case NEPIT_BF16: {
        const uint16_t bits = dtype == NEPIT_F16 ? narrow(x, 10, 15) : narrow(x, 7, 127);
        memcpy(at, &bits, 2);
        return;
    }
    default: break;
    }
    const int bits = 8 * (int)dtype_size(dtype);
    uint64_t integer;
    if (dtype >= NEPIT_U8) {
        integer = !(x > 0) ? 0 : x >= ldexp(1, bits) ? UINT64_MAX : (uint64_t)x;
    } else {
        const double high = ldexp(1, bits - 1);
        const int64_t most = (int64_t)(UINT64_MAX >> (65 - bits));
        integer = (uint64_t)(isnan(x) ? 0 : x >= high ? most : x < -high ? -most - 1 : (int64_t)x);
    }
    memcpy(at, &integer, dtype_size(dtype)); /* the low bytes come first */
}

double float_value(const void *at, nepit_dtype dtype) {
    if (dtype == NEPIT_F64) {
        double x;
        memcpy(&x, at, 8);
        return x;
    }
    if (dtype == NEPIT_F16) {
        uint16_t bits;
        memcpy(&bits, at, 2);
        const int exponent = bits >> 10 & 31, significand = bits & 1023;
        const double magnitude = exponent == 31 ? (significand ? (double)NAN : (double)INFINITY)
                                 : exponent == 0 ? ldexp(significand, -24)
                                                 : ldexp(1024 + significand, exponent - 25);
        return bits & 0x8000 ? -magnitude : magnitude;
    }
    uint32_t bits = 0;              /* a bfloat16 is the upper half of a float */
    const size_t size = dtype_size(dtype);
    memcpy((unsigned char *)&bits + 4 - size, at, size);
    float x;
    memcpy(&x, &bits, 4);
    return x;
}

uint64_t double_bits(double x) {
    uint64_t bits;
    memcpy(&bits, &x, 8);
    return isnan(x) ? UINT64_C(0x7ff8000000000000) : bits;
}

uint64_t element_bits(const void *at, nepit_dtype dtype) {
    uint64_t bits = 0;
    memcpy(&bits, at, dtype_size(dtype));
    static const uint64_t infinities[] = {
        [NEPIT_F64] = UINT64_C(0x7ff) << 52, [NEPIT_F32] = 0x7f800000, [NEPIT_F16] = 0x7c00, [NEPIT_BF16] = 0x7f80,
    };
    if (dtype_is_float(dtype)) {
        const uint64_t infinity = infinities[dtype];
        const uint64_t sign = UINT64_C(1) << (8 * dtype_size(dtype) - 1);
        if ((bits & ~sign) > infinity) return infinity | infinity >> 1; /* the quiet bit and, harmlessly, more */
    }
    return bits;
}

uint64_t fnv1a(uint64_t digest, uint64_t bits, int bytes) {
    for (int i = 0; i < bytes; i++) digest = (digest ^ (bits >> 8 * i & 0xff)) * UINT64_C(0x100000001b3);
    return digest;
}
