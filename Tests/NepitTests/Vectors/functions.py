#!/usr/bin/env python3
"""Writes functions.txt: arguments of the kernels' functions where they are hard, and the exact results.

    functions.py [--check]

A section begins with `function <name>`. Each line after it is

    <x> <nearest> <rest>

two hexadecimal floats, and what the exact result has beyond the nearest double, in units of that one's last place (at
most 1/2): so an error is known to far less than a unit. Infinities, NaN and exact zeros have a rest of 0.

Besides edges and neighbours of them, of many random arguments those are kept whose results lie nearest the middle
between two doubles: there a small error of the function shows as a wrong last bit.
"""

import argparse
import math
import pathlib
import random
import sys

from mpmath import mp, mpf

FILE = pathlib.Path(__file__).resolve().parent / "functions.txt"
INF, NAN = math.inf, math.nan
TINY, LEAST, MOST = 2.0**-1022, 5e-324, sys.float_info.max
LN2 = math.log(2)

mp.prec = 200


def excess(x):
    """x - log(1 + x), which is x^2 / 2 near 0."""
    if abs(x) < mpf(2) ** -60:
        return x * x / 2 - x**3 / 3 + x**4 / 4
    return x - mp.log1p(x)


def nearest(value):
    """The double nearest to a number, and the rest in units of its last place."""
    near = float(value)
    if abs(near) < TINY:  # mpmath rounds these twice
        near = int(mp.nint(value * mpf(2) ** 1074)) * LEAST
    if math.isinf(near):
        return near, 0.0
    return near, float((value - mpf(near)) / mpf(math.ulp(near)))


def around(x, steps=1):
    """x and its neighbours."""
    found = [x]
    for direction in (-INF, INF):
        y = x
        for _ in range(steps):
            y = math.nextafter(y, direction)
            found.append(y)
    return found


def both(values):
    return [s * x for x in values for s in (1, -1)]


def powers(rng, low, high):
    """A number whose logarithm is uniform between those of 2^low and 2^high."""
    return math.ldexp(1 + rng.random(), rng.randrange(low, high))


def signed(draw):
    return lambda rng: rng.choice((-1, 1)) * draw(rng)


def uniform(low, high):
    return lambda rng: rng.uniform(low, high)


def scaled(low, high):
    return lambda rng: powers(rng, low, high)


def subnormal(rng):
    return LEAST * (1 + rng.getrandbits(rng.randrange(1, 53)))


SMALL = [2.0**-k for k in (1, 2, 3, 5, 10, 20, 26, 27, 28, 40, 52, 53, 54, 60, 100, 300, 511, 512, 600, 1021)]
NEAR_ONE = around(1.0, 8) + [1 + s * 2.0**-k for k in range(2, 52, 3) for s in (1, -1)]
CELLS = [y for k in range(32, 129) for y in around(k / 64)]  # where tables of logarithms change
# Where, of millions of arguments, the errors of one implementation or another were greatest.
WORST = {
    "log": ["0x1.77a27f1349e23p-1", "0x1.77bcd073d45bfp-1", "0x1.77b3db097eb53p+0", "0x1.081958b0871a6p+0"],
    "precise_log": ["0x1.77fffffffffffp-1", "0x1.77a27f1349e23p-1"],
    "log1p": ["0x1.031c1ba294a28p-5", "-0x1.915ee5f814e58p-2", "0x1.012337c6c766p-5", "0x1.b128cd5dc006p+0"],
    "exp": ["0x1.65f5d99de3f07p-2", "-0x1.1f6d6554ccf8cp+2", "0x1.cf6ca7ebb61a9p+8", "-0x1.62048820fdf7bp+9"],
    "expm1": ["0x1.64be7c2dd774bp-2", "0x1.769e9fd1698cp-2", "0x1.8b4cc062d38cp-2", "0x1.68927934a326p-2"],
    "excess": ["-0x1.3e1d81580fc98p-2", "-0x1.3712eeaad0b18p-2", "-0x1.31228119cb3b8p-2", "-0x1.143332ba2d378p-1"],
}
STEPS = [y for k in range(-1080, 1030, 23) for y in around((k + 0.5) * LN2) + around(k * LN2)]

