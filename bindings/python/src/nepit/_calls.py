"""From the arguments of a Python function to calls of the library, and back."""

from __future__ import annotations

import enum
import math
import operator
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from itertools import chain, repeat
from typing import Any, Callable

import numpy as np

from . import _arrays, _library
from ._arrays import Layout, View
from ._library import NepitError

#: The fewest elements for which threads, progress and Ctrl-C are worth their cost (about 5 µs); some 0.05 ms of work.
LARGE = 1 << 16

_ndarray = np.ndarray
_codes = _arrays.CODES


def base_of(base: Any) -> float:
    """The base of the logarithm: e where none is given."""
    if base is None:
        return math.e
    return base if type(base) is float else _arrays.number(base, "base")


# ---------------------------------------------------------------------------------------------- measures of rows


def measure(function: Any, gradient_function: Any, names: Sequence[str], inputs: Sequence[Any],
            numbers: Sequence[float], axis: Any, keepdims: bool, check: bool, gradient: bool, threads: int,
            progress: Any, which: int = 0) -> Any:
    """A value for each row of the inputs and, if asked for, the gradients. `which` of the function's values it is."""
    views = [_arrays.view(x, name) for x, name in zip(inputs, names)]
    if check:
        for item, name in zip(views, names):
            require_distributions(item, name, axis, threads)
    arrays, kept = _arrays.aligned_to_axis(views, names, axis)
    codes = [item.code for item in views]
    gradients: list[np.ndarray] = []
    if gradient:
        function = gradient_function
        for item, array in zip(views, arrays):
            # The gradient of what was repeated is summed, and so kept in float64 until then.
            dtype = item.result_type if array.size == item.array.size else np.float64
            gradients.append(np.empty_like(array, dtype=dtype, subok=False))
    values, layout = run(function, arrays, codes, numbers, gradients, values=(np.float64,) * (which + 1),
                         threads=threads, progress=progress)
    value = finished(layout.arranged(values[which]), kept if keepdims else None)
    if not gradient:
        return value
    shape = None if axis is not None else np.broadcast_shapes(*(item.array.shape for item in views))
    return (value, *(_folded(full, item, axis, len(kept), shape) for full, item in zip(gradients, views)))


def one(function: Any, gradient_function: Any, p: Any, numbers: tuple[float, ...], axis: Any, keepdims: bool,
        check: bool, gradient: bool, threads: int, progress: Any, name: str = "p") -> Any:
    """A measure of one distribution a row."""
    # The short way, for a vector that is small and has no gaps: nothing but the call (see quick_one).
    if type(p) is _ndarray and p.ndim == 1 and 0 < p.size < LARGE and type(axis) is int and -2 < axis < 1 \
            and type(threads) is int and 0 <= threads < 1 << 31 and not (keepdims or check or gradient or progress):
        dtype = _codes.get(p.dtype)
        if dtype is not None:
            try:
                return _library.quick_one(function, p, p.size, dtype, numbers)
            except TypeError:  # not contiguous, or not aligned
                pass
    return measure(function, gradient_function, (name,), (p,), numbers, axis, keepdims, check, gradient, threads,
                   progress)


def two(function: Any, gradient_function: Any, p: Any, q: Any, numbers: tuple[float, ...], axis: Any, keepdims: bool,
        check: bool, gradient: bool, threads: int, progress: Any, names: tuple[str, str] = ("p", "q")) -> Any:
    """A measure of two distributions a row."""
    if type(p) is _ndarray and type(q) is _ndarray and p.ndim == 1 == q.ndim and p.size == q.size \
            and 0 < p.size < LARGE and type(axis) is int and -2 < axis < 1 \
            and type(threads) is int and 0 <= threads < 1 << 31 and not (keepdims or check or gradient or progress):
        p_dtype = _codes.get(p.dtype)
        q_dtype = _codes.get(q.dtype)
        if p_dtype is not None and q_dtype is not None:
            try:
                return _library.quick_two(function, p, q, p.size, p_dtype, q_dtype, numbers)
            except TypeError:
                pass
    return measure(function, gradient_function, names, (p, q), numbers, axis, keepdims, check, gradient, threads,
                   progress)


def finished(value: np.ndarray, shape: tuple[int, ...] | None = None) -> Any:
    """A float where there is a single value, else the array."""
    if shape is not None:
        return value.reshape(shape)
    return value.item() if value.ndim == 0 else value


