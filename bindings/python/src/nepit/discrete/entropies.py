"""Measures of one distribution."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import _calls
from .._arrays import number
from .._calls import base_of, one
from .._library import NepitError
from .._library import functions as c
from .._manual import documented


@documented
def entropy(pk: Any, qk: Any = None, base: Any = None, axis: Any = 0, *, keepdims: bool = False, check: bool = False,
            gradient: bool = False, threads: int = 0, progress: Any = None) -> Any:
    """Shannon entropy of each row of weights, or its Kullback-Leibler divergence from `qk`.

    H = -sum_j p_j log p_j with p_j = pk_j / sum(pk), as ``scipy.stats.entropy``.

    Parameters
    ----------
    pk : array_like
        Counts or probabilities, at least 0; normalised along `axis`.
    qk : array_like, optional
        Weights of a reference. If they are given, the result is `kl_divergence` of `pk` from `qk`.
    <options>

    Returns
    -------
    float or ndarray
        From 0 to log(n), in nepits if no `base` is given; a float for a single row, else float64 of the shape of the
        other axes. NaN for a row that sums to zero or holds a negative, infinite or NaN weight. Relative error at most
        2^-50 (float32 and half floats 2^-21).

    <raises>

    References
    ----------
    Cover and Thomas (2006), Elements of Information Theory, equation 2.1.

    Examples
    --------
    >>> import nepit
    >>> nepit.entropy([0.5, 0.25, 0.25], base=2)
    1.5
    >>> nepit.entropy([[1, 5], [1, 0]], base=2)
    array([1., 0.])
    """
    if qk is not None:
        return _calls.two(c.nepit_kl_divergence, c.nepit_kl_divergence_gradient, pk, qk, (base_of(base),), axis,
                          keepdims, check, gradient, threads, progress, ("pk", "qk"))
    return one(c.nepit_entropy, c.nepit_entropy_gradient, pk, (base_of(base),), axis, keepdims, check, gradient,
               threads, progress, "pk")


@documented
def renyi_entropy(p: Any, order: float, base: Any = None, axis: Any = 0, *, keepdims: bool = False,
                  check: bool = False, gradient: bool = False, threads: int = 0, progress: Any = None) -> Any:
    """Renyi entropy of each row of weights.

    H_a = log(sum_j p_j^a) / (1 - a), with its limits: order 0 is the Hartley entropy, 1 Shannon's, 2 the collision
    entropy and infinity the min-entropy.

    Parameters
    ----------
    p : array_like
        Counts or probabilities, at least 0; normalised along `axis`.
    order : float
        The order a, from 0 to infinity.
    <options>

    Returns
    -------
    float or ndarray
        From 0 to log(n), in nepits if no `base` is given. NaN where `entropy` is NaN. Relative error at most 2^-44
        (float32 and half floats 2^-21).

    <raises>

    References
    ----------
    Renyi (1961), On measures of entropy and information, equation 1.21.

    Examples
    --------
    >>> import nepit
    >>> nepit.renyi_entropy([0.5, 0.25, 0.25], order=0, base=3)
    1.0
    >>> nepit.renyi_entropy([0.5, 0.25, 0.25], order=float("inf"), base=2)
    1.0
    """
    return one(c.nepit_renyi_entropy, c.nepit_renyi_entropy_gradient, p, (number(order, "order"), base_of(base)), axis,
               keepdims, check, gradient, threads, progress)


@documented
def min_entropy(p: Any, base: Any = None, axis: Any = 0, *, keepdims: bool = False, check: bool = False,
                gradient: bool = False, threads: int = 0, progress: Any = None) -> Any:
    """Min-entropy of each row of weights: how surprising the likeliest outcome is.

    H_inf = -log(max_j p_j), the Renyi entropy of infinite order.

    Parameters
    ----------
    p : array_like
        Counts or probabilities, at least 0; normalised along `axis`.
    <options>

    Returns
    -------
    float or ndarray
        From 0 to log(n), in nepits if no `base` is given. Where several weights are greatest, the gradient is the mean
        of theirs. Accuracy as `renyi_entropy`.

    <raises>

    References
    ----------
    Renyi (1961), On measures of entropy and information.

    Examples
    --------
    >>> import nepit
    >>> nepit.min_entropy([0.5, 0.25, 0.25], base=2)
    1.0
    """
    return one(c.nepit_renyi_entropy, c.nepit_renyi_entropy_gradient, p, (math.inf, base_of(base)), axis, keepdims,
               check, gradient, threads, progress)


@documented
def hartley_entropy(p: Any, base: Any = None, axis: Any = 0, *, keepdims: bool = False, check: bool = False,
                    gradient: bool = False, threads: int = 0, progress: Any = None) -> Any:
    """Hartley entropy of each row of weights: the logarithm of the number of outcomes with weight.

    H_0 = log #{j : p_j > 0}, the Renyi entropy of order 0.

    Parameters
    ----------
    p : array_like
        Counts or probabilities, at least 0.
    <options>

    Returns
    -------
    float or ndarray
        From 0 to log(n), in nepits if no `base` is given. Accuracy as `renyi_entropy`.

    <raises>

    References
    ----------
    Hartley (1928), Transmission of information.

    Examples
    --------
    >>> import nepit
    >>> nepit.hartley_entropy([5, 3, 0, 1, 7], base=2)
    2.0
    """
    return one(c.nepit_renyi_entropy, c.nepit_renyi_entropy_gradient, p, (0.0, base_of(base)), axis, keepdims, check,
               gradient, threads, progress)


@documented
def collision_entropy(p: Any, base: Any = None, axis: Any = 0, *, keepdims: bool = False, check: bool = False,
                      gradient: bool = False, threads: int = 0, progress: Any = None) -> Any:
    """Collision entropy of each row of weights: how surprising it is that two draws agree.

    H_2 = -log(sum_j p_j^2), the Renyi entropy of order 2.

    Parameters
    ----------
    p : array_like
        Counts or probabilities, at least 0; normalised along `axis`.
    <options>

    Returns
    -------
    float or ndarray
        From 0 to log(n), in nepits if no `base` is given. Accuracy as `renyi_entropy`.

    <raises>

    References
    ----------
    Renyi (1961), On measures of entropy and information.

    Examples
    --------
    >>> import nepit
    >>> nepit.collision_entropy([1, 1, 1, 1], base=2)
    2.0
    """
    return one(c.nepit_renyi_entropy, c.nepit_renyi_entropy_gradient, p, (2.0, base_of(base)), axis, keepdims, check,
               gradient, threads, progress)


@documented
def tsallis_entropy(p: Any, order: float, axis: Any = 0, *, keepdims: bool = False, check: bool = False,
                    threads: int = 0, progress: Any = None) -> Any:
    """Tsallis entropy of each row of weights.

    S_a = (1 - sum_j p_j^a) / (a - 1); order 1 is Shannon's entropy in nepits, order 2 the Gini impurity.

    Parameters
    ----------
    p : array_like
        Counts or probabilities, at least 0; normalised along `axis`.
    order : float
        The order a, from 0 to infinity.
    <options>

    Returns
    -------
    float or ndarray
        At least 0; it has no unit. Relative error at most 2^-44 (float32 and half floats 2^-21).

    <raises>

    References
    ----------
    Tsallis (1988), Possible generalization of Boltzmann-Gibbs statistics, equation 1.

    Examples
    --------
    >>> import nepit
    >>> nepit.tsallis_entropy([0.5, 0.5], order=2)
    0.5
    """
    return one(c.nepit_tsallis_entropy, None, p, (number(order, "order"),), axis, keepdims, check, False, threads,
               progress)


@documented
def hill_number(p: Any, order: float, axis: Any = 0, *, keepdims: bool = False, check: bool = False,
                threads: int = 0, progress: Any = None) -> Any:
    """Hill number of each row of weights: the effective number of outcomes.

    N_a = (sum_j p_j^a)^(1 / (1 - a)), the exponential of the Renyi entropy; order 0 counts the outcomes, 1 is the
    perplexity, 2 Simpson's inverse index.

    Parameters
    ----------
    p : array_like
        Counts or probabilities, at least 0; normalised along `axis`.
    order : float
        The order a, from 0 to infinity.
    <options>

    Returns
    -------
    float or ndarray
        From 1 to n; it has no unit. Relative error at most 2^-44 (float32 and half floats 2^-21).

    <raises>

    References
    ----------
    Hill (1973), Diversity and evenness, equation 3.

    Examples
    --------
    >>> import nepit
    >>> nepit.hill_number([10, 10, 10, 10], order=2)
    4.0
    """
    return one(c.nepit_hill_number, None, p, (number(order, "order"),), axis, keepdims, check, False, threads, progress)


@documented
def perplexity(p: Any, axis: Any = 0, *, keepdims: bool = False, check: bool = False, threads: int = 0,
               progress: Any = None) -> Any:
    """Perplexity of each row of weights: the exponential of its entropy.

    N_1 = exp(H), the number of equally likely outcomes that are as uncertain.

    Parameters
    ----------
    p : array_like
        Counts or probabilities, at least 0; normalised along `axis`.
    <options>

    Returns
    -------
    float or ndarray
        From 1 to n; it has no unit. Relative error at most 2^-44 (float32 and half floats 2^-21).

    <raises>

    References
    ----------
    Hill (1973), Diversity and evenness, equation 3, at order 1.

    Examples
    --------
    >>> import nepit
    >>> round(nepit.perplexity([3, 3, 3, 3, 3]), 12)
    5.0
    """
    return one(c.nepit_perplexity, None, p, (), axis, keepdims, check, False, threads, progress)


@documented
def binary_entropy(p: Any, base: Any = None, *, check: bool = False, gradient: bool = False, threads: int = 0,
                   progress: Any = None) -> Any:
    """Binary entropy function of each element.

    h(p) = -p log p - (1 - p) log(1 - p)

    Parameters
    ----------
    p : array_like
        Probabilities, from 0 to 1.
    base : float, optional
        Base of the logarithm, finite and greater than 1: 2 for bits. By default e, for nepits.
    check : bool, default False
        Raise an error if an element is no probability.
    gradient : bool, default False
        Return a tuple of the values and the derivatives log((1 - p) / p).
    threads, progress
        As those of `entropy`.

    Returns
    -------
    float or ndarray
        Of the shape of `p`, float32 where `p` is float32 or a half float, else float64. NaN for an element that is no
        probability. Relative error at most 2^-50.

    <raises>

    References
    ----------
    Cover and Thomas (2006), Elements of Information Theory, equation 2.5.

    Examples
    --------
    >>> import nepit
    >>> nepit.binary_entropy([0, 0.5, 1], base=2)
    array([0., 1., 0.])
    """
    results = _calls.elements(c.nepit_binary_entropy_gradient if gradient else c.nepit_binary_entropy, ("p",), (p,),
                              (base_of(base),), 2 if gradient else 1, threads, progress)
    if check:
        wrong = np.argwhere(np.isnan(results[0]))
        if len(wrong):
            raise NepitError(f"p{[int(i) for i in wrong[0]] or ''} is no probability, which are from 0 to 1")
    values = tuple(_calls.finished(result) for result in results)
    return values if gradient else values[0]
