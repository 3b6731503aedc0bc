#!/usr/bin/env python3
"""The ends of the range: rows beyond 2^32, rows of 10^8, a million tiny rows; and that time grows with the work alone.

    build/venv/bin/python Tests/limits.py [--growth]      (--growth: the table of times alone, docs/scaling.md)

Memory beyond 2^32 elements is a sparse mapping, or a stride of 0. Expected values are exact, or mpmath's.
"""

import argparse
import mmap
import os
import pathlib
import sys
import time

import mpmath
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "Tests" / "Vectors"))
import check  # noqa: E402
import vectors  # noqa: E402

import nepit  # noqa: E402
from nepit import losses  # noqa: E402

BEYOND = 2**32 + 5
MAP_NORESERVE = 0x4000
#: What time may grow by, beyond what the work grows by: caches, neighbours on the machine.
GENEROUS = 8
failures = 0


def expect(what, got, want, bound, start):
    global failures
    error = abs(got - want) / abs(want) if want else abs(got)
    failures += not error <= bound
    sign = "ok  " if error <= bound else "FAIL"
    spent = time.process_time() - start
    print(f"{sign}  {what}: {got!r}, error {check.power(error)}, {spent:.1f} s of processors", flush=True)


def sparse(dtype, places, value=1):
    """BEYOND zeros, of which no page is in memory but those of a few ones."""
    size = BEYOND * np.dtype(dtype).itemsize
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_NORESERVE)
    array = np.frombuffer(memory, dtype)
    array[places] = value
    return array


def beyond_32_bits():
    some = [0, 2**31, 2**32 - 1, 2**32 + 4]
    p, q = sparse(np.uint8, some), sparse(np.uint8, [*some, 1, 2**31 - 1, 2**32, 2**32 + 3])
    for threads in (1, 0):
        start = time.process_time()
        expect(f"entropy of 2^32 + 5 uint8, threads={threads}", nepit.entropy(p, base=2, threads=threads), 2, 0, start)
    start = time.process_time()
    expect("KL of 2^32 + 5 uint8", nepit.kl_divergence(p, q, base=2), 1, 0, start)
    start = time.process_time()
    expect("total variation of 2^32 + 5 uint8", nepit.total_variation(p, q), 0.5, 0, start)
    start = time.process_time()
    expect("entropy of 2^32 + 5 float32", nepit.entropy(sparse(np.float32, some), base=2), 2, 2.0**-21, start)
    start = time.process_time()
    ones = np.broadcast_to(np.uint8(1), 2**33)
    expect("entropy of 2^33 uint8 by a stride of 0", nepit.entropy(ones, base=2), 33, 2.0**-50, start)
    start = time.process_time()
    logits = sparse(np.float32, [2**32 + 1], 30)
    loss = losses.softmax_cross_entropy(logits[None], np.array([2**32 + 4]), details=True, threads=0)
    want = mpmath.log(mpmath.exp(30) + BEYOND - 1)
    expect("softmax cross-entropy of 2^32 + 5 float32", loss.loss, float(want), 2.0**-19, start)
    expect("... its argmax", int(loss.argmax[0]), 2**32 + 1, 0, start)


def long_rows():
    """10^8 columns: whole numbers from 1 to 1000, each 10^5 times."""
    pattern = np.arange(1, 1001)
    other = np.random.default_rng(1).permutation(pattern)
    mpmath.mp.dps = 40
    w, v = [[mpmath.mpf(int(x)) / int(pattern.sum()) for x in row] for row in (pattern, other)]
    entropy = -sum(x * mpmath.log(x) for x in w) + mpmath.log(10**5)
    divergence = sum(x * mpmath.log(x / y) for x, y in zip(w, v))
    variation = sum(abs(x - y) for x, y in zip(w, v)) / 2
    for dtype, bound in ((np.float64, 2.0**-48), (np.float32, 2.0**-21), (np.uint16, 2.0**-48)):
        p, q = np.tile(pattern.astype(dtype), 10**5), np.tile(other.astype(dtype), 10**5)
        name = np.dtype(dtype).name
        for what, want, run in (
            ("entropy", entropy, lambda: nepit.entropy(p)),
            ("KL", divergence, lambda: nepit.kl_divergence(p, q)),
            ("total variation", variation, lambda: nepit.total_variation(p, q)),
        ):
            start = time.process_time()
            expect(f"{what} of 10^8 {name}", run(), float(want), bound, start)
    start = time.process_time()
    want = mpmath.log(sum(mpmath.exp(mpmath.mpf(int(x)) / 64) for x in pattern)) + mpmath.log(10**5)
    got = losses.logsumexp(np.tile((pattern / 64).astype(np.float32), 10**5))
    expect("log-sum-exp of 10^8 float32", float(got), float(want), 2.0**-19, start)
    start = time.process_time()
    got = losses.gaussian_kl(np.ones((1, 10**8), np.float32), np.zeros((1, 10**8), np.float32))
    expect("Gaussian KL of 10^8 float32", float(got), 5e7, 2.0**-21, start)


# --------------------------------------------------------------------------------------- every function, as it grows


