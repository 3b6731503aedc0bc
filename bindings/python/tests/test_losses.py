"""Laws of the losses, on random rows: these reach inputs that no file of vectors holds."""

import functools

import mpmath
import numpy as np
import pytest
from mpmath import exp, fsum, mpf

from nepit import losses

KINDS = ("forward_kl", "reverse_kl", "jensen_shannon", "total_variation")
SIZES = (2, 3, 8, 17, 63, 64, 65, 130, 4099)


def rows(seed, cols, spread=3.0, dtype=np.float64):
    """Two matrices of logits, the second near the first in its second half of rows."""
    random = np.random.default_rng(seed)
    x, y = (random.normal(0, spread, (6, cols)) for _ in range(2))
    y[3:] = x[3:] + random.normal(0, 1, (3, cols)) * np.array([[1e-3], [1e-8], [1e-13]])
    return x.astype(dtype), y.astype(dtype)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", (np.float64, np.float32))
def test_divergences_are_never_negative_and_0_for_equal_rows(kind, dtype):
    for seed, cols in enumerate(SIZES):
        x, y = rows(seed, cols, dtype=dtype)
        assert (losses.distillation(x, y, divergence=kind, reduction="none") >= 0).all(), seed
        same, gradient, teacher = losses.distillation(x, x, divergence=kind, temperature=1.7, reduction="none",
                                                      gradient=True, teacher_gradient=True)
        assert not same.any() and not gradient.any() and not teacher.any(), seed


def test_exchanged_models():
    """What is forward one way is reverse the other, to the last bit; beta changes sides."""
    for seed, cols in enumerate(SIZES):
        x, y = rows(seed, cols)
        forward = losses.distillation(x, y, reduction="none", gradient=True, teacher_gradient=True)
        reverse = losses.distillation(y, x, divergence="reverse_kl", reduction="none", gradient=True,
                                      teacher_gradient=True)
        for a, b in zip(forward, (reverse[0], reverse[2], reverse[1])):
            np.testing.assert_array_equal(a, b)
        for beta in (0.5, 0.25, 0.9):
            js = losses.distillation(x, y, divergence="jensen_shannon", beta=beta, reduction="none")
            other = losses.distillation(y, x, divergence="jensen_shannon", beta=1 - beta, reduction="none")
            np.testing.assert_allclose(js, other, rtol=2.0**-45 if beta != 0.9 else 2.0**-40)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", (np.float64, np.float32))
def test_a_constant_added_to_a_row_changes_nothing(kind, dtype):
    bound = 2.0**-45 if dtype == np.float64 else 2.0**-18
    for seed, cols in enumerate(SIZES):
        x, y = (np.round(z * 64) / 64 for z in rows(seed, cols, dtype=dtype))  # so that the sums are exact
        y[3:] += np.round(np.random.default_rng(seed).normal(0, 4, (3, cols))) / 1024
        plain = losses.distillation(x, y, divergence=kind, temperature=0.5, reduction="none", gradient=True)
        moved = losses.distillation(x + 64, y - 32, divergence=kind, temperature=0.5, reduction="none", gradient=True)
        np.testing.assert_allclose(moved[0], plain[0], rtol=bound)
        np.testing.assert_allclose(moved[1], plain[1], rtol=0, atol=bound * 4)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_of_a_row_add_up_to_0(kind):
    for seed, cols in enumerate(SIZES):
        x, y = rows(seed, cols)
        for gradient in losses.distillation(x, y, divergence=kind, reduction="none", gradient=True,
                                            teacher_gradient=True)[1:]:
            assert (abs(gradient.sum(1)) <= 2.0**-40 * abs(gradient).sum(1)).all(), seed


def number(x):
    return x if isinstance(x, mpf) else mpf(float(x))


def softmax(row, temperature=1):
    terms = [exp(number(z) / temperature) for z in row]
    total = fsum(terms)
    return [t / total for t in terms], mpmath.log(total)


def divergence(kind, student, teacher, temperature, beta):
    (p, lp), (q, lq) = softmax(teacher, temperature), softmax(student, temperature)
    u = [(number(a) - number(b)) / temperature for a, b in zip(teacher, student)]
    if kind == "forward_kl":
        return fsum(a * d for a, d in zip(p, u)) - lp + lq
    if kind == "reverse_kl":
        return lp - lq - fsum(b * d for b, d in zip(q, u))
    if kind == "total_variation":
        return fsum(abs(a - b) for a, b in zip(p, q)) / 2
    return fsum(beta * a * mpmath.log(a / m) + (1 - beta) * b * mpmath.log(b / m)
                for a, b, m in ((a, b, beta * a + (1 - beta) * b) for a, b in zip(p, q)))


