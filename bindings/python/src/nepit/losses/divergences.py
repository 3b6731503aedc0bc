"""Losses that compare two models' predictions."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _arrays, _library
from .._library import NepitError
from .._library import functions as c
from .._manual import documented
from . import _support

_DIVERGENCES = {"forward_kl": _library.DIVERGENCE_FORWARD_KL, "reverse_kl": _library.DIVERGENCE_REVERSE_KL,
                "jensen_shannon": _library.DIVERGENCE_JENSEN_SHANNON,
                "total_variation": _library.DIVERGENCE_TOTAL_VARIATION}


@documented
def distillation(student: Any, teacher: Any, *, divergence: str = "forward_kl", beta: float = 0.5,
                 temperature: float = 1.0, temperature_squared: bool = False, row_weight: Any = None,
                 reduction: str = "mean", gradient: Any = False, teacher_gradient: Any = False, threads: int = 0,
                 progress: Any = None) -> Any:
    """Divergence of a student's predictions from a teacher's, exact where they nearly agree.

    With p the teacher's distribution and q the student's.

    Parameters
    ----------
    student, teacher : array_like
        Logits: any numbers, a row along the last axis, of one shape; float32, half floats and bfloat16 are read where
        they lie.
    divergence : {'forward_kl', 'reverse_kl', 'jensen_shannon', 'total_variation'}
        KL(p || q), KL(q || p), beta KL(p || m) + (1 - beta) KL(q || m) of the mixture m = beta p + (1 - beta) q, or
        half the sum of abs(p - q).
    beta : float, default 0.5
        Between 0 and 1: the teacher's share of the mixture.
    temperature : float, default 1
        Divides the logits of both.
    temperature_squared : bool, default False
        Multiply the losses by the square of the temperature, which keeps the gradient's size.
    row_weight : array_like, optional
        A weight for each row; one of weight 0 counts nothing, whatever it holds.
    reduction : {'mean', 'sum', 'none'}
        The mean divides by the weights. With 'none' the gradient is that of the sum.
    gradient : bool or ndarray, default False
        True returns a tuple with the gradient by the student's logits, of their shape and type; an array is written and
        returned: it may be the logits themselves.
    teacher_gradient : bool or ndarray, default False
        The same by the teacher's logits, behind the student's in the tuple.
    <options>

    Returns
    -------
    float, ndarray or tuple
        In nepits, never negative, 0 for equal rows. NaN for a row with NaN or infinity. Relative error at most 2^-46
        (float32 and half floats 2^-19), also where the rows nearly agree.

    <raises>

    References
    ----------
    Hinton, Vinyals and Dean (2015), Distilling the knowledge in a neural network; Agarwal et al. (2024), On-policy
    distillation of language models.

    Examples
    --------
    >>> import nepit, numpy as np
    >>> teacher = np.array([2.0, 0.5, -1.0])
    >>> nepit.losses.distillation(teacher + [1e-6, 0, 0], teacher)
    8.421715090566723e-14
    >>> loss, gradient = nepit.losses.distillation([1.0, 0.0, 0.0], teacher, temperature=2.0, gradient=True)
    >>> gradient
    array([-0.06896745, -0.00226604,  0.07123349])
    """
    try:
        code = _DIVERGENCES[divergence]
    except (KeyError, TypeError):
        names = ", ".join(map(repr, _DIVERGENCES))
        raise NepitError(f"divergence must be one of {names}, not {divergence!r}") from None
    x, lead = _support.matrix(student, "student")
    y, _ = _support.matrix(teacher, "teacher")
    options = _library.DistillationOptions(
        beta=_arrays.number(beta, "beta"), temperature=_arrays.number(temperature, "temperature"), divergence=code,
        temperature_squared=bool(temperature_squared), reduction=_support.reduction_code(reduction))
    named: dict[str, Any] = {"student": x, "teacher": y, "options": options, "out": np.empty(1)}
    if row_weight is not None:
        named["row_weights"] = _support.column(row_weight, "row_weight", lead)
    named["student_gradient"] = _support.gradient_output(gradient, student, x)
    named["teacher_gradient"] = _support.gradient_output(teacher_gradient, teacher, y)
    return _support.reduced(c.nepit_distillation, x, lead, reduction, threads, progress, named,
                            ("student_gradient", "teacher_gradient"))
