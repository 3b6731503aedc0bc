"""The page that nepit logits compare --html writes: one file, pictures included, nothing loaded from elsewhere."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from .. import __version__
from . import tables
from .logits import Gathered, figures, percent_name

_STYLE = """
:root{--ground:#fbfbfa;--card:#fff;--ink:#1d2430;--soft:#66707f;--line:#e4e6ea;--main:#2f6fde;--fill:#9dbcf2;
--warm:#d9622b;--note:#fff6e5;--heat:47,111,222;color-scheme:light dark}
@media(prefers-color-scheme:dark){:root{--ground:#14171c;--card:#1c2027;--ink:#e6e9ee;--soft:#98a2b1;--line:#2e343e;
--main:#7aa9ff;--fill:#3a5c9c;--warm:#f08a57;--note:#33291a;--heat:122,169,255}}
*{box-sizing:border-box}body{margin:0;background:var(--ground);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
main{max-width:1120px;margin:0 auto;padding:36px 24px 60px}h1{font-size:26px;margin:0 0 4px;font-weight:650}
h2{font-size:16px;margin:0 0 2px;font-weight:620}p{margin:0 0 10px;color:var(--soft)}
.files{font-size:14px;margin-bottom:22px;overflow-wrap:anywhere}.files b{color:var(--ink);font-weight:600}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(190px,1fr));gap:14px;margin-bottom:14px}
.tile,.card{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:16px 18px}
.tile span{display:block;color:var(--soft);font-size:13px}.tile strong{font-size:25px;font-weight:640;
font-variant-numeric:tabular-nums;letter-spacing:-.01em}.tile em{font-style:normal;color:var(--soft);font-size:13px}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(440px,100%),1fr));gap:14px;margin-bottom:14px}
.card{margin-bottom:0;min-width:0}.wide{margin-bottom:14px;overflow-x:auto}
.note{background:var(--note)}.note p{color:var(--ink)}
.note p:last-child{margin:0}svg{display:block;width:100%;height:auto;margin-top:8px}
svg text{fill:var(--soft);font-size:12px;font-family:inherit}svg .grid{stroke:var(--line)}svg .axis{stroke:var(--soft)}
svg .bar{fill:var(--fill)}svg .bar:hover{fill:var(--main)}svg .line{stroke:var(--main);fill:none;stroke-width:2.2}
svg .mark{stroke:var(--warm);stroke-width:1.5;stroke-dasharray:4 3}svg .told{fill:var(--warm);font-weight:600}
svg .heat{fill:rgb(var(--heat))}svg .edge{stroke:var(--main);fill:none;stroke-width:1.2;stroke-dasharray:3 3}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;margin-top:8px;font-size:14px}
th{font-weight:600;color:var(--soft);font-size:12.5px}td,th{padding:4px 10px 4px 0;border-bottom:1px solid var(--line);
text-align:right;white-space:nowrap}td:first-child,th:first-child{text-align:left}tr:last-child td{border-bottom:0}
td small{color:var(--soft)}td code,.token{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;background:
var(--ground);border:1px solid var(--line);border-radius:5px;padding:0 5px;white-space:pre}
footer{color:var(--soft);font-size:13px;margin-top:26px}
"""


def page(report: dict[str, Any], gathered: Gathered, notes: Sequence[str], words: Sequence[str] | None) -> str:
    """The whole page."""
    labelled = report["labelled"] > 0
    cards = [_card("KL divergence of each token", f"Of the test model from the base, in nepits, on a logarithmic axis. "
                   f"{_zeros(gathered, report)}", _divergences(gathered, report)),
             _card("Percentiles", "Over tokens, between two of them linearly.", _percentiles(report)),
             _card("KL divergence and the base model's entropy",
                   "Where the base model is sure and where it is not: shares within each column, with the median and "
                   "the middle 80 %.", _by_entropy(gathered))]
    if labelled:
        cards.append(_card("Change of the label's probability",
                           "Test less base, in percentage points; the number of tokens on a logarithmic axis.",
                           _changes(gathered, report)))
    else:
        cards.append(_card("All figures", "Means over tokens with their standard errors.", _figures(report)))
    body = [
        "<h1>Comparison of logits</h1>",
        f"<p class=files><b>{_text(report['test'])}</b> ({report['test_type']}) compared with "
        f"<b>{_text(report['base'])}</b> ({report['base_type']}): {report['rows']:,} tokens of "
        f"{report['vocabulary']:,} logits{', ' + format(report['labelled'], ',') + ' with a label' if labelled else ''}"
        "</p>",
        f"<div class=tiles>{''.join(_tiles(report))}</div>",
    ]
    if notes:
        told = "".join(f"<p>{_text(note)}</p>" for note in notes)
        body.append(f"<div class='card note wide'>{told}</div>")
    body += [f"<div class=pair>{''.join(cards[start:start + 2])}</div>" for start in range(0, len(cards), 2)]
    body.append(f"<div class='card wide'><h2>The tokens that differ most</h2><p>By KL divergence. Each model's most "
                f"likely token with its probability.</p>{_worst(report, words)}</div>")
    if labelled:
        body.append(f"<div class='card wide'><h2>All figures</h2><p>Means over tokens with their standard errors.</p>"
                    f"{_figures(report)}</div>")
    body.append(f"<footer>Written by nepit {__version__}. Divergences and entropies are in nepits (nats): 1 nepit is "
                "1.4427 bits. Sums are exact, so the same tokens give the same figures in any order.</footer>")
    return ("<!doctype html>\n<html lang=en><head><meta charset=utf-8>"
            "<meta name=viewport content='width=device-width'>"
            f"<title>Comparison of logits</title><style>{_STYLE}</style></head><body><main>{''.join(body)}"
            "</main></body></html>\n")


def _text(text: str) -> str:
    return html.escape(tables.printable(text))


def _card(title: str, told: str, content: str) -> str:
    return f"<div class=card><h2>{title}</h2><p>{told}</p>{content}</div>"


def _zeros(gathered: Gathered, report: dict[str, Any]) -> str:
    if not gathered.zero:
        return f"{report['rows']:,} tokens."
    return f"{report['rows']:,} tokens, of which {gathered.zero:,} have none at all and are not shown."


# -------------------------------------------------------------------------------------------------------- figures


def _tiles(report: dict[str, Any]) -> Iterable[str]:
    def tile(name: str, value: str, more: str) -> str:
        return f"<div class=tile><span>{name}</span><strong>{value}</strong><br><em>{more}</em></div>"

    mean, error = figures(report["kl"])
    yield tile("mean KL divergence", mean, f"± {error} nepits" if error else "nepits")
    yield tile("median KL divergence", _short(next(entry["kl"] for entry in report["percentiles"]
                                                   if entry["percent"] == 50)), "nepits")
    mean, error = figures(report["same_top"], 100)
    yield tile("same most likely token", f"{mean} %", f"± {error} %" if error else "")
    if report["labelled"]:
        ratio, error = figures(report["perplexity_ratio"])
        base, _ = figures(report["base_perplexity"])
        test, _ = figures(report["test_perplexity"])
        yield tile("perplexity, test / base", ratio, f"{test} / {base}, ± {error}" if error else f"{test} / {base}")
        mean, error = figures(report["probability_change_rms"], 100)
        yield tile("RMS change of p", f"{mean} %", f"± {error} %" if error else "")
    else:
        mean, error = figures(report["jensen_shannon"])
        yield tile("Jensen-Shannon", mean, f"± {error} nepits" if error else "")


def _short(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


_FIGURES = (
    ("kl", "KL divergence of test from base, nepits", 1), ("reverse_kl", "KL divergence of base from test, nepits", 1),
    ("jensen_shannon", "Jensen-Shannon divergence, nepits", 1), ("total_variation", "total variation", 1),
    ("base_entropy", "entropy of base, nepits", 1), ("test_entropy", "entropy of test, nepits", 1),
    ("same_top", "same most likely token, %", 100), ("overlap", "most likely tokens in common, %", 100),
    ("base_perplexity", "perplexity of base", 1), ("test_perplexity", "perplexity of test", 1),
    ("perplexity_ratio", "ratio of perplexities", 1), ("log_ratio", "logarithm of the ratio, nepits", 1),
    ("perplexity_difference", "difference of perplexities", 1),
    ("probability_change", "change of the label's probability, %", 100),
    ("probability_change_rms", "root of its mean square, %", 100),
)


def _figures(report: dict[str, Any]) -> str:
    rows = []
    for key, name, scale in _FIGURES:
        if key in report:
            mean, error = figures(report[key], scale)
            rows.append(f"<tr><td>{name}<td>{mean}<td>{'± ' + error if error else ''}")
    if report["labelled"]:
        rows.append(f"<tr><td>correlation of the losses<td>{_short(report['loss_correlation'])}<td>")
    return f"<table><tr><th><th>mean<th>standard error{''.join(rows)}</table>"


def _percentiles(report: dict[str, Any]) -> str:
    labelled = report["labelled"] > 0
    rows = [("max", report["kl_max"], report.get("probability_change_max"))]
    rows += [(percent_name(entry["percent"]), entry["kl"], entry.get("probability_change"))
             for entry in report["percentiles"]]
    rows.append(("min", report["kl_min"], report.get("probability_change_min")))
    lines = ["<tr><th><th>KL, nepits" + ("<th>change of p, %" if labelled else "")]
    for name, kl, change in rows:
        last = f"<td>{_short(None if change is None else 100 * change)}" if labelled else ""
        lines.append(f"<tr><td>{name}<td>{_short(kl)}{last}")
    return f"<table>{''.join(lines)}</table>"


def _worst(report: dict[str, Any], words: Sequence[str] | None) -> str:
    def token(number: int | None) -> str:
        if number is None:
            return "-"
        if words is None:
            return f"{number:,}"
        return f"<code>{html.escape(words[number]) or '&nbsp;'}</code>"

    def share(value: float | None) -> str:
        return "" if value is None else f"<small>{100 * value:.4g} %</small>"

    labelled = report["labelled"] > 0
    lines = ["<tr><th>position<th>KL, nepits<th>entropy of base<th>base says<th><th>test says<th>"
             + ("<th>label<th>p by base<th>p by test" if labelled else "")]
    for entry in report["worst_tokens"]:
        line = (f"<tr><td>{entry['position']:,}<td>{_short(entry['kl'])}<td>{_short(entry['base_entropy'])}"
                f"<td>{token(entry['base_top'])}<td>{share(entry['base_top_probability'])}"
                f"<td>{token(entry['test_top'])}<td>{share(entry['test_top_probability'])}")
        if labelled:
            line += (f"<td>{token(entry['label'])}<td>{share(entry.get('label_probability_base'))}"
                     f"<td>{share(entry.get('label_probability_test'))}")
        lines.append(line)
    return f"<table>{''.join(lines)}</table>"


# ------------------------------------------------------------------------------------------------------- pictures


class _Plot:
    """An area with axes, in the units of an SVG."""

    WIDTH, LEFT, RIGHT, TOP, BOTTOM = 520, 54, 12, 22, 42

    def __init__(self, x: tuple[float, float], y: tuple[float, float], label: str, height: int = 300) -> None:
        self.x, self.y, self.label, self.height = x, y, label, height
        self.parts: list[str] = []

    def across(self, x: float) -> float:
        low, high = self.x
        return self.LEFT + (self.WIDTH - self.LEFT - self.RIGHT) * (x - low) / (high - low)

    def up(self, y: float) -> float:
        low, high = self.y
        return self.height - self.BOTTOM - (self.height - self.TOP - self.BOTTOM) * (y - low) / (high - low)

    def bar(self, left: float, right: float, low: float, high: float, told: str, style: str = "bar",
            more: str = "") -> None:
        x, y = self.across(left), self.up(high)
        width, height = self.across(right) - x, self.up(low) - y
        gap = min(0.7, width / 5) if style == "bar" else -0.2
        self.parts.append(f"<rect class={style} x={x:.2f} y={y:.2f} width={max(width - gap, 0.2):.2f} "
                          f"height={max(height, 0):.2f}{more}><title>{html.escape(told)}</title></rect>")

    def line(self, points: Iterable[tuple[float, float]], style: str) -> None:
        path = " ".join(f"{self.across(x):.1f},{self.up(y):.1f}" for x, y in points)
        self.parts.append(f"<polyline class={style} points='{path}'/>")

    def mark(self, x: float, told: str, row: int = 0) -> None:
        if not self.x[0] <= x <= self.x[1]:
            return
        at = self.across(x)
        anchor = "end" if at > self.WIDTH * 0.7 else "start"
        self.parts.append(f"<line class=mark x1={at:.1f} x2={at:.1f} y1={self.TOP} y2={self.height - self.BOTTOM} />"
                          f"<text class=told x={at + (-5 if anchor == 'end' else 5):.1f} y={self.TOP + 4 + 15 * row} "
                          f"text-anchor={anchor}>{told}</text>")

    def drawn(self, x_ticks: Iterable[tuple[float, str]], y_ticks: Iterable[tuple[float, str]]) -> str:
        under, floor = [], self.height - self.BOTTOM
        for value, text in y_ticks:
            at = self.up(value)
            under.append(f"<line class=grid x1={self.LEFT} x2={self.WIDTH - self.RIGHT} y1={at:.1f} y2={at:.1f} />"
                         f"<text x={self.LEFT - 7} y={at + 4:.1f} text-anchor=end>{text}</text>")
        for value, text in x_ticks:
            at = self.across(value)
            under.append(f"<line class=axis x1={at:.1f} x2={at:.1f} y1={floor} y2={floor + 4} />"
                         f"<text x={at:.1f} y={floor + 17} text-anchor=middle>{text}</text>")
        under.append(f"<text x={(self.LEFT + self.WIDTH - self.RIGHT) / 2:.0f} y={self.height - 5} text-anchor=middle>"
                     f"{self.label}</text>")
        over = f"<line class=axis x1={self.LEFT} x2={self.WIDTH - self.RIGHT} y1={floor} y2={floor} />"
        return (f"<svg viewBox='0 0 {self.WIDTH} {self.height}' role=img aria-label='{html.escape(self.label)}'>"
                f"{''.join(under)}{''.join(self.parts)}{over}</svg>")


def _power(exponent: int) -> str:
    """10 to an exponent, as one reads it."""
    if -3 <= exponent <= 3:
        return f"{10.0**exponent:g}"
    digits = str(abs(exponent)).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"10{'⁻' if exponent < 0 else ''}{digits}"


def _decades(low: float, high: float, most: int = 9) -> list[tuple[float, str]]:
    whole = range(math.ceil(low - 1e-9), math.floor(high + 1e-9) + 1)
    step = max(1, -(-len(whole) // most))
    return [(exponent, _power(exponent)) for exponent in whole if exponent % step == 0]


def _nice(top: float) -> list[float]:
    """Round numbers from 0 to about the top."""
    if not top > 0:
        return [0.0]
    step = 10 ** math.floor(math.log10(top / 4))
    step *= next(factor for factor in (1, 2, 5, 10) if top / (step * factor) <= 5)
    return [step * number for number in range(int(top / step + 1e-9) + 1)]


def _range(counts: np.ndarray) -> tuple[int, int]:
    """The cells from the first to the last that hold something."""
    used = np.flatnonzero(counts)
    return (int(used[0]), int(used[-1]) + 1) if len(used) else (0, len(counts))


def _grouped(gathered: Gathered, counts: np.ndarray, low: int, high: int) -> tuple[int, np.ndarray, int]:
    """Cells joined so that some sixty are left: the first cell, the counts, and how many make one."""
    size = next((size for size in (1, 2, 4, 5, 10, 20) if (high - low) / size <= 70), 20)
    start = low // size * size
    stop = min(-(-high // size) * size, len(counts))
    return start, np.add.reduceat(counts[start:stop], np.arange(0, stop - start, size)), size


def _divergences(gathered: Gathered, report: dict[str, Any]) -> str:
    first, cell = gathered.DECADES[0], 1 / gathered.CELLS
    low, high = _range(gathered.log_kl)
    start, counts, size = _grouped(gathered, gathered.log_kl, low, high)
    total = max(int(counts.sum()), 1)
    left = first + start * cell
    width = size * cell
    top = counts.max(initial=1) / total * 100
    plot = _Plot((left, left + width * len(counts)), (0, top * 1.12), "KL divergence, nepits", 390)
    for index, count in enumerate(counts):
        x = left + index * width
        if count:
            plot.bar(x, x + width, 0, count / total * 100,
                     f"{10**x:.3g} to {10**(x + width):.3g}: {count:,} tokens ({count / total:.2%})")
    median = next(entry["kl"] for entry in report["percentiles"] if entry["percent"] == 50)
    far = next(entry["kl"] for entry in report["percentiles"] if entry["percent"] == 99)
    for row, (value, name) in enumerate(((median, "median"), (report["kl"]["mean"], "mean"), (far, "99 %"))):
        if value and math.isfinite(value) and value > 0:
            plot.mark(math.log10(value), name, row)
    return plot.drawn(_decades(*plot.x), [(value, f"{value:g} %") for value in _nice(top)])


def _by_entropy(gathered: Gathered) -> str:
    counts = gathered.by_entropy
    first, cell = gathered.DECADES[0], 1 / gathered.CELLS
    low, high = _range(counts.sum(axis=0))
    start, stop = low // 5 * 5, min(-(-high // 5) * 5, counts.shape[1])
    coarse = counts[:, start:stop].reshape(len(counts), -1, 5).sum(axis=2)
    bands = max(_range(coarse.sum(axis=1))[1], 1)
    step = gathered.entropy_top / len(counts)
    plot = _Plot((0, step * bands), (first + start * cell, first + stop * cell), "entropy of the base model, nepits")
    middle, edges = [], ([], [])
    for band in range(bands):
        total = int(coarse[band].sum())
        if not total:
            continue
        most = coarse[band].max()
        for row in np.flatnonzero(coarse[band]):
            y = first + (start + row * 5) * cell
            count = int(coarse[band, row])
            plot.bar(band * step, (band + 1) * step, y, y + 5 * cell,
                     f"entropy {band * step:.2f} to {(band + 1) * step:.2f}, KL {10**y:.2g} to "
                     f"{10**(y + 5 * cell):.2g}: {count:,} tokens", "heat", f" opacity={0.06 + 0.6 * count / most:.2f}")
        if total >= 10:
            along = np.cumsum(counts[band, start:stop])
            x = (band + 0.5) * step
            for share, line in ((0.1, edges[0]), (0.5, middle), (0.9, edges[1])):
                line.append((x, first + (start + int(np.searchsorted(along, share * total)) + 0.5) * cell))
    plot.line(edges[0], "edge")
    plot.line(edges[1], "edge")
    plot.line(middle, "line")
    return plot.drawn([(value, f"{value:g}") for value in _nice(plot.x[1])], _decades(*plot.y, most=8))


def _changes(gathered: Gathered, report: dict[str, Any]) -> str:
    counts = gathered.change
    low, high = _range(counts)
    half = max(abs(low - len(counts) // 2), abs(high - len(counts) // 2), 10)
    size = next((size for size in (1, 2, 4, 5, 10, 20, 25, 40, 50) if 2 * half / size <= 80), 50)
    half = -(-half // size) * size
    padded = np.zeros(2 * half, np.int64)
    begin, end = max(len(counts) // 2 - half, 0), min(len(counts) // 2 + half, len(counts))
    offset = begin - (len(counts) // 2 - half)
    padded[offset:offset + end - begin] = counts[begin:end]
    grouped = padded.reshape(-1, size).sum(axis=1)
    unit = 200 / len(counts)
    top = math.log10(max(grouped.max(initial=1), 1))
    plot = _Plot((-half * unit, half * unit), (-0.3, top * 1.08 + 0.1),
                 "change of the label's probability, percentage points")
    for index, count in enumerate(grouped):
        if count:
            x = (index * size - half) * unit
            plot.bar(x, x + size * unit, -0.3, math.log10(count),
                     f"{x:+.3g} to {x + size * unit:+.3g}: {count:,} tokens")
    mean = report["probability_change"]["mean"]
    plot.mark(100 * mean, f"mean {figures(report['probability_change'], 100)[0]}")
    side = [value for value in _nice(half * unit) if value]
    ticks = [*((-value, f"−{value:g}") for value in reversed(side)), (0.0, "0"),
             *((value, f"+{value:g}") for value in side)]
    return plot.drawn(ticks, [(exponent, f"{10**exponent:,}" if exponent < 5 else text)
                              for exponent, text in _decades(0, top, most=6)])
