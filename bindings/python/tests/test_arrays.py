"""Shapes, axes, strides, element types: whatever the memory looks like, the result is that of a plain copy, by bits."""

import itertools

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from measures import ONE, TWO

import nepit
from nepit import NepitError, _arrays

BITS = {np.dtype(np.float64): np.uint64, np.dtype(np.float32): np.uint32}


def same(got, want):
    got, want = np.asarray(got), np.asarray(want)
    assert got.shape == want.shape and got.dtype == want.dtype
    assert np.array_equal(np.ascontiguousarray(got).view(BITS[got.dtype]),
                          np.ascontiguousarray(want).view(BITS[want.dtype])), (got, want)


def by_rows(measure, arrays, axis, **options):
    """The measure of each row by itself: loops, copies, and nothing of what is tested here."""
    moved = np.broadcast_arrays(*(np.moveaxis(np.asarray(a), axis, -1) for a in arrays))
    lead = moved[0].shape[:-1]
    values = np.empty(lead)
    for index in np.ndindex(*lead):
        values[index] = measure(*(a[index].copy() for a in moved), **options)
    return values


kl = nepit.kl_divergence

# ------------------------------------------------------------------------------------------------------------ axes


@pytest.mark.parametrize("shape", [(5,), (1,), (3, 5), (5, 1), (2, 3, 4), (4, 1, 3), (2, 3, 2, 3)], ids=str)
def test_every_axis_of_every_order(shape, random):
    p = random.random(shape)
    q = random.random(shape)
    for axis in range(-len(shape), len(shape)):
        entropy, divergence = by_rows(nepit.entropy, [p], axis), by_rows(kl, [p, q], axis)
        for order in itertools.permutations(range(len(shape))):  # the same numbers, laid out in every order
            laid = np.empty([shape[i] for i in order]).transpose(np.argsort(order))
            laid[...] = p
            same(nepit.entropy(laid, axis=axis), entropy)
            same(kl(laid, q, axis=axis), divergence)
            same(kl(q, laid, axis=axis), by_rows(kl, [q, p], axis))


@pytest.mark.parametrize("measure", ONE + TWO, ids=str)
def test_all_measures_along_an_axis_with_keepdims(measure, random):
    count = 1 if measure in ONE else 2
    arrays = [random.random((3, 7, 2)) for _ in range(count)]
    want = by_rows(measure, arrays, 1)
    same(measure(*arrays, axis=1), want)
    same(measure(*arrays, axis=-2, keepdims=True), want[:, np.newaxis, :])
    flat = measure(*(a.ravel() for a in arrays))
    assert type(flat) is float
    assert measure(*arrays, axis=None) == flat
    same(measure(*arrays, axis=None, keepdims=True), np.full((1, 1, 1), flat))
    same(measure(*(a.ravel() for a in arrays), keepdims=True), np.array([flat]))


def test_axis_none_of_another_order_is_that_of_the_copy(random):
    p = random.random((40, 30))
    assert nepit.entropy(p.T, axis=None) == nepit.entropy(p.T.copy().ravel())
    assert kl(p.T, p[:1].T, axis=None) == kl(p.T.copy().ravel(), np.repeat(p[0], 40))


def test_broadcasting(random):
    p = random.random((4, 1, 3, 6))
    q = random.random((5, 1, 6))
    same(kl(p, q, axis=-1), by_rows(kl, [p, q], -1))
    same(kl(q, p, axis=-1), by_rows(kl, [q, p], -1))
    same(kl(p, q[0, 0], axis=-1, keepdims=True), by_rows(kl, [p, q[0, 0]], -1)[..., np.newaxis])
    assert kl(p, q, axis=-1).shape == (4, 5, 3)


def test_a_vector_is_one_distribution_whatever_the_axis(random):
    p, q = random.random((6, 6)), random.random(6)
    same(kl(p, q, axis=0), by_rows(kl, [p, q[:, np.newaxis]], 0))
    same(kl(q, p, axis=0), by_rows(kl, [q[:, np.newaxis], p], 0))
    same(kl(p, q, axis=1), by_rows(kl, [p, q], -1))


