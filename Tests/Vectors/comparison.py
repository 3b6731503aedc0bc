"""What nepit_logits_comparison_update says of a token, as the header's formulas read, and the inputs that are hard."""

from mpmath import exp, fsum, log, mp, mpf

from definitions import INF, NAN, Term

TOP = 10  # of the object that the tests make
# Beside its relative bound a value may be off by so much, times that bound.
FLOOR = {**dict.fromkeys(range(4), mpf(2) ** -54), 3: mpf(2) ** -2, 4: mpf(2) ** -4, 5: mpf(2) ** -4,
         8: mpf(2) ** -4, 9: mpf(2) ** -4, 10: mpf(2) ** -2, 11: mpf(2) ** -2}
# The same for small floats, where what is between two probabilities may be off by the total variation besides.
NARROW_FLOOR = dict.fromkeys(range(3), mpf(2) ** -54)


def softmax(logits):
    """Logarithms of the probabilities; None where there are none."""
    if any(x != x or x == INF for x in logits) or max(logits) == -INF:
        return None
    total = log(fsum(exp(mpf(x)) for x in logits if x != -INF))
    return [mpf(x) - total if x != -INF else None for x in logits]


def likeliest(logits):
    order = sorted(range(len(logits)), key=lambda j: (-logits[j], j))
    return order[:min(TOP, len(logits))]


def divergence(p, q):
    if any(a is not None and b is None for a, b in zip(p, q)):
        return INF
    return fsum(exp(a) * (a - b) for a, b in zip(p, q) if a is not None)


def token(base, test, label):
    """The twelve values of a token."""
    p, q = softmax(base), softmax(test)
    if p is None or q is None:
        return [NAN] * 12
    probability = [(exp(a) if a is not None else mpf(0), exp(b) if b is not None else mpf(0)) for a, b in zip(p, q)]
    middle = [log((a + b) / 2) if a + b else None for a, b in probability]
    same = list(base) == list(test)
    tops = likeliest(base), likeliest(test)
    values = [
        0.0 if same else divergence(p, q),
        0.0 if same else divergence(q, p),
        0.0 if same else (divergence(p, middle) + divergence(q, middle)) / 2,
        0.0 if same else fsum(abs(a - b) for a, b in probability) / 2,
        -fsum(exp(a) * a for a in p if a is not None),
        -fsum(exp(a) * a for a in q if a is not None),
        float(tops[0][0] == tops[1][0]),
        len(set(tops[0]) & set(tops[1])) / len(tops[0]),
    ]
    if label == -100:
        return values + [NAN] * 4
    losses = [INF if x[label] is None else -x[label] for x in (p, q)]
    ratio = NAN if losses == [INF, INF] else losses[1] - losses[0] if INF not in losses else \
        (INF if losses[1] == INF else -INF)
    a, b = probability[label]
    return values + [*losses, ratio, b - a]


def rows(base, test, labels, is_narrow):
    """The values of all tokens, each with the size that its error is relative to."""
    digits = mp.dps
    mp.dps = 120
    count = max(len(base), len(test))
    found = []
    for i in range(count):
        values = token(base[i % len(base)], test[i % len(test)], labels[i] if labels else -100)
        sizes = [abs(v) if isinstance(v, mpf) else mpf(1) for v in values]
        floor = {**NARROW_FLOOR, 10: values[3], 11: values[3]} if is_narrow else FLOOR
        found.append([Term(v, s + floor.get(j, mpf(0))) for j, (v, s) in enumerate(zip(values, sizes))])
    mp.dps = digits
    return found


