#!/usr/bin/env python3
"""Writes the vector files: inputs, and the results that Include/nepit.h promises for them.

    generate.py [--check] [--function NAME] [--jobs N]

Expected values come from definitions.py, at a precision from which they no longer change, with the inputs taken as
exact binary rationals. The same files come out on every run: every random number is drawn from a generator seeded
with the function's name. README.md describes the format.
"""

import argparse
import math
import multiprocessing
import pathlib
import random
import struct
import sys
from fractions import Fraction
from typing import NamedTuple

from mpmath import mp, mpf

import comparison
import definitions as d
import losses
import pointwise
from definitions import INF, NAN, NEPIT_E, Row, Term

FOLDER = pathlib.Path(__file__).resolve().parent


class Extent(NamedTuple):
    """How large the cases of a function are; a result of each element makes long files."""

    sizes: tuple  # of float64
    narrow: tuple  # of float32
    most: int  # of other types, and of inputs made of many small weights
    near: tuple  # of rows that nearly agree
    large: tuple = ()  # perturbations of 1000 outcomes


LANES = (1, 2, 3, 7, 8, 9, 15, 16, 17)
MAIN = Extent(
    LANES + (63, 64, 65, 127, 128, 129, 511, 512, 513, 1000),
    LANES + (31, 33, 65, 129, 513),
    1000,
    (2, 50),
    ("1e-9", "ulp"),
)
SCALAR = Extent(LANES + (63, 64, 65, 127, 128, 129, 513), (1, 3, 8, 9, 17, 33, 65, 129), 65, (2, 17))
ELEMENT = Extent(LANES + (63, 64, 65, 127, 128, 129, 513), (1, 3, 8, 17, 65), 65, (2, 9))
GRADIENT = Extent(LANES + (31, 33, 65, 129), (1, 3, 8, 17, 33), 33, (2, 5))

BASES = (2.0, NEPIT_E, 10.0, 1.5)
ORDERS = (0.0, 0.01, 0.5, 0.999999, 1 - 1e-12, 1.0, 1 + 1e-12, 1.000001, 2.0, 5.0, 50.0, 1000.0, INF)
ALPHAS = (-3.0, -1.0, -0.999999, -0.5, 0.0, 0.5, 1 - 1e-12, 1.0, 1.0000001, 2.0, 5.0)
INTEGERS = {"i8": 7, "i16": 15, "i32": 31, "i64": 63, "u8": 8, "u16": 16, "u32": 32, "u64": 64}
NORMAL = 2.0**-1022

# ---------------------------------------------------------------------------------------------------- writing


def hex_float(x):
    if x != x:
        return "nan"
    if abs(x) == INF:
        return "inf" if x > 0 else "-inf"
    mantissa, exponent = x.hex().split("p")
    return (mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa) + "p" + exponent


def to_double(x):
    """The double nearest to an mpf, subnormals and overflow included."""
    if not isinstance(x, mpf):
        return float(x)
    sign, mantissa, exponent, _ = x._mpf_
    mantissa = int(mantissa)
    try:
        value = float(mantissa << exponent) if exponent >= 0 else mantissa / (1 << -exponent)
    except OverflowError:
        value = INF
    return -value if sign else value


def to_yardstick(x):
    """A magnitude to five bits: it scales a bound, no more."""
    value = to_double(x)
    if value in (0.0, INF):
        return value
    mantissa, exponent = math.frexp(value)
    return math.ldexp(round(mantissa * 32) / 32, exponent)


class Array:
    """A matrix input; the values of a floating-point type are floats that it represents exactly."""

    def __init__(self, dtype, rows):
        self.dtype = dtype
        self.rows = [list(row) for row in rows]
        self.cols = len(self.rows[0])
        for row in self.rows:
            assert len(row) == self.cols
            assert all(x != x or as_dtype(x, dtype) == x for x in row), dtype

    def text(self):
        write = str if self.dtype in INTEGERS else hex_float
        return f"{self.dtype} {len(self.rows)} {self.cols} " + " ".join(write(x) for row in self.rows for x in row)


def as_dtype(x, dtype):
    """The value of the type that x rounds to; x itself must fit an integer type."""
    if dtype in INTEGERS:
        bits = INTEGERS[dtype]
        assert isinstance(x, int) and (0 if dtype[0] == "u" else -1 << bits) <= x < 1 << bits
        return x
    if dtype == "f64" or abs(x) == INF or x != x:
        return float(x)
    if dtype == "f32":
        return struct.unpack("<f", struct.pack("<f", x))[0]
    if dtype == "f16":
        return struct.unpack("<e", struct.pack("<e", x))[0]
    (bits,) = struct.unpack("<I", struct.pack("<f", x))  # bf16: the upper half of a float, to nearest even
    bits = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16 << 16
    return struct.unpack("<f", struct.pack("<I", bits))[0]


class Output:
    """How exact one result is: bounds for float64 and integers, and for narrower floats."""

    def __init__(self, bound, narrow=2.0**-21, terms=False, small=None):
        self.bound = bound
        self.narrow = narrow
        self.terms = terms  # bounds are relative to the sum of magnitudes
        self.small = small  # the power of a result that is a divergence, which may lose bits below 1e-30


def value(exponent):
    return Output(2.0**exponent)


def divergence(exponent, power=1):
    return Output(2.0**exponent, small=power)


def quick_divergence(exponent):
    """As divergence, of terms that are computed in float where both rows are narrow floats."""
    return Output(2.0**exponent, narrow=2.0**-20, small=1)


def element(exponent):
    return Output(2.0**exponent, narrow=2.0**exponent)


def gradient(exponent=-46):
    return Output(2.0**exponent, narrow=max(2.0**-20, 2.0**exponent), terms=True)


class File:
    """The cases of one function."""

    def __init__(self, function, outputs):
        self.function = function
        self.outputs = outputs
        self.random = random.Random(function)
        self.names = set()
        self.lines = [f"# nepit_{function}: written by generate.py, which says how; README.md describes the format."]

    def add(self, name, inputs, results, loose=False):
        """One case: inputs are Arrays and numbers by parameter, results {output: (rows of components)}.

        loose: an input is subnormal, where the header promises nothing and 2^-30 is asked.
        """
        assert name not in self.names, name
        blocks = []
        narrow = any(isinstance(x, Array) and x.dtype in ("f32", "f16", "bf16") for x in inputs.values())
        for param, rows in results.items():
            output = self.outputs[param]
            values = [[to_double(c.value if isinstance(c, Term) else c) for c in row] for row in rows]
            bound = output.narrow if narrow else output.bound
            if loose:
                bound = max(bound, 2.0**-30)
            if output.terms:
                for i, row in enumerate(rows):
                    for j, c in enumerate(row):
                        if isinstance(c.value, mpf):
                            if abs(values[i][j]) == INF or to_double(c.magnitude) == INF:
                                return  # out of range: nothing is promised
                            if abs(c.value) < c.magnitude * mpf(2) ** -100:
                                values[i][j] = 0.0
            finite = [abs(x) for row in values for x in row if 0 < abs(x) < INF]
            if output.small and any(x**output.small < 1e-30 for x in finite):
                bound = max(bound, 2.0**-30)
            if finite and min(finite) < NORMAL:
                bound = max(bound, 2.0**-30, 2.0**-1073 / min(finite))
            if not finite and not output.terms:
                bound = 0.0
            values = [[x + 0.0 for x in row] for row in values]  # a zero result is +0
            shape = f"{len(values)} {len(values[0])} "
            blocks.append(f"result {param} {shape}" + " ".join(hex_float(x) for row in values for x in row))
            if output.terms:
                blocks.append(
                    f"terms {param} {shape}"
                    + " ".join(hex_float(to_yardstick(c.magnitude)) for row in rows for c in row)
                )
            blocks.append(f"bound {param} {hex_float(bound)}")
        self.names.add(name)
        self.lines.append(f"case {name}")
        for param, x in inputs.items():
            self.lines.append(f"array {param} {x.text()}" if isinstance(x, Array) else f"number {param} {hex_float(x)}")
        self.lines += blocks + ["end"]

    def text(self):
        return "\n".join(self.lines) + "\n"


def rows_of(arrays):
    """The rows that meet: a single row serves all rows of another array."""
    count = max(len(a.rows) for a in arrays)
    rows = [[Row(r) for r in a.rows] for a in arrays]
    return [[r[i if len(r) > 1 else 0] for r in rows] for i in range(count)]


def row_results(function, arrays, numbers, more_digits=0):
    """Applies a row function to all rows; {output: rows of components}."""
    results = {}
    tiny = sum(int(-math.log10(x)) for x in numbers.values() if 0 < x < 1)
    for rows in rows_of(arrays):
        digits = 50 + more_digits + tiny + sum(r.digits for r in rows)
        for param, components in d.settle(lambda: function(*rows, **numbers), digits).items():
            results.setdefault(param, []).append(components)
    return results


# ------------------------------------------------------------------------------------------- inputs: one array


def short(rng):
    """A weight whose text is short."""
    return (rng.getrandbits(9) | 1) * 2.0**-9


def full(rng):
    return rng.random() + 2.0**-20


def matrix(rng, dtype, rows, cols, zeros=0.0):
    def one():
        if rng.random() < zeros:
            return 0 if dtype in INTEGERS else 0.0
        if dtype in INTEGERS:
            return 1 + rng.getrandbits(7) % 99
        return as_dtype(short(rng) if cols > 17 else full(rng), dtype)

    return Array(dtype, [[one() for _ in range(cols)] for _ in range(rows)])


def scaled(array, factor):
    return Array(array.dtype, [[x * factor for x in row] for row in array.rows])


def f64(*rows):
    return Array("f64", rows)


