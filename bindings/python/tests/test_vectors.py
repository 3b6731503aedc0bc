"""The shared vectors through the public functions, and the bits that every other test has for them."""

import inspect

import ml_dtypes
import numpy as np
import pytest
import vectors

import losses_vectors
import nepit
from nepit import _arrays, _calls, _library
from nepit.losses import LogitsComparison
from nepit.losses.comparison import VALUES

NAMES = [name.removeprefix("nepit_") for name, result, _ in _library.FUNCTIONS if result == "nepit_status"
         and not name.startswith("nepit_logits_comparison")]  # an object: test_logits.py
#: What a result that Python returns as float32 adds to the error (gradients and results an element of float32 input).
ROUNDED = 2.0**-24


def plain(array):
    return array.values.view(ml_dtypes.bfloat16) if array.dtype == "bf16" else array.values


def public(case):
    """What the package's own function says for a case: {parameter: results}."""
    if case.function in losses_vectors.PUBLIC:
        return losses_vectors.PUBLIC[case.function](case)
    gradient = case.function.endswith("_gradient")
    function = getattr(nepit, case.function.removesuffix("_gradient"))
    accepted = inspect.signature(function).parameters
    arrays = {name: plain(array) for name, array in case.arrays.items()}
    numbers = {name: value for name, value in case.numbers.items() if name in accepted}
    options = {"axis": 1} if "axis" in accepted else {}

    if case.function == "generalized_jensen_shannon":
        weights, members = arrays["weights"], int(case.numbers["members"])
        ps = np.moveaxis(weights.reshape(-1, members, weights.shape[1]), 1, 0)
        mixing = arrays["mixing"].ravel() if "mixing" in arrays else None
        return {"out": function(ps, mixing, **numbers, **options)}
    background = {"background": arrays.pop("background")} if "background" in arrays else {}
    inputs = list(arrays.values())
    if gradient:  # the vectors have a gradient for each row, where Python would sum those of a repeated one
        rows = max(array.shape[0] for array in inputs)
        inputs = [np.repeat(array, rows, axis=0) if array.shape[0] < rows else array for array in inputs]
        options["gradient"] = True
    got = function(*inputs, **background, **numbers, **options)
    if gradient:
        outputs = [name for name in _library.functions.__dict__[f"nepit_{case.function}"].names if name == "out"
                   or "gradient" in name]
        return dict(zip(outputs, got))
    if case.function == "check_distribution":
        return {"finding": got.finding, "excess": got.excess}
    if case.function == "chernoff_information":
        return {"out": got, "exponent": nepit.chernoff_exponent(*inputs, **options)}
    return {"out": got}


@pytest.mark.parametrize("name", NAMES)
def test_vectors(name):
    cases = vectors.read(name)
    assert cases
    failures = []
    for case in cases:
        results = public(case)
        for parameter, want in case.results.items():
            got = results[parameter]
            error = case.errors(parameter, got)
            bound = case.bounds[parameter]
            if np.asarray(got).dtype == np.float32:
                bound += ROUNDED
                small, large = (np.float64(getattr(np.finfo(np.float32), end)) for end in ("tiny", "max"))
                size = np.abs(got.reshape(want.shape))  # float32 has no words for what is smaller or larger
                error[(np.abs(want) < small) & (size <= small) | (np.abs(want) > large) & np.isinf(size)] = 0
            if not (error <= bound).all():
                failures.append(f"{case.name} {parameter}: {np.asarray(got).ravel()[:5]}, not {want.ravel()[:5]} "
                                f"(error {error.max():.3g}, bound {bound:.3g})")
    assert not failures, f"{len(failures)} of {len(cases)} cases:\n" + "\n".join(failures[:20])


def test_every_function_has_vectors():
    assert set(vectors.functions()) == {*NAMES, "logits_comparison_update"}


# -------------------------------------------------------------------------------------------------------- the digest


def raw(case):
    """The results of a case by the C function itself; arrays as float64, as the harness has them."""
    if case.function in losses_vectors.PUBLIC:
        return losses_vectors.raw(case)
    function = getattr(_library.functions, f"nepit_{case.function}")
    kinds = dict(zip(function.names, function.kinds))
    inputs = [_arrays.view(plain(case.arrays[name]), name) for name, kind in kinds.items()
              if kind == "nepit_array" and name in case.arrays]
    rows = max(item.array.shape[0] for item in inputs)
    arrays = [np.broadcast_to(item.array, (rows, item.array.shape[1])) for item in inputs]
    kept = np.ascontiguousarray(case.arrays["mixing"].values) if "mixing" in case.arrays else None
    convert = {"double": float, "size_t": int}
    numbers = [convert[kind](case.numbers[name]) if kind in convert else kept.ctypes.data if kept is not None else None
               for name, kind in kinds.items() if kind in convert or kind == "const double *"]
    outputs = {name: np.empty(arrays[0].shape) for name, kind in kinds.items() if kind == "nepit_mutable_array"}
    values = {name: np.int32 if kind == "int32_t *" else np.float64 for name, kind in kinds.items()
              if kind in ("double *", "int32_t *")}
    buffers, _ = _calls.run(function, arrays, [item.code for item in inputs], numbers, list(outputs.values()),
                            values=tuple(values.values()), members=int(case.numbers.get("members", 0)))
    results = {**dict(zip(values, buffers)), **outputs}
    return [results[name] for name in kinds if name in case.results]


def logits_values(case):
    """What LogitsComparison.update says of each token: [rows, values]."""
    base, test = (plain(case.arrays[name]) for name in ("base", "test"))
    labels = case.arrays["labels"].values[:, 0] if "labels" in case.arrays else None
    if len(base) == 1:
        base = base[0]
    got = LogitsComparison(base.shape[-1]).update(base, test, labels, values=True)
    return np.atleast_1d(got).view(np.float64).reshape(-1, len(VALUES))


def test_the_digest_itself():
    assert vectors.digest([np.frombuffer(b"foobar", np.uint8)]) == 0x85944171F73967E8  # from FNV's own test vectors


@pytest.mark.parametrize("name", vectors.functions())
def test_bits(name):
    state = vectors.FNV_START
    for case in vectors.read(name):
        state = vectors.digest([logits_values(case)] if name == "logits_comparison_update" else raw(case), state)
    assert state == vectors.committed_digests().get(name), f"{state:016x}"
