"""nepit logits: how far a model's logits are from those of a base model."""

from __future__ import annotations

import argparse
import heapq
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Callable

import numpy as np

from ..losses import LogitsComparison
from ..losses.comparison import NepitError
from . import BAD_DATA, OK, complain, print_json, tables
from . import logits_files as files
from .counting import Unmeasurable

#: A turn of the loop: so many bytes of the wider file.
_BLOCK = 1 << 26
#: Those that llama.cpp prints.
PERCENTILES = (99.9, 99, 95, 90, 75, 50, 25, 10, 5, 1, 0.1)
_WORST = 20


class Gathered:
    """What a report shows beside the comparison itself, in memory that does not grow with the tokens."""

    #: log10 of the divergence, 20 cells a decade; entropy in 48 cells; change of probability in 2000.
    DECADES, CELLS = (-14, 4), 20

    def __init__(self, vocabulary: int) -> None:
        self.log_kl = np.zeros((self.DECADES[1] - self.DECADES[0]) * self.CELLS, np.int64)
        self.zero = 0
        self.entropy_top = math.log(vocabulary) or 1.0
        self.by_entropy = np.zeros((48, len(self.log_kl)), np.int64)
        self.change = np.zeros(2000, np.int64)
        self.worst: list[tuple[float, int, dict[str, Any]]] = []

    def add(self, position: int, values: np.ndarray, base: files.View, test: files.View,
            labels: np.ndarray | None) -> None:
        """Takes a block of tokens."""
        valid = values["kl"] == values["kl"]
        kl = values["kl"][valid]
        self.zero += int((kl == 0).sum())
        positive = kl > 0
        place = np.log10(np.minimum(kl[positive], 1e300)) - self.DECADES[0]
        cells = np.clip((place * self.CELLS).astype(np.int64), 0, len(self.log_kl) - 1)
        self.log_kl += np.bincount(cells, minlength=len(self.log_kl))
        bands = values["base_entropy"][valid][positive] / self.entropy_top * len(self.by_entropy)
        bands = np.clip(bands.astype(np.int64), 0, len(self.by_entropy) - 1)
        np.add.at(self.by_entropy, (bands, cells), 1)
        change = values["probability_change"]
        change = change[change == change]
        places = np.clip(((change + 1) * (len(self.change) / 2)).astype(np.int64), 0, len(self.change) - 1)
        self.change += np.bincount(places, minlength=len(self.change))
        order = np.where(valid, values["kl"], -1)
        for index in np.argsort(-order, kind="stable")[:_WORST]:
            key = (float(order[index]), -(position + int(index)))
            if order[index] < 0 or len(self.worst) == _WORST and key < self.worst[0][:2]:
                break
            token = self._token(values[index], files.plain(base)[index], files.plain(test)[index])
            token["position"] = position + int(index)
            token["label"] = int(labels[index]) if labels is not None and labels[index] >= 0 else None
            (heapq.heappushpop if len(self.worst) == _WORST else heapq.heappush)(self.worst, (*key, token))

    @staticmethod
    def _token(values: np.void, base: np.ndarray, test: np.ndarray) -> dict[str, Any]:
        def likeliest(row: np.ndarray) -> tuple[int, float]:
            row = row.astype(np.float64)
            top = int(row.argmax())
            return top, float(1 / np.exp(row - row[top]).sum())

        (base_top, base_share), (test_top, test_share) = likeliest(base), likeliest(test)
        told = {"kl": float(values["kl"]), "base_entropy": float(values["base_entropy"]), "base_top": base_top,
                "base_top_probability": base_share, "test_top": test_top, "test_top_probability": test_share}
        if values["base_loss"] == values["base_loss"]:
            told["label_probability_base"] = math.exp(-float(values["base_loss"]))
            told["label_probability_test"] = math.exp(-float(values["test_loss"]))
        return told

    def worst_tokens(self) -> list[dict[str, Any]]:
        """From the worst on."""
        return [token for _, _, token in sorted(self.worst, key=lambda entry: entry[:2], reverse=True)]