def cases(rng, as_dtype):
    """(name, element type, base, test, labels) of each case."""
    def logits(rows, cols, spread=3.0):
        return [[rng.gauss(0, spread) for _ in range(cols)] for _ in range(rows)]

    def near(matrix, size):
        return [[x + rng.gauss(0, size) for x in row] for row in matrix]

    def typed(matrix, dtype):
        return [[as_dtype(x, dtype) for x in row] for row in matrix]

    def labels(rows, cols):
        return [-100 if rng.random() < 0.2 else rng.randrange(cols) for _ in range(rows)]

    for cols in (1, 2, 3, 7, 8, 9, 10, 11, 16, 17, 31, 65, 130):
        base = logits(3, cols)
        yield f"size_{cols}", "f64", base, near(base, 0.5), labels(3, cols)
    base = logits(1, 2051)
    yield "pieces_2051", "f64", typed(base, "f32"), typed(near(base, 0.3), "f32"), labels(1, 2051)
    for dtype in ("f32", "f16", "bf16"):
        for spread in (0.5, 4.0):
            base = logits(3, 40, spread)
            yield f"{dtype}_{spread}", dtype, typed(base, dtype), typed(near(base, 0.2), dtype), labels(3, 40)
    for power in (1, 2, 4, 6, 8, 10, 12, 14):
        base = logits(2, 33)
        yield f"near_1e-{power}", "f64", base, near(base, 10.0**-power), labels(2, 33)
        moved = [[x + 10 for x in row] for row in near(base, 10.0**-power)]
        yield f"moved_1e-{power}", "f64", base, moved, labels(2, 33)
    base = typed(logits(2, 64), "f32")
    yield "near_f32", "f32", base, typed(near(base, 1e-6), "f32"), labels(2, 64)
    yield "moved_f32", "f32", base, typed([[x + 10 for x in row] for row in near(base, 1e-5)], "f32"), labels(2, 64)
    for name, size in (("near", 0.1), ("apart", 2.0)):
        base = typed(logits(1, 4200), "f32")
        yield f"{name}_f32_4200", "f32", base, typed(near(base, size), "f32"), labels(1, 4200)
    # The likeliest change from piece to piece, and the second row's are others.
    rise = [[j / 100 + rng.gauss(0, 1) for j in range(4200)] for _ in range(1)]
    yield "rise_f32", "f32", typed(rise, "f32"), typed(near(rise, 0.5), "f32"), labels(1, 4200)
    yield "rise_and_fall_f32", "f32", typed(rise, "f32"), typed([row[::-1] for row in rise], "f32"), labels(1, 4200)
    base = logits(2, 20)
    yield "equal", "f64", base, base, labels(2, 20)
    yield "far", "f64", logits(3, 12, 300.0), logits(3, 12, 300.0), labels(3, 12)
    yield "apart_1", "f64", [[0.0, 1.0, 2.0]], [[0.5, 0.0, 3.0]], [0]
    yield "confident", "f64", [[0.0, 30.0, 1.0], [50.0, 0.0, 2.0]], [[0.0, 31.0, 1.5], [40.0, 0.0, 2.0]], [1, 0]
    for dtype in ("f32", "bf16"):
        yield (f"confident_{dtype}", dtype, [[0.0, 30.0, 1.0], [50.0, 0.0, 2.0]], [[0.0, 31.0, 1.5], [40.0, 0.0, 2.0]],
               [1, 0])
        yield f"confident_apart_{dtype}", dtype, [[0.0, 30.0, 1.0]], [[28.0, 0.0, 2.0]], [0]
        for name, spread in (("far", 300.0), ("large", 1e5)):
            base, test = (typed(logits(2, 12, spread), dtype) for _ in range(2))
            yield f"{name}_{dtype}", dtype, base, test, labels(2, 12)
    yield "large", "f64", [[1e300, 1e300, -1e300]], [[-1e300, -1e300, -1e300]], [1]
    base = typed(logits(1, 4200), "f32")
    yield "equal_f32", "f32", base, base, labels(1, 4200)
    infinite = [[-INF, 1.0, 2.0], [0.0, 1.0, 2.0], [-INF, 1.0, -INF], [-INF, 0.0, 1.0]]
    other = [[0.5, 1.0, 2.0], [-INF, 1.5, 2.0], [-INF, -INF, 0.0], [-INF, 0.5, 1.0]]
    for label in (0, 1, -100):
        yield f"infinite_{label}", "f64", infinite, other, [label] * 4
    yield "infinite_f32", "f32", infinite, other, [1] * 4
    yield "masked_f32", "f32", [[-INF, 1.0, 2.0, -INF, 0.25]], [[-INF, 1.5, 2.0, -INF, 0.0]], [1]
    bad = [[NAN, 1.0], [INF, 1.0], [-INF, -INF], [0.0, 1.0], [0.0, 1.0], [0.0, 1.0]]
    good = [[0.0, 1.0]] * 3 + [[1.0, NAN], [1.0, INF], [-INF, -INF]]
    yield "no_distribution", "f64", bad, good, [1] * 6
    yield "no_distribution_f32", "f32", bad, good, [1] * 6
    ties = [[1.0] * 14, [float(j % 3) for j in range(14)]]
    yield "ties", "f64", ties, [[0.5] * 14, [float(j % 4) for j in range(14)]], [3, 4]
    base = logits(4, 9)
    yield "one_base_of_many", "f64", base[:1], near(base, 0.4), labels(4, 9)
