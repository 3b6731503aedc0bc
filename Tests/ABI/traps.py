#!/usr/bin/env python3
"""traps.py LIBRARY    Trap instructions in the code that exports reach, beside the list of those allowed.

LIBRARY is the shipped one before stripping (build/debug/libnepit.so.*). A trap ends the host process, and the Swift
compiler puts one behind every addition, index, range and forced unwrapping that it cannot prove. So the code is walked
as it lies in the file, from every export along each jump, call and address taken; where a jump is indirect the whole
function counts as reached, and what data points to counts as well. Each trap met must stand in traps.txt with its
function, how many there are, and why none is ever taken; and what stands there must still be in the library.

A new trap is best removed: `&+` where the operands' checks were made at the boundary, upTo(n) for 0..<n, guard for `!`.
Only what cannot be removed is listed.
"""

import argparse
import bisect
import collections
import re
import shutil
import subprocess
import sys
from pathlib import Path

import elf

LIST = Path(__file__).with_name("traps.txt")
TRAPS = {"ud2", "ud1", "int3", "hlt"}
# Of libc, what ends a process. (A smashed stack ends it too: __stack_chk_fail is no trap but a finding.)
ENDING = {"abort", "exit", "_exit", "raise", "kill", "__assert_fail"}
ENDS_BLOCK = {"ret", "jmp"} | TRAPS


class Code:
    """The instructions of a library: where each leads, and to which function it belongs."""

    def __init__(self, path):
        tool = shutil.which("objdump")
        if tool is None:
            sys.exit("traps.py: objdump is missing (binutils)")
        self.instructions = {}          # address: (mnemonic, operands)
        self.names = []                 # (address, name), in order
        text = subprocess.run([tool, "-d", "--no-show-raw-insn", str(path)], capture_output=True, text=True, check=True)
        for line in text.stdout.splitlines():
            title = re.match(r"([0-9a-f]+) <(.+)>:$", line)
            if title:
                self.names.append((int(title.group(1), 16), title.group(2)))
                continue
            found = re.match(r"\s*([0-9a-f]+):\s+(?:(?:notrack|bnd|rep|repz|lock) )*(\S+)\s*(.*)", line)
            if found:
                self.instructions[int(found.group(1), 16)] = (found.group(2), found.group(3))
        self.order = sorted(self.instructions)
        self.starts = [address for address, _ in self.names]

    def function(self, address):
        """The start, end and name of the function around an address."""
        place = bisect.bisect_right(self.starts, address) - 1
        end = self.starts[place + 1] if place + 1 < len(self.starts) else self.order[-1] + 1
        return self.starts[place], end, self.names[place][1]

    def within(self, start, end):
        return self.order[bisect.bisect_left(self.order, start):bisect.bisect_left(self.order, end)]

    def after(self, address):
        place = bisect.bisect_right(self.order, address)
        return self.order[place] if place < len(self.order) else None

    def leads_to(self, address):
        """Where control may go, or what may be called, after an instruction."""
        mnemonic, operands = self.instructions[address]
        # A jump's or call's target, or an address that is taken: "# 9ae80 <name>".
        for found in re.finditer(r"(?:^|# )([0-9a-f]+) <", operands):
            yield int(found.group(1), 16)
        if mnemonic == "jmp" and "*" in operands:
            start, end, name = self.function(address)
            if not name.endswith("@plt"):
                yield from self.within(start, end)
        if mnemonic not in ENDS_BLOCK:
            yield self.after(address)

    def reached(self, roots):
        seen, left = set(), list(roots)
        while left:
            address = left.pop()
            if address in self.instructions and address not in seen:
                seen.add(address)
                left.extend(self.leads_to(address))
        return seen


def roots(path):
    """The exports, and every address of code that data holds."""
    library = elf.Elf(path)
    found = {symbol.value for symbol in library.symbols(elf.SHT_DYNSYM) if symbol.defined}
    relocations = subprocess.run(["readelf", "-rW", str(path)], capture_output=True, text=True, check=True).stdout
    found |= {int(address, 16) for address in re.findall(r"R_X86_64_RELATIVE\s+([0-9a-f]+)", relocations)}
    return found


