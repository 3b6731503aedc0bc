"""The discrete section of Include/nepit.h, as its formulas read, at mpmath's current precision.

Nothing here is arranged to avoid cancellation: the precision is raised until it does not matter (see settle). A
row function takes Rows and returns {output: [component, ...]}; a component is an mpf, a float (0.0, inf, nan: what
is known without rounding) or, in gradients, a Term: the value with the sum of the magnitudes of what is added.
"""

from fractions import Fraction
from functools import cached_property
from typing import NamedTuple

import mpmath
from mpmath import exp, fsum, log, mp, mpf, sqrt

INF = float("inf")
NAN = float("nan")
NEPIT_E = 2.71828182845904523536


class Term(NamedTuple):
    value: object
    magnitude: object


class Row:
    """One row of weights, held exactly: integers over a common power of two."""

    def __init__(self, values):
        self.values = [float(v) for v in values]  # rounds 64-bit integers, as the header says
        self.cols = len(self.values)
        self.bad = any(not 0 <= v < INF for v in self.values) or not any(self.values)
        if not self.bad:
            ratios = [v.as_integer_ratio() for v in self.values]
            self.scale = max(d for _, d in ratios)
            self.ints = [n * (self.scale // d) for n, d in ratios]
            self.total = sum(self.ints)
            self.support = [n > 0 for n in self.ints]
            self.single = sum(self.support) == 1

    @cached_property
    def digits(self):
        """Decimal digits between the sum and the least weight."""
        if self.bad:
            return 0
        return int((self.total.bit_length() - min(n for n in self.ints if n).bit_length()) * 0.302) + 1

    @property
    def p(self):
        total = mpf(self.total)
        return [n / total if n else mpf(0) for n in map(mpf, self.ints)]

    @property
    def sum(self):
        return mpf(self.total) / mpf(self.scale)

    @property
    def exact(self):
        return [Fraction(n, self.total) for n in self.ints]


def proportional(a, b):
    """Whether two rows are the same distribution, decided exactly."""
    return all(x * b.total == y * a.total for x, y in zip(a.ints, b.ints))


def covers(q, p):
    """Whether q has mass wherever p has."""
    return all(b or not a for a, b in zip(p.support, q.support))


def disjoint(p, q):
    return not any(a and b for a, b in zip(p.support, q.support))


def log_of_base(base):
    """The divisor of a result in nepits; NEPIT_E stands for e itself."""
    return mpf(1) if base == NEPIT_E else log(mpf(base))


# ----------------------------------------------------------------------------------------------- precision


def same(a, b):
    """Whether two evaluations of one component agree far beyond the precision of a double."""
    if isinstance(a, Term):
        if not isinstance(a.value, mpf):
            return same(a.value, b.value)
        return abs(a.value - b.value) <= abs(a.value) * mpf(2) ** -70 or (
            max(abs(a.value), abs(b.value)) < a.magnitude * mpf(2) ** -100
        )
    if isinstance(a, mpf):  # 0 means that all digits cancelled: what is exactly 0 comes as a float
        return isinstance(b, mpf) and a != 0 and abs(a - b) <= abs(a) * mpf(2) ** -70
    return a == b or (a != a and b != b)


def settle(compute, digits):
    """The results of compute at a precision from which they no longer change.

    digits must span the range of what is added: within it a result that cancels shows as one that changes.
    """
    previous = None
    step = 30
    while digits < 6000:
        with mp.workdps(digits):
            current = compute()
            if previous is not None and all(same(a, b) for key in current for a, b in zip(previous[key], current[key])):
                return current
        previous = current
        digits += step
        step = digits
    raise ArithmeticError("no precision settles this case")


# -------------------------------------------------------------------------------------------- one distribution
# Functions of normalised probabilities (lists of mpf); zeros contribute 0.


def shannon(p):
    return -fsum(x * log(x) for x in p if x)


def renyi(p, a):
    if a == 0:
        return log(mpf(sum(1 for x in p if x)))
    if a == 1:
        return shannon(p)
    if a == INF:
        return -log(max(p))
    return log(fsum(x ** mpf(a) for x in p if x)) / (1 - mpf(a))


def tsallis(p, a):
    if a == 0:
        return mpf(sum(1 for x in p if x) - 1)
    if a == 1:
        return shannon(p)
    return (1 - fsum(x ** mpf(a) for x in p if x)) / (mpf(a) - 1)


def entropy_row(w, base):
    if w.bad:
        return {"out": [NAN]}
    return {"out": [0.0 if w.single else shannon(w.p) / log_of_base(base)]}


def entropy_gradient(p, total):
    h = shannon(p)
    return [Term(-(log(x) + h) / total, (abs(log(x)) + h) / total) if x else Term(INF, mpf(0)) for x in p]


def entropy_gradient_row(w, base):
    if w.bad:
        return {"out": [NAN], "gradient": [Term(NAN, mpf(0))] * w.cols}
    return entropy_row(w, base) | {"gradient": scaled(entropy_gradient(w.p, w.sum), log_of_base(base))}


def scaled(terms, divisor):
    return [Term(t.value / divisor if isinstance(t.value, mpf) else t.value, t.magnitude / divisor) for t in terms]


def renyi_entropy_row(w, order, base):
    if w.bad:
        return {"out": [NAN]}
    return {"out": [0.0 if w.single else renyi(w.p, order) / log_of_base(base)]}


def renyi_entropy_gradient(p, total, a):
    if a == 1:
        return entropy_gradient(p, total)
    if a == 0:
        return [Term(0.0, mpf(0)) if x else Term(INF, mpf(0)) for x in p]
    if a == INF:
        greatest = max(p)
        ties = sum(1 for x in p if x == greatest)
        return [
            (
                Term((1 - 1 / (ties * x)) / total, (1 + 1 / (ties * x)) / total)
                if x == greatest
                else Term(1 / total, 1 / total)
            )
            for x in p
        ]
    a = mpf(a)
    power_sum = fsum(x**a for x in p if x)
    h = log(power_sum) / (1 - a)
    result = []
    for x in p:
        if not x:
            result.append(Term(INF, mpf(0)) if a < 1 else Term(a / ((a - 1) * total), a / ((a - 1) * total)))
            continue
        ratio = x ** (a - 1) / power_sum
        # Near order 1 the two terms of the formula are huge and nearly cancel; what the component then adds is
        # log p_j and H, so the smaller of the two yardsticks holds.
        magnitude = a * min((ratio + 1) / abs(1 - a), max(ratio, 1) * (abs(log(x)) + h))
        result.append(Term(a / (1 - a) * (ratio - 1) / total, magnitude / total))
    return result


def renyi_entropy_gradient_row(w, order, base):
    if w.bad:
        return {"out": [NAN], "gradient": [Term(NAN, mpf(0))] * w.cols}
    return renyi_entropy_row(w, order, base) | {
        "gradient": scaled(renyi_entropy_gradient(w.p, w.sum, order), log_of_base(base))
    }


def tsallis_entropy_row(w, order):
    if w.bad:
        return {"out": [NAN]}
    return {"out": [0.0 if w.single or order == INF else tsallis(w.p, order)]}


def hill_number_row(w, order):
    if w.bad:
        return {"out": [NAN]}
    return {"out": [1.0 if w.single else exp(renyi(w.p, order))]}


def perplexity_row(w):
    return hill_number_row(w, 1.0)


def binary_entropy_element(x, base):
    if not 0 <= x <= 1:
        return {"out": [NAN], "gradient": [NAN]}
    if x in (0, 1):
        return {"out": [0.0], "gradient": [-INF if x else INF]}
    x = mpf(x)
    return {
        "out": [(-x * log(x) - (1 - x) * log(1 - x)) / log_of_base(base)],
        "gradient": [0.0 if x == 0.5 else log((1 - x) / x) / log_of_base(base)],
    }


# ------------------------------------------------------------------------------------------- two distributions


def cross(p, q):
    return -fsum(a * log(b) for a, b in zip(p, q) if a)


def kl(p, q):
    return fsum(a * log(a / b) for a, b in zip(p, q) if a)


def jeffreys(p, q):
    return kl(p, q) + kl(q, p)


def mixture(p, q, w):
    return [b + w * (a - b) for a, b in zip(p, q)]  # exact where both agree


def jensen_shannon(p, q, weight):
    w = mpf(weight)
    m = mixture(p, q, w)
    return w * kl(p, m) + (1 - w) * kl(q, m)


def squared_hellinger(p, q):
    return fsum((sqrt(a) - sqrt(b)) ** 2 for a, b in zip(p, q)) / 2


def bhattacharyya(p, q):
    return fsum(sqrt(a * b) for a, b in zip(p, q))


def power_overlap(p, q, a):
    """sum_j p_j^a q_j^(1-a) over the outcomes that both have."""
    a = mpf(a)
    return fsum(x**a * y ** (1 - a) for x, y in zip(p, q) if x and y)


def renyi_from(p, q, a):
    if a == 0:
        return -log(fsum(y for x, y in zip(p, q) if x))
    if a == 1:
        return kl(p, q)
    if a == INF:
        return log(max(x / y for x, y in zip(p, q) if x))
    return log(power_overlap(p, q, a)) / (mpf(a) - 1)


def value_of(p, q, finite, zero):
    """nan, inf or 0.0 where the rows alone decide the value, else None."""
    if p.bad or q.bad:
        return NAN
    if not finite(p, q):
        return INF
    return 0.0 if zero(p, q) else None


def always(p, q):
    return True


def reference_covers(p, q):
    return covers(q, p)


def same_support(p, q):
    return p.support == q.support


def one_outcome(p, q):
    return q.single


def pair_row(formula, finite=always, zero=proportional, units=True):
    """The row function of a divergence: its formula, where it is finite and where exactly 0."""

    def row(p, q, base=NEPIT_E, **options):
        known = value_of(p, q, finite, zero)
        if known is not None:
            return {"out": [known]}
        return {"out": [formula(p.p, q.p, **options) / (log_of_base(base) if units else 1)]}

    return row


cross_entropy_row = pair_row(cross, finite=reference_covers, zero=one_outcome)
kl_divergence_row = pair_row(kl, finite=reference_covers)
jeffreys_divergence_row = pair_row(jeffreys, finite=same_support)
bhattacharyya_distance_row = pair_row(lambda p, q: -log(bhattacharyya(p, q)), finite=lambda p, q: not disjoint(p, q))
hellinger_distance_row = pair_row(lambda p, q: sqrt(squared_hellinger(p, q)), units=False)
squared_hellinger_distance_row = pair_row(squared_hellinger, units=False)
total_variation_row = pair_row(lambda p, q: fsum(abs(a - b) for a, b in zip(p, q)) / 2, units=False)
pearson_chi2_row = pair_row(
    lambda p, q: fsum((a - b) ** 2 / b for a, b in zip(p, q) if b), finite=reference_covers, units=False
)
neyman_chi2_row = pair_row(
    lambda p, q: fsum((a - b) ** 2 / a for a, b in zip(p, q) if a), finite=lambda p, q: covers(p, q), units=False
)


def bhattacharyya_coefficient_row(p, q):
    if p.bad or q.bad:
        return {"out": [NAN]}
    if disjoint(p, q):
        return {"out": [0.0]}
    return {"out": [1.0 if proportional(p, q) else bhattacharyya(p.p, q.p)]}


def jensen_shannon_divergence_row(p, q, weight, base, root=False):
    known = value_of(p, q, always, lambda p, q: weight in (0, 1) or proportional(p, q))
    if known is not None:
        return {"out": [known]}
    value = jensen_shannon(p.p, q.p, weight) / log_of_base(base)
    return {"out": [sqrt(value) if root else value]}


def jensen_shannon_distance_row(p, q, weight, base):
    return jensen_shannon_divergence_row(p, q, weight, base, root=True)


def generalized_jensen_shannon_rows(rows, mixing, base):
    """One group of rows; mixing holds floats."""
    parts = [(row, Fraction(v)) for row, v in zip(rows, mixing) if v]
    if any(row.bad for row, _ in parts):
        return {"out": [NAN]}
    if all(proportional(row, parts[0][0]) for row, _ in parts):
        return {"out": [0.0]}
    total = sum(v for _, v in parts)
    shares = [mpf((v / total).numerator) / mpf((v / total).denominator) for _, v in parts]
    members = [row.p for row, _ in parts]
    m = [fsum(v * x for v, x in zip(shares, column)) for column in zip(*members)]
    return {"out": [fsum(v * kl(p, m) for v, p in zip(shares, members)) / log_of_base(base)]}


def renyi_divergence_row(p, q, order, base):
    def finite(p, q):
        return covers(q, p) if order >= 1 else not disjoint(p, q)

    def zero(p, q):
        return covers(p, q) if order == 0 else proportional(p, q)

    return pair_row(lambda a, b: renyi_from(a, b, order), finite, zero)(p, q, base)


def tsallis_divergence_row(p, q, order):
    def formula(a, b):
        if order == 0:
            return fsum(y for x, y in zip(a, b) if not x)
        return kl(a, b) if order == 1 else (power_overlap(a, b, order) - 1) / (mpf(order) - 1)

    return pair_row(
        formula,
        lambda p, q: order < 1 or covers(q, p),
        lambda p, q: covers(p, q) if order == 0 else proportional(p, q),
        units=False,
    )(p, q)


def alpha_divergence_row(p, q, alpha):
    def formula(a, b):
        if abs(alpha) == 1:
            return kl(a, b) if alpha < 0 else kl(b, a)
        return 4 / (1 - mpf(alpha) ** 2) * (1 - power_overlap(a, b, (1 - mpf(alpha)) / 2))

    return pair_row(formula, lambda p, q: (alpha > -1 or covers(q, p)) and (alpha < 1 or covers(p, q)), units=False)(
        p, q
    )


def chernoff_information_row(p, q, base):
    if p.bad or q.bad:
        return {"out": [NAN], "exponent": [Term(NAN, mpf(1))]}
    if disjoint(p, q):
        return {"out": [INF], "exponent": [Term(mpf(0.5), mpf(1))]}
    common = [(a, b) for a, b in zip(p.exact, q.exact) if a and b]
    if all(a == b for a, b in common):  # every s gives the same sum
        mass = sum(b for _, b in common)
        value = 0.0 if mass == 1 else -log(mpf(mass.numerator) / mass.denominator) / log_of_base(base)
        return {"out": [value], "exponent": [Term(mpf(0.5), mpf(1))]}
    pairs = [(b, log(a / b)) for a, b in zip(p.p, q.p) if a and b]

    def slope(s):
        return fsum(b * exp(s * r) * r for b, r in pairs)

    if slope(mpf(0)) >= 0:
        s = mpf(0)
    elif slope(mpf(1)) <= 0:
        s = mpf(1)
    else:  # the sum is convex in s: Newton's steps for its slope, kept inside a shrinking bracket
        low, high, s, moved = mpf(0), mpf(1), mpf(0.5), mpf(1)
        for _ in range(4 * mp.dps):
            terms = [b * exp(s * r) * r for b, r in pairs]
            f, df = fsum(terms), fsum(t * r for t, (_, r) in zip(terms, pairs))
            low, high = (s, high) if f < 0 else (low, s)
            step = s - f / df
            if not low <= step <= high or abs(step - s) > moved / 2:
                step = (low + high) / 2
            s, moved = step, abs(step - s)
            if moved < mpf(10) ** (-mp.dps // 3):  # the value is flat in s, and the steps are quadratic
                break
    overlap = fsum(b * exp(s * r) for b, r in pairs)
    return {"out": [-log(overlap) / log_of_base(base)], "exponent": [Term(s, mpf(1))]}


def population_stability_index_row(p, q, floor, base):
    if p.bad or q.bad:
        return {"out": [NAN]}
    if floor == 0 and p.support != q.support:
        return {"out": [INF]}
    low = Fraction(floor)
    cells = [(max(a, low), max(b, low)) for a, b in zip(p.exact, q.exact)]
    cells = [tuple(mpf(c.numerator) / mpf(c.denominator) for c in cell) for cell in cells if cell[0] != cell[1]]
    if not cells:
        return {"out": [0.0]}
    return {"out": [fsum((a - b) * log(a / b) for a, b in cells) / log_of_base(base)]}


# ------------------------------------------------------------------------------------- gradients of divergences
# Each gives (components for p, components for q); P and Q are the sums of the weights.


def nan_gradient(row):
    return [Term(NAN, mpf(0))] * row.cols


def reference_gradient(p, q, Q):
    """(1 - p_j / q_j) / Q, of cross-entropy and Kullback-Leibler."""
    return [
        Term((1 - a / b) / Q, (1 + a / b) / Q) if b else Term(-INF, mpf(0)) if a else Term(1 / Q, 1 / Q)
        for a, b in zip(p, q)
    ]


def cross_entropy_gradients(p, q, P, Q):
    value = cross(p, q)
    dp = [Term(-(log(b) + value) / P, (abs(log(b)) + value) / P) if b else Term(INF, mpf(0)) for b in q]
    return dp, reference_gradient(p, q, Q)


def kl_divergence_gradients(p, q, P, Q):
    value = kl(p, q)

    def dp(a, b):
        if a:
            return Term((log(a / b) - value) / P, (abs(log(a / b)) + value) / P)
        return Term(-INF if b else 0.0, mpf(0))

    return [dp(a, b) for a, b in zip(p, q)], reference_gradient(p, q, Q)


def jeffreys_divergence_gradients(p, q, P, Q):
    def side(p, q, P):
        value = kl(p, q)
        return [
            (
                Term((log(a / b) - value + 1 - b / a) / P, (abs(log(a / b)) + value + 1 + b / a) / P)
                if a
                else Term((1 - value) / P, (1 + value) / P)
            )
            for a, b in zip(p, q)
        ]

    return side(p, q, P), side(q, p, Q)


def jensen_shannon_divergence_gradients(p, q, P, Q, weight):
    w = mpf(weight)
    if w in (0, 1):
        return [Term(0.0, mpf(0))] * len(p), [Term(0.0, mpf(0))] * len(q)
    m = mixture(p, q, w)

    def side(p, share, P):
        value = kl(p, m)
        return [
            (
                Term(share * (log(a / c) - value) / P, share * (abs(log(a / c)) + value) / P)
                if a
                else Term(-INF, mpf(0)) if c else Term(-share * value / P, share * value / P)
            )
            for a, c in zip(p, m)
        ]

    return side(p, w, P), side(q, 1 - w, Q)


def squared_hellinger_distance_gradients(p, q, P, Q):
    overlap = bhattacharyya(p, q)

    def side(p, q, P):
        return [
            (
                Term((overlap - sqrt(b / a)) / (2 * P), (overlap + sqrt(b / a)) / (2 * P))
                if a
                else Term(-INF, mpf(0)) if b else Term(overlap / (2 * P), overlap / (2 * P))
            )
            for a, b in zip(p, q)
        ]

    return side(p, q, P), side(q, p, Q)


def renyi_divergence_gradients(p, q, P, Q, order):
    if order == 1:
        return kl_divergence_gradients(p, q, P, Q)
    a = mpf(order)
    overlap = power_overlap(p, q, a)
    value = log(overlap) / (a - 1)
    factor = a / (a - 1)

    def dp(x, y):
        if x and y:
            ratio = (x / y) ** (a - 1) / overlap
            # As for the entropy: near order 1 the component adds log(p_j / q_j) and D.
            magnitude = min((ratio + 1) * abs(factor), a * max(ratio, 1) * (abs(log(x / y)) + value))
            return Term(factor * (ratio - 1) / P, magnitude / P)
        if y and a < 1:
            return Term(-INF, mpf(0))
        return Term(-factor / P, abs(factor) / P)

    def dq(x, y):
        if x and y:
            ratio = (x / y) ** a / overlap
            return Term((1 - ratio) / Q, (1 + ratio) / Q)
        return Term(-INF, mpf(0)) if x else Term(1 / Q, 1 / Q)

    return [dp(x, y) for x, y in zip(p, q)], [dq(x, y) for x, y in zip(p, q)]


def gradient_row(values, gradients, at_infinity="nan", zero_at_equal=False, units=True):
    """The row function of a divergence and its gradients.

    at_infinity says what stands where the value is +infinity: "nan", or "reference" for a q side by its formula.
    """

    def row(p, q, **options):
        result = values(p, q, **options)
        value = result["out"][0]
        if isinstance(value, float) and value != value:
            return result | {"p_gradient": nan_gradient(p), "q_gradient": nan_gradient(q)}
        divisor = log_of_base(options["base"]) if units else 1
        if isinstance(value, float) and value == INF and at_infinity == "nan":
            return result | {"p_gradient": nan_gradient(p), "q_gradient": nan_gradient(q)}
        if isinstance(value, float) and value == INF:
            return result | {
                "p_gradient": nan_gradient(p),
                "q_gradient": scaled(reference_gradient(p.p, q.p, q.sum), divisor),
            }
        if isinstance(value, float) and zero_at_equal:
            return result | {"p_gradient": [Term(0.0, mpf(0))] * p.cols, "q_gradient": [Term(0.0, mpf(0))] * q.cols}
        options = {key: option for key, option in options.items() if key != "base"}
        q_normal = p.p if proportional(p, q) else q.p  # one rounding: equal rows differ by nothing
        dp, dq = gradients(p.p, q_normal, p.sum, q.sum, **options)
        return result | {"p_gradient": scaled(dp, divisor), "q_gradient": scaled(dq, divisor)}

    return row


cross_entropy_gradient_row = gradient_row(cross_entropy_row, cross_entropy_gradients, at_infinity="reference")
kl_divergence_gradient_row = gradient_row(kl_divergence_row, kl_divergence_gradients, at_infinity="reference")
jeffreys_divergence_gradient_row = gradient_row(jeffreys_divergence_row, jeffreys_divergence_gradients)
jensen_shannon_divergence_gradient_row = gradient_row(
    jensen_shannon_divergence_row, jensen_shannon_divergence_gradients
)
renyi_divergence_gradient_row = gradient_row(renyi_divergence_row, renyi_divergence_gradients)
squared_hellinger_distance_gradient_row = gradient_row(
    squared_hellinger_distance_row, squared_hellinger_distance_gradients, units=False
)


def jensen_shannon_distance_gradients(p, q, P, Q, weight, base):
    distance = sqrt(jensen_shannon(p, q, weight) / log_of_base(base))
    return tuple(
        scaled(side, 2 * distance * log_of_base(base))
        for side in jensen_shannon_divergence_gradients(p, q, P, Q, weight)
    )


def jensen_shannon_distance_gradient_row(p, q, weight, base):
    return gradient_row(
        lambda p, q: jensen_shannon_distance_row(p, q, weight, base),
        lambda p, q, P, Q: jensen_shannon_distance_gradients(p, q, P, Q, weight, base),
        zero_at_equal=True,
        units=False,
    )(p, q)


def hellinger_distance_gradients(p, q, P, Q):
    distance = sqrt(squared_hellinger(p, q))
    return tuple(scaled(side, 2 * distance) for side in squared_hellinger_distance_gradients(p, q, P, Q))


hellinger_distance_gradient_row = gradient_row(
    hellinger_distance_row, hellinger_distance_gradients, zero_at_equal=True, units=False
)


# ------------------------------------------------------------------------------------------------- elementwise


def entr_element(x):
    if x != x:
        return {"out": [NAN]}
    if x < 0 or x == INF:
        return {"out": [-INF]}
    if x in (0, 1):
        return {"out": [0.0]}
    return {"out": [-mpf(x) * log(mpf(x))]}


def rel_entr_element(x, y):
    """At infinities the limits; infinity against infinity has none."""
    if x != x or y != y:
        return {"out": [NAN]}
    if x < 0 or y < 0:
        return {"out": [INF]}
    if x == 0:
        return {"out": [0.0]}
    if y == 0:
        return {"out": [INF]}
    if x == INF or y == INF:
        return {"out": [NAN if x == y else INF if x == INF else -INF]}
    if x == y:
        return {"out": [0.0]}
    return {"out": [mpf(x) * log(mpf(x) / mpf(y))]}


def kl_div_element(x, y):
    if x != x or y != y:
        return {"out": [NAN]}
    if x < 0 or y < 0:
        return {"out": [INF]}
    if x == 0:
        return {"out": [y + 0.0]}
    if y == 0:
        return {"out": [INF]}
    if x == INF or y == INF:
        return {"out": [NAN if x == y else INF]}
    if x == y:
        return {"out": [0.0]}
    x, y = mpf(x), mpf(y)
    return {"out": [x * log(x / y) - x + y]}


# --------------------------------------------------------------------------------------------------- smoothing


def from_fraction(x):
    return mpf(x.numerator) / mpf(x.denominator) if x else 0.0


def smooth_additive_row(w, alpha):
    if any(not 0 <= v < INF for v in w.values) or (w.bad and alpha == 0):
        return {"out": [NAN] * w.cols}
    values = [Fraction(v) for v in w.values]
    total = sum(values) + w.cols * Fraction(alpha)
    return {"out": [from_fraction((v + Fraction(alpha)) / total) for v in values]}


def smooth_mix_row(w, background=None, *, weight):
    if w.bad or (background is not None and background.bad):
        return {"out": [NAN] * w.cols}
    share = Fraction(weight)
    other = [Fraction(1, w.cols)] * w.cols if background is None else background.exact
    return {"out": [from_fraction((1 - share) * a + share * b) for a, b in zip(w.exact, other)]}


def smooth_floor_row(w, epsilon):
    if w.bad:
        return {"out": [NAN] * w.cols}
    raised = [max(a, Fraction(epsilon)) for a in w.exact]
    total = sum(raised)
    return {"out": [from_fraction(a / total) for a in raised]}


# ------------------------------------------------------------------------------------------------------- check


def check_distribution_row(w, tolerance):
    """A sum that is not a number has no distance from 1; an infinite one has an infinite distance."""
    finding = 1 * any(v < 0 for v in w.values) + 2 * any(v != v for v in w.values)
    finding += 4 * any(abs(v) == INF for v in w.values) + 8 * all(v == 0 for v in w.values)
    if all(abs(v) < INF for v in w.values):
        excess = sum(map(Fraction, w.values)) - 1
        magnitude = fsum(abs(mpf(v)) for v in w.values)
        far = tolerance < INF and abs(excess) > Fraction(tolerance)
        component = Term(from_fraction(excess), magnitude)
    else:
        total = sum(w.values)
        far = abs(total) == INF and tolerance < INF
        component = Term(total, mpf(0))
    return {"finding": [float(finding + 16 * far)], "excess": [component]}


# ----------------------------------------------------------------------------------- proof of the gradients


def differentiates(value, gradients, weights, count):
    """Asserts that gradients (of lists of mpf) are the derivatives of value, by differences at high precision."""
    with mp.workdps(60):
        rows = [[mpf(x) for x in row] for row in weights]

        def at(side, index, x):
            moved = [list(row) for row in rows]
            moved[side][index] = x
            return value(*[[y / fsum(row) for y in row] for row in moved])

        found = gradients(*[[y / fsum(row) for y in row] for row in rows], *[fsum(row) for row in rows])
        for side in range(count):
            for index in range(len(rows[side])):
                slope = mpmath.diff(lambda x: at(side, index, x), rows[side][index])
                term = found[side][index]
                assert abs(term.value - slope) <= mpf(10) ** -18 * term.magnitude, (side, index, slope, term)