def test_zero_rows_and_read_only_and_repeated_memory(random):
    assert nepit.entropy(np.ones((0, 3)), axis=1).shape == (0,)
    assert nepit.entropy(np.ones((2, 0, 3)), axis=-1, keepdims=True).shape == (2, 0, 1)
    assert kl(np.ones((0, 3)), np.ones(3), axis=1).shape == (0,)
    assert nepit.smooth_additive(np.ones((0, 3)), 1, axis=1).shape == (0, 3)
    assert nepit.entr(np.ones((0, 3))).shape == (0, 3) and nepit.entr([]).shape == (0,)
    with pytest.raises(NepitError):
        nepit.entropy(np.ones((0, 3)), axis=1, base=0.5)
    p, q = random.random(5), random.random(5)
    once = np.broadcast_to(p, (4, 5))
    same(nepit.entropy(once, axis=1), np.full(4, nepit.entropy(p)))
    same(kl(once, np.broadcast_to(q, (4, 5)), axis=1), np.full(4, kl(p, q)))
    same(nepit.entropy(np.broadcast_to(2.0, (3, 8)), axis=1), np.full(3, nepit.entropy(np.full(8, 2.0))))
    p.flags.writeable = False
    assert nepit.entropy(p) == nepit.entropy(p.copy())


@given(st.data())
def test_any_view_is_as_its_copy(data):
    shape = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=4), label="shape")
    axis = data.draw(st.integers(-len(shape), len(shape) - 1), label="axis")
    seed = data.draw(st.integers(0, 99), label="seed")

    def some_view():
        steps = [data.draw(st.sampled_from([1, 1, 2, 3, -1, -2]), label="step") for _ in shape]
        order = data.draw(st.permutations(range(len(shape))), label="order")
        repeated = data.draw(st.lists(st.booleans(), min_size=len(shape), max_size=len(shape)), label="repeated")
        whole = np.random.default_rng(seed).random([shape[i] * abs(steps[i]) for i in order])
        view = whole.transpose(np.argsort(order))[tuple(slice(None, None, step) for step in steps)]
        for i, again in enumerate(repeated):
            if again and i != axis % len(shape):
                view = np.broadcast_to(view[(slice(None),) * i + (slice(0, 1),)], shape)
        return view

    p, q = some_view(), some_view()
    before = p.copy(), q.copy()
    same(nepit.entropy(p, axis=axis), nepit.entropy(p.copy(), axis=axis))
    same(kl(p, q, axis=axis), by_rows(kl, [p, q], axis))
    same(nepit.rel_entr(p, q), nepit.rel_entr(p.copy(), q.copy()))
    same(nepit.smooth_floor(p, 0.1, axis=axis), nepit.smooth_floor(p.copy(), 0.1, axis=axis))
    value, dp, dq = kl(p, q, axis=axis, gradient=True)
    again, dp_again, dq_again = kl(p.copy(), q.copy(), axis=axis, gradient=True)
    same(value, again), same(dp, dp_again), same(dq, dq_again)
    assert np.array_equal(p, before[0]) and np.array_equal(q, before[1])


# ------------------------------------------------------------------------------------------------------- no copies


@pytest.mark.parametrize("name, make", [
    ("rows", lambda a: (a, 1)),
    ("columns", lambda a: (a, 0)),
    ("Fortran order", lambda a: (a.copy(order="F"), 1)),
    ("every second row", lambda a: (a[::2], 1)),
    ("every third column", lambda a: (a[:, ::3], 1)),
    ("backwards", lambda a: (a[::-1, ::-1], 0)),
    ("middle axis", lambda a: (a.reshape(5, 6, 8), 1)),
    ("three axes, transposed", lambda a: (a.reshape(5, 6, 8).T, 0)),
    ("read-only", lambda a: (np.broadcast_to(a[0], (7, 8)), 1)),
])
def test_the_library_reads_the_array_itself(name, make, calls, random):
    array, axis = make(random.random((30, 8)))
    nepit.entropy(array, axis=axis)
    ((layout, ((rows, cols, row_stride, col_stride, data),)),) = calls
    assert data == array.ctypes.data
    assert cols == array.shape[axis] and rows * layout.calls == array.size // cols
    assert layout.calls == (1 if array.ndim == 2 else layout.calls) <= 6


