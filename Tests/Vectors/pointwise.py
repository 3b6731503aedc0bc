"""The losses of Include/nepit.h that are sums of terms, one an element: their formulas as they read, and the inputs.

A term is a function of the numbers at one place of the inputs, that gives a Term for the value and one for the slope
by each input: the value with the sum of the magnitudes of what it adds.
"""

from mpmath import diff, exp, expm1, fsum, mp, mpf

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
    if not isinstance(term.value, mpf):
        return term
    return Term(term.value / divisor, term.magnitude / divisor)


def results(term, arrays, gradients, by_rows, options):
    """All outputs of a loss; arrays in the order of the term's parameters, None where one is absent."""
    first = arrays[0].rows
    rows, cols = len(first), len(first[0])
    mean = options.get("reduction", 1.0)
    keywords = {name: value for name, value in options.items() if name != "reduction"}
    divisor = mpf((rows if by_rows else rows * cols) if mean else 1)
    found = [[term(*(a.rows[i][j] if a else 0.0 for a in arrays), **keywords) for j in range(cols)] for i in range(rows)]
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

        def __init__(self, file, term, inputs, gradients, by_rows):
            self.file, self.term, self.inputs, self.gradients, self.by_rows = file, term, inputs, gradients, by_rows

        def add(self, name, *arrays, keep=None, **options):
            arrays = list(arrays) + [None] * (len(self.inputs) - len(arrays))
            with mp.workdps(DIGITS):
                outputs = results(self.term, arrays, self.gradients, self.by_rows, options)
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
