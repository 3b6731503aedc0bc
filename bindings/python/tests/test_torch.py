"""nepit.torch beside torch.nn.functional: values, gradients, the same memory. `make test-torch` has a torch for it."""

import doctest
import itertools

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: nepit.torch is NOT tested (make test-torch)")

import nepit.torch as F  # noqa: E402
from nepit import NepitError  # noqa: E402

functional = torch.nn.functional
TOLERANCES = {torch.float64: 1e-13, torch.float32: 1e-5, torch.float16: 2e-3, torch.bfloat16: 2e-2}


@pytest.fixture
def drawn(random):
    def draw(*shape, dtype=torch.float64, scale=3.0):
        return torch.from_numpy(random.normal(size=shape) * scale).to(dtype)
    return draw


def labels(random, *shape, classes=5, ignored=None):
    drawn = random.integers(classes, size=shape)
    if ignored is not None and drawn.size > 2:
        drawn.reshape(-1)[::3] = ignored
    return torch.from_numpy(np.asarray(drawn))


def both(ours, theirs, input, *arguments, **options):
    """The values and the gradients of ours, and of torch's from float64."""
    found = []
    for function, dtype in ((ours, input.dtype), (theirs, torch.float64)):
        x = input.detach().clone().to(dtype).requires_grad_()
        loss = function(x, *arguments, **options)
        slope = torch.linspace(0.5, 1.5, loss.numel(), dtype=torch.float64).reshape(loss.shape).to(dtype)
        loss.backward(slope)
        found += [loss.detach(), x.grad]
    return found


def check(ours, theirs, input, *arguments, **options):
    loss, gradient, other_loss, other_gradient = both(ours, theirs, input, *arguments, **options)
    tolerance = TOLERANCES[input.dtype]
    assert loss.dtype == gradient.dtype == input.dtype
    assert torch.allclose(loss.double(), other_loss, rtol=tolerance, atol=0)
    size = other_gradient.abs().max()
    assert torch.allclose(gradient.double(), other_gradient, rtol=tolerance, atol=tolerance * size)


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("shape", [(5,), (7, 5), (3, 5, 4), (2, 5, 3, 2), (200, 5), (9, 300)])
def test_cross_entropy_is_torchs(drawn, random, dtype, shape):
    classes = shape[0] if len(shape) == 1 else shape[1]
    target = labels(random, *shape[:1] * (len(shape) > 1), *shape[2:], classes=classes)
    for reduction in ("mean", "sum", "none"):
        check(F.cross_entropy, functional.cross_entropy, drawn(*shape, dtype=dtype), target, reduction=reduction)


def test_cross_entropy_options(drawn, random):
    weight = torch.from_numpy(random.random(5) + 0.1)
    for use_weight, ignored, smoothing, reduction in itertools.product(
            (False, True), (None, -100, 2), (0.0, 0.3), ("mean", "sum", "none")):
        options = {"weight": weight if use_weight else None, "label_smoothing": smoothing, "reduction": reduction}
        if ignored is not None:
            options["ignore_index"] = ignored
        check(F.cross_entropy, functional.cross_entropy, drawn(9, 5), labels(random, 9, ignored=ignored), **options)
    target = labels(random, 9)
    for old in ({"reduce": False}, {"size_average": False}, {"size_average": True}):
        with pytest.warns(UserWarning):
            check(F.cross_entropy, functional.cross_entropy, drawn(9, 5), target, **old)


def test_cross_entropy_is_confident():
    loss = F.cross_entropy(torch.tensor([[0.0, 40.0]]), torch.tensor([1]))
    assert loss == torch.tensor(np.log1p(np.exp(-40.0)), dtype=torch.float32) and loss > 0
    assert F.cross_entropy(torch.zeros(2, 3), torch.tensor([-100, -100])) == 0


@pytest.mark.parametrize("options", [
    {}, {"reduction": "sum"}, {"reduction": "none"}, {"label_smoothing": 0.2}, {"ignore_index": 1}, {"z_loss": 0.1},
    {"softcap": 2.0}, {"temperature": 0.5}, {"weight": torch.tensor([0.5, 1.0, 2.0, 0.25, 3.0], dtype=torch.float64)}])
def test_cross_entropy_gradcheck(drawn, random, options):
    target = labels(random, 6)
    assert torch.autograd.gradcheck(lambda x: F.cross_entropy(x, target, **options), drawn(6, 5).requires_grad_())
    options = {key: value for key, value in options.items() if key != "weight"}
    wide = labels(random, 2, classes=80)
    assert torch.autograd.gradcheck(lambda x: F.cross_entropy(x, wide, **options), drawn(2, 80).requires_grad_())