def test_one_call_where_one_stride_serves(calls, random):
    for p, axis in [(random.random((4, 5, 6)), 2), (random.random((4, 5, 6)), 0), (random.random((6, 5, 4)).T, 0),
                    (random.random((4, 5, 6))[:, ::-1][::2, :, :], 2), (random.random((3, 4, 5, 6)), -1)]:
        calls.clear()
        nepit.entropy(p, axis=axis)
        assert sum(layout.calls for layout, _ in calls) == (1 if p.flags.forc else 2), p.strides


def test_the_repeated_row_is_not_repeated_in_memory(calls, random):
    q = random.random(8)
    kl(random.random((1000, 8)), q, axis=1)
    (_, (p_view, q_view)), = calls
    assert q_view[0] == 1 and q_view[4] == q.ctypes.data and p_view[0] == 1000


def test_elementwise_results_take_the_order_of_the_input(random):
    x = random.random((4, 5)).T
    assert nepit.entr(x).strides == x.strides
    same(nepit.entr(x), nepit.entr(x.copy()))


# ------------------------------------------------------------------------------------------------- element types

REALS = [np.float64, np.float32, np.float16, ml_dtypes.bfloat16, np.int8, np.int16, np.int32, np.int64, np.uint8,
         np.uint16, np.uint32, np.uint64, np.bool_, np.longlong, np.intc]


@pytest.mark.parametrize("dtype", REALS, ids=lambda dtype: np.dtype(dtype).name)
def test_element_types_are_read_as_they_are(dtype, calls, random):
    values = random.integers(0, 2 if dtype is np.bool_ else 100, (5, 9)).astype(dtype)
    exact = values.astype(np.float64)
    for array, wide in [(values, exact), (values[:, ::2], exact[:, ::2]), (values.T, exact.T)]:
        calls.clear()
        got = nepit.entropy(array, axis=1)
        assert calls[0][1][0][4] == array.ctypes.data
        tolerance = 2.0**-21 if np.dtype(dtype).kind in "fV" and np.dtype(dtype).itemsize < 8 else 2.0**-49
        np.testing.assert_allclose(got, nepit.entropy(wide, axis=1), rtol=tolerance, atol=0)
    assert nepit.entropy(values[0]) == nepit.entropy(values[0].copy())


def test_mixed_element_types(random):
    values = {dtype: random.integers(1, 100, 9).astype(dtype) for dtype in REALS}
    for p, q in itertools.product(values.values(), repeat=2):
        want = kl(p.astype(float), q.astype(float))
        assert kl(p, q) == pytest.approx(want, rel=2.0**-20 if "f" in (p.dtype.kind + q.dtype.kind).replace("V", "f")
                                         else 2.0**-47, abs=0)


@pytest.mark.parametrize("array", [
    np.arange(1.0, 6).astype(">f8"),
    np.arange(1, 6).astype(">i4"),
    np.zeros(5, [("a", "u1"), ("b", "f8")])["b"] + 0,
    np.frombuffer(b"x" + np.arange(1.0, 6).tobytes(), np.uint8)[1:].view(np.float64),
], ids=["big-endian", "big-endian integers", "field", "unaligned"])
def test_what_cannot_be_read_is_copied(array):
    array = array if array.any() else array + 1
    assert nepit.entropy(array) == nepit.entropy(array.astype(array.dtype.newbyteorder("=")).copy())


def test_a_field_of_packed_records():
    records = np.zeros(7, np.dtype([("tag", "u1"), ("weight", "f8"), ("more", "u2")]))
    records["weight"] = np.arange(1, 8)
    assert records["weight"].strides[0] % 8
    assert nepit.entropy(records["weight"]) == nepit.entropy(np.arange(1.0, 8))


@pytest.mark.parametrize("x", [[1, 2, 3], (0.25, 0.75), [[1, 2], [3, 4]], range(1, 5), [True, False],
                               [np.float32(1), np.float32(3)], memoryview(b"abc")],
                         ids=repr)
