"""Log-sum-exp, softmax and its logarithm."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _arrays, _calls
from .._library import functions as c
from .._manual import documented
from . import _support


@documented
def logsumexp(logits: Any, *, temperature: float = 1.0, gradient: Any = False, threads: int = 0,
              progress: Any = None) -> Any:
    """Logarithm of the sum of exponentials of each row.

    Parameters
    ----------
    logits : array_like
        Any numbers, a row along the last axis.
    temperature : float, default 1
        Divides the logits.
    gradient : bool or ndarray, default False
        True returns a tuple of the value and its gradient, softmax / temperature; an array is written and returned: it
        may be the logits themselves.
    <options>

    Returns
    -------
    float or ndarray
        float64, for each row. NaN for a row with NaN or infinity, or with nothing but -infinity.

    <raises>

    References
    ----------
    Murphy (2022), Probabilistic Machine Learning, section 2.5.4.

    Examples
    --------
    >>> import nepit
    >>> nepit.losses.logsumexp([1000.0, 1000.0])
    1000.6931471805599
    """
    x, lead = _support.matrix(logits, "logits")
    out = np.empty(x.array.shape[0])
    slopes = _support.gradient_output(gradient, logits, x)
    _support.call(c.nepit_logsumexp, x.array.size, threads, progress, logits=x,
                  temperature=_arrays.number(temperature, "temperature"), out=out, gradient=slopes)
    value = _calls.finished(out.reshape(lead))
    return value if slopes is None else (value, slopes.reshape(*lead, -1))


def _normalised(function: Any, logits: Any, temperature: Any, out: Any, threads: int, progress: Any) -> np.ndarray:
    x, lead = _support.matrix(logits, "logits")
    written = _support.gradient_output(True if out is None else out, logits, x)
    _support.call(function, x.array.size, threads, progress, logits=x,
                  temperature=_arrays.number(temperature, "temperature"), out=written)
    return written.reshape(*lead, -1)


@documented
def softmax(logits: Any, *, temperature: float = 1.0, out: Any = None, threads: int = 0, progress: Any = None) -> Any:
    """Softmax of each row: the probabilities that logits stand for.

    Parameters
    ----------
    logits : array_like
        Any numbers, a row along the last axis.
    temperature : float, default 1
        Divides the logits.
    out : ndarray, optional
        Is written and returned; it may be the logits themselves.
    <options>

    Returns
    -------
    ndarray
        Of the shape and type of the logits. NaN for a row with NaN or infinity, or with nothing but -infinity.

    <raises>

    References
    ----------
    Murphy (2022), Probabilistic Machine Learning, section 2.5.2.

    Examples
    --------
    >>> import nepit
    >>> nepit.losses.softmax([0.0, 0.0, -float("inf")])
    array([0.5, 0.5, 0. ])
    """
    return _normalised(c.nepit_softmax, logits, temperature, out, threads, progress)


@documented
def log_softmax(logits: Any, *, temperature: float = 1.0, out: Any = None, threads: int = 0,
                progress: Any = None) -> Any:
    """Logarithm of the softmax of each row, exact where a probability is nearly 1.

    Parameters
    ----------
    logits : array_like
        Any numbers, a row along the last axis.
    temperature : float, default 1
        Divides the logits.
    out : ndarray, optional
        Is written and returned; it may be the logits themselves.
    <options>

    Returns
    -------
    ndarray
        Of the shape and type of the logits. NaN for a row with NaN or infinity, or with nothing but -infinity.

    <raises>

    References
    ----------
    Murphy (2022), Probabilistic Machine Learning, section 2.5.4.

    Examples
    --------
    >>> import nepit
    >>> float(nepit.losses.log_softmax([40.0, 0.0])[0]) < 0
    True
    """
    return _normalised(c.nepit_log_softmax, logits, temperature, out, threads, progress)


def _product(function: Any, logits: Any, upstream: Any, temperature: Any, out: Any, threads: int,
             progress: Any) -> np.ndarray:
    x, lead = _support.matrix(logits, "logits")
    v, _ = _support.matrix(upstream, "upstream")
    written = _support.gradient_output(True if out is None else out, logits, x)
    _support.call(function, x.array.size, threads, progress, logits=x, upstream=v,
                  temperature=_arrays.number(temperature, "temperature"), gradient=written)
    return written.reshape(*lead, -1)


@documented
def softmax_vjp(logits: Any, upstream: Any, *, temperature: float = 1.0, out: Any = None, threads: int = 0,
                progress: Any = None) -> Any:
    """Vector-Jacobian product of `softmax`: from a gradient by the probabilities to the one by the logits.

    Parameters
    ----------
    logits : array_like
        Any numbers, a row along the last axis.
    upstream : array_like
        The gradient by the probabilities, of the logits' shape.
    temperature : float, default 1
        Divides the logits.
    out : ndarray, optional
        Is written and returned; it may be the logits themselves.
    <options>

    Returns
    -------
    ndarray
        Of the shape and type of the logits. NaN for a row with NaN or infinity, or with nothing but -infinity.

    <raises>

    References
    ----------
    Griewank and Walther (2008), Evaluating derivatives, section 3.2.

    Examples
    --------
    >>> import nepit
    >>> nepit.losses.softmax_vjp([0.0, 0.0], [1.0, 3.0])
    array([-0.5,  0.5])
    """
    return _product(c.nepit_softmax_vjp, logits, upstream, temperature, out, threads, progress)


@documented
def log_softmax_vjp(logits: Any, upstream: Any, *, temperature: float = 1.0, out: Any = None, threads: int = 0,
                    progress: Any = None) -> Any:
    """Vector-Jacobian product of `log_softmax`, exact where a probability is nearly 1.

    Parameters
    ----------
    logits : array_like
        Any numbers, a row along the last axis.
    upstream : array_like
        The gradient by the logarithms of the probabilities, of the logits' shape.
    temperature : float, default 1
        Divides the logits.
    out : ndarray, optional
        Is written and returned; it may be the logits themselves.
    <options>

    Returns
    -------
    ndarray
        Of the shape and type of the logits. NaN for a row with NaN or infinity, or with nothing but -infinity.

    <raises>

    References
    ----------
    Griewank and Walther (2008), Evaluating derivatives, section 3.2.

    Examples
    --------
    >>> import nepit
    >>> nepit.losses.log_softmax_vjp([0.0, 0.0], [1.0, 3.0])
    array([-1.,  1.])
    """
    return _product(c.nepit_log_softmax_vjp, logits, upstream, temperature, out, threads, progress)
