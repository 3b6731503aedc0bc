"""One process of measurements: so many threads, such an allocator. Prints a JSON object a line."""

import json
import os
import random
import re
import sys
import time
import traceback

import numpy as np

from . import machine, native, timing, work

PAUSE = 0.003  # before a turn when there are two threads: those of the implementation before may still spin


def say(record):
    print(json.dumps(record), flush=True)


def progress(text):
    print(text, file=sys.stderr, flush=True)


def difference(results, references):
    """The largest deviation, relative to the largest magnitude; of several results that of the worst."""
    if hasattr(results, "finding"):  # of check_distribution
        results = (results.finding, results.excess)
    if not isinstance(references, tuple):
        references = (references,)
    if not isinstance(results, (tuple, list)):
        results = (results,)
    worst = 0.0
    for result, reference in zip(results, references):
        result = np.asarray(result, np.float64).ravel()
        reference = np.asarray(reference, np.float64).ravel()
        if result.shape != reference.shape:
            return float("nan")
        worst = np.maximum(worst, np.max(np.abs(result - reference)) / (np.max(np.abs(reference)) or 1.0))
    return float(worst)


def copied(results):
    """What a call gave, safe from the next call."""
    return tuple(map(np.array, results)) if isinstance(results, tuple) else np.array(results)


def bandwidths(limit, threads, quick):
    """GB/s that this machine reads, and reads and writes at once."""
    size = 1_000_000 if quick else 30_000_000
    source, target = work.aligned(size, np.float64), work.aligned(size, np.float64)
    source[:] = 1
    target[:] = 1
    found = {"read": source.nbytes / limit.passes([source], [], threads)(9)}
    for name, around in (("read and write", False), ("read and write around the caches", True)):
        found[name] = 2 * source.nbytes / limit.passes([source], [target], threads, around)(7)
    if threads == 1:
        for size in (16 << 10, 512 << 10, 8 << 20):
            part = source[:size // 8]
            values = sorted(limit.cached(part, max(1, (32 << 20) // part.nbytes)) for _ in range(9))
            found[f"read {size >> 10} KiB in cache"] = part.nbytes / values[4]
    return found


def summary(samples, case, differences):
    """What the tables need of one row."""
    times = {}
    for name, values in samples.items():
        kept = [value for value in values if value is not None]
        times[name] = [*timing.quartiles(kept), len(kept)]
    record = {"times": times, "difference": differences,
              "bytes": sum(array.nbytes for array in (*case.reads, *case.writes))}
    mine = "nepit C" if "nepit C" in samples else "nepit" if "nepit" in samples else None
    if mine and "limit" in samples:
        record["to_limit"] = timing.paired(samples[mine], samples["limit"])
    rivals = [name for name in samples if name not in ("nepit", "nepit C", "limit")]
    if rivals:
        best = min(rivals, key=lambda name: times[name][1])
        record["best"] = best
        through = "nepit" if "nepit" in samples else mine
        if through:
            record["speedup"] = timing.paired(samples[best], samples[through])
    return record


def run_row(row, context, *, seconds, seed):
    case = row.build(context)
    reference, differences = None, {}
    for name in sorted(case.implementations, key=lambda name: name != "nepit C"):  # that one first
        try:
            result = case.implementations[name]()
        except Exception as problem:  # a peer that cannot: said in the results, and the row goes on
            case.gone[name] = f"{type(problem).__name__}: {problem}".splitlines()[0]
            del case.implementations[name]
            continue
        if reference is None:
            reference = copied(result)
        else:
            differences[name] = difference(result, reference)
    if not any(name.startswith("nepit") for name in case.implementations):
        return {"gone": case.gone}
    limit = case.limit
    if limit is None:
        limit = context.limit.passes(case.reads, case.writes, context.threads)
        if case.writes:  # the better way of writing
            around = context.limit.passes(case.reads, case.writes, context.threads, True)
            limit = around if around(5) < limit(5) else limit
    samples = timing.interleave(case.implementations, limit, seconds=seconds, random=random.Random(seed),
                                pause=PAUSE if context.threads > 1 else 0)
    return {**summary(samples, case, differences), "gone": case.gone, "tolerance": case.tolerance}


def main(options):
    if options.threads == 1:
        # One processor for the whole process is what makes every library, JAX included, use one thread.
        os.sched_setaffinity(0, machine.usable_processors()[-1:])
    package, problem = None, None
    sys.path.insert(0, str(native.ROOT / "bindings" / "python" / "src"))
    os.environ.setdefault("NEPIT_LIBRARY", str(options.library))
    try:
        import nepit
        package = nepit
    except Exception as error:
        problem = f"{type(error).__name__}: {error}".splitlines()[0]
        progress(f"benchmarks: the Python package is left out: {problem}")
    library = native.Nepit(options.library)
    context = work.Context(library, native.Limit(), package, options.threads, options.compiled)
    probe = work.aligned(8_000_000, np.float64)
    probe[:] = 1
    say({"kind": "head", "threads": options.threads, "pages": options.pages, "version": library.version,
         "isa": library.isa, "limit_isa": context.limit.isa, "versions": machine.versions(), "package": problem,
         "malloc_huge": machine.malloc_huge_share(), "inputs_huge": machine.huge_share(probe.ctypes.data, probe.nbytes),
         "tunables": os.environ.get("GLIBC_TUNABLES", ""),
         "bandwidth": bandwidths(context.limit, options.threads, options.quick)})
    del probe
    chosen = [row for row in work.rows(options.quick)
              if (not options.only or re.search(options.only, row.name))
              and (row.group == "core" or options.pages == "default")]
    for index, row in enumerate(chosen):
        started = time.monotonic()
        try:
            record = run_row(row, context, seconds=options.seconds if row.group == "core" else options.seconds / 4,
                             seed=work.SEED + index)
        except (AttributeError, RuntimeError, MemoryError, ValueError) as error:
            if options.trace:
                traceback.print_exc()
            record = {"gone": {"row": f"{type(error).__name__}: {error}".splitlines()[0]}}
        record |= {"kind": "row", "name": row.name, "group": row.group, "threads": options.threads,
                   "pages": options.pages}
        say(record)
        ratio = record.get("to_limit")
        told = f"{ratio[1]:6.2f} x limit" if ratio else next(iter(record["gone"].values()), "")
        progress(f"[{options.threads} thread{'s' * (options.threads > 1)}, {options.pages} pages, "
                 f"{index + 1}/{len(chosen)}, {time.monotonic() - started:5.1f} s] {row.name}: {told}")
