"""The rows of the section losses, beside torch, JAX and NumPy: the same value, and gradient, of the same logits."""

import numpy as np

from . import work
from .native import view

SEED = 20260102


def logits(random, shape, dtype="float32", near=None):
    if dtype == "bfloat16":
        import ml_dtypes
        dtype = ml_dtypes.bfloat16
    x = work.aligned(shape, dtype)
    for row in range(shape[0]):
        values = random.standard_normal(shape[1], np.float32) * np.float32(2 if near is None else 0.25)
        x[row] = values if near is None else near[row].astype(np.float32) + values
    return x


def tensor(x):
    import torch
    if x.dtype.name == "bfloat16":
        return torch.from_numpy(x.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(x)


def torch_way(expression, inputs, by=None, threads=1):
    """The value of an expression of tensors, or with it the gradient by one of them."""
    import torch
    torch.set_num_threads(threads)
    tensors = [tensor(x) for x in inputs]
    if by is None:
        def run():
            with torch.no_grad():
                return expression(*tensors)
        return run
    tensors[by].requires_grad_()

    def run():
        tensors[by].grad = None
        value = expression(*tensors)
        value.backward()
        gradient = tensors[by].grad
        return value.item(), gradient.float().numpy() if gradient.dtype == torch.bfloat16 else gradient.numpy()
    return run


def jax_way(expression, inputs, by=None):
    import jax
    arrays = [jax.numpy.asarray(x) for x in inputs]
    function = jax.jit(expression if by is None else jax.value_and_grad(expression, by))
    return lambda: jax.block_until_ready(function(*arrays))


def cross_entropy_row(shape, dtype, gradient):
    def build(context):
        import jax.numpy as jnp
        import torch.nn.functional as F
        from jax import nn
        random = np.random.default_rng(SEED)
        x = logits(random, shape, dtype)
        labels = random.integers(0, shape[1], shape[0])
        rows = np.arange(shape[0])
        case = work.Case({}, tolerance=1e-3 if dtype == "float32" else 0.05)
        slopes = work.aligned(shape, x.dtype) if gradient else None
        context.native(case, "softmax_cross_entropy", [view(x), view(labels[:, None]), view(None), view(None), None],
                       [np.empty(1), None, None, None, None, ("array", slopes)])
        context.python(case, "losses.softmax_cross_entropy", x, labels, **{"gradient": slopes} if gradient else {})
        by = 0 if gradient else None
        case.implementations["torch"] = torch_way(F.cross_entropy, [x, labels], by, context.threads)

        def loss(z, y):
            z = z.astype(jnp.float32)
            return (nn.logsumexp(z, 1) - z[jnp.arange(len(y)), y]).mean()
        case.implementations["jax"] = jax_way(loss, [x, labels], by)
        if dtype == "float32" and not gradient:
            def plain():
                top = x.max(1)
                return (top + np.log(np.exp(x - top[:, None]).sum(1)) - x[rows, labels]).mean(dtype=np.float64)
            case.implementations["numpy"] = plain
        case.reads, case.writes = [x], [slopes] if gradient else []
        return case
    return build, ("softmax_cross_entropy",)


def distillation_row(shape, dtype, gradient):
    def build(context):
        import jax.numpy as jnp
        import torch.nn.functional as F
        from jax import nn
        random = np.random.default_rng(SEED)
        teacher = logits(random, shape, dtype)
        student = logits(random, shape, dtype, teacher)
        case = work.Case({}, tolerance=1e-2)
        slopes = work.aligned(shape, student.dtype) if gradient else None
        context.native(case, "distillation", [view(student), view(teacher), view(None), None],
                       [np.empty(1), None, ("array", slopes), ("array", None)])
        context.python(case, "losses.distillation", student, teacher, **{"gradient": slopes} if gradient else {})
        by = 0 if gradient else None

        def torch_loss(s, t):
            return F.kl_div(F.log_softmax(s, 1), F.log_softmax(t, 1), reduction="batchmean", log_target=True)
        case.implementations["torch"] = torch_way(torch_loss, [student, teacher], by, context.threads)

        def jax_loss(s, t):
            s, t = nn.log_softmax(s.astype(jnp.float32), 1), nn.log_softmax(t.astype(jnp.float32), 1)
            return (jnp.exp(t) * (t - s)).sum(1).mean()
        case.implementations["jax"] = jax_way(jax_loss, [student, teacher], by)
        if dtype == "float32" and not gradient:
            def log_softmax(x):
                z = x - x.max(1, keepdims=True)
                return z - np.log(np.exp(z).sum(1, keepdims=True))

            def plain():
                s, t = log_softmax(student), log_softmax(teacher)
                return (np.exp(t) * (t - s)).sum(1).mean(dtype=np.float64)
            case.implementations["numpy"] = plain
        case.reads, case.writes = [student, teacher], [slopes] if gradient else []
        return case
    return build, ("distillation",)


def soft_row(shape, gradient):
    def build(context):
        import jax.numpy as jnp
        import torch.nn.functional as F
        from jax import nn
        random = np.random.default_rng(SEED)
        x, targets = logits(random, shape), work.distribution(random, shape, np.float32)
        case = work.Case({}, tolerance=1e-3)
        slopes = work.aligned(shape, np.float32) if gradient else None
        context.native(case, "softmax_cross_entropy_soft", [view(x), view(targets), view(None), view(None), None],
                       [np.empty(1), None, None, ("array", slopes), ("array", None)])
        context.python(case, "losses.softmax_cross_entropy_soft", x, targets,
                       **{"gradient": slopes} if gradient else {})
        by = 0 if gradient else None
        case.implementations["torch"] = torch_way(F.cross_entropy, [x, targets], by, context.threads)
        case.implementations["jax"] = jax_way(
            lambda z, t: -(t * nn.log_softmax(z, 1)).sum(1).mean(), [x, targets], by)
        if not gradient:
            def plain():
                top = x.max(1, keepdims=True)
                sums = top + np.log(np.exp(x - top).sum(1, keepdims=True))
                return (targets * (sums - x)).sum(1).mean(dtype=np.float64)
            case.implementations["numpy"] = plain
        case.reads, case.writes = [x, targets], [slopes] if gradient else []
        return case
    return build, ("softmax_cross_entropy_soft",)


def product_row(name, shape):
    """Vector-Jacobian products, the way forward with them."""
    def build(context):
        import jax
        import torch
        random = np.random.default_rng(SEED)
        x, v = logits(random, shape), logits(random, shape)
        case = work.Case({}, tolerance=1e-3)
        out = work.aligned(shape, np.float32)
        context.native(case, name, [view(x), view(v), 1.0], [("array", out)])
        context.python(case, f"losses.{name}", x, v, out=out)
        forward = getattr(torch, name.removesuffix("_vjp"))
        z, upstream = tensor(x).requires_grad_(), tensor(v)

        def run():
            z.grad = None
            forward(z, 1).backward(upstream)
            return z.grad.numpy()
        case.implementations["torch"] = run
        function = getattr(jax.nn, name.removesuffix("_vjp"))
        case.implementations["jax"] = jax_way(
            lambda z, v: jax.vjp(lambda z: function(z, 1), z)[1](v)[0], [x, v])
        case.reads, case.writes = [x, v], [out]
        return case
    return build, (name,)


def normalised_row(name, shape):
    """log-sum-exp, softmax and log-softmax."""
    def build(context):
        import torch
        from jax import nn
        x = logits(np.random.default_rng(SEED), shape)
        case = work.Case({}, tolerance=1e-3)
        is_sum = name == "logsumexp"
        out = np.empty(shape[0]) if is_sum else work.aligned(shape, np.float32)
        context.native(case, name, [view(x), 1.0], [out, ("array", None)] if is_sum else [("array", out)])
        context.python(case, f"losses.{name}", x, **{} if is_sum else {"out": out})
        case.implementations["torch"] = torch_way(lambda t: getattr(torch, name)(t, 1), [x], None, context.threads)
        case.implementations["jax"] = jax_way(lambda z: getattr(nn, name)(z, 1), [x])

        def plain():
            z = x - x.max(1, keepdims=True)
            terms = np.exp(z)
            total = terms.sum(1, keepdims=True)
            if is_sum:
                return (x.max(1, keepdims=True) + np.log(total))[:, 0]
            return terms / total if name == "softmax" else z - np.log(total)
        case.implementations["numpy"] = plain
        case.reads, case.writes = [x], [] if is_sum else [out]
        return case
    return build, (name,)


def rows(quick=False):
    large, wide, narrow, models = (4096, 32000), (8192, 1000), (65536, 10), (512, 128256)
    if quick:
        large, wide, narrow, models = (64, 32000), (256, 1000), (4096, 10), (8, 128256)
    found = []

    def add(name, dtype, shape, made):
        build, covers = made
        short = work.SHORT.get(dtype, "bf16")
        found.append(work.Row(f"{name} {short} [{shape[0]}x{shape[1]}]", "losses", build, covers))

    for dtype in ("float32", "bfloat16"):
        for shape in (large, wide, narrow):
            for gradient in (False, True):
                add("softmax_cross_entropy" + ", gradient" * gradient, dtype, shape,
                    cross_entropy_row(shape, dtype, gradient))
        for gradient in (False, True):
            add("distillation" + ", gradient" * gradient, dtype, models, distillation_row(models, dtype, gradient))
    for name in ("logsumexp", "softmax", "log_softmax"):
        add(name, "float32", large, normalised_row(name, large))
    for gradient in (False, True):
        add("softmax_cross_entropy_soft" + ", gradient" * gradient, "float32", wide, soft_row(wide, gradient))
    for name in ("softmax_vjp", "log_softmax_vjp"):
        add(name, "float32", wide, product_row(name, wide))
    return found
