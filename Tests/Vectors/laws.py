#!/usr/bin/env python3
"""Laws that hold between results, tried on random rows: one table, one loop.

    laws.py --library build/lib/libnepit.so [--law NAME] [--seed N] [--rounds N]

The vectors say what single results are; the laws reach inputs that no file holds. A failure prints the law, the seed
and the rows.
"""

import argparse
import ctypes
import math
import os
import random
import sys

import numpy as np

import check
import vectors

E = math.e
JS = {"weight": 0.5, "base": E}
SMALL = 2.0**-40  # between two results that are each exact to their bounds, of inputs far from cancellation

# name: (numbers, whether symmetric, whether it cannot grow when outcomes are merged)
DIVERGENCES = {
    "kl_divergence": ({"base": E}, False, True),
    "jeffreys_divergence": ({"base": 2.0}, True, True),
    "jensen_shannon_divergence": (JS, True, True),
    "jensen_shannon_distance": (JS, True, True),
    "renyi_divergence": ({"order": 2.0, "base": E}, False, True),
    "tsallis_divergence": ({"order": 0.5}, True, True),
    "alpha_divergence": ({"alpha": 0.5}, False, True),
    "hellinger_distance": ({}, True, True),
    "squared_hellinger_distance": ({}, True, True),
    "bhattacharyya_distance": ({"base": E}, True, True),
    "chernoff_information": ({"base": E}, True, True),
    "total_variation": ({}, True, True),
    "pearson_chi2": ({}, False, True),
    "neyman_chi2": ({}, False, True),
    "population_stability_index": ({"floor": 0.0, "base": E}, True, True),
}
ENTROPIES = {
    "entropy": {"base": E},
    "renyi_entropy": {"order": 0.5, "base": E},
    "tsallis_entropy": {"order": 2.0},
    "hill_number": {"order": 3.0},
    "perplexity": {},
}
GRADIENTS = {
    "entropy_gradient": {"base": E},
    "renyi_entropy_gradient": {"order": 0.5, "base": E},
    "cross_entropy_gradient": {"base": 2.0},
    "kl_divergence_gradient": {"base": E},
    "jeffreys_divergence_gradient": {"base": E},
    "jensen_shannon_divergence_gradient": JS,
    "jensen_shannon_distance_gradient": JS,
    "renyi_divergence_gradient": {"order": 2.0, "base": E},
    "hellinger_distance_gradient": {},
    "squared_hellinger_distance_gradient": {},
}


