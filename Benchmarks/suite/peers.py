"""The peers' best idioms for the four measures at the core: buffers made beforehand where they take them, weights that
are normalised and positive as they need them to be, and several ways where it is not plain which is fastest.

Each function returns name -> function without arguments, whose result is an array or a number.
"""

import numpy as np


def numpy_ways(measure, p, q, axis):
    b, m = np.empty_like(p), np.empty_like(p)
    if p.ndim == 1:
        reduce = {"dot": lambda x, y: np.dot(x, y)}
    else:
        sums = "ij,ij->i" if axis == 1 else "ij,ij->j"
        reduce = {"einsum": lambda x, y: np.einsum(sums, x, y),
                  "sum": lambda x, y: np.multiply(x, y, out=y).sum(axis)}

    def way(total):
        def entropy():
            return -total(p, np.log(p, out=b))

        def cross_entropy():
            return -total(p, np.log(q, out=b))

        def kl_divergence():
            return total(p, np.log(np.divide(p, q, out=b), out=b))

        def kl_divergence_counts():
            p_sum, q_sum = p.sum(), q.sum()
            return total(p, np.log(np.divide(p, q, out=b), out=b)) / p_sum + np.log(q_sum / p_sum)

        def jensen_shannon_divergence():
            np.add(p, q, out=m)
            np.multiply(m, 0.5, out=m)
            left = total(p, np.log(np.divide(p, m, out=b), out=b))
            return (left + total(q, np.log(np.divide(q, m, out=b), out=b))) / 2
        return locals()[measure]
    return {f"numpy {name}": way(total) for name, total in reduce.items()}


def scipy_ways(measure, p, q, axis):
    from scipy import special, stats
    from scipy.spatial import distance
    b = np.empty_like(p)
    along = {} if p.ndim == 1 else {"axis": axis}
    ways = {
        "entropy": {"scipy.stats.entropy": lambda: stats.entropy(p, **along),
                    "scipy entr": lambda: special.entr(p, out=b).sum(**along)},
        "cross_entropy": {"scipy xlogy": lambda: -special.xlogy(p, q, out=b).sum(**along)},
        "kl_divergence": {"scipy.stats.entropy": lambda: stats.entropy(p, q, **along),
                          "scipy rel_entr": lambda: special.rel_entr(p, q, out=b).sum(**along)},
        "kl_divergence_counts": {"scipy.stats.entropy": lambda: stats.entropy(p, q, **along)},
        "jensen_shannon_divergence": {
            "scipy jensenshannon": lambda: distance.jensenshannon(p, q, **along) ** 2,
        },
    }
    return ways[measure]


def torch_ways(measure, p, q, axis, compiled):
    import torch
    tp = torch.from_numpy(p)
    tq = None if q is None else torch.from_numpy(q)
    b, m = torch.empty_like(tp), torch.empty_like(tp)

    def total(x, y):
        return torch.dot(x, y) if x.ndim == 1 else torch.mul(x, y, out=y).sum(axis)

    def along(x):
        return x.sum() if x.ndim == 1 else x.sum(axis)

    def entropy():
        return -total(tp, torch.log(tp, out=b))

    def cross_entropy():
        return -total(tp, torch.log(tq, out=b))

    def kl_divergence():
        return total(tp, torch.div(tp, tq, out=b).log_())

    def kl_divergence_counts():
        p_sum, q_sum = tp.sum(), tq.sum()
        return total(tp, torch.div(tp, tq, out=b).log_()) / p_sum + torch.log(q_sum / p_sum)

    def jensen_shannon_divergence():
        torch.add(tp, tq, out=m).mul_(0.5)
        left = total(tp, torch.div(tp, m, out=b).log_())
        return (left + total(tq, torch.div(tq, m, out=b).log_())) / 2

    expressions = {
        "entropy": lambda p, q: -along(p * p.log()),
        "cross_entropy": lambda p, q: -along(p * q.log()),
        "kl_divergence": lambda p, q: along(p * (p / q).log()),
        "kl_divergence_counts":
            lambda p, q: along(p * (p / q).log()) / along(p) + (along(q) / along(p)).log(),
        "jensen_shannon_divergence":
            lambda p, q: along(p * (2 * p / (p + q)).log() + q * (2 * q / (p + q)).log()) / 2,
    }
    ways = {"torch": locals()[measure]}
    if measure == "entropy":
        ways["torch entr"] = lambda: along(torch.special.entr(tp))
    if compiled:
        function = torch.compile(expressions[measure], dynamic=False)
        ways["torch.compile"] = lambda: function(tp, tq)
    return ways


