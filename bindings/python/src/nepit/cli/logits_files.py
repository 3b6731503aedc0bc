"""Matrices of logits in files that may be larger than memory: .npy, .npz, .safetensors, llama.cpp's base logits."""

from __future__ import annotations

import json
import math
import os
import struct
import zipfile
from collections.abc import Callable
from typing import IO, Any

import numpy as np

from .. import _library
from .._arrays import CODES, View
from ..losses.comparison import IGNORED
from .counting import Unmeasurable, _reason

_FLOATS = {_library.F64: "float64", _library.F32: "float32", _library.F16: "float16", _library.BF16: "bfloat16"}
#: The types of safetensors that serve: NumPy's type, and the nepit_dtype.
_SAFETENSORS = {"F64": ("<f8", _library.F64), "F32": ("<f4", _library.F32), "F16": ("<f2", _library.F16),
                "BF16": ("<u2", _library.BF16), "I32": ("<i4", _library.I32), "I64": ("<i8", _library.I64)}
_MAGIC = b"_logits_"


class Matrix:
    """Rows in a file: `read(start, stop)` gives some of them, `stop` of one call being the `start` of the next."""

    def __init__(self, name: str, kind: str, shape: tuple[int, ...], code: int,
                 read: Callable[[int, int], np.ndarray], labels: np.ndarray | None = None, context: int = 0) -> None:
        self.name, self.kind, self.shape, self.code = name, kind, shape, code
        self.columns = shape[-1] if shape else 0
        self.rows = math.prod(shape[:-1])
        self._read = read
        self.labels = labels  # that the file itself has
        self.context = context  # of llama.cpp's files: tokens in a chunk

    @property
    def type(self) -> str:
        """The elements, in words."""
        return _FLOATS.get(self.code, "integers")

    def block(self, start: int, stop: int) -> View:
        """Rows as the library reads them."""
        array = self._read(start, stop)
        return View(np.require(array, requirements=["ALIGNED"]), self.code)


def opened(argument: str) -> Matrix:
    """The matrix that a command line names: FILE, or FILE:NAME for one of several in it."""
    path, tensor = argument, None
    if not os.path.exists(argument) and ":" in argument:
        path, tensor = argument.rsplit(":", 1)
    try:
        with open(path, "rb") as file:
            start = file.read(8)
            size = os.fstat(file.fileno()).st_size
        if start == _MAGIC:
            return _llama(path, size)
        if start[:6] == b"\x93NUMPY":
            return _npy(path)
        if start[:4] == b"PK\x03\x04":
            return _npz(path, tensor)
        if path.endswith(".safetensors"):
            return _safetensors(path, size, tensor)
        raise Unmeasurable(f"{path}: is no .npy, .npz, .safetensors or llama.cpp base-logits file"
                           + (" (it is empty)" if not start else f" (it begins with {start!r})"))
    except OSError as problem:
        raise Unmeasurable(f"{path}: {_reason(problem)}") from None


# ------------------------------------------------------------------------------------------------------------ NumPy


def _npy(path: str) -> Matrix:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError:
        raise
    except Exception as problem:  # of a damaged header NumPy raises whatever Python's parser meets
        size = os.path.getsize(path)
        speaks = isinstance(problem, ValueError) and "length" not in str(problem) and "header" not in str(problem)
        told = str(problem) if speaks else "is truncated or damaged"
        raise Unmeasurable(f"{path}: {told} ({size:,} bytes; {problem})") from None
    return _array(path, ".npy", array)


def _array(name: str, kind: str, array: np.ndarray) -> Matrix:
    code = CODES.get(array.dtype.newbyteorder("="))
    if code is None and array.dtype.kind == "V" and array.dtype.itemsize == 2:  # how NumPy saves ml_dtypes' bfloat16
        array, code = array.view("<u2"), _library.BF16
    if code is None:
        raise Unmeasurable(f"{name}: has elements of type {array.dtype}")
    columns = array.shape[-1] if array.ndim else 1
    flat = array.reshape(-1, columns) if array.ndim != 2 else array

    def read(start: int, stop: int) -> np.ndarray:
        return flat[start:stop].astype(flat.dtype.newbyteorder("="), copy=False)

    return Matrix(name, kind, array.shape, code, read)


def _npz(path: str, tensor: str | None) -> Matrix:
    try:
        archive = zipfile.ZipFile(path)
        names = [name[:-4] for name in archive.namelist() if name.endswith(".npy")]
        chosen = _chosen(path, names, tensor)
        file = archive.open(chosen + ".npy")
        version = np.lib.format.read_magic(file)
        reader = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = reader(file)
    except Unmeasurable:
        raise
    except Exception as problem:  # of a damaged header NumPy raises whatever Python's parser meets
        raise Unmeasurable(f"{path}: is truncated or damaged ({problem})") from None
    name = f"{path}:{chosen}"
    if fortran and len(shape) > 1:
        raise Unmeasurable(f"{name}: lies column by column (Fortran order); save it row by row")
    code = CODES.get(dtype.newbyteorder("="))
    if code is None:
        raise Unmeasurable(f"{name}: has elements of type {dtype}")
    return Matrix(name, ".npz", shape, code, _Streamed(name, file, dtype, shape[-1] if shape else 1))


