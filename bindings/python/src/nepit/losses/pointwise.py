"""Losses that are sums of terms, one for each element."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _arrays, _calls, _library
from .._library import NepitError
from .._library import functions as c
from .._manual import documented
from . import _support

_REDUCTIONS = {"none": _library.REDUCTION_SUM, "rows": _library.REDUCTION_SUM, "sum": _library.REDUCTION_SUM,
               "mean": _library.REDUCTION_MEAN}


def _reduction(reduction: Any) -> int:
    try:
        return _REDUCTIONS[reduction]
    except (KeyError, TypeError):
        raise NepitError(f"reduction must be 'none', 'rows', 'sum' or 'mean', not {reduction!r}") from None


def _evaluate(function: Any, inputs: dict[str, Any], reduction: str, gradient: Any, threads: int, progress: Any,
              **options: Any) -> Any:
    """The loss of inputs by the header's names, with the gradients by those that are given and have one."""
    given = {name: _arrays.view(x, name) for name, x in inputs.items() if x is not None}
    try:
        shape = np.broadcast_shapes(*(item.array.shape for item in given.values()))
    except ValueError:
        shapes = " and ".join(f"{name} has {item.array.shape}" for name, item in given.items())
        raise NepitError(f"shapes do not fit: {shapes}") from None
    if not shape or shape[-1] == 0:
        raise NepitError("there are no elements along the last axis" if shape else "single numbers need an axis")
    views = {name: item.replaced(np.broadcast_to(item.array, shape).reshape(-1, shape[-1]))
             for name, item in given.items()}
    rows, cols = next(iter(views.values())).array.shape
    named: dict[str, Any] = views | options
    slopes = {}
    differentiable = [name for name in given if f"{name}_gradient" in function.names]
    if isinstance(gradient, (tuple, list)):
        if len(gradient) != len(differentiable):
            raise NepitError(f"gradient has {len(gradient)} arrays, where {', '.join(differentiable)} have one each")
        wanted = dict(zip(differentiable, gradient))
    else:
        wanted = dict.fromkeys(differentiable, gradient)
    for name, how in wanted.items():
        out = _support.gradient_output(how, inputs[name], views[name])
        if out is not None:
            slopes[name] = out
            named[f"{name}_gradient"] = out
    value = None
    if reduction == "none":
        small = all(item.result_type is np.float32 for item in views.values())
        value = named["terms"] = np.empty((rows, cols), np.float32 if small else np.float64)
    elif reduction == "rows":
        value = named["losses"] = np.empty(rows)
    else:
        named["out"] = np.empty(1)
    _support.call(function, rows * cols, threads, progress, **named)
    if reduction == "none":
        result: Any = value.reshape(shape)
    elif reduction == "rows":
        result = _calls.finished(value.reshape(shape[:-1]))
    else:
        result = named["out"].item()
    return (result, *(out.reshape(shape) for out in slopes.values())) if slopes else result


@documented
def gaussian_kl(mean: Any, log_variance: Any, other_mean: Any = None, other_log_variance: Any = None, *,
                free_bits: float = 0.0, reduction: str = "mean", gradient: Any = False, threads: int = 0,
                progress: Any = None) -> Any:
    """Kullback-Leibler divergence of diagonal Gaussians from the standard normal, or from others.

    Parameters
    ----------
    mean, log_variance : array_like
        Means and logarithms of the variances, the dimensions along the last axis.
    other_mean, other_log_variance : array_like, optional
        Those of the other distribution; 0 if absent. All arrays are broadcast against one another.
    free_bits : float, default 0
        The least that an element contributes, in nepits; an element below has no gradient.
    reduction : {'mean', 'sum', 'rows', 'none'}
        The mean or the sum of the rows' divergences, each row's, or each element's. Without a reduction the gradient is
        that of the sum.
    gradient : bool or sequence of ndarray, default False
        True returns a tuple of the value and the gradients by each array that is given; arrays (or None) for each of
        them are written and returned: they may be the inputs themselves.
    <options>

    Returns
    -------
    float, ndarray or tuple
        In nepits, never negative, and exact where both distributions nearly agree: relative error at most 2^-46
        (float32 and half floats 2^-19).

    <raises>

    References
    ----------
    Kingma and Welling (2014), Auto-encoding variational Bayes, appendix B.

    Examples
    --------
    >>> import nepit
    >>> nepit.losses.gaussian_kl([0.0, 1.0], [0.0, 0.0])
    0.5
    >>> value, by_mean, by_log_variance = nepit.losses.gaussian_kl([1e-9, 0.0], [0.0, 1e-9], gradient=True)
    >>> value
    7.500000000833334e-19
    """
    options = _library.GaussianOptions(free_bits=_arrays.number(free_bits, "free_bits"),
                                       reduction=_reduction(reduction))
    inputs = {"mean": mean, "log_variance": log_variance, "other_mean": other_mean,
              "other_log_variance": other_log_variance}
    return _evaluate(c.nepit_gaussian_kl, inputs, reduction, gradient, threads, progress, options=options)
