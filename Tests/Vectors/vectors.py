"""Reads the vector files; README.md describes the format."""

import pathlib
from dataclasses import dataclass, field

import numpy as np

FOLDER = pathlib.Path(__file__).resolve().parent
DTYPES = {
    "f64": np.float64,
    "f32": np.float32,
    "f16": np.float16,
    "bf16": np.uint16,
    "i8": np.int8,
    "i16": np.int16,
    "i32": np.int32,
    "i64": np.int64,
    "u8": np.uint8,
    "u16": np.uint16,
    "u32": np.uint32,
    "u64": np.uint64,
}


@dataclass
class Array:
    """A matrix input; values has the element type, bfloat16 as the bits in uint16."""

    dtype: str
    values: np.ndarray

    def as_float64(self):
        if self.dtype == "bf16":
            return (self.values.astype(np.uint32) << 16).view(np.float32).astype(np.float64)
        return self.values.astype(np.float64)


@dataclass
class Case:
    function: str  # without nepit_
    name: str
    arrays: dict = field(default_factory=dict)  # parameter: Array
    numbers: dict = field(default_factory=dict)  # parameter: float
    results: dict = field(default_factory=dict)  # parameter: float64 matrix
    terms: dict = field(default_factory=dict)  # parameter: float64 matrix; bounds are relative to it
    bounds: dict = field(default_factory=dict)  # parameter: float

    def errors(self, param, got):
        """The error of each component in the unit of the bound; inf where it is wrong in kind.

        Relative to the result, or to the terms where there are any. Signs, infinities and NaN must match, and a zero
        must be +0.
        """
        want = self.results[param]
        got = np.asarray(got, np.float64).reshape(want.shape)
        scale = self.terms.get(param, np.abs(want))
        with np.errstate(all="ignore"):
            error = np.abs(got - want) / scale
        error[(got == want) | (np.isnan(got) & np.isnan(want))] = 0.0
        error[np.isnan(error) | (np.isinf(want) & (got != want))] = np.inf
        # No zero is ever -0; a component that is small beside its terms may else be of either sign.
        wrong_sign = (got == 0) & np.signbit(got)
        if param not in self.terms:
            wrong_sign |= np.signbit(got) != np.signbit(want)
        error[wrong_sign & ~np.isnan(want)] = np.inf
        return error


def matrix(words, dtype):
    rows, cols, texts = int(words[0]), int(words[1]), words[2:]
    if dtype == "bf16":
        bits = np.array([float.fromhex(t) for t in texts], np.float32).view(np.uint32)
        values = (bits >> 16).astype(np.uint16)
    elif dtype[0] in "iu":
        values = np.array([int(t) for t in texts], DTYPES[dtype])
    else:
        values = np.array([float.fromhex(t) for t in texts], DTYPES[dtype])
    return values.reshape(rows, cols)


def functions():
    """The names of the functions that have a file, without nepit_."""
    return sorted(path.stem for path in FOLDER.glob("*.txt"))


def read(function):
    """The cases of one function."""
    cases = []
    for line in (FOLDER / f"{function}.txt").read_text().splitlines():
        word, *rest = line.split()
        if word == "case":
            case = Case(function, rest[0])
        elif word == "array":
            case.arrays[rest[0]] = Array(rest[1], matrix(rest[2:], rest[1]))
        elif word == "number":
            case.numbers[rest[0]] = float.fromhex(rest[1])
        elif word == "result":
            case.results[rest[0]] = matrix(rest[1:], "f64")
        elif word == "terms":
            case.terms[rest[0]] = matrix(rest[1:], "f64")
        elif word == "bound":
            case.bounds[rest[0]] = float.fromhex(rest[1])
        elif word == "end":
            cases.append(case)
    return cases


FNV_START = 0xCBF29CE484222325


def digest(results, state=FNV_START):
    """FNV-1a of the results' bits, going on from `state`; Tests/CHarness/README.md defines it."""
    for result in results:
        if result.dtype == np.float64:
            bits = np.ascontiguousarray(result).view(np.uint64).copy()
            bits[np.isnan(result)] = 0x7FF8000000000000
            result = bits
        for byte in np.ascontiguousarray(result).tobytes():
            state = (state ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return state


def committed_digests():
    """{function: the digest of its results}; a function of two lines, as a merge may leave, has none."""
    lines = [line.split() for line in (FOLDER / "digests").read_text().splitlines()]
    names = [name for name, _ in lines]
    return {name: int(bits, 16) for name, bits in lines if names.count(name) == 1}