def compare(options: argparse.Namespace) -> int:
    """nepit logits compare"""
    try:
        base, test = files.opened(options.base), files.opened(options.test)
        files.agree(base, test)
        labels = base.labels if base.labels is not None else test.labels
        if options.labels:
            labels = files.labels_of(options.labels, base.rows, base.columns)
        words = _vocabulary(options.vocabulary, base.columns) if options.vocabulary else None
        comparison = LogitsComparison(base.columns, top=min(options.top, base.columns),
                                      relative_error=options.relative_error)
        gathered = Gathered(base.columns) if options.html or options.json else None
        _run(comparison, base, test, labels, gathered, options.threads)
    except (Unmeasurable, NepitError) as problem:
        complain(str(problem))
        return BAD_DATA
    report = reported(comparison, options.top)
    report = {"base": base.name, "test": test.name, "base_type": base.type, "test_type": test.type, **report}
    notes = _notes(base, test, report)
    if gathered is not None:
        report["worst_tokens"] = gathered.worst_tokens()
    if options.save:
        try:
            comparison.save(options.save)
        except OSError as problem:
            complain(f"{options.save}: cannot be written: {problem.strerror or problem}")
            return BAD_DATA
    if options.html:
        from .logits_report import page

        try:
            with open(options.html, "w", encoding="utf-8") as file:
                file.write(page(report, gathered, notes, words))
        except OSError as problem:
            complain(f"{options.html}: cannot be written: {problem.strerror or problem}")
            return BAD_DATA
    if options.json:
        print_json({**report, "notes": notes})
    else:
        _print(report, notes)
    return OK if report["rows"] else BAD_DATA


def merge(options: argparse.Namespace) -> int:
    """nepit logits merge"""
    try:
        whole, *rest = [LogitsComparison.load(path) for path in options.files]
        for path, part in zip(options.files[1:], rest):
            try:
                whole.merge(part)
            except NepitError as problem:
                raise Unmeasurable(f"{path} cannot be added to {options.files[0]}: {problem}") from None
    except (Unmeasurable, NepitError) as problem:
        complain(str(problem))
        return BAD_DATA
    except OSError as problem:
        complain(f"{problem.filename}: {problem.strerror or problem}")
        return BAD_DATA
    report = reported(whole, None)
    if options.save:
        whole.save(options.save)
    print_json(report) if options.json else _print(report, _notes(None, None, report))
    return OK


