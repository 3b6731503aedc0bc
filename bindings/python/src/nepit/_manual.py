"""What the docstrings of many functions say alike, written once."""

from __future__ import annotations

import inspect
import sys
from typing import Any, Callable, TypeVar

_F = TypeVar("_F", bound=Callable[..., Any])

_PARAMETERS = {
    "base": """
base : float, optional
    Base of the logarithm, finite and greater than 1: 2 for bits, 10 for hartleys. By default e, for nepits.""",
    "axis": """
axis : int or None, default 0
    The axis along which the outcomes lie. None takes the whole array for one distribution. The other axes broadcast
    by NumPy's rules; a vector is one distribution, whatever the axis.""",
    "keepdims": """
keepdims : bool, default False
    Keep the axis, with an extent of 1, in the result.""",
    "check": """
check : bool, default False
    Raise an error if a row is no distribution (see `check_distribution`) instead of normalising it.""",
    "gradient": """
gradient : bool, default False
    Return a tuple of the value and its derivatives with respect to the weights of each input as they are given,
    normalisation included. A derivative has the shape of its input (summed over the rows for which the input was
    repeated); its type is float32 where the input is float32 or a half float, and else float64.""",
    "threads": """
threads : int, default 0
    The most threads to use, 0 for one a processor. The result is the same for every number; small work starts none.""",
    "progress": """
progress : bool or callable, optional
    True shows a progress bar; a callable is called now and then with the share that is done, from 0 to 1. An
    exception that it raises ends the call, as Ctrl-C does.""",
}

_RAISES = """
Raises
------
NepitError
    If an argument is wrong; the message says which and how. It is a `ValueError`."""


def documented(function: _F) -> _F:
    """Puts the shared parameters in the place of a line `<options>` in the docstring, and `Raises` after `Returns`."""
    text = function.__doc__
    if text is None or sys.flags.optimize > 1:
        return function
    code = function.__code__
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    told = text.replace(" ", "").split("\n")  # a function may say more of a parameter than the others
    options = "".join(_PARAMETERS[name] for name in names
                      if name in _PARAMETERS and not any(line.startswith(f"{name}:") for line in told))
    # (Python 3.13 takes the indentation off by itself.)
    function.__doc__ = inspect.cleandoc(text).replace("<options>", options[1:]).replace("<raises>", _RAISES[1:])
    return function
