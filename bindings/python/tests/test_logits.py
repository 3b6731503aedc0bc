"""The comparison of two models' logits: the class, and nepit logits on the command line."""

import copy
import itertools
import json
import math
import pickle
import struct

import ml_dtypes
import numpy as np
import pytest
import vectors
from test_cli import one_line, run
from test_vectors import logits_values

from nepit import NepitError
from nepit.losses import LogitsComparison
from nepit.losses.comparison import VALUES

COLUMNS = 40


@pytest.fixture
def tokens(random):
    base = random.normal(size=(300, COLUMNS)) * 3
    test = base + random.normal(size=base.shape) * 0.1
    labels = random.integers(COLUMNS, size=300)
    labels[::7] = -100
    return base.astype(np.float32), test.astype(np.float32), labels


def compared(tokens, where=slice(None), **options):
    comparison = LogitsComparison(COLUMNS, first=range(300)[where].start, **options)
    comparison.update(*(part[where] for part in tokens))
    return comparison


def test_vectors():
    for case in vectors.read("logits_comparison_update"):
        assert (case.errors("values", logits_values(case)) <= case.bounds["values"]).all(), case.name


def test_summary_is_what_numpy_says(tokens):
    comparison = LogitsComparison(COLUMNS)
    values = comparison.update(*tokens, values=True)
    summary = comparison.summary()
    known = values[tokens[2] >= 0]
    assert (summary.rows, summary.labelled, summary.invalid) == (300, len(known), 0)
    for name in ("kl", "reverse_kl", "jensen_shannon", "total_variation", "base_entropy", "test_entropy", "same_top",
                 "overlap", "base_loss", "test_loss", "log_ratio", "probability_change"):
        some = values[name] if name in VALUES[:8] else known[name]
        some = some.astype(np.longdouble)
        want = some.mean(), some.std(ddof=1) / np.sqrt(len(some))
        assert np.allclose(getattr(summary, name), np.array(want, float), rtol=1e-12, atol=0)
    assert summary.kl_max == values["kl"].max() and summary.kl_max_position == values["kl"].argmax()
    assert summary.kl_min == values["kl"].min() >= 0 and summary.kl_min_position == values["kl"].argmin()
    covariance = np.cov(known["base_loss"], known["test_loss"])
    assert math.isclose(summary.loss_covariance, covariance[0, 1], rel_tol=1e-12)
    assert math.isclose(summary.perplexity_ratio.mean, math.exp(known["log_ratio"].mean()), rel_tol=1e-13)
    a, b = math.exp(known["base_loss"].mean()), math.exp(known["test_loss"].mean())
    # (With float32 logits each loss is right to 2^-20, their difference by itself.)
    assert math.isclose(summary.perplexity_difference.mean, b - a, rel_tol=2**-20 * b / (b - a))
    error = math.sqrt((a * a * covariance[0, 0] + b * b * covariance[1, 1] - 2 * a * b * covariance[0, 1]) / len(known))
    assert math.isclose(summary.perplexity_difference.error, error, rel_tol=1e-9)
    change = known["probability_change"]
    assert math.isclose(summary.probability_change_rms.mean, math.sqrt((change**2).mean()), rel_tol=1e-13)


def test_quantiles(tokens):
    comparison = LogitsComparison(COLUMNS)
    values = comparison.update(*tokens, values=True)
    p = np.array([0, 0.001, 0.01, 0.1, 0.25, 0.5, 0.9, 0.99, 0.999, 1])
    want = np.quantile(values["kl"], p), np.quantile(values["probability_change"][tokens[2] >= 0], p)
    for got, expected in zip(comparison.quantiles(p), want):
        assert np.allclose(got, expected, rtol=2**-23, atol=1e-9)
    for error in (0.2, 0.01, 2.0**-13):
        got, _ = compared(tokens, relative_error=error).quantiles(p)
        assert np.allclose(got, want[0], rtol=error, atol=0)
        assert got[0] == values["kl"].min() and got[-1] == values["kl"].max()
    assert np.isnan(LogitsComparison(3).quantiles(0.5)[0])