def single_sizes(rng, extent):
    for n in extent.sizes:
        yield f"n{n}", matrix(rng, "f64", 1, n, zeros=0.1 if n % 2 and n > 3 else 0.0)
    for n in extent.narrow:
        yield f"f32_n{n}", matrix(rng, "f32", 1, n)
    for dtype, n in (
        ("f16", 17),
        ("bf16", 17),
        ("f16", 65),
        ("bf16", 129),
        ("i8", 9),
        ("i16", 65),
        ("i32", 17),
        ("i64", 64),
        ("u8", 129),
        ("u16", 63),
        ("u32", 8),
        ("u64", 15),
        ("i64", 1000),
        ("u8", 513),
    ):
        if n <= extent.most:
            yield f"{dtype}_n{n}", matrix(rng, dtype, 1, n, zeros=0.05)
    for dtype, rows, cols in (
        ("f64", 3, 5),
        ("f64", 5, 3),
        ("f64", 2, 17),
        ("f32", 7, 4),
        ("i32", 4, 17),
        ("f64", 13, 1),
        ("bf16", 5, 11),
        ("u8", 3, 33),
    ):
        yield f"{dtype}_{rows}x{cols}", matrix(rng, dtype, rows, cols)


def single_hard(rng, extent):
    yield "uniform_2", f64([1.0] * 2)
    yield "uniform_7", f64([1.0] * 7)
    yield f"uniform_{extent.most}", f64([1.0] * extent.most)
    yield "nearly_uniform", f64([1.0, 1.0 + 2.0**-52, 1.0 - 2.0**-53, 1.0])
    yield "zeros_inside", f64([0.0, 0.25, 0.0, 0.5, 0.25, 0.0])
    yield "one_hot", f64([0.0, 0.0, 3.0, 0.0])
    yield "one_hot_129", f64([0.0] * 77 + [0.125] + [0.0] * 51)
    yield "one_hot_count", Array("u16", [[0, 0, 65535]])
    yield "minus_zero", f64([0.5, -0.0, 0.5, -0.0])
    yield "dominating_1e-17", f64([1000.0, 1e-17])
    yield "dominating_1e-17_last", f64([1e-17, 1e-17, 1000.0])
    yield "dominating_1e-300", f64([1.0, 1e-300])
    yield "dominating_range", f64([1e300, 1e280, 1.0])
    yield "dominating_range_first", f64([1.0, 1e280, 1e300])
    yield "dominating_0.999", f64([0.999, 0.001])
    yield "dominating_half", f64([0.5 + 2.0**-30, 0.5 - 2.0**-30])
    yield "dominating_3_of_4", f64([0.75, 0.0625, 0.125, 0.0625])
    for power, tails in ((-20, 30), (-40, 30), (-60, extent.most), (-200, 30)):
        yield f"tails_{tails}_2^{power}", f64([1.0] + [(1 + rng.getrandbits(4)) * 2.0**power for _ in range(tails)])
    yield "tails_inside", f64([2.0**-50] * 40 + [8.0] + [2.0**-51] * 60)
    yield "dominating_f32", Array("f32", [[as_dtype(1e9, "f32"), as_dtype(1e-9, "f32"), 1.0]])
    yield "dominating_count", Array("i64", [[2**52, 1, 2]])
    base = [full(rng) for _ in range(9)]
    for label, factor in (("3.7", 3.7), ("1e200", 1e200), ("1e-200", 1e-200)):
        yield f"total_{label}", f64([x * factor for x in base])
    yield "sum_overflow", f64([1e308, 1e308, 1e308])
    yield "sum_overflow_uneven", f64([1.7e308, 1e308, 3e307, 1e300])
    yield "sum_overflow_65", f64([math.ldexp(short(rng), 1023) for _ in range(65)])
    yield "least_normal", f64([3e-308, 5e-308, 2.0**-1022])
    yield "sum_overflow_f32", Array("f32", [[as_dtype(3e38, "f32"), as_dtype(2e38, "f32"), as_dtype(1e38, "f32")]])
    yield "sum_overflow_f16", Array("f16", [[60000.0, 65504.0, 1024.0]])
    yield "subnormal_f16", Array("f16", [[2.0**-24, 3 * 2.0**-24, 2.0**-20]])
    yield "subnormal_f32", Array("f32", [[2.0**-149, 3 * 2.0**-149, 2.0**-140]])
    yield "subnormal_bf16", Array("bf16", [[2.0**-133, 3 * 2.0**-133, 2.0**-130]])
    yield "u64_near_2^53", Array("u64", [[2**53 - 1, 2**53, 1, 2**53 - 2]])
    yield "u64_beyond_2^53", Array("u64", [[2**53 + 1, 2**63 + 1025, 2**64 - 1, 2**54 + 2]])
    yield "i64_greatest", Array("i64", [[2**63 - 1, 2**62, 2**53 + 3]])
    yield "i8_greatest", Array("i8", [[127] * 5 + [1, 0]])
    yield "bad_rows", f64(
        [0.5, 0.25, 0.25],
        [0.0, 0.0, 0.0],
        [0.25, NAN, 0.5],
        [0.125, 0.5, 0.375],
        [-0.25, 0.5, 0.75],
        [INF, 0.5, 0.5],
        [-0.0, 0.0, -0.0],
        [0.5, -0.0, 0.5],
        [-INF, 1.0, 1.0],
        [1.0, 1.0, -1e-300],
        [0.25, 0.5, 0.25],
    )
    yield "bad_rows_9", f64(
        *(
            [0.125] * 8 + [x] if i % 2 else [x] + [0.25] * 8
            for i, x in enumerate((NAN, 1.0, INF, -1.0, 0.0, -0.0, -(2.0**-40), 0.75))
        )
    )
    yield "bad_rows_f32", Array("f32", [[1.0, NAN], [0.5, 0.5], [INF, 1.0], [0.0, 0.0], [-1.0, 2.0], [0.25, 0.75]])
    yield "bad_rows_f16", Array("f16", [[1.0, 0.5], [NAN, 0.5], [INF, 1.0], [-0.0, -0.0], [-1.0, 2.0], [0.25, 0.75]])
    yield "bad_rows_bf16", Array("bf16", [[1.0, 0.5], [NAN, 0.5], [INF, 1.0], [-0.0, 0.0], [-1.0, 2.0], [0.25, 0.75]])
    yield "bad_rows_i32", Array("i32", [[3, 1, 0], [0, 0, 0], [5, -1, 2], [0, 0, 7], [-1, -1, -1]])


SUBNORMAL = f64([1e-320, 2e-320, 5e-321])


# -------------------------------------------------------------------------------------------- inputs: two arrays


def both(rng, dtype_p, dtype_q, rows_p, rows_q, cols, zeros=0.0):
    """Rows of the same support, with a share of outcomes that neither has."""
    empty = [rng.random() < zeros and j > 0 for j in range(cols)]
    p, q = matrix(rng, dtype_p, rows_p, cols), matrix(rng, dtype_q, rows_q, cols)
    for array in (p, q):
        for row in array.rows:
            row[:] = [type(x)(0) if none else x for x, none in zip(row, empty)]
    return p, q


def pair_sizes(rng, extent):
    for n in extent.sizes:
        yield f"n{n}", *both(rng, "f64", "f64", 1, 1, n, zeros=0.1 if n % 2 else 0.0)
    for n in extent.narrow:
        yield f"f32_n{n}", *both(rng, "f32", "f32", 1, 1, n)
    for dtype, n in (
        ("f16", 17),
        ("bf16", 17),
        ("bf16", 65),
        ("i8", 9),
        ("i16", 65),
        ("i32", 17),
        ("i64", 64),
        ("u8", 129),
        ("u16", 63),
        ("u32", 8),
        ("u64", 15),
        ("i64", 513),
    ):
        if n <= extent.most:
            yield f"{dtype}_n{n}", *both(rng, dtype, dtype, 1, 1, n, zeros=0.05)
    for p, q, n in (("i64", "f64", 7), ("f64", "u8", 9), ("f32", "f64", 16), ("u16", "f32", 17), ("f16", "bf16", 8)):
        yield f"{p}_{q}_n{n}", *both(rng, p, q, 1, 1, n)
    for dtype, rows, cols in (
        ("f64", 3, 5),
        ("f64", 5, 3),
        ("f64", 2, 17),
        ("f32", 7, 4),
        ("i32", 4, 9),
        ("bf16", 3, 11),
    ):
        yield f"{dtype}_{rows}x{cols}", *both(rng, dtype, dtype, rows, rows, cols)
    yield "one_q_7x5", *both(rng, "f64", "f64", 7, 1, 5)
    yield "one_q_2x17", *both(rng, "f32", "f32", 2, 1, 17)
    yield "one_q_counts", *both(rng, "u16", "f64", 5, 1, 9)
    yield "one_p_6x4", *both(rng, "f64", "f64", 1, 6, 4)
    yield "one_p_2x17", *both(rng, "i32", "i32", 1, 2, 17)


