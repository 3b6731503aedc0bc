"""What is measured: a row is a name, its data, Nepit's calls (through Python, and through C with outputs made
beforehand), the peers' ways, and the bytes that have to be moved."""

import inspect
from dataclasses import dataclass, field
from typing import Callable

import numpy as np

from . import logits, peers
from .native import E, view

SEED = 20260101
SHORT = {"float64": "f64", "float32": "f32", "float16": "f16", "int64": "i64", "int32": "i32", "uint8": "u8"}


@dataclass
class Case:
    """A row, made ready to run."""
    implementations: dict            # name -> function without arguments
    reads: list = field(default_factory=list)
    writes: list = field(default_factory=list)
    limit: Callable | None = None    # instead of reads and writes
    tolerance: float = 1e-9          # how far results of the peers may be from Nepit's
    gone: dict = field(default_factory=dict)  # name -> why it is not there


@dataclass
class Row:
    name: str
    group: str                       # "core", "further", "losses" or "calls"
    build: Callable                  # Context -> Case
    covers: tuple = ()               # functions of nepit.h


@dataclass
class Context:
    """What a process has: Nepit both ways, the limit, and how it runs."""
    c: object                        # native.Nepit
    limit: object                    # native.Limit
    package: object                  # the Python package, or None
    threads: int
    compiled: bool                   # whether torch.compile takes part

    def python(self, case, name, *arguments, **keywords):
        """Adds the call through the package, with those of the keywords that it takes."""
        if self.package is None:
            return
        function = self.package
        for part in name.split("."):
            function = getattr(function, part, None)
        if function is None:
            case.gone["nepit"] = f"the package has no {name}"
            return
        accepted = inspect.signature(function).parameters
        keywords = {key: value for key, value in {**keywords, "threads": self.threads}.items() if key in accepted}
        case.implementations["nepit"] = lambda: function(*arguments, **keywords)

    def native(self, case, name, arguments, outputs):
        case.implementations["nepit C"] = self.c.call(name, arguments, outputs, self.threads)


def aligned(shape, dtype):
    """Memory that begins with a cache line, as JAX wants it to share it."""
    dtype = np.dtype(dtype)
    size = int(np.prod(shape)) * dtype.itemsize
    memory = np.empty(size + 64, np.uint8)
    start = -memory.ctypes.data % 64
    return memory[start:start + size].view(dtype).reshape(shape)


def distribution(random, shape, dtype, axis=-1):
    """Positive weights that sum to one along an axis."""
    weights = aligned(shape, dtype)
    random.random(out=weights, dtype=dtype)
    weights += np.asarray(0.01, dtype)
    weights /= weights.sum(axis, keepdims=True, dtype=np.float64).astype(dtype)
    return weights


def amount(n):
    """30000000 -> 3e7, 4096 -> 4096."""
    text = str(n)
    zeros = len(text) - len(text.rstrip("0"))
    return f"{text[:-zeros]}e{zeros}" if zeros >= 5 else text


# ---------------------------------------------------------------------- core

CORE = {"entropy": 1, "cross_entropy": 2, "kl_divergence": 2, "jensen_shannon_divergence": 2}


def core_case(context, measure, p, q, axis, *, ways=None):
    case = Case({}, tolerance=1e-9 if p.dtype == np.float64 else 1e-3)
    inputs = [p] if CORE[measure] == 1 else [p, q]
    along = axis if p.ndim == 2 else 0
    context.python(case, measure, *inputs, axis=along)
    options = [0.5, E] if measure == "jensen_shannon_divergence" else [E]
    results = 1 if p.ndim == 1 else p.shape[1 - axis]
    context.native(case, measure, [*(view(x, along) for x in inputs), *options], [np.empty(results)])
    case.implementations |= peers.ways(ways or measure, p, q if len(inputs) == 2 else None, axis,
                                       compiled=context.compiled and p.size > 64, threads=context.threads)
    case.reads = inputs
    return case


