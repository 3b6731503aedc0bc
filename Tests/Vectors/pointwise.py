"""The losses of Include/nepit.h that are sums of terms, one an element: their formulas as they read, and the inputs.

A term is a function of the numbers at one place of the inputs, that gives a Term for the value and one for the slope
by each input: the value with the sum of the magnitudes of what it adds.
"""

from mpmath import diff, exp, expm1, fsum, log, log1p, mp, mpf, pi

from definitions import INF, NAN, Term

DIGITS = 400  # of e^700 beside 1
SIZES = (1, 2, 3, 8, 9, 15, 16, 17, 33, 63, 64, 65, 129)


# ------------------------------------------------------------------------------------------------ the formulas


def nothing(slopes):
    return Term(NAN, mpf(1)), [Term(NAN, mpf(1))] * slopes


def term_of(*parts):
    """What is added, and the sum of its magnitudes."""
    return Term(fsum(parts), fsum(abs(p) for p in parts))


def gaussian_kl(m, l, other_m=0.0, other_l=0.0, free_bits=0.0):
    if any(x != x for x in (m, l, other_m, other_l)) or l == other_l and abs(l) == INF:
        return nothing(4)
    if abs(l) == INF or abs(other_l) == INF or abs(m) == INF or abs(other_m) == INF:
        return Term(INF, mpf(1)), None  # the value alone
    m, l, other_m, other_l = map(mpf, (m, l, other_m, other_l))
    d, step, free_bits = l - other_l, m - other_m, mpf(free_bits)
    value = (expm1(d) - d + step**2 * exp(-other_l)) / 2
    if value < free_bits:
        return Term(free_bits, free_bits), [Term(mpf(0), mpf(0))] * 4
    slope = term_of(step * exp(-other_l))
    return Term(value, value), [slope, term_of(expm1(d) / 2), Term(-slope.value, slope.magnitude),
                                term_of(-expm1(d) / 2, -(step**2) * exp(-other_l) / 2)]


def share(weight, value):
    """A product; 0 where the weight is, whatever the value."""
    if not weight:
        return mpf(0)
    if abs(value) == INF:
        return INF if (weight > 0) == (value > 0) else -INF
    return weight * value


def whole(*parts):
    """As term_of, of parts that may be infinite."""
    endless = [p for p in parts if abs(p) == INF]
    if endless:
        return Term(endless[0] if all(p == endless[0] for p in endless) else NAN, mpf(1))
    return term_of(*parts)


def softplus(x):
    return (INF if x > 0 else mpf(0)) if abs(x) == INF else log1p(exp(x)) if x < 0 else x + log1p(exp(-x))


def sigmoid(x):
    return (mpf(1) if x > 0 else mpf(0)) if abs(x) == INF else 1 / (1 + exp(-x))


def sigmoid_cross_entropy(x, y, weight=1.0, positive_weight=1.0):
    if any(n != n for n in (x, y, weight, positive_weight)):
        return nothing(2)
    x, y, w, v = (n if abs(n) == INF else mpf(n) for n in (x, y, weight, positive_weight))
    return (whole(share(w * v * y, softplus(-x)), share(w * (1 - y), softplus(x))),
            [whole(share(w * (1 - y), sigmoid(x)), -share(w * v * y, sigmoid(-x))),
             whole(share(w * (v - 1), softplus(-x)), -share(w, x))])


def binary_cross_entropy(p, y, weight=1.0):
    if any(n != n for n in (p, y, weight)) or not 0 <= p <= 1:
        return nothing(2)
    p, y, w = mpf(p), mpf(y), mpf(weight)
    first, second = (log(n) if n else -INF for n in (p, 1 - p))
    rates = [1 / n if n else INF for n in (p, 1 - p)]
    return (whole(share(-w * y, first), share(-w * (1 - y), second)),
            [whole(share(w * (1 - y), rates[1]), share(-w * y, rates[0])), whole(share(w, second), share(-w, first))])


def gaussian_nll(m, y, s, eps=1e-6, full=0.0, log_variance=0.0):
    if any(n != n for n in (m, y, s)) or not log_variance and s < 0:
        return nothing(3)
    m, y, s = mpf(m), mpf(y), mpf(s)
    least = mpf(eps)
    variance = exp(s) if log_variance else max(s, least)
    step, constant = m - y, log(2 * pi) / 2 if full else mpf(0)
    if not variance:
        return Term(INF if step else -INF, mpf(1)), None
    slope = term_of(step / variance)
    bent = (mpf(1) / 2, -step**2 / variance / 2)
    return (term_of((s if log_variance else log(variance)) / 2, step**2 / variance / 2, constant),
            [slope, Term(-slope.value, slope.magnitude),
             term_of(*bent) if log_variance else term_of(*(b / variance for b in bent))])