def pair_zeros(rng):
    yield "zero_in_p", f64([0.0, 0.5, 0.5]), f64([0.25, 0.5, 0.25])
    yield "zero_in_q", f64([0.25, 0.5, 0.25]), f64([0.0, 0.5, 0.5])
    yield "zero_in_both_places", f64([0.0, 0.5, 0.25, 0.25]), f64([0.5, 0.25, 0.25, 0.0])
    yield "zero_in_both", f64([0.25, 0.0, 0.25, 0.5, -0.0]), f64([0.5, 0.0, 0.25, 0.25, 0.0])
    yield "minus_zero", f64([-0.0, 0.5, 0.5, 0.25]), f64([0.25, 0.5, -0.0, 0.25])
    yield "one_hot_equal", f64([0.0, 2.0, 0.0]), f64([0.0, 5.0, 0.0])
    yield "one_hot_apart", f64([0.0, 2.0, 0.0]), f64([0.0, 0.0, 5.0])
    yield "one_hot_p", f64([0.0, 2.0, 0.0]), f64([0.25, 0.125, 0.5])
    yield "one_hot_q", f64([0.25, 0.125, 0.5]), f64([0.0, 2.0, 0.0])
    yield "disjoint", f64([0.25, 0.5, 0.0, 0.0]), f64([0.0, 0.0, 0.5, 0.125])
    yield "disjoint_17", f64([0.25, 0.0] * 8 + [1.0]), f64([0.0, 0.5] * 8 + [0.0])
    yield "zeros_counts", Array("i32", [[3, 0, 5, 2]]), Array("i32", [[1, 0, 4, 9]])
    yield "zero_in_p_f32", Array("f32", [[0.0, 0.5, 0.25, 0.5]]), Array("f32", [[0.25, 0.5, 0.125, 0.25]])
    p, q = both(rng, "f64", "f64", 1, 1, 33, zeros=0.3)
    p.rows[0][32], q.rows[0][32] = 0.0, 0.25
    yield "zero_last_in_p", p, q
    p, q = both(rng, "f64", "f64", 1, 1, 33, zeros=0.3)
    p.rows[0][32], q.rows[0][32] = 2.0**-30, 0.0
    yield "zero_last_in_q", p, q
    yield "bad_rows", f64(
        [0.5, 0.25, 0.25],
        [0.0, 0.0, 0.0],
        [0.25, NAN, 0.5],
        [0.125, 0.5, 0.375],
        [-0.25, 0.5, 0.75],
        [INF, 0.5, 0.5],
        [0.25, 0.5, 0.25],
        [0.5, 0.25, 0.25],
        [0.25, 0.25, 0.5],
        [0.0, 0.0, -0.0],
    ), f64(
        [0.25, 0.5, 0.25],
        [0.5, 0.25, 0.25],
        [0.25, 0.5, 0.25],
        [0.0, -0.0, 0.0],
        [0.25, 0.5, 0.25],
        [0.25, 0.5, 0.25],
        [0.5, INF, 0.25],
        [0.25, 0.5, NAN],
        [0.375, 0.5, 0.125],
        [-0.0, -0.0, -0.0],
    )
    yield "bad_one_q", f64([0.5, 0.25], [NAN, 0.25], [0.25, 1.0]), f64([0.5, 0.75])
    yield "bad_one_q_all", f64([0.5, 0.25], [0.25, 0.75], [0.25, 1.0]), f64([-0.5, 0.75])
    yield "bad_zero_weight", f64([0.0, 1.0], [0.5, 0.5]), f64([-1.0, 2.0], [0.5, 0.25])
    yield "bad_rows_f32", Array("f32", [[1.0, NAN], [0.5, 0.25], [0.5, 1.0], [0.0, 0.0]]), Array(
        "f32", [[0.5, 0.5], [0.5, 0.75], [INF, 1.0], [0.5, 0.25]]
    )
    yield "bad_rows_i16", Array("i16", [[3, 1], [0, 0], [5, -1], [2, 7]]), Array(
        "i16", [[1, 1], [2, 1], [3, 1], [1, 2]]
    )


def pair_hard(rng, extent):
    yield "dominating_p", f64([1000.0, 1e-17]), f64([1.0, 2.0])
    yield "dominating_q", f64([1.0, 2.0]), f64([1000.0, 1e-17])
    yield "dominating_both", f64([1000.0, 1e-17]), f64([1000.0, 3e-17])
    yield "dominating_both_1e-20", f64([1.0, 1e-20, 2e-20]), f64([3.0, 2e-20, 1e-20])
    yield "dominating_apart", f64([1000.0, 1e-17]), f64([1e-17, 1000.0])
    yield "dominating_1e-300", f64([1.0, 1e-300]), f64([1.0, 1e-20])
    yield "dominating_1e-300_q", f64([1.0, 1e-20]), f64([1.0, 1e-300])
    yield "dominating_range", f64([1e300, 1e280, 1.0]), f64([1e300, 2e280, 5.0])
    tails = range(min(extent.most, 129))
    yield "tails", f64([1.0] + [(1 + rng.getrandbits(4)) * 2.0**-60 for _ in tails]), f64(
        [1.0] + [(1 + rng.getrandbits(4)) * 2.0**-58 for _ in tails]
    )
    yield "tails_inside", f64([2.0**-44] * 20 + [1.0] + [2.0**-45] * 12), f64([1.0] * 33)
    p, q = both(rng, "f64", "f64", 1, 1, 9)
    yield "totals_3.7", scaled(p, 3.7), q
    yield "totals_1e200", scaled(p, 1e200), scaled(q, 1e-200)
    yield "totals_1e-200", scaled(p, 1e-200), scaled(q, 1e200)
    yield "totals_1e-200_both", scaled(p, 1e-200), scaled(q, 1e-200)
    yield "totals_1e200_both", scaled(p, 1e200), scaled(q, 1e200)
    yield "sum_overflow_p", f64([1e308, 1e308, 1.5e308]), f64([0.25, 0.5, 0.5])
    yield "sum_overflow_q", f64([0.25, 0.5, 0.5]), f64([1e308, 1e308, 1.5e308])
    yield "sum_overflow_both", f64([1e308, 0.5e308, 1.5e308]), f64([1e308, 1e308, 1.5e308])
    yield "least_normal", f64([3e-308, 5e-308, 2.0**-1022]), f64([5e-308, 3e-308, 4e-308])
    yield "u64_near_2^53", Array("u64", [[2**53 - 1, 2**53, 1]]), Array("u64", [[2**53, 2**53 - 1, 2]])
    yield "u64_beyond_2^53", Array("u64", [[2**53 + 1, 2**63 + 1025, 7]]), Array("u64", [[2**64 - 1, 9, 2**53]])
    yield "counts_totals_1_3", Array("i32", [[100, 200, 300, 1]]), Array("i32", [[301, 599, 900, 3]])
    yield "sum_overflow_f16", Array("f16", [[60000.0, 65504.0, 1024.0]]), Array("f16", [[1.0, 0.5, 2.0**-24]])
    yield "wide", f64([rng.random() * 2.0 ** rng.randrange(-60, 60) for _ in range(17)]), f64(
        [rng.random() * 2.0 ** rng.randrange(-60, 60) for _ in range(17)]
    )


def next_to(x, up):
    return math.nextafter(x, INF if up else 0.0)


def perturbed(rng, q, delta):
    if delta == "ulp":
        return [next_to(x, rng.random() < 0.5) for x in q]
    return [x * (1 + delta * (2 * rng.random() - 1)) for x in q]


def balanced(rng, q, delta):
    """p near q with exactly the same total: what one outcome gains, its neighbour loses."""
    p = list(q)
    for j in range(0, len(q) - 1, 2):
        step = max(1, round(delta * 2.0**52 * (0.5 + rng.random()) / 2)) * 2.0**-52 * (1 if rng.random() < 0.5 else -1)
        p[j], p[j + 1] = q[j] + step, q[j + 1] - step
        assert Fraction(p[j]) - Fraction(q[j]) == Fraction(step) == Fraction(q[j + 1]) - Fraction(p[j + 1])
    return p


DELTAS = (("1e-3", 1e-3), ("1e-6", 1e-6), ("1e-9", 1e-9), ("1e-12", 1e-12), ("1e-15", 1e-15), ("ulp", "ulp"))


def pair_near(rng, extent):
    """p and q that nearly agree, with totals that agree, nearly agree and differ."""
    for n in extent.near:
        for label, delta in DELTAS:
            q = [0.25 + short(rng) for _ in range(n)]
            p = perturbed(rng, q, delta)
            yield f"near_{label}_n{n}", f64(p), f64(q)
            p = perturbed(rng, q, delta)
            if n <= 17 or label in ("1e-3", "1e-9", "1e-15"):
                yield f"near_{label}_totals_1_3_n{n}", f64(p), f64([3 * x for x in q])
            if n <= 17 or label in ("1e-6", "ulp"):
                yield f"near_{label}_totals_0.7_n{n}", f64(perturbed(rng, q, delta)), f64([0.7 * x for x in q])
            if delta != "ulp":
                q = [0.5 + short(rng) / 4 for _ in range(n)]
                yield f"near_{label}_balanced_n{n}", f64(balanced(rng, q, delta)), f64(q)
        for label, shift in (("1e-9", 1e-9), ("1e-15", 1e-15)):
            q = [0.25 + short(rng) for _ in range(n)]
            p = [x * (1 + shift) for x in perturbed(rng, q, 1e-12)]
            yield f"near_1e-12_totals_{label}_n{n}", f64(p), f64(q)
    for label, size in (("1e-3", 10**3), ("1e-6", 10**6), ("1e-9", 10**9), ("1e-12", 10**12), ("1e-15", 10**15)):
        k = [size + rng.getrandbits(30) % size for _ in range(9)]
        off = [1 if rng.random() < 0.5 else -1 for _ in k]
        yield f"near_counts_{label}_totals_1_3", Array("i64", [k]), Array("i64", [[3 * x + e for x, e in zip(k, off)]])
        yield f"near_counts_{label}_totals_equal", Array("i64", [k]), Array(
            "i64", [[x + e for x, e in zip(k, (1, -1, 1, -1, 2, -2, 0, 1, -1))]]
        )
    q = [1.0] * 8
    yield "near_one_outcome_1e-15", f64([1.0 + 2.0**-50] + q[1:]), f64(q)
    yield "near_one_outcome_tails", f64([1.0, 2.0**-60, 2.0**-62]), f64([1.0, 2.0**-60 + 2.0**-80, 2.0**-62])
    for label, delta in (("1e-3", 1e-3), ("1e-6", 1e-6), ("ulp", 2.0**-24)):
        q = [as_dtype(0.5 + full(rng) / 4, "f32") for _ in range(17)]
        p = [as_dtype(x * (1 + delta * rng.choice((-1, 1))), "f32") for x in q]
        yield f"near_f32_{label}", Array("f32", [p]), Array("f32", [q])
        yield f"near_f32_{label}_totals_1_3", Array("f32", [p]), Array("f32", [[as_dtype(3 * x, "f32") for x in q]])
    q = [as_dtype(0.5 + full(rng) / 4, "bf16") for _ in range(7)]
    yield "near_bf16_ulp", Array("bf16", [[q[0] + 2.0**-8] + q[1:]]), Array("bf16", [q])
    for label in extent.large:
        q = [0.25 + short(rng) for _ in range(1000)]
        p = perturbed(rng, q, dict(DELTAS)[label])
        yield f"near_{label}_n1000", f64(p), f64(q)
        if label == extent.large[-1]:
            yield f"near_{label}_totals_1_3_n1000", f64(p), f64([3 * x for x in q])


