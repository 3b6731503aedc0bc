"""The core rows as bars: time over the time that a read of the same bytes takes."""

import re

LIBRARIES = {"Nepit": r"nepit", "JAX": r"jax.*", "torch": r"torch.*", "NumPy": r"numpy.*", "SciPy": r"scipy.*"}
COLORS = {"Nepit": "#0b6e99", "JAX": "#8fb339", "torch": "#d9822b", "NumPy": "#8a8d91", "SciPy": "#c2c4c7"}
MEASURES = {"entropy": "entropy", "cross_entropy": "cross-entropy", "kl_divergence": "Kullback–Leibler",
            "jensen_shannon_divergence": "Jensen–Shannon"}


def fastest(times, pattern):
    """Median of a library's fastest way, or None."""
    found = [middle for name, (_, middle, _, _) in times.items() if re.fullmatch(pattern, name)]
    return min(found, default=None)


def figures(value):
    return f"{value:.0f}" if value >= 99.5 else f"{value:.3g}"


def draw(state, path):
    """A panel for each element type, a group of bars for each measure, most threads, default pages."""
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as pyplot
    records = [record for record in state["records"]
               if record["group"] == "core" and "limit" in record.get("times", {})]
    threads = max((record["threads"] for record in records), default=1)
    figure, panels = pyplot.subplots(1, 2, figsize=(11, 5), sharex=True, layout="constrained")
    for panel, dtype in zip(panels, ("f32", "f64")):
        chosen = []
        for measure, title in MEASURES.items():
            for shape in (r"n=\de\d", r"\[\d+x\d+\] along rows"):
                chosen += [(title, record) for record in records
                           if re.fullmatch(f"{measure} {dtype} {shape}", record["name"])
                           and record["threads"] == threads and record["pages"] == "default"]
        height = 0.8 / len(LIBRARIES)
        for place, (library, pattern) in enumerate(LIBRARIES.items()):
            bars = []
            for group, (_, record) in enumerate(chosen):
                time = fastest(record["times"], pattern)
                if time is not None:
                    bars.append((group + (place - (len(LIBRARIES) - 1) / 2) * height,
                                 time / record["times"]["limit"][1]))
            if bars:
                positions, lengths = zip(*bars)
                drawn = panel.barh(positions, lengths, height * 0.92, color=COLORS[library], label=library)
                panel.bar_label(drawn, fmt=figures, padding=2, fontsize=6.5)
        panel.set_yticks(range(len(chosen)),
                         [f"{title}\n{record['name'].split(dtype)[1].strip()}" for title, record in chosen], fontsize=8)
        panel.invert_yaxis()
        panel.set_xscale("log")
        panel.axvline(1, color="black", linewidth=0.8)
        panel.set_title({"f32": "float32", "f64": "float64"}[dtype], fontsize=10)
        panel.set_xlabel(f"time / time of a pure read ({threads} thread{'s' * (threads > 1)})", fontsize=9)
        panel.spines[["top", "right"]].set_visible(False)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), frameon=False, fontsize=9)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=140)
    pyplot.close(figure)