def jax_ways(measure, p, q, axis):
    import jax
    jax.config.update("jax_enable_x64", True)
    import jax.numpy as jnp
    from jax.scipy import special
    jp = jax.dlpack.from_dlpack(p)
    jq = None if q is None else jax.dlpack.from_dlpack(q)

    def along(x):
        return x.sum() if x.ndim == 1 else x.sum(axis)

    expressions = {
        "entropy": {"jax": lambda p, q: -along(p * jnp.log(p)), "jax entr": lambda p, q: along(special.entr(p))},
        "cross_entropy": {"jax": lambda p, q: -along(p * jnp.log(q))},
        "kl_divergence": {"jax": lambda p, q: along(p * jnp.log(p / q)),
                          "jax rel_entr": lambda p, q: along(special.rel_entr(p, q))},
        "kl_divergence_counts": {
            "jax": lambda p, q: along(p * jnp.log(p / q)) / along(p) + jnp.log(along(q) / along(p))},
        "jensen_shannon_divergence": {
            "jax": lambda p, q: along(p * jnp.log(2 * p / (p + q)) + q * jnp.log(2 * q / (p + q))) / 2},
    }

    def way(expression):
        function = jax.jit(expression)
        return lambda: function(jp, jq).block_until_ready()
    return {name: way(expression) for name, expression in expressions[measure].items()}


def ways(measure, p, q=None, axis=0, *, compiled=True, threads=1):
    """All implementations of the peers that are installed."""
    import torch
    torch.set_num_threads(threads)
    return {**numpy_ways(measure, p, q, axis), **scipy_ways(measure, p, q, axis),
            **torch_ways(measure, p, q, axis, compiled), **jax_ways(measure, p, q, axis)}


def loss_ways(expression, inputs, differentiable, *, compiled=True, threads=1):
    """A loss and its gradients: NumPy by formulas, the others by their differentiation."""
    import jax
    import jax.numpy as jnp
    import torch
    torch.set_num_threads(threads)
    tensors = [torch.from_numpy(x) for x in inputs]
    leaves = [x.requires_grad_() if place < differentiable else x for place, x in enumerate(tensors)]

    def torch_way(function):
        def run():
            value = function(*leaves)
            return value.detach(), *torch.autograd.grad(value, leaves[:differentiable])
        return run

    jax_inputs = [jax.dlpack.from_dlpack(x) for x in inputs]
    jax_function = jax.jit(jax.value_and_grad(lambda *x: expression(jnp, *x), tuple(range(differentiable))))

    def jax_way():
        value, slopes = jax.block_until_ready(jax_function(*jax_inputs))
        return value, *slopes
    ways = {"numpy": lambda: expression(np, *inputs),
            "torch": torch_way(lambda *x: expression(torch, *x)), "jax": jax_way}
    if compiled:
        ways["torch.compile"] = torch_way(torch.compile(lambda *x: expression(torch, *x), dynamic=False))
    return ways


def logits_kl(base, test, threads):
    """KL(base || test) of each row of logits, the way it is usually written."""
    import torch
    torch.set_num_threads(threads)
    functional = torch.nn.functional
    x, y = torch.from_numpy(base), torch.from_numpy(test)

    def log_softmax(x):
        x = x - x.max()
        return x - np.log(np.exp(x).sum())

    def numpy_rows():
        out = np.empty(len(base))
        for index in range(len(base)):
            p = log_softmax(base[index])
            out[index] = np.dot(np.exp(p), p - log_softmax(test[index]))
        return out

    def torch_kl():
        p, q = functional.log_softmax(x, -1), functional.log_softmax(y, -1)
        return functional.kl_div(q, p, reduction="none", log_target=True).sum(-1)

    return {"numpy rows": numpy_rows, "torch kl_div": torch_kl}