def poisson_nll(x, y, eps=1e-8, full=0.0, log_input=1.0):
    if x != x or y != y:
        return nothing(2)
    x, y = (n if abs(n) == INF else mpf(n) for n in (x, y))
    if log_input:
        rate, logarithm = (exp(x) if abs(x) < INF else INF if x > 0 else mpf(0)), x
        by_rate = (rate, -y)
        if rate == INF:
            return Term(INF, mpf(1)), None
    else:
        raised = x + mpf(eps)
        if raised < 0:
            return nothing(2)
        rate, logarithm = x, log(raised) if raised else -INF
        by_rate = (mpf(1), -share(y, 1 / raised if raised else INF))
    stirling, bent = (), ()
    if full and y > 1:
        stirling, bent = (y * log(y), -y, log(2 * pi * y) / 2), (log(y), 1 / (2 * y))
    return whole(rate, -share(y, logarithm), *stirling), [whole(*by_rate), whole(-logarithm, *bent)]


def sampled_kl(own, other, weight=1.0, estimator=3.0):
    if any(n != n for n in (own, other, weight)) or own == other and abs(own) == INF:
        return nothing(2)
    w = mpf(weight)
    if abs(own) == INF or abs(other) == INF:
        d = INF if other > own else -INF
        return whole(share(w, {1: -d, 2: INF, 3: INF}[int(estimator)])), None
    d = mpf(other) - mpf(own)
    value, slope = {1: (-d, mpf(-1)), 2: (d * d / 2, d), 3: (expm1(d) - d, expm1(d))}[int(estimator)]
    return term_of(w * value), [term_of(-w * slope), term_of(w * slope)]


def policy_entropy(row, allowed):
    """The entropy and its slopes; None where nothing is allowed."""
    kept = [x for x, a in zip(row, allowed) if a]
    if not kept:
        return None
    if any(x != x or x == INF for x in kept) or all(x == -INF for x in kept):
        return Term(NAN, mpf(1)), [Term(NAN, mpf(1))] * len(row)
    best = mpf(max(kept))
    gaps = [best - mpf(x) if a and x > -INF else None for x, a in zip(row, allowed)]
    total = fsum(exp(-gap) for gap in gaps if gap is not None)
    p = [exp(-gap) / total if gap is not None else mpf(0) for gap in gaps]
    mean = fsum(q * gap for q, gap in zip(p, gaps) if q)
    value = log(total) + mean
    return Term(value, value), [term_of(q * gap, -q * mean) if q else Term(mpf(0), mpf(0)) for q, gap in zip(p, gaps)]


# -------------------------------------------------------------------------------------------------- the cases


def proves(term, *numbers, **options):
    """Whether the slopes are those of the value, by differences."""
    with mp.workdps(60):
        numbers = [mpf(x) for x in numbers]
        _, slopes = term(*numbers, **options)
        for place, slope in enumerate(slopes):
            order = tuple(int(k == place) for k in range(len(numbers)))
            found = diff(lambda *x: term(*x, **options)[0].value, tuple(numbers), order)
            assert abs(found - slope.value) < 1e-15 * (1 + abs(found)), (term, numbers, place)


def added(terms):
    """The sum of some terms."""
    if any(t.value != t.value for t in terms):
        return Term(NAN, mpf(1))
    infinite = {t.value for t in terms if abs(t.value) == INF}
    if infinite:
        return Term(infinite.pop() if len(infinite) == 1 else NAN, mpf(1))
    return Term(fsum(t.value for t in terms), fsum(t.magnitude for t in terms))


def over(term, divisor):
    if not divisor:
        return Term(mpf(0), mpf(0))
    if not isinstance(term.value, mpf):
        return term
    return Term(term.value / divisor, term.magnitude / divisor)


def results(term, arrays, absent, gradients, by_rows, by_weights, options):
    """All outputs of a loss; arrays in the order of the term's parameters, a number where one is absent.

    The mean is over the rows, the weights, which come third, or the elements.
    """
    first = arrays[0].rows
    rows, cols = len(first), len(first[0])
    mean = options.get("reduction", 1.0)
    keywords = {name: value for name, value in options.items() if name != "reduction"}
    divisor = mpf((rows if by_rows else rows * cols) if mean else 1)
    if mean and by_weights and arrays[2]:
        divisor = fsum(mpf(x) for row in arrays[2].rows for x in row)

    def at(array, number, i, j):
        return array.rows[i if len(array.rows) > 1 else 0][j] if array else number

    found = [[term(*(at(a, n, i, j) for a, n in zip(arrays, absent)), **keywords) for j in range(cols)]
             for i in range(rows)]
    losses = [added([value for value, _ in row]) for row in found]
    outputs = {
        "out": [[over(added(losses), divisor)]],
        "losses": [[loss] for loss in losses],
        "terms": [[value for value, _ in row] for row in found],
    }
    for place, name in enumerate(gradients):
        if all(slopes for row in found for _, slopes in row):
            outputs[name] = [[over(slopes[place], divisor) for _, slopes in row] for row in found]
    return outputs