def pair_equal(rng, extent):
    for n in (1, 2, 9, min(extent.most, 129)):
        q = [short(rng) for _ in range(n)]
        yield f"equal_n{n}", f64(q), f64(q)
        yield f"equal_thrice_n{n}", f64([3 * x for x in q]), f64(q)
    q = [full(rng) for _ in range(7)]
    yield "equal_full", f64(q), f64(q)
    yield "equal_full_twice", f64(q), f64([2 * x for x in q])
    yield "equal_full_1e200", f64([x * 2.0**600 for x in q]), f64([x * 2.0**-600 for x in q])
    yield "equal_zeros", f64([0.0, 0.5, 0.0, 0.25]), f64([-0.0, 1.5, 0.0, 0.75])
    yield "equal_uniform", f64([0.1] * 10), f64([0.3] * 10)
    yield "equal_counts", Array("i32", [[1, 2, 3, 0]]), Array("u8", [[7, 14, 21, 0]])
    yield "equal_counts_1e15", Array("i64", [[10**15 + 1, 10**15 - 7, 5]]), Array(
        "i64", [[3 * 10**15 + 3, 3 * 10**15 - 21, 15]]
    )
    yield "equal_f32", Array("f32", [[0.5, 0.25, as_dtype(0.1, "f32")]]), Array(
        "f32", [[1.0, 0.5, as_dtype(0.1, "f32") * 2]]
    )
    yield "equal_dominating", f64([1000.0, 1e-17]), f64([1000.0, 1e-17])
    yield "equal_sum_overflow", f64([1e308, 1e308, 1.5e308]), f64([1e308, 1e308, 1.5e308])
    yield "equal_rows", f64([0.5, 0.25, 0.125], [0.5, 0.5, 0.125]), f64([0.5, 0.25, 0.125])


# --------------------------------------------------------------------------------------------- files: one array

FILES = {}


def vector_file(**outputs):
    def register(build):
        name = build.__name__.rstrip("_")

        def make():
            file = File(name, outputs)
            build(file, file.random)
            return file.text()

        FILES[name] = make
        return build

    return register


def cycle(values):
    while True:
        yield from values


def add_single(file, name, weights, row, numbers=None, loose=False, keep=None, param="weights"):
    numbers = numbers or {}
    results = row_results(row, [weights], numbers)
    if keep:
        results = {key: results[key] for key in keep}
    file.add(name, {param: weights} | numbers, results, loose)


def single_file(file, rng, row, numbers, extent=SCALAR):
    """All inputs of one array; numbers is a list of {parameter: value}, taken in turn."""
    turn = cycle(numbers)
    for name, weights in single_sizes(rng, extent):
        add_single(file, name, weights, row, next(turn))
    for name, weights in single_hard(rng, extent):
        add_single(file, name, weights, row, next(turn))
    add_single(file, "subnormal", SUBNORMAL, row, next(turn), loose=True)


def single_bases(file, rng, row, numbers=None):
    for base in BASES:
        weights = matrix(rng, "f64", 2, 5)
        add_single(file, f"base_{base:.3g}", weights, row, (numbers or {}) | {"base": base})


TWO_BASES = [{"base": 2.0}, {"base": NEPIT_E}]


@vector_file(out=value(-50))
def entropy(file, rng):
    single_file(file, rng, d.entropy_row, TWO_BASES, MAIN)
    single_bases(file, rng, d.entropy_row)


@vector_file(out=value(-50), gradient=gradient())
def entropy_gradient(file, rng):
    d.differentiates(
        lambda p: d.shannon(p), lambda p, total: (d.entropy_gradient(p, total),), [[rng.random() for _ in range(5)]], 1
    )
    single_file(file, rng, d.entropy_gradient_row, TWO_BASES, GRADIENT)
    single_bases(file, rng, d.entropy_gradient_row)
    weights = matrix(rng, "f64", 3, 4)
    add_single(file, "gradient_alone", weights, d.entropy_gradient_row, {"base": 2.0}, keep=("gradient",))
    add_single(file, "value_alone", weights, d.entropy_gradient_row, {"base": 2.0}, keep=("out",))


def order_cases(file, rng, row, orders, **numbers):
    """Every order on the inputs that are hard for some."""
    inputs = [
        ("two", f64([0.3, 0.7])),
        ("five", matrix(rng, "f64", 1, 5)),
        ("zeros", f64([0.0, 0.5, 0.125, 0.0, 2.0])),
        ("uniform_7", f64([1.0] * 7)),
        ("one_hot", f64([0.0, 4.0, 0.0])),
        ("dominating", f64([1000.0, 1e-17])),
        ("dominating_1e-300", f64([1.0, 1e-300])),
        ("range", f64([1e300, 1e280, 1.0])),
        ("tie", f64([0.375, 0.25, 0.375])),
        ("near_tie", f64([0.375, 0.25, 0.375 + 2.0**-54])),
        ("counts", Array("i32", [[5, 0, 17, 3]])),
        ("f32", matrix(rng, "f32", 1, 9)),
        ("single", f64([0.3])),
        ("bad", f64([0.5, NAN], [0.25, 0.5], [0.0, 0.0])),
        ("tails", f64([2.0**-50] * 9 + [8.0] + [2.0**-51] * 13)),
        ("n33", matrix(rng, "f64", 1, 33)),
    ]
    for order in orders:
        for name, weights in inputs:
            add_single(file, f"order_{order!r}_{name}", weights, row, {"order": order} | numbers)


EXTREME_ORDERS = (1e-300, 1e-9, 1 - 2.0**-53, 1 + 2.0**-52, 1e6, 1e300)


def orders_in_turn(orders, **numbers):
    return [{"order": order} | numbers for order in orders]


@vector_file(out=value(-44))
def renyi_entropy(file, rng):
    single_file(file, rng, d.renyi_entropy_row, orders_in_turn(ORDERS, base=2.0))
    order_cases(file, rng, d.renyi_entropy_row, ORDERS + EXTREME_ORDERS, base=NEPIT_E)
    single_bases(file, rng, d.renyi_entropy_row, {"order": 0.5})


@vector_file(out=value(-44), gradient=gradient(-42))
def renyi_entropy_gradient(file, rng):
    for order in (0.5, 0.999, 1.001, 3.0):
        d.differentiates(
            lambda p: d.renyi(p, order),
            lambda p, total: (d.renyi_entropy_gradient(p, total, order),),
            [[rng.random() for _ in range(4)]],
            1,
        )
    single_file(file, rng, d.renyi_entropy_gradient_row, orders_in_turn(ORDERS, base=2.0), GRADIENT)
    order_cases(file, rng, d.renyi_entropy_gradient_row, ORDERS + EXTREME_ORDERS[:-1], base=NEPIT_E)
    single_bases(file, rng, d.renyi_entropy_gradient_row, {"order": 2.0})


@vector_file(out=value(-44))
def tsallis_entropy(file, rng):
    single_file(file, rng, d.tsallis_entropy_row, orders_in_turn(ORDERS))
    order_cases(file, rng, d.tsallis_entropy_row, ORDERS + EXTREME_ORDERS)


@vector_file(out=value(-44))
def hill_number(file, rng):
    single_file(file, rng, d.hill_number_row, orders_in_turn(ORDERS))
    order_cases(file, rng, d.hill_number_row, ORDERS + EXTREME_ORDERS)


@vector_file(out=value(-44))
def perplexity(file, rng):
    single_file(file, rng, d.perplexity_row, [{}])


def add_elements(file, name, arrays, element, numbers=None, keep=None):
    """An elementwise function; arrays by parameter, of which one may have a single row."""
    numbers = numbers or {}
    rows = max(len(a.rows) for a in arrays.values())
    results = {}
    for i in range(rows):
        for xs in zip(*(a.rows[i if len(a.rows) > 1 else 0] for a in arrays.values())):
            xs = [float(x) for x in xs]
            spread = [abs(math.frexp(x)[1]) for x in xs if 0 < abs(x) < INF]
            digits = 50 + int(0.31 * sum(spread))
            for param, (component,) in d.settle(lambda: element(*xs, **numbers), digits).items():
                results.setdefault(param, [[] for _ in range(rows)])[i].append(component)
    if keep:
        results = {key: results[key] for key in keep}
    file.add(name, arrays | numbers, results)


def chunked(values, cols):
    return [values[i : i + cols] for i in range(0, len(values) - len(values) % cols, cols)]


def binary_entropy_cases(file, rng, keep=None):
    for n in ELEMENT.sizes:
        x = matrix(rng, "f64", 1, n)
        x.rows[0][:] = [as_dtype(v % 1.0, "f64") for v in x.rows[0]]
        yield f"n{n}", x, BASES[n % 2]
    for base in BASES:
        yield f"base_{base:.3g}", f64([0.11, 0.5, 0.73, 0.999]), base
    yield "edges", f64(
        [0.0, -0.0, 1.0, 0.5, next_to(1.0, False), next_to(0.5, True), next_to(0.5, False), 2.0**-1022]
    ), 2.0
    yield "outside", f64(
        [0.25, NAN, 1.5, 0.75], [-0.25, INF, -INF, next_to(1.0, True)], [0.5, -5e-324, 0.25, 1e300]
    ), 2.0
    yield "small", f64([10.0**-k for k in range(1, 301, 13)]), NEPIT_E
    yield "near_half", f64([0.5 + s * 2.0**-k for k in range(2, 53, 3) for s in (-1, 1)]), NEPIT_E
    yield "near_one", f64([1 - 2.0**-k for k in range(1, 54)]), 2.0
    yield "subnormal", f64([5e-324, 1e-320, 1e-310]), 2.0
    yield "f32", Array("f32", [[as_dtype(rng.random(), "f32") for _ in range(33)]]), 2.0
    yield "f32_edges", Array("f32", [[0.0, 1.0, 2.0, NAN, -1.0, as_dtype(1e-30, "f32"), 1 - 2.0**-24, 2.0**-149]]), 2.0
    yield "f16", Array("f16", [[as_dtype(rng.random(), "f16") for _ in range(11)]]), NEPIT_E
    yield "bf16", Array("bf16", [[as_dtype(rng.random(), "bf16") for _ in range(7)] for _ in range(3)]), NEPIT_E
    yield "i8", Array("i8", [[0, 1, 2, -1]]), 2.0
    yield "u64", Array("u64", [[0, 1], [2, 2**63], [1, 0]]), 2.0
    yield "f64_7x5", matrix_of(rng, 7, 5, lambda: rng.random()), 10.0