def torch_distillation(student, teacher, divergence, beta, temperature, reduction):
    p, q = ((x / temperature).log_softmax(-1) for x in (teacher, student))
    m = torch.logaddexp(p + np.log(beta), q + np.log1p(-beta))
    rows = {"forward_kl": lambda: p.exp() * (p - q), "reverse_kl": lambda: q.exp() * (q - p),
            "jensen_shannon": lambda: beta * p.exp() * (p - m) + (1 - beta) * q.exp() * (q - m),
            "total_variation": lambda: (p.exp() - q.exp()).abs() / 2}[divergence]().sum(-1)
    return {"mean": rows.mean, "sum": rows.sum, "none": lambda: rows}[reduction]()


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("divergence", ["forward_kl", "reverse_kl", "jensen_shannon", "total_variation"])
def test_distillation(drawn, dtype, divergence):
    for shape in ((5,), (6, 5), (2, 3, 90)):
        teacher = drawn(*shape, dtype=dtype)
        for reduction in ("mean", "sum", "none"):
            def ours(x):
                return F.distillation(x, teacher, divergence=divergence, beta=0.3, temperature=2.0, reduction=reduction)

            def theirs(x):
                return torch_distillation(x, teacher.double(), divergence, 0.3, 2.0, reduction)

            check(ours, theirs, drawn(*shape, dtype=dtype))


@pytest.mark.parametrize("divergence", ["forward_kl", "reverse_kl", "jensen_shannon"])
def test_distillation_gradcheck(drawn, divergence):
    student, teacher = drawn(4, 6).requires_grad_(), drawn(4, 6).requires_grad_()
    for reduction in ("mean", "none"):
        def loss(x, y):
            return F.distillation(x, y, divergence=divergence, beta=0.3, temperature=1.5, reduction=reduction)

        assert torch.autograd.gradcheck(loss, (student, teacher))
        assert torch.autograd.gradcheck(loss, (student.detach(), teacher))


def test_distillation_where_models_nearly_agree():
    teacher = torch.linspace(-3, 3, 1000)
    student = teacher + 1e-6 * torch.linspace(-1, 1, 1000) ** 2
    p, d = teacher.double().softmax(-1), student.double() - teacher.double()
    want = (p * d.expm1()).sum().log1p() - (p * d).sum()
    assert torch.isclose(F.distillation(student, teacher).double(), want, rtol=1e-5, atol=0)


def torch_gaussian_kl(mean, log_variance, other_mean=0.0, other_log_variance=torch.zeros(())):
    ratio = (log_variance - other_log_variance).exp()
    return 0.5 * (ratio - 1 + other_log_variance - log_variance
                  + (mean - other_mean) ** 2 / other_log_variance.exp())


@pytest.mark.parametrize("dtype", TOLERANCES)
def test_gaussian_kl(drawn, dtype):
    log_variance, others = drawn(6, 4, dtype=dtype, scale=0.5), (drawn(4, dtype=dtype), drawn(1, 4, dtype=dtype))
    for some in ((), others):
        def rows(x):
            return torch_gaussian_kl(x, log_variance.double(), *(y.double() for y in some))

        for reduction, theirs in {"none": rows, "rows": lambda x: rows(x).sum(-1), "sum": lambda x: rows(x).sum(),
                                  "mean": lambda x: rows(x).sum(-1).mean()}.items():
            def ours(x):
                return F.gaussian_kl(x, log_variance, *some, reduction=reduction)

            check(ours, theirs, drawn(6, 4, dtype=dtype))


def test_gaussian_kl_gradcheck(drawn):
    inputs = [drawn(*shape, scale=0.5).requires_grad_() for shape in ((3, 4), (1, 4), (4,), (3, 1))]
    for reduction in ("mean", "sum", "rows", "none"):
        for count in (2, 4):
            assert torch.autograd.gradcheck(lambda *x: F.gaussian_kl(*x, reduction=reduction), inputs[:count])
    mean, log_variance = (x.detach() for x in inputs[:2])
    assert torch.autograd.gradcheck(lambda x: F.gaussian_kl(mean, x, free_bits=0.05), log_variance.requires_grad_())
    with pytest.raises(NepitError, match="shapes do not fit"):
        F.gaussian_kl(mean, torch.zeros(5))


def torch_binary_cross_entropy(input, target, weight, reduction, pos_weight):
    """By softplus: torch's own loses digits where a prediction is confident."""
    def softplus(x):
        return x.clamp(min=0) + (-x.abs()).exp().log1p()

    loss = target * softplus(-input) * (1 if pos_weight is None else pos_weight) + (1 - target) * softplus(input)
    loss = loss if weight is None else loss * weight
    return loss if reduction == "none" else getattr(loss, reduction)()


