"""From records to the text that is committed."""

import datetime

from . import machine, native, work
from .goals import goal_of, verdict

HOW_TO_READ = """\
Implementations take turns in one process: in each round, in random order, each is timed once, or a batch of it if a
call is short. Times are medians over the rounds. Ratios are taken within a round, and then their median: what else
this machine does disturbs them less than it does times.
  limit     a pure read of the same bytes (and write, where there are outputs), with as many threads, in the same
            rounds; for n=8 from Python a call through ctypes that does nothing
  C         Nepit called from C with its outputs made beforehand (through ctypes, save in "Calls from C")
  x limit   C over limit, with its quartiles
  Python    Nepit through its Python package, results allocated by each call
  best peer the fastest of the peers' ways, all listed at the end; "!" if its result is off by more than the tolerance
  faster    best peer over Python: how many times faster Nepit is"""


def duration(nanoseconds):
    for unit, size in (("s", 1e9), ("ms", 1e6), ("us", 1e3), ("ns", 1)):
        if nanoseconds >= size or unit == "ns":
            break
    value = nanoseconds / size
    return f"{value:.0f} {unit}" if value >= 99.5 else f"{value:.3g} {unit}"


def table(header, rows, right=()):
    """Columns as wide as they need to be."""
    widths = [max(len(str(row[index])) for row in [header, *rows]) for index in range(len(header))]

    def line(cells):
        return "  ".join(str(cell).rjust(width) if index in right else str(cell).ljust(width)
                         for index, (cell, width) in enumerate(zip(cells, widths))).rstrip()
    return "\n".join([line(header), line(["-" * width for width in widths]), *map(line, rows)])


def label(record):
    return f"{record['threads']}", record["pages"]


def wrong(record, name):
    """Whether a peer's result is too far from Nepit's, a NaN included."""
    return not record.get("difference", {}).get(name, 0) <= record.get("tolerance", 1e-3)


def cells(record):
    """limit, C, x limit, goal, verdict, Python, best peer, its time, faster."""
    times, ratio, speedup = record["times"], record.get("to_limit"), record.get("speedup")

    def time_of(name):
        return duration(times[name][1]) if name in times else ""
    goal = goal_of(record["name"], record.get("isa", ""))
    judged = verdict(goal, record) if goal else None
    best = record.get("best", "")
    return [time_of("limit"), time_of("nepit C"),
            f"{ratio[1]:.2f} ({ratio[0]:.2f}-{ratio[2]:.2f})" if ratio else "",
            judged[0] if judged else "", judged[2] if judged else "", time_of("nepit"),
            best + ("!" if best and wrong(record, best) else ""), time_of(best),
            f"{speedup[1]:.1f}" if speedup else ""]


COLUMNS = ["limit", "C", "x limit", "goal", "", "Python", "best peer", "", "faster"]
NUMBERS = {1, 3, 4, 8, 10, 11}  # of the columns of a table that begins with the work, threads and pages


def rows_table(records):
    return table(["work", "thr", "pages", *COLUMNS], [[record["name"], *label(record), *cells(record)]
                                                      for record in records], NUMBERS)


def head(state):
    heads, options = state["heads"], state["options"]
    first = heads[0] if heads else {}
    versions = first.get("versions", {})
    lines = [
        f"Nepit benchmarks, {state['date']}",
        "",
        f"machine    {machine.processor()}, {len(machine.usable_processors())} processors, {machine.caches()}, "
        f"{machine.memory()}",
        f"kernel     {machine.platform.system()} {machine.platform.release()}, "
        f"{' '.join(machine.platform.libc_ver())}, transparent huge pages: {machine.huge_page_mode()}",
        f"Nepit      {first.get('version', '?')}, kernels for {first.get('isa', '?')}, commit "
        f"{machine.commit(native.ROOT)}, library {state['digest'][:12]} (SHA-256)",
        f"peers      Python {machine.platform.python_version()}, "
        + ", ".join(f"{name} {version}" for name, version in versions.items()),
        f"C          {machine.compiler_version(native.compiler())}; the limit reads with {first.get('limit_isa', '?')}",
        f"seed       {work.SEED}",
        f"load       {state['load']} when it began, {machine.load()} at the end (1 minute, our own included)",
    ]
    if options.quick:
        lines.append("QUICK      small data and few rounds: this shows that the benchmarks run, and no more")
    if options.only:
        lines.append(f"only       rows that match {options.only}")
    if state.get("interrupted"):
        lines.append("INTERRUPTED  rows are missing")
    for each in heads:
        name = f"{each['threads']} thread{'s' * (each['threads'] > 1)}, {each['pages']} pages"
        tunables = f" ({each['tunables']})" if each["tunables"] else ""
        lines.append(f"{name}{tunables}: {each['malloc_huge']:.0%} of what malloc gives and {each['inputs_huge']:.0%} "
                     f"of the inputs is on huge pages")
        if each["package"]:
            lines.append(f"  without the Python package: {each['package']}")
    return "\n".join(lines)


