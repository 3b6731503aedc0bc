"""The bar: for the rows that have a goal, how far from the limit measured in the same run they may be."""

import re
from dataclasses import dataclass


@dataclass
class Goal:
    pattern: str            # of the whole name of a row
    times_limit: float = 0  # at most so many times the limit of the same run
    nanoseconds: float = 0  # or at most so long
    why: str = ""
    isa: str = ""           # instruction sets it is for, as a pattern; all if empty
    python: bool = False    # the time through the Python package counts, not that from C
    reason: str = ""        # why it is missed, where it is: printed beneath the goals that are


GOALS = [
    Goal(r"entropy f(32|64) n=3e7", times_limit=1.25,
         reason="one thread computes as long as it reads: 23 operations for 8 doubles, 14 for 16 floats, two of most kinds a cycle"),
    Goal(r"kl_divergence f32 n=3e7", times_limit=1.25, why="one read suffices",
         reason="45 operations and a division for 16 pairs, exact near equality, take 16 cycles in cache: more than a read"),
    Goal(r"kl_divergence f32 n=3e7, totals 1:3", times_limit=2.2, why="two reads",
         reason="totals that differ have it computed again in double, with totals in two words: a form that was not reworked"),
    Goal(r"kl_divergence f32 \[10000x1000\] along rows", times_limit=1.25, why="a row stays in cache",
         reason="as for n=3e7, and 70 ns a row: sums of lanes in two words, a quotient, the correction for unequal totals"),
    Goal(r"logits_comparison_update f32 \[512x128256\]", times_limit=1.6, isa="x86-64-v4",
         reason="about 110 operations for 16 pairs, in two reads of which one is of the cache"),
    Goal(r"entropy f32 n=4096, from C", nanoseconds=350, isa="x86-64-v4",
         reason="256 times 14 operations for 16 elements, and a short call"),
    Goal(r"gaussian_kl with gradients f32 .*", times_limit=1.2, why="two read, two written"),
    Goal(r"\w+ f(32|64) n=8, from C", nanoseconds=40, isa="x86-64-v[34]",
         reason="a chain of latencies: checks, environment, logarithm, eight lanes in two words, quotient, log P"),
    Goal(r"\w+ f64 n=8, from Python", nanoseconds=2500, python=True),
]


def goal_of(name, isa=""):
    """The goal of a row, without the instruction set in its name, or None."""
    for goal in GOALS:
        if re.fullmatch(goal.pattern, name) and re.fullmatch(goal.isa or ".*", isa):
            return goal
    return None


def verdict(goal, record):
    """(what it asks, whether it is met, by how much), or None where it was not measured."""
    times, ratio = record["times"], record.get("to_limit")
    if goal.nanoseconds:
        name = "nepit" if goal.python else "nepit C"
        if name not in times:
            return None
        achieved = times[name][1]
        bar = goal.nanoseconds
        asks = f"<= {bar:.0f} ns" if bar < 1000 else f"<= {bar / 1000:.1f} us"
    else:
        if not ratio:
            return None
        achieved, bar = ratio[1], goal.times_limit
        asks = f"<= {bar:.2f} x"
    share = achieved / bar - 1
    if share <= 0:
        return asks, True, f"met, {-share:.0%} to spare"
    return asks, False, f"missed by {share:.0%}" if share < 1 else f"missed, {share + 1:.1f} times that"
