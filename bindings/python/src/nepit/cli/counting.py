"""Counts the symbols of files that may be larger than memory."""

from __future__ import annotations

import os
import stat
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO, Callable, Union

import numpy as np

#: Bytes are counted in blocks that stay in the cache.
_BYTES_BLOCK = 1 << 18
_TEXT_BLOCK = 1 << 22
#: A symbol has to fit in memory; a file of zeros is one word.
_LONGEST = 1 << 26

Counts = Union[np.ndarray, "Counter[bytes]"]


class Unmeasurable(Exception):
    """A file cannot be measured; the message says why, in a line."""


def counts_of(name: str, symbols: str, told: Callable[[int], object] = lambda size: None) -> Counts:
    """How often each symbol occurs in a file (- is standard input): for bytes an array of 256, else a Counter.

    `told` is called with the size of each block that has been read.
    """
    try:
        with _opened(name) as file:
            counts = _count_bytes(file, told) if symbols == "bytes" else _count_text(file, symbols, told)
    except OSError as problem:
        raise Unmeasurable(f"{name}: {_reason(problem)}") from None
    except _TooLong:
        raise Unmeasurable(f"{name}: has a {symbols[:-1]} longer than {_LONGEST >> 20} MiB") from None
    if total(counts) == 0:
        empty = "is empty" if symbols == "bytes" else f"has no {symbols}"
        raise Unmeasurable(f"{name}: {empty}, so there is nothing to measure")
    return counts


def total(counts: Counts) -> int:
    """The number of symbols."""
    return int(counts.sum()) if isinstance(counts, np.ndarray) else sum(counts.values())


def side_by_side(all_counts: Sequence[Counts]) -> np.ndarray:
    """[files, symbols]: the counts of several files over the symbols that occur in any of them."""
    if isinstance(all_counts[0], np.ndarray):
        return np.stack(all_counts)
    places = {symbol: place for place, symbol in enumerate(dict.fromkeys(s for counts in all_counts for s in counts))}
    table = np.zeros((len(all_counts), len(places)), np.int64)
    for row, counts in zip(table, all_counts):
        where = np.fromiter((places[symbol] for symbol in counts), np.intp, len(counts))
        row[where] = np.fromiter(counts.values(), np.int64, len(counts))
    return table


def size_of(name: str) -> int:
    """The size of a regular file; 0 where it is not known."""
    try:
        status = os.stat(name) if name != "-" else os.fstat(sys.stdin.fileno())
    except (OSError, ValueError):
        return 0
    return status.st_size if stat.S_ISREG(status.st_mode) else 0


def _opened(name: str) -> BinaryIO:
    # Unbuffered: the blocks are large already.
    return open(0, "rb", buffering=0, closefd=False) if name == "-" else open(name, "rb", buffering=0)


def _reason(problem: OSError) -> str:
    if isinstance(problem, FileNotFoundError):
        return "no such file"
    if isinstance(problem, IsADirectoryError):
        return "is a directory"
    if isinstance(problem, PermissionError):
        return "permission denied"
    return problem.strerror or str(problem)


def _count_bytes(file: BinaryIO, told: Callable[[int], object]) -> np.ndarray:
    # Pairs of bytes are counted, as 16-bit numbers, and folded at the end: half as many steps.
    pairs = np.zeros(1 << 16, np.int64)
    single = np.zeros(256, np.int64)
    block = bytearray(_BYTES_BLOCK)
    data = np.frombuffer(block, np.uint8)
    while size := file.readinto(block):
        if size % 2:
            single[data[size - 1]] += 1
        pairs += np.bincount(data[: size & ~1].view(np.uint16), minlength=1 << 16)
        told(size)
    table = pairs.reshape(256, 256)
    return single + table.sum(axis=0) + table.sum(axis=1)


class _TooLong(Exception):
    """A symbol does not fit."""


def _count_text(file: BinaryIO, symbols: str, told: Callable[[int], object]) -> Counter[bytes]:
    # Words and lines stay bytes: neither the white space of ASCII nor a newline occurs inside a character of UTF-8, so
    # nothing need be decoded, and no encoding is wrong.
    counts: Counter[bytes] = Counter()
    rest = b""  # what may go on in the next block
    while block := file.read(_TEXT_BLOCK):
        told(len(block))
        block = rest + block
        if symbols == "words":
            found = block.split()
            rest = found.pop() if found and not block[-1:].isspace() else b""
        else:
            found = block.replace(b"\r\n", b"\n").split(b"\n")
            rest = found.pop()
        if len(rest) > _LONGEST:
            raise _TooLong
        counts.update(found)
    if rest:
        counts[rest] += 1
    return counts


@contextmanager
def progress_bar(names: Sequence[str]) -> Iterator[Callable[[int], object]]:
    """Something to tell the size of each block that was read; a bar, if someone is watching standard error."""
    try:
        if not sys.stderr.isatty():
            raise ImportError
        from tqdm import tqdm
    except ImportError:
        yield lambda size: None
        return
    sizes = [size_of(name) for name in names]
    with tqdm(total=sum(sizes) if all(sizes) else None, unit="B", unit_scale=True, unit_divisor=1024, leave=False,
              delay=0.5, file=sys.stderr) as bar:
        yield bar.update
