"""From the arguments of a loss to a call of the library by the names that the header gives its parameters."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from .. import _arrays, _calls, _library
from .._arrays import View
from .._library import NepitError

_REDUCTIONS = {"none": _library.REDUCTION_SUM, "sum": _library.REDUCTION_SUM, "mean": _library.REDUCTION_MEAN}


def reduction_code(reduction: Any) -> int:
    try:
        return _REDUCTIONS[reduction]
    except (KeyError, TypeError):
        raise NepitError(f"reduction must be 'none', 'sum' or 'mean', not {reduction!r}") from None


def matrix(x: Any, name: str) -> tuple[View, tuple[int, ...]]:
    """Rows along the last axis as a matrix, and the shape of the others; a vector is one row."""
    item = _arrays.view(x, name)
    if item.array.ndim == 0:
        raise NepitError(f"{name} is a single number; logits need an axis")
    lead = item.array.shape[:-1]
    if item.array.shape[-1] == 0:
        raise NepitError(f"{name} has no columns")
    return item.replaced(item.array.reshape(-1, item.array.shape[-1])), lead


def column(x: Any, name: str, lead: tuple[int, ...]) -> View:
    """A number for each row, as a matrix of one column."""
    item = _arrays.view(x, name)
    if item.array.shape != lead:
        raise NepitError(f"{name} has the shape {item.array.shape}, where the rows have {lead}")
    return item.replaced(item.array.reshape(-1, 1))


def labels_of(x: Any, name: str, lead: tuple[int, ...]) -> View:
    item = column(x, name, lead)
    if item.code in (_library.I32, _library.I64):
        return item
    if item.array.dtype.kind not in "iu":
        raise NepitError(f"{name} must be integers, not {item.array.dtype}")
    return View(item.array.astype(np.int64), _library.I64)


def empty_like(x: Any, item: View) -> np.ndarray:
    """For a gradient by x: of x's own type where NumPy knows it, else float32 for small floats and float64."""
    array = x if isinstance(x, np.ndarray) else None
    own = array is not None and (item.code == _library.BF16 or array.dtype.kind == "f")
    return np.empty(item.array.shape, array.dtype if own else item.result_type)


def gradient_output(gradient: Any, x: Any, item: View) -> np.ndarray | None:
    """Where a gradient by x goes: nowhere, into a new array, or into the one that is given."""
    if gradient is False or gradient is None:
        return None
    if gradient is True:
        return empty_like(x, item)
    if not isinstance(gradient, np.ndarray) or gradient.size != item.array.size or not gradient.flags.writeable:
        raise NepitError("gradient must be True, False, or a writable array of the logits' shape")
    shaped = gradient.reshape(item.array.shape)
    if not np.shares_memory(shaped, gradient):
        raise NepitError("gradient must be an array whose rows can be written where they lie")
    return shaped


def record(array: np.ndarray, code: int, kind: Any) -> Any:
    """A matrix as the library takes it."""
    size = array.itemsize
    rows, cols = array.shape
    return kind(array.ctypes.data, rows, cols, array.strides[0] // size, array.strides[1] // size if cols > 1 else 1,
                code)


def written(array: np.ndarray) -> Any:
    """A matrix that is written."""
    code = _library.BF16 if array.dtype.name == "bfloat16" else _arrays.CODES[array.dtype]
    return record(array, code, _library.MutableArray)


def call(function: Any, cells: int, threads: int, progress: Any, **named: Any) -> None:
    """Calls the function with arguments by name; what is not named is absent. A View is read, or written where the
    function writes; an array is written."""
    threads = _calls.thread_count(threads)
    arguments = []
    for name, role in zip(function.names, function.roles):
        value = named.pop(name, None)
        if isinstance(value, View):
            value = record(value.array, value.code, _library.MutableArray if role == "output" else _library.Array)
        elif isinstance(value, np.ndarray):
            value = written(value) if role == "output" else value.ctypes.data
        elif isinstance(value, ctypes.Structure):
            value.size = ctypes.sizeof(value)
        elif value is None:
            value = {"input": _library.ABSENT, "output": _library.ABSENT_OUTPUT}.get(role)
        arguments.append(value)
    assert not named, named
    with _calls._reporting(progress) if progress else _calls._SILENT as report:
        if report is not None or cells >= _calls.LARGE:
            arguments[function.execution_at] = _library.execution(threads, report)
        function(*arguments)


def reduced(function: Any, x: View, lead: tuple[int, ...], reduction: str, threads: int, progress: Any,
            named: dict[str, Any], gradients: tuple[str, ...]) -> Any:
    """Calls a loss; its value, or each row's, and behind it those of the gradients that are wanted."""
    if reduction == "none":
        named["losses"] = np.empty(x.array.shape[0])
    call(function, x.array.size, threads, progress, **named)
    value = _calls.finished(named["losses"].reshape(lead)) if reduction == "none" else named["out"].item()
    slopes = [named[name].reshape(*lead, x.array.shape[1]) for name in gradients if named[name] is not None]
    return (value, *slopes) if slopes else value
