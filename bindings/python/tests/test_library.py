"""_library.py says the same as the header, and refuses what it should."""

import ctypes
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from places import ROOT

import nepit
from nepit import _calls, _library
from nepit.losses.comparison import VALUES

HEADER = (ROOT / "Include" / "nepit.h").read_text()
CODE = re.sub(r"/\*.*?\*/", "", HEADER, flags=re.S)


def words(text):
    return " ".join(text.split())


def test_every_function_stands_in_the_table_in_the_words_of_the_header():
    declared = [(name, words(result), words(parameters)) for result, name, parameters
                in re.findall(r"^NEPIT_API\s+(.*?)(\bnepit_\w+)\((.*?)\);", CODE, re.M | re.S)]
    assert len(declared) > 40
    assert [tuple(map(words, row)) for row in _library.FUNCTIONS] == declared


def test_constants():
    defined = {name: int(value) for name, value in
               re.findall(r"^#define NEPIT_(\w+) \(?(-?\d+)\)?\s*$", CODE, re.M)}
    dtypes = [name for name in defined if re.fullmatch(r"B?[FIU]\d+", name)]
    assert len(dtypes) == 12
    for name in dtypes + [name for name in defined if name.startswith("ERROR_")] + ["OK"]:
        assert getattr(_library, name) == defined.pop(name), name
    assert ".".join(str(defined.pop(f"VERSION_{part}")) for part in ("MAJOR", "MINOR", "PATCH")) == nepit.__version__
    for name in [name for name in list(defined) if name.startswith(("REDUCTION_", "KL_ESTIMATOR_", "DIVERGENCE_"))]:
        assert getattr(_library, name) == defined.pop(name)
    columns = [defined.pop(name) for name in list(defined) if name.startswith("LOGITS_")]
    assert columns == list(range(len(VALUES) + 1))  # a name for each, and their number
    assert {f"FINDING_{finding.name}": finding.value for finding in nepit.Finding} == defined


@pytest.mark.parametrize("name, record", [
    ("nepit_array", _library.Array), ("nepit_mutable_array", _library.MutableArray),
    ("nepit_execution", _library.Execution)])
def test_records(name, record):
    types = {"const void *": ctypes.c_void_p, "void *": (ctypes.c_void_p, ctypes.py_object), "size_t": ctypes.c_size_t,
             "ptrdiff_t": ctypes.c_ssize_t, "nepit_dtype": ctypes.c_int32, "int32_t": ctypes.c_int32,
             "nepit_monitor": _library.Monitor}
    (body,) = re.findall(rf"typedef struct {name} {{(.*?)}} {name};", CODE, re.S)
    declared = []
    for line in filter(None, map(words, body.split(";"))):
        kind, members = re.fullmatch(r"(.*?[ *])(\w+(?:, \w+)*)", line).groups()
        declared += [(member, types[kind.strip()]) for member in members.split(", ")]
    assert [name for name, _ in record._fields_] == [name for name, _ in declared]
    for (member, have), (_, want) in zip(record._fields_, declared):
        assert have in (want if isinstance(want, tuple) else (want,)), member


def test_ranges_are_those_of_the_comments():
    seen = set()
    for comment, name in re.findall(r"/\*\*((?:(?!\*/).)*)\*/\s*NEPIT_API [^;]*?\b(nepit_\w+)\(", HEADER, re.S):
        for parameter, interval in re.findall(r"@param\s+(\w+)\s+In ([\[(][^\])]*[\])])", comment):
            key = f"{name} {parameter}" if f"{name} {parameter}" in _library.RANGES else parameter
            assert _library.RANGES[key] == interval, (name, parameter)
            seen.add(key)
    for name, interval in re.findall(r"(\w+);\s*/\*\*< In ([\[(][^\])]*[\])])\.", HEADER):  # a field of a record
        assert _library.RANGES[name] == interval, name
        seen.add(name)
    assert seen == set(_library.RANGES)


@pytest.mark.parametrize("interval, within, without", [
    ("[0, inf]", (0, 1, np.inf), (-1, np.nan)), ("[0, 1)", (0, 0.5), (1, -0.1)), ("(0, inf)", (1e-300,), (0, np.inf))])
def test_inside(interval, within, without):
    assert all(_library.inside(value, interval) for value in within)
    assert not any(_library.inside(value, interval) for value in without)


def test_unknown_statuses_have_a_sentence():
    assert "memory" in _library.status_message(_library.ERROR_MEMORY).lower()
    assert _library.status_message(-12345)


# ----------------------------------------------------------------------------------------------------- loading


def python(code, **environment):
    env = {**os.environ, "PYTHONPATH": str(ROOT / "bindings" / "python" / "src"), **environment}
    return subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)