def register(g):
    """Adds these losses' files to those of generate.py, whose tools g has."""
    loss = g.Output(2.0**-46, narrow=2.0**-19)
    gradient = g.Output(2.0**-46, narrow=2.0**-19, terms=True)

    def numbers(rng, dtype, rows, cols, spread=1.0, offset=0.0):
        """Values of a few bits where there are many, so that the files stay small."""

        def one():
            x = offset + rng.gauss(0, spread)
            return g.as_dtype(round(x * 64) / 64 if cols > 20 or dtype != "f64" else x, dtype)

        return g.Array(dtype, [[one() for _ in range(cols)] for _ in range(rows)])

    def of(dtype, *rows):
        return g.Array(dtype, [[g.as_dtype(x, dtype) for x in row] for row in rows])

    class Cases:
        """Adds the cases of one loss to its file."""

        def __init__(self, file, term, inputs, gradients, *, absent=None, by_rows=False, by_weights=False,
                     options=None):
            self.file, self.term, self.inputs, self.gradients = file, term, inputs, gradients
            self.by_rows, self.by_weights = by_rows, by_weights
            self.absent = absent or [0.0] * len(inputs)
            self.options = options or {}    # those that are no record's

        def add(self, name, *arrays, keep=None, **options):
            arrays = list(arrays) + [None] * (len(self.inputs) - len(arrays))
            options = self.options | options
            with mp.workdps(DIGITS):
                outputs = results(self.term, arrays, self.absent, self.gradients, self.by_rows, self.by_weights,
                                  options)
                # The gradients by what is absent are left out, but where one is asked for by its name.
                outputs = {n: x for n, x in outputs.items()
                           if (n in keep if keep else n not in self.gradients
                               or arrays[self.gradients.index(n)] is not None)}
                inputs = {n: a for n, a in zip(self.inputs, arrays) if a is not None}
                self.file.add(name, inputs | options, outputs)

    @g.vector_file(out=loss, losses=loss, terms=loss, mean_gradient=gradient, log_variance_gradient=gradient,
                   other_mean_gradient=gradient, other_log_variance_gradient=gradient)
    def gaussian_kl_(file, rng):
        for _ in range(5):
            proves(gaussian_kl, *(rng.gauss(0, 1) for _ in range(4)))
        inputs = ("mean", "log_variance", "other_mean", "other_log_variance")
        cases = Cases(file, gaussian_kl, inputs, [f"{name}_gradient" for name in inputs], by_rows=True)

        def draw(dtype, rows, cols, count=4):
            return [numbers(rng, dtype, rows, cols) for _ in range(count)]

        for cols in SIZES:
            rows = 1 if cols > 20 else 3
            cases.add(f"n{cols}", *draw("f64", rows, cols, 2))
            if cols < 40:
                cases.add(f"other_n{cols}", *draw("f64", rows, cols))
        for cols in (2, 64, 65, 97):
            cases.add(f"f32_n{cols}", *draw("f32", 1 if cols > 20 else 3, cols, 2))
        for dtype in ("f32", "f16", "bf16"):
            for cols in (3, 70):
                cases.add(f"{dtype}_{cols}", *draw(dtype, 1, cols, 2))
                cases.add(f"{dtype}_other_{cols}", *draw(dtype, 1, cols))
        cases.add("mixed_types", numbers(rng, "f32", 2, 5), numbers(rng, "f64", 2, 5))
        cases.add("integers", g.Array("i16", [[1, -2, 0]]), g.Array("i8", [[0, 3, -4]]))
        cases.add("pieces", *draw("bf16", 1, 515, 2), keep=("out", "losses"))
        # Nearly equal: (e^d - 1 - d + step^2) / 2 is all but d^2 / 4 + step^2 / 2.
        for power in (2, 4, 8, 12, 100):
            s = 10.0**-power
            near = [[rng.gauss(0, s) for _ in range(7)] for _ in range(2)]
            cases.add(f"near_1e-{power}", of("f64", near[0]), of("f64", near[1]))
            m, l = rng.gauss(0, 1), rng.gauss(0, 1)
            cases.add(f"other_near_1e-{power}", of("f64", [m + x for x in near[0]]), of("f64", [l + x for x in near[1]]),
                      of("f64", [m] * 7), of("f64", [l] * 7))
        for power in (2, 5, 15, 25):
            s = 10.0**-power
            near = [of("f32", [rng.gauss(0, s) for _ in range(64)]) for _ in range(2)]
            cases.add(f"f32_near_1e-{power}", *near, keep=("out", "losses", "mean_gradient", "log_variance_gradient"))
        cases.add("one_of_many_near", of("f32", [1e-20] * 31 + [2.0] + [1e-20] * 32), of("f32", [1e-12] * 64))
        steps = [x / 32 for x in range(-32, 33)]
        cases.add("small_log_variances", of("f64", [0.0] * 65), of("f64", steps))
        cases.add("f32_small_log_variances", of("f32", [0.0] * 65), of("f32", steps))
        equal = draw("f64", 2, 9, 2)
        cases.add("equal", *equal, *equal)
        cases.add("standard", of("f64", [0.0] * 9), of("f64", [0.0] * 9))
        cases.add("f32_standard", of("f32", [0.0] * 64), of("f32", [0.0] * 64))
        # Far apart.
        cases.add("far", of("f64", [1.0, 1e100, -1e150, 3.0]), of("f64", [700.0, -700.0, 5.0, 708.0]))
        cases.add("other_far", of("f64", [1.0, 1e160, -1e200, 3.0, 0.0]), of("f64", [600.0, 690.0, 5.0, -700.0, -1e6]),
                  of("f64", [2.0, 0.0, 1e200, -3.0, 0.0]), of("f64", [-80.0, 700.0, 700.0, -3.0, 2.0]))
        # (Terms of floats may be floats; their sums are doubles.)
        sums = ("out", "losses")
        cases.add("f32_far", of("f32", [1.0, 1e18, 1e20, 1e-30] + [0.5] * 61), of("f32", [80.0, -90.0, -3e5] + [0.5] * 62),
                  keep=(*sums, "mean_gradient", "log_variance_gradient"))
        cases.add("f32_large", of("f32", [1.0] * 64), of("f32", [100.0] * 32 + [600.0] + [1.0] * 31), keep=sums)
        cases.add("f32_other_far", of("f32", [1.0] * 64), of("f32", [80.0] * 64), of("f32", [0.5] * 64),
                  of("f32", [-60.0] * 64), keep=sums)
        # Options.
        for dtype, cols in (("f64", 5), ("f64", 66), ("f32", 66)):
            pair = draw(dtype, 2, cols, 2)
            cases.add(f"free_bits_{dtype}_{cols}", *pair, free_bits=0.25, reduction=1.0)
            cases.add(f"free_bits_sum_{dtype}_{cols}", *pair, free_bits=1.0, reduction=0.0)
            cases.add(f"sum_{dtype}_{cols}", *pair, free_bits=0.0, reduction=0.0)
        cases.add("other_free_bits", *draw("f64", 2, 9), free_bits=1.5, reduction=1.0)
        four = draw("f64", 3, 4)
        for name in ("out", "losses", "terms", *cases.gradients):
            cases.add(f"{name}_alone", *four, keep=(name,))
        cases.add("by_the_standard", *four[:2], keep=("other_mean_gradient", "other_log_variance_gradient"))
        cases.add("other_mean_alone", *four[:3])
        cases.add("other_log_variance_alone", four[0], four[1], None, four[3])
        # What is no number.
        for dtype, rest in (("f64", []), ("f64", [0.5] * 62), ("f32", [0.5] * 62)):
            name, zeros = f"{dtype}_{2 + len(rest)}", [0.0] * (2 + len(rest))
            row = of(dtype, [1.0, 0.5] + rest)
            for x, kind in ((NAN, "nan"), (INF, "infinity"), (-INF, "minus_infinity")):
                broken = of(dtype, [1.0, x] + rest)
                cases.add(f"mean_{kind}_{name}", broken, row)
                cases.add(f"log_variance_{kind}_{name}", row, broken)
                cases.add(f"other_mean_{kind}_{name}", row, row, broken, row)
                cases.add(f"other_log_variance_{kind}_{name}", row, row, row, broken)
                cases.add(f"both_{kind}_{name}", of(dtype, zeros), broken, of(dtype, zeros), broken)

    signed = g.Output(2.0**-46, narrow=2.0**-19, terms=True)

    @g.vector_file(out=signed, losses=signed, terms=signed, gradient=gradient, target_gradient=gradient)
    def sigmoid_cross_entropy_(file, rng):
        for _ in range(5):
            proves(sigmoid_cross_entropy, rng.gauss(0, 2), rng.random())
        inputs = ("logits", "targets", "weights", "positive_weights")
        cases = Cases(file, sigmoid_cross_entropy, inputs, ["gradient", "target_gradient"],
                      absent=(0.0, 0.0, 1.0, 1.0), options={"reduction": 1.0})

        def binary(rows, cols, dtype="u8"):
            return g.Array(dtype, [[rng.randrange(2) for _ in range(cols)] for _ in range(rows)])

        def soft(dtype, rows, cols):
            return of(dtype, *[[rng.getrandbits(6) / 64 for _ in range(cols)] for _ in range(rows)])

        for cols in SIZES:
            rows = 1 if cols > 20 else 3
            x = numbers(rng, "f64", rows, cols, 3.0)
            cases.add(f"n{cols}", x, binary(rows, cols) if cols % 2 else soft("f64", rows, cols))
        for dtype in ("f32", "f16", "bf16"):
            for cols in (3, 64, 70):
                cases.add(f"{dtype}_{cols}", numbers(rng, dtype, 1, cols, 3.0), soft(dtype, 1, cols))
            cases.add(f"{dtype}_labels", numbers(rng, dtype, 2, 9, 3.0), binary(2, 9, "i64"))
        confident = [x * s for x in (1e-9, 1.0, 20.0, 36.0, 37.0, 40.0, 90.0, 700.0) for s in (1, -1)]
        for y in (0.0, 1.0):
            for dtype in ("f64", "f32"):
                cases.add(f"confident_{dtype}_{y:g}", of(dtype, confident), of(dtype, [y] * len(confident)),
                          keep=None if dtype == "f64" else ("out", "losses", "target_gradient"))
        cases.add("confident_soft", of("f64", confident), of("f64", [1 - 2.0**-50, 2.0**-50] * 8))
        for dtype, cols in (("f64", 5), ("f64", 66), ("f32", 66)):
            x, y = numbers(rng, dtype, 2, cols, 3.0), soft(dtype, 2, cols)
            w = of(dtype, *[[rng.randrange(3) / 2 for _ in range(cols)] for _ in range(2)])
            v = of(dtype, [rng.randrange(9) / 4 for _ in range(cols)])
            cases.add(f"weights_{dtype}_{cols}", x, y, w)
            cases.add(f"positive_weights_{dtype}_{cols}", x, y, None, v)
            cases.add(f"all_{dtype}_{cols}", x, y, w, v, reduction=0.0)
        cases.add("targets_beyond", numbers(rng, "f64", 1, 4), of("f64", [1.5, -0.5, 2.0, -1.0]))
        x, y = numbers(rng, "f64", 3, 4), binary(3, 4)
        for name in ("out", "losses", "terms", "gradient", "target_gradient"):
            cases.add(f"{name}_alone", x, y, keep=(name,))
        for dtype, rest in (("f64", []), ("f64", [0.5] * 62), ("f32", [0.5] * 62)):
            name = f"{dtype}_{2 + len(rest)}"
            for x, kind in ((NAN, "nan"), (INF, "infinity"), (-INF, "minus_infinity")):
                for y in (0.0, 0.5, 1.0):
                    cases.add(f"{kind}_{y:g}_{name}", of(dtype, [1.0, x] + rest), of(dtype, [1.0, y] + rest))
            broken = of(dtype, [1.0, INF] + rest)
            cases.add(f"weight_0_{name}", broken, of(dtype, [1.0, 0.0] + rest), of(dtype, [1.0, 0.0] + rest))
            cases.add(f"target_nan_{name}", of(dtype, [1.0, 2.0] + rest), of(dtype, [1.0, NAN] + rest))

    @g.vector_file(out=signed, losses=signed, terms=signed, gradient=gradient, target_gradient=gradient)
    def binary_cross_entropy_(file, rng):
        for _ in range(5):
            proves(binary_cross_entropy, rng.random(), rng.random())
        cases = Cases(file, binary_cross_entropy, ("probabilities", "targets", "weights"),
                      ["gradient", "target_gradient"], absent=(0.0, 0.0, 1.0), options={"reduction": 1.0})

        def some(dtype, rows, cols):
            return of(dtype, *[[rng.random() if cols < 20 and dtype == "f64" else rng.getrandbits(6) / 64
                                for _ in range(cols)] for _ in range(rows)])

        for cols in SIZES:
            rows = 1 if cols > 20 else 3
            cases.add(f"n{cols}", some("f64", rows, cols), some("f64", rows, cols))
        for dtype in ("f32", "f16", "bf16"):
            for cols in (3, 64, 70):
                cases.add(f"{dtype}_{cols}", some(dtype, 1, cols), some(dtype, 1, cols))
        edge = [0.0, 1.0, 2.0**-1000, 2.0**-60, 1 - 2.0**-53, 1 - 2.0**-30, 0.5]
        for y in (0.0, 0.25, 1.0):
            cases.add(f"edges_{y:g}", of("f64", edge), of("f64", [y] * 7))
            cases.add(f"f32_edges_{y:g}", of("f32", [0.0, 1.0, 2.0**-100, 1 - 2.0**-24] + [0.5] * 60), of("f32", [y] * 64))
        x, y = some("f64", 3, 4), some("f64", 3, 4)
        cases.add("weights", x, y, of("f64", *[[0.0, 1.0, 2.5, 0.5]] * 3))
        cases.add("weight_0", of("f64", [0.0, 0.5]), of("f64", [1.0, 1.0]), of("f64", [0.0, 1.0]))
        cases.add("sum", x, y, reduction=0.0)
        for name in ("out", "losses", "terms", "gradient", "target_gradient"):
            cases.add(f"{name}_alone", x, y, keep=(name,))
        for p, kind in ((NAN, "nan"), (INF, "infinity"), (-1.0, "negative"), (1 + 2.0**-52, "above")):
            cases.add(f"probability_{kind}", of("f64", [0.5, p]), of("f64", [1.0, 0.5]))

    @g.vector_file(out=signed, losses=signed, terms=signed, mean_gradient=gradient, target_gradient=gradient,
                   variance_gradient=gradient)
    def gaussian_nll_(file, rng):
        for _ in range(5):
            proves(gaussian_nll, rng.gauss(0, 1), rng.gauss(0, 1), 0.1 + rng.random(), full=1.0)
            proves(gaussian_nll, rng.gauss(0, 1), rng.gauss(0, 1), rng.gauss(0, 1), log_variance=1.0)
        cases = Cases(file, gaussian_nll, ("mean", "targets", "variance"),
                      ["mean_gradient", "target_gradient", "variance_gradient"])
        default = {"eps": 1e-6, "full": 0.0, "log_variance": 0.0, "reduction": 1.0}

        def some(dtype, rows, cols, is_log=False):
            three = [numbers(rng, dtype, rows, cols) for _ in range(3)]
            if not is_log:
                three[2] = of(dtype, *[[abs(x) + 0.25 for x in row] for row in three[2].rows])
            return three

        for cols in SIZES:
            rows = 1 if cols > 20 else 3
            cases.add(f"n{cols}", *some("f64", rows, cols))
            if cols < 40:
                cases.add(f"log_n{cols}", *some("f64", rows, cols, True), **default | {"log_variance": 1.0, "full": 1.0})
        for dtype in ("f32", "f16", "bf16"):
            for cols in (3, 64, 70):
                cases.add(f"{dtype}_{cols}", *some(dtype, 1, cols))
                cases.add(f"{dtype}_log_{cols}", *some(dtype, 1, cols, True), **default | {"log_variance": 1.0})
        three = some("f64", 2, 6)
        cases.add("full", *three, **default | {"full": 1.0})
        cases.add("sum", *three, **default | {"reduction": 0.0})
        cases.add("epsilon", *three, **default | {"eps": 0.75})
        cases.add("small_variances", *three[:2], of("f64", *[[0.0, 1e-300, 1e-6, 1e-7, 1e300, 1.0]] * 2))
        cases.add("epsilon_0", of("f64", [0.0, 1.0, 1.0, 1.0]), of("f64", [1.0, 1.5, 1.0, 3.0]),
                  of("f64", [1e-200, 1e-300, 1e-300, 1e300]), **default | {"eps": 0.0})
        for m, kind in ((1.0, "at"), (2.0, "away")):
            cases.add(f"variance_0_{kind}", of("f64", [0.5, m]), of("f64", [0.0, 1.0]), of("f64", [1.0, 0.0]),
                      **default | {"eps": 0.0})
        cases.add("far", of("f64", [1e160, -1e150]), of("f64", [0.0, 1e150]), of("f64", [600.0, 690.0]),
                  **default | {"log_variance": 1.0})
        cases.add("near_the_best", of("f64", [1.0, 1.0]), of("f64", [1.0 + 2.0**-30, 1.0 - 2.0**-20]),
                  of("f64", [2.0**-60, 2.0**-40]), **default | {"eps": 0.0})
        for name in ("out", "losses", "terms", "mean_gradient", "target_gradient", "variance_gradient"):
            cases.add(f"{name}_alone", *three, keep=(name,))
        for x, kind in ((NAN, "nan"), (-1.0, "negative")):
            cases.add(f"variance_{kind}", of("f64", [0.5, 1.0]), of("f64", [0.0, 2.0]), of("f64", [1.0, x]))
        cases.add("mean_nan", of("f64", [0.5, NAN]), of("f64", [0.0, 2.0]), of("f64", [1.0, 1.0]))
        cases.add("log_variance_nan", of("f64", [0.5, 1.0]), of("f64", [0.0, 2.0]), of("f64", [1.0, NAN]),
                  **default | {"log_variance": 1.0})

    @g.vector_file(out=signed, losses=signed, terms=signed, gradient=gradient, target_gradient=gradient)
    def poisson_nll_(file, rng):
        for full in (0.0, 1.0):
            proves(poisson_nll, rng.gauss(0, 1), 2.5, full=full)
            proves(poisson_nll, 1.5 + rng.random(), 3.5, full=full, log_input=0.0)
        cases = Cases(file, poisson_nll, ("rates", "targets"), ["gradient", "target_gradient"])
        default = {"eps": 1e-8, "full": 0.0, "log_input": 1.0, "reduction": 1.0}

        def counts(rows, cols, dtype="u8"):
            return g.Array(dtype, [[rng.randrange(12) for _ in range(cols)] for _ in range(rows)])

        def positive(dtype, rows, cols):
            return of(dtype, *[[abs(x) + 1 / 64 for x in row] for row in numbers(rng, dtype, rows, cols, 2.0).rows])

        for cols in SIZES:
            rows = 1 if cols > 20 else 3
            cases.add(f"n{cols}", numbers(rng, "f64", rows, cols), counts(rows, cols))
            if cols < 40:
                cases.add(f"rates_n{cols}", positive("f64", rows, cols), counts(rows, cols, "i32"),
                          **default | {"log_input": 0.0, "full": 1.0})
        for dtype in ("f32", "f16", "bf16"):
            for cols in (3, 64, 70):
                targets = of(dtype, [float(rng.randrange(9)) for _ in range(cols)])
                cases.add(f"{dtype}_{cols}", numbers(rng, dtype, 1, cols), targets)
                cases.add(f"{dtype}_rates_{cols}", positive(dtype, 1, cols), targets, **default | {"log_input": 0.0})
        x, y = numbers(rng, "f64", 2, 6), counts(2, 6)
        cases.add("full", x, y, **default | {"full": 1.0})
        cases.add("sum", x, y, **default | {"reduction": 0.0})
        cases.add("fractions", x, of("f64", *[[0.0, 0.5, 1.0, 1.0 + 2.0**-52, 1.5, 1e6]] * 2), **default | {"full": 1.0})
        cases.add("epsilon", of("f64", [0.0, 1e-9, 2.0]), of("f64", [0.0, 1.0, 2.0]),
                  **default | {"log_input": 0.0, "eps": 1e-3})
        cases.add("rate_0", of("f64", [0.0, 0.0, 1.0]), of("f64", [0.0, 2.0, 1.0]),
                  **default | {"log_input": 0.0, "eps": 0.0})
        cases.add("rate_negative", of("f64", [-1.0, 1.0]), of("f64", [1.0, 1.0]), **default | {"log_input": 0.0})
        cases.add("far", of("f64", [700.0, -700.0, -1e6]), of("f64", [3.0, 3.0, 1.0]))
        cases.add("beyond", of("f64", [800.0, 0.5]), of("f64", [3.0, 3.0]), keep=("out", "losses", "terms"))
        for x_, kind in ((INF, "infinity"), (-INF, "minus_infinity"), (NAN, "nan")):
            for target in (0.0, 2.0):
                cases.add(f"{kind}_{target:g}", of("f64", [0.5, x_]), of("f64", [1.0, target]))
        for name in ("out", "losses", "terms", "gradient", "target_gradient"):
            cases.add(f"{name}_alone", x, y, keep=(name,))

    @g.vector_file(out=signed, losses=signed, terms=signed, gradient=gradient, other_gradient=gradient)
    def sampled_kl_(file, rng):
        inputs = ("log_probabilities", "other_log_probabilities", "weights")
        cases = {}
        for k in (1.0, 2.0, 3.0):
            proves(sampled_kl, -rng.random(), -rng.random(), estimator=k)
            cases[k] = Cases(file, sampled_kl, inputs, ["gradient", "other_gradient"], absent=(0.0, 0.0, 1.0),
                             by_weights=True, options={"estimator": k, "reduction": 1.0})

        def some(dtype, rows, cols):
            return of(dtype, *[[-abs(x) for x in row] for row in numbers(rng, dtype, rows, cols, 2.0).rows])

        for place, cols in enumerate(SIZES):
            rows = 1 if cols > 20 else 3
            for k in (3.0,) if place % 2 else (1.0, 2.0):
                cases[k].add(f"k{k:g}_n{cols}", some("f64", rows, cols), some("f64", rows, cols))
        for k in cases:
            for dtype in ("f32", "f16", "bf16"):
                for cols in (3, 66):
                    cases[k].add(f"k{k:g}_{dtype}_{cols}", some(dtype, 1, cols), some(dtype, 1, cols))
            for power in (2, 5, 9, 13):
                own = some("f64", 1, 9).rows[0]
                cases[k].add(f"k{k:g}_near_1e-{power}", of("f64", own), of("f64", [x + rng.gauss(0, 10.0**-power) for x in own]))
            own, other = some("f64", 3, 5), some("f64", 3, 5)
            mask = g.Array("u8", [[1, 0, 1, 1, 0], [0] * 5, [1] * 5])
            cases[k].add(f"k{k:g}_mask", own, other, mask)
            cases[k].add(f"k{k:g}_weights", own, other, of("f64", *[[rng.randrange(4) / 2 for _ in range(5)]] * 3))
            cases[k].add(f"k{k:g}_sum", own, other, mask, reduction=0.0)
            cases[k].add(f"k{k:g}_nothing", own, other, g.Array("u8", [[0] * 5] * 3))
            wide = g.Array("u8", [[rng.randrange(2) for _ in range(130)] for _ in range(2)])
            cases[k].add(f"k{k:g}_wide_mask", some("f32", 2, 130), some("f32", 2, 130), wide, keep=("out", "losses"))
            cases[k].add(f"k{k:g}_equal", own, own)
            cases[k].add(f"k{k:g}_far", of("f64", [-700.0, -1.0, -0.5]), of("f64", [-1.0, -700.0, -0.25]))
            cases[k].add(f"k{k:g}_impossible", of("f64", [-1.0, -2.0]), of("f64", [-INF, -1.0]))
            cases[k].add(f"k{k:g}_masked_impossible", of("f64", [-1.0, -2.0]), of("f64", [-INF, -1.0]),
                         g.Array("u8", [[0, 1]]), keep=("out", "losses", "terms"))
            cases[k].add(f"k{k:g}_both_impossible", of("f64", [-INF, -2.0]), of("f64", [-INF, -1.0]))
            cases[k].add(f"k{k:g}_nan", of("f64", [NAN, -2.0]), of("f64", [-1.0, -1.0]))
        for name in ("out", "losses", "terms", "gradient", "other_gradient"):
            cases[3.0].add(f"{name}_alone", own, other, keep=(name,))

    @g.vector_file(out=loss, entropies=loss, gradient=gradient)
    def policy_entropy_(file, rng):
        def add(name, x, mask=None, keep=None, reduction=1.0):
            with mp.workdps(DIGITS):
                allowed = mask.rows if mask else [[1] * x.cols] * len(x.rows)
                found = [policy_entropy(*both) for both in zip(x.rows, allowed)]
                counted = [f for f in found if f]
                divisor = mpf(len(counted)) if reduction else mpf(1)
                none = Term(mpf(0), mpf(0))
                outputs = {
                    "out": [[over(added([value for value, _ in counted]), divisor)]],
                    "entropies": [[f[0] if f else none] for f in found],
                    "gradient": [[over(s, divisor) for s in f[1]] if f else [none] * x.cols for f in found],
                }
                outputs = {n: o for n, o in outputs.items() if keep is None or n in keep}
                arrays = {"logits": x} | ({"mask": mask} if mask else {})
                file.add(name, arrays | {"reduction": reduction}, outputs)

        def some(rows, cols, dtype="u8"):
            made = [[rng.randrange(2) for _ in range(cols)] for _ in range(rows)]
            for row in made:
                row[rng.randrange(cols)] = 1
            return of(dtype, *made) if dtype[0] in "fb" else g.Array(dtype, made)

        for cols in SIZES:
            rows = 1 if cols > 20 else 3
            x = numbers(rng, "f64", rows, cols, 2.0)
            add(f"n{cols}", x)
            add(f"mask_n{cols}", x, some(rows, cols))
        for dtype in ("f32", "f16", "bf16"):
            for cols in (3, 65):
                x = numbers(rng, dtype, 2, cols, 2.0)
                add(f"{dtype}_{cols}", x)
                add(f"{dtype}_mask_{cols}", x, some(2, cols, dtype))
        add("pieces", numbers(rng, "f32", 1, 4163, 2.0), some(1, 4163), ("out", "entropies"))
        add("pieces_f64", numbers(rng, "f64", 1, 2100, 2.0), some(1, 2100), ("out", "entropies"))
        for dtype in ("f64", "f32"):
            for gap in (20.0, 37.0, 80.0, 600.0):
                x = numbers(rng, dtype, 1, 7)
                x.rows[0][2] = g.as_dtype(x.rows[0][2] + gap, dtype)
                add(f"confident_{dtype}_{gap:g}", x)
                add(f"confident_is_masked_{dtype}_{gap:g}", x, of(dtype, [1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 0.0]))
        add("equal", of("f64", [2.5] * 6))
        three = numbers(rng, "f64", 3, 5)
        add("one_allowed", three, g.Array("u8", [[0, 1, 0, 0, 0]] * 3))
        add("a_row_of_none", three, g.Array("u8", [[1, 1, 0, 1, 1], [0] * 5, [1] * 5]))
        add("none_allowed", three, g.Array("u8", [[0] * 5] * 3))
        add("sum", three, some(3, 5), reduction=0.0)
        for name in ("out", "entropies", "gradient"):
            add(f"{name}_alone", three, some(3, 5), (name,))
        for x, kind in ((NAN, "nan"), (INF, "infinity"), (-INF, "minus_infinity")):
            broken = of("f64", [1.0, x, 2.0], [1.0, 2.0, 3.0])
            add(kind, broken)
            add(f"{kind}_masked", broken, g.Array("u8", [[1, 0, 1], [1, 1, 1]]))
        add("all_minus_infinity", of("f64", [-INF, -INF]))

    @g.vector_file(out=signed, losses=signed, gradient=gradient)
    def nll(file, rng):
        def add(name, x, labels, w=None, keep=None, **options):
            o = {"ignore_index": -100.0, "reduction": 1.0} | options
            with mp.workdps(DIGITS):
                none, losses, slopes, total = Term(mpf(0), mpf(0)), [], [], mpf(0)
                weights = [mpf(n) for n in w.rows[0]] if w else [mpf(1)] * x.cols
                for y in labels:
                    total += 0 if y == o["ignore_index"] else weights[y]
                divisor = total if o["reduction"] else mpf(1)
                for row, y in zip(x.rows, labels):
                    kept = y != o["ignore_index"]
                    bad = kept and row[y] != row[y] and weights[y]
                    losses.append(none if not kept else Term(NAN, mpf(1)) if bad else
                                  whole(share(-weights[y], row[y] if abs(row[y]) == INF else mpf(row[y]))))
                    slopes.append([over(term_of(-weights[y]), divisor) if kept and j == y else none
                                   for j in range(x.cols)])
                outputs = {"out": [[over(added(losses), divisor)]], "losses": [[loss] for loss in losses],
                           "gradient": slopes}
                outputs = {n: v for n, v in outputs.items() if keep is None or n in keep}
                inputs = {"log_probabilities": x, "labels": g.Array(rng.choice(("i32", "i64")), [[y] for y in labels])}
                file.add(name, inputs | ({"class_weights": w} if w else {}) | (o if options else {}), outputs)

        def some(dtype, rows, cols):
            return of(dtype, *[[-abs(x) for x in row] for row in numbers(rng, dtype, rows, cols, 2.0).rows])

        for dtype in ("f64", "f32", "f16", "bf16"):
            for cols in (1, 2, 9, 65):
                add(f"{dtype}_{cols}", some(dtype, 3, cols), [rng.randrange(cols) for _ in range(3)])
        x, y, w = some("f64", 4, 5), [3, 0, 4, 1], of("f64", [0.5, 2.0, 0.0, 1.25, 0.75])
        add("weights", x, y, w)
        add("sum", x, y, w, reduction=0.0)
        add("ignored", x, [3, -100, 4, -100], w)
        add("ignored_column", x, [3, 1, 4, 1], w, ignore_index=1.0)
        add("all_ignored", x, [-100] * 4)
        add("weight_0", x, [2] * 4, w)
        for name in ("out", "losses", "gradient"):
            add(f"{name}_alone", x, y, keep=(name,))
        for kind, value in (("impossible", -INF), ("nan", NAN)):
            broken = of("f64", [-1.0, value, -0.5], [-2.0, -1.0, -3.0])
            add(kind, broken, [1, 0])
            add(f"{kind}_elsewhere", broken, [0, 0])
            add(f"{kind}_weight_0", broken, [1, 0], of("f64", [1.0, 0.0, 1.0]))