def matrix_of(rng, rows, cols, draw):
    return f64(*([draw() for _ in range(cols)] for _ in range(rows)))


@vector_file(out=element(-50))
def binary_entropy(file, rng):
    for name, x, base in binary_entropy_cases(file, rng):
        add_elements(file, name, {"probabilities": x}, d.binary_entropy_element, {"base": base}, keep=("out",))


@vector_file(out=element(-50), gradient=element(-50))
def binary_entropy_gradient(file, rng):
    for x in (0.1, 0.5001, 0.9):
        slope = mp.diff(lambda y: d.binary_entropy_element(y, NEPIT_E)["out"][0], x)
        assert abs(slope - d.binary_entropy_element(x, NEPIT_E)["gradient"][0]) < 1e-12
    for name, x, base in binary_entropy_cases(file, rng):
        add_elements(file, name, {"probabilities": x}, d.binary_entropy_element, {"base": base})
    x = f64([0.25, 0.5, 0.875])
    add_elements(
        file, "gradient_alone", {"probabilities": x}, d.binary_entropy_element, {"base": 2.0}, keep=("gradient",)
    )
    add_elements(file, "value_alone", {"probabilities": x}, d.binary_entropy_element, {"base": 2.0}, keep=("out",))


# -------------------------------------------------------------------------------------------- files: two arrays


def add_pair(file, name, p, q, row, numbers=None, loose=False, keep=None, digits=0):
    numbers = numbers or {}
    results = row_results(row, [p, q], numbers, digits)
    if keep:
        results = {key: results[key] for key in keep}
    file.add(name, {"p": p, "q": q} | numbers, results, loose)


def pair_file(file, rng, row, numbers=None, extent=SCALAR, digits=0):
    """All inputs of two arrays; numbers is a list of {parameter: value}, taken in turn."""
    turn = cycle(numbers or [{}])
    inputs = (
        pair_sizes(rng, extent),
        pair_zeros(rng),
        pair_hard(rng, extent),
        pair_near(rng, extent),
        pair_equal(rng, extent),
    )
    for family in inputs:
        for name, p, q in family:
            add_pair(file, name, p, q, row, next(turn), digits=digits)
    add_pair(file, "subnormal_p", SUBNORMAL, f64([0.25, 0.5, 0.5]), row, next(turn), loose=True, digits=digits)
    add_pair(
        file, "subnormal_both", SUBNORMAL, f64([3e-320, 1e-320, 5e-321]), row, next(turn), loose=True, digits=digits
    )


def pair_bases(file, rng, row, numbers=None):
    for base in BASES:
        p, q = both(rng, "f64", "f64", 2, 2, 5)
        add_pair(file, f"base_{base:.3g}", p, q, row, (numbers or {}) | {"base": base})


def few_floats(file, rng, row, numbers):
    """Two outcomes as float32, whose ratio is where float terms are worst: a table's cells end there, or begin."""
    for ratio in (1.0315, 0.984, 0.953, 1.094, 0.703, 0.4801, 0.4687, 1.406, 0.3516, 1e-30):
        first = [rng.uniform(0.2, 0.45) for _ in range(6)]
        p = Array("f32", [[as_dtype(x, "f32") for x in (w, 1 - w)] for w in first])
        q = Array("f32", [[as_dtype(x, "f32") for x in (w * ratio, 1 - w * ratio)] for w in first])
        add_pair(file, f"few_floats_{ratio:g}", p, q, row, numbers)


def gradient_file(file, rng, row, numbers=None, options=None):
    pair_file(file, rng, row, numbers, GRADIENT)
    numbers = (numbers or [{}])[0]
    p, q = both(rng, "f64", "f64", 3, 3, 4)
    for output in ("out", "p_gradient", "q_gradient"):
        add_pair(file, f"{output}_alone", p, q, row, numbers, keep=(output,))
    add_pair(file, "gradients_alone", p, q, row, numbers, keep=("p_gradient", "q_gradient"))


def two(rng, n=4):
    return [[0.1 + rng.random() for _ in range(n)] for _ in range(2)]


@vector_file(out=value(-50))
def cross_entropy(file, rng):
    pair_file(
        file, rng, d.cross_entropy_row, TWO_BASES, MAIN._replace(sizes=SCALAR.sizes + (1000,), near=(2, 17), large=())
    )
    pair_bases(file, rng, d.cross_entropy_row)


@vector_file(out=value(-50), p_gradient=gradient(), q_gradient=gradient())
def cross_entropy_gradient(file, rng):
    d.differentiates(d.cross, d.cross_entropy_gradients, two(rng), 2)
    gradient_file(file, rng, d.cross_entropy_gradient_row, TWO_BASES)
    pair_bases(file, rng, d.cross_entropy_gradient_row)


@vector_file(out=quick_divergence(-48))
def kl_divergence(file, rng):
    pair_file(file, rng, d.kl_divergence_row, TWO_BASES, MAIN)
    pair_bases(file, rng, d.kl_divergence_row)
    few_floats(file, rng, d.kl_divergence_row, {"base": NEPIT_E})


@vector_file(out=divergence(-48), p_gradient=gradient(), q_gradient=gradient())
def kl_divergence_gradient(file, rng):
    d.differentiates(d.kl, d.kl_divergence_gradients, two(rng), 2)
    gradient_file(file, rng, d.kl_divergence_gradient_row, TWO_BASES)
    pair_bases(file, rng, d.kl_divergence_gradient_row)


@vector_file(out=divergence(-48))
def jeffreys_divergence(file, rng):
    pair_file(file, rng, d.jeffreys_divergence_row, TWO_BASES, MAIN._replace(sizes=SCALAR.sizes + (1000,)))
    pair_bases(file, rng, d.jeffreys_divergence_row)


@vector_file(out=divergence(-48), p_gradient=gradient(), q_gradient=gradient())
def jeffreys_divergence_gradient(file, rng):
    d.differentiates(d.jeffreys, d.jeffreys_divergence_gradients, two(rng), 2)
    gradient_file(file, rng, d.jeffreys_divergence_gradient_row, TWO_BASES)
    pair_bases(file, rng, d.jeffreys_divergence_gradient_row)


WEIGHTS = (0.5, 0.1, 0.9, 1e-9, 0.0, 1.0)


def weight_cases(file, rng, row):
    """Every weight on the inputs where it matters."""
    near = [0.25 + short(rng) for _ in range(5)]
    inputs = [
        ("five", *both(rng, "f64", "f64", 1, 1, 5)),
        ("zeros", f64([0.0, 0.5, 0.25, 0.25, 0.0]), f64([0.5, 0.25, 0.25, 0.0, 0.0])),
        ("disjoint", f64([0.25, 0.5, 0.0]), f64([0.0, 0.0, 3.0])),
        ("equal", f64([1.0, 2.0]), f64([3.0, 6.0])),
        ("near_1e-6", f64(perturbed(rng, near, 1e-6)), f64(near)),
        ("near_1e-12", f64(perturbed(rng, near, 1e-12)), f64([3 * x for x in near])),
        ("near_ulp", f64(perturbed(rng, near, "ulp")), f64(near)),
        ("dominating", f64([1000.0, 1e-17]), f64([1e-17, 1000.0])),
        ("f32", *both(rng, "f32", "f32", 1, 1, 17)),
        ("counts", *both(rng, "i32", "u8", 1, 1, 8)),
        ("bad", f64([0.5, NAN], [0.5, 0.5], [1.0, 2.0]), f64([0.5, 0.5], [-1.0, 1.0], [2.0, 1.0])),
    ]
    for weight in WEIGHTS:
        for name, p, q in inputs:
            add_pair(file, f"weight_{weight!r}_{name}", p, q, row, {"weight": weight, "base": NEPIT_E})


JS_NUMBERS = [{"weight": 0.5, "base": 2.0}, {"weight": 0.5, "base": NEPIT_E}, {"weight": 0.1, "base": 2.0}]


@vector_file(out=quick_divergence(-48))
def jensen_shannon_divergence(file, rng):
    pair_file(file, rng, d.jensen_shannon_divergence_row, JS_NUMBERS, MAIN._replace(sizes=SCALAR.sizes + (1000,)))
    weight_cases(file, rng, d.jensen_shannon_divergence_row)
    pair_bases(file, rng, d.jensen_shannon_divergence_row, {"weight": 0.5})
    few_floats(file, rng, d.jensen_shannon_divergence_row, {"weight": 0.5, "base": NEPIT_E})


@vector_file(out=divergence(-48), p_gradient=gradient(), q_gradient=gradient())
def jensen_shannon_divergence_gradient(file, rng):
    for weight in (0.5, 0.1):
        d.differentiates(
            lambda p, q: d.jensen_shannon(p, q, weight),
            lambda *rows: d.jensen_shannon_divergence_gradients(*rows, weight),
            two(rng),
            2,
        )
    gradient_file(file, rng, d.jensen_shannon_divergence_gradient_row, JS_NUMBERS)
    weight_cases(file, rng, d.jensen_shannon_divergence_gradient_row)
    pair_bases(file, rng, d.jensen_shannon_divergence_gradient_row, {"weight": 0.5})


@vector_file(out=divergence(-48, 2))
def jensen_shannon_distance(file, rng):
    pair_file(file, rng, d.jensen_shannon_distance_row, JS_NUMBERS)
    weight_cases(file, rng, d.jensen_shannon_distance_row)
    pair_bases(file, rng, d.jensen_shannon_distance_row, {"weight": 0.5})


