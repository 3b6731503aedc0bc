"""The one file that knows ctypes: finds libnepit, describes its functions, makes exceptions of failed calls."""

from __future__ import annotations

import ctypes
import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from types import GeneratorType, SimpleNamespace
from typing import Any, Callable, NoReturn

__version__ = "0.1.0"  # of this package and of the library that serves it


class NepitError(ValueError):
    """A call was wrong; the message says which argument, and how."""


# ---------------------------------------------------------------------------------------------------- records


class Array(ctypes.Structure):
    """nepit_array, and nepit_mutable_array, which has the same members."""

    _fields_ = [
        ("data", ctypes.c_void_p),
        ("rows", ctypes.c_size_t),
        ("cols", ctypes.c_size_t),
        ("row_stride", ctypes.c_ssize_t),
        ("col_stride", ctypes.c_ssize_t),
        ("dtype", ctypes.c_int32),
    ]


class MutableArray(ctypes.Structure):
    _fields_ = Array._fields_


#: Arrays that are optional and not there.
ABSENT, ABSENT_OUTPUT = Array(dtype=1), MutableArray(dtype=1)

#: nepit_monitor. Its context is a Python object: the generator that is told the progress.
Monitor = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.py_object, ctypes.c_double)


class Execution(ctypes.Structure):
    _fields_ = [
        ("size", ctypes.c_size_t),
        ("threads", ctypes.c_int32),
        ("monitor", Monitor),
        ("context", ctypes.py_object),
    ]


class SoftmaxOptions(ctypes.Structure):
    """nepit_softmax_options."""

    _fields_ = [
        ("size", ctypes.c_size_t),
        ("label_smoothing", ctypes.c_double),
        ("ignore_index", ctypes.c_int64),
        ("z_loss", ctypes.c_double),
        ("softcap", ctypes.c_double),
        ("temperature", ctypes.c_double),
        ("reduction", ctypes.c_int32),
    ]


class DistillationOptions(ctypes.Structure):
    """nepit_distillation_options."""

    _fields_ = [
        ("size", ctypes.c_size_t),
        ("beta", ctypes.c_double),
        ("temperature", ctypes.c_double),
        ("divergence", ctypes.c_int32),
        ("temperature_squared", ctypes.c_int32),
        ("reduction", ctypes.c_int32),
    ]


class GaussianOptions(ctypes.Structure):
    """nepit_gaussian_options."""

    _fields_ = [("size", ctypes.c_size_t), ("free_bits", ctypes.c_double), ("reduction", ctypes.c_int32)]


class NllOptions(ctypes.Structure):
    """nepit_nll_options."""

    _fields_ = [("size", ctypes.c_size_t), ("ignore_index", ctypes.c_int64), ("reduction", ctypes.c_int32)]


class GaussianNllOptions(ctypes.Structure):
    """nepit_gaussian_nll_options."""

    _fields_ = [("size", ctypes.c_size_t), ("eps", ctypes.c_double), ("full", ctypes.c_int32),
                ("log_variance", ctypes.c_int32), ("reduction", ctypes.c_int32)]


class PoissonNllOptions(ctypes.Structure):
    """nepit_poisson_nll_options."""

    _fields_ = [("size", ctypes.c_size_t), ("eps", ctypes.c_double), ("full", ctypes.c_int32),
                ("log_input", ctypes.c_int32), ("reduction", ctypes.c_int32)]


REDUCTION_SUM, REDUCTION_MEAN = 0, 1  # nepit_reduction
KL_ESTIMATOR_K1, KL_ESTIMATOR_K2, KL_ESTIMATOR_K3 = 1, 2, 3  # nepit_kl_estimator
DIVERGENCE_FORWARD_KL, DIVERGENCE_REVERSE_KL, DIVERGENCE_JENSEN_SHANNON, DIVERGENCE_TOTAL_VARIATION = range(4)


class Estimate(ctypes.Structure):
    """nepit_estimate"""

    _fields_ = [("mean", ctypes.c_double), ("error", ctypes.c_double)]


