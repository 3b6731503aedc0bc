"""Training losses with their gradients, from logits: exact where the prediction is confident.

A row is a vector of logits along the last axis; the other axes are the batch. Every function returns its value, or,
with ``gradient=True``, a tuple of the value and the gradients of the reduced loss, in the inputs' type.
`LogitsComparison` tells how far two models' logits are apart.
"""

from .building import log_softmax, logsumexp, softmax
from .classification import SoftmaxLoss, softmax_cross_entropy
from .comparison import Estimate, LogitsComparison, LogitsSummary
from .pointwise import gaussian_kl

__all__ = ["Estimate", "LogitsComparison", "LogitsSummary", "SoftmaxLoss", "gaussian_kl", "log_softmax", "logsumexp",
           "softmax", "softmax_cross_entropy"]
