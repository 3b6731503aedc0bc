"""Losses as functions of torch tensors, with the signatures of `torch.nn.functional`: ``pip install nepit[torch]``.

    import nepit.torch as F
    loss = F.cross_entropy(logits, labels, label_smoothing=0.1)
    loss.backward()

Tensors lie in the processor's memory, strided in any way, and are read where they are, half floats and bfloat16 too.
The loss and its gradient come of one pass, when the loss is computed; `backward` multiplies. There are no second
derivatives. As many threads as `torch.get_num_threads` says are used; the results are the same bits for every number.
"""

from __future__ import annotations

from typing import Any, Callable, Optional, Sequence

import numpy as np
import torch
from torch import Tensor

from . import _library, losses
from ._arrays import View
from ._library import NepitError
from ._library import functions as _c
from .losses import _support

__all__ = ["binary_cross_entropy_with_logits", "cross_entropy", "distillation", "gaussian_kl"]

_CODES = {torch.float64: _library.F64, torch.float32: _library.F32, torch.float16: _library.F16,
          torch.bfloat16: _library.BF16, torch.int32: _library.I32, torch.int64: _library.I64}


def _view(x: Any, name: str) -> View:
    """A tensor's own memory."""
    if not isinstance(x, Tensor):
        raise NepitError(f"{name} must be a tensor, not {type(x).__name__}")
    if x.device.type != "cpu":
        raise NepitError(f"{name} lies on {x.device}, not in the memory of the processor; move it there first")
    if x.layout != torch.strided:
        raise NepitError(f"{name} is {x.layout}; make it dense first")
    if x.dtype not in _CODES:
        raise NepitError(f"{name} has elements of type {x.dtype}")
    x = x.detach()
    if x.dtype == torch.bfloat16:  # which NumPy does not know
        return View(x.view(torch.int16).numpy().view(np.uint16), _library.BF16)
    return View(x.numpy(), _CODES[x.dtype])


def _borrowed(x: Any, name: str) -> Any:
    """A tensor as `nepit.losses` reads it where it lies."""
    array, code = _view(_floating(x, name), name)
    return x.detach() if code == _library.BF16 else array


def _taken(result: Any, wanted: Sequence[bool], inputs: Sequence[Tensor]) -> tuple[Tensor, list[Optional[Tensor]]]:
    """What a function of `nepit.losses` gave: the loss, and the gradients of the inputs that were wanted."""
    value, *found = result if isinstance(result, tuple) else (result,)
    slopes = iter(found)
    return (torch.as_tensor(value, dtype=inputs[0].dtype),
            [torch.from_numpy(next(slopes)).to(x.dtype) if want else None for x, want in zip(inputs, wanted)])


def _matrix(x: Tensor, name: str) -> View:
    """Rows along the last axis."""
    item = _view(x, name)
    return item.replaced(item.array.reshape(-1, x.shape[-1]))


def _column(x: Tensor, name: str) -> View:
    item = _view(x, name)
    return item.replaced(item.array.reshape(-1, 1))


def _floating(x: Any, name: str) -> Tensor:
    if not isinstance(x, Tensor) or not x.dtype.is_floating_point:
        raise NepitError(f"{name} must be a tensor of floats, not {getattr(x, 'dtype', type(x).__name__)}")
    return x


def _legacy(reduction: str, size_average: Optional[bool], reduce: Optional[bool]) -> str:
    """What torch's arguments of old stand for."""
    if size_average is None and reduce is None:
        return reduction
    return "none" if reduce is False else "sum" if size_average is False else "mean"


class _Loss(torch.autograd.Function):
    """A loss whose gradients are computed with it: of each row by its own row, or reduced.

    compute: takes for each input whether its gradient is wanted, and gives the loss and those gradients.
    """

    @staticmethod
    def forward(ctx: Any, compute: Callable[..., Any], *inputs: Tensor) -> Tensor:
        loss, gradients = compute(ctx.needs_input_grad[1:])
        ctx.save_for_backward(*gradients)
        return loss

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Optional[Tensor], ...]:
        if torch.is_grad_enabled():  # or they would be taken for constants, without a word
            raise NepitError("nepit.torch has no second derivatives: create_graph must be False")

        def times(gradient: Optional[Tensor]) -> Optional[Tensor]:
            if gradient is None or (slope.ndim == 0 and slope == 1):
                return gradient
            return gradient * slope.reshape(slope.shape + (1,) * (gradient.ndim - slope.ndim)).to(gradient.dtype)
        return (None, *map(times, ctx.saved_tensors))


