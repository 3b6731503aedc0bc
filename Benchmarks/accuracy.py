#!/usr/bin/env python3
"""Measured relative errors of Nepit, SciPy, NumPy and torch where the obvious expressions cancel.

The truth is computed by mpmath with 60 digits from the very weights that each library is given, normalised exactly.
Every library normalises in its own way. The figure is the largest error of all draws; an error of 1 means that no
digit is right.
"""

import argparse
import sys
from pathlib import Path

import mpmath
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from suite import machine, native, report  # noqa: E402

SEED = 20260101
N = 1000  # outcomes
mpmath.mp.dps = 60


# --------------------------------------------------------------------- truth

def exact(weights):
    values = [mpmath.mpf(float(weight)) for weight in weights]
    total = mpmath.fsum(values)
    return [value / total for value in values]


def true_entropy(p):
    return -mpmath.fsum(x * mpmath.log(x) for x in exact(p) if x)


def true_kl(p, q):
    return mpmath.fsum(x * mpmath.log(x / y) for x, y in zip(exact(p), exact(q)) if x)


def true_js(p, q):
    p, q = exact(p), exact(q)
    return mpmath.fsum((x * mpmath.log(2 * x / (x + y)) if x else 0) + (y * mpmath.log(2 * y / (x + y)) if y else 0)
                       for x, y in zip(p, q)) / 2


def true_renyi(p, order):
    order = mpmath.mpf(order)
    return mpmath.log(mpmath.fsum(x ** order for x in exact(p) if x)) / (1 - order)


# ----------------------------------------------------------------- libraries

def nepit_ways(library):
    def call(name, arguments):
        out = np.empty(1)
        library.call(name, arguments, [out])()
        return float(out[0])
    view, e = native.view, native.E
    return {
        "entropy": lambda p: call("entropy", [view(p), e]),
        "kl": lambda p, q: call("kl_divergence", [view(p), view(q), e]),
        "js": lambda p, q: call("jensen_shannon_divergence", [view(p), view(q), 0.5, e]),
        "renyi": lambda p, order: call("renyi_entropy", [view(p), float(order), e]),
    }


def scipy_ways():
    from scipy import stats
    from scipy.spatial import distance
    return {
        "entropy": stats.entropy,
        "kl": stats.entropy,
        "js": lambda p, q: distance.jensenshannon(p, q) ** 2,
    }


def numpy_ways():
    def entropy(p):
        p = p / p.sum()
        return -np.sum(p * np.log(p))

    def kl(p, q):
        p, q = p / p.sum(), q / q.sum()
        return np.sum(p * np.log(p / q))

    def js(p, q):
        p, q = p / p.sum(), q / q.sum()
        m = (p + q) / 2
        return (np.sum(p * np.log(p / m)) + np.sum(q * np.log(q / m))) / 2

    def renyi(p, order):
        p = p / p.sum()
        return np.log(np.sum(p ** p.dtype.type(order))) / (1 - p.dtype.type(order))
    return {"entropy": entropy, "kl": kl, "js": js, "renyi": renyi}


def torch_ways():
    import torch

    def normalised(*weights):
        tensors = [torch.from_numpy(weight) for weight in weights]
        return [tensor / tensor.sum() for tensor in tensors]

    def divergence(p, q):
        return torch.nn.functional.kl_div(q.log(), p, reduction="sum")

    def js(p, q):
        p, q = normalised(p, q)
        m = (p + q) / 2
        return (divergence(p, m) + divergence(q, m)) / 2
    return {"entropy": lambda p: torch.special.entr(*normalised(p)).sum(),
            "kl": lambda p, q: divergence(*normalised(p, q)), "js": js}


# ------------------------------------------------------------------- regimes

def near(random, epsilon, dtype):
    p = random.random(N) + 0.01
    p /= p.sum()
    return p.astype(dtype), (p.astype(dtype) * (1 + epsilon * random.standard_normal(N)).astype(dtype))


def near_counts(random, dtype):
    """Counts whose totals are 1 : 3 and whose shapes agree to a part in ten million."""
    p = random.integers(1, 1 << 22, N)
    q = 3 * p
    q[::7] += 1
    return p.astype(dtype), q.astype(dtype)


def one_dominates(random, share, dtype):
    p = random.random(N) + 0.01
    p *= share / p[1:].sum()
    p[0] = 1
    return (p.astype(dtype),)


