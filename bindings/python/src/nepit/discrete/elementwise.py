"""Terms of single elements, without normalisation, as in scipy.special."""

from __future__ import annotations

from typing import Any

from .. import _calls
from .._library import functions as c
from .._manual import documented


@documented
def entr(x: Any, *, threads: int = 0, progress: Any = None) -> Any:
    """Entropy term -x log x of each element, as ``scipy.special.entr``.

    Parameters
    ----------
    x : array_like
        Any numbers.
    <options>

    Returns
    -------
    float or ndarray
        In nepits, of the shape of `x`; float32 where `x` is float32 or a half float, else float64. 0 at 0, -infinity
        below, NaN at NaN. Relative error at most 2^-50 (float32 and half floats 2^-21).

    <raises>

    References
    ----------
    Boyd and Vandenberghe (2004), Convex Optimization, section 3.1.5.

    Examples
    --------
    >>> import nepit
    >>> nepit.entr([-1, 0, 1])
    array([-inf,   0.,   0.])
    """
    return _calls.finished(_calls.elements(c.nepit_entr, ("x",), (x,), (), 1, threads, progress)[0])


@documented
def rel_entr(x: Any, y: Any, *, threads: int = 0, progress: Any = None) -> Any:
    """Relative entropy term x log(x / y) of each pair of elements, as ``scipy.special.rel_entr``.

    Parameters
    ----------
    x, y : array_like
        Any numbers; they broadcast against one another.
    <options>

    Returns
    -------
    float or ndarray
        In nepits; float32 where both are float32 or half floats, else float64. 0 where x = 0 and y >= 0; infinity where
        x > 0 = y or one is negative; NaN where one is NaN. Relative error at most 2^-49 (float32 and half floats
        2^-21), also where x / y overflows.

    <raises>

    References
    ----------
    Boyd and Vandenberghe (2004), Convex Optimization, section 3.2.6.

    Examples
    --------
    >>> import nepit
    >>> nepit.rel_entr([0, 1, 1], [0, 1, 0])
    array([ 0.,  0., inf])
    """
    return _calls.finished(_calls.elements(c.nepit_rel_entr, ("x", "y"), (x, y), (), 1, threads, progress)[0])


@documented
def kl_div(x: Any, y: Any, *, threads: int = 0, progress: Any = None) -> Any:
    """Kullback-Leibler term x log(x / y) - x + y of each pair of elements, as ``scipy.special.kl_div``.

    Parameters
    ----------
    x, y : array_like
        Any numbers; they broadcast against one another.
    <options>

    Returns
    -------
    float or ndarray
        In nepits, at least 0; float32 where both are float32 or half floats, else float64. y where x = 0 and y >= 0;
        infinity where x > 0 = y or one is negative; NaN where one is NaN. Relative error at most 2^-48 (float32 and
        half floats 2^-21), also where x and y nearly agree.

    <raises>

    References
    ----------
    Boyd and Vandenberghe (2004), Convex Optimization, section 3.2.6.

    Examples
    --------
    >>> import nepit
    >>> nepit.kl_div([0, 1, 1], [2, 1, 0])
    array([ 2.,  0., inf])
    """
    return _calls.finished(_calls.elements(c.nepit_kl_div, ("x", "y"), (x, y), (), 1, threads, progress)[0])
