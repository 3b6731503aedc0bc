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

    for subparser in (entropy, compare):
        subparser.add_argument("files", metavar="FILE", nargs="+", help="a file, or - for standard input")
        subparser.add_argument("--symbols", choices=("bytes", "words", "lines"), default="bytes",
                               help="what is counted: bytes; words, which are separated by ASCII white space; or "
                                    "lines, without their ends (default: %(default)s)")
        subparser.add_argument("--json", action="store_true", help="print JSON instead of a table")
        subparser.add_argument("--plot", metavar="IMAGE",
                               help="draw the result as well, into a .png, .svg or .pdf (needs matplotlib)")
    return parser


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