REGIMES = [
    # what, measure, truth, draw, element types
    *((f"KL, p and q agree to {epsilon:.0e}", "kl", true_kl, lambda r, t, epsilon=epsilon: near(r, epsilon, t), "d")
      for epsilon in (1e-6, 1e-9, 1e-12)),
    *((f"KL, p and q agree to {epsilon:.0e}", "kl", true_kl, lambda r, t, epsilon=epsilon: near(r, epsilon, t), "f")
      for epsilon in (1e-3, 1e-5)),
    ("KL of counts, totals 1 : 3, shapes nearly equal", "kl", true_kl, near_counts, "d"),
    ("KL of two unrelated distributions", "kl", true_kl,
     lambda r, t: (near(r, 0, t)[0], near(r, 0, t)[0]), "df"),
    *((f"Jensen-Shannon, p and q agree to {epsilon:.0e}", "js", true_js,
       lambda r, t, epsilon=epsilon: near(r, epsilon, t), "d") for epsilon in (1e-6, 1e-9, 1e-12)),
    *((f"Jensen-Shannon, p and q agree to {epsilon:.0e}", "js", true_js,
       lambda r, t, epsilon=epsilon: near(r, epsilon, t), "f") for epsilon in (1e-3, 1e-5)),
    ("entropy, the weights 1000 and 1e-17", "entropy", true_entropy,
     lambda r, t: (np.array([1000, 1e-17], t),), "df"),
    *((f"entropy, all but {share:.0e} on one outcome", "entropy", true_entropy,
       lambda r, t, share=share: one_dominates(r, share, t), "df") for share in (1e-6, 1e-12)),
    ("entropy of an ordinary distribution", "entropy", true_entropy, lambda r, t: (near(r, 0, t)[0],), "df"),
    ("Renyi entropy of order 1 + 1e-9", "renyi", true_renyi, lambda r, t: (near(r, 0, t)[0], 1 + 1e-9), "d"),
]

LIBRARIES = ("Nepit", "SciPy", "NumPy", "torch")
TYPES = {"d": np.float64, "f": np.float32}


def error(value, truth):
    value = float(value)
    if not np.isfinite(value):
        return float("inf")
    return float(abs((mpmath.mpf(value) - truth) / truth)) if truth else float(value != 0)


def told(errors):
    if errors is None:
        return "-"
    worst = max(errors)
    return "NaN" if worst == float("inf") else f"{worst:.1e}"


def error_rows(libraries, draws):
    for kind, dtype in TYPES.items():
        for what, measure, truth, draw, kinds in REGIMES:
            if kind not in kinds:
                continue
            random = np.random.default_rng(SEED)
            errors = {name: [] if measure in ways else None for name, ways in libraries.items()}
            for _ in range(draws):
                data = draw(random, dtype)
                expected = truth(*data)
                for name, ways in libraries.items():
                    if measure in ways:
                        with np.errstate(all="ignore"):
                            errors[name].append(error(ways[measure](*data), expected))
            yield [what, np.dtype(dtype).name, *(told(errors[name]) for name in LIBRARIES)]
            print(f"[accuracy] {what}", file=sys.stderr, flush=True)


def sign_rows(libraries, pairs):
    """How many of some pairs, which agree to a billionth, come out negative or NaN, where the truth is positive."""
    for measure, title in (("kl", "KL"), ("js", "Jensen-Shannon")):
        random = np.random.default_rng(SEED)
        bad = dict.fromkeys(LIBRARIES, 0)
        for _ in range(pairs):
            p, q = near(random, 1e-9, np.float64)
            for name, ways in libraries.items():
                with np.errstate(all="ignore"):
                    bad[name] += not float(ways[measure](p, q)) >= 0
        if measure == "js":  # SciPy's distance, of which the square above is taken, is NaN where its square is negative
            title += " (SciPy: distance)"
        yield [f"{title}: of {pairs} pairs that agree to 1e-09, negative or NaN", "float64",
               *(str(bad[name]) for name in LIBRARIES)]


def markdown(header, rows):
    lines = [header, ["---"] * 2 + ["---:"] * (len(header) - 2), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=20, help="random inputs for each figure (default: 20)")
    parser.add_argument("--pairs", type=int, default=2000, help="nearly equal pairs whose sign is looked at "
                        "(default: 2000)")
    parser.add_argument("--markdown", action="store_true", help="the table as Markdown, for the README")
    parser.add_argument("--output", type=Path, help="file for the table, besides standard output")
    parser.add_argument("--library", type=Path, default=native.LIBRARY, help="the library to measure")
    options = parser.parse_args()
    if not options.library.exists():
        parser.error(f"no library {options.library}: make build")
    if options.draws < 1 or options.pairs < 1:
        parser.error("--draws and --pairs must be at least 1")
    nepit = native.Nepit(options.library)
    libraries = dict(zip(LIBRARIES, (nepit_ways(nepit), scipy_ways(), numpy_ways(), torch_ways())))
    header = ["relative error, the largest", "type", *LIBRARIES]
    try:
        rows = [*error_rows(libraries, options.draws), *sign_rows(libraries, options.pairs)]
    except KeyboardInterrupt:
        return 130
    versions = machine.versions()
    head = (f"Nepit {nepit.version} ({nepit.isa}), SciPy {versions['scipy']}, NumPy {versions['numpy']}, torch "
            f"{versions['torch']}; {N} outcomes, {options.draws} draws, seed {SEED}, mpmath {mpmath.__version__}")
    text = (markdown(header, rows) if options.markdown else
            f"{head}\n\n{report.table(header, rows, range(2, 6))}") + "\n"
    print(text, end="")
    if options.output:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
