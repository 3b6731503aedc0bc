"""What users pass, as memory that the library can read where it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from . import _library
from ._library import NepitError

#: The nepit_dtype of each NumPy type.
CODES = {np.dtype(kind): code for kind, code in {
    "f8": _library.F64, "f4": _library.F32, "f2": _library.F16,
    "i1": _library.I8, "i2": _library.I16, "i4": _library.I32, "i8": _library.I64,
    "u1": _library.U8, "u2": _library.U16, "u4": _library.U32, "u8": _library.U64,
    "?": _library.U8,  # NumPy's bool is a byte of 0 or 1
}.items()}
_SMALL_FLOATS = (_library.F32, _library.F16, _library.BF16)
_HOST_DEVICES = (1, 3)  # DLPack's kDLCPU and kDLCUDAHost


class View(NamedTuple):
    """An array in memory that the library can read: its dtype native, elements aligned, strides whole elements."""

    array: np.ndarray  # bfloat16 appears as uint16
    code: int  # the nepit_dtype

    @property
    def result_type(self) -> type:
        """The element type of results that have a value an element: float32 stays, half floats become it."""
        return np.float32 if self.code in _SMALL_FLOATS else np.float64

    def replaced(self, array: np.ndarray) -> View:
        return View(array, self.code)


def view(x: Any, name: str) -> View:
    """x as a View; the very memory where that is possible."""
    array, bfloat16 = (x, False) if type(x) is np.ndarray else _as_ndarray(x, name)
    dtype = array.dtype
    code = CODES.get(dtype)
    if bfloat16 or (dtype.kind == "V" and dtype.name == "bfloat16"):  # the latter is the type of ml_dtypes
        array, code = array.view(np.uint16), _library.BF16
    elif code is None:
        if dtype.isnative or dtype.newbyteorder("=") not in CODES:
            raise NepitError(f"{name} has elements of type {dtype}, {_why_not(dtype)}")
        array = array.astype(dtype.newbyteorder("="), order="K")
        code = CODES[array.dtype]
    # Beside another byte order, only two things that the library cannot read are copied: elements off their alignment,
    # and strides that are no whole number of elements (a field of a packed record).
    size = array.itemsize
    for stride in array.strides:
        if stride % size:
            break
    else:
        if array.flags.aligned:
            return View(array, code)
    return View(array.copy(order="K"), code)


def _as_ndarray(x: Any, name: str) -> tuple[np.ndarray, bool]:
    """x as an ndarray, and whether its uint16 elements stand for bfloat16."""
    if isinstance(x, np.ma.MaskedArray):
        raise NepitError(f"{name} is a masked array, whose mask would be lost; fill it (.filled(0)) or compress it")
    if isinstance(x, np.ndarray):
        return np.asarray(x), False  # no subclass: numpy.matrix has rules of its own
    if hasattr(x, "__dlpack__") and not hasattr(x, "__array_interface__"):
        return _from_dlpack(x, name)
    try:
        return np.asarray(x), False
    except (TypeError, ValueError, OverflowError) as problem:
        raise NepitError(f"{name} cannot be read as an array: {problem}") from None


def _from_dlpack(x: Any, name: str) -> tuple[np.ndarray, bool]:
    """The memory of a tensor. numpy.from_dlpack would refuse bfloat16."""
    try:
        if x.__dlpack_device__()[0] not in _HOST_DEVICES:
            where = getattr(x, "device", "another device")
            raise NepitError(f"{name} lies on {where}, not in the memory of the processor; move it there first")
        borrowed = _library.Borrowed(x.__dlpack__())
    except NepitError as problem:
        raise NepitError(f"{name}: {problem}" if not str(problem).startswith(name) else str(problem)) from None
    except Exception as problem:  # whatever the exporter raises: a gradient is needed, the layout is sparse ...
        raise NepitError(f"{name} cannot be read in place: {problem}") from None
    if 0 in borrowed.__array_interface__["shape"]:
        interface = borrowed.__array_interface__
        return np.empty(interface["shape"], interface["typestr"]), borrowed.is_bfloat16
    return np.asarray(borrowed), borrowed.is_bfloat16


def _why_not(dtype: np.dtype) -> str:
    if dtype.kind == "c":
        return "but weights are real; take abs(), .real or a squared magnitude"
    if dtype.kind == "O":
        return "which no library can read in place; convert it first, for instance with .astype(float)"
    if dtype.kind == "f":
        return "wider than what Nepit computes with; convert it first, for instance with .astype(float)"
    return "which are no numbers that serve as weights"


def widened(item: View) -> np.ndarray:
    """The values as NumPy knows them: bfloat16 as float32."""
    if item.code != _library.BF16:
        return item.array
    return np.left_shift(item.array.astype(np.uint32), 16).view(np.float32)


def number(value: Any, name: str) -> float:
    """A parameter as a float; the library checks its range."""
    if isinstance(value, (str, bytes)):
        raise NepitError(f"{name} must be a number, not {value!r}")
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError) as problem:
        raise NepitError(f"{name} must be a number, not {value!r} ({problem})") from None


# --------------------------------------------------------------------------------------------- axes and shapes


def aligned_to_axis(views: Sequence[View], names: Sequence[str], axis: Any) -> tuple[list[np.ndarray], tuple[int, ...]]:
    """The arrays with the axis of the outcomes last and their other axes broadcast against one another, and the shape
    of the results with keepdims.

    The rules of NumPy hold for the other axes, with one more: a vector is always one distribution, whatever the axis.
    (NumPy would lay a vector along the last axis, where it could only be right if axis is the last.)
    """
    arrays = [item.array for item in views]
    if axis is None:
        if len(arrays) > 1 and arrays[0].shape != arrays[1].shape:
            arrays = [np.broadcast_to(array, broadcast_shape(arrays, names)) for array in arrays]
        if arrays[0].size == 0:
            raise NepitError(f"{names[0]} has no outcomes")
        # (copies only where no single stride gives C order)
        return [array.reshape(-1) for array in arrays], (1,) * arrays[0].ndim

    for array, name in zip(arrays, names):
        if array.ndim == 0:
            raise NepitError(f"{name} is a single number; a distribution needs an axis")
    ndim = max(array.ndim for array in arrays)
    try:
        where = axis.__index__()
    except AttributeError:
        raise NepitError(f"axis must be an integer or None, not {axis!r}") from None
    if not -ndim <= where < ndim:
        raise NepitError(f"axis {where} is out of bounds for {' and '.join(names)} with {ndim} "
                         f"dimension{'s' * (ndim > 1)}")
    where %= ndim

    moved = []
    for array in arrays:
        if array.ndim > 1:
            if array.ndim < ndim:
                array = array[(np.newaxis,) * (ndim - array.ndim)]
            if where < ndim - 1:
                array = array.transpose(*range(where), *range(where + 1, ndim), where)
        moved.append(array)
    extents = {array.shape[-1] for array in moved}
    if len(extents) > 1:
        told = " and ".join(f"{array.shape[-1]} in {name}" for array, name in zip(moved, names))
        raise NepitError(f"the numbers of outcomes along axis {axis} differ: {told}")
    if 0 in extents:
        raise NepitError(f"{names[0]} has no outcomes along axis {axis}")
    if len(moved) > 1:
        leads = [array[..., 0] for array in moved]
        if leads[0].shape != leads[-1].shape:
            shape = broadcast_shape(leads, names)
            moved = [array if lead.shape == shape else np.broadcast_to(array, shape + array.shape[-1:])
                     for array, lead in zip(moved, leads)]
    lead_shape = moved[0].shape[:-1]
    return moved, lead_shape[:where] + (1,) + lead_shape[where:]


def broadcast_shape(arrays: Sequence[np.ndarray], names: Sequence[str]) -> tuple[int, ...]:
    """The shape of arrays that broadcast against one another."""
    try:
        return np.broadcast(*arrays).shape
    except ValueError:
        shapes = " and ".join(f"{name} {array.shape}" for array, name in zip(arrays, names))
        raise NepitError(f"shapes cannot be broadcast together: {shapes}") from None


# ----------------------------------------------------------------------------------------------------- layouts


class Layout:
    """How a few calls on matrices cover arrays of more dimensions, none of which is copied.

    The operands have one shape: leading axes and, last, the axis of the outcomes. The leading axes are put in the order
    of memory and joined where one stride serves several of them. If one axis is left, that is the rows of a single
    call. Of several, the longest becomes the rows, and there is a call for each place on the others.
    """

    def __init__(self, operands: Sequence[np.ndarray], inputs: int, *, elementwise: bool = False,
                 grouped: bool = False) -> None:
        """The first `inputs` operands are read, the others written.

        elementwise: no axis is that of the outcomes, so each serves as rows or columns.
        grouped: the last of the leading axes holds the members of a group, which stay together and in order.
        """
        self._operands = operands
        self._inputs = inputs
        shape = operands[0].shape
        self._lead = lead = shape if elementwise else shape[:-1]
        strides = [[operand.strides[axis] // operand.itemsize for operand in operands] for axis in range(len(lead))]
        self._order = order = list(range(len(lead)))
        if not grouped:
            order.sort(key=lambda axis: (lead[axis] > 1, [-abs(stride) for stride in strides[axis]]))

        joined: list[tuple[list[int], int, list[int]]] = []  # axes, extent, stride of each operand
        for axis in order:
            if lead[axis] == 1:
                continue
            if joined and all(outer == inner * lead[axis] for outer, inner in zip(joined[-1][2], strides[axis])):
                axes, extent, _ = joined.pop()
                joined.append((axes + [axis], extent * lead[axis], strides[axis]))
            else:
                joined.append(([axis], lead[axis], strides[axis]))
        if len(joined) > 1 and not grouped:
            joined.append(joined.pop(max(range(len(joined)), key=lambda i: joined[i][1])))
            self._order = [axis for axis in order if lead[axis] == 1] + [axis for axes, _, _ in joined for axis in axes]

        outer = [(extent, stride) for _, extent, stride in joined]
        one = (1, [0] * len(operands))
        if elementwise:
            self.cols, self._col_strides = outer.pop() if outer else one
        else:
            self.cols, self._col_strides = shape[-1], [o.strides[-1] // o.itemsize for o in operands]
        self.rows, self._row_strides = outer.pop() if outer else one
        self._outer = outer
        if 0 in lead:
            self.rows, self._outer = 0, []
        self.calls = math.prod(extent for extent, _ in self._outer)

    def records(self, codes: Sequence[int]) -> list[Any]:
        """The record of each operand for the first call."""
        all_repeat = not any(self._row_strides[: self._inputs])
        records = []
        for index, (operand, code) in enumerate(zip(self._operands, codes)):
            stride = self._row_strides[index]
            written = index >= self._inputs
            repeated = stride == 0 and not written and not all_repeat  # one row that serves the rows of another
            records.append((_library.MutableArray if written else _library.Array)(
                operand.ctypes.data, 1 if repeated else self.rows, self.cols, stride,
                self._col_strides[index] if self.cols > 1 else 1, code))
        return records

    def offsets(self) -> np.ndarray:
        """[calls, operands]: how many bytes the data of each call lie after those of the first."""
        total = np.zeros((1, len(self._operands)), np.intp)
        sizes = np.array([operand.itemsize for operand in self._operands], np.intp)
        for extent, strides in self._outer:
            steps = np.arange(extent, dtype=np.intp)[:, np.newaxis] * (np.array(strides, np.intp) * sizes)
            total = (total[:, np.newaxis, :] + steps).reshape(-1, len(sizes))
        return total

    def arranged(self, values: np.ndarray) -> np.ndarray:
        """Values in the order of the calls and rows, as an array of the leading axes."""
        inverse = sorted(range(len(self._order)), key=self._order.__getitem__)
        return values.reshape([self._lead[axis] for axis in self._order]).transpose(inverse)
