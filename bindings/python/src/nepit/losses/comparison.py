"""How far a model's logits are from those of a base model, token by token."""

from __future__ import annotations

import ctypes
import dataclasses
import math
import operator
import os
import threading
from contextlib import ExitStack
from typing import Any, NamedTuple

import numpy as np

from .. import _arrays, _calls, _library
from .._library import NepitError
from .._library import functions as c

#: What a token is compared by, in the order of the header's columns.
VALUES = ("kl", "reverse_kl", "jensen_shannon", "total_variation", "base_entropy", "test_entropy", "same_top",
          "overlap", "base_loss", "test_loss", "log_ratio", "probability_change")
_ROW = np.dtype([(name, np.float64) for name in VALUES])
#: The label of a token for which none is known.
IGNORED = -100
_FLOATS = (_library.F64, _library.F32, _library.F16, _library.BF16)


class Estimate(NamedTuple):
    """A mean over tokens and its standard error."""

    mean: float
    error: float


@dataclasses.dataclass(frozen=True)
class LogitsSummary:
    """What a comparison of logits tells, in nepits. Estimates are (mean, standard error) over tokens.

    A token one of whose rows is no distribution (NaN or +infinity in it, or nothing but -infinity) is counted in
    `invalid`, and in nothing else. From `base_loss` on, everything is about labelled tokens.
    """

    rows: int
    labelled: int
    invalid: int
    first_invalid: int
    kl: Estimate
    reverse_kl: Estimate
    jensen_shannon: Estimate
    total_variation: Estimate
    base_entropy: Estimate
    test_entropy: Estimate
    same_top: Estimate
    overlap: Estimate
    kl_max: float
    kl_min: float
    kl_max_position: int
    kl_min_position: int
    base_loss: Estimate
    test_loss: Estimate
    log_ratio: Estimate
    base_perplexity: Estimate
    test_perplexity: Estimate
    perplexity_ratio: Estimate
    perplexity_difference: Estimate
    loss_covariance: float
    loss_correlation: float
    probability_change: Estimate
    probability_change_rms: Estimate
    probability_change_max: float
    probability_change_min: float
    probability_change_max_position: int
    probability_change_min_position: int