@vector_file(out=divergence(-48, 2), p_gradient=gradient(), q_gradient=gradient())
def jensen_shannon_distance_gradient(file, rng):
    d.differentiates(
        lambda p, q: mp.sqrt(d.jensen_shannon(p, q, 0.25) / mp.log(2)),
        lambda *rows: d.jensen_shannon_distance_gradients(*rows, 0.25, 2.0),
        two(rng),
        2,
    )
    gradient_file(file, rng, d.jensen_shannon_distance_gradient_row, JS_NUMBERS)
    weight_cases(file, rng, d.jensen_shannon_distance_gradient_row)
    pair_bases(file, rng, d.jensen_shannon_distance_gradient_row, {"weight": 0.5})


@vector_file(out=divergence(-46))
def generalized_jensen_shannon(file, rng):
    def add(name, weights, members, mixing=None, base=2.0, loose=False):
        rows = [Row(r) for r in weights.rows]
        results = []
        for i in range(0, len(rows), members):
            group = rows[i : i + members]
            digits = 50 + sum(sorted(r.digits for r in group)[-2:])
            shares = mixing or [1.0] * members
            results.append(d.settle(lambda: d.generalized_jensen_shannon_rows(group, shares, base), digits)["out"])
        inputs = {"weights": weights, "members": float(members)}
        if mixing:
            inputs["mixing"] = f64(mixing)
        file.add(name, inputs | {"base": base}, {"out": results}, loose)

    mixings = {
        1: [[3.0]],
        2: [[0.25, 0.75], [1.0, 0.0], [1e-9, 1.0]],
        3: [[0.5, 0.25, 0.25], [5.0, 0.0, 2.0], [0.0, 1.0, 0.0]],
        7: [[0.1, 0.2, 0.1, 0.2, 0.2, 0.1, 0.1], [1.0, 0.0, 2.0, 0.0, 3.0, 0.0, 0.0]],
    }
    for members, some in mixings.items():
        for n in (1, 2, 5, 8, 17, 64, 65, 129):
            add(
                f"m{members}_n{n}",
                matrix(rng, "f64", members, n, zeros=0.1 if n > 2 else 0),
                members,
                base=BASES[n % 2],
            )
        for groups in (2, 5):
            add(f"m{members}_groups_{groups}", matrix(rng, "f64", members * groups, 6), members)
        for i, mixing in enumerate(some):
            for groups in (1, 3):
                add(f"m{members}_mixing_{i}_groups_{groups}", matrix(rng, "f64", members * groups, 9), members, mixing)
        add(f"m{members}_f32", matrix(rng, "f32", 2 * members, 33), members)
        add(f"m{members}_counts", matrix(rng, "i32", members, 17, zeros=0.2), members, base=NEPIT_E)
        add(f"m{members}_u8_mixing", matrix(rng, "u8", members, 10), members, [1.0 + i for i in range(members)])
        add(f"m{members}_equal", f64(*[[x * 2.0**i for x in (0.5, 0.25, 0.0, 0.375)] for i in range(members)]), members)
        for label, delta in DELTAS:
            for n in (2, 50):
                q = [0.25 + short(rng) for _ in range(n)]
                if members < 7 or n == 2:
                    add(
                        f"m{members}_near_{label}_n{n}",
                        f64(*[perturbed(rng, q, delta) for _ in range(members)]),
                        members,
                    )
                if n == 2:
                    add(
                        f"m{members}_near_{label}_totals_n{n}",
                        f64(*[[(1 + 2 * i) * x for x in perturbed(rng, q, delta)] for i in range(members)]),
                        members,
                        [1.0 + i for i in range(members)],
                    )
    add("n1000", matrix(rng, "f64", 3, 1000), 3)
    add("many_members", matrix(rng, "f64", 100, 3), 100)
    add("disjoint", f64([1.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 5.0]), 3, [0.5, 0.25, 0.25])
    add("one_apart", f64([1.0, 0.0], [1.0, 0.0], [1.0, 1e-12]), 3)
    add("dominating", f64([1000.0, 1e-17], [1.0, 1.0], [1e-17, 1000.0]), 3)
    add("totals_apart", f64([1e200, 2e200], [3e-200, 1e-200], [1.0, 1.0]), 3)
    add("sum_overflow", f64([1e308, 1e308, 1.5e308], [1.0, 2.0, 3.0]), 2)
    add(
        "bad_rows",
        f64([1.0, NAN], [1.0, 2.0], [0.5, 0.5], [0.25, 0.5], [0.0, 0.0], [1.0, 2.0], [1.0, 3.0], [3.0, 1.0]),
        2,
    )
    add(
        "bad_rows_mixing_0",
        f64(
            [1.0, NAN],
            [1.0, 2.0],
            [0.0, 1.0],
            [-1.0, 1.0],
            [0.5, 2.0],
            [0.25, 0.5],
            [1.0, 2.0],
            [-1.0, 2.0],
            [1.0, 3.0],
        ),
        3,
        [0.0, 1.0, 2.0],
    )
    for base in BASES:
        add(f"base_{base:.3g}", matrix(rng, "f64", 4, 5), 2, base=base)
    add("mixing_1e200", matrix(rng, "f64", 2, 5), 2, [1e200, 3e200])
    add("mixing_sum_overflow", matrix(rng, "f64", 3, 5), 3, [1e308, 1e308, 1e308])
    add("subnormal", f64(SUBNORMAL.rows[0], [3e-320, 1e-320, 5e-321]), 2, loose=True)


def pair_order_cases(file, rng, row, parameter, orders, **numbers):
    """Every order on the inputs that are hard for some."""
    near = [0.25 + short(rng) for _ in range(5)]
    inputs = [
        ("five", *both(rng, "f64", "f64", 1, 1, 5)),
        ("zero_in_p", f64([0.0, 0.5, 0.5]), f64([0.25, 0.5, 0.25])),
        ("zero_in_q", f64([0.25, 0.5, 0.25]), f64([0.0, 0.5, 0.5])),
        ("zero_in_both", f64([0.25, 0.0, 0.5]), f64([0.5, 0.0, 0.5])),
        ("zeros_apart", f64([0.0, 0.5, 0.25, 0.25]), f64([0.5, 0.25, 0.25, 0.0])),
        ("disjoint", f64([0.25, 0.0, 0.5]), f64([0.0, 2.0, 0.0])),
        ("equal", f64([1.0, 2.0, 0.0]), f64([3.0, 6.0, 0.0])),
        ("near_1e-3", f64(perturbed(rng, near, 1e-3)), f64(near)),
        ("near_1e-9", f64(perturbed(rng, near, 1e-9)), f64([3 * x for x in near])),
        ("near_1e-15", f64(perturbed(rng, near, 1e-15)), f64(near)),
        ("dominating", f64([1000.0, 1e-17]), f64([1.0, 1.0])),
        ("dominating_q", f64([1.0, 1.0]), f64([1000.0, 1e-17])),
        ("dominating_both", f64([1.0, 1e-12]), f64([1.0, 2e-12])),
        ("one_hot_p", f64([0.0, 1.0]), f64([0.25, 0.5])),
        ("counts", *both(rng, "i32", "i32", 1, 1, 8)),
        ("f32", *both(rng, "f32", "f32", 1, 1, 9)),
        ("n17", *both(rng, "f64", "f64", 1, 1, 17)),
        ("single", f64([0.3]), f64([0.7])),
        ("bad", f64([0.5, NAN], [0.25, 0.5]), f64([1.0, 1.0])),
        ("range", f64([1e300, 1e280, 1.0]), f64([1.0, 1e280, 1e300])),
    ]
    for order in orders:
        for name, p, q in inputs:
            add_pair(file, f"{parameter}_{order!r}_{name}", p, q, row, {parameter: order} | numbers)


@vector_file(out=divergence(-44))
def renyi_divergence(file, rng):
    pair_file(file, rng, d.renyi_divergence_row, orders_in_turn(ORDERS, base=2.0))
    pair_order_cases(file, rng, d.renyi_divergence_row, "order", ORDERS + EXTREME_ORDERS, base=NEPIT_E)
    pair_bases(file, rng, d.renyi_divergence_row, {"order": 0.5})


GRADIENT_ORDERS = tuple(x for x in ORDERS if 0 < x < INF)


@vector_file(out=divergence(-44), p_gradient=gradient(-42), q_gradient=gradient(-42))
def renyi_divergence_gradient(file, rng):
    for order in (0.5, 0.999, 1.001, 3.0):
        d.differentiates(
            lambda p, q: d.renyi_from(p, q, order),
            lambda *rows: d.renyi_divergence_gradients(*rows, order),
            two(rng),
            2,
        )
    gradient_file(file, rng, d.renyi_divergence_gradient_row, orders_in_turn(GRADIENT_ORDERS, base=2.0))
    pair_order_cases(file, rng, d.renyi_divergence_gradient_row, "order", GRADIENT_ORDERS, base=NEPIT_E)
    pair_bases(file, rng, d.renyi_divergence_gradient_row, {"order": 2.0})


@vector_file(out=divergence(-43))
def tsallis_divergence(file, rng):
    orders = tuple(x for x in ORDERS if x < INF)
    pair_file(file, rng, d.tsallis_divergence_row, orders_in_turn(orders))
    pair_order_cases(file, rng, d.tsallis_divergence_row, "order", orders + EXTREME_ORDERS[:4])


@vector_file(out=divergence(-44))
def alpha_divergence(file, rng):
    pair_file(file, rng, d.alpha_divergence_row, [{"alpha": alpha} for alpha in ALPHAS])
    pair_order_cases(file, rng, d.alpha_divergence_row, "alpha", ALPHAS + (-1 - 1e-12, 1e-300, -50.0))


@vector_file(out=divergence(-48, 2))
def hellinger_distance(file, rng):
    pair_file(file, rng, d.hellinger_distance_row)