def test_other_things_that_are_arrays(x):
    same(nepit.entropy(x), nepit.entropy(np.array(x)))


@pytest.mark.filterwarnings("ignore:the matrix subclass")
def test_subclasses_are_plain_arrays():
    same(nepit.entropy(np.matrix([[1, 2], [3, 4]]), axis=1), nepit.entropy([[1, 2], [3, 4]], axis=1))
    assert type(nepit.entr(np.matrix([[1, 2]]))) is np.ndarray
    assert nepit.entropy(np.matrix([[1, 2], [3, 4]]), axis=None) == nepit.entropy([1, 2, 3, 4])


def test_results_an_element_are_as_exact_as_the_input(random):
    for dtype, result in [(np.float64, np.float64), (np.float32, np.float32), (np.float16, np.float32),
                          (ml_dtypes.bfloat16, np.float32), (np.int64, np.float64), (np.uint8, np.float64)]:
        x = random.integers(1, 2, (3, 4)).astype(dtype)
        assert nepit.entr(x).dtype == nepit.smooth_additive(x, 1).dtype == nepit.binary_entropy(x).dtype == result
        assert nepit.rel_entr(x, np.ones(4, np.float32)).dtype == result
        assert nepit.kl_div(x, np.ones(4)).dtype == np.float64
        assert nepit.entropy(x).dtype == np.float64
        value, gradient = nepit.entropy(x, gradient=True)
        assert value.dtype == np.float64 and gradient.dtype == result
    assert type(nepit.entr(0.5)) is float and type(nepit.binary_entropy(np.float32(0.5))) is float


# --------------------------------------------------------------------------------------------------------- tensors


needs_dlpack = pytest.mark.skipif(not hasattr(np.ndarray, "__dlpack__"),
                                  reason="this NumPy has no __dlpack__: NOT tested")


class Tensor:
    """The least that a tensor has; __dlpack__ by NumPy itself."""

    def __init__(self, array, device=(1, 0)):
        self.array, self.placed = array, device

    def __dlpack__(self, **options):
        assert not options
        return self.array.__dlpack__()

    def __dlpack_device__(self):
        return self.placed


@needs_dlpack
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.int16, np.uint8, np.bool_])
def test_dlpack_without_a_copy(dtype, calls, random):
    array = random.integers(0, 2, (6, 8)).astype(dtype)
    array[:, 0] = 1
    for view in (array, array.T, array[::2, 1::3]):
        calls.clear()
        same(nepit.entropy(Tensor(view), axis=1), nepit.entropy(view.copy(), axis=1))
        assert calls[0][1][0][4] == view.ctypes.data
    assert nepit.entropy(Tensor(array[0])) == nepit.entropy(array[0].copy())
    assert nepit.entropy(Tensor(np.ones((0, 3), dtype)), axis=1).shape == (0,)


@needs_dlpack
def test_dlpack_keeps_the_memory_alive_as_long_as_it_is_read():
    item = _arrays.view(Tensor(np.arange(1.0, 100_001)), "p")  # nobody else holds the array
    junk = [np.full(100_000, np.nan) for _ in range(20)]
    assert item.array.sum() == 100_000 * 100_001 / 2
    del junk


@needs_dlpack
def test_what_is_elsewhere_or_unfit_is_refused():
    with pytest.raises(NepitError, match="p lies on another device, not in the memory of the processor"):
        kl(Tensor(np.ones(3), device=(2, 0)), [1, 2, 3])
    with pytest.raises(NepitError, match="pk has elements of type complex128"):
        nepit.entropy(Tensor(np.ones(3, complex)))
    read_only = np.ones(3)
    read_only.flags.writeable = False
    with pytest.raises(NepitError, match="pk cannot be read in place"):
        nepit.entropy(Tensor(read_only))