def vector_row(measure, dtype, n):
    def build(context):
        random = np.random.default_rng(SEED)
        p = distribution(random, n, dtype)
        q = distribution(random, n, dtype) if CORE[measure] == 2 else None
        return core_case(context, measure, p, q, 0)
    return Row(f"{measure} {SHORT[dtype]} n={amount(n)}", "core", build, (measure,))


def counts_row(dtype, n):
    """Totals 1 : 3 and p near q in shape: one read does not suffice for the accuracy that is promised."""
    def build(context):
        random = np.random.default_rng(SEED)
        p = aligned(n, dtype)
        p[:] = random.integers(1, 1 << 20, n, dtype=np.int32)
        q = aligned(n, dtype)
        q[:] = 3 * p
        q[::2] += 1
        return core_case(context, "kl_divergence", p, q, 0, ways="kl_divergence_counts")
    row = Row(f"kl_divergence {SHORT[dtype]} n={amount(n)}, totals 1:3", "core", build)
    return row


def matrix_row(measure, dtype, shape, axis):
    def build(context):
        random = np.random.default_rng(SEED)
        p = distribution(random, shape, dtype, axis)
        q = distribution(random, shape, dtype, axis) if CORE[measure] == 2 else None
        return core_case(context, measure, p, q, axis)
    along = "along rows" if axis == 1 else "along columns"
    return Row(f"{measure} {SHORT[dtype]} [{shape[0]}x{shape[1]}] {along}", "core", build)


def call_row(measure, dtype, n):
    """A short call from Python: the limit is a call through ctypes that does nothing."""
    def build(context):
        random = np.random.default_rng(SEED)
        p = distribution(random, n, dtype)
        q = distribution(random, n, dtype) if CORE[measure] == 2 else None
        case = core_case(context, measure, p, q, 0)
        if n < 100:
            null_call = context.c.null_call()

            def limit(count):
                from time import perf_counter_ns
                start = perf_counter_ns()
                for _ in range(count):
                    null_call()
                return (perf_counter_ns() - start) / count
            case.limit = limit
        return case
    return Row(f"{measure} {SHORT[dtype]} n={n}, from Python", "core", build)


# ------------------------------------------------------------------- further

def further_row(name, covers, arguments, outputs, python, expression, *, data=None, reads=None, tolerance=1e-7):
    """A measure on [rows x cols] float64 beside a NumPy expression.

    arguments, python, expression: functions of p and q. outputs: kinds, "rows" or "matrix" or a function of the shape
    that gives an array. python: gives the name in the package, positional arguments and keywords.
    """
    def build(context, shape):
        random = np.random.default_rng(SEED)
        p, q = data(random, shape) if data else (distribution(random, shape, np.float64),
                                                 distribution(random, shape, np.float64))
        case = Case({}, tolerance=tolerance)
        made = []
        for kind in outputs:
            if kind == "rows":
                made.append(np.empty(shape[0]))
            elif kind == "matrix":
                made.append(("array", aligned(shape, np.float64)))
            else:
                made.append(kind(shape))
        context.native(case, covers, arguments(p, q), made)
        if python is not None:
            function, positional, keywords = python(p, q)
            context.python(case, function, *positional, **{"axis": -1, **keywords})
        case.implementations["numpy"] = lambda: expression(p, q)
        case.reads = reads(p, q) if reads else [p] if expression.__code__.co_varnames[:2] == ("p", "_") else [p, q]
        case.writes = [output[1] for output in made if isinstance(output, tuple)]
        return case
    return name, covers, build


def total(x):
    return x.sum(1, keepdims=True)


def kl(p, q):
    return total(p * np.log(p / q))


def entropy_gradient(p, _):
    terms = np.log(p)
    value = -total(p * terms)
    return value, -(terms + value)


def cross_entropy_gradient(p, q):
    terms = np.log(q)
    value = -total(p * terms)
    return value, -(terms + value), 1 - p / q


def kl_gradient(p, q):
    ratio = p / q
    terms = np.log(ratio)
    value = total(p * terms)
    return value, terms - value, 1 - ratio


