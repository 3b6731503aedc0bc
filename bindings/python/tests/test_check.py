"""Whether weights are a distribution: check_distribution, and check=True."""

import ml_dtypes
import numpy as np
import pytest
from measures import ONE, TWO

import nepit
from nepit import Finding, NepitError, check_distribution


def test_a_vector():
    good = check_distribution([0.5, 0.25, 0.25])
    assert good and good.ok is True and good.finding == Finding(0) and good.excess == 0.0
    assert str(good) == "a distribution"
    bad = check_distribution([0.5, 0.25])
    assert not bad and bad.ok is False and bad.finding is Finding.NOT_NORMALIZED and bad.excess == -0.25
    assert str(bad) == "p: it sums to 0.75, off by -0.25"


@pytest.mark.parametrize("row, finding, said", [
    ([0.5, 0.5], Finding(0), None),
    ([-0.5, 1.5], Finding.NEGATIVE, "a weight is negative"),
    ([np.nan, 1.0], Finding.NAN | Finding.NOT_NORMALIZED, "a weight is NaN"),
    ([np.inf, 1.0], Finding.INFINITE | Finding.NOT_NORMALIZED, "a weight is infinite"),
    ([0.0, 0.0], Finding.ZERO_SUM | Finding.NOT_NORMALIZED, "all weights are 0"),
    ([0.5, 0.5 + 1e-6], Finding.NOT_NORMALIZED, "it sums to 1.000001, off by 1e-06"),
    ([2.0, -0.5], Finding.NOT_NORMALIZED | Finding.NEGATIVE, "a weight is negative; it sums to 1.5, off by 0.5"),
])
def test_findings(row, finding, said):
    table = np.array([[1.0, 0.0], row, [0.25, 0.75]])
    result = check_distribution(table, axis=1)
    found = Finding(int(result.finding[1]))
    assert found & ~Finding.NOT_NORMALIZED == finding & ~Finding.NOT_NORMALIZED
    assert bool(result) == (finding == 0) and list(result.ok) == [True, finding == 0, True]
    assert result.finding.dtype == np.int32 and result.excess.dtype == np.float64
    if said:
        assert str(result) == f"p[1, :]: {said}"
        with pytest.raises(NepitError) as caught:
            nepit.entropy(table, axis=1, check=True)
        assert str(caught.value) == f"pk[1, :] is no distribution: {said}"
    else:
        assert str(result) == "every row is a distribution"
        assert nepit.entropy(table, axis=1, check=True).shape == (3,)


def test_the_place_is_told_as_one_would_index_it():
    p = np.full((2, 3, 4), 0.25)
    p[1, :, 2] = 0.5
    for axis in (1, -2):
        with pytest.raises(NepitError) as caught:
            nepit.renyi_entropy(p, 2, axis=axis, check=True)
        assert str(caught.value).startswith("p[0, :, 0] is no distribution: it sums to 0.75")
    with pytest.raises(NepitError) as caught:
        nepit.renyi_entropy(p, 2, axis=2, check=True)
    assert str(caught.value).startswith("p[1, 0, :] is no distribution: it sums to 1.25")
    assert "(3 of 6 rows are no distributions)" in str(caught.value)
    with pytest.raises(NepitError, match=r"^p is no distribution"):
        nepit.renyi_entropy(p, 2, axis=None, check=True)


def test_counts_are_told_that_they_are_counts():
    with pytest.raises(NepitError, match="sums to 6, off by 5; integer counts are not normalised"):
        nepit.entropy([1, 2, 3], check=True)
    assert nepit.entropy([0, 1, 0], check=True) == 0.0


def test_the_second_of_two_is_named():
    with pytest.raises(NepitError, match=r"^q is no distribution"):
        nepit.kl_divergence([0.5, 0.5], [0.5, 0.6], check=True)
    with pytest.raises(NepitError, match=r"^qk is no distribution"):
        nepit.entropy([0.5, 0.5], [0.5, 0.6], check=True)
    with pytest.raises(NepitError, match=r"^ps\[1\] is no distribution"):
        nepit.generalized_jensen_shannon([[0.5, 0.5], [0.5, 0.6]], check=True)
    assert nepit.generalized_jensen_shannon([[0.5, 0.5], [0.4, 0.6]], check=True) > 0


@pytest.mark.parametrize("measure", ONE + TWO, ids=str)
def test_every_measure_checks(measure):
    good = [np.array([0.5, 0.5]), np.array([0.25, 0.75])][: 1 if measure in ONE else 2]
    assert measure(*good, check=True) == measure(*good)
    for i in range(len(good)):
        with pytest.raises(NepitError, match="is no distribution"):
            measure(*(row * 2 if i == j else row for j, row in enumerate(good)), check=True)


def test_tolerances():
    p = np.array([0.1] * 10)
    assert check_distribution(p) and check_distribution(p.astype(np.float32))
    assert check_distribution(p.astype(np.float16)) and check_distribution(p.astype(ml_dtypes.bfloat16))
    assert not check_distribution(p.astype(np.float16).astype(float))
    assert check_distribution([0.5, 0.51], tolerance=0.011) and not check_distribution([0.5, 0.51], tolerance=0.009)
    assert check_distribution([3, 4], tolerance=float("inf"))
    assert not check_distribution([0.5, 0.5 + 1e-15], tolerance=0)


def test_many_rows_are_told_in_a_few_lines():
    lines = str(check_distribution(np.ones((50, 3)), axis=1)).splitlines()
    assert len(lines) == 11 and lines[-1] == "... 50 of 50 rows are no distributions"
    assert lines[9] == "p[9, :]: it sums to 3, off by 2"
