#!/usr/bin/env python3
"""Checks the shipped library as a file: what it needs, what it exports, and which instructions it holds.

    binary.py build/lib/libnepit.so [build/debug/libnepit.so.0.1.0] [--objects .build/embedded/release]

The second file is the same library before stripping: its symbols tell which module a function comes from, and that
no trapping allocation of the Swift runtime is referred to. The objects tell which weak symbols the three kernel
modules share, of which the linker keeps one. What a missing argument leaves unchecked is said in the output.
"""
import argparse
import ctypes
import re
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

import elf
import header

NEEDED = {"libc.so.6", "libm.so.6"}
SIZE = 2_500_000  # 1.5 MB for section discrete, 1 MB for losses
GLIBC = (2, 17)
# Of the mathematical library: what rounds correctly by definition, so that every processor gives the same bits.
EXACT = {name + suffix for suffix in ("", "f") for name in (
    "fma sqrt floor ceil rint nearbyint trunc round roundeven fabs copysign fmin fmax fmod remainder "
    "ldexp scalbn frexp modf logb ilogb nextafter").split()}
# What prints, ends the process, or traps when memory runs out. (__stack_chk_fail is not among them: it ends a process
# whose stack has been overwritten already.)
FATAL = re.compile(r"swift_(alloc|slowAlloc|initStack|bufferAlloc|deletedMethod|unexpectedError|willThrow)|swift_once"
                   r"|^(abort|exit|_exit|quick_exit|raise|__assert_fail|__chk_fail"
                   r"|puts|putchar|printf|fprintf|vprintf|fputs|fwrite)$")
# The names of an optional runtime that any linked program refers to, weakly.
OPTIONAL = {"__cxa_finalize", "__gmon_start__", "_ITM_deregisterTMCloneTable", "_ITM_registerTMCloneTable"}

failures = 0


def check(good, text, *details):
    global failures
    failures += not good
    print(f"{'ok  ' if good else 'FAIL'}  {text}")
    for detail in details if not good else ():
        print(f"        {detail}")


# ------------------------------------------------------------------- the file


def check_file(library, model):
    name = f"libnepit.so.{model.version.split('.')[0]}"
    soname = library.dynamic_strings(elf.DT_SONAME)
    check(soname == [name], f"SONAME is {' '.join(soname) or 'missing'}")
    needed = library.dynamic_strings(elf.DT_NEEDED)
    check(set(needed) <= NEEDED, f"needs {' '.join(needed)}", f"allowed: {' '.join(sorted(NEEDED))}")
    paths = library.dynamic_strings(elf.DT_RPATH) + library.dynamic_strings(elf.DT_RUNPATH)
    check(not paths, f"no RPATH {' '.join(paths)}".rstrip())

    size = library.path.stat().st_size
    check(size < SIZE, f"{size:,} bytes, of {SIZE:,}")
    check(library.of_type(elf.SHT_SYMTAB) is None, "stripped")

    flags = dict(library.dynamic())
    now = flags.get(elf.DT_FLAGS, 0) & elf.DF_BIND_NOW or flags.get(elf.DT_FLAGS_1, 0) & elf.DF_1_NOW \
        or elf.DT_BIND_NOW in flags
    check(bool(now), "binds at load (NOW)")
    kinds = [program[0] for program in library.programs]
    check(elf.PT_GNU_RELRO in kinds, "relocations are read-only afterwards (RELRO)")
    text = elf.DT_TEXTREL in flags or flags.get(elf.DT_FLAGS, 0) & elf.DF_TEXTREL
    check(not text, "no text relocations")
    stack = [program[1] for program in library.programs if program[0] == elf.PT_GNU_STACK]
    check(stack != [] and not stack[0] & elf.PF_X, "the stack is not executable")
    both = [program for program in library.programs
            if program[0] == elf.PT_LOAD and program[1] & elf.PF_X and program[1] & elf.PF_W]
    check(not both, "no memory that is writable and executable")
    cet = library.x86_features()
    check(bool(cet & elf.FEATURE_IBT and cet & elf.FEATURE_SHSTK),
          "is made for indirect branch tracking and shadow stacks (IBT, SHSTK)")


