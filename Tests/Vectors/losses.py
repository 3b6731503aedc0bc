"""The losses section of Include/nepit.h: its formulas as they read, and the inputs of its vectors.

Precision is that of the range: a confident row's loss is e^-700, so so many digits more are carried. A component of a
gradient is a Term: its value with the sum of the magnitudes of what it adds.
"""

import math

import mpmath
from mpmath import exp, fsum, log, mp, mpf, tanh

INF = float("inf")
NAN = float("nan")
DISTILLATION = {"beta": 0.5, "temperature": 1.0, "divergence": 0.0, "temperature_squared": 0.0, "reduction": 1.0}
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


def softmax_cross_entropy_soft(logits, targets, class_weights, row_weights, o, least):
    """All outputs; a Term for each component of the gradients, which is right to within a part of the least number."""
    cols = len(logits[0])
    w = [mpf(x) for x in class_weights or [1] * cols]
    e, zeta, temperature = mpf(o["label_smoothing"]), mpf(o["z_loss"]), mpf(o["temperature"])
    r = [mpf(x) for x in row_weights or [1] * len(logits)]
    weight = fsum(r)
    scale = (1 / weight if weight else mpf(0)) if o["reduction"] else mpf(1)
    results = {name: [] for name in ("losses", "log_sums", "gradient", "target_gradient")}
    for x, u, row in zip(logits, targets, r):
        bad = is_bad(x)
        if not bad:
            z, slopes = zip(*((-INF, 1 / temperature) if v == -INF else capped(v, o) for v in x))
            p, total = softmax(z)
        results["log_sums"].append([NAN if bad else total])
        bad = bad or any(v != v or v < 0 or v == INF for v in u) or not any(u)
        if bad or not row:
            value = NAN if row else 0.0
            results["losses"].append([value])
            for name in ("gradient", "target_gradient"):
                results[name].append([Term(value, mpf(0))] * cols)
            continue
        scaled = fsum(map(mpf, u))
        t = [mpf(v) / scaled for v in u]
        held = fsum(a * b for a, b in zip(w, t))
        c = [a * ((1 - e) * b + e / cols) for a, b in zip(w, t)]
        infinite = any(a and b == -INF for a, b in zip(c, z))
        costs = [a * ((1 - e) * (total - b) + zeta * total**2) if a and b > -INF else INF if a else mpf(0)
                 for a, b in zip(w, z)]
        value = INF if infinite else fsum(a * (total - b) for a, b in zip(c, z) if a) + held * zeta * total**2
        results["losses"].append([INF if infinite else value * row])
        extra = 2 * held * zeta * total
        gradient = []
        for k in range(cols):
            size = scale * row * slopes[k]
            terms = [p[k] * fsum(c[j] for j in range(cols) if j != k), p[k] * extra,
                     -c[k] * fsum(p[j] for j in range(cols) if j != k)]
            gradient.append(Term(size * fsum(terms), abs(size) * fsum(abs(v) for v in terms) + least))
        results["gradient"].append(gradient)
        size = scale * row / scaled
        mean = INF if any(b and cost == INF for b, cost in zip(t, costs)) else fsum(
            b * cost for b, cost in zip(t, costs) if b)
        results["target_gradient"].append([
            Term(NAN, mpf(0)) if mean == INF else Term(INF, mpf(1)) if cost == INF
            else Term(size * (cost - mean), abs(size) * (cost + mean)) for cost in costs])
    losses = [row[0] for row in results["losses"]]
    bad = any(v != v for v in losses)
    out = NAN if bad else INF if INF in losses else fsum(losses) * scale
    results["out"] = [[out if weight or not o["reduction"] else 0.0]]
    return results