def _folded(full: np.ndarray, item: View, axis: Any, ndim: int, flattened: tuple[int, ...] | None) -> np.ndarray:
    """A gradient of the shape of its input: summed over what the input was repeated for."""
    shape = item.array.shape
    if flattened is not None:
        full = full.reshape(flattened)
    elif len(shape) > 1:
        full = np.moveaxis(full, -1, axis % ndim)
    added = full.ndim - len(shape)
    repeated = tuple(range(added)) + tuple(axis for axis in range(added, full.ndim)
                                           if shape[axis - added] == 1 != full.shape[axis])
    if repeated:
        full = full.sum(axis=repeated)
    return full.reshape(shape).astype(item.result_type, copy=False)


# ------------------------------------------------------------------------------------------------ results a cell


def elements(function: Any, names: Sequence[str], inputs: Sequence[Any], numbers: Sequence[float], outputs: int,
             threads: int, progress: Any) -> list[np.ndarray]:
    """`outputs` arrays with a value for each element of the inputs, broadcast against one another."""
    views = [_arrays.view(x, name) for x, name in zip(inputs, names)]
    arrays = [item.array for item in views]
    if arrays[0].shape != arrays[-1].shape:
        arrays = [np.broadcast_to(array, _arrays.broadcast_shape(arrays, names)) for array in arrays]
    results = [_like(arrays, views) for _ in range(outputs)]
    if results[0].size:
        run(function, arrays, [item.code for item in views], numbers, results, threads=threads, progress=progress,
            elementwise=True)
    return results


def distributions(function: Any, names: Sequence[str], inputs: Sequence[Any], numbers: Sequence[float], axis: Any,
                  threads: int, progress: Any) -> np.ndarray:
    """An array of the shape of the inputs, with a distribution for each row."""
    views = [_arrays.view(x, name) for x, name in zip(inputs, names)]
    arrays, kept = _arrays.aligned_to_axis(views, names, axis)
    result = _like(arrays, views)
    run(function, arrays, [item.code for item in views], numbers, [result], threads=threads, progress=progress)
    if axis is None:
        return result.reshape(np.broadcast_shapes(*(item.array.shape for item in views)))
    return np.moveaxis(result, -1, axis % len(kept))


def _like(arrays: Sequence[np.ndarray], views: Sequence[View]) -> np.ndarray:
    """An empty array of the inputs' shape, in the memory order of the first, for values as exact as they are."""
    return np.empty_like(arrays[0], dtype=np.result_type(*(item.result_type for item in views)), subok=False)


# --------------------------------------------------------------------------------------------------------- check


class Finding(enum.IntFlag):
    """What can be wrong with a row of weights (NEPIT_FINDING_...)."""

    NEGATIVE = 1
    NAN = 2
    INFINITE = 4
    ZERO_SUM = 8
    NOT_NORMALIZED = 16


# How far a sum may be from 1 and still be taken for rounding, by nepit_dtype; integers are exact.
_TOLERANCES = {_library.F64: 1e-9, _library.F32: 1e-5, _library.F16: 2e-3, _library.BF16: 1e-2}


def examine(item: View, name: str, axis: Any, tolerance: float | None, threads: int,
            progress: Any = None) -> tuple[np.ndarray, np.ndarray]:
    """What is wrong with each row (sums of Findings), and how far its sum is from 1."""
    arrays, _ = _arrays.aligned_to_axis([item], [name], axis)
    if tolerance is None:
        tolerance = _TOLERANCES.get(item.code, 1e-9)
    (finding, excess), layout = run(_library.functions.nepit_check_distribution, arrays, [item.code], [tolerance], [],
                                    values=(np.int32, np.float64), threads=threads, progress=progress)
    return layout.arranged(finding), layout.arranged(excess)


def require_distributions(item: View, name: str, axis: Any, threads: int) -> None:
    """Raises an error that names the first row which is no distribution, and says what is wrong with it."""
    finding, excess = examine(item, name, axis, None, threads)
    wrong = np.argwhere(finding)
    if not len(wrong):
        return
    where = tuple(int(i) for i in wrong[0])
    told = described(int(finding[where]), float(excess[where]), counts=item.code >= _library.I8)
    more = f" ({len(wrong)} of {finding.size} rows are no distributions)" if len(wrong) > 1 else ""
    raise NepitError(f"{place(name, where, axis)} is no distribution: {told}{more}")


def place(name: str, where: Sequence[int], axis: Any) -> str:
    """Which row that is, as one would index it."""
    index = [str(i) for i in where]
    if not index:
        return name
    index.insert(axis % (len(index) + 1), ":")
    return f"{name}[{', '.join(index)}]"


