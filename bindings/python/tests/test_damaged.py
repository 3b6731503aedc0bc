"""Files of logits with bytes changed, missing or added: each is read, or refused with a sentence, and nothing else."""

import json
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nepit import NepitError
from nepit.cli.counting import Unmeasurable
from nepit.cli.logits_files import opened
from nepit.losses import LogitsComparison

ROWS, COLUMNS = 6, 5
LOGITS = np.random.default_rng(1).normal(0, 3, (ROWS, COLUMNS)).astype(np.float32)


def npy(path):
    with path.open("wb") as file:
        np.save(file, LOGITS)


def npz(path):
    with path.open("wb") as file:
        np.savez(file, logits=LOGITS, labels=np.arange(ROWS))


def compressed(path):
    with path.open("wb") as file:
        np.savez_compressed(file, LOGITS)


def safetensors(path):
    header = json.dumps({"logits": {"dtype": "F32", "shape": [ROWS, COLUMNS], "data_offsets": [0, LOGITS.nbytes]},
                         "labels": {"dtype": "I64", "shape": [1], "data_offsets": [LOGITS.nbytes, LOGITS.nbytes + 8]}})
    path.write_bytes(struct.pack("<Q", len(header)) + header.encode() + LOGITS.tobytes() + bytes(8))


def llama(path):
    context, chunks = 6, 3
    tokens = np.arange(context * chunks, dtype="<i4") % COLUMNS
    rows = [struct.pack("<ff", 0.01, -5) + np.arange(6, dtype="<u2").tobytes() for _ in range(chunks * 2)]
    path.write_bytes(struct.pack("<8siii", b"_logits_", context, COLUMNS, chunks) + tokens.tobytes() + b"".join(rows))


#: Where, and what becomes of the bytes there: some of them are missing, or these stand in their place, or before them.
DAMAGE = st.lists(st.tuples(st.integers(0, 600), st.sampled_from(["cut", "missing", "changed", "added"]),
                            st.binary(min_size=1, max_size=9)), min_size=1, max_size=4)


def damaged(data: bytes, damage) -> bytes:
    for place, what, content in damage:
        place %= len(data) + 1
        after = place + (len(content) if what in ("missing", "changed") else 0)
        rest = b"" if what == "cut" else data[after:]
        data = data[:place] + (content if what in ("changed", "added") else b"") + rest
    return data


@pytest.mark.parametrize("write", [npy, npz, compressed, safetensors, llama], ids=lambda write: write.__name__)
def test_matrices(tmp_path_factory, write):
    folder = tmp_path_factory.mktemp(write.__name__)
    path = folder / ("logits.safetensors" if write is safetensors else "logits")
    write(path)
    whole = path.read_bytes()
    matrix = opened(str(path))
    assert matrix.columns == COLUMNS and matrix.block(0, matrix.rows) is not None

    @given(DAMAGE)
    def read(damage):
        path.unlink()   # what is still mapped keeps its bytes
        path.write_bytes(damaged(whole, damage))
        try:
            matrix = opened(str(path))
            # Some rows at a time, as they are read; a damaged header may promise more than anyone would wait for.
            for start in range(0, min(matrix.rows, 64), 4):
                matrix.block(start, min(start + 4, matrix.rows))
        except Unmeasurable as problem:
            assert str(problem).startswith(str(path))

    read()


def test_comparisons():
    comparison = LogitsComparison(COLUMNS)
    comparison.update(LOGITS, LOGITS[::-1])
    whole = comparison.tobytes()

    @given(DAMAGE)
    def load(damage):
        changed = damaged(whole, damage)
        try:
            assert LogitsComparison.frombytes(changed).tobytes() == changed == whole
        except NepitError as problem:
            assert "damaged" in str(problem) or "no saved" in str(problem)

    load()