@vector_file(out=divergence(-48, 2), p_gradient=gradient(), q_gradient=gradient())
def hellinger_distance_gradient(file, rng):
    d.differentiates(lambda p, q: mp.sqrt(d.squared_hellinger(p, q)), d.hellinger_distance_gradients, two(rng), 2)
    gradient_file(file, rng, d.hellinger_distance_gradient_row)


@vector_file(out=divergence(-48))
def squared_hellinger_distance(file, rng):
    pair_file(file, rng, d.squared_hellinger_distance_row)


@vector_file(out=divergence(-48), p_gradient=gradient(), q_gradient=gradient())
def squared_hellinger_distance_gradient(file, rng):
    d.differentiates(d.squared_hellinger, d.squared_hellinger_distance_gradients, two(rng), 2)
    gradient_file(file, rng, d.squared_hellinger_distance_gradient_row)


@vector_file(out=value(-48))
def bhattacharyya_coefficient(file, rng):
    pair_file(file, rng, d.bhattacharyya_coefficient_row)


@vector_file(out=divergence(-47))
def bhattacharyya_distance(file, rng):
    pair_file(file, rng, d.bhattacharyya_distance_row, TWO_BASES)
    pair_bases(file, rng, d.bhattacharyya_distance_row)


EXPONENT = Output(1e-6, narrow=1e-6, terms=True)


@vector_file(out=divergence(-44), exponent=EXPONENT)
def chernoff_information(file, rng):
    pair_file(file, rng, d.chernoff_information_row, TWO_BASES, digits=50)
    pair_bases(file, rng, d.chernoff_information_row)
    edges = [
        ("edge_0", f64([0.125, 0.125, 0.75]), f64([0.5, 0.25, 0.0])),
        ("edge_1", f64([0.5, 0.25, 0.0]), f64([0.125, 0.125, 0.75])),
        ("edge_flat", f64([0.5, 0.5, 0.0]), f64([0.5, 0.0, 0.5])),
        ("edge_flat_scaled", f64([1.0, 1.0, 2.0, 0.0]), f64([3.0, 3.0, 0.0, 6.0])),
        ("edge_ratio", f64([0.5, 0.5, 0.0]), f64([0.25, 0.0, 0.75])),
        ("edge_ratio_back", f64([0.25, 0.0, 0.75]), f64([0.5, 0.5, 0.0])),
        ("inside_supports_differ", f64([0.5, 0.125, 0.375, 0.0]), f64([0.125, 0.5, 0.0, 0.375])),
        ("inside_skewed", f64([0.98, 0.01, 0.01]), f64([0.4, 0.35, 0.25])),
        ("inside_near_0", f64([0.5, 0.5]), f64([1.0, 1e-30])),
        ("inside_near_1", f64([1.0, 1e-30]), f64([0.5, 0.5])),
        ("mirrored", f64([0.1, 0.9]), f64([0.9, 0.1])),
        ("edge_tiny", f64([1.0, 0.0]), f64([1.0, 1e-15])),
        ("edge_both_tiny", f64([1.0, 0.0, 1e-15]), f64([1.0, 1e-15, 0.0])),
    ]
    for name, p, q in edges:
        add_pair(file, name, p, q, d.chernoff_information_row, {"base": 2.0}, digits=50)
    p, q = both(rng, "f64", "f64", 3, 3, 5)
    add_pair(file, "value_alone", p, q, d.chernoff_information_row, {"base": 2.0}, keep=("out",), digits=50)


@vector_file(out=divergence(-48))
def total_variation(file, rng):
    pair_file(file, rng, d.total_variation_row)


@vector_file(out=divergence(-48))
def pearson_chi2(file, rng):
    pair_file(file, rng, d.pearson_chi2_row)


@vector_file(out=divergence(-48))
def neyman_chi2(file, rng):
    pair_file(file, rng, d.neyman_chi2_row)


@vector_file(out=divergence(-46))
def population_stability_index(file, rng):
    floors = (1e-4, 0.0, 0.01)
    pair_file(file, rng, d.population_stability_index_row, [{"floor": f, "base": NEPIT_E} for f in floors])
    for floor in (0.0, 1e-4, 0.01, 0.2, 0.999):
        inputs = list(pair_zeros(rng)) + [
            ("below", f64([0.9, 1e-5, 0.1, 1e-3]), f64([0.2, 1e-6, 0.8, 2e-2])),
            ("at_floor", f64([0.99, 0.01]), f64([0.98, 0.02])),
            ("all_raised", f64([1.0, 2.0, 3.0, 4.0]), f64([4.0, 3.0, 2.0, 1.0])),
        ]
        for name, p, q in inputs:
            if "bad" not in name:
                add_pair(
                    file,
                    f"floor_{floor!r}_{name}",
                    p,
                    q,
                    d.population_stability_index_row,
                    {"floor": floor, "base": NEPIT_E},
                )
    pair_bases(file, rng, d.population_stability_index_row, {"floor": 1e-4})


# --------------------------------------------------------------------------------------------- files: elementwise

SPECIAL = (0.0, -0.0, 1.0, 2.0, -1.0, INF, -INF, NAN, 1e300, 1e-300, -1e-300, 1.7e308, 2.0**-1022)


def sweep(rng, count, low=-1000, high=1000):
    """Numbers spread over the exponents."""
    return [math.ldexp(1 + rng.random(), rng.randrange(low, high)) for _ in range(count)]


@vector_file(out=element(-50))
def entr(file, rng):
    def add(name, x):
        add_elements(file, name, {"x": x}, d.entr_element)

    for n in ELEMENT.sizes:
        add(f"n{n}", matrix(rng, "f64", 1, n))
    add("special", f64(SPECIAL))
    add("exponents", f64(sweep(rng, 200)))
    add("below_one", f64([1 - 2.0**-k for k in range(1, 54)]))
    add("above_one", f64([1 + 2.0**-k for k in range(0, 53)]))
    add("near_one", f64([1 + (rng.random() - 0.5) * 10.0**-k for k in range(1, 16) for _ in range(3)]))
    add("overflow", f64([1e306, 2e305, 2.6e305, 1.7976931348623157e308]))
    add("subnormal", f64([5e-324, 1e-320, 1e-310]))
    add("subnormal_result", f64([2.0**-1022, 3e-308]))
    add("f64_5x3", matrix(rng, "f64", 5, 3))
    add(
        "f32",
        Array("f32", [[as_dtype(math.ldexp(1 + rng.random(), rng.randrange(-126, 127)), "f32") for _ in range(65)]]),
    )
    add("f32_special", Array("f32", [[0.0, -0.0, 1.0, -1.0, INF, -INF, NAN, 2.0**-149, 1 - 2.0**-24, 1 + 2.0**-23]]))
    add(
        "f16",
        Array("f16", [[as_dtype(math.ldexp(1 + rng.random(), rng.randrange(-14, 15)), "f16") for _ in range(33)]]),
    )
    add("f16_special", Array("f16", [[0.0, -0.0, 1.0, -1.0, INF, -INF, NAN, 2.0**-24, 65504.0]]))
    add(
        "bf16",
        Array(
            "bf16", [[as_dtype(math.ldexp(1 + rng.random(), rng.randrange(-126, 127)), "bf16") for _ in range(11)]] * 3
        ),
    )
    add("i8", Array("i8", [[-128, -1, 0, 1, 2, 127]]))
    add("u64", Array("u64", [[0, 1, 2**53 + 1, 2**64 - 1]]))
    add("i64", Array("i64", [[-(2**63), 2**63 - 1, 10**15]]))


def pairs_of_elements(file, rng, function):
    def add(name, x, y):
        add_elements(file, name, {"x": x, "y": y}, function)

    for n in ELEMENT.sizes:
        add(f"n{n}", matrix(rng, "f64", 1, n), matrix(rng, "f64", 1, n))
    every = [(x, y) for x in SPECIAL for y in SPECIAL]
    add("special", f64(*chunked([x for x, _ in every], 13)), f64(*chunked([y for _, y in every], 13)))
    some = [
        (x, y) for x in (0.0, -0.0, 1.0, -1.0, INF, -INF, NAN, 0.5) for y in (0.0, -0.0, 1.0, -1.0, INF, -INF, NAN, 2.0)
    ]
    for dtype in ("f32", "f16", "bf16"):
        add(f"special_{dtype}", Array(dtype, [[x for x, _ in some]]), Array(dtype, [[y for _, y in some]]))
    add("exponents", f64(sweep(rng, 200, -400, 400)), f64(sweep(rng, 200, -400, 400)))
    wide = [(x, y) for x, y in zip(sweep(rng, 200), sweep(rng, 200)) if x > 1e-290]
    add("exponents_wide", f64([x for x, _ in wide]), f64([y for _, y in wide]))
    add(
        "ratio_overflow",
        f64([1e300, 1e200, 1e-10, 1e308, 1.0]),
        f64([1e-300, 1e-200, 2.0**-1022, 1e-308 * 4, 2.0**-1022]),
    )
    add("ratio_underflow", f64([1e-290, 1e-200, 1e-10, 1e-280]), f64([1e300, 1e200, 1.7e308, 1e308]))
    add("ratio_subnormal_y", f64([1.0, 1e-300, 1e300]), f64([5e-324, 1e-320, 1e-310]))
    add("subnormal", f64([5e-324, 1e-320, 5e-324, 2e-310]), f64([1e-320, 5e-324, 1.0, 1e-300]))
    for k in (2, 8, 16, 24, 32, 40, 48, 52):
        x = [math.ldexp(1 + rng.random(), rng.randrange(-300, 300)) for _ in range(8)]
        y = [v * (1 + (rng.random() - 0.5) * 2.0**-k) for v in x]
        add(f"near_2^-{k}", f64(x), f64([v if v != u else next_to(v, True) for u, v in zip(x, y)]))
    x = sweep(rng, 33, -500, 500)
    add("neighbours_above", f64(x), f64([next_to(v, True) for v in x]))
    add("neighbours_below", f64(x), f64([next_to(v, False) for v in x]))
    add("equal", f64(x), f64(x))
    add("overflow", f64([1e308, 1.7e308, 1e307, 1e306]), f64([1e-300, 1.0, 1e300, 1e-3]))
    add("one_y", matrix(rng, "f64", 5, 7), matrix(rng, "f64", 1, 7))
    add("one_x", matrix(rng, "f64", 1, 3), matrix(rng, "f64", 4, 3))
    add("f64_3x5", matrix(rng, "f64", 3, 5), matrix(rng, "f64", 3, 5))
    add("f32", matrix(rng, "f32", 1, 65), matrix(rng, "f32", 1, 65))
    x = [as_dtype(full(rng), "f32") for _ in range(17)]
    add("f32_near", Array("f32", [x]), Array("f32", [[as_dtype(v * (1 + 2.0**-23), "f32") for v in x]]))
    add("f16", matrix(rng, "f16", 2, 9), matrix(rng, "f16", 2, 9))
    add("bf16", matrix(rng, "bf16", 2, 9), matrix(rng, "bf16", 2, 9))
    add("i32", Array("i32", [[0, 1, 5, -1, 7, 1000]]), Array("i32", [[3, 0, 5, 2, -7, 1001]]))
    add("u64_f64", Array("u64", [[0, 1, 2**53 + 1, 2**64 - 1]]), f64([0.5, 2.5, 2.0**53, 1e18]))