def jeffreys_gradient(p, q):
    ratio = p / q
    terms = np.log(ratio)
    forward, backward = total(p * terms), -total(q * terms)
    return forward + backward, terms - forward + 1 - 1 / ratio, -terms - backward + 1 - ratio


def js_gradient(p, q):
    m = (p + q) / 2
    left, right = np.log(p / m), np.log(q / m)
    forward, backward = total(p * left), total(q * right)
    return (forward + backward) / 2, (left - forward) / 2, (right - backward) / 2


def js_distance_gradient(p, q):
    value, left, right = js_gradient(p, q)
    distance = np.sqrt(value)
    return distance, left / (2 * distance), right / (2 * distance)


def squared_hellinger_gradient(p, q):
    ratio = np.sqrt(q / p)
    b = total(p * ratio)
    return 1 - b, (b - ratio) / 2, (b - 1 / ratio) / 2


def hellinger_gradient(p, q):
    ratio = np.sqrt(q / p)
    b = total(p * ratio)
    distance = np.sqrt(1 - b)
    return distance, (b - ratio) / (4 * distance), (b - 1 / ratio) / (4 * distance)


def renyi_entropy_gradient(p, _):
    powers = p ** (ORDER - 1)
    c = total(p * powers)
    return np.log(c) / (1 - ORDER), ORDER / (1 - ORDER) * (powers / c - 1)


def renyi_gradient(p, q):
    ratio = p / q
    powers = ratio ** (ORDER - 1)
    c = total(p * powers)
    return (np.log(c) / (ORDER - 1), ORDER / (ORDER - 1) * (powers / c - 1), 1 - powers * ratio / c)


def binary_gradient(p, _):
    return -(p * np.log(p) + (1 - p) * np.log1p(-p)), np.log((1 - p) / p)


def chernoff(p, q):
    """Newton's method for the exponent of all rows at once; eight steps."""
    left, right = np.log(p), np.log(q)
    ratio = left - right
    s = np.full((len(p), 1), 0.5)
    for _ in range(8):
        terms = np.exp(right + s * ratio)
        weighted = terms * ratio
        z, first, second = total(terms), total(weighted), total(weighted * ratio)
        s = np.clip(s - (first / z) / (second / z - (first / z) ** 2), 0, 1)
    return -np.log(total(np.exp(right + s * ratio)))


def population_stability(p, q):
    p, q = np.maximum(p, FLOOR), np.maximum(q, FLOOR)
    return ((p - q) * np.log(p / q)).sum(1)


def generalized(p, _):
    groups = p.reshape(-1, MEMBERS, p.shape[1])
    mean = groups.mean(1, keepdims=True)
    return (groups * np.log(groups / mean)).sum((1, 2)) / MEMBERS


def counts_entropy(p, _):
    weights = p.astype(np.float64)
    sums = weights.sum(1)
    return np.log(sums) - (weights * np.log(weights)).sum(1) / sums


def counts_kl(p, q):
    p, q = p.astype(np.float64), q.astype(np.float64)
    p /= total(p)
    q /= total(q)
    return (p * np.log(p / q)).sum(1)


def near(random, shape):
    p = distribution(random, shape, np.float64)
    q = aligned(shape, np.float64)
    q[:] = p * (1 + 1e-9 * random.standard_normal(shape))
    return p, q


def sparse(random, shape):
    p, q = distribution(random, shape, np.float64), distribution(random, shape, np.float64)
    p[random.random(shape) < 0.5] = 0
    p /= total(p)
    return p, q


def one_reference(random, shape):
    return distribution(random, shape, np.float64), distribution(random, shape[1], np.float64)


def integers(dtype):
    def draw(random, shape):
        p, q = aligned(shape, dtype), aligned(shape, dtype)
        p[:] = random.integers(1, 128, shape)
        q[:] = random.integers(1, 128, shape)
        return p, q
    return draw


def narrow(dtype):
    def draw(random, shape):
        p = aligned(shape, dtype)
        p[:] = random.random(shape) + 0.01
        return p, p
    return draw


ORDER, ALPHA, FLOOR, MEMBERS = 0.7, 0.3, 1e-4, 4


