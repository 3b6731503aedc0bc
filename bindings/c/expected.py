"""Writes expected/*.txt, what the samples are to print, from mpmath at 40 digits, and by NumPy the training, of which
4 digits are printed: nothing here comes from Nepit.

    build/venv/bin/python bindings/c/expected.py
"""

from pathlib import Path

import mpmath
import numpy as np
from mpmath import log, mpf, sqrt

mpmath.mp.dps = 40
E = mpmath.e


def normalized(weights):
    weights = [mpf(w) for w in weights]
    total = sum(weights)
    return [w / total for w in weights]


def cross_entropy(p, q, base):
    p, q = normalized(p), normalized(q)
    if any(a > 0 and b == 0 for a, b in zip(p, q)):
        return mpmath.inf
    return sum(-a * log(b) for a, b in zip(p, q) if a > 0) / log(base)


def entropy(p, base):
    return cross_entropy(p, p, base)


def kl(p, q, base):
    return cross_entropy(p, q, base) - entropy(p, base)


def text(value, digits, width=0):
    return f"{float(value):{width}.{digits}f}"


def sample_entropy():
    yield f"loaded die     {text(entropy([0.1] * 5 + [0.5], 2), 6)} bits a throw"
    yield f"abracadabra    {text(entropy([5, 2, 2, 1, 1], 2), 6)} bits a letter"


def sample_divergences():
    p, q = normalized([0.5, 0.3, 0.2]), normalized([0.1, 0.3, 0.6])
    pairs = list(zip(p, q))
    middle = [(a + b) / 2 for a, b in pairs]
    js = (kl(p, middle, 2) + kl(q, middle, 2)) / 2
    jeffreys = sum((a - b) * log(a / b) for a, b in pairs)

    def chernoff(s):
        return sum(a**s * b ** (1 - s) for a, b in pairs)

    half = mpf(1) / 2
    s = mpmath.findroot(lambda s: sum(a**s * b ** (1 - s) * log(a / b) for a, b in pairs), half)
    for name, value in {
        "Kullback-Leibler, p from q": kl(p, q, 2),
        "Kullback-Leibler, q from p": kl(q, p, 2),
        "Jeffreys": jeffreys / log(2),
        "Jensen-Shannon": js,
        "Jensen-Shannon distance": sqrt(js),
        "Renyi, order 1/2": -2 * log(chernoff(half)) / log(2),
        "Tsallis, order 1/2": -2 * (chernoff(half) - 1),
        "Amari, alpha 1/2": 4 / (1 - half**2) * (1 - chernoff(half / 2)),
        "Hellinger distance": sqrt(sum((sqrt(a) - sqrt(b)) ** 2 for a, b in pairs) / 2),
        "Hellinger distance, squared": sum((sqrt(a) - sqrt(b)) ** 2 for a, b in pairs) / 2,
        "Bhattacharyya coefficient": chernoff(half),
        "Bhattacharyya distance": -log(chernoff(half)) / log(2),
        "Chernoff information": -log(chernoff(s)) / log(2),
        "Chernoff exponent": s,
        "Total variation": sum(abs(a - b) for a, b in pairs) / 2,
        "Pearson chi-squared": sum((a - b) ** 2 / b for a, b in pairs),
        "Neyman chi-squared": sum((a - b) ** 2 / a for a, b in pairs),
        "Population stability index": jeffreys,
    }.items():
        yield f"{name:<32} {text(value, 9)}"


def sample_rows():
    rows, cols = 20000, 500
    first = [[], []]  # the first two rows, and the first two columns
    column = [[], []]
    random = 1
    for i in range(rows * cols):
        random = (random * 1664525 + 1013904223) & 0xFFFFFFFF
        row, col = divmod(i, cols)
        if row < 2:
            first[row].append(random >> 8)
        if col < 2:
            column[col].append(random >> 8)
    for name, views in (("rows", first), ("columns", column)):
        yield f"{name:<8} {text(entropy(views[0], 2), 6)} {text(entropy(views[1], 2), 6)} ... bits"


