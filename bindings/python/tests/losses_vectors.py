"""The vectors of the section losses: through the public functions, and through the C functions by name."""

import ctypes

import ml_dtypes
import numpy as np

from nepit import _arrays, _library, losses
from nepit.losses import _support

REDUCTIONS = {0.0: "sum", 1.0: "mean"}
INTEGERS = {"int64_t *": np.int64, "int32_t *": np.int32}


def plain(array):
    return array.values.view(ml_dtypes.bfloat16) if array.dtype == "bf16" else array.values


def arrays_of(case):
    return {name: plain(array) for name, array in case.arrays.items()}


def options_of(case, renamed={}):
    """The numbers of a case as keywords."""
    found = {renamed.get(name, name): value for name, value in case.numbers.items()}
    if "reduction" in found:
        found["reduction"] = REDUCTIONS[found["reduction"]]
    if "ignore_index" in found:
        found["ignore_index"] = int(found["ignore_index"])
    if "softcap" in found:
        found["softcap"] = found["softcap"] or None
    return found


def column(array):
    return None if array is None else array.ravel()


def softmax_cross_entropy(case):
    a = arrays_of(case)
    got = losses.softmax_cross_entropy(
        a["logits"], a["labels"].ravel(), weight=column(a.get("class_weights")),
        row_weight=column(a.get("row_weights")), gradient=np.empty(a["logits"].shape), details=True, **options_of(case))
    return {"out": np.array(got.loss), "losses": got.losses, "log_sums": got.log_sums, "argmax": got.argmax,
            "counts": np.array([got.counted, got.correct]), "gradient": got.gradient}


def logsumexp(case):
    x = arrays_of(case)["logits"]
    value, slopes = losses.logsumexp(x, gradient=np.empty(x.shape), **options_of(case))
    return {"out": np.asarray(value), "gradient": slopes}


def normalised(name):
    def run(case):
        x = arrays_of(case)["logits"]
        return {"out": getattr(losses, name)(x, out=np.empty(x.shape), **options_of(case))}
    return run


def pointwise(name, inputs):
    """A loss of elements: each way to reduce it, and the gradients by the inputs that are given."""
    def run(case):
        a, numbers = arrays_of(case), options_of(case)
        reduction = numbers.pop("reduction", "mean")
        for x in inputs:
            if f"{x}_gradient" in case.results and x not in a:
                a[x] = np.zeros(case.results[f"{x}_gradient"].shape)
        given = [a.get(x) for x in inputs]

        def value(reduction, **more):
            return getattr(losses, name)(*given, reduction=reduction, **numbers, **more)

        wanted = [np.empty(case.results[f"{x}_gradient"].shape) if f"{x}_gradient" in case.results else None
                  for x in inputs if x in a]
        got = {"out": np.array(value(reduction)), "losses": np.asarray(value("rows")), "terms": value("none")}
        if any(x is not None for x in wanted):
            value(reduction, gradient=wanted)
            got |= {f"{x}_gradient": out for x, out in zip([x for x in inputs if x in a], wanted)}
        return {name: got[name] for name in case.results}
    return run


PUBLIC = {"softmax_cross_entropy": softmax_cross_entropy, "logsumexp": logsumexp, "softmax": normalised("softmax"),
          "log_softmax": normalised("log_softmax"),
          "gaussian_kl": pointwise("gaussian_kl", ("mean", "log_variance", "other_mean", "other_log_variance"))}


def raw(case):
    """The results of a case by the C function itself, in the order of its parameters."""
    function = getattr(_library.functions, f"nepit_{case.function}")
    named, results = {}, []
    for name, kind in zip(function.names, function.kinds):
        if name in case.results:
            out = np.empty(case.results[name].shape, INTEGERS.get(kind, np.float64))
            results.append(out)
            named[name] = out if kind == "nepit_mutable_array" else out
        elif name in case.arrays:
            named[name] = _arrays.view(plain(case.arrays[name]), name)
        elif kind.endswith("_options *"):
            record = _library.TYPES[kind]._type_
            fields = {field: case.numbers[field] for field, *_ in record._fields_ if field in case.numbers}
            if fields:
                kinds = dict(record._fields_)
                named[name] = record(**{field: value if kinds[field] is ctypes.c_double else int(value)
                                        for field, value in fields.items()})
        elif name in case.numbers:
            named[name] = case.numbers[name] if kind == "double" else int(case.numbers[name])
    _support.call(function, 0, 0, None, **named)
    return results
