"""The vectors of the section losses: through the public functions, and through the C functions by name."""

import ctypes

import ml_dtypes
import numpy as np

from nepit import _arrays, _library, losses
from nepit.losses import _support

REDUCTIONS = {0.0: "sum", 1.0: "mean"}
DIVERGENCES = dict(enumerate(("forward_kl", "reverse_kl", "jensen_shannon", "total_variation")))
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
    if "divergence" in found:
        found["divergence"] = DIVERGENCES[found["divergence"]]
        found["temperature_squared"] = bool(found["temperature_squared"])
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


def softmax_cross_entropy_soft(case):
    a = arrays_of(case)
    shape = a["logits"].shape
    options = options_of(case) | {"weight": column(a.get("class_weights")), "row_weight": column(a.get("row_weights"))}
    options.pop("ignore_index", None)
    value, *slopes = losses.softmax_cross_entropy_soft(
        a["logits"], a["targets"], gradient=np.empty(shape), target_gradient=np.empty(shape), **options)
    each = losses.softmax_cross_entropy_soft(a["logits"], a["targets"], **options | {"reduction": "none"})
    got = {"out": np.array(value), "losses": each, "gradient": slopes[0], "target_gradient": slopes[1]}
    if "log_sums" in case.results:  # which the public function keeps to itself
        names = [name for name in _library.functions.nepit_softmax_cross_entropy_soft.names if name in case.results]
        got["log_sums"] = dict(zip(names, raw(case)))["log_sums"]
    return got


def distillation(case):
    a = arrays_of(case)
    shape = a["student"].shape
    options = options_of(case) | {"row_weight": column(a.get("row_weights"))}
    value, *slopes = losses.distillation(a["student"], a["teacher"], gradient=np.empty(shape),
                                         teacher_gradient=np.empty(shape), **options)
    each = losses.distillation(a["student"], a["teacher"], **options | {"reduction": "none"})
    return {"out": np.array(value), "losses": each, "student_gradient": slopes[0], "teacher_gradient": slopes[1]}


def logsumexp(case):
    x = arrays_of(case)["logits"]
    value, slopes = losses.logsumexp(x, gradient=np.empty(x.shape), **options_of(case))
    return {"out": np.asarray(value), "gradient": slopes}


def product(name):
    def run(case):
        a = arrays_of(case)
        return {"gradient": getattr(losses, name)(a["logits"], a["upstream"], out=np.empty(a["logits"].shape),
                                                  **options_of(case))}
    return run


def normalised(name):
    def run(case):
        x = arrays_of(case)["logits"]
        return {"out": getattr(losses, name)(x, out=np.empty(x.shape), **options_of(case))}
    return run


#: What the header calls otherwise than Python does.
KEYWORDS = {"weights": "weight", "positive_weights": "pos_weight"}
FLAGS = ("full", "log_variance", "log_input")


def pointwise(name, inputs, gradients, options=()):
    """A loss of elements, of inputs and optional ones: each way to reduce it, and the gradients, {input: output}."""
    def run(case):
        a, numbers = arrays_of(case), options_of(case, KEYWORDS)
        reduction = numbers.pop("reduction", "mean")
        numbers |= {x: bool(numbers[x]) for x in FLAGS if x in numbers}
        if "estimator" in numbers:
            numbers["estimator"] = f"k{numbers['estimator']:.0f}"
        numbers |= {KEYWORDS[x]: a[x].ravel() if x == "positive_weights" else a[x] for x in options if x in a}

        def value(reduction, **more):
            return getattr(losses, name)(*(a.get(x) for x in inputs), reduction=reduction, **numbers, **more)

        for x, out in gradients.items():
            if out in case.results and x not in a:
                a[x] = np.zeros(case.results[out].shape)
        by = {x: out for x, out in gradients.items() if x in a}
        wanted = [np.empty(case.results[out].shape) if out in case.results else None for out in by.values()]
        got = {"out": np.array(value(reduction)), "losses": np.asarray(value("rows")), "terms": value("none")}
        if any(x is not None for x in wanted):
            value(reduction, gradient=wanted)
            got |= dict(zip(by.values(), wanted))
        return {name: got[name] for name in case.results}
    return run


def policy_entropy(case):
    a, reduction = arrays_of(case), REDUCTIONS[case.numbers["reduction"]]
    x, mask = a["logits"], a.get("mask")
    value, slopes = losses.policy_entropy(x, mask, reduction=reduction, gradient=np.empty(x.shape))
    return {"out": np.array(value), "entropies": losses.policy_entropy(x, mask, reduction="none"), "gradient": slopes}


def nll(case):
    a, options = arrays_of(case), options_of(case)
    x, labels = a["log_probabilities"], a["labels"].ravel()
    options["weight"] = column(a.get("class_weights"))
    value, slopes = losses.nll(x, labels, gradient=np.empty(x.shape), **options)
    each = losses.nll(x, labels, **options | {"reduction": "none"})
    return {"out": np.array(value), "losses": each, "gradient": slopes}


GAUSSIANS = ("mean", "log_variance", "other_mean", "other_log_variance")

PUBLIC = {"softmax_vjp": product("softmax_vjp"), "log_softmax_vjp": product("log_softmax_vjp"),
          "softmax_cross_entropy_soft": softmax_cross_entropy_soft, "softmax_cross_entropy": softmax_cross_entropy,
          "distillation": distillation, "logsumexp": logsumexp, "softmax": normalised("softmax"),
          "log_softmax": normalised("log_softmax"),
          "gaussian_kl": pointwise("gaussian_kl", GAUSSIANS, {x: f"{x}_gradient" for x in GAUSSIANS}),
          "sigmoid_cross_entropy": pointwise(
              "sigmoid_cross_entropy", ("logits", "targets"), {"logits": "gradient", "targets": "target_gradient"},
              ("weights", "positive_weights")),
          "binary_cross_entropy": pointwise(
              "binary_cross_entropy", ("probabilities", "targets"),
              {"probabilities": "gradient", "targets": "target_gradient"}, ("weights",)),
          "gaussian_nll": pointwise(
              "gaussian_nll", ("mean", "targets", "variance"),
              {"mean": "mean_gradient", "variance": "variance_gradient", "targets": "target_gradient"}),
          "poisson_nll": pointwise(
              "poisson_nll", ("rates", "targets"), {"rates": "gradient", "targets": "target_gradient"}),
          "nll": nll, "policy_entropy": policy_entropy,
          "sampled_kl": pointwise(
              "sampled_kl", ("log_probabilities", "other_log_probabilities"),
              {"log_probabilities": "gradient", "other_log_probabilities": "other_gradient"}, ("weights",))}


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
