#!/usr/bin/env python3
"""The frozen ABI: every declaration of nepit.h as one line of Tests/ABI/nepit-0.abi.

    abi.py --check              compare the header with the table; any difference fails
    abi.py --update             write the table (the diff is the review)
    abi.py --against REVISION   compare the header with the table of a release: additions are fine, nothing else is

A line is "kind name: what it is". Parameter names count: two of one type in another order are another ABI.
"""
import argparse
import subprocess
import sys

import header

TABLE = header.ROOT / "Tests" / "ABI" / "nepit-0.abi"
HEAD = """\
# The ABI of libnepit.so.0 as nepit.h declares it, on x86-64: one line a function, record, field, type and macro.
# Written by Tests/ABI/abi.py --update; a removed or changed line breaks programs that are compiled already.
"""


def table(model):
    lines = []
    for name, type_ in model.typedefs:
        lines.append(f"type {name}: {type_}")
    lines += [f"object {name}: declared only" for name in model.objects]
    for record in model.records:
        lines.append(f"record {record.name}: size {record.size} alignment {record.alignment}")
        for name, type_, offset, size in record.fields:
            lines.append(f"field {record.name}.{name}: offset {offset} size {size} {type_}")
    for name, value in model.macros:
        if not name.startswith("NEPIT_VERSION_"):       # changes with each release; binary.py compares it
            lines.append(f"macro {name}: {value}")
    for kind, functions in (("inline", model.inlines), ("function", model.functions)):
        lines += [f"{kind} {function.name}: {function.signature}" for function in functions]
    return lines


def parse(text):
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def differences(old, new):
    """(removals and changes, additions), each a readable line; entries are matched by kind and name."""
    def keyed(lines):
        return {line.partition(":")[0]: line.partition(": ")[2] for line in lines}
    old, new = keyed(old), keyed(new)
    breaking = []
    for name, was in old.items():
        if name not in new:
            breaking.append(f"removed  {name}: {was}")
        elif new[name] != was:
            breaking.append(f"changed  {name}: {was}\n     now {' ' * len(name)}  {new[name]}")
    return breaking, [f"added    {name}: {value}" for name, value in new.items() if name not in old]


def main():
    parser = argparse.ArgumentParser(description="Compare nepit.h with the frozen ABI table.")
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--check", action="store_true")
    action.add_argument("--update", action="store_true")
    action.add_argument("--against", metavar="REVISION", help="a release's tag")
    options = parser.parse_args()
    try:
        new = table(header.read())
    except header.HeaderError as error:
        sys.exit(f"abi.py: {error}")

    if options.update:
        TABLE.write_text(HEAD + "\n".join(new) + "\n")
        print(f"abi: wrote {len(new)} lines to {TABLE.relative_to(header.ROOT)}")
        return
    if options.against:
        path = f"{options.against}:{TABLE.relative_to(header.ROOT)}"
        shown = subprocess.run(["git", "-C", header.ROOT, "show", path], capture_output=True, text=True)
        if shown.returncode:
            sys.exit(f"abi.py: {shown.stderr.strip()}")
        breaking, added = differences(parse(shown.stdout), new)
        fatal = breaking
    else:
        if not TABLE.exists():
            sys.exit(f"abi.py: {TABLE.name} does not exist; run abi.py --update")
        breaking, added = differences(parse(TABLE.read_text()), new)
        fatal = breaking + added
    for line in breaking + added:
        print(line)
    if fatal:
        sys.exit(f"abi.py: {len(breaking)} removed or changed, {len(added)} added"
                 + ("" if options.against else "; if that is meant, run Tests/ABI/abi.py --update"))
    print(f"abi: {len(new)} lines unchanged" + (f", {len(added)} added" if added else ""))


if __name__ == "__main__":
    main()