class LogitsSummary(ctypes.Structure):
    """nepit_logits_summary"""

    _fields_ = [
        ("size", ctypes.c_size_t),
        *((name, ctypes.c_uint64) for name in ("rows", "labelled", "invalid", "first_invalid")),
        *((name, Estimate) for name in ("kl", "reverse_kl", "jensen_shannon", "total_variation", "base_entropy",
                                        "test_entropy", "same_top", "overlap")),
        ("kl_max", ctypes.c_double),
        ("kl_min", ctypes.c_double),
        ("kl_max_position", ctypes.c_uint64),
        ("kl_min_position", ctypes.c_uint64),
        *((name, Estimate) for name in ("base_loss", "test_loss", "log_ratio", "base_perplexity", "test_perplexity",
                                        "perplexity_ratio", "perplexity_difference")),
        ("loss_covariance", ctypes.c_double),
        ("loss_correlation", ctypes.c_double),
        ("probability_change", Estimate),
        ("probability_change_rms", Estimate),
        ("probability_change_max", ctypes.c_double),
        ("probability_change_min", ctypes.c_double),
        ("probability_change_max_position", ctypes.c_uint64),
        ("probability_change_min_position", ctypes.c_uint64),
    ]


F64, F32, F16, BF16, I8, I16, I32, I64, U8, U16, U32, U64 = range(1, 13)  # nepit_dtype

OK = 0
ERROR_NULL, ERROR_SHAPE, ERROR_DTYPE, ERROR_BASE = -1, -2, -3, -4
ERROR_PARAMETER, ERROR_SIZE, ERROR_MEMORY, ERROR_CANCELLED = -5, -6, -7, -8
ERROR_LABEL, ERROR_FORMAT = -9, -10

# -------------------------------------------------------------------------------------------------- functions