def cross_entropy(input: Tensor, target: Tensor, weight: Optional[Tensor] = None, size_average: Optional[bool] = None,
                  ignore_index: int = -100, reduce: Optional[bool] = None, reduction: str = "mean",
                  label_smoothing: float = 0.0, *, z_loss: float = 0.0, softcap: Optional[float] = None,
                  temperature: float = 1.0) -> Tensor:
    """Cross-entropy of logits and class indices, as `torch.nn.functional.cross_entropy`, exact where the prediction is
    confident.

    Parameters
    ----------
    input : Tensor
        Logits: [C], [N, C] or [N, C, d1, ...], float64, float32, float16 or bfloat16.
    target : Tensor
        The class of each row, int64 or int32, of the shape of the input without C; or `ignore_index`.
    weight : Tensor, optional
        [C]: a weight for each class. Has no gradient.
    size_average, reduce : bool, optional
        As torch's: what `reduction` was called once.
    ignore_index : int, default -100
        The class of rows that count for nothing.
    reduction : {'mean', 'sum', 'none'}
        The mean divides by the weights of the rows that count, and is 0, where torch's is NaN, if none does.
    label_smoothing : float, default 0
        From 0 to 1: the share of the uniform distribution in the target.
    z_loss, softcap, temperature : float
        As in `nepit.losses.softmax_cross_entropy`.

    Returns
    -------
    Tensor
        Of the input's type, computed in double.

    Raises
    ------
    NepitError
        If an argument is wrong; the message says which and how. It is a `ValueError`.

    Examples
    --------
    >>> import torch, nepit.torch
    >>> logits = torch.tensor([[2.0, 0.0, -1.0], [0.0, 40.0, 0.0]], requires_grad=True)
    >>> nepit.torch.cross_entropy(logits, torch.tensor([0, 1]), reduction="none")
    tensor([1.6985e-01, 8.4967e-18], grad_fn=<_LossBackward>)
    """
    _floating(input, "input")
    if input.ndim == 0:
        raise NepitError("input is a single number; logits need an axis")
    logits = input.movedim(1, -1) if input.ndim > 2 else input
    lead = logits.shape[:-1]
    if not isinstance(target, Tensor) or target.dtype not in (torch.int64, torch.int32):
        raise NepitError("target must be a tensor of class indices, int64 or int32, "
                         f"not {getattr(target, 'dtype', type(target).__name__)}")
    if target.shape != lead:
        raise NepitError(f"target has the shape {tuple(target.shape)}, where the rows have {tuple(lead)}")
    reduction = _legacy(reduction, size_average, reduce)
    options = _library.SoftmaxOptions(
        label_smoothing=label_smoothing, ignore_index=ignore_index, z_loss=z_loss,
        softcap=0.0 if softcap is None else softcap, temperature=temperature,
        reduction=_support.reduction_code(reduction))

    def compute(wanted: tuple[bool, ...]) -> tuple[Tensor, list[Optional[Tensor]]]:
        x = _matrix(logits, "input")
        named: dict[str, Any] = {"logits": x, "labels": _column(target, "target"), "options": options}
        if weight is not None:
            named["class_weights"] = _matrix(_floating(weight, "weight"), "weight")
        out = named["losses" if reduction == "none" else "out"] = np.empty(lead if reduction == "none" else 1)
        gradient = torch.empty(logits.shape, dtype=logits.dtype) if wanted[0] else None
        if gradient is not None:
            named["gradient"] = _matrix(gradient, "gradient")
        _support.call(_c.nepit_softmax_cross_entropy, x.array.size, torch.get_num_threads(), None, **named)
        loss = torch.from_numpy(out).to(logits.dtype)
        return loss if reduction == "none" else loss[0], [gradient]

    return _Loss.apply(compute, logits)


def distillation(student: Tensor, teacher: Tensor, *, divergence: str = "forward_kl", beta: float = 0.5,
                 temperature: float = 1.0, temperature_squared: bool = False, reduction: str = "mean") -> Tensor:
    """Divergence of a student's predictions from a teacher's, from the logits of both, exact where they nearly agree.

    Parameters
    ----------
    student, teacher : Tensor
        [..., C]: logits, of one shape. Both may need a gradient.
    divergence : {'forward_kl', 'reverse_kl', 'jensen_shannon', 'total_variation'}
        KL(teacher || student), KL(student || teacher), the generalised Jensen-Shannon divergence or total variation.
    beta, temperature, temperature_squared
        As in `nepit.losses.distillation`.
    reduction : {'mean', 'sum', 'none'}
        Over the rows: 'mean' is torch's 'batchmean'.

    Returns
    -------
    Tensor
        Of the student's type, computed in double.

    Raises
    ------
    NepitError
        If an argument is wrong; the message says which and how. It is a `ValueError`.

    Examples
    --------
    >>> import torch, nepit.torch
    >>> teacher = torch.tensor([[2.0, 0.5, -1.0]])
    >>> nepit.torch.distillation(teacher + 1.0, teacher)
    tensor(0.)
    """
    inputs = student, teacher

    def compute(wanted: tuple[bool, ...]) -> tuple[Tensor, list[Optional[Tensor]]]:
        return _taken(losses.distillation(
            _borrowed(student, "student"), _borrowed(teacher, "teacher"), divergence=divergence, beta=beta,
            temperature=temperature, temperature_squared=temperature_squared, reduction=reduction, gradient=wanted[0],
            teacher_gradient=wanted[1], threads=torch.get_num_threads()), wanted, inputs)

    return _Loss.apply(compute, *inputs)