# name: (function, whether it is defined, edges, [(how many are drawn, how many are kept, draw)])
FUNCTIONS = {
    "log": (
        mp.log,
        lambda x: x > 0,
        NEAR_ONE
        + CELLS
        + [y for k in range(-1074, 1024, 31) for y in around(2.0**k) if y > 0]
        + [y for k in range(-700, 710, 47) for y in around(math.exp(k))]
        + around(TINY, 3)
        + [LEAST, 2 * LEAST, 3 * LEAST, TINY - 7 * LEAST, MOST, 0.0, -0.0, INF, NAN, -1.0, -LEAST, -INF],
        [
            (30000, 220, uniform(0.98, 1.02)),
            (30000, 220, uniform(0.5, 2)),
            (10000, 60, uniform(0.732, 0.735)),
            (10000, 60, uniform(1.03, 1.033)),
            (20000, 120, scaled(-8, 8)),
            (20000, 100, scaled(-1022, 1024)),
            (20000, 60, subnormal),
        ],
    ),
    # Two words: the rest is what the second is to be.
    "precise_log": (
        mp.log,
        lambda x: x > 0,
        NEAR_ONE + CELLS + [2.0**k for k in range(-1022, 1024, 73)] + [TINY, MOST],
        [
            (200, 200, uniform(0.98, 1.02)),
            (200, 200, uniform(0.5, 2)),
            (150, 150, scaled(-1022, 1024)),
        ],
    ),
    "log1p": (
        mp.log1p,
        lambda x: x > -1,
        both(SMALL)
        + [y - 1 for y in CELLS if y != 1]
        + [y for k in range(-50, 1024, 37) for y in around(2.0**k)]
        + around(2.0**300, 2)
        + [-1 + 2.0**-k for k in range(1, 54)]
        + both([LEAST, TINY, TINY - LEAST])
        + [MOST, 0.0, -0.0, -1.0, -1.5, -INF, INF, NAN],
        [
            (30000, 200, signed(scaled(-30, -5))),
            (30000, 200, uniform(-0.5, 1)),
            (30000, 100, uniform(-1, -0.5)),
            (200, 100, uniform(0.0308, 0.0324)),
            (30000, 100, scaled(0, 1023)),
            (10000, 40, signed(scaled(-1000, -30))),
        ],
    ),
    "exp": (
        mp.exp,
        lambda x: True,
        both(SMALL)
        + [y for y in STEPS if -746 < y < 711]
        + [float(k) for k in range(-745, 711, 29)]
        + around(709.782712893384, 3)
        + around(-708.3964185322641, 3)
        + around(-745.1332191019411, 3)
        + [-745.0, -746.0, -1000.0, 710.0, 1000.0, MOST, -MOST, 0.0, -0.0, INF, -INF, NAN, LEAST, -LEAST],
        [
            (30000, 250, uniform(-LN2 / 2, LN2 / 2)),
            (30000, 200, uniform(-40, 40)),
            (30000, 100, uniform(-708, 709)),
            (20000, 80, uniform(-745, -708)),
        ],
    ),
    "expm1": (
        mp.expm1,
        lambda x: True,
        both(SMALL)
        + [y for y in STEPS if -60 < y < 711]
        + around(60.5 * LN2, 2)
        + around(709.782712893384, 2)
        + [-37.0, -38.0, -40.0, -100.0, -745.0, -746.0, -1000.0, 710.0, 1000.0, MOST, -MOST]
        + [0.0, -0.0, INF, -INF, NAN, LEAST, -LEAST, TINY, -TINY],
        [
            (30000, 250, signed(scaled(-30, -2))),
            (30000, 250, uniform(-LN2 / 2, LN2 / 2)),
            (30000, 120, uniform(-40, 1)),
            (30000, 100, uniform(0, 60)),
            (20000, 60, uniform(60, 709)),
            (10000, 30, signed(scaled(-1000, -30))),
        ],
    ),
    "excess": (
        excess,
        lambda x: x > -1,
        both(x for x in SMALL if x > 2.0**-500)
        + [y - 1 for y in CELLS if y != 1]
        + [2.0**k for k in range(1, 290, 23)]
        + [-1 + 2.0**-k for k in range(1, 54, 3)]
        + [0.0, -0.0],
        [
            (20000, 200, signed(scaled(-30, -5))),
            (20000, 200, uniform(-0.5, 1)),
            (10000, 100, uniform(-1, -0.5)),
            (10000, 80, scaled(0, 100)),
            (4000, 40, signed(scaled(-480, -30))),
        ],
    ),
}

# What no formula gives.
EDGES = {
    "log": lambda x: -INF if x == 0 else INF if x == INF else NAN,
    "log1p": lambda x: -INF if x == -1 else INF if x == INF else NAN,
    "exp": lambda x: NAN if math.isnan(x) else INF if x > 0 else 0.0,
    "expm1": lambda x: NAN if math.isnan(x) else INF if x > 0 else -1.0,
}


def word(x):
    return x.hex() if math.isfinite(x) else str(x)


def lines(name):
    function, is_defined, edges, draws = FUNCTIONS[name]
    rng = random.Random(name)
    rows = {}

    def evaluate(x):
        if math.isnan(x) or math.isinf(x) or not is_defined(x):
            return EDGES[name](x), 0.0
        # Beyond this exp is 0 or infinite, and mpmath would take its time.
        if name.startswith("exp") and abs(x) > 1000:
            return EDGES[name](math.copysign(INF, x)), 0.0
        return nearest(function(mpf(x)))

    for x in edges + [float.fromhex(text) for text in WORST[name]]:
        rows[word(x)] = evaluate(x)
    for tried, kept, draw in draws:
        found = {}
        for _ in range(tried):
            x = draw(rng)
            found[word(x)] = evaluate(x)
        ranked = sorted(found, key=lambda key: -abs(found[key][1])) if kept < tried else list(found)
        rows |= {key: found[key] for key in ranked[:kept]}
    digits = 11 if name == "precise_log" else 6
    yield f"function {name}"
    for key, (near, rest) in rows.items():
        yield f"{key} {word(near)} {rest:.{digits}g}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare the file with what would be written")
    options = parser.parse_args()
    head = "# The kernels' functions: written by functions.py, which describes the format."
    text = "\n".join([head, *(line for name in FUNCTIONS for line in lines(name))]) + "\n"
    if not options.check:
        FILE.write_text(text)
    elif FILE.read_text() != text:
        sys.exit(f"{FILE.name} is not what functions.py writes")


if __name__ == "__main__":
    main()
