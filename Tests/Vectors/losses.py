"""The losses section of Include/nepit.h: its formulas as they read, and the inputs of its vectors.

Precision is that of the range: a confident row's loss is e^-700, so so many digits more are carried. A component of a
gradient is a Term: its value with the sum of the magnitudes of what it adds.
"""

import math

import mpmath
from mpmath import exp, fsum, log, mp, mpf, tanh

INF = float("inf")
NAN = float("nan")
DEFAULTS = {"label_smoothing": 0.0, "ignore_index": -100.0, "z_loss": 0.0, "softcap": 0.0, "temperature": 1.0,
            "reduction": 1.0}


# ------------------------------------------------------------------------------------------------ the formulas


def is_bad(row):
    return any(x != x or x == INF for x in row) or all(x == -INF for x in row)


def capped(x, options):
    """z and dz/dx."""
    x = mpf(x)
    cap, temperature = mpf(options.get("softcap", 0)), mpf(options.get("temperature", 1))
    if not cap:
        return x / temperature, 1 / temperature
    t = tanh(x / cap)
    return cap * t / temperature, (1 - t * t) / temperature


def softmax(z):
    """(p, log-sum-exp), minus infinity allowed."""
    top = max(z)
    e = [exp(x - top) if x - top > -10000 else mpf(0) for x in z]  # nothing, in any digits that are carried
    total = fsum(e)
    return [x / total for x in e], top + log(total)


def digits(*rows):
    """How many digits the exponentials of the rows span."""
    finite = [[x for x in row if abs(x) < INF] or [0] for row in rows]
    return 60 + int(min(2000, sum(max(row) - min(row) for row in finite) * 0.87))


def softmax_cross_entropy(logits, labels, class_weights, row_weights, o):
    """All outputs; a Term for each component of the gradient."""
    cols = len(logits[0])
    w = [mpf(x) for x in class_weights or [1] * cols]
    e, zeta, ignored = mpf(o["label_smoothing"]), mpf(o["z_loss"]), int(o["ignore_index"])
    r = [mpf(x) for x in row_weights or [1] * len(logits)]
    counted = [i for i, y in enumerate(labels) if y != ignored]
    weight = fsum(r[i] * w[labels[i]] for i in counted)
    scale = (1 / weight if weight else mpf(0)) if o["reduction"] else mpf(1)
    results = {name: [] for name in ("losses", "log_sums", "argmax", "gradient")}
    correct = 0
    for i, (row, y) in enumerate(zip(logits, labels)):
        bad = is_bad(row)
        z, slopes = [], []
        if not bad:
            for x in row:
                value, slope = (-INF, mpf(0)) if x == -INF else capped(x, o)
                z.append(value)
                slopes.append(slope)
            p, total = softmax(z)
        best = 0 if bad else row.index(max(row))
        results["argmax"].append([float(best)])
        results["log_sums"].append([NAN if bad else total])
        if y == ignored:
            results["losses"].append([0.0])
            results["gradient"].append([Term(mpf(0), mpf(0))] * cols)
            continue
        if bad:
            results["losses"].append([NAN])
            results["gradient"].append([Term(NAN, mpf(1))] * cols)
            continue
        correct += best == y
        smooth = e / cols * fsum(w[j] * (total - z[j]) for j in range(cols) if w[j]) if e else mpf(0)
        own = INF if z[y] == -INF else total - z[y]
        value = mpf(0)
        if (1 - e) * w[y]:
            value = INF if own == INF else (1 - e) * w[y] * own
        value = value + smooth + w[y] * zeta * total**2
        value = value * r[i] if r[i] else mpf(0)
        results["losses"].append([INF if value == INF else value])
        extra = e / cols * fsum(w) + 2 * w[y] * zeta * total
        gradient = []
        for j in range(cols):
            size = scale * r[i] * slopes[j]
            if j == y:
                rest = fsum(p[k] for k in range(cols) if k != y)
                terms = [p[j] * extra, -e / cols * w[j], -(1 - e) * w[y] * rest]
                if z[j] == -INF:
                    size = scale * r[i] / mpf(o["temperature"])
            else:
                terms = [p[j] * ((1 - e) * w[y] + extra), -e / cols * w[j]]
            gradient.append(Term(size * fsum(terms), abs(size) * fsum(abs(t) for t in terms)))
        results["gradient"].append(gradient)
    losses = [row[0] for row in results["losses"]]
    if any(x != x for x in losses):
        out = NAN
    elif any(x == INF for x in losses):
        out = INF
    else:
        out = fsum(losses) * scale
    if o["reduction"] and not weight:
        out = 0.0
    results["out"] = [[out]]
    results["counts"] = [[float(len(counted))], [float(correct)]]
    return results