def further():
    """One row, at least, for each function of the header that is not a core row, and for each way through one."""
    def one(*options):
        return lambda p, q: [view(p), *options]

    def two(*options):
        return lambda p, q: [view(p), view(q), *options]

    def package(name, *options, **keywords):
        return lambda p, q: (name, (p, *options), keywords)

    def pair(name, *options, **keywords):
        return lambda p, q: (name, (p, q, *options), keywords)

    value, both = ["rows"], ["rows", "matrix", "matrix"]
    log = np.log
    rows = [
        further_row("renyi_entropy, order 0.7", "renyi_entropy", one(ORDER, E), value,
                    package("renyi_entropy", ORDER), lambda p, _: log((p ** ORDER).sum(1)) / (1 - ORDER)),
        further_row("renyi_entropy, order 2", "renyi_entropy", one(2.0, E), value,
                    package("renyi_entropy", 2.0), lambda p, _: -log((p * p).sum(1))),
        further_row("renyi_entropy, order inf", "renyi_entropy", one(float("inf"), E), value,
                    package("renyi_entropy", float("inf")), lambda p, _: -log(p.max(1))),
        further_row("tsallis_entropy, order 0.7", "tsallis_entropy", one(ORDER), value,
                    package("tsallis_entropy", ORDER), lambda p, _: (1 - (p ** ORDER).sum(1)) / (ORDER - 1)),
        further_row("hill_number, order 0.7", "hill_number", one(ORDER), value,
                    package("hill_number", ORDER), lambda p, _: (p ** ORDER).sum(1) ** (1 / (1 - ORDER))),
        further_row("perplexity", "perplexity", one(), value, package("perplexity"),
                    lambda p, _: np.exp(-(p * log(p)).sum(1))),
        further_row("binary_entropy", "binary_entropy", one(E), ["matrix"], package("binary_entropy"),
                    lambda p, _: -(p * log(p) + (1 - p) * np.log1p(-p))),
        further_row("jeffreys_divergence", "jeffreys_divergence", two(E), value, pair("jeffreys_divergence"),
                    lambda p, q: ((p - q) * log(p / q)).sum(1)),
        further_row("jensen_shannon_distance", "jensen_shannon_distance", two(0.5, E), value,
                    pair("jensen_shannon_distance"),
                    lambda p, q: np.sqrt((p * log(2 * p / (p + q)) + q * log(2 * q / (p + q))).sum(1) / 2)),
        further_row("generalized_jensen_shannon, 4 members", "generalized_jensen_shannon",
                    lambda p, q: [view(p), MEMBERS, None, E], [lambda shape: np.empty(shape[0] // MEMBERS)],
                    lambda p, q: ("generalized_jensen_shannon",
                                  (p.reshape(-1, MEMBERS, p.shape[1]).swapaxes(0, 1),), {}), generalized),
        further_row("renyi_divergence, order 0.7", "renyi_divergence", two(ORDER, E), value,
                    pair("renyi_divergence", ORDER),
                    lambda p, q: log((p ** ORDER * q ** (1 - ORDER)).sum(1)) / (ORDER - 1)),
        further_row("tsallis_divergence, order 0.7", "tsallis_divergence", two(ORDER), value,
                    pair("tsallis_divergence", ORDER),
                    lambda p, q: ((p ** ORDER * q ** (1 - ORDER)).sum(1) - 1) / (ORDER - 1)),
        further_row("alpha_divergence, alpha 0.3", "alpha_divergence", two(ALPHA), value,
                    pair("alpha_divergence", ALPHA),
                    lambda p, q: 4 / (1 - ALPHA ** 2) * (1 - (p ** ((1 - ALPHA) / 2) * q ** ((1 + ALPHA) / 2)).sum(1))),
        further_row("hellinger_distance", "hellinger_distance", two(), value, pair("hellinger_distance"),
                    lambda p, q: np.sqrt(((np.sqrt(p) - np.sqrt(q)) ** 2).sum(1) / 2)),
        further_row("squared_hellinger_distance", "squared_hellinger_distance", two(), value,
                    pair("squared_hellinger_distance"), lambda p, q: ((np.sqrt(p) - np.sqrt(q)) ** 2).sum(1) / 2),
        further_row("bhattacharyya_coefficient", "bhattacharyya_coefficient", two(), value,
                    pair("bhattacharyya_coefficient"), lambda p, q: np.sqrt(p * q).sum(1)),
        further_row("bhattacharyya_distance", "bhattacharyya_distance", two(E), value,
                    pair("bhattacharyya_distance"), lambda p, q: -log(np.sqrt(p * q).sum(1))),
        further_row("chernoff_information", "chernoff_information", two(E), ["rows", "rows"],
                    pair("chernoff_information"), chernoff),
        further_row("total_variation", "total_variation", two(), value, pair("total_variation"),
                    lambda p, q: np.abs(p - q).sum(1) / 2),
        further_row("pearson_chi2", "pearson_chi2", two(), value, pair("pearson_chi2"),
                    lambda p, q: ((p - q) ** 2 / q).sum(1)),
        further_row("neyman_chi2", "neyman_chi2", two(), value, pair("neyman_chi2"),
                    lambda p, q: ((p - q) ** 2 / p).sum(1)),
        further_row("population_stability_index, floor 1e-4", "population_stability_index", two(FLOOR, E), value,
                    pair("population_stability_index", floor=FLOOR), population_stability),
        further_row("entr", "entr", one(), ["matrix"], package("entr"), lambda p, _: -p * log(p)),
        further_row("rel_entr", "rel_entr", two(), ["matrix"], pair("rel_entr"), lambda p, q: p * log(p / q)),
        further_row("kl_div", "kl_div", two(), ["matrix"], pair("kl_div"), lambda p, q: p * log(p / q) - p + q),
        further_row("smooth_additive, alpha 1", "smooth_additive", one(1.0), ["matrix"],
                    package("smooth_additive", 1.0), lambda p, _: (p + 1) / total(p + 1)),
        further_row("smooth_mix, weight 0.1, uniform", "smooth_mix",
                    lambda p, q: [view(p), 0.1, view(None)], ["matrix"],
                    package("smooth_mix", 0.1), lambda p, _: 0.9 * p / total(p) + 0.1 / p.shape[1]),
        further_row("smooth_mix, weight 0.1, background", "smooth_mix", lambda p, q: [view(p), 0.1, view(q)],
                    ["matrix"], lambda p, q: ("smooth_mix", (p, 0.1), {"background": q}),
                    lambda p, q: 0.9 * p / total(p) + 0.1 * q / total(q)),
        further_row("smooth_floor, epsilon 1e-3", "smooth_floor", one(1e-3), ["matrix"],
                    package("smooth_floor", 1e-3),
                    lambda p, _: np.maximum(p / total(p), 1e-3) / total(np.maximum(p / total(p), 1e-3))),
        further_row("check_distribution", "check_distribution", one(1e-9),
                    [lambda shape: np.empty(shape[0], np.int32), "rows"], package("check_distribution"),
                    lambda p, _: (p.min(1) < 0) | np.isnan(p).any(1) | np.isinf(p).any(1)
                    | (np.abs(p.sum(1) - 1) > 1e-9)),
        further_row("entropy_gradient", "entropy_gradient", one(E), ["rows", "matrix"],
                    package("entropy", gradient=True), entropy_gradient),
        further_row("renyi_entropy_gradient, order 0.7", "renyi_entropy_gradient", one(ORDER, E), ["rows", "matrix"],
                    package("renyi_entropy", ORDER, gradient=True), renyi_entropy_gradient),
        further_row("binary_entropy_gradient", "binary_entropy_gradient", one(E), ["matrix", "matrix"],
                    package("binary_entropy", gradient=True), binary_gradient),
        further_row("cross_entropy_gradient", "cross_entropy_gradient", two(E), both,
                    pair("cross_entropy", gradient=True), cross_entropy_gradient),
        further_row("kl_divergence_gradient", "kl_divergence_gradient", two(E), both,
                    pair("kl_divergence", gradient=True), kl_gradient),
        further_row("jeffreys_divergence_gradient", "jeffreys_divergence_gradient", two(E), both,
                    pair("jeffreys_divergence", gradient=True), jeffreys_gradient),
        further_row("jensen_shannon_divergence_gradient", "jensen_shannon_divergence_gradient", two(0.5, E), both,
                    pair("jensen_shannon_divergence", gradient=True), js_gradient),
        further_row("jensen_shannon_distance_gradient", "jensen_shannon_distance_gradient", two(0.5, E), both,
                    pair("jensen_shannon_distance", gradient=True), js_distance_gradient),
        further_row("renyi_divergence_gradient, order 0.7", "renyi_divergence_gradient", two(ORDER, E), both,
                    pair("renyi_divergence", ORDER, gradient=True), renyi_gradient),
        further_row("hellinger_distance_gradient", "hellinger_distance_gradient", two(), both,
                    pair("hellinger_distance", gradient=True), hellinger_gradient),
        further_row("squared_hellinger_distance_gradient", "squared_hellinger_distance_gradient", two(), both,
                    pair("squared_hellinger_distance", gradient=True), squared_hellinger_gradient),
        # Other ways through the core measures: near neighbours, zeros, one reference for all rows, element types.
        further_row("kl_divergence, p near q (1e-9)", "kl_divergence", two(E), value, pair("kl_divergence"),
                    lambda p, q: (p * log(p / q)).sum(1), data=near, tolerance=float("inf")),
        further_row("kl_divergence, half of p zero", "kl_divergence", two(E), value, pair("kl_divergence"),
                    lambda p, q: (p * log(np.where(p > 0, p / q, 1))).sum(1), data=sparse),
        further_row("kl_divergence, one q for all rows", "kl_divergence", two(E), value, pair("kl_divergence"),
                    lambda p, q: (p * log(p / q)).sum(1), data=one_reference),
        further_row("kl_divergence, int64 counts", "kl_divergence", two(E), value, pair("kl_divergence"),
                    counts_kl, data=integers(np.int64)),
        further_row("entropy, int64 counts", "entropy", one(E), value, package("entropy"), counts_entropy,
                    data=integers(np.int64)),
        further_row("entropy, int32 counts", "entropy", one(E), value, package("entropy"), counts_entropy,
                    data=integers(np.int32)),
        further_row("entropy, uint8 counts", "entropy", one(E), value, package("entropy"), counts_entropy,
                    data=integers(np.uint8)),
        further_row("entropy, float16", "entropy", one(E), value, package("entropy"), counts_entropy,
                    data=narrow(np.float16), tolerance=1e-4),
    ]
    return rows


# -------------------------------------------------------------------- losses


def loss_row(name, covers, draw, arguments, python, differentiable, others, expression, *, has_terms=True):
    """A loss of float32 elements and its gradients, beside NumPy, torch and JAX.

    draw: gives the inputs. arguments: of their views, those in C. python: the positional arguments and the keywords of
    the package's function, and how many gradients it could give besides. differentiable: by how many of the inputs there
    are gradients; others: how many more C's function has. expression: of numpy, torch or jax.numpy and the inputs the
    loss; with numpy also the gradients.
    """
    def build(context):
        inputs = draw(np.random.default_rng(SEED))
        case = Case({}, tolerance=1e-3)
        slopes = [np.empty_like(x) for x in inputs[:differentiable]]
        outputs = [np.empty(1), None, *[("array", None)] * has_terms, *(("array", x) for x in slopes),
                   *[("array", None)] * others]
        context.native(case, covers, arguments(*(view(x) for x in inputs)), outputs)
        positional, keywords, besides = python(*inputs)
        context.python(case, f"losses.{covers}", *positional, **keywords,
                       gradient=[*slopes, *[None] * besides] if has_terms else slopes[0])
        case.implementations |= peers.loss_ways(expression, inputs, differentiable, compiled=context.compiled,
                                                threads=context.threads)
        case.reads, case.writes = inputs, slopes
        return case
    return Row(name, "further", build, (covers,))


def normal(rows, cols, *scales):
    """Matrices of float32 from normal distributions."""
    def draw(random):
        made = [aligned((rows, cols), np.float32) for _ in scales]
        for x, scale in zip(made, scales):
            random.standard_normal(out=x, dtype=np.float32)
            x *= np.float32(scale)
        return made
    return draw


def variational(m, mean, log_variance):
    power = m.exp(log_variance)
    value = 0.5 * (mean * mean + power - 1 - log_variance).sum() / len(mean)
    return (value, mean / len(mean), 0.5 * (power - 1) / len(mean)) if m is np else value


def label_row(name, rows, cols):
    """The likelihood of labels: what takes the time is the gradient, all but empty."""
    def build(context):
        random = np.random.default_rng(SEED)
        x, labels = -abs(normal(rows, cols, 1)(random)[0]), random.integers(0, cols, rows)
        slopes, at = np.empty_like(x), np.arange(rows)
        case = Case({}, tolerance=1e-3)
        context.native(case, "nll", [view(x), view(labels[:, None]), view(None), None],
                       [np.empty(1), None, ("array", slopes)])
        context.python(case, "losses.nll", x, labels, gradient=slopes)

        def numpy():
            gradient = np.zeros_like(x)
            gradient[at, labels] = -1 / rows
            return -x[at, labels].mean(), gradient
        case.implementations["numpy"] = numpy
        case.reads, case.writes = [labels], [slopes]
        return case
    return Row(name, "further", build, ("nll",))


def replaced(draw, place, of=np.abs):
    """Draws of which one matrix is replaced by a function of it."""
    def changed(random):
        inputs = draw(random)
        inputs[place][:] = of(inputs[place])
        return inputs
    return changed


def sigmoid(m, x, y):
    rest = m.log1p(m.exp(-abs(x)))
    value = (rest + 0.5 * (abs(x) + x) - x * y).mean()
    return (value, (1 / (1 + np.exp(-x)) - y) / x.size) if m is np else value


def binary(m, p, y):
    value = -(y * m.log(p) + (1 - y) * m.log1p(-p)).mean()
    return (value, ((1 - y) / (1 - p) - y / p) / p.size) if m is np else value


def gaussian(m, mean, y, variance):
    variance = m.clip(variance, 1e-6, 1e30)
    value = 0.5 * (m.log(variance) + (mean - y) ** 2 / variance).mean()
    return (value, (mean - y) / variance / y.size) if m is np else value


def poisson(m, x, y):
    power = m.exp(x)
    value = (power - x * y).mean()
    return (value, (power - y) / x.size) if m is np else value


def sampled(m, x, y):
    d = y - x
    power = m.exp(d)
    value = (power - 1 - d).mean()
    return (value, (1 - power) / x.size) if m is np else value


def policy(m, x):
    z = x - m.amax(x, -1, keepdims=True)
    power = m.exp(z)
    total = power.sum(-1, keepdims=True)
    p = power / total
    gap = -(p * z).sum(-1, keepdims=True)
    value = (m.log(total) + gap).sum() / len(x)
    return (value, p * (-z - gap) / len(x)) if m is np else value


def losses(quick):
    rows = 6553 if quick else 65536
    absent, shape = view(None), f"[{rows}x128]"
    return [
        loss_row(f"gaussian_kl with gradients f32 {shape}", "gaussian_kl", normal(rows, 128, 1, 0.5),
                 lambda mean, log_variance: [mean, log_variance, absent, absent, None],
                 lambda mean, log_variance: ((mean, log_variance), {}, 0), 2, 2, variational),
        loss_row(f"sigmoid_cross_entropy with gradient f32 {shape}", "sigmoid_cross_entropy",
                 replaced(normal(rows, 128, 3, 1), 1, lambda x: x > 0),
                 lambda x, y: [x, y, absent, absent, 1], lambda x, y: ((x, y), {}, 1), 1, 1, sigmoid),
        loss_row(f"binary_cross_entropy with gradient f32 {shape}", "binary_cross_entropy",
                 replaced(replaced(normal(rows, 128, 2, 1), 0, lambda x: 1 / (1 + np.exp(-x))), 1, lambda x: x > 0),
                 lambda x, y: [x, y, absent, 1], lambda x, y: ((x, y), {}, 1), 1, 1, binary),
        label_row(f"nll with gradient f32 {shape}", rows, 128),
        loss_row(f"gaussian_nll with gradient f32 {shape}", "gaussian_nll", replaced(normal(rows, 128, 1, 1, 1), 2),
                 lambda m, y, s: [m, y, s, None], lambda m, y, s: ((m, y, s), {}, 2), 1, 2, gaussian),
        loss_row(f"poisson_nll with gradient f32 {shape}", "poisson_nll", replaced(normal(rows, 128, 1, 2), 1),
                 lambda x, y: [x, y, None], lambda x, y: ((x, y), {}, 1), 1, 1, poisson),
        loss_row(f"sampled_kl with gradient f32 {shape}", "sampled_kl", normal(rows, 128, 1, 1),
                 lambda x, y: [x, y, absent, 3, 1], lambda x, y: ((x, y), {}, 1), 1, 1, sampled),
        loss_row(f"policy_entropy with gradient f32 {shape}", "policy_entropy", normal(rows, 128, 2),
                 lambda x: [x, absent, 1], lambda x: ((x,), {}, 0), 1, 0, policy, has_terms=False),
    ]


# -------------------------------------------------------------------- logits

def logits_comparison_row(shape):
    """Two models' logits; what counts is KL(base || test) of each token, though Nepit tells eight things of it."""
    def build(context):
        random = np.random.default_rng(SEED)
        base, test = aligned(shape, np.float32), aligned(shape, np.float32)
        random.standard_normal(out=base, dtype=np.float32)
        random.standard_normal(out=test, dtype=np.float32)
        base *= 3
        test *= np.float32(0.1)
        test += base
        case = Case({}, tolerance=1e-2, reads=[base, test])
        case.implementations |= peers.logits_kl(base, test, context.threads)
        # Quantiles by cells, so that memory does not grow from turn to turn.
        comparison, values = context.c.logits_comparison(shape[1], sketch_bits=7), np.empty((shape[0], 12))
        update = context.c.call("logits_comparison_update", [comparison, view(base), view(test), view(None)],
                                [("array", values)], context.threads)
        case.implementations["nepit C"] = lambda: update()[:, 0]
        if context.package is not None:
            def python():
                object = context.package.losses.LogitsComparison(shape[1])
                return object.update(base, test, values=True, threads=context.threads)["kl"]
            case.implementations["nepit"] = python
        return case
    return Row(f"logits_comparison_update f32 [{shape[0]}x{shape[1]}]", "further", build, ("logits_comparison_update",))


# ------------------------------------------------------------------ together

def rows(quick=False):
    """All rows, in the order of the table. quick: the same with data of a tenth or less."""
    long, matrix, square = 30_000_000, (10_000, 1000), (1000, 1000)
    if quick:
        long, matrix, square = 1_000_000, (1000, 1000), (400, 400)
    dtypes = ("float32", "float64")
    result = [vector_row(measure, dtype, long) for measure in CORE for dtype in dtypes]
    at = next(index for index, row in enumerate(result) if row.name.startswith("jensen"))
    result[at:at] = [counts_row(dtype, long) for dtype in dtypes]
    result += [matrix_row(measure, dtype, matrix, axis) for axis in (1, 0) for measure in CORE for dtype in dtypes]
    result += [call_row(measure, dtype, 4096) for measure in CORE for dtype in dtypes]
    result += [call_row(measure, "float64", 8) for measure in CORE]
    for name, covers, build in further():
        result.append(Row(f"{name} [{square[0]}x{square[1]}]", "further",
                          lambda context, build=build: build(context, square), (covers,)))
    result.append(logits_comparison_row((16, 32_000) if quick else (512, 128_256)))
    return result + losses(quick) + logits.rows(quick)