def test_another_version_is_refused_with_the_path_that_was_found(monkeypatch):
    monkeypatch.setattr(_library, "__version__", "7.8.9")
    with pytest.raises(ImportError, match=r"7\.8\.9") as caught:
        _library._load()
    assert _library.path in str(caught.value) and nepit.__version__ in str(caught.value)


def test_nepit_library_is_taken_first():
    done = python("from nepit import _library; print(_library.path)", NEPIT_LIBRARY=_library.path)
    assert done.stdout.strip() == _library.path


def test_a_missing_library_is_named():
    done = python("import nepit", NEPIT_LIBRARY="/nowhere/libnepit.so")
    assert done.returncode == 1 and "ImportError" in done.stderr and "/nowhere/libnepit.so" in done.stderr


def test_something_else_is_no_libnepit():
    done = python("import nepit", NEPIT_LIBRARY="libm.so.6")
    assert done.returncode == 1 and re.search(r"/libm.*is no libnepit", done.stderr)


def test_the_import_is_quick_and_starts_nothing():
    done = python("import threading, numpy, sys, time; before = set(sys.modules); start = time.perf_counter()\n"
                  "import nepit; took = time.perf_counter() - start\n"
                  "assert threading.active_count() == 1\n"
                  "heavy = {'scipy', 'matplotlib', 'tqdm', 'torch', 'argparse'} & (set(sys.modules) - before)\n"
                  "assert not heavy, heavy; assert took < 2, took")
    assert done.returncode == 0, done.stderr


# ---------------------------------------------------------------------------------------------- what is said of errors


P = np.array([0.5, 0.25, 0.25])


@pytest.mark.parametrize("call, said", [
    (lambda: nepit.entropy(P, base=1), "base is 1.0; it must be finite and greater than 1"),
    (lambda: nepit.entropy(P, base=float("inf")), "base is inf"),
    (lambda: nepit.entropy(P, base="2"), "base must be a number, not '2'"),
    (lambda: nepit.entropy(P, base=2 + 0j), "base must be a number"),
    (lambda: nepit.entropy(P, base=10**400), "base must be a number"),
    (lambda: nepit.renyi_entropy(P, -1), r"order is -1.0; it must lie in \[0, inf\]"),
    (lambda: nepit.renyi_entropy(P, float("nan")), "order is nan"),
    (lambda: nepit.renyi_entropy(P, None), "order must be a number, not None"),
    (lambda: nepit.renyi_divergence(P, P, 0, gradient=True), r"order is 0.0; it must lie in \(0, inf\)"),
    (lambda: nepit.tsallis_divergence(P, P, float("inf")), r"order is inf; it must lie in \[0, inf\)"),
    (lambda: nepit.jensen_shannon_divergence(P, P, weight=1.5), r"weight is 1.5; it must lie in \[0, 1\]"),
    (lambda: nepit.population_stability_index(P, P, floor=1), r"floor is 1.0; it must lie in \[0, 1\)"),
    (lambda: nepit.alpha_divergence(P, P, float("inf")), r"alpha is inf; it must lie in \(-inf, inf\)"),
    (lambda: nepit.smooth_additive(P, -0.5), r"alpha is -0.5; it must lie in \[0, inf\)"),
    (lambda: nepit.smooth_floor(P, 2), r"epsilon is 2.0; it must lie in \[0, 1\]"),
    (lambda: nepit.smooth_mix(P, 2), r"weight is 2.0"),
    (lambda: nepit.check_distribution(P, tolerance=-1), "tolerance is -1.0"),
    (lambda: nepit.entropy(P, threads=-1), r"threads is -1; it must be 0 \(all processors\) or more"),
    (lambda: nepit.entropy(P, threads=1.5), "threads must be an integer, not 1.5"),
    (lambda: nepit.entropy(P, progress=3), "progress must be True or a callable, not 3"),
    (lambda: nepit.entropy([]), "pk has no outcomes along axis 0"),
    (lambda: nepit.entropy(np.ones((3, 0)), axis=1), "pk has no outcomes along axis 1"),
    (lambda: nepit.entropy(np.ones((0, 3)), axis=None), "pk has no outcomes"),
    (lambda: nepit.entropy(3.0), "pk is a single number"),
    (lambda: nepit.entropy(P, axis=1), "axis 1 is out of bounds for pk with 1 dimension$"),
    (lambda: nepit.entropy(np.ones((2, 3)), axis=-3), "axis -3 is out of bounds for pk with 2 dimensions"),
    (lambda: nepit.entropy(P, axis="x"), "axis must be an integer or None, not 'x'"),
    (lambda: nepit.entropy(P, axis=0.0), "axis must be an integer or None"),
    (lambda: nepit.kl_divergence(P, [0.5, 0.5]), "the numbers of outcomes along axis 0 differ: 3 in p and 2 in q"),
    (lambda: nepit.entropy(P, [0.5, 0.5]), "3 in pk and 2 in qk"),
    (lambda: nepit.kl_divergence(np.ones((2, 3)), np.ones((4, 3)), axis=1), "cannot be broadcast"),
    (lambda: nepit.rel_entr(np.ones(3), np.ones(4)), r"cannot be broadcast together: x \(3,\) and y \(4,\)"),
    (lambda: nepit.entropy(P.astype(complex)), "pk has elements of type complex128, but weights are real"),
    (lambda: nepit.entropy(np.array([1, None])), "pk has elements of type object, which no library can read in place"),
    (lambda: nepit.entropy([10**30, 1]), "type object"),
    (lambda: nepit.entropy(["a", "b"]), "pk has elements of type <U1, which are no numbers"),
    (lambda: nepit.entropy([[1, 2], [3]]), "pk cannot be read as an array|type object"),
    (lambda: nepit.entropy(P.astype(np.longdouble)), "wider than what Nepit computes with"),
    (lambda: nepit.entropy(np.ma.array(P, mask=[0, 1, 0])), "pk is a masked array"),
    (lambda: nepit.generalized_jensen_shannon([]), "ps has no distributions"),
    (lambda: nepit.generalized_jensen_shannon([[1, 2], [1, 2, 3]]), r"different shapes: \(2,\), \(3,\)"),
    (lambda: nepit.generalized_jensen_shannon([1, 2]), "ps must hold distributions"),
    (lambda: nepit.generalized_jensen_shannon([P, P], weights=[1]), r"weights has shape \(1,\), but there are 2"),
    (lambda: nepit.generalized_jensen_shannon([P, P], weights=[0, 0]), "weights is no distribution"),
    (lambda: nepit.generalized_jensen_shannon([P, P], weights=[-1, 2]), "weights is no distribution"),
    (lambda: nepit.generalized_jensen_shannon([P, P], axis=1), "axis 1 is out of bounds"),
])
@pytest.mark.filterwarnings("ignore:Creating an ndarray from ragged")  # NumPy before 1.24
def test_messages(call, said):
    with pytest.raises(nepit.NepitError, match=said):
        call()


