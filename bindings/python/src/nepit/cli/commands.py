"""What the subcommands do."""

from __future__ import annotations

import argparse
import importlib.util
import math
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

import nepit

from . import BAD_DATA, BAD_USAGE, OK, complain, plots, print_json, tables
from .counting import Counts, Unmeasurable, counts_of, progress_bar, side_by_side, total


def entropy(options: argparse.Namespace) -> int:
    """nepit entropy"""
    if not _usable(options, least=1):
        return BAD_USAGE
    names, counted = _count(options)
    if not counted:
        return BAD_DATA
    reports = [_report(name, counts, options.symbols) for name, counts in zip(names, counted)]
    whole = None
    if len(counted) > 1:
        pooled = side_by_side(counted).sum(axis=0)
        whole = _report("total", pooled, options.symbols)
    if options.json:
        print_json({"symbols": options.symbols, "files": reports, "total": whole})
    else:
        tables.entropy(reports, whole, options.symbols)
    if options.plot:
        curves = [np.sort(_array(counts))[::-1] for counts in counted]
        if not plots.entropy(options.plot, reports, curves, options.symbols):
            return BAD_DATA
    return OK if len(names) == len(options.files) else BAD_DATA


def compare(options: argparse.Namespace) -> int:
    """nepit compare"""
    if not _usable(options, least=2):
        return BAD_USAGE
    names, counted = _count(options)
    if len(names) < len(options.files):
        return BAD_DATA
    table = side_by_side(counted)
    weights = nepit.smooth_additive(table, options.smooth, axis=1) if options.smooth else table
    pairs = [_compared(names, weights, i, j) for i, j in combinations(range(len(names)), 2)]
    if options.json:
        files = [{"file": name, "symbols": total(counts), "distinct": int((row > 0).sum())}
                 for name, counts, row in zip(names, counted, table)]
        print_json({"symbols": options.symbols, "smooth": options.smooth, "files": files, "pairs": pairs})
    else:
        tables.compare(pairs)
        if not options.smooth and any(math.isinf(pair["kl_divergence"] + pair["kl_divergence_reverse"])
                                      for pair in pairs):
            tables.note("inf: a file has symbols that the other lacks; --smooth 0.5 gives every symbol some weight.")
    if options.plot and not plots.compare(options.plot, names, pairs, options.symbols):
        return BAD_DATA
    return OK


def _usable(options: argparse.Namespace, least: int) -> bool:
    """Whether the command line makes sense as a whole."""
    if len(options.files) < least:
        complain(f"compare needs at least {least} files; see nepit compare --help")
    elif options.files.count("-") > 1:
        complain("standard input (-) can be read only once")
    elif options.plot and not options.plot.lower().endswith((".png", ".svg", ".pdf")):
        complain(f"--plot {options.plot}: the name must end in .png, .svg or .pdf")
    elif options.plot and importlib.util.find_spec("matplotlib") is None:
        complain("--plot needs matplotlib; install it, or nepit[cli]")
    else:
        return True
    return False


def _count(options: argparse.Namespace) -> tuple[list[str], list[Counts]]:
    """The files that could be counted, and their counts; a line on standard error for each of the others."""
    names, counted, problems = [], [], []
    with progress_bar(options.files) as told:
        for name in options.files:
            try:
                counts = counts_of(name, options.symbols, told)
            except Unmeasurable as problem:
                problems.append(str(problem))
            else:
                names.append(name)
                counted.append(counts)
    for line in problems:
        complain(line)
    return names, counted


def _array(counts: Counts) -> np.ndarray:
    return counts if isinstance(counts, np.ndarray) else np.fromiter(counts.values(), np.int64, len(counts))


def _report(name: str, counts: Counts, symbols: str) -> dict[str, Any]:
    weights = _array(counts)
    distinct = int((weights > 0).sum())
    bits = nepit.entropy(weights, base=2)
    most = math.log2(distinct)
    report = {
        "file": name,
        "symbols": int(weights.sum()),
        "distinct": distinct,
        "bits_per_symbol": bits,
        "perplexity": nepit.perplexity(weights),
        "share_of_maximum": bits / most if distinct > 1 else None,  # one symbol can carry nothing
    }
    if symbols == "bytes":
        report["share_of_8_bits"] = bits / 8
    return report


def _compared(names: Sequence[str], weights: np.ndarray, i: int, j: int) -> dict[str, Any]:
    p, q = weights[i], weights[j]
    return {
        "p": names[i],
        "q": names[j],
        "kl_divergence": nepit.kl_divergence(p, q, base=2),
        "kl_divergence_reverse": nepit.kl_divergence(q, p, base=2),
        "jeffreys_divergence": nepit.jeffreys_divergence(p, q, base=2),
        "jensen_shannon_divergence": nepit.jensen_shannon_divergence(p, q, base=2),
        "jensen_shannon_distance": nepit.jensen_shannon_distance(p, q, base=2),
        "hellinger_distance": nepit.hellinger_distance(p, q),
        "bhattacharyya_distance": nepit.bhattacharyya_distance(p, q, base=2),
        "chernoff_information": nepit.chernoff_information(p, q, base=2),
        "total_variation": nepit.total_variation(p, q),
        "cross_entropy": nepit.cross_entropy(p, q, base=2),
    }
