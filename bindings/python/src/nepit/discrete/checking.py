"""Whether weights are a distribution and, if not, what is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import _arrays, _calls
from .._calls import Finding
from .._manual import documented


@dataclass(frozen=True, eq=False)
class DistributionCheck:
    """What `check_distribution` found. It is true if every row is a distribution.

    Attributes
    ----------
    finding : Finding or ndarray of int32
        What is wrong with each row: 0, or the sum of the cases of `Finding` that apply.
    excess : float or ndarray of float64
        The sum of each row less 1.
    axis : int or None
        The axis along which the outcomes lie.
    """

    finding: Any
    excess: Any
    axis: int | None

    @property
    def ok(self) -> Any:
        """Whether each row is a distribution: a bool, or an array of them."""
        ok = np.equal(self.finding, 0)
        return bool(ok) if np.ndim(ok) == 0 else ok

    def __bool__(self) -> bool:
        return bool(np.all(self.ok))

    def __str__(self) -> str:
        finding, excess = np.asarray(self.finding), np.asarray(self.excess)
        wrong = [tuple(int(i) for i in where) for where in np.argwhere(finding)]
        if not wrong:
            return "every row is a distribution" if finding.ndim else "a distribution"
        lines = [f"{_calls.place('p', where, self.axis)}: {_calls.described(int(finding[where]), float(excess[where]))}"
                 for where in wrong[:10]]
        if len(wrong) > len(lines):
            lines.append(f"... {len(wrong)} of {finding.size} rows are no distributions")
        return "\n".join(lines)


@documented
def check_distribution(p: Any, axis: Any = 0, tolerance: float | None = None, *, threads: int = 0,
                       progress: Any = None) -> DistributionCheck:
    """Tells of each row of weights whether it is a distribution and, if not, what is wrong.

    Parameters
    ----------
    p : array_like
        Any numbers.
    <options>
    tolerance : float, optional
        How far a sum may be from 1, at least 0; infinity accepts counts. By default 1e-9, for float32 1e-5, for float16
        2e-3 and for bfloat16 1e-2, which is what their rounding needs.

    Returns
    -------
    DistributionCheck
        True where every row is a distribution; `finding` and `excess` say what is wrong with each and by how much, and
        printing it says so in words. The excess is exact to 2^-50 times the sum of the magnitudes.

    <raises>

    References
    ----------
    Kolmogorov (1933), Grundbegriffe der Wahrscheinlichkeitsrechnung, axioms IV and V.

    Examples
    --------
    >>> import nepit
    >>> bool(nepit.check_distribution([0.5, 0.5]))
    True
    >>> print(nepit.check_distribution([[0.5, 0.5], [0.75, 0.5], [2, -1]], axis=1))
    p[1, :]: it sums to 1.25, off by 0.25
    p[2, :]: a weight is negative
    """
    item = _arrays.view(p, "p")
    if tolerance is not None:
        tolerance = _arrays.number(tolerance, "tolerance")
    finding, excess = _calls.examine(item, "p", axis, tolerance, threads, progress)
    if finding.ndim == 0:
        return DistributionCheck(Finding(int(finding)), float(excess), axis)
    return DistributionCheck(finding, excess, axis)