def described(finding: int, excess: float, counts: bool = False) -> str:
    """What is wrong with a row, in words."""
    words = []
    if finding & Finding.NEGATIVE:
        words.append("a weight is negative")
    if finding & Finding.NAN:
        words.append("a weight is NaN")
    if finding & Finding.INFINITE:
        words.append("a weight is infinite")
    if finding & Finding.ZERO_SUM:
        words.append("all weights are 0")
    elif finding & Finding.NOT_NORMALIZED and math.isfinite(excess):
        words.append(f"it sums to {1 + excess:.12g}, off by {excess:.3g}")
        if counts:
            words.append("integer counts are not normalised: divide them by their sum, or leave out check")
    return "; ".join(words) or "it is one"


# ---------------------------------------------------------------------------------------------------- the calls


def run(function: Any, inputs: Sequence[np.ndarray], codes: Sequence[int], numbers: Sequence[Any],
        outputs: Sequence[np.ndarray], *, values: Sequence[type] = (np.float64,), members: int = 0, threads: int = 0,
        progress: Any = None, elementwise: bool = False) -> tuple[list[np.ndarray], Layout]:
    """Calls the function over inputs and outputs of one shape; returns the values of all rows, and their layout.

    The arguments are put in the order that the function's declaration has them: arrays, numbers, outputs each in turn;
    an array that is not given is an absent one.
    """
    threads = thread_count(threads)
    layout = Layout([*inputs, *outputs], len(inputs), elementwise=elementwise, grouped=members > 0)
    written = [_library.F32 if output.itemsize == 4 else _library.F64 for output in outputs]
    records = layout.records([*codes, *written])
    results = layout.rows // members if members else layout.rows
    buffers: list[np.ndarray] = [np.empty(layout.calls * results, dtype) for dtype in values]
    addresses = [buffer.ctypes.data for buffer in buffers]

    sources: dict[str, Iterator[Any]] = {
        "input": chain(records[: len(inputs)], repeat(_library.ABSENT)),
        "output": chain(records[len(inputs):], repeat(_library.ABSENT_OUTPUT)),
        "value": iter(addresses),
        "number": iter(numbers),
        "execution": iter(()),
    }
    arguments: list[Any] = [next(sources[role], None) for role in function.roles]

    with _reporting(progress) if progress else _SILENT as report:
        long = report is not None or layout.rows * layout.cols >= LARGE
        if layout.calls == 1:
            if long:
                arguments[function.execution_at] = _library.execution(threads, report)
            function(*arguments)
            return buffers, layout
        starts = [record.data or 0 for record in records]
        for call, offsets in enumerate(layout.offsets().tolist()):
            for record, start, offset in zip(records, starts, offsets):
                record.data = start + offset
            for position, address, buffer in zip(function.values_at, addresses, buffers):
                arguments[position] = address + call * results * buffer.itemsize
            if long:
                arguments[function.execution_at] = _library.execution(
                    threads, report and _part(report, call, layout.calls))
            function(*arguments)
    return buffers, layout


def execute(function: Any, arguments: list[Any], execution_at: int, elements: int, threads: int, progress: Any,
            lock: Any = nullcontext()) -> None:
    """One call whose arguments are there but for the execution."""
    threads = thread_count(threads)
    with _reporting(progress) if progress else _SILENT as report, lock:
        if report is not None or elements >= LARGE:
            arguments[execution_at] = _library.execution(threads, report)
        function(*arguments)


def thread_count(threads: Any) -> int:
    """How many threads, 0 for all processors, if it is such a number."""
    try:
        threads = operator.index(threads)
    except TypeError:
        raise NepitError(f"threads must be an integer, not {threads!r}") from None
    if not 0 <= threads < 1 << 31:
        raise NepitError(f"threads is {threads}; it must be 0 (all processors) or more")
    return threads


_SILENT = nullcontext()


def _part(report: Callable[[float], Any], call: int, calls: int) -> Callable[[float], Any]:
    return lambda progress: report((call + progress) / calls)


@contextmanager
def _reporting(progress: Any) -> Iterator[Callable[[float], Any] | None]:
    """Whom to tell the progress: a callable, or a bar on the terminal."""
    if progress is not True:
        if not callable(progress):
            raise NepitError(f"progress must be True or a callable, not {progress!r}")
        yield progress
    else:
        try:
            from tqdm.auto import tqdm
        except ImportError:  # a plain line will do
            yield lambda share: print(f"\r{share:4.0%}", end="", file=sys.stderr, flush=True)
            print("\r100%", file=sys.stderr)
            return
        with tqdm(total=100, bar_format="{percentage:3.0f}% |{bar}| {elapsed}<{remaining}") as bar:
            yield lambda share: bar.update(100 * share - bar.n)
            bar.update(100 - bar.n)