# Name, result and parameters of every function, in the header's words: a test compares the two.
FUNCTIONS = (
    ("nepit_version", "const char *", "void"),
    ("nepit_isa", "const char *", "void"),
    ("nepit_status_message", "const char *", "nepit_status status"),
    # discrete: one distribution
    ("nepit_entropy", "nepit_status",
     "nepit_array weights, double base, const nepit_execution *execution, double *out"),
    ("nepit_entropy_gradient", "nepit_status",
     "nepit_array weights, double base, const nepit_execution *execution, double *out, nepit_mutable_array gradient"),
    ("nepit_renyi_entropy", "nepit_status",
     "nepit_array weights, double order, double base, const nepit_execution *execution, double *out"),
    ("nepit_renyi_entropy_gradient", "nepit_status",
     "nepit_array weights, double order, double base, const nepit_execution *execution, double *out, "
     "nepit_mutable_array gradient"),
    ("nepit_tsallis_entropy", "nepit_status",
     "nepit_array weights, double order, const nepit_execution *execution, double *out"),
    ("nepit_hill_number", "nepit_status",
     "nepit_array weights, double order, const nepit_execution *execution, double *out"),
    ("nepit_perplexity", "nepit_status",
     "nepit_array weights, const nepit_execution *execution, double *out"),
    ("nepit_binary_entropy", "nepit_status",
     "nepit_array probabilities, double base, const nepit_execution *execution, nepit_mutable_array out"),
    ("nepit_binary_entropy_gradient", "nepit_status",
     "nepit_array probabilities, double base, const nepit_execution *execution, nepit_mutable_array out, "
     "nepit_mutable_array gradient"),
    # discrete: two distributions
    ("nepit_cross_entropy", "nepit_status",
     "nepit_array p, nepit_array q, double base, const nepit_execution *execution, double *out"),
    ("nepit_cross_entropy_gradient", "nepit_status",
     "nepit_array p, nepit_array q, double base, const nepit_execution *execution, double *out, "
     "nepit_mutable_array p_gradient, nepit_mutable_array q_gradient"),
    ("nepit_kl_divergence", "nepit_status",
     "nepit_array p, nepit_array q, double base, const nepit_execution *execution, double *out"),
    ("nepit_kl_divergence_gradient", "nepit_status",
     "nepit_array p, nepit_array q, double base, const nepit_execution *execution, double *out, "
     "nepit_mutable_array p_gradient, nepit_mutable_array q_gradient"),
    ("nepit_jeffreys_divergence", "nepit_status",
     "nepit_array p, nepit_array q, double base, const nepit_execution *execution, double *out"),
    ("nepit_jeffreys_divergence_gradient", "nepit_status",
     "nepit_array p, nepit_array q, double base, const nepit_execution *execution, double *out, "
     "nepit_mutable_array p_gradient, nepit_mutable_array q_gradient"),
    ("nepit_jensen_shannon_divergence", "nepit_status",
     "nepit_array p, nepit_array q, double weight, double base, const nepit_execution *execution, double *out"),
    ("nepit_jensen_shannon_divergence_gradient", "nepit_status",
     "nepit_array p, nepit_array q, double weight, double base, const nepit_execution *execution, double *out, "
     "nepit_mutable_array p_gradient, nepit_mutable_array q_gradient"),
    ("nepit_jensen_shannon_distance", "nepit_status",
     "nepit_array p, nepit_array q, double weight, double base, const nepit_execution *execution, double *out"),
    ("nepit_jensen_shannon_distance_gradient", "nepit_status",
     "nepit_array p, nepit_array q, double weight, double base, const nepit_execution *execution, double *out, "
     "nepit_mutable_array p_gradient, nepit_mutable_array q_gradient"),
    ("nepit_generalized_jensen_shannon", "nepit_status",
     "nepit_array weights, size_t members, const double *mixing, double base, const nepit_execution *execution, "
     "double *out"),
    ("nepit_renyi_divergence", "nepit_status",
     "nepit_array p, nepit_array q, double order, double base, const nepit_execution *execution, double *out"),
    ("nepit_renyi_divergence_gradient", "nepit_status",
     "nepit_array p, nepit_array q, double order, double base, const nepit_execution *execution, double *out, "
     "nepit_mutable_array p_gradient, nepit_mutable_array q_gradient"),
    ("nepit_tsallis_divergence", "nepit_status",
     "nepit_array p, nepit_array q, double order, const nepit_execution *execution, double *out"),
    ("nepit_alpha_divergence", "nepit_status",
     "nepit_array p, nepit_array q, double alpha, const nepit_execution *execution, double *out"),
    ("nepit_hellinger_distance", "nepit_status",
     "nepit_array p, nepit_array q, const nepit_execution *execution, double *out"),
    ("nepit_hellinger_distance_gradient", "nepit_status",
     "nepit_array p, nepit_array q, const nepit_execution *execution, double *out, "
     "nepit_mutable_array p_gradient, nepit_mutable_array q_gradient"),
    ("nepit_squared_hellinger_distance", "nepit_status",
     "nepit_array p, nepit_array q, const nepit_execution *execution, double *out"),
    ("nepit_squared_hellinger_distance_gradient", "nepit_status",
     "nepit_array p, nepit_array q, const nepit_execution *execution, double *out, "
     "nepit_mutable_array p_gradient, nepit_mutable_array q_gradient"),
    ("nepit_bhattacharyya_coefficient", "nepit_status",
     "nepit_array p, nepit_array q, const nepit_execution *execution, double *out"),
    ("nepit_bhattacharyya_distance", "nepit_status",
     "nepit_array p, nepit_array q, double base, const nepit_execution *execution, double *out"),
    ("nepit_chernoff_information", "nepit_status",
     "nepit_array p, nepit_array q, double base, const nepit_execution *execution, double *out, double *exponent"),
    ("nepit_total_variation", "nepit_status",
     "nepit_array p, nepit_array q, const nepit_execution *execution, double *out"),
    ("nepit_pearson_chi2", "nepit_status",
     "nepit_array p, nepit_array q, const nepit_execution *execution, double *out"),
    ("nepit_neyman_chi2", "nepit_status",
     "nepit_array p, nepit_array q, const nepit_execution *execution, double *out"),
    ("nepit_population_stability_index", "nepit_status",
     "nepit_array p, nepit_array q, double floor, double base, const nepit_execution *execution, double *out"),
    # discrete: elementwise and help
    ("nepit_entr", "nepit_status",
     "nepit_array x, const nepit_execution *execution, nepit_mutable_array out"),
    ("nepit_rel_entr", "nepit_status",
     "nepit_array x, nepit_array y, const nepit_execution *execution, nepit_mutable_array out"),
    ("nepit_kl_div", "nepit_status",
     "nepit_array x, nepit_array y, const nepit_execution *execution, nepit_mutable_array out"),
    ("nepit_smooth_additive", "nepit_status",
     "nepit_array weights, double alpha, const nepit_execution *execution, nepit_mutable_array out"),
    ("nepit_smooth_mix", "nepit_status",
     "nepit_array weights, double weight, nepit_array background, const nepit_execution *execution, "
     "nepit_mutable_array out"),
    ("nepit_smooth_floor", "nepit_status",
     "nepit_array weights, double epsilon, const nepit_execution *execution, nepit_mutable_array out"),
    ("nepit_check_distribution", "nepit_status",
     "nepit_array weights, double tolerance, const nepit_execution *execution, int32_t *finding, double *excess"),
    # losses
    ("nepit_softmax_cross_entropy", "nepit_status",
     "nepit_array logits, nepit_array labels, nepit_array class_weights, nepit_array row_weights, "
     "const nepit_softmax_options *options, const nepit_execution *execution, double *out, double *losses, "
     "double *log_sums, int64_t *argmax, int64_t *counts, nepit_mutable_array gradient"),
    ("nepit_softmax_cross_entropy_soft", "nepit_status",
     "nepit_array logits, nepit_array targets, nepit_array class_weights, nepit_array row_weights, "
     "const nepit_softmax_options *options, const nepit_execution *execution, double *out, double *losses, "
     "double *log_sums, nepit_mutable_array gradient, nepit_mutable_array target_gradient"),
    ("nepit_distillation", "nepit_status",
     "nepit_array student, nepit_array teacher, nepit_array row_weights, const nepit_distillation_options *options, "
     "const nepit_execution *execution, double *out, double *losses, nepit_mutable_array student_gradient, "
     "nepit_mutable_array teacher_gradient"),
    ("nepit_logsumexp", "nepit_status",
     "nepit_array logits, double temperature, const nepit_execution *execution, double *out, "
     "nepit_mutable_array gradient"),
    ("nepit_softmax", "nepit_status",
     "nepit_array logits, double temperature, const nepit_execution *execution, nepit_mutable_array out"),
    ("nepit_log_softmax", "nepit_status",
     "nepit_array logits, double temperature, const nepit_execution *execution, nepit_mutable_array out"),
    ("nepit_softmax_vjp", "nepit_status",
     "nepit_array logits, nepit_array upstream, double temperature, const nepit_execution *execution, "
     "nepit_mutable_array gradient"),
    ("nepit_log_softmax_vjp", "nepit_status",
     "nepit_array logits, nepit_array upstream, double temperature, const nepit_execution *execution, "
     "nepit_mutable_array gradient"),
    # losses: sums of terms
    ("nepit_gaussian_kl", "nepit_status",
     "nepit_array mean, nepit_array log_variance, nepit_array other_mean, nepit_array other_log_variance, "
     "const nepit_gaussian_options *options, const nepit_execution *execution, double *out, double *losses, "
     "nepit_mutable_array terms, nepit_mutable_array mean_gradient, nepit_mutable_array log_variance_gradient, "
     "nepit_mutable_array other_mean_gradient, nepit_mutable_array other_log_variance_gradient"),
    ("nepit_sigmoid_cross_entropy", "nepit_status",
     "nepit_array logits, nepit_array targets, nepit_array weights, nepit_array positive_weights, "
     "nepit_reduction reduction, const nepit_execution *execution, double *out, double *losses, "
     "nepit_mutable_array terms, nepit_mutable_array gradient, nepit_mutable_array target_gradient"),
    ("nepit_binary_cross_entropy", "nepit_status",
     "nepit_array probabilities, nepit_array targets, nepit_array weights, nepit_reduction reduction, "
     "const nepit_execution *execution, double *out, double *losses, nepit_mutable_array terms, "
     "nepit_mutable_array gradient, nepit_mutable_array target_gradient"),
    ("nepit_nll", "nepit_status",
     "nepit_array log_probabilities, nepit_array labels, nepit_array class_weights, const nepit_nll_options *options, "
     "const nepit_execution *execution, double *out, double *losses, nepit_mutable_array gradient"),
    ("nepit_gaussian_nll", "nepit_status",
     "nepit_array mean, nepit_array targets, nepit_array variance, const nepit_gaussian_nll_options *options, "
     "const nepit_execution *execution, double *out, double *losses, nepit_mutable_array terms, "
     "nepit_mutable_array mean_gradient, nepit_mutable_array target_gradient, nepit_mutable_array variance_gradient"),
    ("nepit_poisson_nll", "nepit_status",
     "nepit_array rates, nepit_array targets, const nepit_poisson_nll_options *options, "
     "const nepit_execution *execution, double *out, double *losses, nepit_mutable_array terms, "
     "nepit_mutable_array gradient, nepit_mutable_array target_gradient"),
    ("nepit_sampled_kl", "nepit_status",
     "nepit_array log_probabilities, nepit_array other_log_probabilities, nepit_array weights, "
     "nepit_kl_estimator estimator, nepit_reduction reduction, const nepit_execution *execution, double *out, "
     "double *losses, nepit_mutable_array terms, nepit_mutable_array gradient, nepit_mutable_array other_gradient"),
    ("nepit_policy_entropy", "nepit_status",
     "nepit_array logits, nepit_array mask, nepit_reduction reduction, const nepit_execution *execution, double *out, "
     "double *entropies, nepit_mutable_array gradient"),
    # losses: comparison of two models
    ("nepit_logits_comparison_create", "nepit_status",
     "size_t cols, size_t top, size_t sketch_bits, size_t first, nepit_logits_comparison **comparison"),
    ("nepit_logits_comparison_update", "nepit_status",
     "nepit_logits_comparison *comparison, nepit_array base, nepit_array test, nepit_array labels, "
     "const nepit_execution *execution, nepit_mutable_array values"),
    ("nepit_logits_comparison_merge", "nepit_status",
     "nepit_logits_comparison *comparison, const nepit_logits_comparison *other"),
    ("nepit_logits_comparison_summary", "nepit_status",
     "const nepit_logits_comparison *comparison, nepit_logits_summary *summary"),
    ("nepit_logits_comparison_quantiles", "nepit_status",
     "const nepit_logits_comparison *comparison, size_t count, const double *probabilities, double *kl, "
     "double *probability_change"),
    ("nepit_logits_comparison_save", "nepit_status",
     "const nepit_logits_comparison *comparison, size_t capacity, unsigned char *bytes, size_t *length"),
    ("nepit_logits_comparison_load", "nepit_status",
     "size_t length, const unsigned char *bytes, nepit_logits_comparison **comparison"),
    ("nepit_logits_comparison_destroy", "void", "nepit_logits_comparison *comparison"),
)