def sample_gradient():
    p, weights = normalized([0.4, 0.3, 0.2, 0.1]), [mpf("0.25")] * 4
    for step in range(101):
        q, total = normalized(weights), sum(weights)
        if step % 25 == 0:
            yield f"step {step:3d}   D(p || q) = {float(kl(p, q, E)):.3e}"
        weights = [w - mpf("0.05") * (1 - a / b) / total for w, a, b in zip(weights, p, q)]
    yield "fitted     " + "".join(f" {text(q, 9)}" for q in normalized(weights))


def sample_smoothing():
    seen, later = [8, 4, 0, 0], [6, 3, 1, 0]
    yield f"{'':<22} {'model':<35}   cross-entropy of later"
    for name, model in {
        "none": seen,
        "Laplace, add 1": [n + 1 for n in seen],
        "Jeffreys, add 1/2": [n + mpf(1) / 2 for n in seen],
        "a tenth of uniform": [mpf(9) / 10 * p + mpf(1) / 40 for p in normalized(seen)],
        "a floor of 0.001": [max(p, mpf("0.001")) for p in normalized(seen)],
    }.items():
        shares = "".join(f" {text(p, 6)}" for p in normalized(model))
        yield f"{name:<22}{shares}   {text(cross_entropy(later, model, 2), 6, 9)}"


def sample_lecture():
    fair, biased, sixty, sure, guess = (0.5, 0.5), (0.9, 0.1), (0.6, 0.4), (1, 0), (0.8, 0.2)
    yield f"fair coin                        {text(entropy(fair, 2), 3)} bits"
    yield f"coin with p = 0.9                {text(entropy(biased, 2), 3)} bits"
    yield f"fair die, the maximum log 6      {text(entropy([1] * 6, 2), 3)} bits"
    yield f"certainty                        {text(entropy(sure, 2), 3)} bits"
    yield f"cross-entropy (1 0), (.9 .1)     {text(cross_entropy(sure, biased, E), 3)} nats"
    yield f"cross-entropy (.5 .5), (.9 .1)   {text(cross_entropy(fair, biased, E), 3)} nats"
    yield f"loss of (.8 .2) where (1 0)      {text(cross_entropy(sure, guess, E), 3)} nats"
    yield f"KL(Bern 0.5 || Bern 0.6)         {text(kl(fair, sixty, 2), 3)} bits"
    back = text(kl(biased, fair, E), 3)
    yield f"KL(.5 .5 || .9 .1), and back     {text(kl(fair, biased, E), 3)}, {back} nats"


def sample_softmax_regression():
    lines = (Path(__file__).parent / "digits.h").read_text().split('"')[1::2]
    digits = np.array([list(line.encode()) for line in lines if len(line) == 65])
    image, label = (digits[:, :64] - 65) / 16, digits[:, 64] - 48
    train, target = slice(1500), np.eye(10)[label]
    weight, bias = np.zeros((10, 64)), np.zeros(10)
    for step in range(301):
        logits = image @ weight.T + bias
        p = np.exp(logits - logits.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        if step % 50 == 0:
            losses = -np.log(p[np.arange(len(p)), label])
            loss, unseen, right = losses[train].mean(), losses[1500:].mean(), (p.argmax(1) == label)[1500:].sum()
            yield f"step {step:3d}   loss {loss:.4f}   unseen {unseen:.4f}, {right} right"
        gradient = (p - target)[train] / 1500
        weight -= gradient.T @ image[train] / 2
        bias -= gradient.sum(0) / 2


def main():
    folder = Path(__file__).parent / "expected"
    folder.mkdir(exist_ok=True)
    for name, sample in globals().copy().items():
        if name.startswith("sample_"):
            (folder / f"{name.removeprefix('sample_')}.txt").write_text("\n".join(sample()) + "\n")


if __name__ == "__main__":
    main()
