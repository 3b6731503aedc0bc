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


#: By these there is a gradient only if it is asked for by a sequence.
_OTHERS = ("targets", "other_log_probabilities")
_ESTIMATORS = {"k1": _library.KL_ESTIMATOR_K1, "k2": _library.KL_ESTIMATOR_K2, "k3": _library.KL_ESTIMATOR_K3}


def _reduction(reduction: Any) -> int:
    try:
        return _REDUCTIONS[reduction]
    except (KeyError, TypeError):
        raise NepitError(f"reduction must be 'none', 'rows', 'sum' or 'mean', not {reduction!r}") from None


def _evaluate(function: Any, inputs: dict[str, Any], by: dict[str, str], reduce: str, gradient: Any, threads: int,
              progress: Any, columns: dict[str, Any] | None = None, **options: Any) -> Any:
    """The loss of inputs by the header's names; `by` says which outputs are the gradients by which of them.

    What is in `columns` has a number for each column.
    """
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
    for name, x in (columns or {}).items():
        if x is not None:
            item = _arrays.view(x, name)
            if item.array.ndim > 1 or item.array.size not in (1, cols):
                raise NepitError(f"{name} has the shape {item.array.shape}, where there are {cols} columns")
            named[name] = item.replaced(np.broadcast_to(item.array.reshape(1, -1), (1, cols)))
    slopes = []
    differentiable = [name for name in by if name in given]
    if isinstance(gradient, (tuple, list)):
        if len(gradient) != len(differentiable):
            raise NepitError(f"gradient has {len(gradient)} entries, where {', '.join(differentiable)} have one each")
        wanted = dict(zip(differentiable, gradient))
    else:
        wanted = {name: gradient for name in differentiable if name not in _OTHERS}
    for name, how in wanted.items():
        out = _support.gradient_output(how, inputs[name], views[name])
        if out is not None:
            slopes.append(out)
            named[by[name]] = out
    value = None
    if reduce == "none":
        small = all(item.result_type is np.float32 for item in views.values())
        value = named["terms"] = np.empty((rows, cols), np.float32 if small else np.float64)
    elif reduce == "rows":
        value = named["losses"] = np.empty(rows)
    else:
        named["out"] = np.empty(1)
    _support.call(function, rows * cols, threads, progress, **named)
    if reduce == "none":
        result: Any = value.reshape(shape)
    elif reduce == "rows":
        result = _calls.finished(value.reshape(shape[:-1]))
    else:
        result = named["out"].item()
    return (result, *(out.reshape(shape) for out in slopes)) if slopes else result


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
    gradient : bool or sequence, default False
        True returns a tuple of the value and the gradients by each array that is given. A sequence has an entry for
        each: True, False, or an array that is written and returned, which may be the input itself.
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
    by = {name: f"{name}_gradient" for name in inputs}
    return _evaluate(c.nepit_gaussian_kl, inputs, by, reduction, gradient, threads, progress, options=options)


@documented
def sigmoid_cross_entropy(logits: Any, targets: Any, *, weight: Any = None, pos_weight: Any = None,
                          reduction: str = "mean", gradient: Any = False, threads: int = 0,
                          progress: Any = None) -> Any:
    """Cross-entropy of the sigmoid of logits with binary targets, exact where the prediction is confident.

    Parameters
    ----------
    logits, targets : array_like
        Any numbers, and probabilities or labels of 0 and 1, broadcast against one another.
    weight : array_like, optional
        A weight for each element; broadcast, too.
    pos_weight : array_like, optional
        A weight for the positives of each column.
    reduction : {'mean', 'sum', 'rows', 'none'}
        The mean over the elements, the sum, each row's sum, or each element's term. Without a reduction the gradient is
        that of the sum.
    gradient : bool or sequence, default False
        True returns a tuple of the value and the gradient by the logits. A sequence has two entries, for logits and
        targets: True, False, or an array that is written and returned, which may be the input itself.
    <options>

    Returns
    -------
    float, ndarray or tuple
        In nepits. Infinity where an infinite logit is wrong. Relative error at most 2^-46 (float32 and half floats
        2^-19).

    <raises>

    References
    ----------
    Murphy (2022), Probabilistic Machine Learning, section 10.2.3.

    Examples
    --------
    >>> import nepit
    >>> nepit.losses.sigmoid_cross_entropy([40.0, -1.0], [1, 0], reduction="none")
    array([4.24835426e-18, 3.13261688e-01])
    """
    inputs = {"logits": logits, "targets": targets, "weights": weight}
    by = {"logits": "gradient", "targets": "target_gradient"}
    return _evaluate(c.nepit_sigmoid_cross_entropy, inputs, by, reduction, gradient, threads, progress,
                     {"positive_weights": pos_weight}, reduction=_reduction(reduction))