def slope(value, row, column):
    """A difference quotient that is right to 20 digits."""
    def at(step):
        moved = [number(x) for x in row]
        moved[column] += step
        return value(moved)
    with mpmath.workdps(60):
        step = mpf(10) ** -20
        return float((at(step) - at(-step)) / (2 * step))


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_those_of_the_value(kind):
    x, y = rows(7, 6)
    for index in range(5):
        _, by_student, by_teacher = losses.distillation(
            x[index], y[index], divergence=kind, temperature=1.3, beta=0.3, gradient=True, teacher_gradient=True)
        t, beta = mpf(1.3), mpf(0.3)
        for column in (0, 3):
            want = slope(lambda row: divergence(kind, row, y[index], t, beta), x[index], column)
            np.testing.assert_allclose(by_student[column], want, rtol=1e-5, atol=1e-14)
            want = slope(lambda row: divergence(kind, x[index], row, t, beta), y[index], column)
            np.testing.assert_allclose(by_teacher[column], want, rtol=1e-5, atol=1e-14)


@functools.cache
def nearly_equal():
    random = np.random.default_rng(20)
    x = random.normal(0, 2, 128256).astype(np.float32)
    y = (x + random.normal(0, 1e-6, x.size)).astype(np.float32)
    return x, y


@pytest.mark.parametrize("kind", KINDS)
def test_a_vocabulary_of_logits_that_nearly_agree(kind):
    """Where float32 code that subtracts two log-softmaxes is 10^5 times off."""
    x, y = nearly_equal()
    with mpmath.workdps(40):
        want = divergence(kind, x, y, 1, mpf(0.5))
    got = losses.distillation(x, y, divergence=kind)
    assert abs(got / want - 1) < 2.0**-19


def test_probabilities_add_up_to_1():
    for seed, cols in enumerate(SIZES):
        x, _ = rows(seed, cols, 20.0)
        np.testing.assert_allclose(losses.softmax(x).sum(1), 1, rtol=2.0**-46)
        np.testing.assert_allclose(np.exp(losses.log_softmax(x)).sum(1), 1, rtol=2.0**-44)


def test_one_target_is_a_label():
    """The same row with all of the targets on one class."""
    for seed, cols in enumerate(SIZES):
        x, _ = rows(seed, cols, 20.0)
        labels = np.random.default_rng(seed).integers(0, cols, len(x))
        options = {"label_smoothing": 0.1, "z_loss": 1e-3, "reduction": "none"}
        want, slopes = losses.softmax_cross_entropy(x, labels, gradient=True, **options)
        got, gradient = losses.softmax_cross_entropy_soft(x, 3.0 * np.eye(cols)[labels], gradient=True, **options)
        np.testing.assert_allclose(got, want, rtol=2.0**-44)
        np.testing.assert_allclose(gradient, slopes, rtol=2.0**-40, atol=2.0**-46)


def test_cross_entropy_is_entropy_and_divergence():
    for seed, cols in enumerate(SIZES):
        x, y = rows(seed, cols)
        p = losses.softmax(y)
        entropy = losses.softmax_cross_entropy_soft(y, p, reduction="none")
        cross = losses.softmax_cross_entropy_soft(x, p, reduction="none")
        np.testing.assert_allclose(cross, entropy + losses.distillation(x, y, reduction="none"), rtol=2.0**-44)


def cross_entropy(logits, targets):
    p, total = softmax(logits)
    t = [number(x) for x in targets]
    return fsum(a * (total - number(z)) for a, z in zip(t, logits)) / fsum(t)


def test_gradients_of_cross_entropy_are_those_of_the_value():
    x, _ = rows(8, 6)
    t = np.random.default_rng(8).uniform(0, 2, (6, 6))
    for index in range(3):
        _, by_logits, by_targets = losses.softmax_cross_entropy_soft(
            x[index], t[index], gradient=True, target_gradient=True)
        for column in (1, 4):
            want = slope(lambda row: cross_entropy(row, t[index]), x[index], column)
            np.testing.assert_allclose(by_logits[column], want, rtol=1e-12)
            want = slope(lambda row: cross_entropy(x[index], row), t[index], column)
            np.testing.assert_allclose(by_targets[column], want, rtol=1e-12)


@pytest.mark.parametrize("logarithm", (False, True))
def test_products_are_those_of_the_jacobian(logarithm):
    x, v = rows(9, 5)
    product = losses.log_softmax_vjp if logarithm else losses.softmax_vjp
    for index in range(3):
        got = product(x[index], v[index], temperature=1.5)

        def value(row):
            p, _ = softmax(row, mpf(1.5))
            return fsum((mpmath.log(a) if logarithm else a) * number(b) for a, b in zip(p, v[index]))
        for column in range(5):
            np.testing.assert_allclose(got[column], slope(value, x[index], column), rtol=1e-11)