def bandwidth_table(heads):
    names = dict.fromkeys(name for each in heads for name in each["bandwidth"])
    return table(["GB/s", *(f"{each['threads']} thr, {each['pages']}" for each in heads)],
                 [[name, *(f"{each['bandwidth'][name]:.1f}" if name in each["bandwidth"] else "" for each in heads)]
                  for name in names], range(1, len(heads) + 1))


def goals_table(records, isa):
    """A line for each goal's rows, how many are met, and why the others are not where that is known."""
    lines, met, reasons = [], 0, {}
    for record in records:
        if "times" not in record:
            continue
        goal = goal_of(record["name"], record.get("isa", ""))
        judged = verdict(goal, record) if goal else None
        if not judged:
            continue
        met += judged[1]
        if not judged[1] and goal.reason:
            reasons[goal.reason] = [*reasons.get(goal.reason, []), record["name"]]
        achieved = (duration(record["times"]["nepit" if goal.python else "nepit C"][1]) if goal.nanoseconds
                    else f"{record['to_limit'][1]:.2f} x limit")
        lines.append([record["name"], *label(record), record.get("isa", isa), achieved, judged[0], judged[2], goal.why])
    if not lines:
        return ""
    text = table(["work", "thr", "pages", "kernels", "measured", "goal", "", "because"], lines, {1, 4, 5})
    told = [f"{', '.join(dict.fromkeys(names))}: {reason}" for reason, names in reasons.items()]
    return "\n\n".join([text, f"{met} of {len(lines)} met.", *told])


def details(records):
    """Everything that was timed, a row a paragraph."""
    lines = []
    for record in records:
        title = f"{record['name']}, {record['threads']} thr, {record['pages']}"
        lines.append(title + (f", {record['isa']}" if record.get("isa") else ""))
        for name, (low, middle, high, rounds) in sorted(record.get("times", {}).items(), key=lambda item: item[1][1]):
            off = record.get("difference", {}).get(name)
            told = "" if off is None else f"  off by {off:.1e}" + ("!" if wrong(record, name) else "")
            lines.append(f"    {name:<20} {duration(middle):>9} ({duration(low)} - {duration(high)}, "
                         f"{rounds} rounds){told}")
        for name, why in record.get("gone", {}).items():
            lines.append(f"    {name:<20} not measured: {why}")
    return "\n".join(lines)


def render(state):
    records = state["records"]
    measured = [record for record in records if "times" in record]
    parts = [head(state), HOW_TO_READ]

    def section(title, text):
        if text:
            parts.append(f"{title}\n{'=' * len(title)}\n\n{text}")

    def group(name):
        chosen = [record for record in measured if record["group"] == name]
        chosen.sort(key=lambda record: state["order"].get(record["name"], 0))
        return rows_table(chosen) if chosen else ""
    section("What the machine moves", bandwidth_table(state["heads"]) if state["heads"] else "")
    section("Goals", "" if state["options"].quick else goals_table(
        measured, state["heads"][0]["isa"] if state["heads"] else ""))
    section("The measures at the core", group("core"))
    calls = [record for record in measured if record["group"] == "calls"]
    section("Calls from C, one thread, data in cache, call included",
            table(["work", "kernels", *COLUMNS], [[record["name"], record["isa"], *cells(record)]
                                                  for record in calls], {2, 3, 7, 9, 10}) if calls else "")
    section("Every further function, float64 unless it says otherwise", group("further"))
    section("Losses", group("losses"))
    section("All that was timed", details(records))
    missing = set(native.header_functions()) - {function for row in work.rows() for function in row.covers}
    if missing:
        section("Functions of nepit.h without a row", "\n".join(sorted(missing)))
    return "\n\n".join(parts) + "\n"


def file_name():
    return f"{datetime.date.today().isoformat()}-{machine.slug()}.txt"
