"""Divergences between two distributions, and among several."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import _arrays, _calls
from .._arrays import View, number
from .._calls import base_of, two
from .._library import NepitError
from .._library import functions as c
from .._manual import documented


@documented
def cross_entropy(p: Any, q: Any, base: Any = None, axis: Any = 0, *, keepdims: bool = False, check: bool = False,
                  gradient: bool = False, threads: int = 0, progress: Any = None) -> Any:
    """Cross-entropy of each row of `p` relative to `q`.

    H(p, q) = -sum_j p_j log q_j: the code length of outcomes of p in a code made for q.

    Parameters
    ----------
    p : array_like
        Counts or probabilities, at least 0; normalised along `axis`.
    q : array_like
        Weights of the reference, likewise.
    <options>

    Returns
    -------
    float or ndarray
        At least the entropy of `p`, in nepits if no `base` is given; infinity where `p` has mass and `q` has none. NaN
        for a row that `entropy` gives NaN for. Relative error at most 2^-50 (float32 and half floats 2^-21).

    <raises>

    References
    ----------
    Murphy (2022), Probabilistic Machine Learning, equation 6.7.

    Examples
    --------
    >>> import nepit
    >>> round(nepit.cross_entropy([0.5, 0.5], [0.25, 0.75], base=2), 12)
    1.207518749639
    """
    return two(c.nepit_cross_entropy, c.nepit_cross_entropy_gradient, p, q, (base_of(base),), axis, keepdims, check,
               gradient, threads, progress)


@documented
def kl_divergence(p: Any, q: Any, base: Any = None, axis: Any = 0, *, keepdims: bool = False, check: bool = False,
                  gradient: bool = False, threads: int = 0, progress: Any = None) -> Any:
    """Kullback-Leibler divergence of each row of `p` from `q`.

    D(p || q) = sum_j p_j log(p_j / q_j)

    Parameters
    ----------
    p : array_like
        Counts or probabilities, at least 0; normalised along `axis`.
    q : array_like
        Weights of the reference, likewise.
    <options>

    Returns
    -------
    float or ndarray
        At least 0, and 0 for equal rows, in nepits if no `base` is given; infinity where `p` has mass and `q` has none.
        NaN for a row that `entropy` gives NaN for. Relative error at most 2^-48, also where `p` and `q` nearly agree
        (float32 and half floats 2^-20).

    <raises>

    References
    ----------
    Cover and Thomas (2006), Elements of Information Theory, equation 2.26.

    Examples
    --------
    >>> import nepit
    >>> round(nepit.kl_divergence([0.5, 0.5], [0.25, 0.75], base=2), 12)
    0.207518749639
    >>> nepit.kl_divergence([[1, 2], [3, 0]], [1, 1], base=2, axis=1).round(3)
    array([0.082, 1.   ])
    """
    return two(c.nepit_kl_divergence, c.nepit_kl_divergence_gradient, p, q, (base_of(base),), axis, keepdims, check,
               gradient, threads, progress)


@documented
def jeffreys_divergence(p: Any, q: Any, base: Any = None, axis: Any = 0, *, keepdims: bool = False, check: bool = False,
                        gradient: bool = False, threads: int = 0, progress: Any = None) -> Any:
    """Jeffreys divergence of each pair of rows: the sum of both Kullback-Leibler divergences.

    J(p, q) = sum_j (p_j - q_j) log(p_j / q_j)

    Parameters
    ----------
    p, q : array_like
        Counts or probabilities, at least 0; normalised along `axis`.
    <options>

    Returns
    -------
    float or ndarray
        At least 0, and 0 for equal rows, in nepits if no `base` is given; infinity where one has mass and the other has
        none. NaN for a row that `entropy` gives NaN for. Relative error at most 2^-48 (float32 and half floats 2^-21).

    <raises>

    References
    ----------
    Jeffreys (1946), An invariant form for the prior probability, equation 1.

    Examples
    --------
    >>> import nepit
    >>> round(nepit.jeffreys_divergence([0.5, 0.5], [0.25, 0.75], base=2), 12)
    0.39624062518
    """
    return two(c.nepit_jeffreys_divergence, c.nepit_jeffreys_divergence_gradient, p, q, (base_of(base),), axis,
               keepdims, check, gradient, threads, progress)


@documented
def jensen_shannon_divergence(p: Any, q: Any, weight: float = 0.5, base: Any = None, axis: Any = 0, *,
                              keepdims: bool = False, check: bool = False, gradient: bool = False, threads: int = 0,
                              progress: Any = None) -> Any:
    """Jensen-Shannon divergence of each pair of rows.

    JS = w D(p || m) + (1 - w) D(q || m) with m = w p + (1 - w) q. SciPy's
    ``spatial.distance.jensenshannon`` is the square root of it, here `jensen_shannon_distance`.

    Parameters
    ----------
    p, q : array_like
        Counts or probabilities, at least 0; normalised along `axis`.
    weight : float, default 0.5
        The weight of `p`, from 0 to 1.
    <options>

    Returns
    -------
    float or ndarray
        From 0 to h(weight), the binary entropy of the weight, in nepits if no `base` is given. NaN for a row that
        `entropy` gives NaN for. Relative error at most 2^-48 (float32 and half floats 2^-20).

    <raises>

    References
    ----------
    Lin (1991), Divergence measures based on the Shannon entropy, equation 4.1.

    Examples
    --------
    >>> import nepit
    >>> nepit.jensen_shannon_divergence([1, 0], [0, 1], base=2)
    1.0
    """
    return two(c.nepit_jensen_shannon_divergence, c.nepit_jensen_shannon_divergence_gradient, p, q,
               (number(weight, "weight"), base_of(base)), axis, keepdims, check, gradient, threads, progress)


@documented
def jensen_shannon_distance(p: Any, q: Any, weight: float = 0.5, base: Any = None, axis: Any = 0, *,
                            keepdims: bool = False, check: bool = False, gradient: bool = False, threads: int = 0,
                            progress: Any = None) -> Any:
    """Jensen-Shannon distance of each pair of rows: the square root of the divergence.

    A metric for a weight of 1/2; as ``scipy.spatial.distance.jensenshannon``.

    Parameters
    ----------
    p, q : array_like
        Counts or probabilities, at least 0; normalised along `axis`.
    weight : float, default 0.5
        The weight of `p`, from 0 to 1.
    <options>

    Returns
    -------
    float or ndarray
        At least 0; `base` is that of the divergence. NaN for a row that `entropy` gives NaN for. Relative error at most
        2^-48 (float32 and half floats 2^-21).

    <raises>

    References
    ----------
    Endres and Schindelin (2003), A new metric for probability distributions.

    Examples
    --------
    >>> import nepit
    >>> nepit.jensen_shannon_distance([1, 0], [0, 1], base=2)
    1.0
    """
    return two(c.nepit_jensen_shannon_distance, c.nepit_jensen_shannon_distance_gradient, p, q,
               (number(weight, "weight"), base_of(base)), axis, keepdims, check, gradient, threads, progress)


@documented
def generalized_jensen_shannon(ps: Any, weights: Any = None, base: Any = None, axis: Any = 0, *,
                               keepdims: bool = False, check: bool = False, threads: int = 0,
                               progress: Any = None) -> Any:
    """Jensen-Shannon divergence among several distributions.

    JS = sum_i v_i D(p_i || m) with m = sum_i v_i p_i: the mutual information between an outcome and which of the
    distributions it came from.

    Parameters
    ----------
    ps : sequence of array_like, or array_like
        The distributions p_0, p_1, ..., arrays of one shape, or an array whose first axis runs over them. `axis` is
        an axis of each of them, so for an array of one dimension more it does not count the first.
    weights : array_like, optional
        The v_i, at least 0, normalised; equal by default.
    <options>

    Returns
    -------
    float or ndarray
        From 0 to the entropy of the weights, in nepits if no `base` is given. NaN where a row that has weight is one
        that `entropy` gives NaN for. Relative error at most 2^-46 (float32 and half floats 2^-21).

    <raises>

    References
    ----------
    Lin (1991), Divergence measures based on the Shannon entropy, equation 5.1.

    Examples
    --------
    >>> import nepit
    >>> nepit.generalized_jensen_shannon([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]], base=2)
    2.0
    """
    stack = _stacked(ps)
    members = stack.array.shape[0]
    if check:
        for i in range(members):
            _calls.require_distributions(stack.replaced(stack.array[i]), f"ps[{i}]", axis, threads)
    mixing = None
    if weights is not None:
        mixing = np.ascontiguousarray(_arrays.widened(_arrays.view(weights, "weights")), dtype=np.float64)
        if mixing.shape != (members,):
            raise NepitError(f"weights has shape {mixing.shape}, but there are {members} distributions")

    one = stack.replaced(stack.array[0])
    _, kept = _arrays.aligned_to_axis([one], ["ps"], axis)  # the axis is right for a member, so it is for the stack
    array = stack.array.reshape(members, -1) if axis is None else np.moveaxis(stack.array, axis % len(kept) + 1, -1)
    array = np.moveaxis(array, 0, -2)  # the members of a group lie side by side
    lead = array.shape[:-2]
    if members * array.shape[-1] < 4096 and array.ndim > 2:
        # A call for each small group would cost more than one copy, if their rows have no common stride.
        array = array.reshape(-1, members, array.shape[-1])
    numbers = (members, None if mixing is None else mixing.ctypes.data, base_of(base))
    (values,), _ = _calls.run(c.nepit_generalized_jensen_shannon, [array], [stack.code], numbers, [], members=members,
                              threads=threads, progress=progress)
    return _calls.finished(values.reshape(lead), kept if keepdims else None)


def _stacked(ps: Any) -> View:
    """The distributions as one array with a first axis that runs over them."""
    if not isinstance(ps, (list, tuple)):
        stack = _arrays.view(ps, "ps")
    elif not ps:
        raise NepitError("ps has no distributions")
    else:
        views = [_arrays.view(p, f"ps[{i}]") for i, p in enumerate(ps)]
        shapes = {item.array.shape for item in views}
        if len(shapes) > 1:
            told = ", ".join(str(item.array.shape) for item in views)
            raise NepitError(f"the distributions in ps have different shapes: {told}")
        if len({item.code for item in views}) == 1:
            stack = views[0].replaced(np.stack([item.array for item in views]))
        else:
            stack = _arrays.view(np.stack([_arrays.widened(item) for item in views]), "ps")
    if stack.array.ndim < 2:
        raise NepitError("ps must hold distributions, which need an axis of their own")
    if not stack.array.shape[0]:
        raise NepitError("ps has no distributions")
    return stack


@documented
def renyi_divergence(p: Any, q: Any, order: float, base: Any = None, axis: Any = 0, *, keepdims: bool = False,
                     check: bool = False, gradient: bool = False, threads: int = 0, progress: Any = None) -> Any:
    """Renyi divergence of each row of `p` from `q`.

    D_a(p || q) = log(sum_j p_j^a q_j^(1-a)) / (a - 1), with its limits: order 0 is -log q(p > 0), 1 is
    Kullback-Leibler, infinity log max(p / q).

    Parameters
    ----------
    p : array_like
        Counts or probabilities, at least 0; normalised along `axis`.
    q : array_like
        Weights of the reference, likewise.
    order : float
        The order a, from 0 to infinity; with `gradient` finite and greater than 0.
    <options>

    Returns
    -------
    float or ndarray
        At least 0, in nepits if no `base` is given; infinity for an order of at least 1 where `p` has mass and `q` has
        none, and for any order where they share no outcome. NaN for a row that `entropy` gives NaN for. Relative error
        at most 2^-44, also for an order near 1 (float32 and half floats 2^-21).

    <raises>

    References
    ----------
    van Erven and Harremoes (2014), Renyi divergence and Kullback-Leibler divergence, definition 2.

    Examples
    --------
    >>> import nepit
    >>> round(nepit.renyi_divergence([0.5, 0.5], [0.25, 0.75], order=2, base=2), 12)
    0.415037499279
    """
    return two(c.nepit_renyi_divergence, c.nepit_renyi_divergence_gradient, p, q,
               (number(order, "order"), base_of(base)), axis, keepdims, check, gradient, threads, progress)


@documented
def tsallis_divergence(p: Any, q: Any, order: float, axis: Any = 0, *, keepdims: bool = False, check: bool = False,
                       threads: int = 0, progress: Any = None) -> Any:
    """Tsallis divergence of each row of `p` from `q`.

    T_a(p || q) = (sum_j p_j^a q_j^(1-a) - 1) / (a - 1); order 1 is the Kullback-Leibler divergence in nepits.

    Parameters
    ----------
    p : array_like
        Counts or probabilities, at least 0; normalised along `axis`.
    q : array_like
        Weights of the reference, likewise.
    order : float
        The order a, at least 0 and finite.
    <options>

    Returns
    -------
    float or ndarray
        At least 0; it has no unit. Infinity for an order of at least 1 where `p` has mass and `q` has none. NaN for a
        row that `entropy` gives NaN for. Relative error at most 2^-43, also for an order near 1 (float32 and half
        floats 2^-21).

    <raises>

    References
    ----------
    Tsallis (1998), Generalized entropy-based criterion for consistent testing, equation 5.

    Examples
    --------
    >>> import nepit
    >>> round(nepit.tsallis_divergence([0.5, 0.5], [0.25, 0.75], order=2), 12)
    0.333333333333
    """
    return two(c.nepit_tsallis_divergence, None, p, q, (number(order, "order"),), axis, keepdims, check, False, threads,
               progress)


@documented
def alpha_divergence(p: Any, q: Any, alpha: float, axis: Any = 0, *, keepdims: bool = False, check: bool = False,
                     threads: int = 0, progress: Any = None) -> Any:
    """Amari's alpha divergence of each pair of rows.

    D_a(p, q) = 4 / (1 - a^2) (1 - sum_j p_j^((1-a)/2) q_j^((1+a)/2)), with its limits: -1 is D(p || q), 1 is
    D(q || p); 0 is four times the squared Hellinger distance.

    Parameters
    ----------
    p, q : array_like
        Counts or probabilities, at least 0; normalised along `axis`.
    alpha : float
        The parameter a, any finite number.
    <options>

    Returns
    -------
    float or ndarray
        At least 0; it has no unit. Infinity for a <= -1 where `p` has mass and `q` has none, for a >= 1 where `q` has
        mass and `p` has none. NaN for a row that `entropy` gives NaN for. Relative error at most 2^-44, also near -1
        and 1 (float32 and half floats 2^-21).

    <raises>

    References
    ----------
    Amari (2016), Information Geometry and Its Applications, equation 3.39.

    Examples
    --------
    >>> import nepit
    >>> nepit.alpha_divergence([1, 0], [0, 1], alpha=0)
    4.0
    """
    return two(c.nepit_alpha_divergence, None, p, q, (number(alpha, "alpha"),), axis, keepdims, check, False, threads,
               progress)


@documented
def hellinger_distance(p: Any, q: Any, axis: Any = 0, *, keepdims: bool = False, check: bool = False,
                       gradient: bool = False, threads: int = 0, progress: Any = None) -> Any:
    """Hellinger distance of each pair of rows.

    H(p, q) = sqrt(sum_j (sqrt(p_j) - sqrt(q_j))^2 / 2)

    Parameters
    ----------
    p, q : array_like
        Counts or probabilities, at least 0; normalised along `axis`.
    <options>

    Returns
    -------
    float or ndarray
        From 0 to 1; it has no unit. NaN for a row that `entropy` gives NaN for. Relative error at most 2^-48 (float32
        and half floats 2^-21).

    <raises>

    References
    ----------
    Tsybakov (2009), Introduction to Nonparametric Estimation, section 2.4, over sqrt(2).

    Examples
    --------
    >>> import nepit
    >>> nepit.hellinger_distance([1, 0], [0, 1])
    1.0
    """
    return two(c.nepit_hellinger_distance, c.nepit_hellinger_distance_gradient, p, q, (), axis, keepdims, check,
               gradient, threads, progress)


@documented
def squared_hellinger_distance(p: Any, q: Any, axis: Any = 0, *, keepdims: bool = False, check: bool = False,
                               gradient: bool = False, threads: int = 0, progress: Any = None) -> Any:
    """Squared Hellinger distance of each pair of rows.

    H^2(p, q) = 1 - sum_j sqrt(p_j q_j)

    Parameters
    ----------
    p, q : array_like
        Counts or probabilities, at least 0; normalised along `axis`.
    <options>

    Returns
    -------
    float or ndarray
        From 0 to 1; it has no unit. NaN for a row that `entropy` gives NaN for. Relative error at most 2^-48 (float32
        and half floats 2^-21).

    <raises>

    References
    ----------
    Tsybakov (2009), Introduction to Nonparametric Estimation, section 2.4, over 2.

    Examples
    --------
    >>> import nepit
    >>> round(nepit.squared_hellinger_distance([0.36, 0.64], [0.64, 0.36]), 12)
    0.04
    """
    return two(c.nepit_squared_hellinger_distance, c.nepit_squared_hellinger_distance_gradient, p, q, (), axis,
               keepdims, check, gradient, threads, progress)


@documented
def bhattacharyya_coefficient(p: Any, q: Any, axis: Any = 0, *, keepdims: bool = False, check: bool = False,
                              threads: int = 0, progress: Any = None) -> Any:
    """Bhattacharyya coefficient of each pair of rows.

    B(p, q) = sum_j sqrt(p_j q_j)

    Parameters
    ----------
    p, q : array_like
        Counts or probabilities, at least 0; normalised along `axis`.
    <options>

    Returns
    -------
    float or ndarray
        From 0 to 1, and 1 for equal rows; it has no unit. NaN for a row that `entropy` gives NaN for. Relative error at
        most 2^-48 (float32 and half floats 2^-21).

    <raises>

    References
    ----------
    Kailath (1967), The divergence and Bhattacharyya distance measures, equation 3.

    Examples
    --------
    >>> import nepit
    >>> round(nepit.bhattacharyya_coefficient([0.36, 0.64], [0.64, 0.36]), 12)
    0.96
    """
    return two(c.nepit_bhattacharyya_coefficient, None, p, q, (), axis, keepdims, check, False, threads, progress)


@documented
def bhattacharyya_distance(p: Any, q: Any, base: Any = None, axis: Any = 0, *, keepdims: bool = False,
                           check: bool = False, threads: int = 0, progress: Any = None) -> Any:
    """Bhattacharyya distance of each pair of rows.

    -log B(p, q), B the Bhattacharyya coefficient.

    Parameters
    ----------
    p, q : array_like
        Counts or probabilities, at least 0; normalised along `axis`.
    <options>

    Returns
    -------
    float or ndarray
        At least 0, in nepits if no `base` is given; infinity where they share no outcome. NaN for a row that `entropy`
        gives NaN for. Relative error at most 2^-47 (float32 and half floats 2^-21).

    <raises>

    References
    ----------
    Kailath (1967), The divergence and Bhattacharyya distance measures, equation 4.

    Examples
    --------
    >>> import nepit
    >>> nepit.bhattacharyya_distance([1, 0], [1, 3], base=2)
    1.0
    """
    return two(c.nepit_bhattacharyya_distance, None, p, q, (base_of(base),), axis, keepdims, check, False, threads,
               progress)


@documented
def chernoff_information(p: Any, q: Any, base: Any = None, axis: Any = 0, *, keepdims: bool = False,
                         check: bool = False, threads: int = 0, progress: Any = None) -> Any:
    """Chernoff information of each pair of rows: the best exponent of the error in telling p from q.

    C(p, q) = max over s in [0, 1] of -log sum_j p_j^s q_j^(1-s); `chernoff_exponent` gives the s.

    Parameters
    ----------
    p, q : array_like
        Counts or probabilities, at least 0; normalised along `axis`.
    <options>

    Returns
    -------
    float or ndarray
        At least 0, in nepits if no `base` is given; infinity where they share no outcome. NaN for a row that `entropy`
        gives NaN for. Relative error at most 2^-44 (float32 and half floats 2^-21).

    <raises>

    References
    ----------
    Cover and Thomas (2006), Elements of Information Theory, equation 11.239.

    Examples
    --------
    >>> import nepit
    >>> nepit.chernoff_information([1, 0], [1, 3], base=2)
    2.0
    """
    return two(c.nepit_chernoff_information, None, p, q, (base_of(base),), axis, keepdims, check, False, threads,
               progress)


@documented
def chernoff_exponent(p: Any, q: Any, axis: Any = 0, *, keepdims: bool = False, check: bool = False, threads: int = 0,
                      progress: Any = None) -> Any:
    """The exponent s at which the Chernoff information of each pair of rows is attained.

    The maximiser over s in [0, 1] of -log sum_j p_j^s q_j^(1-s).

    Parameters
    ----------
    p, q : array_like
        Counts or probabilities, at least 0; normalised along `axis`.
    <options>

    Returns
    -------
    float or ndarray
        From 0 to 1: 1/2 for equal rows and where all s serve alike, 0 or 1 where the maximum is at the edge. NaN for a
        row that `entropy` gives NaN for. Exact to 1e-6.

    <raises>

    References
    ----------
    Cover and Thomas (2006), Elements of Information Theory, equation 11.239.

    Examples
    --------
    >>> import nepit
    >>> round(nepit.chernoff_exponent([0.25, 0.75], [0.75, 0.25]), 6)
    0.5
    """
    return _calls.measure(c.nepit_chernoff_information, None, ("p", "q"), (p, q), (math.e,), axis, keepdims, check,
                          False, threads, progress, which=1)


@documented
def total_variation(p: Any, q: Any, axis: Any = 0, *, keepdims: bool = False, check: bool = False, threads: int = 0,
                    progress: Any = None) -> Any:
    """Total variation of each pair of rows.

    TV(p, q) = sum_j |p_j - q_j| / 2: how far the probabilities of an event can be apart.

    Parameters
    ----------
    p, q : array_like
        Counts or probabilities, at least 0; normalised along `axis`.
    <options>

    Returns
    -------
    float or ndarray
        From 0 to 1; it has no unit. NaN for a row that `entropy` gives NaN for. Relative error at most 2^-48 (float32
        and half floats 2^-21).

    <raises>

    References
    ----------
    Tsybakov (2009), Introduction to Nonparametric Estimation, definition 2.4.

    Examples
    --------
    >>> import nepit
    >>> nepit.total_variation([0.5, 0.5], [0.25, 0.75])
    0.25
    """
    return two(c.nepit_total_variation, None, p, q, (), axis, keepdims, check, False, threads, progress)


@documented
def pearson_chi2(p: Any, q: Any, axis: Any = 0, *, keepdims: bool = False, check: bool = False, threads: int = 0,
                 progress: Any = None) -> Any:
    """Pearson's chi-squared divergence of each row of `p` from `q`.

    sum_j (p_j - q_j)^2 / q_j

    Parameters
    ----------
    p : array_like
        Counts or probabilities, at least 0; normalised along `axis`.
    q : array_like
        Weights of the reference, likewise.
    <options>

    Returns
    -------
    float or ndarray
        At least 0; it has no unit. Infinity where `p` has mass and `q` has none. NaN for a row that `entropy` gives NaN
        for. Relative error at most 2^-48 (float32 and half floats 2^-21).

    <raises>

    References
    ----------
    Tsybakov (2009), Introduction to Nonparametric Estimation, section 2.4; Pearson (1900).

    Examples
    --------
    >>> import nepit
    >>> nepit.pearson_chi2([1, 0], [1, 1])
    1.0
    """
    return two(c.nepit_pearson_chi2, None, p, q, (), axis, keepdims, check, False, threads, progress)


@documented
def neyman_chi2(p: Any, q: Any, axis: Any = 0, *, keepdims: bool = False, check: bool = False, threads: int = 0,
                progress: Any = None) -> Any:
    """Neyman's chi-squared divergence of each row of `p` from `q`.

    sum_j (p_j - q_j)^2 / p_j

    Parameters
    ----------
    p, q : array_like
        Counts or probabilities, at least 0; normalised along `axis`.
    <options>

    Returns
    -------
    float or ndarray
        At least 0; it has no unit. Infinity where `q` has mass and `p` has none. NaN for a row that `entropy` gives NaN
        for. Relative error at most 2^-48 (float32 and half floats 2^-21).

    <raises>

    References
    ----------
    Neyman (1949), Contribution to the theory of the chi-squared test.

    Examples
    --------
    >>> import nepit
    >>> nepit.neyman_chi2([1, 1], [1, 0])
    1.0
    """
    return two(c.nepit_neyman_chi2, None, p, q, (), axis, keepdims, check, False, threads, progress)


@documented
def population_stability_index(p: Any, q: Any, floor: float = 1e-4, base: Any = None, axis: Any = 0, *,
                               keepdims: bool = False, check: bool = False, threads: int = 0,
                               progress: Any = None) -> Any:
    """Population stability index of each pair of rows: Jeffreys divergence with a floor for empty cells.

    PSI = sum_j (p'_j - q'_j) log(p'_j / q'_j) with p'_j = max(p_j, floor), q'_j = max(q_j, floor); as is the
    custom, the raised probabilities are not normalised again.

    Parameters
    ----------
    p, q : array_like
        Counts or probabilities, at least 0; normalised along `axis`.
    floor : float, default 1e-4
        The least probability of a cell, at least 0 and less than 1.
    <options>

    Returns
    -------
    float or ndarray
        At least 0, in nepits if no `base` is given, as is the custom. NaN for a row that `entropy` gives NaN for.
        Relative error at most 2^-46 (float32 and half floats 2^-21).

    <raises>

    References
    ----------
    Siddiqi (2006), Credit Risk Scorecards, chapter 10.

    Examples
    --------
    >>> import nepit
    >>> round(nepit.population_stability_index([30, 50, 20], [25, 45, 30]), 6)
    0.054931
    """
    return two(c.nepit_population_stability_index, None, p, q, (number(floor, "floor"), base_of(base)), axis, keepdims,
               check, False, threads, progress)