def check_symbols(library, model):
    symbols = library.symbols(elf.SHT_DYNSYM)
    exported = {symbol.name for symbol in symbols if symbol.defined and symbol.type == elf.STT_FUNC}
    other = {symbol.name for symbol in symbols if symbol.defined and symbol.type != elf.STT_FUNC}
    version = f"NEPIT_{model.version.split('.')[0]}"
    declared = {function.name for function in model.functions}
    check(exported == declared, f"exports {len(exported)} functions, the header's {len(declared)}",
          *(f"not exported: {name}" for name in sorted(declared - exported)),
          *(f"not in the header: {name}" for name in sorted(exported - declared)))
    check(other <= {version}, "exports nothing else", *sorted(other - {version}))
    unversioned = sorted(symbol.name for symbol in symbols
                         if symbol.defined and symbol.type == elf.STT_FUNC and symbol.version != version)
    check(not unversioned, f"each export has the version {version}", *unversioned)

    undefined = [symbol for symbol in symbols if not symbol.defined and symbol.name not in OPTIONAL]
    print("      imports " + " ".join(sorted(symbol.name for symbol in undefined)))
    unknown = sorted(symbol.name for symbol in undefined if not symbol.version)
    check(not unknown, "each import has a version", *unknown)
    inexact = sorted(symbol.name for symbol in undefined
                     if symbol.library.startswith("libm.") and symbol.name not in EXACT)
    check(not inexact, "no result passes through a transcendental of libm", *inexact)
    late = sorted(f"{symbol.name}@{symbol.version}" for symbol in undefined if glibc(symbol.version) > GLIBC)
    newest = max((glibc(symbol.version) for symbol in undefined), default=(0,))
    check(not late, f"asks for glibc {'.'.join(map(str, newest))}, at most {'.'.join(map(str, GLIBC))}", *late)
    fatal = sorted(symbol.name for symbol in undefined if FATAL.search(symbol.name))
    check(not fatal, "imports nothing that ends the process or prints", *fatal)


def glibc(version):
    found = re.fullmatch(r"GLIBC_([\d.]+)", version)
    return tuple(int(part) for part in found.group(1).split(".")) if found else (0,)


# ------------------------------------------------------------- loading, calling


def check_loading(path, model):
    """dlopen and dlclose, 50 times; and what the library says its version is."""
    import _ctypes
    times = []
    for _ in range(50):
        start = time.perf_counter()
        handle = _ctypes.dlopen(str(path.resolve()), 2)     # RTLD_NOW
        times.append((time.perf_counter() - start) * 1e3)
        _ctypes.dlclose(handle)
    median = statistics.median(times)
    # 1 ms is the goal; a loaded machine must not make a red test of it.
    check(median < 20, f"dlopen takes {median:.3f} ms (median of 50; least {min(times):.3f}, most {max(times):.3f})")
    library = ctypes.CDLL(str(path.resolve()))
    library.nepit_version.restype = library.nepit_isa.restype = ctypes.c_char_p
    said = library.nepit_version().decode()
    check(said == model.version, f"nepit_version() is {said}, the header's {model.version}")
    isa = library.nepit_isa().decode()
    check(isa in ("x86-64", "x86-64-v3", "x86-64-v4"), f"nepit_isa() is {isa}")


# ---------------------------------------------------------------- instructions


