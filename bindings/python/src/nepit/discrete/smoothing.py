"""Zero probabilities: distributions in which every outcome has some weight."""

from __future__ import annotations

from typing import Any

from .. import _calls
from .._arrays import number
from .._library import functions as c
from .._manual import documented


@documented
def smooth_additive(p: Any, alpha: float, axis: Any = 0, *, threads: int = 0, progress: Any = None) -> Any:
    """Additive smoothing: each row normalised after a pseudo-count is added to each outcome.

    out_j = (p_j + alpha) / (sum(p) + n alpha)

    Parameters
    ----------
    p : array_like
        Counts or weights, at least 0.
    alpha : float
        The pseudo-count, at least 0: 1 is Laplace's rule, 1/2 Jeffreys's.
    <options>

    Returns
    -------
    ndarray
        Probabilities, of the shape of `p`; float32 where `p` is float32 or a half float, else float64. A row that sums
        to zero becomes uniform where alpha > 0. Relative error at most 2^-51 (in float32 2^-21).

    <raises>

    References
    ----------
    Murphy (2022), Probabilistic Machine Learning, section 4.6.2.4.

    Examples
    --------
    >>> import nepit
    >>> nepit.smooth_additive([3, 0, 0, 1], alpha=1)
    array([0.5  , 0.125, 0.125, 0.25 ])
    """
    return _calls.distributions(c.nepit_smooth_additive, ("p",), (p,), (number(alpha, "alpha"),), axis, threads,
                                progress)


@documented
def smooth_mix(p: Any, weight: float, background: Any = None, axis: Any = 0, *, threads: int = 0,
               progress: Any = None) -> Any:
    """Each row normalised and mixed with a background distribution.

    out_j = (1 - weight) p_j + weight b_j

    Parameters
    ----------
    p : array_like
        Counts or weights, at least 0; normalised along `axis`.
    weight : float
        The share of the background, from 0 to 1.
    background : array_like, optional
        Weights of the background, normalised as `p` and broadcast against it; uniform by default.
    <options>

    Returns
    -------
    ndarray
        Probabilities; float32 where the inputs are float32 or half floats, else float64. Relative error at most 2^-50
        (in float32 2^-21).

    <raises>

    References
    ----------
    Jelinek and Mercer (1980), Interpolated estimation of Markov source parameters.

    Examples
    --------
    >>> import nepit
    >>> nepit.smooth_mix([1, 0], weight=0.25)
    array([0.875, 0.125])
    >>> nepit.smooth_mix([1, 0], weight=0.25, background=[1, 3])
    array([0.8125, 0.1875])
    """
    names, inputs = (("p",), (p,)) if background is None else (("p", "background"), (p, background))
    return _calls.distributions(c.nepit_smooth_mix, names, inputs, (number(weight, "weight"),), axis, threads, progress)


@documented
def smooth_floor(p: Any, epsilon: float, axis: Any = 0, *, threads: int = 0, progress: Any = None) -> Any:
    """Each row normalised, raised to a floor and normalised again.

    out_j = max(p_j, epsilon) / sum_k max(p_k, epsilon)

    Parameters
    ----------
    p : array_like
        Counts or weights, at least 0; normalised along `axis`.
    epsilon : float
        The floor, from 0 to 1.
    <options>

    Returns
    -------
    ndarray
        Probabilities, of the shape of `p`; float32 where `p` is float32 or a half float, else float64. Relative error
        at most 2^-50 (in float32 2^-21).

    <raises>

    References
    ----------
    Murphy (2022), Probabilistic Machine Learning, section 4.6.2.4, for the need of it.

    Examples
    --------
    >>> import nepit
    >>> nepit.smooth_floor([3, 1, 0], epsilon=0.25)
    array([0.6, 0.2, 0.2])
    """
    return _calls.distributions(c.nepit_smooth_floor, ("p",), (p,), (number(epsilon, "epsilon"),), axis, threads,
                                progress)
