"""Training losses with their gradients, from logits: exact where the prediction is confident.

A row is a vector of logits along the last axis; the other axes are the batch. Every function returns its value, or,
with ``gradient=True``, a tuple of the value and the gradients of the reduced loss, in the inputs' type.
`LogitsComparison` tells how far two models' logits are apart.
"""

from .building import log_softmax, log_softmax_vjp, logsumexp, softmax, softmax_vjp
from .classification import SoftmaxLoss, nll, softmax_cross_entropy, softmax_cross_entropy_soft
from .comparison import Estimate, LogitsComparison, LogitsSummary
from .divergences import distillation
from .policy import policy_entropy
from .pointwise import (
    binary_cross_entropy,
    gaussian_kl,
    gaussian_nll,
    poisson_nll,
    sampled_kl,
    sigmoid_cross_entropy,
)

__all__ = ["Estimate", "LogitsComparison", "LogitsSummary", "SoftmaxLoss", "binary_cross_entropy", "distillation",
           "gaussian_kl", "gaussian_nll", "log_softmax", "log_softmax_vjp", "logsumexp", "nll", "poisson_nll",
           "policy_entropy", "sampled_kl", "sigmoid_cross_entropy", "softmax", "softmax_cross_entropy",
           "softmax_cross_entropy_soft", "softmax_vjp"]