@documented
def binary_cross_entropy(probabilities: Any, targets: Any, *, weight: Any = None, reduction: str = "mean",
                         gradient: Any = False, threads: int = 0, progress: Any = None) -> Any:
    """Cross-entropy of probabilities with binary targets. Of logits, `sigmoid_cross_entropy` knows more.

    Parameters
    ----------
    probabilities, targets : array_like
        From 0 to 1, and probabilities or labels of 0 and 1, broadcast against one another.
    weight : array_like, optional
        A weight for each element; broadcast, too.
    reduction : {'mean', 'sum', 'rows', 'none'}
        The mean over the elements, the sum, each row's sum, or each element's term. Without a reduction the gradient is
        that of the sum.
    gradient : bool or sequence, default False
        True returns a tuple of the value and the gradient by the probabilities. A sequence has two entries, for
        probabilities and targets: True, False, or an array that is written and returned, which may be the input itself.
    <options>

    Returns
    -------
    float, ndarray or tuple
        In nepits. NaN where a probability is below 0 or above 1; nothing is clamped. Relative error at most 2^-46
        (float32 and half floats 2^-19).

    <raises>

    References
    ----------
    Murphy (2022), Probabilistic Machine Learning, section 10.2.3.

    Examples
    --------
    >>> import nepit
    >>> nepit.losses.binary_cross_entropy([0.5, 0.0], [1, 0])
    0.34657359027997264
    """
    inputs = {"probabilities": probabilities, "targets": targets, "weights": weight}
    by = {"probabilities": "gradient", "targets": "target_gradient"}
    return _evaluate(c.nepit_binary_cross_entropy, inputs, by, reduction, gradient, threads, progress,
                     reduction=_reduction(reduction))


@documented
def gaussian_nll(mean: Any, targets: Any, variance: Any, *, log_variance: bool = False, full: bool = False,
                 eps: float = 1e-6, reduction: str = "mean", gradient: Any = False, threads: int = 0,
                 progress: Any = None) -> Any:
    """Negative log-likelihood of Gaussians at targets.

    Parameters
    ----------
    mean, targets, variance : array_like
        Means, where the density is taken, and variances, broadcast against one another.
    log_variance : bool, default False
        Whether the variances are given by their logarithms.
    full : bool, default False
        Whether log(2 pi) / 2 is added.
    eps : float, default 1e-6
        The least variance: a smaller one counts as this. It does not bear on logarithms.
    reduction : {'mean', 'sum', 'rows', 'none'}
        The mean over the elements, the sum, each row's sum, or each element's term. Without a reduction the gradient is
        that of the sum.
    gradient : bool or sequence, default False
        True returns a tuple of the value and the gradients by mean and variance. A sequence has an entry for mean,
        variance and targets: True, False, or an array that is written and returned, which may be the input itself.
    <options>

    Returns
    -------
    float, ndarray or tuple
        In nepits. NaN where a variance is negative. Error at most 2^-46 of the magnitudes of what is added (float32 and
        half floats 2^-19).

    <raises>

    References
    ----------
    Nix and Weigend (1994), Estimating the mean and variance of the target probability distribution.

    Examples
    --------
    >>> import nepit
    >>> nepit.losses.gaussian_nll([0.0, 1.0], [1.0, 1.0], [1.0, 4.0], reduction="none")
    array([0.5       , 0.69314718])
    """
    options = _library.GaussianNllOptions(eps=_arrays.number(eps, "eps"), full=bool(full),
                                          log_variance=bool(log_variance), reduction=_reduction(reduction))
    inputs = {"mean": mean, "targets": targets, "variance": variance}
    by = {"mean": "mean_gradient", "variance": "variance_gradient", "targets": "target_gradient"}
    return _evaluate(c.nepit_gaussian_nll, inputs, by, reduction, gradient, threads, progress, options=options)


