#!/usr/bin/env python3
"""Makes real logits to compare: trains a small language model of characters on files of this repository, rounds its
weights to 8 and to 4 bits, and writes what each of the three says of a text that none has seen.

    demo_logits.py DIRECTORY    writes base.npy, q8.npy, q4.npy, labels.npy and vocabulary.txt there
"""
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
CONTEXT, EMBEDDED, HIDDEN, STEPS, BATCH = 8, 16, 128, 1500, 128


def text():
    """The documentation of this repository, and its held-out part."""
    paths = sorted(ROOT.glob("docs/**/*.md")) + [ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
    return "\n".join(path.read_text() for path in paths), (ROOT / "README.md").read_text()


def windows(codes):
    """The characters before each one, and the one."""
    return np.lib.stride_tricks.sliding_window_view(codes[:-1], CONTEXT), codes[CONTEXT:]


def forward(model, contexts):
    """Embeddings, hidden layer and logits of some contexts."""
    seen = model["embedding"][contexts].reshape(len(contexts), -1)
    hidden = np.maximum(seen @ model["first"] + model["bias"], 0)
    return seen, hidden, hidden @ model["second"] + model["last"]


def train(contexts, labels, vocabulary, random):
    """Adam on the cross-entropy of the next character."""
    model = {
        "embedding": random.normal(size=(vocabulary, EMBEDDED)) * 0.5,
        "first": random.normal(size=(CONTEXT * EMBEDDED, HIDDEN)) / np.sqrt(CONTEXT * EMBEDDED / 2),
        "bias": np.zeros(HIDDEN),
        "second": random.normal(size=(HIDDEN, vocabulary)) / np.sqrt(HIDDEN),
        "last": np.zeros(vocabulary),
    }
    model = {name: value.astype(np.float32) for name, value in model.items()}
    mean = {name: np.zeros_like(value) for name, value in model.items()}
    square = {name: np.zeros_like(value) for name, value in model.items()}
    for step in range(1, STEPS + 1):
        chosen = random.integers(len(labels), size=BATCH)
        seen, hidden, logits = forward(model, contexts[chosen])
        slope = np.exp(logits - logits.max(axis=1, keepdims=True))
        slope /= slope.sum(axis=1, keepdims=True)
        slope[np.arange(BATCH), labels[chosen]] -= 1
        slope /= BATCH
        inner = (slope @ model["second"].T) * (hidden > 0)
        embedding = np.zeros_like(model["embedding"])
        np.add.at(embedding, contexts[chosen], (inner @ model["first"].T).reshape(BATCH, CONTEXT, EMBEDDED))
        gradient = {"embedding": embedding, "first": seen.T @ inner, "bias": inner.sum(axis=0),
                    "second": hidden.T @ slope, "last": slope.sum(axis=0)}
        rate = 3e-3 * (1 - (step - 1) / STEPS)
        for name, value in gradient.items():
            mean[name] += 0.1 * (value - mean[name])
            square[name] += 0.01 * (value * value - square[name])
            model[name] -= rate * (mean[name] / (1 - 0.9**step)) / (np.sqrt(square[name] / (1 - 0.99**step)) + 1e-8)
    return model


def rounded(model, bits):
    """Matrices with a scale a column and so many bits a weight, as quantised models have them."""
    most = 2 ** (bits - 1) - 1
    result = dict(model)
    for name in ("embedding", "first", "second"):
        scale = np.abs(model[name]).max(axis=0) / most
        result[name] = (np.round(model[name] / scale) * scale).astype(np.float32)
    return result


def main():
    directory = Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    known, unseen = text()
    characters = sorted(set(known + unseen))
    code = {character: number for number, character in enumerate(characters)}
    random = np.random.default_rng(1)
    contexts, labels = windows(np.array([code[character] for character in known]))
    model = train(contexts, labels, len(characters), random)
    contexts, labels = windows(np.array([code[character] for character in unseen]))
    for name, one in (("base", model), ("q8", rounded(model, 8)), ("q4", rounded(model, 4))):
        np.save(directory / f"{name}.npy", forward(one, contexts)[2])
    np.save(directory / "labels.npy", labels)
    shown = [{"\n": "⏎", " ": "␣"}.get(character, character) for character in characters]
    (directory / "vocabulary.txt").write_text("\n".join(shown) + "\n")
    print(f"{len(known):,} characters read, {len(labels):,} of another text predicted, out of {len(characters)}")


if __name__ == "__main__":
    main()
