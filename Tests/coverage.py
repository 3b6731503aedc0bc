#!/usr/bin/env python3
"""Which lines of Sources no test reaches, and whether Tests/uncovered.txt says why of each.

    Tests/coverage.py build/coverage/*.info            (Tests/coverage.sh makes them, and calls this)
    Tests/coverage.py build/coverage/*.info --update   adds what is missing under "no reason yet", drops the rest

A line is named by its file, the declaration around it and its text, not by its number: edits elsewhere do not matter.
"""

import argparse
import re
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIST = Path(__file__).with_name("uncovered.txt")
NO_REASON = "no reason yet"
DECLARATION = re.compile(r"^(\s*)(?:@\w+(?:\([^)]*\))?\s+)*(?:[a-z]+(?:\(set\))?\s+)*"
                         r"(?:func|init|deinit|subscript|var|let|extension|struct|enum)\b[^{=]*")


def declaration(lines, index):
    """What the line is a part of: the nearest declaration above that is indented less."""
    indent = len(lines[index]) - len(lines[index].lstrip())
    for above in range(index - 1, -1, -1):
        found = DECLARATION.match(lines[above])
        if found and len(found[1]) < indent:
            return " ".join(re.sub(r"\bwhere\b.*", "", found[0]).split())
    return "the file"


def read(infos):
    """{file: {line: how often it was reached, in all builds}} of lcov files. The kernels' folders are one."""
    counts = {}
    for row in (row for info in infos for row in Path(info).read_text().splitlines()):
        key, _, value = row.partition(":")
        if key == "SF":
            path = (ROOT / value).resolve().relative_to(ROOT)
            lines = (ROOT / path).read_text().splitlines()
            found = counts.setdefault(path, {}) if path.parts[0] == "Sources" else {}
        elif key == "DA":
            number, count = (int(word) for word in value.split(",")[:2])
            # A brace is covered if what it closes is.
            if re.search(r"\w", lines[number - 1]):
                found[number] = found.get(number, 0) + count
    return counts


def uncovered(counts):
    """The names of the lines that were not reached."""
    names = Counter()
    for path, found in counts.items():
        lines = (ROOT / path).read_text().splitlines()
        for number in (number for number, count in found.items() if count == 0):
            names[f"{path}: {declaration(lines, number - 1)}: {' '.join(lines[number - 1].split())}"] += 1
    return names


def listed():
    """{reason: names of lines}, in the order of the file."""
    found, reason = {}, None
    for row in LIST.read_text().splitlines():
        if row.startswith("## "):
            reason = row[3:]
            found.setdefault(reason, Counter())
        elif row and not row.startswith("#"):
            found[reason][row] += 1
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("info", nargs="+", help="what llvm-cov export --format=lcov wrote, of one build each")
    parser.add_argument("--update", action="store_true", help="write Tests/uncovered.txt")
    options = parser.parse_args()
    counts, reasons = read(options.info), listed()
    missing = uncovered(counts)
    for path, found in sorted(counts.items()):
        print(f"{100 * sum(map(bool, found.values())) / max(len(found), 1):6.1f} %  {len(found):5} lines  {path}")
    lines = sum(map(len, counts.values()))
    reached = lines - missing.total()
    print(f"{100 * reached / lines:6.2f} %  {lines:5} lines in all, {missing.total()} not reached")

    known = sum(reasons.values(), Counter())
    new, gone = missing - known, known - missing
    if options.update:
        for names in reasons.values():
            names -= gone
            gone -= names
        reasons.setdefault(NO_REASON, Counter()).update(new)
        head = [row for row in LIST.read_text().split("\n## ")[0].splitlines()]
        parts = [f"## {reason}\n" + "".join(f"{name}\n" for name in sorted(names.elements()))
                 for reason, names in reasons.items() if names]
        LIST.write_text("\n".join(head).rstrip() + "\n\n" + "\n".join(parts))
        return 0
    for name in sorted(new.elements()):
        print(f"not reached, and not in {LIST.name}: {name}")
    for name in sorted(gone.elements()):
        print(f"in {LIST.name}, but reached, or not there: {name}")
    if NO_REASON in reasons:
        print(f"{LIST.name} has lines with no reason")
    return 1 if new or NO_REASON in reasons else 0


if __name__ == "__main__":
    sys.exit(main())