def gaussian_kl(mean: Tensor, log_variance: Tensor, other_mean: Optional[Tensor] = None,
                other_log_variance: Optional[Tensor] = None, *, free_bits: float = 0.0,
                reduction: str = "mean") -> Tensor:
    """Kullback-Leibler divergence of diagonal Gaussians from the standard normal, or from others.

    Parameters
    ----------
    mean, log_variance : Tensor
        [..., D]: means and logarithms of the variances.
    other_mean, other_log_variance : Tensor, optional
        Those of the other distribution; 0 if absent. All are broadcast against one another, and may need a gradient.
    free_bits : float, default 0
        The least that an element contributes, in nepits; an element below has no gradient.
    reduction : {'mean', 'sum', 'rows', 'none'}
        The mean or the sum of the rows' divergences, each row's, or each element's.

    Returns
    -------
    Tensor
        Of the mean's type, computed in double.

    Raises
    ------
    NepitError
        If an argument is wrong; the message says which and how. It is a `ValueError`.

    Examples
    --------
    >>> import torch, nepit.torch
    >>> nepit.torch.gaussian_kl(torch.tensor([0.0, 1.0]), torch.zeros(2))
    tensor(0.5000)
    """
    given = {"mean": mean, "log_variance": log_variance, "other_mean": other_mean,
             "other_log_variance": other_log_variance}
    names = [name for name, x in given.items() if x is not None]
    tensors = [_floating(given[name], name) for name in names]
    try:
        inputs = torch.broadcast_tensors(*tensors)
    except RuntimeError:
        shapes = " and ".join(f"{name} has {tuple(x.shape)}" for name, x in zip(names, tensors))
        raise NepitError(f"shapes do not fit: {shapes}") from None

    def compute(wanted: tuple[bool, ...]) -> tuple[Tensor, list[Optional[Tensor]]]:
        arrays = {name: _borrowed(x, name) for name, x in zip(names, inputs)}
        return _taken(losses.gaussian_kl(
            **arrays, free_bits=free_bits, reduction=reduction, gradient=wanted if any(wanted) else False,
            threads=torch.get_num_threads()), wanted, inputs)

    return _Loss.apply(compute, *inputs)


def binary_cross_entropy_with_logits(input: Tensor, target: Tensor, weight: Optional[Tensor] = None,
                                     size_average: Optional[bool] = None, reduce: Optional[bool] = None,
                                     reduction: str = "mean", pos_weight: Optional[Tensor] = None) -> Tensor:
    """Cross-entropy of the sigmoid of logits with binary targets, as
    `torch.nn.functional.binary_cross_entropy_with_logits`, exact where the prediction is confident.

    Parameters
    ----------
    input, target : Tensor
        Logits, and probabilities or labels of 0 and 1, both of a floating-point type and of one shape. Both may need a
        gradient.
    weight : Tensor, optional
        A weight for each element, broadcast. Has no gradient.
    size_average, reduce : bool, optional
        As torch's: what `reduction` was called once.
    reduction : {'mean', 'sum', 'none'}
        The mean is over the elements.
    pos_weight : Tensor, optional
        A weight for the positives, or for those of each column. Has no gradient.

    Returns
    -------
    Tensor
        Of the input's type, computed in double.

    Raises
    ------
    NepitError
        If an argument is wrong; the message says which and how. It is a `ValueError`.

    Examples
    --------
    >>> import torch, nepit.torch
    >>> nepit.torch.binary_cross_entropy_with_logits(torch.tensor([40.0]), torch.tensor([1.0]))
    tensor(4.2484e-18)
    """
    reduction = _legacy(reduction, size_average, reduce)
    _support.reduction_code(reduction)
    inputs = _floating(input, "input"), _floating(target, "target")
    if input.shape != target.shape:
        raise NepitError(f"target has the shape {tuple(target.shape)}, and input {tuple(input.shape)}")

    def compute(wanted: tuple[bool, ...]) -> tuple[Tensor, list[Optional[Tensor]]]:
        weights = {name: _borrowed(x, name) for name, x in (("weight", weight), ("pos_weight", pos_weight))
                   if x is not None}
        return _taken(losses.sigmoid_cross_entropy(
            _borrowed(input, "input"), _borrowed(target, "target"), **weights, reduction=reduction,
            gradient=wanted if any(wanted) else False, threads=torch.get_num_threads()), wanted, inputs)

    return _Loss.apply(compute, *inputs)
