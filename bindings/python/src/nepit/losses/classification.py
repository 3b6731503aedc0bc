"""Losses of labels and of target distributions."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .. import _arrays, _calls, _library
from .._library import functions as c
from .._manual import documented
from . import _support


class SoftmaxLoss(NamedTuple):
    """What one pass of `softmax_cross_entropy` gives."""

    loss: float  #: the reduced loss
    losses: np.ndarray  #: of each row
    log_sums: np.ndarray  #: log-sum-exp of each row
    argmax: np.ndarray  #: the first column of the greatest logit
    counted: int  #: how many rows are not ignored
    correct: int  #: of how many of these the label is the argmax
    gradient: Any  #: by the logits, or None


@documented
def softmax_cross_entropy(logits: Any, labels: Any, *, weight: Any = None, row_weight: Any = None,
                          ignore_index: int = -100, label_smoothing: float = 0.0, z_loss: float = 0.0,
                          softcap: float | None = None, temperature: float = 1.0, reduction: str = "mean",
                          gradient: Any = False, details: bool = False, threads: int = 0, progress: Any = None) -> Any:
    """Softmax cross-entropy of logits and integer labels, exact where the prediction is confident.

    Parameters
    ----------
    logits : array_like
        Any numbers, the classes along the last axis; float32, half floats and bfloat16 are read where they lie.
    labels : array_like
        An integer for each row: its class, or `ignore_index`.
    weight : array_like, optional
        A weight for each class.
    row_weight : array_like, optional
        A weight for each row.
    ignore_index : int, default -100
        The label of rows that count for nothing.
    label_smoothing : float, default 0
        From 0 to 1: the share of the uniform distribution in the target.
    z_loss : float, default 0
        Coefficient of the square of the log-sum-exp.
    softcap : float, optional
        Bounds the logits: softcap tanh(logits / softcap).
    temperature : float, default 1
        Divides the logits (after the cap).
    reduction : {'mean', 'sum', 'none'}
        The mean divides by the weights of the rows that count, and is 0 if none does. With 'none' the gradient is that
        of the sum.
    gradient : bool or ndarray, default False
        True returns a tuple of the loss and its gradient, of the logits' shape and type; an array is written and
        returned: it may be the logits themselves.
    details : bool, default False
        Return a `SoftmaxLoss` with all that the pass has found.
    <options>

    Returns
    -------
    float, ndarray, tuple or SoftmaxLoss
        In nepits. NaN for a row with NaN or infinity; infinity where the label's logit is -infinity. Relative error at
        most 2^-46 (float32 and half floats 2^-19).

    <raises>

    References
    ----------
    Murphy (2022), Probabilistic Machine Learning, section 10.3.

    Examples
    --------
    >>> import nepit, numpy as np
    >>> logits = np.array([[2.0, 0.0, -1.0], [0.0, 40.0, 0.0]])
    >>> nepit.losses.softmax_cross_entropy(logits, [0, 1], reduction="none")
    array([1.69846020e-01, 8.49670851e-18])
    >>> loss, gradient = nepit.losses.softmax_cross_entropy(logits, [0, 1], gradient=True)
    >>> gradient[1]
    array([ 2.12417713e-18, -4.24835426e-18,  2.12417713e-18])
    """
    x, lead = _support.matrix(logits, "logits")
    y = _support.labels_of(labels, "labels", lead)
    rows, cols = x.array.shape
    options = _library.SoftmaxOptions(
        label_smoothing=_arrays.number(label_smoothing, "label_smoothing"), ignore_index=int(ignore_index),
        z_loss=_arrays.number(z_loss, "z_loss"), softcap=0.0 if softcap is None else _arrays.number(softcap, "softcap"),
        temperature=_arrays.number(temperature, "temperature"), reduction=_support.reduction_code(reduction))
    named: dict[str, Any] = {"logits": x, "labels": y, "options": options, "out": np.empty(1)}
    if weight is not None:
        item = _arrays.view(weight, "weight")
        named["class_weights"] = item.replaced(item.array.reshape(1, -1))
    if row_weight is not None:
        named["row_weights"] = _support.column(row_weight, "row_weight", lead)
    slopes = _support.gradient_output(gradient, logits, x)
    if slopes is not None:
        named["gradient"] = slopes.reshape(rows, cols)
    if details or reduction == "none":
        named["losses"] = np.empty(rows)
    if details:
        named |= {"log_sums": np.empty(rows), "argmax": np.empty(rows, np.int64), "counts": np.zeros(2, np.int64)}
    _support.call(c.nepit_softmax_cross_entropy, x.array.size, threads, progress, **named)
    shaped = None if slopes is None else slopes.reshape(*lead, cols)
    loss = named["out"].item()
    if details:
        counted, correct = named["counts"].tolist()
        return SoftmaxLoss(loss, named["losses"].reshape(lead), named["log_sums"].reshape(lead),
                           named["argmax"].reshape(lead), counted, correct, shaped)
    value = _calls.finished(named["losses"].reshape(lead)) if reduction == "none" else loss
    return value if shaped is None else (value, shaped)


@documented
def softmax_cross_entropy_soft(logits: Any, targets: Any, *, weight: Any = None, row_weight: Any = None,
                               label_smoothing: float = 0.0, z_loss: float = 0.0, softcap: float | None = None,
                               temperature: float = 1.0, reduction: str = "mean", gradient: Any = False,
                               target_gradient: Any = False, threads: int = 0, progress: Any = None) -> Any:
    """Softmax cross-entropy of logits and target distributions, exact where the prediction is confident.

    Parameters
    ----------
    logits : array_like
        Any numbers, the classes along the last axis; float32, half floats and bfloat16 are read where they lie.
    targets : array_like
        Probabilities or counts of the logits' shape; each row is divided by its sum.
    weight : array_like, optional
        A weight for each class.
    row_weight : array_like, optional
        A weight for each row; one of weight 0 counts nothing, whatever it holds.
    label_smoothing : float, default 0
        From 0 to 1: the share of the uniform distribution in the targets.
    z_loss : float, default 0
        Coefficient of the square of the log-sum-exp.
    softcap : float, optional
        Bounds the logits: softcap tanh(logits / softcap).
    temperature : float, default 1
        Divides the logits (after the cap).
    reduction : {'mean', 'sum', 'none'}
        The mean divides by the rows' weights. With 'none' the gradient is that of the sum.
    gradient : bool or ndarray, default False
        True returns a tuple with the gradient by the logits, of their shape and type; an array is written and returned:
        it may be the logits themselves.
    target_gradient : bool or ndarray, default False
        The same by the targets, behind that by the logits.
    <options>

    Returns
    -------
    float, ndarray or tuple
        In nepits. NaN for a row with NaN or infinity, or whose targets are no distribution; infinity where an outcome
        that is a target has a logit of -infinity. Relative error at most 2^-46 (float32 and half floats 2^-19).

    <raises>

    References
    ----------
    Murphy (2022), Probabilistic Machine Learning, section 10.3.

    Examples
    --------
    >>> import nepit
    >>> nepit.losses.softmax_cross_entropy_soft([2.0, 0.0, -1.0], [3, 1, 0])
    0.6698460195562856
    """
    x, lead = _support.matrix(logits, "logits")
    y, _ = _support.matrix(targets, "targets")
    options = _library.SoftmaxOptions(
        label_smoothing=_arrays.number(label_smoothing, "label_smoothing"), z_loss=_arrays.number(z_loss, "z_loss"),
        softcap=0.0 if softcap is None else _arrays.number(softcap, "softcap"),
        temperature=_arrays.number(temperature, "temperature"), reduction=_support.reduction_code(reduction))
    named: dict[str, Any] = {"logits": x, "targets": y, "options": options, "out": np.empty(1)}
    if weight is not None:
        item = _arrays.view(weight, "weight")
        named["class_weights"] = item.replaced(item.array.reshape(1, -1))
    if row_weight is not None:
        named["row_weights"] = _support.column(row_weight, "row_weight", lead)
    named["gradient"] = _support.gradient_output(gradient, logits, x)
    named["target_gradient"] = _support.gradient_output(target_gradient, targets, y)
    return _support.reduced(c.nepit_softmax_cross_entropy_soft, x, lead, reduction, threads, progress, named,
                            ("gradient", "target_gradient"))


@documented
def nll(log_probabilities: Any, labels: Any, *, weight: Any = None, ignore_index: int = -100, reduction: str = "mean",
        gradient: Any = False, threads: int = 0, progress: Any = None) -> Any:
    """Negative log-likelihood of integer labels from log-probabilities.

    Parameters
    ----------
    log_probabilities : array_like
        Logarithms of probabilities, as `log_softmax` gives them, the classes along the last axis.
    labels : array_like
        An integer for each row: its class, or `ignore_index`.
    weight : array_like, optional
        A weight for each class.
    ignore_index : int, default -100
        The label of rows that count for nothing.
    reduction : {'mean', 'sum', 'none'}
        The mean divides by the weights of the rows that count, and is 0 if none does. With 'none' the gradient is that
        of the sum.
    gradient : bool or ndarray, default False
        True returns a tuple of the loss and its gradient, of the log-probabilities' shape and type; an array is written
        and returned: it may be the log-probabilities themselves.
    <options>

    Returns
    -------
    float, ndarray or tuple
        In nepits.

    <raises>

    References
    ----------
    Murphy (2022), Probabilistic Machine Learning, section 4.2.

    Examples
    --------
    >>> import nepit
    >>> nepit.losses.nll([[-0.5, -1.0], [-2.0, -0.25]], [0, 1])
    0.375
    """
    x, lead = _support.matrix(log_probabilities, "log_probabilities")
    y = _support.labels_of(labels, "labels", lead)
    rows, cols = x.array.shape
    options = _library.NllOptions(ignore_index=int(ignore_index), reduction=_support.reduction_code(reduction))
    named: dict[str, Any] = {"log_probabilities": x, "labels": y, "options": options, "out": np.empty(1)}
    if weight is not None:
        item = _arrays.view(weight, "weight")
        named["class_weights"] = item.replaced(item.array.reshape(1, -1))
    slopes = _support.gradient_output(gradient, log_probabilities, x)
    if slopes is not None:
        named["gradient"] = slopes.reshape(rows, cols)
    if reduction == "none":
        named["losses"] = np.empty(rows)
    _support.call(c.nepit_nll, x.array.size, threads, progress, **named)
    value = _calls.finished(named["losses"].reshape(lead)) if reduction == "none" else named["out"].item()
    return value if slopes is None else (value, slopes.reshape(*lead, cols))
