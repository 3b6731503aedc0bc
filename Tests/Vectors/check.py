#!/usr/bin/env python3
"""Runs all vectors through a built library and prints, for each function, the worst error beside its bound.

    check.py --library build/lib/libnepit.so [--function NAME] [--isa x86-64-v3] [--threads N] [--layout LAYOUT]

The bits of all results, in any layout and by any number of threads, must be those of the file digests.

The order and types of parameters are read from Include/nepit.h, so a new function needs a vector file and no code.
"""

import argparse
import ctypes
import math
import os
import pathlib
import re
import sys

import numpy as np

import vectors

HEADER = pathlib.Path(__file__).resolve().parents[2] / "Include" / "nepit.h"
CODES = {dtype: code for code, dtype in enumerate(vectors.DTYPES, 1)}  # NEPIT_F64 is 1, as in the header
LAYOUTS = ("rows", "columns", "reversed", "spread", "unaligned")


class View(ctypes.Structure):
    """nepit_array and nepit_mutable_array."""

    _fields_ = [
        ("data", ctypes.c_void_p),
        ("rows", ctypes.c_size_t),
        ("cols", ctypes.c_size_t),
        ("row_stride", ctypes.c_ssize_t),
        ("col_stride", ctypes.c_ssize_t),
        ("dtype", ctypes.c_int32),
    ]


class Execution(ctypes.Structure):
    _fields_ = [
        ("size", ctypes.c_size_t),
        ("threads", ctypes.c_int32),
        ("monitor", ctypes.c_void_p),
        ("context", ctypes.c_void_p),
    ]


def prototypes():
    """{function: [(type, parameter), ...]} of every declaration that returns a status and writes results."""
    text = re.sub(r"/\*.*?\*/", "", HEADER.read_text(), flags=re.S)
    found = {}
    for name, parameters in re.findall(r"NEPIT_API nepit_status nepit_(\w+)\(([^)]*)\);", text):
        found[name] = [re.fullmatch(r"(.*?)(\w+)", p.strip(), re.S).groups() for p in parameters.split(",")]
    return {name: [(kind.strip(), param) for kind, param in parameters] for name, parameters in found.items()}


def records():
    """{name: ctypes structure} of the records of options."""
    kinds = {"double": ctypes.c_double, "int64_t": ctypes.c_int64, "size_t": ctypes.c_size_t}
    found = {}
    text = re.sub(r"/\*.*?\*/", "", HEADER.read_text(), flags=re.S)
    for name, body in re.findall(r"typedef struct (nepit_\w+_options) \{(.*?)\}", text, re.S):
        fields = [(field, kinds.get(kind, ctypes.c_int32)) for kind, field in re.findall(r"(\w+) (\w+);", body)]
        found[name] = type(name, (ctypes.Structure,), {"_fields_": fields})
    return found


RECORDS = records()


def options_of(kind, case):
    """The record of a case's options; None where it has none."""
    record = RECORDS[kind.removeprefix("const ").removesuffix(" *")]
    given = {name: case.numbers[name] for name, _ in record._fields_ if name in case.numbers}
    if not given:
        return None
    whole = {name: type_ is not ctypes.c_double for name, type_ in record._fields_}
    return record(size=ctypes.sizeof(record), **{n: int(x) if whole[n] else x for n, x in given.items()})