def test_torch(calls):
    torch = pytest.importorskip("torch", reason="torch is not installed: its tensors are NOT tested")
    generator = torch.Generator().manual_seed(1)
    for dtype in (torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.uint8, torch.bool):
        tensor = (torch.rand((6, 8), generator=generator) * 9 + 1).to(dtype)
        for view in (tensor, tensor.T, tensor[::2, 1::3], tensor[2]):
            calls.clear()
            got = nepit.entropy(view, axis=-1)
            assert calls[0][1][0][4] == view.data_ptr()
            want = nepit.entropy(view.to(torch.float64).numpy().copy(), axis=-1)
            np.testing.assert_allclose(got, want, rtol=2.0**-20, atol=0)
    parameter = torch.ones(3, requires_grad=True)
    with pytest.raises(NepitError, match="pk cannot be read in place.*detach"):
        nepit.entropy(parameter)
    assert nepit.entropy(parameter.detach(), base=3) == 1.0
    value, gradient = nepit.entropy(tensor.to(torch.float32), axis=1, gradient=True)
    assert type(gradient) is np.ndarray and gradient.dtype == np.float32
    with pytest.raises(NepitError, match="pk cannot be read in place.*meta"):
        nepit.entropy(torch.ones(3, device="meta"))


# ------------------------------------------------------------------------------------------------------ gradients

WITH_GRADIENT = [m for m in ONE + TWO if m.gradient]


@pytest.mark.parametrize("measure", WITH_GRADIENT, ids=str)
def test_gradients_have_the_shape_of_their_inputs(measure, random):
    count = 1 if measure in ONE else 2
    arrays = [random.random((4, 5, 3)) for _ in range(count)]
    value, *gradients = measure(*arrays, axis=1, gradient=True)
    same(value, measure(*arrays, axis=1))
    for array, gradient in zip(arrays, gradients):
        assert gradient.shape == array.shape and gradient.dtype == np.float64
        # A function of proportions does not change along the weights themselves.
        assert np.abs((array * gradient).sum(axis=1)).max() <= 1e-13 * np.abs(array * gradient).sum(axis=1).max()
    flat = measure(*(a[:, :, 0].ravel() for a in arrays), gradient=True)
    assert type(flat[0]) is float and flat[1].shape == (20,)
    for kept in measure(*arrays, axis=None, gradient=True)[1:]:
        assert kept.shape == (4, 5, 3)


def test_the_gradient_of_what_was_repeated_is_summed(random):
    p, q = random.random((4, 1, 6)), random.random((3, 6))
    _, dp, dq = kl(p, q, axis=-1, gradient=True)
    _, full_p, full_q = kl(np.tile(p, (1, 3, 1)), np.tile(q, (4, 1, 1)), axis=-1, gradient=True)
    assert dp.shape == p.shape and dq.shape == q.shape
    np.testing.assert_allclose(dp, full_p.sum(axis=1, keepdims=True), rtol=1e-13)
    np.testing.assert_allclose(dq, full_q.sum(axis=0), rtol=1e-13)
    _, d_vector = kl(random.random((5, 6)), q[0], axis=1, gradient=True)[1:]
    assert d_vector.shape == (6,)
    _, d_vector = kl(random.random((6, 5)), q[0], axis=0, gradient=True)[1:]
    assert d_vector.shape == (6,)
    single = q[0].astype(np.float32)
    assert kl(random.random((5, 6)), single, axis=1, gradient=True)[2].dtype == np.float32
    value, dp, dq = kl(random.random((2, 3)), random.random((1, 3)), axis=None, gradient=True)
    assert type(value) is float and dp.shape == (2, 3) and dq.shape == (1, 3)


def test_binary_entropy(random):
    p = random.random((3, 4))
    value, derivative = nepit.binary_entropy(p.T, base=2, gradient=True)
    same(value, nepit.binary_entropy(p.copy(), base=2).T.copy())
    np.testing.assert_allclose(derivative, np.log2((1 - p) / p).T, rtol=1e-12)
    with pytest.raises(NepitError, match=r"p\[1, 2\] is no probability"):
        nepit.binary_entropy([[0, 1, 0.5], [0, 1, 1.5]], check=True)
    assert nepit.binary_entropy([0, 1], check=True).sum() == 0


# --------------------------------------------------------------------------------------------- several distributions


