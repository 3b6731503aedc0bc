"""Laws: one table of measures (measures.py), one loop for each law over all measures that obey it."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from measures import DIVERGENCES, ENTROPIES, ONE, OTHERS, TWO

import nepit

# Round numbers and far ones; zeros are frequent.
WEIGHTS = st.one_of(st.just(0.0), st.integers(1, 20).map(float), st.floats(1e-30, 1e30))


def rows_of(count):
    """`count` vectors of one length, none of which is all zero."""
    def some(n):
        row = st.lists(WEIGHTS, min_size=n, max_size=n).filter(any)
        return st.tuples(*[row] * count).map(lambda rows: [np.array(row) for row in rows])

    return st.integers(1, 12).flatmap(some)


def ids(measures):
    return pytest.mark.parametrize("measure", measures, ids=str)


def close(a, b, tolerance=1e-12):
    return a == b or math.isclose(a, b, rel_tol=tolerance)


@ids(ENTROPIES)
@given(rows=rows_of(1))
def test_entropies_lie_between_certainty_and_ignorance(measure, rows):
    (p,) = rows
    least = 1.0 if measure.name in ("hill_number", "perplexity") else 0.0
    value = measure(p)
    assert least <= value <= measure.greatest(max(len(p), 1)) * (1 + 1e-13)
    assert not (value == 0 and np.signbit(value))
    certain = np.zeros(5)
    certain[2] = 3.0
    assert measure(certain) == least
    assert close(measure(np.full(len(p), 0.37)), measure.greatest(len(p)))


@ids(TWO)
@given(rows=rows_of(2))
def test_two_distributions(measure, rows):
    p, q = rows
    value = measure(p, q)
    assert value >= 0 and not np.signbit(value)
    if measure.greatest:
        assert value <= measure.greatest(len(p)) * (1 + 1e-13)
    if measure.symmetric:
        assert close(value, measure(q, p), 1e-11)


@ids(DIVERGENCES)
@given(rows=rows_of(1), power=st.integers(-60, 60))
def test_no_divergence_of_equals(measure, rows, power):
    (p,) = rows
    assert measure(p, p) == 0 and measure(p, p * 2.0**power) == 0


@ids(DIVERGENCES)
@pytest.mark.parametrize("size", [1e-3, 1e-8, 1e-12, 1e-15])
def test_no_divergence_is_negative_between_neighbours(measure, size, random):
    for n in (2, 9, 50):
        p = random.random((200, n)) + 0.01
        q = p * (1 + size * random.standard_normal(p.shape))
        assert (measure(p, q, axis=1) >= 0).all()


@ids(ONE + TWO)
@given(rows=rows_of(2), power=st.integers(-100, 100))
def test_scale_does_not_matter(measure, rows, power):
    rows = rows[:1] if measure in ONE else rows
    scaled = [row * 2.0**power for row in rows]
    assert close(measure(*rows), measure(*scaled), 2.0**-43)  # twice the widest bound


@ids([m for m in ONE + TWO if m.reference])
@given(rows=rows_of(2))
def test_the_plain_formula_agrees_where_it_is_right(measure, rows):
    rows = rows[:1] if measure in ONE else rows
    normal = [row / math.fsum(row) for row in rows]
    # The formula cancels, so its own error is absolute; accuracy proper is the vectors' business.
    try:
        want = measure.reference(*normal)
    except (OverflowError, ZeroDivisionError):
        return
    assert math.isclose(measure(*rows), want, rel_tol=1e-9, abs_tol=1e-7)


@ids([m for m in ONE + TWO if m.unit])
@given(rows=rows_of(2))
def test_units(measure, rows):
    rows = rows[:1] if measure in ONE else rows
    divisor = math.sqrt if measure.name == "jensen_shannon_distance" else float
    assert close(measure(*rows, base=2), measure(*rows) / divisor(math.log(2)), 1e-15)
    assert close(measure(*rows, base=10), measure(*rows) / divisor(math.log(10)), 1e-15)
    assert measure(*rows, base=math.e) == measure(*rows)


@ids([m for m in DIVERGENCES if m.processed])
@given(rows=rows_of(2), seed=st.integers(0, 1000))
def test_merging_outcomes_never_adds_divergence(measure, rows, seed):
    p, q = rows
    into = np.random.default_rng(seed).integers(0, max(len(p) // 2, 1), len(p))
    fewer = [np.bincount(into, weights=row) for row in rows]
    value = measure(p, q)
    assert measure(*fewer) <= value * (1 + 1e-9) + 1e-13


@ids([m for m in ENTROPIES])
@given(rows=rows_of(1), seed=st.integers(0, 1000))
def test_merging_outcomes_never_adds_uncertainty(measure, rows, seed):
    (p,) = rows
    into = np.random.default_rng(seed).integers(0, max(len(p) // 2, 1), len(p))
    assert measure(np.bincount(into, weights=p)) <= measure(p) * (1 + 1e-12)


@ids(ONE + TWO)
def test_counts_are_as_their_values(measure, random):
    counts = [random.integers(0, 1000, 17) for _ in range(1 if measure in ONE else 2)]
    assert measure(*counts) == measure(*(row.astype(float) for row in counts))
    assert measure(*(row.astype(np.uint16) for row in counts)) == measure(*counts)


@ids(ONE + TWO)
@pytest.mark.parametrize("wrong", [[1, -1, 3], [1, np.nan, 3], [1, np.inf, 3], [0, 0, 0]], ids=str)
def test_a_row_that_is_none_gives_nan_and_no_other_does(measure, wrong):
    good = np.array([[3.0, 2.0, 1.0], [1.0, 5.0, 2.0]])
    table = np.insert(good, 1, wrong, axis=0)
    if measure in ONE:
        result = measure(table, axis=1)
        assert np.isnan(result[1]) and np.array_equal(result[[0, 2]], measure(good, axis=1))
        return
    for arrays, clean in [((table, good[0]), (good, good[0])), ((good[0], table), (good[0], good))]:
        result = measure(*arrays, axis=1)
        assert np.isnan(result[1]) and np.array_equal(result[[0, 2]], measure(*clean, axis=1))


@ids([m for m in ONE + TWO if m.gradient])
def test_gradients_against_differences(measure, random):
    rows = [random.random(6) + 0.1 for _ in range(1 if measure in ONE else 2)]
    if measure.name == "hartley_entropy":
        rows = [row[:1] for row in rows]  # flat everywhere else is 0, too, but says less
    value, *gradients = measure(*rows, gradient=True)
    assert value == measure(*rows)
    h = 2.0**-13
    for which, gradient in enumerate(gradients):
        for j in range(len(rows[which])):
            def at(step, which=which, j=j):
                moved = [row.copy() for row in rows]
                moved[which][j] += step
                return measure(*moved)

            # Five points: the error is of order h^4.
            slope = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)
            assert gradient[j] == pytest.approx(slope, rel=1e-8, abs=1e-10)


# --------------------------------------------------------------------------------------- relations between measures


@given(rows_of(2))
def test_cross_entropy_is_entropy_and_divergence(rows):
    p, q = rows
    assert close(nepit.cross_entropy(p, q), nepit.entropy(p) + nepit.kl_divergence(p, q), 1e-13)
    assert close(nepit.jeffreys_divergence(p, q), nepit.kl_divergence(p, q) + nepit.kl_divergence(q, p))


@given(rows_of(2))
def test_special_cases(rows):
    p, q = rows
    assert nepit.entropy(p, q) == nepit.kl_divergence(p, q)
    assert close(nepit.renyi_entropy(p, 1), nepit.entropy(p))
    assert nepit.renyi_entropy(p, 2) == nepit.collision_entropy(p)
    assert nepit.renyi_entropy(p, math.inf) == nepit.min_entropy(p)
    assert nepit.renyi_entropy(p, 0) == nepit.hartley_entropy(p)
    assert close(nepit.hartley_entropy(p), math.log(np.count_nonzero(p)))
    assert close(nepit.hill_number(p, 1), nepit.perplexity(p))
    assert close(nepit.perplexity(p), math.exp(nepit.entropy(p)))
    assert close(nepit.renyi_divergence(p, q, 1), nepit.kl_divergence(p, q))
    assert close(nepit.alpha_divergence(p, q, -1), nepit.kl_divergence(p, q))
    assert close(nepit.alpha_divergence(p, q, 1), nepit.kl_divergence(q, p))
    assert close(nepit.alpha_divergence(p, q, 0), 4 * nepit.squared_hellinger_distance(p, q))
    assert close(nepit.squared_hellinger_distance(p, q), nepit.hellinger_distance(p, q)**2)
    assert close(nepit.jensen_shannon_divergence(p, q), nepit.jensen_shannon_distance(p, q)**2)
    assert close(nepit.pearson_chi2(p, q), nepit.neyman_chi2(q, p))
    assert close(nepit.renyi_divergence(p, q, 2), np.log1p(nepit.pearson_chi2(p, q)))
    assert close(nepit.generalized_jensen_shannon([p, q]), nepit.jensen_shannon_divergence(p, q))
    assert close(nepit.population_stability_index(p, q, floor=0), nepit.jeffreys_divergence(p, q))


@given(rows_of(2))
def test_orders_are_ordered(rows):
    p, q = rows
    orders = [0, 0.25, 0.5, 0.999999, 1, 1.000001, 2, 7, math.inf]
    entropies = [nepit.renyi_entropy(p, order) for order in orders]
    assert all(a >= b * (1 - 1e-12) for a, b in zip(entropies, entropies[1:]))
    divergences = [nepit.renyi_divergence(p, q, order) for order in orders]
    assert all(a <= b * (1 + 1e-9) + 1e-15 for a, b in zip(divergences, divergences[1:]))


@given(rows_of(2))
def test_inequalities_between_divergences(rows):
    p, q = rows
    tv, h2 = nepit.total_variation(p, q), nepit.squared_hellinger_distance(p, q)
    near = 1 + 1e-12
    assert h2 <= tv * near and tv <= math.sqrt(2 * h2) * near  # Le Cam
    assert 2 * tv**2 <= nepit.kl_divergence(p, q) * near  # Pinsker
    assert nepit.kl_divergence(p, q) <= np.log1p(nepit.pearson_chi2(p, q)) * near + 1e-15
    assert nepit.chernoff_information(p, q) >= nepit.bhattacharyya_distance(p, q) * (1 - 1e-12)
    assert 0 <= nepit.chernoff_exponent(p, q) <= 1


@pytest.mark.parametrize("n", [2, 5, 20])
def test_entropy_of_independent_pairs_is_the_sum(n, random):
    p, q = random.random(n), random.random(n + 1)
    for order in (0.5, 1, 2, math.inf):
        assert nepit.renyi_entropy(np.outer(p, q), order, axis=None) == pytest.approx(
            nepit.renyi_entropy(p, order) + nepit.renyi_entropy(q, order), rel=1e-13)
    r, s = random.random(n), random.random(n + 1)
    assert nepit.kl_divergence(np.outer(p, q), np.outer(r, s), axis=None) == pytest.approx(
        nepit.kl_divergence(p, r) + nepit.kl_divergence(q, s), rel=1e-12)


def test_the_distance_is_a_metric(random):
    for _ in range(100):
        p, q, r = random.dirichlet(np.full(5, 0.3), 3)
        d = nepit.jensen_shannon_distance
        assert d(p, r) <= (d(p, q) + d(q, r)) * (1 + 1e-13)


def test_kl_where_everybody_cancels():
    # Two weights, one of them moved by e: KL = e^2 / (2 p (1 - p)) + O(e^3), which SciPy cannot see.
    for e in (2.0**-20, 2.0**-30, 2.0**-40):
        assert nepit.kl_divergence([0.5, 0.5], [0.5 + e, 0.5 - e]) == pytest.approx(2 * e * e, rel=4 * e * e + 1e-14)


def test_a_floor_that_is_a_denormal():
    # It was NaN with AVX-512 and 0 with AVX2.
    p, q = [0, 0.25, 0.75], [0.5, 0.5, 0]
    value = nepit.population_stability_index(p, q, floor=5e-324)
    assert value == nepit.population_stability_index(p, q, floor=2.0**-900)
    assert value == pytest.approx(1.25 * 900 * np.log(2) + 0.5 * np.log(0.5) + 0.75 * np.log(0.75)
                                  - 0.25 * np.log(0.5), rel=1e-12)


def test_the_examples_of_the_lecture():
    assert nepit.entropy([0.5, 0.5], base=2) == 1.0
    assert nepit.entropy([0.9, 0.1], base=2) == pytest.approx(0.46899559358928117, rel=1e-15)
    assert nepit.kl_divergence([0.5, 0.5], [0.6, 0.4], base=2) == pytest.approx(0.029446844526784, rel=1e-12)
    assert nepit.cross_entropy([1, 0], [0.9, 0.1]) == pytest.approx(0.10536051565782628, rel=1e-15)


def test_others_are_in_the_table():
    assert {m.name for m in OTHERS} == {"cross_entropy", "bhattacharyya_coefficient", "chernoff_exponent"}