# Outputs are passed as addresses: an int is the cheapest thing to convert.
TYPES = {
    "const char *": ctypes.c_char_p,
    "nepit_status": ctypes.c_int32,
    "nepit_array": Array,
    "nepit_mutable_array": MutableArray,
    "double": ctypes.c_double,
    "size_t": ctypes.c_size_t,
    "const nepit_execution *": ctypes.POINTER(Execution),
    "const double *": ctypes.c_void_p,
    "double *": ctypes.c_void_p,
    "int32_t *": ctypes.c_void_p,
    "int64_t *": ctypes.c_void_p,
    "nepit_reduction": ctypes.c_int32,
    "nepit_kl_estimator": ctypes.c_int32,
    "const nepit_softmax_options *": ctypes.POINTER(SoftmaxOptions),
    "const nepit_distillation_options *": ctypes.POINTER(DistillationOptions),
    "const nepit_gaussian_options *": ctypes.POINTER(GaussianOptions),
    "const nepit_nll_options *": ctypes.POINTER(NllOptions),
    "const nepit_gaussian_nll_options *": ctypes.POINTER(GaussianNllOptions),
    "const nepit_poisson_nll_options *": ctypes.POINTER(PoissonNllOptions),
    "void": None,
    "size_t *": ctypes.POINTER(ctypes.c_size_t),
    "unsigned char *": ctypes.c_void_p,
    "const unsigned char *": ctypes.c_char_p,
    "nepit_logits_comparison *": ctypes.c_void_p,
    "const nepit_logits_comparison *": ctypes.c_void_p,
    "nepit_logits_comparison **": ctypes.POINTER(ctypes.c_void_p),
    "nepit_logits_summary *": ctypes.POINTER(LogitsSummary),
}