def test_errors_are_value_errors():
    assert issubclass(nepit.NepitError, ValueError)


def raw(name, *arguments):
    return getattr(_library.functions, f"nepit_{name}")(*arguments)


def test_errcheck_looks_at_the_arguments_of_any_call():
    p = np.ones((2, 3))
    one = _library.Array(p.ctypes.data, 2, 3, 3, 1, _library.F64)
    other = _library.Array(p.ctypes.data, 3, 2, 2, 1, _library.F64)
    wrong = _library.Array(p.ctypes.data, 2, 3, 3, 1, 99)
    out = np.empty(3)
    with pytest.raises(nepit.NepitError, match=r"shapes do not fit: p is \[2, 3\] and q is \[3, 2\]"):
        raw("kl_divergence", one, other, 2.0, None, out.ctypes.data)
    with pytest.raises(nepit.NepitError, match="weights has nepit_dtype 99"):
        raw("entropy", wrong, 2.0, None, out.ctypes.data)
    with pytest.raises(nepit.NepitError, match="NULL"):
        raw("entropy", one, 2.0, None, None)
    with pytest.raises(nepit.NepitError, match="size"):
        raw("entropy", one, 2.0, _library.Execution(size=3), out.ctypes.data)
    with pytest.raises(nepit.NepitError, match="threads is -4"):
        raw("entropy", one, 2.0, _library.execution(-4), out.ctypes.data)
    with pytest.raises(MemoryError):
        _library._check(_library.ERROR_MEMORY, _library.functions.nepit_entropy, (one, 2.0, None, None))


def test_a_failed_call_writes_nothing():
    p, out = np.ones(3), np.full(1, 7.0)
    with pytest.raises(nepit.NepitError):
        raw("entropy", _library.Array(p.ctypes.data, 1, 3, 3, 1, _library.F64), 0.5, None, out.ctypes.data)
    assert out[0] == 7.0


def test_the_short_way_is_taken(monkeypatch):
    def long_way(*arguments):
        raise AssertionError("a small contiguous vector went the long way")

    monkeypatch.setattr(_calls, "measure", long_way)
    for dtype in (float, np.float32, np.int64):
        p = np.array([1, 2, 3], dtype)
        nepit.entropy(p), nepit.kl_divergence(p, P), nepit.renyi_entropy(p, 2, base=2), nepit.hellinger_distance(p, p)
        nepit.entropy(p, axis=-1)
    assert nepit.entropy(np.frombuffer(P.tobytes())) == nepit.entropy(P)  # read-only
    unaligned = np.frombuffer(b"." + P.tobytes(), np.uint8)[1:].view(float)
    for unfit in (P[::2], P[::-1], unaligned, P.astype(">f8"), [0.5, 0.5], P[:0]):
        with pytest.raises(AssertionError):
            nepit.entropy(unfit)