def grown(case, rows, columns):
    """The case with its rows and columns repeated. Labels and numbers of rows have one column."""
    height, width = next(iter(case.arrays.values())).values.shape
    height = max(array.values.shape[0] for array in case.arrays.values())

    def more(values):
        return np.tile(values, (rows if values.shape[0] == height else 1, columns if values.shape[1] == width else 1))

    arrays = {name: vectors.Array(array.dtype, more(array.values)) if name != "mixing" else array
              for name, array in case.arrays.items()}
    # Results of a row each: as many as there are of them to `height` rows; those of all rows stay one.
    results = {name: np.tile(values, (rows if values.shape[0] > 1 or height == 1 else 1,
                                      columns if values.shape[1] == width and width > 1 else 1))
               for name, values in case.results.items()}
    return vectors.Case(case.function, case.name, arrays, case.numbers, results)


def seconds(library, parameters, case):
    """The least processor time of a few calls, and the outputs."""
    best = float("inf")
    for _ in range(3):
        start = time.thread_time()
        status, outputs = check.call(library, parameters, case)
        best = min(best, time.thread_time() - start)
        assert status == 0, (case.function, case.name, status)
    return best, outputs


def chosen(function, suits):
    """The first case that suits, of float64 throughout."""
    for case in vectors.read(function):
        arrays = [array for array in case.arrays.values()]
        shapes = [array.values.shape for array in arrays if array.dtype == "f64"]
        if shapes and all(array.dtype in ("f64", "i32", "i64") for array in arrays) and suits(*shapes[0], case):
            return case
    return None


def reduces(parameters):
    """Whether the function may take the mean over rows, on which its other results then depend."""
    fields = {field for kind, _ in parameters for name, record in check.RECORDS.items() if name in kind
              for field, _ in record._fields_}
    return "reduction" in fields or any(kind == "nepit_reduction" for kind, _ in parameters)


def growth():
    """A table: what an element costs in long rows, and a row among many; and that neither grows."""
    global failures
    import ctypes

    most = {"16 times the columns": (0, ""), "100 times the rows": (0, "")}
    library = ctypes.CDLL(os.environ.get("NEPIT_LIBRARY") or str(ROOT / "build" / "lib" / "libnepit.so"))
    declared = check.prototypes()
    print(f"\n{'':44} ns an element, n columns      ns a row, n rows of 3 or more\n"
          f"{'':44}      2^16       2^20         10^4       10^6", flush=True)
    for name in vectors.functions():
        parameters = declared[name]
        line, wrong = f"nepit_{name:38}", []
        case = chosen(name, lambda rows, columns, case: rows == 1 and 8 <= columns <= 64) or \
            chosen(name, lambda rows, columns, case: columns >= 8)
        times = []
        for columns in (2**16, 2**20):
            width = next(iter(case.arrays.values())).values.shape[1]
            height = max(array.values.shape[0] for array in case.arrays.values())
            repeats = columns // width
            spent, _ = seconds(library, parameters, grown(case, 1, repeats))
            times.append(spent / (repeats * width * height) * 1e9)
        line += f"{times[0]:10.2f} {times[1]:10.2f}   "
        most["16 times the columns"] = max(most["16 times the columns"], (times[1] / times[0], name))
        if times[1] > GENEROUS * times[0]:
            wrong.append("time grows faster than the columns")
        case = chosen(name, lambda rows, columns, case: rows >= 2 and 2 <= columns <= 8) or \
            chosen(name, lambda rows, columns, case: rows >= 2)
        if case is not None:
            times = []
            for wanted in (10**4, 10**6):
                height = max(array.values.shape[0] for array in case.arrays.values())
                repeats = wanted // height
                spent, outputs = seconds(library, parameters, grown(case, repeats, 1))
                times.append(spent / (repeats * height) * 1e9)
            line += f"{times[0]:10.1f} {times[1]:10.1f}"
            most["100 times the rows"] = max(most["100 times the rows"], (times[1] / times[0], name))
            if times[1] > GENEROUS * times[0]:
                wrong.append("time grows faster than the rows")
            _, few = seconds(library, parameters, case)
            for param, values in few.items() if not reduces(parameters) else ():
                if outputs[param].shape[0] == values.shape[0] * repeats and values.shape[0] > 1:
                    block = np.ascontiguousarray(outputs[param]).reshape(repeats, -1).view(np.uint8)
                    if not (block == np.ascontiguousarray(values).reshape(1, -1).view(np.uint8)).all():
                        wrong.append(f"{param}: a row's result depends on its place among a million")
        else:
            line += "  (no case of several rows)"
        failures += len(wrong)
        print(line + "".join(f"\n    FAIL  {what}" for what in wrong), flush=True)
    for what, (ratio, name) in most.items():
        print(f"{what}: each costs at most {ratio:.2f} times as much ({name})")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--growth", action="store_true", help="the table of times alone")
    options = parser.parse_args()
    if not options.growth:
        available = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
        beyond_32_bits()
        if available >= 3:
            long_rows()
        else:
            print(f"NOT done, for {available:.1f} GiB of memory where 3 are needed: rows of 10^8")
    growth()
    if failures:
        sys.exit(f"limits.py: {failures} failures")


if __name__ == "__main__":
    main()
