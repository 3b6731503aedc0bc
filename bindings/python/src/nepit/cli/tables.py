"""Aligned tables for a terminal."""

from __future__ import annotations

import shutil
import unicodedata
from collections.abc import Sequence
from typing import Any

_MEASURES = (  # key, name in a table of one pair, and in one of many
    ("kl_divergence", "Kullback-Leibler p from q", "KL(p|q)"),
    ("kl_divergence_reverse", "Kullback-Leibler q from p", "KL(q|p)"),
    ("jeffreys_divergence", "Jeffreys", "Jeffreys"),
    ("jensen_shannon_divergence", "Jensen-Shannon", "JS"),
    ("jensen_shannon_distance", "Jensen-Shannon distance", "JS dist"),
    ("hellinger_distance", "Hellinger distance", "Hellinger"),
    ("bhattacharyya_distance", "Bhattacharyya distance", "Bhatt."),
    ("chernoff_information", "Chernoff information", "Chernoff"),
    ("total_variation", "total variation", "TV"),
    ("cross_entropy", "cross-entropy of p in q's code", "H(p,q)"),
)
_UNITLESS = ("jensen_shannon_distance", "hellinger_distance", "total_variation")


def entropy(reports: Sequence[dict[str, Any]], whole: dict[str, Any] | None, symbols: str) -> None:
    """A row for each file, and one for all of them."""
    heads = ["file", symbols, "distinct", f"bits/{symbols[:-1]}", "perplexity", "of log2(distinct)"]
    if symbols == "bytes":
        heads.append("of 8 bits")
    rows = []
    for report in [*reports, *([whole] if whole else [])]:
        row = [printable(report["file"]), f"{report['symbols']:,}", f"{report['distinct']:,}",
               f"{report['bits_per_symbol']:.4f}", _figures(report["perplexity"], 6),
               _percent(report["share_of_maximum"])]
        if symbols == "bytes":
            row.append(_percent(report["share_of_8_bits"]))
        rows.append(row)
    _print(heads, rows, rule_before_last=whole is not None)


def compare(pairs: Sequence[dict[str, Any]]) -> None:
    """One pair in full, a line for each measure; of several, a line for each pair."""
    if len(pairs) == 1:
        (pair,) = pairs
        print(f"p = {printable(pair['p'])}\nq = {printable(pair['q'])}\n")
        rows = [[name, _figures(pair[key], 6), "" if key in _UNITLESS else "bits"] for key, name, _ in _MEASURES]
        _print(None, rows)
        return
    heads = ["p", "q", *(short for _, _, short in _MEASURES)]
    rows = [[printable(pair["p"]), printable(pair["q"]), *(_figures(pair[key], 4) for key, _, _ in _MEASURES)]
            for pair in pairs]
    _print(heads, rows, names=2)


def note(text: str) -> None:
    """A remark below a table."""
    print(f"\n{text}")


def printable(name: str) -> str:
    """A file's name without what would upset a terminal."""
    name = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join(char if char.isprintable() else "?" for char in name)


def _figures(value: float, figures: int) -> str:
    """A number with so many significant figures, and no exponent where it is easily read without one."""
    if value == 0 or 1e-4 <= abs(value) < 1e9:
        digits = figures - len(f"{abs(value):.0f}") if abs(value) >= 1 else figures - 1
        return f"{value:,.{max(digits, 0)}f}"
    return f"{value:.{figures - 1}g}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.2f} %"


def _width(text: str) -> int:
    """How many cells of a terminal a text takes."""
    return sum(0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
               for char in text)


def _shortened(name: str, width: int) -> str:
    """A long name without its middle."""
    if _width(name) <= width:
        return name
    half = max((width - 3) // 2, 1)
    return f"{name[:half]}...{name[-half:]}"


def _print(heads: Sequence[str] | None, rows: Sequence[Sequence[str]], names: int = 1,
           rule_before_last: bool = False) -> None:
    """Names (the first columns) to the left, numbers to the right; names give way where the terminal is narrow."""
    every = [list(row) for row in ([heads] if heads else []) + list(rows)]
    numbers = sum(max(_width(row[column]) for row in every) + 2 for column in range(names, len(every[0])))
    room = max((shutil.get_terminal_size((120, 24)).columns - numbers) // names - 2 * (names - 1), 12)
    for row in every:
        row[:names] = [_shortened(name, room) for name in row[:names]]
    widths = [max(_width(row[column]) for row in every) for column in range(len(every[0]))]
    lines = []
    for row in every:
        padding = [" " * (width - _width(cell)) for cell, width in zip(row, widths)]
        cells = [cell + pad if column < names else pad + cell for column, (cell, pad) in enumerate(zip(row, padding))]
        lines.append("  ".join(cells).rstrip())
    rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
    if heads:
        lines.insert(1, rule)
    if rule_before_last:
        lines.insert(-1, rule)
    print("\n".join(lines))
