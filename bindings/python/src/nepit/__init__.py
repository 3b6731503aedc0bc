"""Information theory that is exact where others cancel: entropy, divergences and what grows out of them.

Functions at the top level take weights: counts or probabilities, which are normalised. Results are in nepits (nats)
unless a base is given. See ``help(nepit.entropy)`` for the conventions that all of them share.
"""

from . import discrete, losses
from ._library import NepitError, __version__
from .discrete import *  # noqa: F403

__all__ = ["NepitError", "__version__", "discrete", "losses"]
__all__ += discrete.__all__