class _Streamed:
    """Rows that come one after the other out of an archive, which checks its own sum at the end."""

    def __init__(self, name: str, file: IO[bytes], dtype: np.dtype, columns: int) -> None:
        self._name, self._file, self._dtype, self._columns = name, file, dtype, columns
        self._place = 0

    def __call__(self, start: int, stop: int) -> np.ndarray:
        assert start == self._place
        self._place = stop
        size = (stop - start) * self._columns * self._dtype.itemsize
        try:
            data = self._file.read(size)
        except (zipfile.BadZipFile, EOFError, OSError, ValueError) as problem:
            raise Unmeasurable(f"{self._name}: is damaged ({problem})") from None
        except Exception as problem:  # zlib.error, whose module may be missing
            raise Unmeasurable(f"{self._name}: is damaged ({problem})") from None
        if len(data) < size:
            raise Unmeasurable(f"{self._name}: is truncated: rows {start} to {stop - 1} need {size:,} bytes, "
                               f"{len(data):,} are there")
        array = np.frombuffer(data, self._dtype).reshape(stop - start, self._columns)
        return array.astype(self._dtype.newbyteorder("="), copy=False)


def _chosen(path: str, names: list[str], tensor: str | None) -> str:
    """One of a file's matrices: the one asked for, the only one, or the one called logits."""
    if tensor is not None:
        if tensor in names:
            return tensor
        raise Unmeasurable(f"{path}: has no {tensor}; it has {_listed(names)}")
    if len(names) == 1:
        return names[0]
    if "logits" in names:
        return "logits"
    if not names:
        raise Unmeasurable(f"{path}: has no matrices")
    raise Unmeasurable(f"{path}: has {len(names)} matrices ({_listed(names)}); say which as {path}:NAME")


def _listed(names: list[str]) -> str:
    shown = ", ".join(sorted(names)[:6])
    return shown + (", ..." if len(names) > 6 else "") if names else "none"


# ------------------------------------------------------------------------------------------------------ safetensors


def _safetensors(path: str, size: int, tensor: str | None) -> Matrix:
    # The header is a length and JSON; its package would hand out bfloat16 only by way of torch or ml_dtypes.
    with open(path, "rb") as file:
        start = file.read(8)
        length = int.from_bytes(start, "little")
        if len(start) < 8 or not 2 <= length <= min(size - 8, 100_000_000):
            raise Unmeasurable(f"{path}: is truncated or damaged (a header of {length:,} bytes in a file of {size:,})")
        try:
            header = json.loads(file.read(length))
            entries = {name: (entry["dtype"], tuple(map(int, entry["shape"])), tuple(map(int, entry["data_offsets"])))
                       for name, entry in header.items() if name != "__metadata__"}
        except (ValueError, KeyError, TypeError, AttributeError) as problem:
            raise Unmeasurable(f"{path}: is damaged: its header cannot be read ({problem})") from None
    chosen = _chosen(path, list(entries), tensor)
    name = f"{path}:{chosen}"
    kind, shape, offsets = entries[chosen]
    if kind not in _SAFETENSORS:
        raise Unmeasurable(f"{name}: has elements of type {kind}")
    dtype, code = _SAFETENSORS[kind]
    bytes_ = math.prod(shape) * np.dtype(dtype).itemsize
    if len(offsets) != 2 or any(extent < 0 for extent in shape) or not 0 <= offsets[0] <= offsets[1] \
            or offsets[1] - offsets[0] != bytes_:
        raise Unmeasurable(f"{name}: is damaged: {list(shape)} {kind} are {bytes_:,} bytes, and its offsets {offsets}")
    if 8 + length + offsets[1] > size:
        raise Unmeasurable(f"{name}: is truncated: it ends at byte {8 + length + offsets[1]:,} of a file of {size:,}")
    if not bytes_:
        return Matrix(name, ".safetensors", shape, code, lambda start, stop: np.empty((stop - start, shape[-1]), dtype))
    data = np.memmap(path, np.uint8, "r", 8 + length + offsets[0], (bytes_,))
    matrix = data.view(dtype).reshape(-1, shape[-1] if shape else 1)
    return Matrix(name, ".safetensors", shape, code, lambda start, stop: matrix[start:stop])


# -------------------------------------------------------------------------------------------------------- llama.cpp