# What the parameters of a measure are for.
ROLES = {
    "nepit_array": "input",
    "nepit_mutable_array": "output",
    "const nepit_execution *": "execution",
    "double *": "value",
    "int32_t *": "value",
    "int64_t *": "value",
}

# Where a number may lie, as the header's comments say it (a test compares them).
RANGES = {
    "order": "[0, inf]",
    "weight": "[0, 1]",
    "floor": "[0, 1)",
    "alpha": "[0, inf)",
    "epsilon": "[0, 1]",
    "tolerance": "[0, inf]",
    "members": "[1, inf]",
    "cols": "[1, 2147483648]",
    "top": "[1, 64]",
    "sketch_bits": "[0, 12]",
    "first": "[0, 9007199254740991]",
    "count": "[0, 1048576]",
    "capacity": "[0, inf]",
    "length": "[0, inf]",
    "nepit_renyi_divergence_gradient order": "(0, inf)",
    "nepit_tsallis_divergence order": "[0, inf)",
    "nepit_alpha_divergence alpha": "(-inf, inf)",
    "label_smoothing": "[0, 1]",
    "z_loss": "[0, inf)",
    "softcap": "[0, inf)",
    "temperature": "(0, inf)",
    "reduction": "[0, 1]",
    "beta": "(0, 1)",
    "divergence": "[0, 3]",
    "temperature_squared": "[0, 1]",
    "free_bits": "[0, inf)",
    "estimator": "[1, 3]",
    "eps": "[0, inf)",
    "full": "[0, 1]",
    "log_variance": "[0, 1]",
    "log_input": "[0, 1]",
}