@documented
def poisson_nll(rates: Any, targets: Any, *, log_input: bool = True, full: bool = False, eps: float = 1e-8,
                reduction: str = "mean", gradient: Any = False, threads: int = 0, progress: Any = None) -> Any:
    """Negative log-likelihood of Poisson distributions at targets, but for log y!.

    Parameters
    ----------
    rates, targets : array_like
        Logarithms of the rates, and counts, broadcast against one another.
    log_input : bool, default True
        False: the rates themselves are given.
    full : bool, default False
        Whether Stirling's formula for log y! is added where a target is above 1.
    eps : float, default 1e-8
        What is added to a rate before its logarithm is taken.
    reduction : {'mean', 'sum', 'rows', 'none'}
        The mean over the elements, the sum, each row's sum, or each element's term. Without a reduction the gradient is
        that of the sum.
    gradient : bool or sequence, default False
        True returns a tuple of the value and the gradient by the rates. A sequence has two entries, for rates and
        targets: True, False, or an array that is written and returned, which may be the input itself.
    <options>

    Returns
    -------
    float, ndarray or tuple
        In nepits. Error at most 2^-46 of the magnitudes of what is added (float32 and half floats 2^-19).

    <raises>

    References
    ----------
    Cameron and Trivedi (2013), Regression analysis of count data, section 3.2.

    Examples
    --------
    >>> import nepit
    >>> nepit.losses.poisson_nll([0.0, 1.0], [3, 2], reduction="none")
    array([1.        , 0.71828183])
    """
    options = _library.PoissonNllOptions(eps=_arrays.number(eps, "eps"), full=bool(full),
                                         log_input=bool(log_input), reduction=_reduction(reduction))
    inputs = {"rates": rates, "targets": targets}
    by = {"rates": "gradient", "targets": "target_gradient"}
    return _evaluate(c.nepit_poisson_nll, inputs, by, reduction, gradient, threads, progress, options=options)


@documented
def sampled_kl(log_probabilities: Any, other_log_probabilities: Any, *, estimator: str = "k3", weight: Any = None,
               reduction: str = "mean", gradient: Any = False, threads: int = 0, progress: Any = None) -> Any:
    """Estimate of a policy's Kullback-Leibler divergence from another, from its samples' log-probabilities.

    Parameters
    ----------
    log_probabilities, other_log_probabilities : array_like
        Of each sample under the policy that it was drawn from, and under the other; broadcast against one another. With
        d, the second less the first:
    estimator : {'k3', 'k2', 'k1'}
        e^d - 1 - d, unbiased and never negative; d^2 / 2, biased; -d, unbiased and of either sign.
    weight : array_like, optional
        A weight for each sample; 0 and 1 mask the tokens that do not count.
    reduction : {'mean', 'sum', 'rows', 'none'}
        The mean, divided by the sum of the weights; the sum; each row's sum; or each sample's term. Without a reduction
        the gradient is that of the sum.
    gradient : bool or sequence, default False
        True returns a tuple of the value and the gradient by log_probabilities. A sequence has two entries, for both
        arrays: True, False, or an array that is written and returned, which may be the input itself.
    <options>

    Returns
    -------
    float, ndarray or tuple
        In nepits. 0 where no weight counts. Exact where both policies nearly agree: error at most 2^-46 of the sum of
        magnitudes (float32 and half floats 2^-19).

    <raises>

    References
    ----------
    Schulman (2020), Approximating KL divergence.

    Examples
    --------
    >>> import nepit
    >>> nepit.losses.sampled_kl([-1.0, -2.0], [-1.5, -1.5])
    0.12762596520638078
    """
    if estimator not in _ESTIMATORS:
        raise NepitError(f"estimator must be 'k1', 'k2' or 'k3', not {estimator!r}")
    inputs = {"log_probabilities": log_probabilities, "other_log_probabilities": other_log_probabilities,
              "weights": weight}
    by = {"log_probabilities": "gradient", "other_log_probabilities": "other_gradient"}
    return _evaluate(c.nepit_sampled_kl, inputs, by, reduction, gradient, threads, progress,
                     estimator=_ESTIMATORS[estimator], reduction=_reduction(reduction))
