"""Takes turns: every implementation is called once (or one batch) a round, so that whatever the machine does to one
it does to all, and ratios are taken within a round."""

import gc
import statistics
import time
from time import perf_counter_ns

BATCH = 2_000_000  # nanoseconds of a turn of a short call


def quartiles(values):
    """First quartile, median, third quartile."""
    values = sorted(values)
    if len(values) < 3:
        return values[0], statistics.median(values), values[-1]
    return tuple(statistics.quantiles(values, n=4, method="inclusive"))


def paired(numerator, denominator):
    """Quartiles of the ratios within the rounds in which both took part, or None."""
    ratios = [a / b for a, b in zip(numerator, denominator) if a is not None and b is not None]
    return quartiles(ratios) if ratios else None


def median(samples):
    return statistics.median([sample for sample in samples if sample is not None])


def interleave(implementations, limit, *, seconds, random, pause, least=7, most=201):
    """Nanoseconds of a call, a list with an entry a round for each implementation (None: sat out) and for "limit".

    implementations: name -> function without arguments. limit: function of a number of passes, or None. pause: seconds
    of rest before each turn, in which the idle threads of the one before stop spinning. Slow ones sit out some rounds.
    """
    cost, batch = {}, {}
    for name, function in implementations.items():
        function()
        start = perf_counter_ns()
        function()
        once = perf_counter_ns() - start
        count = max(1, min(10_000, BATCH // max(once, 1)))
        start = perf_counter_ns()
        for _ in range(count):
            function()
        cost[name] = max(1, (perf_counter_ns() - start) / count)
        batch[name] = max(1, min(1_000_000, int(BATCH / cost[name])))
    if limit is not None:
        cost["limit"] = max(1.0, limit(1))
        batch["limit"] = max(1, min(1_000_000, int(BATCH / cost["limit"])))
    fastest = min(cost.values())
    turn = {name: cost[name] * batch[name] for name in cost}
    # One that is k times slower than the fastest takes part in one round of about k / 8, of 8 at most.
    every = {name: int(max(1, min(8, cost[name] / fastest / 8))) if turn[name] > BATCH else 1 for name in cost}
    round_cost = sum(turn[name] / every[name] + pause * 1e9 for name in cost)
    rounds = int(max(least, min(most, seconds * 1e9 / round_cost)))
    every = {name: min(share, max(1, rounds // 3)) for name, share in every.items()}
    samples = {name: [None] * rounds for name in cost}
    names = list(cost)
    enabled = gc.isenabled()
    gc.disable()
    try:
        for index in range(rounds):
            for name in random.sample(names, len(names)):
                if index % every[name]:
                    continue
                if pause:
                    time.sleep(pause)
                count = batch[name]
                if name == "limit":
                    samples[name][index] = limit(count)
                    continue
                function = implementations[name]
                if turn[name] <= 2 * BATCH:
                    function()  # into the caches again
                start = perf_counter_ns()
                for _ in range(count):
                    function()
                samples[name][index] = (perf_counter_ns() - start) / count
    finally:
        if enabled:
            gc.enable()
    return samples