def split(parameters: str) -> list[tuple[str, str]]:
    """The (type, name) of each parameter of a row of FUNCTIONS."""
    found = re.findall(r"\s*([^,]*?[ *])(\w+)\s*(?:,|$)", "" if parameters == "void" else parameters)
    return [(kind.strip(), name) for kind, name in found]


def inside(value: float, interval: str) -> bool:
    """Whether a value lies in an interval written as "[0, inf)"."""
    low, high = (float(end) for end in interval[1:-1].split(","))
    return (low <= value if interval[0] == "[" else low < value) and \
           (value <= high if interval[-1] == "]" else value < high)


# ----------------------------------------------------------------------------------------------------- errors


def _check(status: int, function: Any, arguments: tuple[Any, ...]) -> int:
    """The errcheck of every function."""
    if status != OK:
        _fail(status, function, arguments)
    return status


def _fail(status: int, function: Any, arguments: tuple[Any, ...]) -> NoReturn:
    """Looks at the arguments of a failed call again, to say in words which of them was wrong."""
    named = dict(zip(function.names, arguments))
    execution = next((a for a in arguments if isinstance(a, Execution)), None)
    arrays = {name: a for name, a in named.items() if isinstance(a, (Array, MutableArray))}

    if status == ERROR_MEMORY:
        raise MemoryError(f"{function.__name__}: there is no memory")
    if status == ERROR_CANCELLED and execution is not None and execution.failure:
        raise execution.failure.pop()

    problems = []
    if status == ERROR_BASE:
        problems.append(f"base is {named['base']!r}; it must be finite and greater than 1")
    elif status == ERROR_PARAMETER:
        if execution is not None and execution.threads < 0:
            problems.append(f"threads is {execution.threads}; it must be 0 (all processors) or more")
        fields = {field: getattr(record, field) for record in arguments
                  if isinstance(record, ctypes.Structure) and hasattr(record, "reduction")
                  for field, *_ in record._fields_}
        for name, value in {**named, **fields}.items():
            interval = RANGES.get(f"{function.__name__} {name}", RANGES.get(name))
            if interval is not None and not inside(value, interval):
                problems.append(f"{name} is {value!r}; it must lie in {interval}")
        if not problems and named.get("mixing"):
            problems.append("weights is no distribution; its numbers must be finite, at least 0 and not all 0")
    elif status == ERROR_SHAPE:
        extents = " and ".join(f"{name} is [{a.rows}, {a.cols}]" for name, a in arrays.items() if a.cols or a.data)
        problems.append(f"shapes do not fit: {extents or 'there are no outcomes'} ([rows, outcomes])")
    elif status == ERROR_LABEL:
        columns = next(iter(arrays.values())).cols
        problems.append(f"labels must be columns, from 0 to {columns - 1}, or the label that is ignored")
    elif status == ERROR_DTYPE:
        dtypes = ", ".join(f"{name} has nepit_dtype {a.dtype}" for name, a in arrays.items())
        problems.append(f"no such element type, or not one that serves here: {dtypes}")
    else:
        problems.append(status_message(status))
    raise NepitError("; ".join(problems) or status_message(status))