# -------------------------------------------------------------------------------------------------- the inputs


def logits(rng, g, dtype, rows, cols, spread=4.0, offset=0.0):
    """Values of a few bits where there are many, so that the files stay small."""

    def one():
        x = offset + rng.gauss(0, spread)
        return g.as_dtype(round(x * 64) / 64 if cols > 40 or dtype != "f64" else x, dtype)

    return g.Array(dtype, [[one() for _ in range(cols)] for _ in range(rows)])


def register(g):
    """Adds this section's files to those of generate.py, whose tools g has."""
    global Term
    Term = g.Term
    loss = g.Output(2.0**-46, narrow=2.0**-19)
    capped_loss = loss
    gradient = g.Output(2.0**-46, narrow=2.0**-19, terms=True)
    exact = g.Output(0.0, narrow=0.0)

    @g.vector_file(out=loss, losses=capped_loss, log_sums=loss, argmax=exact, counts=exact, gradient=gradient)
    def softmax_cross_entropy_(file, rng):
        def add(name, x, labels, keep=None, w=None, r=None, **options):
            o = DEFAULTS | options
            with mp.workdps(digits(*x.rows) if len(x.rows) < 8 else 400):
                results = softmax_cross_entropy(x.rows, labels, w, r, o)
            if o["softcap"]:
                file.outputs = {n: g.Output(2.0**-40, 2.0**-19, v.terms) if v.bound else v
                                for n, v in file.outputs.items()}
            inputs = {"logits": x, "labels": g.Array(rng.choice(("i32", "i64")), [[y] for y in labels])}
            if w:
                inputs["class_weights"] = g.f64(w)
            if r:
                inputs["row_weights"] = g.f64(*[[x] for x in r])
            order = ("out", "losses", "log_sums", "argmax", "counts", "gradient")
            results = {n: results[n] for n in order if keep is None or n in keep}
            if any(is_bad(row) for row in x.rows):
                results.pop("argmax", None)
            file.add(name, inputs | (o if options else {}), results)
            file.outputs = outputs

        outputs = file.outputs
        small = ("out", "losses", "log_sums", "argmax", "counts")
        for cols in (1, 2, 3, 10, 17, 33, 63, 64, 65, 66, 127, 129):
            rows = 1 if cols > 40 else 3
            add(f"n{cols}", logits(rng, g, "f64", rows, cols), [rng.randrange(cols) for _ in range(rows)])
        for cols in (3, 65, 129, 257):
            add(f"f32_n{cols}", logits(rng, g, "f32", 1, cols), [rng.randrange(cols)])
        for dtype in ("f16", "bf16"):
            for cols in (5, 83):
                add(f"{dtype}_n{cols}", logits(rng, g, dtype, 2, cols), [rng.randrange(cols) for _ in range(2)])
        add("f32_n4163", logits(rng, g, "f32", 1, 4163), [77], small)
        add("bf16_n2100", logits(rng, g, "bf16", 1, 2100), [2099], small)
        add("n2100", logits(rng, g, "f64", 1, 2100), [2048], small)
        add("rows_18", logits(rng, g, "f64", 18, 4), [rng.randrange(4) for _ in range(18)])
        # Confident rows: the others have next to nothing, and so has the loss.
        for cols in (5, 70):
            for dtype in ("f64", "f32"):
                for gap in (20.0, 30.0, 90.0, 700.0):
                    x = logits(rng, g, dtype, 1, cols, 1.0)
                    x.rows[0][3] = g.as_dtype(x.rows[0][3] + gap, dtype)
                    add(f"confident_{dtype}_{cols}_{gap:g}", x, [3])
                    if gap in (30.0, 700.0):
                        add(f"wrong_{dtype}_{cols}_{gap:g}", x, [4], temperature=1.5)
        for offset in (1e4, -1e4, 3e5):
            add(f"offset_f32_{offset:g}", logits(rng, g, "f32", 1, 70, 4.0, offset), [9])
            add(f"offset_{offset:g}", logits(rng, g, "f64", 1, 70, 4.0, offset), [9], label_smoothing=0.1)
        add("far_apart", g.f64([1e300, -1e300, 0.0]), [1])
        add("equal", g.f64([2.5] * 6, [-700.0] * 6), [0, 5])
        add("f32_equal", g.Array("f32", [[2.5] * 70]), [69])
        # Options.
        for cols, dtype in ((7, "f64"), (70, "f64"), (70, "f32")):
            w = [0.25 + rng.getrandbits(6) / 64 for _ in range(cols)]
            r = [1.5, 0.0, 0.25]
            y = [rng.randrange(cols) for _ in range(3)]
            x = logits(rng, g, dtype, 3 if cols < 40 else 2, cols)
            r, y = r[: len(x.rows)], y[: len(x.rows)]
            name = f"{dtype}_{cols}"
            add(f"smoothing_{name}", x, y, label_smoothing=0.1)
            add(f"smoothing_all_{name}", x, y, label_smoothing=1.0)
            add(f"weights_{name}", x, y, w=w)
            add(f"row_weights_{name}", x, y, r=r)
            add(f"smoothing_weights_{name}", x, y, w=w, r=r, label_smoothing=0.25)
            add(f"z_loss_{name}", x, y, z_loss=1e-3)
            add(f"temperature_{name}", x, y, temperature=0.7)
            add(f"softcap_{name}", x, y, softcap=5.0)
            add(f"sum_{name}", x, y, reduction=0.0)
            add(f"ignored_{name}", x, [-100] + y[1:])
            add(f"ignored_column_{name}", x, [1] + y[1:], ignore_index=1.0)
            add(f"all_{name}", x, y, w=w, r=r, label_smoothing=0.1, z_loss=1e-4, softcap=8.0, temperature=1.3)
        add("all_ignored", logits(rng, g, "f64", 3, 4), [-100, -100, -100])
        add("class_of_weight_0", logits(rng, g, "f64", 2, 3), [1, 2], w=[1.0, 0.0, 2.0])
        # What is no number.
        for cols in (3, 70):
            rest = [0.5] * (cols - 3)
            add(f"minus_infinity_{cols}", g.f64([1.0, -INF, 2.0] + rest), [0])
            add(f"minus_infinity_label_{cols}", g.f64([1.0, -INF, 2.0] + rest), [1])
            add(f"f32_minus_infinity_{cols}", g.Array("f32", [[1.0, -INF, 2.0] + rest]), [1])
            add(f"only_one_{cols}", g.f64([-INF, 3.0] + [-INF] * (cols - 2)), [1])
            add(f"infinity_{cols}", g.f64([1.0, INF, 2.0] + rest, [1.0, 2.0, 3.0] + rest), [1, 0])
            add(f"nan_{cols}", g.f64([1.0, NAN, 2.0] + rest, [1.0, 2.0, 3.0] + rest), [0, 0])
            add(f"f32_nan_{cols}", g.Array("f32", [[NAN, 1.0, 2.0] + rest]), [1])
            add(f"nothing_{cols}", g.f64([-INF] * cols), [0])
        x = logits(rng, g, "f64", 2, 5)
        for name in ("out", "losses", "log_sums", "argmax", "counts", "gradient"):
            add(f"{name}_alone", x, [1, 4], (name,))

    @g.vector_file(out=gradient, gradient=gradient)
    def logsumexp(file, rng):
        for name, x, t in softmax_inputs(rng, g):
            with mp.workdps(digits(*x.rows)):
                outs, slopes = [], []
                for row in x.rows:
                    if is_bad(row):
                        outs.append([Term(NAN, mpf(1))])
                        slopes.append([Term(NAN, mpf(1))] * len(row))
                        continue
                    p, total = softmax([mpf(v) / mpf(t) for v in row])
                    outs.append([Term(total, abs(mpf(max(row))) / mpf(t) + log(len(row)))])
                    slopes.append([Term(y / mpf(t), y / mpf(t)) for y in p])
                results = {"out": outs, "gradient": slopes}
            file.add(name, {"logits": x, "temperature": t}, results)

    @g.vector_file(out=gradient)
    def softmax_(file, rng):
        for name, x, t in softmax_inputs(rng, g):
            with mp.workdps(digits(*x.rows)):
                rows = [[Term(NAN, mpf(1))] * len(row) if is_bad(row)
                        else [Term(y, y) for y in softmax([mpf(v) / mpf(t) for v in row])[0]] for row in x.rows]
            file.add(name, {"logits": x, "temperature": t}, {"out": rows})

    @g.vector_file(out=loss)
    def log_softmax(file, rng):
        for name, x, t in softmax_inputs(rng, g):
            rows = []
            with mp.workdps(digits(*x.rows)):
                for row in x.rows:
                    if is_bad(row):
                        rows.append([NAN] * len(row))
                        continue
                    z = [mpf(v) / mpf(t) for v in row]
                    total = softmax(z)[1]
                    rows.append([-INF if v == -INF else v - total for v in z])
            file.add(name, {"logits": x, "temperature": t}, {"out": rows})