@pytest.mark.parametrize("dtype", TOLERANCES)
def test_binary_cross_entropy(drawn, random, dtype):
    for shape in ((5,), (6, 5), (2, 3, 5)):
        target = torch.from_numpy((random.random(shape) < 0.5).astype(float))
        for weight, pos_weight, reduction in itertools.product(
                (None, drawn(*shape).abs()), (None, drawn(5).abs()), ("mean", "sum", "none")):
            options = {"weight": weight, "pos_weight": pos_weight, "reduction": reduction}
            input = drawn(*shape, dtype=dtype)
            check(F.binary_cross_entropy_with_logits, torch_binary_cross_entropy, input, target, **options)
            loss = F.binary_cross_entropy_with_logits(input.double(), target, **options)
            assert torch.allclose(loss, functional.binary_cross_entropy_with_logits(input.double(), target, **options))


def test_binary_cross_entropy_gradcheck(drawn, random):
    logits, target = drawn(4, 3).requires_grad_(), torch.from_numpy(random.random((4, 3))).requires_grad_()
    pos_weight = drawn(3).abs()
    for reduction in ("mean", "sum", "none"):
        def loss(x, y):
            return F.binary_cross_entropy_with_logits(x, y, pos_weight=pos_weight, reduction=reduction)

        assert torch.autograd.gradcheck(loss, (logits, target))
    with pytest.raises(NepitError, match="target has the shape"):
        F.binary_cross_entropy_with_logits(logits, target[0])


@pytest.mark.parametrize("dtype", TOLERANCES)
def test_memory_is_not_copied(drawn, dtype):
    whole = drawn(8, 12, dtype=dtype)
    for part in (whole, whole[::2], whole[:, 3:9], whole.T, whole[:, ::2]):
        item = F._matrix(part, "input")
        assert item.array.ctypes.data == part.data_ptr() and item.array.shape == part.shape
        assert [stride // item.array.itemsize for stride in item.array.strides] == list(part.stride())


def test_strides_and_threads(drawn, random):
    whole, target = drawn(600, 300, dtype=torch.float32), labels(random, 300, classes=600)
    threads = torch.get_num_threads()
    try:
        results = []
        for count in (1, 2):
            torch.set_num_threads(count)
            for input in (whole.T, whole.T.contiguous()):
                x = input.detach().requires_grad_()
                loss = F.cross_entropy(x, target)
                loss.backward()
                results.append((loss, x.grad))
        for loss, gradient in results[1:]:
            assert torch.equal(loss, results[0][0]) and torch.equal(gradient, results[0][1])
    finally:
        torch.set_num_threads(threads)


def test_training_converges(drawn, random):
    x, target = drawn(200, 4, scale=1.0), labels(random, 200, classes=3)
    layer = torch.nn.Linear(4, 3, dtype=torch.float64)
    ours, theirs = ([parameter.detach().clone().requires_grad_() for parameter in layer.parameters()] for _ in range(2))
    for step in range(50):
        for parameters, loss in ((ours, F.cross_entropy), (theirs, functional.cross_entropy)):
            gradients = torch.autograd.grad(loss(x @ parameters[0].T + parameters[1], target), parameters)
            with torch.no_grad():
                for parameter, gradient in zip(parameters, gradients):
                    parameter -= gradient
    for a, b in zip(ours, theirs):
        assert torch.allclose(a, b, rtol=1e-12, atol=1e-12)


def test_no_second_derivatives(drawn, random):
    x = drawn(3, 5).requires_grad_()
    with pytest.raises(NepitError, match="no second derivatives"):
        torch.autograd.grad(F.cross_entropy(x, labels(random, 3)), x, create_graph=True)


def test_examples_run():
    failed, attempted = doctest.testmod(F)
    assert attempted > 0 and failed == 0


@pytest.mark.parametrize("arguments, message", [
    ((torch.zeros(2, 3), torch.zeros(2)), "target must be a tensor of class indices"),
    ((torch.zeros(2, 3), torch.zeros(3, dtype=torch.int64)), r"target has the shape \(3,\)"),
    ((torch.zeros(2, 3), torch.tensor([0, 3])), "label"),
    ((torch.zeros(2, 3, dtype=torch.int64), torch.tensor([0, 1])), "input must be a tensor of floats"),
    ((np.zeros((2, 3)), torch.tensor([0, 1])), "input must be a tensor"),
    ((torch.zeros(2, 3, device="meta"), torch.tensor([0, 1])), "not in the memory of the processor"),
    ((torch.zeros(2, 3).to_sparse(), torch.tensor([0, 1])), "dense"),
    ((torch.tensor(1.0), torch.tensor(0)), "needs? an axis"),
])
def test_wrong_arguments(arguments, message):
    with pytest.raises(NepitError, match=message):
        F.cross_entropy(*arguments)
