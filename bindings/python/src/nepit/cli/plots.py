"""Pictures of the results."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from . import complain, tables


def entropy(path: str, reports: Sequence[dict[str, Any]], curves: Sequence[np.ndarray], symbols: str) -> bool:
    """Bits per symbol beside the most that is possible, and the frequency of each symbol by its rank."""
    plt = _pyplot()
    height = max(3.0, 1.2 + 0.35 * len(reports))
    figure, (bars, ranks) = plt.subplots(1, 2, figsize=(11, height), layout="constrained")
    names = [_label(report["file"]) for report in reports]
    places = np.arange(len(reports))
    bars.barh(places, [math.log2(report["distinct"]) for report in reports], color="0.88",
              label="most, for its distinct symbols")
    bars.barh(places, [report["bits_per_symbol"] for report in reports], height=0.5, label="entropy")
    bars.set_yticks(places, names)
    bars.invert_yaxis()
    bars.set_xlabel(f"bits per {symbols[:-1]}")
    bars.legend(fontsize="small", loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, frameon=False)
    for name, counts in zip(names, curves):
        counts = counts[counts > 0]
        ranks.plot(np.arange(1, len(counts) + 1), counts / counts.sum(), label=name, drawstyle="steps-mid",
                   marker="." if len(counts) == 1 else None)
    ranks.set(xscale="log", yscale="log", xlabel="rank", ylabel="probability")
    if 1 < len(names) <= 10:
        ranks.legend(fontsize="small")
    return _save(figure, path)


def compare(path: str, names: Sequence[str], pairs: Sequence[dict[str, Any]], symbols: str) -> bool:
    """Heat maps of the Kullback-Leibler divergence and of the Jensen-Shannon divergence."""
    plt = _pyplot()
    places = {pair: place for place, pair in enumerate((i, j) for i in range(len(names))
                                                      for j in range(i + 1, len(names)))}
    kl, js = np.zeros((2, len(names), len(names)))
    for (i, j), place in places.items():
        kl[i, j], kl[j, i] = pairs[place]["kl_divergence"], pairs[place]["kl_divergence_reverse"]
        js[i, j] = js[j, i] = pairs[place]["jensen_shannon_divergence"]
    size = 3.2 + 0.55 * len(names)
    figure, axes = plt.subplots(1, 2, figsize=(2 * size, size), layout="constrained")
    for axis, title, values in zip(axes, ("Kullback-Leibler, row from column", "Jensen-Shannon"), (kl, js)):
        shown = np.where(np.isfinite(values), values, np.nan)
        colours = plt.get_cmap("viridis").with_extremes(bad="0.75")
        image = axis.imshow(shown, cmap=colours, vmin=0)
        figure.colorbar(image, ax=axis, shrink=0.8, label=f"bits per {symbols[:-1]}")
        axis.set_title(title, fontsize="medium")
        axis.set_xticks(range(len(names)), [_label(name) for name in names], rotation=45, ha="right")
        axis.set_yticks(range(len(names)), [_label(name) for name in names])
        if len(names) <= 12:
            greatest = np.nanmax(shown, initial=0.0)
            for (row, column), value in np.ndenumerate(values):
                dark = math.isfinite(value) and value < 0.6 * greatest
                axis.text(column, row, "∞" if math.isinf(value) else f"{value:.3g}", ha="center", va="center",
                          fontsize="small", color="white" if dark else "black")
    return _save(figure, path)


def _pyplot() -> Any:
    import matplotlib

    matplotlib.use("Agg")  # no window, whatever the display
    import matplotlib.pyplot

    return matplotlib.pyplot


def _label(name: str) -> str:
    name = tables.printable(name).replace("$", r"\$")
    return name if len(name) <= 28 else "..." + name[-25:]


def _save(figure: Any, path: str) -> bool:
    try:
        figure.savefig(path, dpi=150)
    except OSError as problem:
        complain(f"{path}: cannot be written: {problem.strerror or problem}")
        return False
    return True