def softmax_inputs(rng, g):
    """Names, logits and temperatures."""
    for cols in (1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 129):
        yield f"n{cols}", logits(rng, g, "f64", 1 if cols > 20 else 2, cols), 1.0
    for dtype in ("f32", "f16", "bf16"):
        for cols in (3, 17, 65, 130):
            yield f"{dtype}_n{cols}", logits(rng, g, dtype, 1, cols), 1.0
    for t in (0.7, 1.5, 20.0):
        yield f"temperature_{t:g}", logits(rng, g, "f64", 2, 9), t
        yield f"f32_temperature_{t:g}", logits(rng, g, "f32", 1, 70), t
    for dtype in ("f64", "f32"):
        for gap in (20.0, 40.0, 90.0, 600.0):
            x = logits(rng, g, dtype, 1, 9, 1.0)
            x.rows[0][4] = g.as_dtype(x.rows[0][4] + gap, dtype)
            yield f"confident_{dtype}_{gap:g}", x, 1.0
    yield "offset", logits(rng, g, "f64", 1, 9, 4.0, 1e4), 1.0
    yield "f32_offset", logits(rng, g, "f32", 1, 70, 4.0, -1e4), 1.0
    yield "equal", g.f64([2.5] * 5), 1.0
    yield "minus_infinity", g.f64([1.0, -INF, 2.0]), 1.0
    yield "f32_minus_infinity", g.Array("f32", [[-INF, 1.0, -INF, 2.0]]), 1.0
    yield "infinity", g.f64([1.0, INF], [1.0, 2.0]), 1.0
    yield "nan", g.f64([1.0, NAN], [1.0, 2.0]), 1.0
    yield "f32_nan", g.Array("f32", [[NAN, 1.0]]), 1.0
    yield "nothing", g.f64([-INF, -INF]), 1.0