class LogitsComparison:
    """Adds up how far a model's logits are from those of a base model, over any number of tokens.

    The sums are exact and the rest is counted or sorted: the same tokens give the same bits, in whatever order they
    come, by however many threads, and into however many comparisons they are divided before these are merged. Memory
    does not grow with the tokens but for the percentiles (see `relative_error`).

    Parameters
    ----------
    vocabulary : int
        How many logits a token has.
    top : int
        How many of each model's most likely tokens the overlap is about, from 1 to 64.
    relative_error : float
        0 for percentiles that are exact but for rounding to float32, for 8 bytes a token. Else percentiles come from
        counts in logarithmic cells of this relative error, at least 2^-13, in 8160 / `relative_error` bytes or less.
    first : int
        The position of the first token; for parts of a whole that will be merged.

    Raises
    ------
    NepitError
        If an argument is outside its range.
    MemoryError
        If there is no memory.

    References
    ----------
    Kullback and Leibler (1951), On information and sufficiency.

    Examples
    --------
    >>> import numpy as np
    >>> from nepit.losses import LogitsComparison
    >>> random = np.random.default_rng(1)
    >>> base = random.normal(size=(1000, 50)).astype(np.float32)
    >>> comparison = LogitsComparison(50)
    >>> comparison.update(base, np.round(4 * base) / 4, labels=random.integers(50, size=1000))
    >>> summary = comparison.summary()
    >>> summary.rows, round(summary.kl.mean, 6), round(summary.same_top.mean, 3)
    (1000, 0.002467, 0.874)
    >>> kl, _ = comparison.quantiles([0.5, 0.99])
    >>> bool(kl[0] < kl[1] <= summary.kl_max)
    True
    """

    def __init__(self, vocabulary: int, *, top: int = 10, relative_error: float = 0.0, first: int = 0) -> None:
        self._handle = ctypes.c_void_p()
        self._lock = threading.Lock()  # an object is used by one thread at a time
        error = _arrays.number(relative_error, "relative_error")
        if error != 0 and not 2.0**-13 <= error < 1:
            raise NepitError(f"relative_error is {error!r}; it must be 0, or from 2^-13 to below 1")
        bits = 0 if error == 0 else max(1, math.ceil(-math.log2(error)) - 1)
        self._vocabulary = _whole(vocabulary, "vocabulary", 1, 1 << 31)
        c.nepit_logits_comparison_create(self._vocabulary, _whole(top, "top", 1, 64), bits,
                                         _whole(first, "first", 0, (1 << 53) - 1), ctypes.byref(self._handle))

    def __del__(self) -> None:
        handle = getattr(self, "_handle", None)
        if handle:
            c.nepit_logits_comparison_destroy(handle)
            self._handle = ctypes.c_void_p()

    @property
    def vocabulary(self) -> int:
        """How many logits a token has."""
        return self._vocabulary

    def update(self, base: Any, test: Any, labels: Any = None, *, values: bool = False, threads: int = 0,
               progress: Any = None) -> np.ndarray | None:
        """Compares the next tokens.

        Parameters
        ----------
        base : array_like
            Logits of the base model, float64, float32, float16 or bfloat16, the vocabulary along the last axis.
        test : array_like
            The other model's, of the same shape (a vector serves for all tokens).
        labels : array_like of int, optional
            The tokens that came next, one for each; -100 says that none is known.
        values : bool
            Whether to return what each token is compared by.
        threads : int
            How many threads to use; 0: as many as there are processors.
        progress : bool or callable, optional
            True for a bar; a callable is told the share that is done.

        Returns
        -------
        ndarray or None
            With `values`, a structured array with a field for each of `VALUES`, of the shape of the tokens; NaN where a
            token has no label, or is no distribution.

        Raises
        ------
        NepitError
            If shapes, types or labels do not fit. Nothing has changed then.
        """
        views = [x if isinstance(x, _arrays.View) else _arrays.view(x, name)
                 for x, name in ((base, "base"), (test, "test"))]
        shape = max((item.array.shape[:-1] for item in views), key=len)
        records = []
        for item, name in zip(views, ("base", "test")):
            if item.code not in _FLOATS:
                raise NepitError(f"{name} has elements of type {item.array.dtype}; logits are floating-point numbers")
            if item.array.ndim == 0 or item.array.shape[-1] != self._vocabulary:
                raise NepitError(f"{name} has the shape {item.array.shape}; its last axis must be the vocabulary of "
                                 f"{self._vocabulary}")
            if item.array.ndim > 1 and item.array.shape[:-1] != shape:
                raise NepitError(f"base has the shape {views[0].array.shape} and test {views[1].array.shape}; they "
                                 "must agree, or one must be a vector")
            records.append(_matrix(item.array.reshape(-1, self._vocabulary), item.code))
        rows = math.prod(shape)
        kept = _column(labels, shape, rows, self._vocabulary) if labels is not None else None
        out = np.empty((rows, len(VALUES))) if values else None
        arguments = [self._handle, records[0][0], records[1][0], kept[0] if kept is not None else _library.ABSENT, None,
                     _library.MutableArray(out.ctypes.data, rows, len(VALUES), len(VALUES), 1, _library.F64)
                     if out is not None and rows else _library.ABSENT_OUTPUT]
        _calls.execute(c.nepit_logits_comparison_update, arguments, 4, rows * self._vocabulary, threads, progress,
                       self._lock)
        return None if out is None else out.view(_ROW).reshape(shape)

    def merge(self, other: LogitsComparison) -> None:
        """Adds the tokens that another comparison has seen, of the same vocabulary, top and relative error."""
        if not isinstance(other, LogitsComparison):
            raise NepitError(f"a LogitsComparison is merged with another, not with {type(other).__name__}")
        with ExitStack() as stack:
            for item in sorted({id(self): self, id(other): other}.items()):
                stack.enter_context(item[1]._lock)
            if other._vocabulary != self._vocabulary:
                raise NepitError(f"the vocabularies differ: {self._vocabulary} and {other._vocabulary}")
            try:
                c.nepit_logits_comparison_merge(self._handle, other._handle)
            except NepitError:
                raise NepitError("the comparisons were made with another top, or another relative_error") from None

    def summary(self) -> LogitsSummary:
        """What the comparison tells so far."""
        record = _library.LogitsSummary(size=ctypes.sizeof(_library.LogitsSummary))
        with self._lock:
            c.nepit_logits_comparison_summary(self._handle, ctypes.byref(record))
        values = {}
        for name, kind in record._fields_[1:]:
            value = getattr(record, name)
            values[name] = Estimate(value.mean, value.error) if kind is _library.Estimate else value
        return LogitsSummary(**values)

    def quantiles(self, probabilities: Any) -> tuple[np.ndarray, np.ndarray]:
        """Quantiles over tokens of the divergence, and of the change of the label's probability.

        Between two tokens they are interpolated linearly, as `numpy.quantile` does; NaN where there are no tokens.
        """
        p = np.ascontiguousarray(probabilities, dtype=np.float64)
        if p.size and not (p.min() >= 0 and p.max() <= 1):
            raise NepitError("probabilities must lie in [0, 1]")
        kl, change = np.empty(p.shape), np.empty(p.shape)
        with self._lock:
            c.nepit_logits_comparison_quantiles(self._handle, p.size, p.ctypes.data, kl.ctypes.data, change.ctypes.data)
        return kl, change

    def tobytes(self) -> bytes:
        """The comparison as bytes: the same for the same tokens, whatever their order."""
        length = ctypes.c_size_t()
        with self._lock:
            c.nepit_logits_comparison_save(self._handle, 0, None, ctypes.byref(length))
            buffer = ctypes.create_string_buffer(length.value)
            c.nepit_logits_comparison_save(self._handle, length.value, buffer, ctypes.byref(length))
        return buffer.raw

    @classmethod
    def frombytes(cls, data: bytes) -> LogitsComparison:
        """The comparison that `tobytes` has written; NepitError if the bytes are anything else, or damaged."""
        data = bytes(data)
        made = cls.__new__(cls)
        made._handle = ctypes.c_void_p()
        made._lock = threading.Lock()
        try:
            c.nepit_logits_comparison_load(len(data), data, ctypes.byref(made._handle))
        except NepitError:
            raise NepitError(f"these {len(data)} bytes are no saved LogitsComparison, or they are damaged") from None
        made._vocabulary = int.from_bytes(data[24:32], "little")
        return made

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes `tobytes` to a file."""
        data = self.tobytes()
        with open(path, "wb") as file:
            file.write(data)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> LogitsComparison:
        """The comparison that `save` has written; NepitError if the file holds anything else."""
        with open(path, "rb") as file:
            data = file.read()
        try:
            return cls.frombytes(data)
        except NepitError as problem:
            raise NepitError(f"{os.fspath(path)}: {problem}") from None

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).frombytes, (self.tobytes(),)

    def __copy__(self) -> LogitsComparison:
        return self.frombytes(self.tobytes())

    def __deepcopy__(self, memo: Any) -> LogitsComparison:
        return self.__copy__()


def _whole(value: Any, name: str, low: int, high: int) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        raise NepitError(f"{name} must be an integer, not {value!r}") from None
    if not low <= number <= high:
        raise NepitError(f"{name} is {number}; it must lie in [{low}, {high}]")
    return number


def _matrix(array: np.ndarray, code: int) -> tuple[_library.Array, np.ndarray]:
    """The record of a matrix, and what keeps its memory."""
    size = array.itemsize
    strides = [stride // size for stride in array.strides]
    return _library.Array(array.ctypes.data, *array.shape, *strides, code), array


def _column(labels: Any, shape: tuple[int, ...], rows: int, vocabulary: int) -> tuple[_library.Array, np.ndarray]:
    """Labels as int64, one a row."""
    try:
        array = np.asarray(labels)
        array = array if array.dtype.kind in "iu" else None
    except (TypeError, ValueError, OverflowError):
        array = None
    if array is None:
        raise NepitError("labels must be integers")
    if array.shape != shape:
        raise NepitError(f"labels have the shape {array.shape}, the tokens {shape}")
    wrong = np.argwhere((array >= vocabulary) | (array < 0) & (array != IGNORED))
    if len(wrong):
        where = ", ".join(map(str, wrong[0]))
        raise NepitError(f"labels[{where}] is {array[tuple(wrong[0])]}; labels lie from 0 to "
                         f"{vocabulary - 1}, or are {IGNORED} where none is known")
    return _matrix(np.ascontiguousarray(array, dtype=np.int64).reshape(rows, 1), _library.I64)