def plain(names):
    """Each mangled name's Swift function, without generic arguments and labels: Nepit.Tile.gather."""
    result = {name: name for name in names}
    names = [name for name in names if name.startswith("$")]
    if not names:
        return result
    tool = shutil.which("swift-demangle") or shutil.which("swift")
    command = [tool] if tool and tool.endswith("demangle") else [tool, "demangle"]
    told = subprocess.run([*command, "--simplified", "--compact", *names], capture_output=True, text=True, check=True)
    for name, text in zip(names, told.stdout.splitlines()):
        text = re.sub(r"^.* of (?=\S+\()|^(specialized|merged|closure #\d+.* in) ", "", text)
        while re.search(r"<[^<>]*>", text.replace("->", "")):
            text = re.sub(r"<[^<>]*>", "", text.replace("->", ""))
        result[name] = text.partition("(")[0].strip() or name
    return result


def place_of(path, address):
    """file:line of an instruction, of the innermost function that is Nepit's; for the message only."""
    tool = shutil.which("llvm-symbolizer")
    if tool is None:
        return "?"
    text = subprocess.run([tool, f"--obj={path}", hex(address)], capture_output=True, text=True).stdout
    lines = [line for line in text.splitlines() if "/Sources/" in line]
    return lines[0].rpartition("/Sources/")[2] if lines else "of the compiler"


def listed():
    """{function: (count, reason)} of traps.txt."""
    table = {}
    for line in LIST.read_text().splitlines():
        if line and not line.startswith("#"):
            function, count, reason = (word.strip() for word in line.split("|", 2))
            table[function] = (int(count), reason)
    return table


def main():
    parser = argparse.ArgumentParser(description="Compare the library's reachable traps with traps.txt.")
    parser.add_argument("library", type=Path)
    options = parser.parse_args()
    code = Code(options.library)
    reached = code.reached(roots(options.library))
    all_traps = [address for address, (mnemonic, _) in code.instructions.items() if mnemonic in TRAPS]
    traps = sorted(address for address in all_traps if address in reached)
    names = {address: code.function(address)[2] for address in traps}
    functions = plain(sorted(set(names.values()))) if traps else {}
    places = collections.defaultdict(list)
    for address in traps:
        places[functions[names[address]]].append(address)

    wrong = []
    table = listed()
    for function, addresses in sorted(places.items()):
        count, reason = table.get(function, (0, ""))
        if len(addresses) > count:
            where = collections.Counter(place_of(options.library, address) for address in addresses)
            wrong.append(f"{function}: {len(addresses)} traps, {count} in the list: "
                         + ", ".join(f"{place} ({number})" for place, number in sorted(where.items())))
    for function, (count, reason) in table.items():
        if len(places.get(function, [])) < count:
            wrong.append(f"{function}: {len(places.get(function, []))} traps, {count} in the list: take away what is gone")
        if len(reason.split()) < 4:
            wrong.append(f"{function}: no reason")
    for address in reached:
        mnemonic, operands = code.instructions[address]
        ending = re.search(r"<(\w+)@plt>", operands)
        if mnemonic in ("call", "jmp") and ending and ending.group(1) in ENDING:
            wrong.append(f"{code.function(address)[2]} calls {ending.group(1)}")
    for line in wrong:
        print(f"FAIL  {line}")
    print(f"{'FAIL' if wrong else 'ok  '}  {len(reached):,} of {len(code.instructions):,} instructions are reached from exports;"
          f" traps among them: {len(traps)}{'' if wrong else ', each in traps.txt'}; {len(all_traps) - len(traps)} that nothing reaches")
    if wrong:
        sys.exit("traps.py: a trap ends the host process. Remove it at its source, or say in Tests/ABI/traps.txt why it"
                 " is never taken")


if __name__ == "__main__":
    main()