def divergence(kind, p, q, beta):
    """A divergence of the teacher's p and the student's q; by each row's logits the components of its gradient."""
    def kl(a, b):
        return INF if any(x and not y for x, y in zip(a, b)) else fsum(x * log(x / y) for x, y in zip(a, b) if x)

    def by_first(a, b, weight=mpf(1)):
        """Of the terms a log(a / b), with b fixed or a mixture of which a is a part."""
        value = kl(a, b)
        return [weight * x * (log(x / y) - value) if x else mpf(0) for x, y in zip(a, b)], [
            weight * x * (abs(log(x / y)) + value) if x else mpf(0) for x, y in zip(a, b)]

    # The logarithms are known to within 2^-46 of the largest of those that count.
    spread = fsum(x * abs(log(x / y)) for x, y in zip(p, q) if x and y)
    difference = [y - x for x, y in zip(p, q)], [abs(y - x) + x * min(spread, 1) for x, y in zip(p, q)]
    if kind in (0, 1):
        a, b = (p, q) if kind == 0 else (q, p)
        value = kl(a, b)
        own = [[NAN] * len(p), [mpf(1)] * len(p)] if value == INF else by_first(a, b)
        other = difference if kind == 0 else ([-x for x in difference[0]], difference[1])
        return value, *((own, other) if kind == 0 else (other, own))
    if kind == 2:
        m = [beta * x + (1 - beta) * y for x, y in zip(p, q)]
        value = beta * kl(p, m) + (1 - beta) * kl(q, m)
        slopes = by_first(p, m, beta), by_first(q, m, 1 - beta)
        extra = [beta * (1 - beta) * min(spread, 1) * (x + y) for x, y in zip(p, q)]
        return value, *((s, [x + y for x, y in zip(t, extra)]) for s, t in slopes)
    signs = [(y > x) - (y < x) for x, y in zip(p, q)]
    slopes = []
    for row, sign in ((p, -1), (q, 1)):
        mean = fsum(x * s for x, s in zip(row, signs))
        slopes.append(([sign * x * (s - mean) / 2 for x, s in zip(row, signs)],
                       [x * (abs(s) + abs(mean)) / 2 for x, s in zip(row, signs)]))
    return fsum(abs(x) for x in difference[0]) / 2, *slopes