# ---------------------------------------------------------------------------------------------------- loading


def _candidates() -> Iterator[tuple[str, bool]]:
    """Where the library may be, best first, and whether to go no further than there."""
    if named := os.environ.get("NEPIT_LIBRARY"):
        yield named, True
    here = Path(__file__).resolve().parent
    yield str(here / "libnepit.so"), False  # in a wheel
    if len(here.parents) > 3 and (here.parents[3] / "Include" / "nepit.h").exists():
        yield str(here.parents[3] / "build" / "lib" / "libnepit.so.0"), False  # in a source checkout
    yield "libnepit.so.0", True  # where the system looks


def _full_path(name: str) -> str:
    """The path of a library that the system found by its name."""
    if "/" in name:
        return name
    try:
        maps = Path("/proc/self/maps").read_text(errors="replace").splitlines()
        return next((line.split(maxsplit=5)[5] for line in maps if f"/{name}" in line), name)
    except OSError:
        return name


def _load() -> tuple[ctypes.CDLL, str]:
    """The library and its path; refuses one of another version."""
    tried = []
    for name, last in _candidates():
        try:
            if "/" in name and not last and not Path(name).exists():
                tried.append(f"{name}: no such file")
                continue
            library = ctypes.CDLL(name)
        except OSError as problem:
            tried.append(str(problem) if name in str(problem) else f"{name}: {problem}")
            if last:
                break
            continue
        path = _full_path(name)
        try:
            library.nepit_version.restype = ctypes.c_char_p
            found = library.nepit_version().decode()
        except AttributeError:
            raise ImportError(f"{path} is no libnepit: it has no nepit_version") from None
        if found != __version__:
            raise ImportError(f"{path} is libnepit {found}, but this is the Python package of version {__version__}; "
                              f"set NEPIT_LIBRARY to the path of libnepit {__version__}")
        return library, path
    raise ImportError("libnepit was not found. Tried:\n  " + "\n  ".join(tried)
                      + "\nBuild it with make build, or set NEPIT_LIBRARY to its path.")


def _bind(library: ctypes.CDLL, path: str) -> SimpleNamespace:
    """Every function of the table, ready to be called."""
    functions = SimpleNamespace()
    for name, result, parameters in FUNCTIONS:
        try:
            function = library[name]
        except AttributeError:
            raise ImportError(f"{path} has no {name}, though it says that it is libnepit {__version__}") from None
        pairs = split(parameters)
        function.argtypes = [TYPES[kind] for kind, _ in pairs]
        function.restype = TYPES[result]
        function.kinds = [kind for kind, _ in pairs]
        function.names = [name for _, name in pairs]
        function.roles = [ROLES.get(kind, "number") for kind in function.kinds]
        function.execution_at = function.roles.index("execution") if "execution" in function.roles else -1
        function.values_at = [i for i, role in enumerate(function.roles) if role == "value"]
        if result == "nepit_status":
            function.errcheck = _check
        setattr(functions, name, function)
    return functions


library, path = _load()
functions = _bind(library, path)


def isa() -> str:
    """The instruction set that the kernels use."""
    return functions.nepit_isa().decode()


def status_message(status: int) -> str:
    """The library's own sentence for a status."""
    return functions.nepit_status_message(status).decode()


# -------------------------------------------------------------------------------------------------- execution


def _watch(report: Callable[[float], Any] | None, failure: list[BaseException]) -> Iterator[int]:
    """Receives the progress and answers whether to stop. An exception of `report` or of a signal handler lands in
    `failure`, and stops the call."""
    answer = 0
    while True:
        try:
            progress = yield answer
            if report is not None:
                report(progress)
        except GeneratorExit:
            return
        except BaseException as problem:
            failure.append(problem)
            answer = 1


