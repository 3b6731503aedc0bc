"""SciPy's names mean what they mean in SciPy, wherever SciPy is right."""

import itertools

import numpy as np
import pytest

import nepit

scipy = pytest.importorskip("scipy", reason="SciPy is not installed: nothing is compared with it")
from scipy import special, stats  # noqa: E402
from scipy.spatial import distance  # noqa: E402

CLOSE = dict(rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2, None])
@pytest.mark.parametrize("base", [None, 2, 10.0])
def test_entropy(axis, base, random):
    p, q = random.random((2, 4, 5, 6))
    np.testing.assert_allclose(nepit.entropy(p, base=base, axis=axis), stats.entropy(p, base=base, axis=axis), **CLOSE)
    np.testing.assert_allclose(nepit.entropy(p, q, base, axis), stats.entropy(p, q, base, axis), **CLOSE)
    for pk, qk in [(p, None), (p, q)]:
        got = nepit.entropy(pk, qk, axis=axis, keepdims=True)
        want = stats.entropy(pk, qk, axis=axis, keepdims=True)
        assert got.shape == np.shape(want)
        np.testing.assert_allclose(got, want, **CLOSE)


def test_entropy_broadcasts_as_scipys(random):
    p, q = random.random((4, 1, 6)), random.random((5, 6))
    np.testing.assert_allclose(nepit.entropy(p, q, axis=-1), stats.entropy(p, q, axis=-1), **CLOSE)
    p, q = random.random((6, 4)), random.random((6, 1))
    np.testing.assert_allclose(nepit.entropy(p, q), stats.entropy(p, q), **CLOSE)


def test_entropy_of_lists_counts_and_zeros():
    for pk, qk in [([1, 2, 3], None), ([0.5, 0.5, 0], [0.5, 0.25, 0.25]), ([1, 0, 2], [1, 1, 1]), ([1, 1], [1, 0])]:
        assert nepit.entropy(pk, qk) == pytest.approx(stats.entropy(pk, qk), rel=1e-15)


VALUES = [0.0, -0.0, 1.0, 0.5, 1e-300, 1e300, -1.0, np.inf, -np.inf, np.nan, 5e-324, 3.0]


@pytest.mark.parametrize("name", ["entr", "rel_entr", "kl_div"])
def test_elementwise(name, random):
    mine, theirs = getattr(nepit, name), getattr(special, name)
    count = 1 if name == "entr" else 2
    for dtype in (np.float64, np.float32):
        x = random.random((count, 3, 100)).astype(dtype)
        got, want = mine(*x), theirs(*x)
        assert got.dtype == want.dtype
        rough = dtype is np.float32
        np.testing.assert_allclose(got, want, rtol=2e-6 if rough else 1e-12, atol=1e-7 if rough else 1e-15)

    def wrong_in_scipy(x, y=1.0):  # where x / y over- or underflows and the result does not; infinities have limits
        with np.errstate(all="ignore"):
            ratio = np.float64(x) / y
        return np.isinf([x, y]).any() or (x != 0 != y and (np.isinf(ratio) or ratio == 0)) if count == 2 else False

    for arguments in itertools.product(VALUES, repeat=count):
        if not wrong_in_scipy(*arguments):
            got, want = mine(*arguments), float(theirs(*arguments))
            assert got == pytest.approx(want, rel=1e-14, abs=0, nan_ok=True), arguments


@pytest.mark.parametrize("base", [None, 2])
def test_jensen_shannon_distance(base, random):
    p, q = random.random((2, 4, 5, 6))
    for axis in (0, 1, -1):
        got = nepit.jensen_shannon_distance(p, q, base=base, axis=axis)
        np.testing.assert_allclose(got, distance.jensenshannon(p, q, base=base, axis=axis), rtol=1e-10)
        kept = nepit.jensen_shannon_distance(p, q, base=base, axis=axis, keepdims=True)
        assert kept.shape == distance.jensenshannon(p, q, base=base, axis=axis, keepdims=True).shape
    assert nepit.jensen_shannon_distance([1, 0], [0, 1], base=2) == distance.jensenshannon([1, 0], [0, 1], base=2) == 1


def test_where_scipy_is_wrong(random):
    p = random.random((500, 50)) + 0.01
    q = p * (1 + 1e-9 * random.standard_normal(p.shape))
    with np.errstate(invalid="ignore"):
        assert (stats.entropy(p, q, axis=1) < 0).any() and np.isnan(distance.jensenshannon(p, q, axis=1)).any()
    assert (nepit.kl_divergence(p, q, axis=1) > 0).all()
    assert (nepit.jensen_shannon_distance(p, q, axis=1) > 0).all()
    assert nepit.entropy([1000, 1e-17]) == pytest.approx(4.7e-19, rel=0.03)
    assert nepit.entropy([1e308, 1e308], base=2) == 1.0