# Instructions that an x86-64 of the first level has not: SSE3 to SSE4.2, BMI, and all that begin with v (AVX, FMA).
# tzcnt is missing because older processors read it as bsf, and compilers count on that.
BEYOND_V1 = re.compile(
    r"(v(?!er[rw])|round[sp][sd]|p?blend|pinsr[bdq]|pextr[bdq]|ptest|popcnt|lzcnt|andn[lq]?$|bextr|bls|mulx|s[ah][lr]x"
    r"|rorx|pshufb|palignr|p?h(add|sub)|mov(ddup|shdup|sldup|be)|addsub|pmulld|pmin(s[bd]|u[wd])|pmax(s[bd]|u[wd])"
    r"|pmov[sz]x|pcmp(eqq|gtq|.str)|dpp[sd]|insertps|extractps|packusdw|crc32|lddqu|pabs|psign|pmaddubsw|pmulhrsw"
    r"|mpsadbw|pclmul|aes|sha)")
# What only AVX-512 has: its registers and masks.
BEYOND_V3 = re.compile(r"%zmm|%k[0-7]\b|%[xy]mm(1[6-9]|2\d|3[01])\b")


class Code:
    """What the instructions of one function are like."""

    def __init__(self):
        self.beyond_v1 = self.beyond_v3 = 0
        self.packed_fma_ymm = self.packed_fma_zmm = 0
        self.vector = False
        self.first = None
        self.calls = set()

    def add(self, instruction, imported):
        mnemonic, _, operands = instruction.partition(" ")
        self.first = self.first or mnemonic
        self.vector |= "%xmm" in operands or "%ymm" in operands or "%zmm" in operands
        self.beyond_v1 += BEYOND_V1.match(mnemonic) is not None
        self.beyond_v3 += BEYOND_V3.search(operands) is not None
        if re.match(r"vfn?m(add|sub)\d+p[ds]", mnemonic):
            self.packed_fma_ymm += "%ymm" in operands
            self.packed_fma_zmm += "%zmm" in operands
        if mnemonic.startswith(("call", "jmp")):
            target = re.match(r"(?:0x)?([0-9a-f]+) <([^>+]+)", operands)
            if target:
                self.calls.add(imported.get(int(target.group(1), 16), target.group(2).removesuffix("@plt")))


def imports_of(path):
    """address: the function of another library that a call there reaches.

    Disassemblers differ in where they see these entries begin. They stand in .plt, the first half for binding late, in
    the order of the relocations.
    """
    def readelf(option):
        return subprocess.run(["readelf", option, str(path)], capture_output=True, text=True, check=True).stdout
    names = re.findall(r"R_X86_64_JUMP_SLO\w*\s+[0-9a-f]+\s+(\w+)", readelf("-rW"))
    section = re.search(r"\.plt(?:\.sec)?\s+PROGBITS\s+([0-9a-f]+)\s+[0-9a-f]+\s+([0-9a-f]+)", readelf("-SW"))
    if not names or not section:
        return {}
    end = int(section.group(1), 16) + int(section.group(2), 16)
    return {end - 16 * (len(names) - place): name for place, name in enumerate(names)}


