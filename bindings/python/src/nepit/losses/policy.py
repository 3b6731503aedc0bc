"""Entropies of policies."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _arrays, _calls
from .._library import NepitError
from .._library import functions as c
from .._manual import documented
from . import _support


@documented
def policy_entropy(logits: Any, mask: Any = None, *, reduction: str = "mean", gradient: Any = False, threads: int = 0,
                   progress: Any = None) -> Any:
    """Entropy of categorical policies from their logits, exact where one action has nearly all of the probability.

    Parameters
    ----------
    logits : array_like
        Any numbers, the actions along the last axis.
    mask : array_like, optional
        Not 0 (or True) where an action is allowed; broadcast against the logits. The others have probability 0 and
        gradient 0, whatever their logits. A row that allows none counts for nothing.
    reduction : {'mean', 'sum', 'none'}
        The mean divides by the rows that count, and is 0 if none does. With 'none' the gradient is that of the sum.
    gradient : bool or ndarray, default False
        True returns a tuple of the entropy and its gradient, of the logits' shape and type; an array is written and
        returned: it may be the logits themselves.
    <options>

    Returns
    -------
    float, ndarray or tuple
        In nepits. Relative error at most 2^-46 (float32 and half floats 2^-19).

    <raises>

    References
    ----------
    Schulman et al. (2017), Proximal policy optimization algorithms, equation 9.

    Examples
    --------
    >>> import nepit
    >>> nepit.losses.policy_entropy([[0.0, 0.0, 5.0], [40.0, 0.0, 0.0]], [True, True, False], reduction="none")
    array([6.93147181e-01, 1.74182524e-16])
    """
    x, lead = _support.matrix(logits, "logits")
    rows, cols = x.array.shape
    named: dict[str, Any] = {"logits": x, "reduction": _support.reduction_code(reduction), "out": np.empty(1)}
    if mask is not None:
        item = _arrays.view(mask, "mask")
        try:
            whole = np.broadcast_to(item.array, (*lead, cols))
        except ValueError:
            raise NepitError(f"mask has the shape {item.array.shape}, where logits have {(*lead, cols)}") from None
        named["mask"] = item.replaced(whole.reshape(rows, cols))
    slopes = _support.gradient_output(gradient, logits, x)
    if slopes is not None:
        named["gradient"] = slopes.reshape(rows, cols)
    if reduction == "none":
        named["entropies"] = np.empty(rows)
    _support.call(c.nepit_policy_entropy, x.array.size, threads, progress, **named)
    value = _calls.finished(named["entropies"].reshape(lead)) if reduction == "none" else named["out"].item()
    return value if slopes is None else (value, slopes.reshape(*lead, cols))