# Python runs signal handlers between bytecodes of the main thread, so a Ctrl-C that came during a call is raised at
# the very first bytecode of a callback - before a `try` in it begins, were the callback a function. A suspended
# generator is inside its `try` already: so what the library calls is the built-in generator.send, with the generator
# as the context.
_SEND = Monitor(GeneratorType.send)


def execution(threads: int, report: Callable[[float], Any] | None = None) -> Execution:
    """How to run a long call: threads (0: all processors), whom to tell the progress. Ctrl-C stops the call."""
    record = Execution(size=ctypes.sizeof(Execution), threads=threads)
    record.failure = []
    if report is not None or threading.current_thread() is threading.main_thread():  # only there are signals handled
        watcher = _watch(report, record.failure)
        next(watcher)
        record.monitor = _SEND
        record.context = watcher
    return record


# ------------------------------------------------------------------------------------- the shortest way to a call


# A call with one or two small contiguous vectors is worth less than the records that it needs, so these are kept:
# list.pop and list.append are atomic, and a record taken is nobody else's.
_spare: list[tuple[Any, ...]] = []
_first_byte = ctypes.c_char.from_buffer  # refuses what is empty, read-only or not contiguous
_address = ctypes.addressof


def _records() -> tuple[Any, ...]:
    one = Array(None, 1, 0, 0, 1, F64)
    two = Array(None, 1, 0, 0, 1, F64)
    out = ctypes.c_double()
    return one, two, out, _address(out)


def _start(p: Any) -> int:
    """Where the elements of a vector lie; TypeError if they have gaps or are off their alignment."""
    try:
        address = _address(_first_byte(p))
    except TypeError:  # read-only, or with gaps
        if not p.flags.c_contiguous:
            raise
        address = p.__array_interface__["data"][0]
    if address % p.itemsize:
        raise TypeError("unaligned")
    return address


def quick_one(function: Any, p: Any, size: int, dtype: int, numbers: tuple[float, ...]) -> float:
    """function(p, numbers..., NULL, out) of a vector that is not empty; TypeError if it has gaps or is unaligned."""
    try:
        records = _spare.pop()
    except IndexError:
        records = _records()
    array, _, out, address = records
    array.data = _start(p)
    array.cols = size
    array.dtype = dtype
    function(array, *numbers, None, address)
    value = out.value
    _spare.append(records)
    return value


def quick_two(function: Any, p: Any, q: Any, size: int, p_dtype: int, q_dtype: int,
              numbers: tuple[float, ...]) -> float:
    """function(p, q, numbers..., NULL, out) of two vectors, as quick_one."""
    try:
        records = _spare.pop()
    except IndexError:
        records = _records()
    one, two, out, address = records
    one.data = _start(p)
    two.data = _start(q)
    one.cols = two.cols = size
    one.dtype = p_dtype
    two.dtype = q_dtype
    function(one, two, *numbers, None, address)
    value = out.value
    _spare.append(records)
    return value


# ----------------------------------------------------------------------------------------------------- DLPack


class _DLTensor(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    ]


_capsule_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_capsule_pointer.restype = ctypes.c_void_p
_capsule_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]


class Borrowed:
    """The memory of a DLPack tensor as __array_interface__ shows it; holds the capsule, whose end frees the tensor."""

    _KINDS = {0: "i", 1: "u", 2: "f", 4: "u", 5: "c", 6: "b"}  # bfloat16 (4) is read as uint16

    def __init__(self, capsule: Any) -> None:
        self._capsule = capsule
        tensor = _DLTensor.from_address(_capsule_pointer(capsule, b"dltensor"))
        self.device_type = tensor.device_type
        self.is_bfloat16 = tensor.code == 4
        if tensor.code not in self._KINDS or tensor.lanes != 1 or tensor.bits % 8:
            raise NepitError(f"elements of DLPack type code {tensor.code}, {tensor.bits} bits, {tensor.lanes} lanes "
                             f"cannot be read")
        size = tensor.bits // 8
        self.__array_interface__ = {
            "version": 3,
            "data": ((tensor.data or 0) + tensor.byte_offset, True),
            "shape": tuple(tensor.shape[i] for i in range(tensor.ndim)),
            "strides": tuple(tensor.strides[i] * size for i in range(tensor.ndim)) if tensor.strides else None,
            "typestr": f"{'|' if size == 1 else '<'}{self._KINDS[tensor.code]}{size}",
        }