def test_generalized_jensen_shannon_in_all_forms(random, calls):
    ps = random.random((3, 4, 5, 6))
    weights = [0.5, 0.25, 0.25]
    gjs = nepit.generalized_jensen_shannon
    for axis in (-3, -2, -1, 0, 1, 2):
        moved = np.moveaxis(ps, axis if axis < 0 else axis + 1, -1)
        want = np.empty(moved.shape[1:-1])
        for index in np.ndindex(*want.shape):
            want[index] = gjs(moved[(slice(None), *index)].copy(), weights)
        same(gjs(ps, weights, axis=axis), want)
        same(gjs(list(ps), weights, axis=axis), want)
        same(gjs(np.asfortranarray(ps), weights, axis=axis), want)
        same(gjs(ps, weights, axis=axis, keepdims=True), np.expand_dims(want, axis))
    assert gjs(ps, axis=None) == gjs(ps.reshape(3, -1))
    p, q = ps[0, 0, 0], ps[1, 0, 0]
    assert gjs([p, q], [0.25, 0.75]) == pytest.approx(nepit.jensen_shannon_divergence(p, q, weight=0.25), rel=1e-13)
    assert gjs([p.astype(np.float32), [1, 2, 3, 4, 5, 6]]) > 0
    big = random.random((3, 50, 2000))  # members far apart: read where they are, a call for each group
    calls.clear()
    got = gjs(big, weights, axis=1)
    assert calls[-1][1][0][4] == big.ctypes.data
    same(got, np.array([gjs(big[:, i].copy(), weights) for i in range(50)]))
    halves = ps.astype(ml_dtypes.bfloat16)
    same(gjs(halves, axis=-1), gjs(list(halves), axis=-1))


# --------------------------------------------------------------------------------------------------------- helpers


def test_smoothing_along_an_axis(random):
    p = random.integers(0, 4, (3, 5, 2))
    for axis in (-3, -2, -1, 0, 1, 2):
        total = p.sum(axis=axis, keepdims=True)
        n = p.shape[axis]
        np.testing.assert_allclose(nepit.smooth_additive(p, 0.5, axis=axis), (p + 0.5) / (total + 0.5 * n), rtol=1e-15)
        background = random.random(n)
        shape = [1, 1, 1]
        shape[axis] = n
        b = (background / background.sum()).reshape(shape)
        want = np.where(total > 0, 0.75 * p / np.maximum(total, 1) + 0.25 * b, np.nan)
        np.testing.assert_allclose(nepit.smooth_mix(p, 0.25, background, axis=axis), want, rtol=1e-14)
    flat = nepit.smooth_additive(p, 1, axis=None)
    assert flat.shape == p.shape and flat.sum() == pytest.approx(1)
    assert nepit.smooth_mix(np.ones((2, 3)), 0.5, np.ones((4, 1, 3)), axis=-1).shape == (4, 2, 3)
    assert nepit.smooth_mix(np.ones((2, 3)), 0.5, np.ones((1, 3)), axis=None).shape == (2, 3)


def test_elementwise_broadcasting(random):
    x, y = random.random((4, 1, 3)), random.random((5, 1))
    for function in (nepit.rel_entr, nepit.kl_div):
        full = np.broadcast_arrays(x, y)
        same(function(x, y), function(*(a.copy() for a in full)))
        same(function(y, x), function(*(a.copy() for a in full[::-1])))
        same(function(x, 0.5), function(x, np.full(x.shape, 0.5)))
        assert type(function(0.25, 0.5)) is float


@pytest.mark.parametrize("take", [lambda x: x[:, ::2], lambda x: x[::2], lambda x: x.T, lambda x: x[0, ::2]])
def test_the_same_bytes_as_two_types(take):
    # They were taken for one array, and p was compared with itself.
    p = np.random.default_rng(3).random((40, 60))
    q = p.view(np.int64)
    for measure in (nepit.kl_divergence, nepit.total_variation, nepit.rel_entr):
        assert np.array_equal(measure(take(p), take(q)), measure(take(p).copy(), take(q).copy()))