def _run(comparison: LogitsComparison, base: files.Matrix, test: files.Matrix, labels: np.ndarray | None,
         gathered: Gathered | None, threads: int) -> None:
    size = max(base.columns * 8, 1)
    step = max(1, _BLOCK // size)
    with _bar(base.rows) as told:
        for start in range(0, base.rows, step):
            stop = min(start + step, base.rows)
            first, second = base.block(start, stop), test.block(start, stop)
            some = None if labels is None else np.asarray(labels[start:stop])
            values = comparison.update(first, second, some, values=gathered is not None, threads=threads)
            if gathered is not None and values is not None:
                gathered.add(start, values, first, second, some)
            told(stop - start)


@contextmanager
def _bar(rows: int) -> Iterator[Callable[[int], object]]:
    """A bar with the rate and the time that remains, if someone is watching standard error."""
    try:
        if not sys.stderr.isatty():
            raise ImportError
        from tqdm import tqdm
    except ImportError:
        yield lambda count: None
        return
    with tqdm(total=rows, unit=" tokens", unit_scale=True, leave=False, delay=0.5, file=sys.stderr) as bar:
        yield bar.update


def _vocabulary(path: str, columns: int) -> list[str]:
    """The tokens' texts, a line each."""
    try:
        with open(path, encoding="utf-8", errors="replace", newline="\n") as file:
            words = file.read().split("\n")
    except OSError as problem:
        raise Unmeasurable(f"{path}: {problem.strerror or problem}") from None
    if len(words) not in (columns, columns + 1):
        raise Unmeasurable(f"{path}: has {len(words) - 1:,} lines for a vocabulary of {columns:,}")
    return words


def reported(comparison: LogitsComparison, top: int | None) -> dict[str, Any]:
    """Everything that a comparison tells, as plain values."""
    summary = comparison.summary()
    report: dict[str, Any] = {"vocabulary": comparison.vocabulary, "top": top, "unit": "nepits"}
    for name, value in vars(summary).items():
        report[name] = value._asdict() if isinstance(value, tuple) else value
    kl, change = comparison.quantiles(np.array(PERCENTILES) / 100)
    report["percentiles"] = [{"percent": percent, "kl": float(a), "probability_change": float(b)}
                             for percent, a, b in zip(PERCENTILES, kl, change)]
    labelled = summary.labelled > 0
    if not labelled:  # nothing to tell: not NaN, which JSON does not know
        last = list(report)
        for name in last[last.index("base_loss"):last.index("percentiles")]:
            del report[name]
        for entry in report["percentiles"]:
            del entry["probability_change"]
    if not summary.invalid:
        del report["first_invalid"]
    return _without_nan(report)


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def _notes(base: files.Matrix | None, test: files.Matrix | None, report: dict[str, Any]) -> list[str]:
    notes = []
    if report["invalid"]:
        notes.append(f"{report['invalid']:,} tokens are left out: they have a NaN or +infinity among their logits, or "
                     f"nothing but -infinity; the first is at {report['first_invalid']:,}.")
    if report["kl"]["mean"] == math.inf:
        notes.append("The divergence is infinite: the test model has -infinity where the base model has some "
                     "probability.")
    coarse = [matrix for matrix in (base, test) if matrix is not None and matrix.kind == "llama.cpp"]
    if coarse:
        notes.append("llama.cpp's files hold log-probabilities in 16 bits, cut off 16 below the greatest: a model "
                     "compared with itself through one shows some 0.0005 nepits, and less than that means nothing.")
    narrow = sorted({matrix.type for matrix in (base, test) if matrix is not None and matrix.type.endswith("16")})
    if narrow:
        notes.append(f"Logits rounded to {' and '.join(narrow)} differ from the models' own by the rounding alone; "
                     "docs/measures/logits-comparison.md tells how much.")
    return notes


def _print(report: dict[str, Any], notes: list[str]) -> None:
    if "base" in report:
        print(f"base = {tables.printable(report['base'])} ({report['base_type']})\n"
              f"test = {tables.printable(report['test'])} ({report['test_type']})")
    print(f"{report['rows']:,} tokens of {report['vocabulary']:,} logits, {report['labelled']:,} with a label\n")

    def line(name: str, key: str, unit: str, scale: float = 1.0) -> list[str]:
        mean, error = figures(report[key], scale)
        return [name, mean, f"+- {error}" if error else "", unit]

    top = f"top {report['top']}" if report.get("top") else "top tokens"
    rows = [
        line("KL divergence of test from base", "kl", "nepits"),
        line("KL divergence of base from test", "reverse_kl", "nepits"),
        line("Jensen-Shannon divergence", "jensen_shannon", "nepits"),
        line("total variation", "total_variation", ""),
        line("entropy of base", "base_entropy", "nepits"),
        line("entropy of test", "test_entropy", "nepits"),
        line("same most likely token", "same_top", "%", 100),
        line(f"{top} in common", "overlap", "%", 100),
    ]
    if report["labelled"]:
        rows += [
            line("perplexity of base", "base_perplexity", ""),
            line("perplexity of test", "test_perplexity", ""),
            line("ratio of perplexities", "perplexity_ratio", ""),
            line("logarithm of the ratio", "log_ratio", "nepits"),
            line("difference of perplexities", "perplexity_difference", ""),
            ["correlation of the losses", _number(report["loss_correlation"]), "", ""],
            line("change of the label's probability", "probability_change", "%", 100),
            line("  root of its mean square", "probability_change_rms", "%", 100),
        ]
    tables._print(None, rows)
    print()
    heads = ["percentile", "KL, nepits"] + (["change of p, %"] if report["labelled"] else [])
    body = [["max", *extreme(report, "max")]]
    for entry in report["percentiles"]:
        body.append([percent_name(entry["percent"]), _number(entry["kl"]),
                     *([_number(entry["probability_change"], 100)] if report["labelled"] else [])])
    body.append(["min", *extreme(report, "min")])
    tables._print(heads, body)
    print(f"\nThe greatest divergence is that of token {report['kl_max_position']:,}.")
    for text in notes:
        tables.note(text)


def extreme(report: dict[str, Any], which: str) -> list[str]:
    """The greatest or least divergence, and change of probability."""
    cells = [_number(report[f"kl_{which}"])]
    if report["labelled"]:
        cells.append(_number(report[f"probability_change_{which}"], 100))
    return cells


def percent_name(percent: float) -> str:
    """A percentile in words."""
    return "median" if percent == 50 else f"{percent:g} %"


def figures(estimate: dict[str, Any], scale: float = 1.0) -> tuple[str, str]:
    """A mean and its standard error, to two figures of the error; the latter empty where there is none."""
    mean, error = estimate["mean"], estimate["error"]
    if mean is None or error is None or not math.isfinite(mean) or not 0 < error < math.inf:
        return _number(mean, scale), ""
    mean, error = mean * scale, error * scale
    digits = 1 - math.floor(math.log10(error))
    if digits > 7 or abs(mean) >= 1e7:
        return f"{mean:.{max(math.floor(math.log10(abs(mean) or error)) + digits, 1)}e}", f"{error:.1e}"
    if digits <= 0:
        return f"{round(mean, digits):,.0f}", f"{round(error, digits):,.0f}"
    return f"{mean:,.{digits}f}", f"{error:.{digits}f}"


def _number(value: float | None, scale: float = 1.0) -> str:
    return "-" if value is None else f"{value * scale:.5g}"