@pytest.mark.parametrize("error", [0, 0.01])
def test_any_order_gives_the_same_bits(tokens, error):
    parts = [slice(0, 11), slice(11, 150), slice(150, 300)]
    want = compared(tokens, relative_error=error).tobytes()
    for order in itertools.permutations(parts):
        first, *rest = [compared(tokens, part, relative_error=error) for part in order]
        for part in rest:
            first.merge(part)
        assert first.tobytes() == want
    shuffled = np.random.default_rng(1).permutation(300)
    one = LogitsComparison(COLUMNS, relative_error=error)
    for part in np.array_split(shuffled, 7):
        one.update(*(values[part] for values in tokens), threads=3)
    assert one.summary().kl == compared(tokens).summary().kl


def test_saving(tokens, tmp_path):
    comparison = compared(tokens)
    data = comparison.tobytes()
    comparison.save(tmp_path / "saved")
    for again in (LogitsComparison.frombytes(data), LogitsComparison.load(tmp_path / "saved"),
                  copy.deepcopy(comparison), pickle.loads(pickle.dumps(comparison))):
        assert again.tobytes() == data and again.summary() == comparison.summary() and again.vocabulary == COLUMNS
    for place in (0, 9, 17, 25, 100, len(data) // 2, len(data) - 1):
        damaged = bytearray(data)
        damaged[place] ^= 1
        with pytest.raises(NepitError, match="damaged"):
            LogitsComparison.frombytes(bytes(damaged))
        with pytest.raises(NepitError, match="damaged"):
            LogitsComparison.frombytes(data[:place])
    with pytest.raises(NepitError, match="other: these 4 bytes are no saved"):
        (tmp_path / "other").write_bytes(b"some")
        LogitsComparison.load(tmp_path / "other")


def test_types_and_shapes(tokens):
    base, test, labels = tokens
    whole = LogitsComparison(COLUMNS)
    values = whole.update(base.reshape(10, 30, COLUMNS), test.reshape(10, 30, COLUMNS), labels.reshape(10, 30),
                          values=True)
    assert values.shape == (10, 30) and whole.tobytes() == compared(tokens).tobytes()
    for dtype in (np.float16, ml_dtypes.bfloat16, np.float64):
        narrow = LogitsComparison(COLUMNS).update(base.astype(dtype), test.astype(dtype), values=True)
        wide = LogitsComparison(COLUMNS).update(base.astype(dtype).astype(float), test.astype(dtype).astype(float),
                                                values=True)
        for name in VALUES[:8]:
            assert np.allclose(narrow[name], wide[name], rtol=2**-40 if dtype is np.float64 else 2**-19, atol=2**-46)


def test_what_is_no_distribution():
    base = np.array([[0, 1.0], [np.nan, 1], [0, 1], [-np.inf, -np.inf]])
    comparison = LogitsComparison(2, first=100)
    values = comparison.update(base, np.array([[0, 2.0], [0, 1], [np.inf, 1], [0, 0]]), [1, 1, 1, 1], values=True)
    summary = comparison.summary()
    assert (summary.rows, summary.invalid, summary.first_invalid) == (1, 3, 101)
    assert np.isfinite(values["kl"]).tolist() == [True, False, False, False] and summary.kl.mean == values["kl"][0]
    comparison.update([0.0, 1.0], [0.0, -np.inf])
    assert comparison.summary().kl.mean == math.inf


@pytest.mark.parametrize("call, said", [
    (lambda c: LogitsComparison(0), "vocabulary is 0"),
    (lambda c: LogitsComparison(4, top=65), "top is 65"),
    (lambda c: LogitsComparison(4, relative_error=1e-9), "relative_error"),
    (lambda c: c.update(np.zeros((2, 3)), np.zeros((2, 4))), "base has the shape .2, 3."),
    (lambda c: c.update(np.zeros((2, 4)), np.zeros((3, 4))), "must agree"),
    (lambda c: c.update(np.zeros((2, 4), int), np.zeros((2, 4))), "floating-point"),
    (lambda c: c.update(np.zeros((2, 4)), np.zeros((2, 4)), [1, 4]), r"labels\[1\] is 4"),
    (lambda c: c.update(np.zeros((2, 4)), np.zeros((2, 4)), [1, -1]), r"labels\[1\] is -1"),
    (lambda c: c.update(np.zeros((2, 4)), np.zeros((2, 4)), [1]), "labels have the shape"),
    (lambda c: c.update(np.zeros((2, 4)), np.zeros((2, 4)), [1.0, 2.0]), "integers"),
    (lambda c: c.merge(LogitsComparison(5)), "vocabularies differ"),
    (lambda c: c.merge(LogitsComparison(4, top=3)), "another top"),
    (lambda c: c.merge(3), "not with int"),
    (lambda c: c.quantiles([0.5, 1.5]), "probabilities"),
])
def test_errors(call, said):
    with pytest.raises(NepitError, match=said):
        call(LogitsComparison(4))


# ------------------------------------------------------------------------------------------------- the command line


def safetensors(path, **tensors):
    header, data = {}, b""
    for name, (array, kind) in tensors.items():
        header[name] = {"dtype": kind, "shape": list(array.shape),
                        "data_offsets": [len(data), len(data) + array.nbytes]}
        data += array.tobytes()
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def llama(path, logits, tokens):
    """A base-logits file: context 8, so that each chunk has 3 tokens that are scored."""
    chunks, context = tokens.shape
    columns = logits.shape[1]
    logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    top = logs.max(axis=1, keepdims=True)
    low = np.maximum(logs.min(axis=1, keepdims=True), top - 16)
    scale = (top - low) / 65535
    rows = np.zeros((len(logs), 2 * ((columns + 1) // 2) + 4), "<u2")
    rows[:, :4] = np.hstack([scale, low]).astype("<f4").view("<u2")
    rows[:, 4:4 + columns] = np.clip(np.round((logs - low) / scale), 0, 65535)
    path.write_bytes(b"_logits_" + struct.pack("<iii", context, columns, chunks) + tokens.astype("<i4").tobytes()
                     + rows.tobytes())


@pytest.fixture
def files(tokens, tmp_path, random):
    base, test, labels = tokens
    np.save(tmp_path / "base.npy", base)
    np.save(tmp_path / "test.npy", test)
    np.save(tmp_path / "labels.npy", labels)
    np.savez(tmp_path / "plain.npz", test=test, labels=labels)
    np.savez_compressed(tmp_path / "small.npz", logits=test, other=labels)
    half = test.astype(ml_dtypes.bfloat16)
    safetensors(tmp_path / "half.safetensors", logits=(half.view(np.uint16), "BF16"), labels=(labels, "I64"))
    ids = random.integers(COLUMNS, size=(100, 8))
    llama(tmp_path / "base.kld", base.astype(float), ids)
    llama(tmp_path / "test.kld", test.astype(float), ids)
    ids[50, 6] ^= 1
    llama(tmp_path / "other.kld", test.astype(float), ids)
    return tmp_path


def test_files_of_all_kinds(files, tokens):
    want = compared(tokens).summary()
    for name in ("test.npy", "plain.npz:test", "small.npz"):
        done = run("logits", "compare", files / "base.npy", files / name, "--labels", files / "labels.npy", "--json")
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        assert told["kl"] == {"mean": want.kl.mean, "error": want.kl.error} and told["labelled"] == want.labelled
        assert told["worst_tokens"][0]["position"] == want.kl_max_position
        assert [entry["kl"] for entry in told["worst_tokens"]] == sorted(
            (entry["kl"] for entry in told["worst_tokens"]), reverse=True)
    done = run("logits", "compare", files / "base.npy", files / "half.safetensors", "--json")
    half = LogitsComparison(COLUMNS)
    half.update(tokens[0], tokens[1].astype(ml_dtypes.bfloat16))
    assert json.loads(done.stdout)["kl"]["mean"] == half.summary().kl.mean
    done = run("logits", "compare", files / "base.kld", files / "test.kld", "--json")
    told = json.loads(done.stdout)
    assert (told["rows"], told["labelled"]) == (300, 300)
    assert math.isclose(told["kl"]["mean"], want.kl.mean, rel_tol=0.01)
    assert any("16 bits" in note for note in told["notes"])


def test_the_table_and_the_page(files):
    done = run("logits", "compare", files / "base.npy", files / "test.npy", "--labels", files / "labels.npy", "--html",
               files / "page.html")
    assert done.returncode == 0 and "KL divergence of test from base" in done.stdout and "median" in done.stdout
    page = (files / "page.html").read_text()
    assert page.count("<svg") == 3 and "http" not in page.replace("http://www.w3.org", "")
    done = run("logits", "compare", files / "base.npy", files / "test.npy", "--html", files / "page.html")
    assert done.returncode == 0 and "perplexity" not in (files / "page.html").read_text()
    same = run("logits", "compare", files / "base.npy", files / "base.npy", "--html", files / "page.html")
    assert same.returncode == 0, same.stderr


def test_parts_merged(files, tokens):
    for name, part in (("a", slice(0, 100)), ("b", slice(100, 300))):
        np.save(files / f"base_{name}.npy", tokens[0][part])
        np.save(files / f"test_{name}.npy", tokens[1][part])
        done = run("logits", "compare", files / f"base_{name}.npy", files / f"test_{name}.npy", "--save", files / name)
        assert done.returncode == 0, done.stderr
    done = run("logits", "merge", files / "b", files / "a", "--json")
    assert json.loads(done.stdout)["kl"]["mean"] == compared(tokens).summary().kl.mean
    one_line(run("logits", "merge", files / "a", files / "base.npy"), 1, "no saved LogitsComparison")


def test_files_that_do_not_fit(files, tokens):
    base = files / "base.npy"

    def refused(*names, said):
        one_line(run("logits", "compare", *(files / name for name in names)), 1, *said)

    np.save(files / "short.npy", tokens[1][:299])
    refused("base.npy", "short.npy", said=["numbers of tokens differ", "300", "299"])
    np.save(files / "narrow.npy", tokens[1][:, :39])
    refused("base.npy", "narrow.npy", said=["vocabularies differ", "40", "39"])
    np.save(files / "whole.npy", tokens[1].astype(int))
    refused("base.npy", "whole.npy", said=["integers"])
    (files / "cut.npy").write_bytes(base.read_bytes()[:9999])
    refused("cut.npy", "test.npy", said=["truncated"])
    (files / "cut.npz").write_bytes((files / "plain.npz").read_bytes()[:9999])
    refused("base.npy", "cut.npz:test", said=["damaged"])
    data = bytearray((files / "plain.npz").read_bytes())
    data[5000] ^= 255
    (files / "bad.npz").write_bytes(data)
    refused("base.npy", "bad.npz:test", said=["damaged"])
    refused("base.npy", "plain.npz", said=["2 matrices", "labels, test"])
    refused("base.npy", "plain.npz:none", said=["has no none"])
    data = (files / "half.safetensors").read_bytes()
    (files / "cut.safetensors").write_bytes(data[:-3000])
    refused("base.npy", "cut.safetensors:logits", said=["truncated"])
    (files / "bad.safetensors").write_bytes(data[:20] + b"!!" + data[22:])
    refused("base.npy", "bad.safetensors", said=["damaged"])
    data = (files / "test.kld").read_bytes()
    (files / "cut.kld").write_bytes(data[:-1])
    refused("base.kld", "cut.kld", said=["truncated", "99 of its 100 chunks"])
    (files / "long.kld").write_bytes(data + b"1")
    refused("base.kld", "long.kld", said=["too many"])
    refused("base.kld", "other.kld", said=["texts differ"])
    refused("base.npy", "absent.npy", said=["no such file"])
    (files / "text.npy").write_text("some text")
    refused("base.npy", "text.npy", said=["is no .npy"])
    one_line(run("logits", "compare", base, files / "test.npy", "--labels", files / "short.npy"), 1, "integers")
    np.save(files / "far.npy", np.full(300, 40))
    one_line(run("logits", "compare", base, files / "test.npy", "--labels", files / "far.npy"), 1, "label 40 at 0")
