"""The measures as a table, for the tests that hold for many of them."""

import math
from dataclasses import dataclass, field
from typing import Any, Callable

import nepit


@dataclass
class Measure:
    name: str  # the function
    numbers: dict = field(default_factory=dict)  # what it takes besides the distributions
    reference: Callable[..., Any] = None  # NumPy's plain formula, of normalised vectors, in nepits
    unit: bool = True  # takes a base
    symmetric: bool = False
    greatest: Callable[[int], float] = None  # the bound for n outcomes, in nepits
    gradient: bool = False
    processed: bool = True  # merging outcomes never makes it greater

    def __call__(self, *distributions, **options):
        return getattr(nepit, self.name)(*distributions, **self.numbers, **options)

    def __str__(self):
        return self.name + "".join(f"-{value}" for value in self.numbers.values())


def _sum(term):
    """The sum of a term over the outcomes; 0 log 0 = 0, infinities stay."""
    def reference(*distributions):
        return math.fsum(term(*(float(x) for x in outcome)) for outcome in zip(*distributions))

    return reference


def _xlog(x, y):
    return 0.0 if x == 0 else math.inf if y == 0 else x * math.log(x / y)


def _power(p, a):
    return 0.0 if p == 0 else p ** a


def _ratio(p, q, a):
    return 0.0 if p == 0 or (q == 0 and a < 1) else math.inf if q == 0 else p ** a * q ** (1 - a)


def _js(w):
    return _sum(lambda p, q: w * _xlog(p, w * p + (1 - w) * q) + (1 - w) * _xlog(q, w * p + (1 - w) * q))


def _h(w):
    return -(w * math.log(w) + (1 - w) * math.log1p(-w))


_shannon = _sum(lambda p: -_xlog(p, 1.0))
_kl = _sum(_xlog)
_affinity = _sum(lambda p, q: math.sqrt(p * q))


def _renyi(a):
    return lambda p: math.log(_sum(lambda x: _power(x, a))(p)) / (1 - a)


def _minus_log(x):
    return math.inf if x == 0 else -math.log(x)


ENTROPIES = [
    Measure("entropy", reference=_shannon, greatest=math.log, gradient=True),
    Measure("renyi_entropy", {"order": 0.5}, _renyi(0.5), greatest=math.log, gradient=True),
    Measure("renyi_entropy", {"order": 1.0}, _shannon, greatest=math.log, gradient=True),
    Measure("renyi_entropy", {"order": 3.0}, _renyi(3.0), greatest=math.log, gradient=True),
    Measure("collision_entropy", reference=_renyi(2.0), greatest=math.log, gradient=True),
    Measure("hartley_entropy", reference=lambda p: math.log(sum(x > 0 for x in p)), greatest=math.log, gradient=True),
    Measure("min_entropy", reference=lambda p: -math.log(max(p)), greatest=math.log, gradient=True),
    Measure("tsallis_entropy", {"order": 2.0}, _sum(lambda p: p * (1 - p)), unit=False, greatest=lambda n: 1 - 1 / n),
    Measure("tsallis_entropy", {"order": 1.0}, _shannon, unit=False, greatest=math.log),
    Measure("hill_number", {"order": 2.0}, lambda p: math.exp(_renyi(2.0)(p)), unit=False, greatest=float),
    Measure("perplexity", reference=lambda p: math.exp(_shannon(p)), unit=False, greatest=float),
]

DIVERGENCES = [
    Measure("kl_divergence", reference=_kl, gradient=True),
    Measure("jeffreys_divergence", reference=lambda p, q: _kl(p, q) + _kl(q, p), symmetric=True, gradient=True),
    Measure("jensen_shannon_divergence", {}, _js(0.5), symmetric=True, greatest=lambda n: math.log(2), gradient=True),
    Measure("jensen_shannon_divergence", {"weight": 0.25}, _js(0.25), greatest=lambda n: _h(0.25), gradient=True),
    Measure("jensen_shannon_distance", {}, lambda p, q: math.sqrt(_js(0.5)(p, q)), symmetric=True,
            greatest=lambda n: math.sqrt(math.log(2)), gradient=True),
    Measure("renyi_divergence", {"order": 0.5}, lambda p, q: 2 * _minus_log(_affinity(p, q)), symmetric=True,
            gradient=True),
    Measure("renyi_divergence", {"order": 2.0}, lambda p, q: math.log(_sum(lambda x, y: _ratio(x, y, 2.0))(p, q)),
            gradient=True),
    Measure("tsallis_divergence", {"order": 0.5}, lambda p, q: 2 * (1 - _affinity(p, q)), unit=False, symmetric=True,
            greatest=lambda n: 2.0),
    Measure("tsallis_divergence", {"order": 1.0}, _kl, unit=False),
    Measure("alpha_divergence", {"alpha": 0.0}, lambda p, q: 4 * (1 - _affinity(p, q)), unit=False, symmetric=True,
            greatest=lambda n: 4.0),
    Measure("alpha_divergence", {"alpha": -1.0}, _kl, unit=False),
    Measure("hellinger_distance", {}, lambda p, q: math.sqrt(_sum(lambda x, y: (math.sqrt(x) - math.sqrt(y)) ** 2 / 2)(
        p, q)), unit=False, symmetric=True, greatest=lambda n: 1.0, gradient=True),
    Measure("squared_hellinger_distance", {}, _sum(lambda x, y: (math.sqrt(x) - math.sqrt(y)) ** 2 / 2), unit=False,
            symmetric=True, greatest=lambda n: 1.0, gradient=True),
    Measure("bhattacharyya_distance", {}, lambda p, q: _minus_log(_affinity(p, q)), symmetric=True),
    Measure("chernoff_information", {}, None, symmetric=True),
    Measure("total_variation", {}, _sum(lambda x, y: abs(x - y) / 2), unit=False, symmetric=True,
            greatest=lambda n: 1.0),
    Measure("pearson_chi2", {}, _sum(lambda x, y: 0.0 if x == y else math.inf if y == 0 else (x - y) ** 2 / y),
            unit=False),
    Measure("neyman_chi2", {}, _sum(lambda x, y: 0.0 if x == y else math.inf if x == 0 else (x - y) ** 2 / x),
            unit=False),
    Measure("population_stability_index", {"floor": 0.01}, _sum(
        lambda x, y: (max(x, 0.01) - max(y, 0.01)) * math.log(max(x, 0.01) / max(y, 0.01))), symmetric=True,
        processed=False),
]

# Of two distributions, but no divergences: they are not 0 for equal ones.
OTHERS = [
    Measure("cross_entropy", reference=_sum(lambda x, y: 0.0 if x == 0 else math.inf if y == 0 else -x * math.log(y)),
            gradient=True),
    Measure("bhattacharyya_coefficient", reference=_affinity, unit=False, symmetric=True, greatest=lambda n: 1.0),
    Measure("chernoff_exponent", reference=None, unit=False),
]

ONE = ENTROPIES
TWO = DIVERGENCES + OTHERS