def distillation(student, teacher, weights, o, least):
    """All outputs; a Term for each component of the gradients, which is right to within a part of the least number."""
    t, beta, kind = mpf(o["temperature"]), mpf(o["beta"]), int(o["divergence"])
    weights = [mpf(x) for x in weights or [1] * len(student)]
    weight = fsum(weights)
    scale = (1 / weight if weight else mpf(0)) if o["reduction"] else mpf(1)
    results = {"losses": [], "student_gradient": [], "teacher_gradient": []}
    for x, y, w in zip(student, teacher, weights):
        w *= t * t if o["temperature_squared"] else 1
        if not w or is_bad(x) or is_bad(y):
            value = NAN if w else mpf(0)
            results["losses"].append([value])
            for name in ("student_gradient", "teacher_gradient"):
                results[name].append([Term(value, mpf(0))] * len(x))
            continue
        if list(x) == list(y):
            value, *slopes = 0.0, *[([mpf(0)] * len(x), [mpf(0)] * len(x))] * 2
        else:
            value, *slopes = divergence(kind, *(softmax([mpf(v) / t for v in row])[0] for row in (y, x)), beta)
        results["losses"].append([INF if value == INF else value * w if value else 0.0])
        for name, (own, terms) in zip(("teacher_gradient", "student_gradient"), slopes):
            size = scale * w / t
            results[name].append([Term(a if a != a else a * size, b * abs(size) + least) for a, b in zip(own, terms)])
    losses = [row[0] for row in results["losses"]]
    bad = any(x != x for x in losses)
    out = NAN if bad else INF if INF in losses else fsum(losses) * scale
    results["out"] = [[out if weight or not o["reduction"] else 0.0]]
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

    @g.vector_file(out=loss, losses=loss, log_sums=gradient, gradient=gradient, target_gradient=gradient)
    def softmax_cross_entropy_soft_(file, rng):
        def targets(rows, cols, dtype="f64"):
            if dtype[0] in "iu":
                return g.Array(dtype, [[rng.randrange(9) for _ in range(cols)] for _ in range(rows)])
            return g.Array(dtype, [[g.as_dtype(rng.randrange(1, 1025) / 1024, dtype) for _ in range(cols)]
                                   for _ in range(rows)])

        def add(name, x, t, keep=None, w=None, r=None, **options):
            o = {**DEFAULTS, **options}
            with mp.workdps(digits(*x.rows) if len(x.rows) < 8 else 400):
                least = mpf(2) ** -126 if x.dtype != "f64" else mpf(0)
                results = softmax_cross_entropy_soft(x.rows, t.rows, w, r, o, least)
                results["log_sums"] = [
                    [Term(v, mpf(1)) if v != v else Term(v, 1 + abs(max(row)) / mpf(o["temperature"]))]
                    for (v,), row in zip(results["log_sums"], x.rows)]
            if o["softcap"]:
                file.outputs = {n: g.Output(2.0**-40, 2.0**-19, v.terms) for n, v in file.outputs.items()}
            inputs = {"logits": x, "targets": t}
            if w:
                inputs["class_weights"] = g.f64(w)
            if r:
                inputs["row_weights"] = g.f64(*[[v] for v in r])
            order = ("out", "losses", "log_sums", "gradient", "target_gradient")
            results = {n: results[n] for n in order if keep is None or n in keep}
            file.add(name, inputs | (o if options else {}), results)
            file.outputs = outputs

        outputs = file.outputs
        for cols in (1, 2, 3, 7, 8, 9, 15, 16, 17, 33, 64, 65, 129):
            rows = 1 if cols > 10 else 3
            add(f"n{cols}", logits(rng, g, "f64", rows, cols), targets(rows, cols))
        for dtype in ("f32", "f16", "bf16"):
            for cols in (3, 33, 83):
                add(f"{dtype}_n{cols}", logits(rng, g, dtype, 1, cols), targets(1, cols, dtype))
        for dtype in ("f32", "i64", "u8"):
            add(f"targets_{dtype}", logits(rng, g, "f64", 2, 7), targets(2, 7, dtype))
            add(f"f32_targets_{dtype}", logits(rng, g, "f32", 2, 7), targets(2, 7, dtype))
        add("f32_targets_f64", logits(rng, g, "f32", 2, 7), targets(2, 7))
        for cols, dtype in ((4163, "f32"), (2100, "f64")):
            add(f"{dtype}_n{cols}", logits(rng, g, dtype, 1, cols), targets(1, cols, "u8"), ("out", "losses"))
        for dtype in ("f64", "f32"):
            for gap in (20.0, 60.0, 600.0):
                for cols in (5, 70):
                    x = logits(rng, g, dtype, 1, cols, 1.0)
                    x.rows[0][3] = g.as_dtype(x.rows[0][3] + gap, dtype)
                    one = g.Array(dtype, [[float(j == 3) for j in range(cols)]])
                    add(f"confident_{dtype}_{cols}_{gap:g}", x, one)
                    add(f"soft_{dtype}_{cols}_{gap:g}", x, targets(1, cols, dtype), label_smoothing=0.1)
        for cols, dtype in ((7, "f64"), (70, "f64"), (70, "f32")):
            w = [0.25 + rng.getrandbits(6) / 64 for _ in range(cols)]
            rows = 3 if cols < 40 else 2
            r, x, t = [1.5, 0.0, 0.25][:rows], logits(rng, g, dtype, rows, cols), targets(rows, cols, dtype)
            name = f"{dtype}_{cols}"
            add(f"smoothing_{name}", x, t, label_smoothing=0.1)
            add(f"smoothing_all_{name}", x, t, label_smoothing=1.0)
            add(f"weights_{name}", x, t, w=w)
            add(f"row_weights_{name}", x, t, r=r)
            add(f"z_loss_{name}", x, t, z_loss=1e-3)
            add(f"temperature_{name}", x, t, temperature=0.7)
            add(f"softcap_{name}", x, t, softcap=5.0)
            add(f"sum_{name}", x, t, reduction=0.0)
            add(f"all_{name}", x, t, w=w, r=r, label_smoothing=0.1, z_loss=1e-4, softcap=8.0, temperature=1.3)
        x = logits(rng, g, "f64", 2, 4)
        add("class_of_weight_0", x, g.f64([1.0, 0.0, 2.0, 0.0], [0.0, 3.0, 0.0, 0.0]), w=[1.0, 0.0, 2.0, 1.0])
        add("nothing_counts", x, targets(2, 4), r=[0.0, 0.0])
        add("nan_of_no_weight", g.f64([NAN, 1.0], [0.5, 2.0]), targets(2, 2), r=[0.0, 1.0])
        for name in outputs:
            add(f"{name}_alone", x, targets(2, 4), (name,), label_smoothing=0.25)
        # What is no number, or no distribution.
        add("minus_infinity", g.f64([1.0, -INF, 2.0]), g.f64([0.5, 0.0, 0.5]))
        add("minus_infinity_target", g.f64([1.0, -INF, 2.0]), g.f64([0.5, 0.25, 0.25]))
        add("minus_infinity_f32", g.Array("f32", [[1.0, -INF, 2.0]]), g.Array("f32", [[0.5, 0.0, 0.5]]))
        add("infinity", g.f64([1.0, INF], [1.0, 2.0]), targets(2, 2))
        add("nan", g.f64([1.0, NAN], [1.0, 2.0]), targets(2, 2))
        add("negative", x, g.f64([0.5, -0.25, 0.5, 0.25], [1.0, 1.0, 0.0, 0.5]))
        add("negative_greatest", g.f64([1.0, 3.0]), g.f64([0.5, -0.25]))
        add("no_target", x, g.f64([0.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.5]))
        add("nan_target", x, g.f64([0.0, NAN, 0.0, 1.0], [0.0, 1.0, 0.0, 0.5]))
        add("infinite_target", x, g.f64([0.0, INF, 0.0, 1.0], [0.0, 1.0, 0.0, 0.5]))

    @g.vector_file(out=loss, losses=loss, student_gradient=gradient, teacher_gradient=gradient)
    def distillation_(file, rng):
        small = ("out", "losses")

        def add(name, student, teacher, keep=None, weights=None, **options):
            o = DISTILLATION | options
            with mp.workdps(digits(*student.rows, *teacher.rows) if len(student.rows) < 4 else 400):
                least = mpf(2) ** -126 if "f64" not in (student.dtype, teacher.dtype) else mpf(0)
                results = distillation(student.rows, teacher.rows, weights, o, least)
            inputs = {"student": student, "teacher": teacher}
            if weights:
                inputs["row_weights"] = g.f64(*[[x] for x in weights])
            order = (*small, "student_gradient", "teacher_gradient")
            results = {n: results[n] for n in order if keep is None or n in keep}
            file.add(name, inputs | (o if options else {}), results)

        def near(x, size):
            def one(v):
                v += rng.gauss(0, size)
                return round(v * 2**20) / 2**20 if x.dtype == "f64" and len(x.rows[0]) > 1000 else v
            return g.Array(x.dtype, [[g.as_dtype(one(v), x.dtype) for v in row] for row in x.rows])

        def moved(x, step):
            return g.Array(x.dtype, [[g.as_dtype(v + step, x.dtype) for v in row] for row in x.rows])

        def each(name, student, teacher, keep=None, kinds=(0, 1, 2, 3), **options):
            for kind in kinds:
                word = ("forward", "reverse", "mixture", "variation")[kind]
                add(f"{word}_{name}", student, teacher, keep, **{"divergence": float(kind)} | options)

        for cols in (1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 65):
            x = logits(rng, g, "f64", 1 if cols > 9 else 2, cols)
            each(f"n{cols}", near(x, 0.5), x)
        x = logits(rng, g, "f64", 2, 5)
        add("defaults", near(x, 0.5), x)
        for dtype in ("f32", "f16", "bf16"):
            x = logits(rng, g, dtype, 1, 37)
            each(dtype, near(x, 0.25), x)
        each("types", logits(rng, g, "f32", 1, 19), logits(rng, g, "bf16", 1, 19))
        each("mixed", logits(rng, g, "f32", 1, 19), logits(rng, g, "f64", 1, 19))
        for cols, dtype, kind in ((2100, "f64", 2), (4163, "f32", 0), (2100, "bf16", 1), (2100, "f32", 3)):
            x = logits(rng, g, dtype, 1, cols)
            each(f"{dtype}_n{cols}", near(x, 1e-6 if dtype == "f32" else 0.03), x, small, (kind,))
        # Rows that nearly agree: of the first digit of a probability, and of the last.
        for power in (2, 4, 6, 8, 10, 12, 14):
            x = logits(rng, g, "f64", 1, 21)
            each(f"near_1e-{power}", near(x, 10.0**-power), x)
            if power in (6, 12):
                each(f"moved_1e-{power}", moved(near(x, 10.0**-power), 16.0), x, temperature=1.5)
        x = logits(rng, g, "f32", 1, 70)
        each("near_f32", near(x, 1e-6), x)
        each("moved_f32", moved(near(x, 1e-2), 100.0), x)
        one = g.Array("f32", [list(x.rows[0])])
        one.rows[0][8] = g.as_dtype(one.rows[0][8] * (1 + 2.0**-22), "f32")
        each("one_bit_f32", one, x)
        x = logits(rng, g, "f64", 1, 11)
        each("equal", x, x)
        each("far", logits(rng, g, "f64", 2, 12, 300.0), logits(rng, g, "f64", 2, 12, 300.0))
        each("far_f32", logits(rng, g, "f32", 1, 12, 60.0), logits(rng, g, "f32", 1, 12, 60.0))
        for gap in (30.0, 90.0, 600.0):
            for dtype in ("f64", "f32"):
                x = logits(rng, g, dtype, 1, 7, 1.0)
                y = near(x, 0.5)
                for row in (x, y):
                    row.rows[0][3] = g.as_dtype(row.rows[0][3] + gap, dtype)
                each(f"confident_{dtype}_{gap:g}", y, x)
                each(f"wrong_{dtype}_{gap:g}", logits(rng, g, dtype, 1, 7), x)
        # Options.
        x, y = logits(rng, g, "f64", 3, 6), logits(rng, g, "f64", 3, 6)
        each("temperature", x, y, temperature=2.5)
        each("squared", x, y, temperature=2.5, temperature_squared=1.0)
        each("sum", x, y, reduction=0.0)
        each("weights", x, y, weights=[0.5, 0.0, 3.0])
        for beta in (1e-6, 0.01, 0.3, 0.75, 0.999):
            add(f"beta_{beta:g}", x, y, beta=beta, divergence=2.0)
            add(f"near_beta_{beta:g}", near(y, 1e-7), y, beta=beta, divergence=2.0)
        add("nothing_counts", x, y, weights=[0.0, 0.0, 0.0])
        for name in ("out", "losses", "student_gradient", "teacher_gradient"):
            add(f"{name}_alone", x, y, (name,), divergence=1.0, temperature=0.5)
        # What is no number.
        each("minus_infinity", g.f64([1.0, -INF, 2.0, 0.5]), g.f64([0.5, 0.25, 1.0, 0.0]))
        each("minus_infinity_both", g.f64([1.0, -INF, 2.0, 0.5]), g.f64([0.5, -INF, 1.0, 0.0]))
        each("minus_infinity_teacher_f32", g.Array("f32", [[0.5, 0.25, 1.0]]), g.Array("f32", [[1.0, -INF, 2.0]]))
        each("apart", g.f64([1.0, -INF, -INF]), g.f64([-INF, 2.0, 0.5]))
        each("nan", g.f64([1.0, NAN], [1.0, 2.0]), g.f64([1.0, 2.0], [0.5, 2.0]))
        each("infinity", g.f64([1.0, 2.0], [1.0, 2.0]), g.f64([1.0, 2.0], [0.5, INF]))
        each("nothing", g.f64([-INF, -INF]), g.f64([1.0, 2.0]))
        add("nan_of_no_weight", g.f64([1.0, NAN], [1.0, 2.0]), g.f64([1.0, 2.0], [0.5, 2.0]), weights=[0.0, 1.0])

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

    def vjp(file, rng, product):
        for name, x, t in softmax_inputs(rng, g):
            v = g.Array(x.dtype, [[g.as_dtype(rng.randrange(-512, 513) / 128, x.dtype) for _ in row] for row in x.rows])
            if name == "n7":
                v = g.Array("i8", [[rng.randrange(-9, 10) for _ in row] for row in x.rows])
            rows = []
            least = mpf(2) ** -126 if x.dtype != "f64" else mpf(0)
            with mp.workdps(digits(*x.rows)):
                for row, upstream in zip(x.rows, v.rows):
                    if is_bad(row):
                        rows.append([Term(NAN, mpf(1))] * len(row))
                        continue
                    p, _ = softmax([mpf(a) / mpf(t) for a in row])
                    place = row.index(max(row))
                    rows.append([Term(a / mpf(t), b / mpf(t) + least)
                                 for a, b in product(p, [mpf(a) for a in upstream], place)])
            file.add(name, {"logits": x, "upstream": v, "temperature": t}, {"gradient": rows})

    @g.vector_file(gradient=gradient)
    def softmax_vjp(file, rng):
        def product(p, v, place):
            for k, (a, b) in enumerate(zip(p, v)):
                terms = [a * c * (b - d) for c, d in zip(p, v)]
                size = fsum(abs(x) for x in terms) + a * abs(b - v[place])
                size += a * fsum(c * abs(d - v[place]) for c, d in zip(p, v))
                yield fsum(terms), size
        vjp(file, rng, product)

    @g.vector_file(gradient=gradient)
    def log_softmax_vjp(file, rng):
        def product(p, v, place):
            for k, (a, b) in enumerate(zip(p, v)):
                terms = [b * fsum(c for j, c in enumerate(p) if j != k), *(-a * d for j, d in enumerate(v) if j != k)]
                yield fsum(terms), fsum(abs(x) for x in terms)
        vjp(file, rng, product)


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