@vector_file(out=element(-49))
def rel_entr(file, rng):
    pairs_of_elements(file, rng, d.rel_entr_element)


@vector_file(out=element(-48))
def kl_div(file, rng):
    pairs_of_elements(file, rng, d.kl_div_element)


# ---------------------------------------------------------------------------------- files: smoothing and the check


@vector_file(out=element(-51))
def smooth_additive(file, rng):
    alphas = (0.0, 0.5, 1.0, 1e-300)
    single_file(file, rng, d.smooth_additive_row, [{"alpha": alpha} for alpha in alphas], ELEMENT)
    for alpha in alphas + (1e300, 2.0**-1022):
        for name, weights in (
            ("zero_sum", f64([0.0, 0.0, -0.0], [1.0, 2.0, 0.0])),
            ("counts", Array("u32", [[0, 3, 0, 7]])),
            ("one_hot", f64([0.0, 2.0])),
            ("bad", f64([NAN, 1.0], [1.0, -1.0], [0.0, INF], [1.0, 1.0])),
            ("single", f64([0.0], [4.0])),
            ("tiny", f64([3e-300, 1e-300, 2e-300])),
        ):
            add_single(file, f"alpha_{alpha!r}_{name}", weights, d.smooth_additive_row, {"alpha": alpha})
    add_single(file, "alpha_overflow", f64([1e308, 2.0, 1e307]), d.smooth_additive_row, {"alpha": 1e308})


@vector_file(out=element(-50))
def smooth_mix(file, rng):
    def add(name, weights, weight, background=None, loose=False):
        arrays = [weights] + ([background] if background else [])
        results = row_results(d.smooth_mix_row, arrays, {"weight": weight})
        inputs = {"weights": weights, "weight": weight} | ({"background": background} if background else {})
        file.add(name, inputs, results, loose)

    shares = cycle((0.1, 0.0, 1.0, 0.5))
    for name, weights in single_sizes(rng, ELEMENT):
        add(name, weights, next(shares))
    for name, weights in single_hard(rng, ELEMENT):
        add(name, weights, next(shares))
    for n in (1, 2, 8, 17, 65, 129):
        add(
            f"background_n{n}",
            matrix(rng, "f64", 1, n, zeros=0.1 if n > 2 else 0),
            next(shares),
            matrix(rng, "f64", 1, n),
        )
    for name, p, q in list(pair_zeros(rng)) + list(pair_hard(rng, GRADIENT)):
        add(f"background_{name}", p, next(shares), q)
    for weight in (0.0, 1e-9, 0.1, 0.5, 1.0):
        add(f"weight_{weight!r}", f64([0.0, 1.0, 3.0]), weight)
        add(f"weight_{weight!r}_background", f64([0.0, 1.0, 3.0]), weight, f64([0.25, 0.0, 0.75]))
        add(f"weight_{weight!r}_one_background", matrix(rng, "f64", 4, 5), weight, matrix(rng, "f32", 1, 5))
        add(f"weight_{weight!r}_one_row", matrix(rng, "i32", 1, 3), weight, matrix(rng, "f64", 5, 3))
    add("subnormal", SUBNORMAL, 0.25, loose=True)


@vector_file(out=element(-50))
def smooth_floor(file, rng):
    single_file(file, rng, d.smooth_floor_row, [{"epsilon": e} for e in (1e-9, 0.0, 0.1)], ELEMENT)
    for epsilon in (0.0, 1e-300, 1e-9, 0.1, 0.25, 0.5, 1.0):
        for name, weights in (
            ("zeros", f64([0.0, 0.5, 0.5, 0.0], [1.0, 0.0, 0.0, 0.0])),
            ("counts", Array("i16", [[0, 3, 90, 7]])),
            ("at_floor", f64([0.25, 0.25, 0.5])),
            ("all_raised", f64([1.0] * 12)),
            ("single", f64([2.0])),
        ):
            add_single(file, f"epsilon_{epsilon!r}_{name}", weights, d.smooth_floor_row, {"epsilon": epsilon})


def undecided(row, tolerance):
    """Whether the sum is so near the tolerance that the accuracy of the excess leaves the finding open.

    Weights of few bits are summed exactly, and there the edge itself is tested.
    """
    weights = [Fraction(x) for x in map(float, row) if abs(x) < INF]
    if len(weights) < len(row) or tolerance == INF:
        return False
    magnitude = sum(map(abs, weights))
    exact = magnitude < 2**30 and all(x.denominator <= 2**20 for x in weights)
    return not exact and abs(abs(sum(weights) - 1) - Fraction(tolerance)) < magnitude / 2**49


@vector_file(finding=Output(0.0, narrow=0.0), excess=Output(2.0**-50, narrow=2.0**-50, terms=True))
def check_distribution(file, rng):
    def add(name, weights, tolerance, keep=None):
        if not any(undecided(row, tolerance) for row in weights.rows):
            add_single(file, name, weights, d.check_distribution_row, {"tolerance": tolerance}, keep=keep)

    tolerances = cycle((1e-9, INF, 0.0))
    for name, weights in single_sizes(rng, SCALAR):
        add(name, weights, next(tolerances))
    for name, weights in single_hard(rng, SCALAR):
        add(name, weights, next(tolerances))
    findings = [
        ("right", [0.5, 0.25, 0.25]),
        ("uniform_8", [0.125] * 8),
        ("one_hot", [0.0, 1.0]),
        ("minus_zero", [-0.0, 1.0]),
        ("negative", [-0.5, 1.5]),
        ("negative_sum", [-0.5, 0.25]),
        ("negative_cancels", [-1.0, 1.0]),
        ("nan", [0.5, NAN]),
        ("nan_negative", [NAN, -1.0, 2.0]),
        ("infinite", [INF, 0.5]),
        ("minus_infinite", [-INF, 0.5]),
        ("infinities", [INF, -INF]),
        ("nan_infinite", [NAN, INF]),
        ("zero_sum", [0.0, 0.0]),
        ("minus_zeros", [-0.0, 0.0]),
        ("excess_1e-3", [0.5, 0.501]),
        ("excess_1e-12", [0.5, 0.500000000001]),
        ("short_1e-3", [0.5, 0.499]),
        ("short_1e-12", [0.5, 0.499999999999]),
        ("excess_1e-8", [0.5, 0.50000001]),
        ("counts", [3.0, 4.0]),
        ("sum_overflow", [1e308, 1e308]),
        ("cancels", [1e300, -1e300, 1.0]),
        ("tiny", [1e-300, 1e-300]),
        ("everything", [NAN, INF, -1.0]),
        ("subnormal", [5e-324, 1.0]),
    ]
    for tolerance in (0.0, 1e-9, 1e-2, 1.0, INF):
        for name, row in findings:
            add(f"tolerance_{tolerance!r}_{name}", f64(row), tolerance)
    rows = [row + [0.0] * (8 - len(row)) for _, row in findings]
    add("all_rows", f64(*(row for row in rows if not undecided(row, 1e-9))), 1e-9)
    add("i16", Array("i16", [[1, 0], [0, 0], [-1, 2], [3, 4]]), 0.0)
    add("finding_alone", f64([0.5, 0.5], [1.0, 1.0]), 0.0, keep=("finding",))


# ----------------------------------------------------------------------------------------- comparison of logits


@vector_file(values=Output(2.0**-44, narrow=2.0**-20, terms=True))
def logits_comparison_update(file, rng):
    for name, dtype, base, test, labels in comparison.cases(rng, as_dtype):
        inputs = {"base": Array(dtype, base), "test": Array(dtype, test)}
        if any(label != -100 for label in labels):
            inputs["labels"] = Array("i32" if len(base) % 2 else "i64", [[label] for label in labels])
        file.add(name, inputs, {"values": comparison.rows(base, test, labels, dtype != "f64")})

losses.register(sys.modules[__name__])
pointwise.register(sys.modules[__name__])

# --------------------------------------------------------------------------------------------------------- main


def make(name):
    return name, FILES[name]()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare the files with what would be written")
    parser.add_argument("--function", choices=sorted(FILES), help="this one only")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default 2)")
    options = parser.parse_args()
    names = [options.function] if options.function else list(FILES)
    wrong = []
    with multiprocessing.Pool(min(options.jobs, len(names))) as pool:
        for name, text in pool.imap_unordered(make, names):
            path = FOLDER / f"{name}.txt"
            if not options.check:
                path.write_text(text)
            elif not path.exists() or path.read_text() != text:
                wrong.append(path.name)
    if options.check and not options.function:
        wrong += sorted(path.name for path in FOLDER.glob("*.txt") if path.stem not in FILES)
    if wrong:
        sys.exit("not what generate.py writes: " + ", ".join(sorted(wrong)))


if __name__ == "__main__":
    main()