def _llama(path: str, size: int) -> Matrix:
    """What llama.cpp's perplexity tool writes with --kl-divergence-base: log-probabilities of the second half of each
    context, 16 bits each, and the tokens."""
    with open(path, "rb") as file:
        head = file.read(20)
        if len(head) < 20:
            raise Unmeasurable(f"{path}: is truncated: {size} bytes, less than its header")
        context, vocabulary, chunks = struct.unpack("<8xiii", head)
        if context < 4 or vocabulary < 1 or chunks < 1:
            raise Unmeasurable(f"{path}: is damaged: a context of {context}, a vocabulary of {vocabulary} and {chunks} "
                               "chunks")
        first = context // 2
        scored = context - 1 - first
        pitch = 2 * ((vocabulary + 1) // 2) + 4
        start = 20 + 4 * context * chunks
        wanted = start + 2 * chunks * scored * pitch
        if size != wanted:
            whole = max(size - start, 0) // (2 * scored * pitch)
            what = f"is truncated: {whole} of its {chunks} chunks are whole" if size < wanted else "has bytes too many"
            raise Unmeasurable(f"{path}: {what} ({size:,} bytes; {chunks} chunks of {scored} tokens of {vocabulary} "
                               f"logits are {wanted:,})")
        tokens = np.fromfile(file, "<i4", context * chunks).reshape(chunks, context)
    labels = tokens[:, first + 1:].reshape(-1)
    wrong = np.flatnonzero((labels < 0) | (labels >= vocabulary))
    if len(wrong):
        raise Unmeasurable(f"{path}: is damaged: token {labels[wrong[0]]} in a vocabulary of {vocabulary}")
    codes = np.memmap(path, "<u2", "r", start, (chunks * scored, pitch))

    def read(start: int, stop: int) -> np.ndarray:
        rows = codes[start:stop]
        scale = np.ascontiguousarray(rows[:, :4]).view("<f4")
        with np.errstate(over="ignore", invalid="ignore"):
            farthest = scale[:, 0] * np.float32(65535) + scale[:, 1]
        if not (np.isfinite(scale).all() and np.isfinite(farthest).all()):
            raise Unmeasurable(f"{path}: is damaged: the scale of a token between {start} and {stop - 1} is no number")
        return rows[:, 4:4 + vocabulary].astype(np.float32) * scale[:, :1] + scale[:, 1:]

    return Matrix(path, "llama.cpp", (chunks * scored, vocabulary), _library.F32, read, labels, context)


def agree(base: Matrix, test: Matrix) -> None:
    """Unmeasurable, saying what differs, if two matrices are not about the same tokens."""
    for matrix in (base, test):
        if len(matrix.shape) < 2:
            raise Unmeasurable(f"{matrix.name}: is no matrix of logits; its shape is {list(matrix.shape)}")
        if matrix.code not in _FLOATS:
            raise Unmeasurable(f"{matrix.name}: has integers; logits are floating-point numbers")
        if not matrix.rows or not matrix.columns:
            raise Unmeasurable(f"{matrix.name}: is empty; its shape is {list(matrix.shape)}")
    if base.columns != test.columns:
        raise Unmeasurable(f"the vocabularies differ: {base.columns:,} in {base.name}, {test.columns:,} in {test.name}")
    if base.rows != test.rows:
        raise Unmeasurable(f"the numbers of tokens differ: {base.rows:,} in {base.name}, {test.rows:,} in {test.name}")
    if base.context and test.context:
        if base.context != test.context:
            raise Unmeasurable(f"the contexts differ: {base.context} tokens in {base.name}, {test.context} in "
                               f"{test.name}")
        different = np.flatnonzero(base.labels != test.labels)
        if len(different):
            raise Unmeasurable(f"the texts differ: {len(different):,} of the {base.rows:,} tokens that are scored, the "
                               f"first at {different[0]}")


def labels_of(argument: str, rows: int, vocabulary: int) -> np.ndarray:
    """The labels in a file, one for each row."""
    matrix = opened(argument)
    if matrix.labels is not None:
        labels = matrix.labels
    elif matrix.code not in (_library.I8, _library.I16, _library.I32, _library.I64, _library.U8, _library.U16,
                             _library.U32, _library.U64):
        raise Unmeasurable(f"{matrix.name}: labels must be integers, not {matrix.type}")
    else:
        labels = np.asarray(matrix.block(0, matrix.rows).array).reshape(-1)
    if len(labels) != rows:
        raise Unmeasurable(f"{matrix.name}: has {len(labels):,} labels for {rows:,} tokens")
    wrong = np.flatnonzero((labels >= vocabulary) | (labels < 0) & (labels != IGNORED))
    if len(wrong):
        raise Unmeasurable(f"{matrix.name}: label {labels[wrong[0]]} at {wrong[0]} is not in the vocabulary of "
                           f"{vocabulary:,}")
    return labels


def plain(values: Any) -> Any:
    """Rows as NumPy computes with them: bfloat16 as float32."""
    from .._arrays import widened

    return widened(values)