def disassemble(path):
    """name: Code for each function of a file."""
    tool = shutil.which("llvm-objdump") or shutil.which("objdump")
    if tool is None:
        sys.exit("binary.py: neither llvm-objdump nor objdump is there")
    functions, current, imported = {}, None, imports_of(path)
    command = [tool, "-d", "--no-show-raw-insn", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            title = re.match(r"[0-9a-f]+ <(.+)>:$", line)
            if title:
                current = functions.setdefault(title.group(1), Code())
                continue
            found = re.match(r"\s*[0-9a-f]+:\s+(\S.*)", line)
            if found and current is not None:
                current.add(" ".join(found.group(1).split()), imported)
    if process.returncode:
        sys.exit(f"binary.py: {tool} failed on {path}")
    return functions


def module_of(name):
    """Which kernels a function belongs to: 3, 4, or 1 for the baseline and everything around it."""
    if "NepitKernelsV3" in name:
        return 3
    return 4 if "NepitKernelsV4" in name else 1


def check_instructions(path, declared):
    functions = disassemble(path)
    # Every export is called through a table of the loader: indirectly, as IBT tracks it.
    unmarked = sorted(name for name in declared if name in functions and functions[name].first != "endbr64")
    check(not unmarked, "each export begins with ENDBR64", *unmarked)
    by_module = {1: {}, 3: {}, 4: {}}
    for name, code in functions.items():
        by_module[module_of(name)][name] = code

    wide = sorted(name for name, code in by_module[1].items() if code.beyond_v1)
    check(not wide, f"{len(by_module[1])} functions of the baseline, none with instructions beyond it", *wide)
    beyond = sorted(name for name, code in by_module[3].items() if code.beyond_v3)
    check(not beyond, f"{len(by_module[3])} functions for v3, none with instructions of v4", *beyond)
    fma = sum(code.packed_fma_ymm for code in by_module[3].values())
    check(fma > 0, f"v3: {fma} packed FMA on ymm")
    fma = sum(code.packed_fma_zmm for code in by_module[4].values())
    check(fma > 0, f"v4: {fma} packed FMA on zmm")
    for level in (3, 4):
        slow = sorted(f"{name} calls {call}" for name, code in by_module[level].items()
                      for call in code.calls if call in EXACT)
        check(not slow, f"v{level} calls no function of libm", *slow)


def check_runtime(whole):
    symbols = whole.symbols(elf.SHT_SYMTAB)
    if not symbols:
        check(False, f"{whole.path} has symbols")
        return
    names = sorted({symbol.name for symbol in symbols if FATAL.search(symbol.name)})
    check(not names, "no reference to a trapping allocation of the Swift runtime", *names)


def check_weak(directory):
    """Weak functions that two kernel modules define under one name: the linker keeps one, for all instruction sets."""
    modules = {}
    for name in ("NepitKernels", "NepitKernelsV3", "NepitKernelsV4"):
        objects = sorted(Path(directory).glob(f"**/{name}.build/**/*.o"))
        if not objects:
            check(False, f"{directory} has objects of {name}")
            return
        modules[name] = objects
    defined = {}
    for name, objects in modules.items():
        for path in objects:
            for symbol in elf.Elf(path).symbols(elf.SHT_SYMTAB):
                if symbol.defined and symbol.type == elf.STT_FUNC and symbol.binding != elf.STB_LOCAL:
                    defined.setdefault(symbol.name, {}).setdefault(name, path)
    shared = {name: places for name, places in defined.items() if len(places) > 1}
    code = {path: disassemble(path) for path in {path for places in shared.values() for path in places.values()}}
    vector = sorted(name for name, places in shared.items()
                    if any(name in code[path] and code[path][name].vector for path in places.values()))
    check(not vector, f"the kernel modules share {len(shared)} functions by name, none with vector code", *vector)


def main():
    parser = argparse.ArgumentParser(description="Check the shipped library as a file.")
    parser.add_argument("library", type=Path)
    parser.add_argument("whole", type=Path, nargs="?", help="the same library before stripping")
    parser.add_argument("--objects", metavar="DIRECTORY", help="where NepitKernels*.build lie")
    options = parser.parse_args()
    for path in (options.library, options.whole):
        if path and not path.exists():
            sys.exit(f"binary.py: there is no {path}")
    try:
        model = header.read()
    except header.HeaderError as error:
        sys.exit(f"binary.py: {error}")
    library = elf.Elf(options.library)
    check_file(library, model)
    check_symbols(library, model)
    check_loading(options.library, model)
    if options.whole:
        check_runtime(elf.Elf(options.whole))
        check_instructions(options.whole, {function.name for function in model.functions})
    else:
        print("      not checked without the unstripped library: instructions, trapping allocations")
    if options.objects:
        check_weak(options.objects)
    else:
        print("      not checked without --objects: weak symbols shared by kernel modules")
    if failures:
        sys.exit(f"binary.py: {failures} checks failed")


if __name__ == "__main__":
    main()
