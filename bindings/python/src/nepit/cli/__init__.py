"""The command line `nepit`: measures of files."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from typing import Any

from .. import __version__

#: Exit statuses, as the shell's own tools have them.
OK, BAD_DATA, BAD_USAGE, INTERRUPTED, BROKEN_PIPE = 0, 1, 2, 130, 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit status."""
    try:
        options = _parser().parse_args(arguments)
        status: int = options.command(options)
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        complain("interrupted")
        return INTERRUPTED
    except BrokenPipeError:  # whoever reads our output has gone: nepit entropy * | head -3
        _forget_output()
        return BROKEN_PIPE
    except OSError as problem:
        _forget_output()
        complain(f"the output cannot be written: {problem.strerror or problem}")
        return BAD_DATA
    except MemoryError:
        complain("there is not enough memory for so many different symbols")
        return BAD_DATA


def _forget_output() -> None:
    """What is still buffered has nowhere to go; Python would complain of it on its way out."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def complain(message: str) -> None:
    """One line on standard error."""
    print(f"nepit: {message}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    from . import commands

    parser = argparse.ArgumentParser(
        prog="nepit", description="Information theory on files: how much is in them, and how much they differ.",
        epilog="Exit status: 0 for success, 1 if a file cannot be measured, 2 for a wrong command line, "
               "130 if interrupted.")
    parser.add_argument("--version", action="version", version=_version())
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    entropy = subparsers.add_parser(
        "entropy", help="bits per symbol of each file",
        description="Prints for each file how many symbols it has, how many of them are distinct, their entropy in "
                    "bits per symbol, the perplexity (the number of equally likely symbols that would be as uncertain) "
                    "and the share of the most that so many distinct symbols (and, for bytes, 8 bits) could carry. "
                    "Several files get a total, as if they were one.",
        epilog="Example: nepit entropy --symbols words *.txt")
    entropy.set_defaults(command=commands.entropy)

    compare = subparsers.add_parser(
        "compare", help="how much the distributions in files differ",
        description="Prints for each pair of files how far their distributions of symbols are apart, divergences in "
                    "bits: Kullback-Leibler both ways (infinite where a file has symbols that the other lacks; see "
                    "--smooth), Jensen-Shannon, Hellinger, total variation and others.",
        epilog="Example: nepit compare --symbols words --smooth 0.5 one.txt two.txt")
    compare.add_argument("--smooth", metavar="ALPHA", type=_pseudo_count, default=0.0,
                         help="add ALPHA to the count of each symbol (1: Laplace's rule, 0.5: Jeffreys's), so that no "
                              "divergence is infinite")
    compare.set_defaults(command=commands.compare)

    _add_logits(subparsers)
    for subparser in (entropy, compare):
        subparser.add_argument("files", metavar="FILE", nargs="+", help="a file, or - for standard input")
        subparser.add_argument("--symbols", choices=("bytes", "words", "lines"), default="bytes",
                               help="what is counted: bytes; words, which are separated by ASCII white space; or "
                                    "lines, without their ends (default: %(default)s)")
        subparser.add_argument("--json", action="store_true", help="print JSON instead of a table")
        subparser.add_argument("--plot", metavar="IMAGE",
                               help="draw the result as well, into a .png, .svg or .pdf (needs matplotlib)")
    return parser


def _add_logits(subparsers: Any) -> None:
    """nepit logits compare, nepit logits merge."""
    from . import logits

    group = subparsers.add_parser(
        "logits", help="how far a model's logits are from those of a base model",
        description="Compares two models token by token: a quantised one with the one it was made of, say.")
    verbs = group.add_subparsers(title="commands", metavar="COMMAND", required=True)
    compare = verbs.add_parser(
        "compare", help="compare the logits in two files",
        description="Reads two matrices of logits, a token a row, and prints how far the test model's distributions "
                    "are from the base model's: divergences with their standard errors, agreement on the most likely "
                    "tokens, percentiles, and, with labels (the tokens that came next), perplexities and how the "
                    "labels' probabilities change. Files are .npy, .npz, .safetensors (FILE:NAME for one of several "
                    "matrices) and what llama.cpp writes with --kl-divergence-base, labels included. They may be "
                    "larger than memory.",
        epilog="Example: nepit logits compare f16.safetensors q4.safetensors --labels tokens.npy --html report.html")
    compare.add_argument("base", metavar="BASE", help="the logits of the base model")
    compare.add_argument("test", metavar="TEST", help="those of the model that is compared with it")
    compare.add_argument("--labels", metavar="FILE", help="integers, the tokens that came next; -100: none is known")
    compare.add_argument("--vocabulary", metavar="FILE", help="the tokens' texts, a line each, for the report")
    compare.add_argument("--top", metavar="K", type=_top, default=10,
                         help="how many of the most likely tokens are compared, to 64 (default: %(default)s)")
    compare.add_argument("--relative-error", metavar="E", type=_relative_error, default=0.0,
                         help="percentiles to this relative error, in memory that does not grow (default: exact, "
                              "8 bytes a token)")
    compare.add_argument("--threads", metavar="N", type=_count, default=0,
                         help="how many threads (default: as many as there are processors)")
    compare.add_argument("--html", metavar="PAGE", help="write a report with pictures as well, one file")
    compare.set_defaults(command=logits.compare)
    merge = verbs.add_parser(
        "merge", help="add up comparisons that were saved",
        description="Adds up what nepit logits compare --save has written of parts of a text, and prints the whole: "
                    "the same, to the last bit, as one comparison of all.")
    merge.add_argument("files", metavar="FILE", nargs="+", help="what --save has written")
    merge.set_defaults(command=logits.merge)
    for subparser in (compare, merge):
        subparser.add_argument("--save", metavar="FILE", help="write the comparison, for nepit logits merge")
        subparser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def _count(text: str) -> int:
    if not text.isdecimal() or len(text) > 9:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of threads")
    return int(text)


def _top(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 64:
        raise argparse.ArgumentTypeError(f"{text!r} is not from 1 to 64")
    return int(text)


def _relative_error(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if value != 0 and not 2.0**-13 <= value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is neither 0 nor from 2^-13 to below 1")
    return value


def _pseudo_count(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number that is at least 0")
    return value


def _version() -> str:
    from .. import _library

    return f"nepit {__version__} ({_library.path}, {_library.isa()})"


def print_json(value: Any) -> None:
    """Strict JSON: an infinity is the string "inf", for JSON has no number for it."""
    print(json.dumps(_plain(value), indent=2, ensure_ascii=True, allow_nan=False))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return str(value)
    return value