def view_of(array, layout):
    """A view of a matrix in memory laid out as asked, and what keeps the memory alive."""
    values = array.values
    size = values.itemsize
    if layout == "columns":
        held = np.asfortranarray(values)
        placed = held
    elif layout == "reversed":
        held = np.ascontiguousarray(values[::-1, ::-1])
        placed = held[::-1, ::-1]
    elif layout == "spread":
        held = np.full((values.shape[0] * 2, values.shape[1] * 3), 77, values.dtype)
        placed = held[::2, ::3]
        placed[...] = values
    elif layout == "unaligned":
        held = np.empty(values.size + 1, values.dtype)
        placed = held[1:].reshape(values.shape)
        placed[...] = values
    else:
        held = placed = np.ascontiguousarray(values)
    strides = [stride // size for stride in placed.strides]
    return View(placed.ctypes.data, *values.shape, *strides, CODES[array.dtype]), held


class made:
    """A comparison of logits as the vectors mean it: the ten most likely tokens, exact percentiles."""

    def __init__(self, library, cols):
        self.library, self._as_parameter_ = library, ctypes.c_void_p()
        create = library.nepit_logits_comparison_create
        create(*map(ctypes.c_size_t, (cols, 10, 0, 0)), ctypes.byref(self._as_parameter_))

    def __del__(self):
        self.library.nepit_logits_comparison_destroy(self._as_parameter_)


def call(library, parameters, case, execution=None, layout="rows"):
    """Calls the case's function; (status, {parameter: results})."""
    arguments, kept, outputs = [], [], {}
    for kind, param in parameters:
        if kind == "nepit_array":
            if param in case.arrays:
                argument, held = view_of(case.arrays[param], layout)
                kept.append(held)
            else:
                argument = View(None, 0, 0, 0, 1, CODES["f64"])
        elif kind == "nepit_mutable_array":
            if param in case.results:
                out = np.full(case.results[param].shape, 1e99)
                outputs[param] = out
                if layout == "columns":
                    out = outputs[param] = np.asfortranarray(out)
                argument = View(out.ctypes.data, *out.shape, *(s // 8 for s in out.strides), CODES["f64"])
            else:
                argument = View(None, 0, 0, 0, 1, CODES["f64"])
        elif kind == "nepit_logits_comparison *":
            argument = made(library, next(iter(case.arrays.values())).values.shape[1])
            kept.append(argument)
        elif kind == "double":
            argument = ctypes.c_double(case.numbers[param])
        elif kind in ("nepit_reduction", "nepit_kl_estimator"):
            argument = ctypes.c_int32(int(case.numbers[param]))
        elif kind.endswith("_options *"):
            held = options_of(kind, case)
            kept.append(held)
            argument = ctypes.byref(held) if held is not None else ctypes.c_void_p(None)
        elif kind == "size_t":
            argument = ctypes.c_size_t(int(case.numbers[param]))
        elif kind == "const nepit_execution *":
            argument = ctypes.byref(execution) if execution else None
        elif kind == "const double *":
            held = np.ascontiguousarray(case.arrays[param].values) if param in case.arrays else None
            kept.append(held)
            argument = ctypes.c_void_p(held.ctypes.data if held is not None else None)
        else:  # double *out, int32_t *finding
            if param in case.results:
                dtype = {"int32_t *": np.int32, "int64_t *": np.int64}.get(kind, np.float64)
                outputs[param] = np.full(case.results[param].shape, 77, dtype)
                argument = ctypes.c_void_p(outputs[param].ctypes.data)
            else:
                argument = ctypes.c_void_p(None)
        arguments.append(argument)
    function = getattr(library, "nepit_" + case.function)
    function.restype = ctypes.c_int32
    return function(*arguments), outputs


def power(x):
    """An error as a power of two."""
    if x == 0 or math.isinf(x):
        return "exact" if x == 0 else "wrong"
    return f"2^{math.log2(x):.1f}".removesuffix(".0")


def run(library, name, parameters, cases, options):
    """Runs the cases of one function; (line to print, [failures], digest)."""
    state = vectors.digest([])
    execution = (
        Execution(ctypes.sizeof(Execution), options.threads, None, None) if options.threads is not None else None
    )
    worst, failures = {}, []
    for case in cases:
        status, outputs = call(library, parameters, case, execution, options.layout)
        if status != 0:
            failures.append(f"{case.name}: status {status}")
            continue
        for param, got in outputs.items():
            state = vectors.digest([got], state)
            error = case.errors(param, got)
            bound = case.bounds[param]
            worst[bound] = max(worst.get(bound, 0.0), error.max(initial=0.0))
            if error.max(initial=0.0) > bound:
                i, j = np.unravel_index(np.argmax(error), error.shape)
                want, have = float(case.results[param][i, j]), float(got[i, j])
                failures.append(
                    f"{case.name}: {param}[{i}, {j}] = {have!r}, not {want!r} "
                    f"(error {power(error[i, j])} of {power(bound)}, {(error > bound).sum()} such)"
                )
    if state != vectors.committed_digests().get(name):
        failures.append("not the bits of Tests/Vectors/digests; if that is meant, `make digests`")
    # Bounds of cases with subnormal results are no powers of two, and tell nothing.
    shown = [
        b for b in sorted(worst) if b > 0 and (math.frexp(b)[0] == 0.5 and b <= 2.0**-20 or worst[b] > b or b == 1e-6)
    ]
    errors = ", ".join(f"{power(worst[b])} of {power(b)}" for b in shown)
    return f"{len(cases):4} cases  worst {errors or 'exact'}", failures, state


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--library", required=True, help="path of libnepit.so")
    parser.add_argument("--function", help="this one only, without nepit_")
    parser.add_argument("--isa", help="value of NEPIT_ISA, set before loading")
    parser.add_argument("--threads", type=int, help="run with a nepit_execution of so many threads")
    parser.add_argument("--layout", choices=LAYOUTS, default="rows", help="how the inputs lie in memory")
    options = parser.parse_args()
    if options.isa:
        os.environ["NEPIT_ISA"] = options.isa
    library = ctypes.CDLL(os.path.abspath(options.library))
    declared = prototypes()
    names = [options.function] if options.function else vectors.functions()
    total = vectors.FNV_START
    wrong = 0
    for name in names:
        if hasattr(library, "nepit_" + name):
            line, failures, state = run(library, name, declared[name], vectors.read(name), options)
            total = vectors.digest([np.uint64(state)], total)
        else:
            line, failures = "", ["not in the library"]
        print(f"{name:36} {line}{f'  {len(failures)} FAILED' if failures else ''}")
        for failure in failures:
            print(f"    {failure}")
        wrong += len(failures)
    if not options.function:
        arrays = {name for name, parameters in declared.items() if any("_array" in kind for kind, _ in parameters)}
        for name in sorted(arrays - set(names)):
            print(f"{name:36} has no vectors")
            wrong += 1
        print(f"digest {total:016x}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