class Library:
    def __init__(self, path):
        self.library = ctypes.CDLL(os.path.abspath(path))
        self.declared = check.prototypes()

    def __call__(self, name, *rows, gradients=False, **numbers):
        """The result of a function of one or two arrays; with gradients those of the inputs."""
        parameters = self.declared[name]
        case = vectors.Case(name, "law", numbers=numbers)
        inputs = [param for kind, param in parameters if kind == "nepit_array"]
        for param, row in zip(inputs, rows):
            case.arrays[param] = vectors.Array("f64", np.atleast_2d(np.asarray(row, np.float64)))
        count, cols = np.broadcast_shapes(*(array.values.shape for array in case.arrays.values()))
        case.results["out"] = np.empty((count // int(numbers.get("members", 1)), 1))
        if gradients:
            for kind, param in parameters:
                if kind == "nepit_mutable_array":
                    case.results[param] = np.empty((count, cols))
        status, outputs = check.call(self.library, parameters, case)
        assert status == 0, (name, status)
        if gradients:
            return [outputs[param][0] for kind, param in parameters if kind == "nepit_mutable_array"]
        return outputs["out"][:, 0] if count > 1 else float(outputs["out"][0, 0])


def weights(rng, n):
    return [rng.random() ** rng.choice((1, 4)) + 0.01 for _ in range(n)]


def size(rng):
    return rng.choice((2, 3, 5, 8, 17, 31, 64, 130, 257))


def nearly(rng, p):
    """Rows near p, by any amount down to one unit in the last place, with another total."""
    delta = 10.0 ** -rng.uniform(0.5, 16.5)
    factor = rng.choice((1.0, 1.0, 3.0, 0.7, 1 + delta))
    return [factor * x * (1 + delta * rng.uniform(-1, 1)) for x in p]


def close(a, b, tolerance=SMALL):
    return abs(a - b) <= tolerance * max(abs(a), abs(b))


# Each law yields (what, whether it holds, rows).


def never_negative(lib, rng):
    p = weights(rng, size(rng))
    q = nearly(rng, p)
    for name, (numbers, _, _) in DIVERGENCES.items():
        value = lib(name, p, q, **numbers)
        yield f"{name} = {value!r}", value >= 0 and math.copysign(1, value) > 0, (p, q)


def zero_at_equality(lib, rng):
    p, k = weights(rng, size(rng)), rng.randrange(-300, 300)
    q = [math.ldexp(x, k) for x in p]
    for name, (numbers, _, _) in DIVERGENCES.items():
        for other in (p, q):
            value = lib(name, p, other, **numbers)
            yield f"{name} = {value!r}", value == 0, (p, other)


def symmetric(lib, rng):
    p = weights(rng, size(rng))
    for q in (weights(rng, len(p)), nearly(rng, p)):
        for name, (numbers, is_symmetric, _) in DIVERGENCES.items():
            if is_symmetric:
                a, b = lib(name, p, q, **numbers), lib(name, q, p, **numbers)
                yield f"{name}: {a!r}, {b!r}", close(a, b, SMALL if a > 1e-30 else 2.0**-20), (p, q)


def scale_free(lib, rng):
    """Totals that differ by a power of two."""
    p, k = weights(rng, size(rng)), rng.randrange(-900, 900)
    q = weights(rng, len(p))
    for name, (numbers, _, _) in DIVERGENCES.items():
        a, b = lib(name, p, q, **numbers), lib(name, [math.ldexp(x, k) for x in p], q, **numbers)
        yield f"{name}: {a!r}, {b!r} at 2^{k}", close(a, b), (p, q)
    for name, numbers in ENTROPIES.items():
        a, b = lib(name, p, **numbers), lib(name, [math.ldexp(x, k) for x in p], **numbers)
        yield f"{name}: {a!r}, {b!r} at 2^{k}", close(a, b), (p,)


def order_free(lib, rng):
    """Outcomes in another order."""
    p = weights(rng, size(rng))
    q, order = weights(rng, len(p)), rng.sample(range(len(p)), len(p))
    for name, (numbers, _, _) in DIVERGENCES.items():
        a, b = lib(name, p, q, **numbers), lib(name, [p[i] for i in order], [q[i] for i in order], **numbers)
        yield f"{name}: {a!r}, {b!r}", close(a, b), (p, q)
    for name, numbers in ENTROPIES.items():
        a, b = lib(name, p, **numbers), lib(name, [p[i] for i in order], **numbers)
        yield f"{name}: {a!r}, {b!r}", close(a, b), (p,)


def batch_free(lib, rng):
    """A row in company and alone: the same bits."""
    n = size(rng)
    p, q = [weights(rng, n) for _ in range(5)], [weights(rng, n) for _ in range(5)]
    for name, (numbers, _, _) in DIVERGENCES.items():
        together = lib(name, p, q, **numbers)
        alone = [lib(name, a, b, **numbers) for a, b in zip(p, q)]
        yield f"{name}: {list(together)}, {alone}", list(together) == alone, (p, q)


def data_processing(lib, rng):
    """Merging two outcomes loses information, never adds any."""
    p = weights(rng, size(rng) + 1)
    q = weights(rng, len(p))
    for name, (numbers, _, shrinks) in DIVERGENCES.items():
        if shrinks:
            a = lib(name, p, q, **numbers)
            b = lib(name, [p[0] + p[1]] + p[2:], [q[0] + q[1]] + q[2:], **numbers)
            yield f"{name}: {a!r}, merged {b!r}", b <= a * (1 + SMALL), (p, q)
    for name, numbers in ENTROPIES.items():
        a, b = lib(name, p, **numbers), lib(name, [p[0] + p[1]] + p[2:], **numbers)
        yield f"{name}: {a!r}, merged {b!r}", b <= a * (1 + SMALL), (p,)


def in_range(lib, rng):
    p = weights(rng, size(rng))
    q, n = weights(rng, len(p)), len(p)
    h = lib("entropy", p, base=E)
    yield f"entropy {h!r}", 0 <= h <= math.log(n) * (1 + SMALL), (p,)
    tv, hellinger = lib("total_variation", p, q), lib("hellinger_distance", p, q)
    yield f"{hellinger!r}^2 <= {tv!r}", hellinger**2 <= tv * (1 + SMALL), (p, q)
    yield f"total variation {tv!r}", tv <= hellinger * math.sqrt(2 - hellinger**2) * (1 + SMALL), (p, q)
    yield "Pinsker", lib("kl_divergence", p, q, base=E) >= 2 * tv**2 * (1 - SMALL), (p, q)
    yield "Jensen-Shannon", lib("jensen_shannon_divergence", p, q, weight=0.5, base=2.0) <= 1, (p, q)
    yield "Jensen-Shannon and total variation", lib("jensen_shannon_divergence", p, q, **JS) <= math.log(2) * tv, (p, q)
    yield "cross-entropy", lib("cross_entropy", p, q, base=E) >= h, (p, q)


def identities(lib, rng):
    p = weights(rng, size(rng))
    q = weights(rng, len(p))
    kl, back = lib("kl_divergence", p, q, base=E), lib("kl_divergence", q, p, base=E)
    h, overlap = lib("entropy", p, base=E), lib("bhattacharyya_coefficient", p, q)
    js = lib("jensen_shannon_divergence", p, q, **JS)
    distance = lib("bhattacharyya_distance", p, q, base=E)
    squared = lib("squared_hellinger_distance", p, q)
    for what, a, b in (
        ("H(p, q) = H(p) + D", lib("cross_entropy", p, q, base=E), h + kl),
        ("J = D + D", lib("jeffreys_divergence", p, q, base=E), kl + back),
        ("PSI = J", lib("population_stability_index", p, q, floor=0.0, base=E), kl + back),
        ("d^2 = JS", lib("jensen_shannon_distance", p, q, **JS) ** 2, js),
        ("JS of two members", lib("generalized_jensen_shannon", [p, q], members=2, base=E), js),
        ("Hellinger^2", lib("hellinger_distance", p, q) ** 2, squared),
        ("H^2 = 1 - B", squared + overlap, 1.0),
        ("B = exp(-d)", overlap, math.exp(-distance)),
        ("alpha 0", lib("alpha_divergence", p, q, alpha=0.0), 4 * squared),
        ("alpha -1", lib("alpha_divergence", p, q, alpha=-1.0), kl),
        ("alpha 1", lib("alpha_divergence", p, q, alpha=1.0), back),
        ("alpha -3", lib("alpha_divergence", p, q, alpha=-3.0), lib("pearson_chi2", p, q) / 2),
        ("alpha 3", lib("alpha_divergence", p, q, alpha=3.0), lib("pearson_chi2", q, p) / 2),
        ("Renyi 1/2", lib("renyi_divergence", p, q, order=0.5, base=E), 2 * distance),
        ("Renyi 1", lib("renyi_divergence", p, q, order=1.0, base=E), kl),
        ("Renyi 2", math.expm1(lib("renyi_divergence", p, q, order=2.0, base=E)), lib("pearson_chi2", p, q)),
        ("Renyi near 1", lib("renyi_divergence", p, q, order=1 + 2.0**-50, base=E), kl),
        ("Tsallis 2", lib("tsallis_divergence", p, q, order=2.0), lib("pearson_chi2", p, q)),
        ("Tsallis near 1", lib("tsallis_divergence", p, q, order=1 - 2.0**-50), kl),
        ("Neyman", lib("neyman_chi2", p, q), lib("pearson_chi2", q, p)),
        ("perplexity", lib("perplexity", p), math.exp(h)),
        ("Hill 1", lib("hill_number", p, order=1.0), math.exp(h)),
        ("Hill 0.7", lib("hill_number", p, order=0.7), math.exp(lib("renyi_entropy", p, order=0.7, base=E))),
        ("Renyi entropy near 1", lib("renyi_entropy", p, order=1 - 2.0**-50, base=E), h),
        ("Tsallis entropy near 1", lib("tsallis_entropy", p, order=1 + 2.0**-50), h),
        ("bits", lib("entropy", p, base=2.0) * math.log(2), h),
        ("hartleys", lib("kl_divergence", p, q, base=10.0) * math.log(10), kl),
    ):
        yield f"{what}: {a!r}, {b!r}", close(a, b), (p, q)


def monotone_in_order(lib, rng):
    p = weights(rng, size(rng))
    q = weights(rng, len(p))
    orders = sorted(
        [0.0, 0.5, 1.0, 2.0, math.inf] + [rng.uniform(0, 4) for _ in range(4)] + [1 + rng.uniform(-1, 1) / 1e6]
    )
    entropies = [lib("renyi_entropy", p, order=a, base=E) for a in orders]
    divergences = [lib("renyi_divergence", p, q, order=a, base=E) for a in orders]
    for i in range(len(orders) - 1):
        yield f"renyi_entropy {orders[i:i + 2]}", entropies[i + 1] <= entropies[i] * (1 + SMALL), (p,)
        yield f"renyi_divergence {orders[i:i + 2]}", divergences[i + 1] >= divergences[i] * (1 - SMALL), (p, q)


def additive(lib, rng):
    """Of independent pairs the measures add up."""
    p, q, r, s = (weights(rng, n) for n in (5, 5, 7, 7))
    joint_p, joint_q = [a * b for a in p for b in r], [a * b for a in q for b in s]
    for name, numbers in (("entropy", {"base": E}), ("renyi_entropy", {"order": 0.3, "base": E})):
        a, b = lib(name, joint_p, **numbers), lib(name, p, **numbers) + lib(name, r, **numbers)
        yield f"{name}: {a!r}, {b!r}", close(a, b), (p, r)
    for name, numbers in (
        ("kl_divergence", {"base": E}),
        ("jeffreys_divergence", {"base": E}),
        ("renyi_divergence", {"order": 3.0, "base": E}),
        ("bhattacharyya_distance", {"base": E}),
    ):
        a = lib(name, joint_p, joint_q, **numbers)
        b = lib(name, p, q, **numbers) + lib(name, r, s, **numbers)
        yield f"{name}: {a!r}, {b!r}", close(a, b), (p, q, r, s)


def gradients_ignore_the_total(lib, rng):
    """Weights are normalised, so sum_j w_j g_j = 0."""
    p = weights(rng, size(rng))
    q = weights(rng, len(p))
    for name, numbers in GRADIENTS.items():
        rows = (p,) if "entropy" in name and "cross" not in name else (p, q)
        for row, gradient in zip(rows, lib(name, *rows, gradients=True, **numbers)):
            terms = [w * g for w, g in zip(row, gradient)]
            magnitude = sum(map(abs, terms)) + 1e-3  # a component near 0 is exact beside the terms it adds
            yield f"{name}: {math.fsum(terms)!r}", abs(math.fsum(terms)) <= 2.0**-40 * magnitude, rows


def gradients_differentiate(lib, rng):
    """Central differences of the value, as far as float64 goes."""
    p = weights(rng, 5)
    q, j, step = weights(rng, 5), rng.randrange(5), 2.0**-14
    for name, numbers in GRADIENTS.items():
        value = name.removesuffix("_gradient")
        rows = (p,) if "entropy" in name and "cross" not in name else (p, q)
        found = lib(name, *rows, gradients=True, **numbers)
        for side in range(len(rows)):

            def at(move):
                moved = [list(row) for row in rows]
                moved[side][j] += move * step * p[j]
                return lib(value, *moved, **numbers)

            slope = (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * step * p[j])
            yield f"{name}: {found[side][j]!r}, {slope!r}", abs(found[side][j] - slope) <= 1e-6 * (1 + abs(slope)), rows


def losses_of_elements(lib, rng):
    """Never negative where they are divergences, 0 at equality, and what one loss says of another."""
    n = size(rng)
    x, y, z, t = ([rng.gauss(0, 3) for _ in range(n)] for _ in range(4))
    near = [a + rng.gauss(0, 10.0 ** -rng.uniform(1, 17)) for a in x]
    p, half = [rng.random() for _ in range(n)], [0.5 * a for a in y]
    total = {"reduction": 0.0}
    for what, value in (
        ("gaussian_kl", lib("gaussian_kl", near, y, x, y)),
        ("k2", lib("sampled_kl", x, near, estimator=2.0, **total)),
        ("k3", lib("sampled_kl", x, near, estimator=3.0, **total)),
        ("policy_entropy", lib("policy_entropy", x, **total)),
    ):
        yield f"{what} = {value!r}", value >= 0 and math.copysign(1, value) > 0, (x, near)
    yield "policy_entropy, the most", lib("policy_entropy", x, **total) <= math.log(n) * (1 + SMALL), (x,)
    yield "gaussian_kl at equality", lib("gaussian_kl", x, y, x, y) == 0, (x, y)
    yield "k3 at equality", lib("sampled_kl", x, x, estimator=3.0, **total) == 0, (x,)
    flipped = [-a for a in x], [1 - b for b in p]
    numbers = {"eps": 0.0, "full": 0.0, "log_variance": 1.0, "reduction": 0.0}
    for what, a, b in (
        ("sigmoid(-x) = 1 - sigmoid(x)", lib("sigmoid_cross_entropy", x, p, **total),
         lib("sigmoid_cross_entropy", *flipped, **total)),
        ("gaussian_kl moves and scales", lib("gaussian_kl", x, y, z, t),
         lib("gaussian_kl", [(a - c) * math.exp(-d / 2) for a, c, d in zip(x, z, t)], [b - d for b, d in zip(y, t)])),
        ("variance and its logarithm", lib("gaussian_nll", x, half, y, **numbers),
         lib("gaussian_nll", x, half, [math.exp(b) for b in y], **numbers | {"log_variance": 0.0})),
    ):
        yield f"{what}: {a!r}, {b!r}", close(a, b, 2.0**-36), (x, y, z, t)


LAWS = (
    never_negative,
    zero_at_equality,
    symmetric,
    scale_free,
    order_free,
    batch_free,
    data_processing,
    in_range,
    identities,
    monotone_in_order,
    additive,
    gradients_ignore_the_total,
    gradients_differentiate,
    losses_of_elements,
)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--library", required=True, help="path of libnepit.so")
    parser.add_argument("--law", choices=[law.__name__ for law in LAWS], help="this one only")
    parser.add_argument(
        "--seed", type=int, default=random.SystemRandom().randrange(10**6), help="printed; repeats a run"
    )
    parser.add_argument("--rounds", type=int, default=50)
    options = parser.parse_args()
    lib = Library(options.library)
    print(f"seed {options.seed}")
    wrong = 0
    for law in LAWS:
        if options.law in (None, law.__name__):
            rng, tried, failed = random.Random(f"{options.seed} {law.__name__}"), 0, []
            for _ in range(options.rounds):
                for what, holds, rows in law(lib, rng):
                    tried += 1
                    if not holds:
                        failed.append((what, rows))
            print(f"{law.__name__:28} {tried:6} tried{f'  {len(failed)} FAILED' if failed else ''}")
            for what, rows in failed[:3]:
                print(f"    {what}\n      " + "\n      ".join(str(row)[:2000] for row in rows))
            wrong += len(failed)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
