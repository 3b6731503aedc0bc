#!/usr/bin/env python3
"""Nepit beside SciPy, NumPy, torch and JAX, and beside what the machine allows. See Benchmarks/README.md."""

import argparse
import datetime
import json
import os
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from suite import child, machine, native, report, work  # noqa: E402

ISAS = ("x86-64-v4", "x86-64-v3", "x86-64")


def parse(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--output", type=Path, help="file for the results; in a directory, <date>-<processor>.txt")
    parser.add_argument("--quick", action="store_true", help="small data, few rounds, default pages: a smoke run")
    parser.add_argument("--only", metavar="PATTERN", help="rows whose name matches this regular expression")
    parser.add_argument("--threads", type=int, action="append", help="measure with so many; may be repeated "
                        "(default: 1 and 2)")
    parser.add_argument("--pages", choices=("default", "huge"), action="append",
                        help="measure with this allocator; may be repeated (default: both)")
    parser.add_argument("--seconds", type=float, help="time for the rounds of a row (default: 8; quick: 0.1)")
    parser.add_argument("--no-compile", dest="compiled", action="store_false", help="leave torch.compile out")
    parser.add_argument("--library", type=Path, default=native.LIBRARY, help="the library to measure")
    parser.add_argument("--plot", type=Path, metavar="PNG", help="also draw the core rows")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write what the tables are made of")
    parser.add_argument("--list", action="store_true", help="name the rows; fails if a function of nepit.h has none")
    parser.add_argument("--trace", action="store_true", help="show where a row that fails does so")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.seconds is None:
        options.seconds = 0.1 if options.quick else 8.0
    if options.quick:
        options.compiled = False
    processors = len(machine.usable_processors())
    options.thread_counts = sorted(set(options.threads or [1, 2]))
    if options.thread_counts[0] < 1:
        parser.error("--threads must be at least 1")
    if options.thread_counts[-1] > processors:
        print(f"benchmarks: {processors} processor here, so less than {options.thread_counts[-1]} threads",
              file=sys.stderr)
        options.thread_counts = sorted({min(count, processors) for count in options.thread_counts})
    options.page_kinds = list(dict.fromkeys(options.pages or (["default"] if options.quick else ["default", "huge"])))
    if not options.list and not options.library.exists():
        parser.error(f"no library {options.library}: make build")
    options.library = options.library.absolute()
    return options


def list_rows():
    rows = work.rows()
    print("\n".join(row.name for row in rows))
    missing = sorted(set(native.header_functions()) - {name for row in rows for name in row.covers})
    for name in missing:
        print(f"benchmarks: nepit_{name} has no row; add one to Benchmarks/suite/work.py", file=sys.stderr)
    return 1 if missing else 0


def environment(threads, pages):
    """Thread counts for every library, the allocator, and a cache of torch's compiler for each way."""
    result = dict(os.environ)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"):
        result[name] = str(threads)
    result["JAX_PLATFORMS"] = "cpu"
    result["TORCHINDUCTOR_CACHE_DIR"] = str(native.BUILD / f"inductor-{threads}")
    result.pop("NEPIT_ISA", None)
    if pages == "huge":
        result["GLIBC_TUNABLES"] = "glibc.malloc.hugetlb=1"
    else:
        result.pop("GLIBC_TUNABLES", None)
    return result


def measure(options, state, threads, pages):
    """Runs a process of measurements and takes in its records as they come."""
    command = [sys.executable, __file__, "--child", "--threads", str(threads), "--pages", pages,
               "--seconds", str(options.seconds), "--library", str(options.library)]
    command += ["--quick"] * options.quick + ["--trace"] * options.trace
    command += ["--no-compile"] * (not options.compiled)
    command += ["--only", options.only] if options.only else []
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment(threads, pages))
    try:
        for line in process.stdout:
            record = json.loads(line)
            state["heads" if record.pop("kind") == "head" else "records"].append(record)
        if process.wait() != 0:
            print(f"benchmarks: the process with {threads} threads and {pages} pages failed "
                  f"({process.returncode})", file=sys.stderr)
            state["failed"] = True
    except KeyboardInterrupt:  # the process has had the same signal, and ends
        process.wait()
        raise


def measure_calls(options, state):
    """Calls from C, with each instruction set that the machine has."""
    program = native.build_calls(options.library)
    rounds = 20 if options.quick else 400
    seen = set()
    for isa in ISAS:
        process = subprocess.run([program, str(rounds)], env={**os.environ, "NEPIT_ISA": isa}, text=True,
                                 stdout=subprocess.PIPE)
        if process.returncode != 0:
            print(f"benchmarks: the calls from C failed ({process.returncode})", file=sys.stderr)
            state["failed"] = True
            return
        found = [json.loads(line) for line in process.stdout.splitlines()]
        if found[0]["isa"] in seen:  # a machine without this one
            continue
        seen.add(found[0]["isa"])
        for row in found:
            if options.only and not re.search(options.only, row["name"]):
                continue
            samples = row["samples"]
            if row["n"] < 4096:
                del samples["limit"]  # reading so few bytes is no limit of anything
            samples["nepit C"] = samples.pop("nepit")
            record = child.summary(samples, work.Case({}), row["difference"])
            record["bytes"] = row["bytes"]
            state["records"].append({**record, "name": row["name"], "group": "calls", "threads": 1,
                                     "pages": "default", "isa": row["isa"], "tolerance": 1e-3, "gone": {}})
        print(f"[calls from C, {found[0]['isa']}]", file=sys.stderr)


def main():
    options = parse()
    if options.list:
        return list_rows()
    if options.child:
        options.threads, options.pages = options.threads[0], options.pages[0]
        try:
            child.main(options)
        except KeyboardInterrupt:
            return 130
        return 0
    options.library, digest = native.snapshot(options.library)
    state = {"options": options, "heads": [], "records": [], "load": machine.load(), "digest": digest,
             "date": datetime.datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z"),
             "order": {row.name: index for index, row in enumerate(work.rows(options.quick))}}
    native.build_limit()
    try:
        measure_calls(options, state)
        for pages in options.page_kinds:
            for threads in options.thread_counts:
                measure(options, state, threads, pages)
    except KeyboardInterrupt:
        state["interrupted"] = True
        print("\nbenchmarks: interrupted; what was measured follows", file=sys.stderr)
    text = report.render(state)
    print(text, end="")
    if options.output:
        into = options.output.is_dir() or not options.output.suffix
        output = options.output / report.file_name() if into else options.output
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text)
    if options.json:
        options.json.write_text(json.dumps({key: value for key, value in state.items() if key != "options"}, indent=1))
    if options.plot:
        from suite import plot
        plot.draw(state, options.plot)
    return 130 if state.get("interrupted") else 1 if state.get("failed") else 0


if __name__ == "__main__":
    sys.exit(main())
