"""The C side: compiles the programs in native/, and calls libnepit through ctypes with nothing in between."""

import ctypes
import hashlib
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "Benchmarks" / "native"
BUILD = ROOT / "build" / "bench"
HEADER = ROOT / "Include" / "nepit.h"
LIBRARY = ROOT / "build" / "lib" / "libnepit.so"

F64, F32, F16, BF16, I8, I16, I32, I64, U8, U16, U32, U64 = range(1, 13)
DTYPES = {"float64": F64, "float32": F32, "float16": F16, "bfloat16": BF16,
          "int8": I8, "int16": I16, "int32": I32, "int64": I64, "uint8": U8,
          "uint16": U16, "uint32": U32, "uint64": U64}
E = 2.718281828459045


def compiler():
    """The C compiler as a list of words, or an error in one sentence."""
    words = shlex.split(os.environ.get("CC", ""))
    for name in ([words] if words else [["cc"], ["gcc"], ["clang"]]):
        if shutil.which(name[0]):
            return name
    raise SystemExit("benchmarks: no C compiler (cc, gcc or clang, or CC in the environment)")


def compile_c(output, sources, *flags):
    """Compiles when a source or a header is newer than the output, or the command another than then."""
    inputs = [*sources, *SOURCES.glob("*.h"), HEADER]
    command = [*compiler(), "-std=gnu11", "-Wall", "-Wextra", *map(str, sources), "-o", str(output), *flags]
    note = output.with_name(output.name + ".command")
    if (output.exists() and note.exists() and note.read_text() == shlex.join(command)
            and all(output.stat().st_mtime > path.stat().st_mtime for path in inputs)):
        return output
    BUILD.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise SystemExit(f"benchmarks: {shlex.join(command)} failed:\n{done.stdout}")
    note.write_text(shlex.join(command))
    return output


def build_limit():
    return compile_c(BUILD / "liblimit.so", [SOURCES / "limit.c"], "-O2", "-shared", "-fPIC", "-pthread")


def build_calls(library=LIBRARY):
    plain = compile_c(BUILD / "loops-plain.o", [SOURCES / "loops.c"], "-O2", "-DKIND=plain", "-c")
    fast = compile_c(BUILD / "loops-fast.o", [SOURCES / "loops.c"], "-O3", "-ffast-math", "-march=native",
                     "-DKIND=fast", "-c")
    return compile_c(BUILD / "calls", [SOURCES / "calls.c", SOURCES / "limit.c", plain, fast], "-O2", "-pthread",
                     f"-I{ROOT / 'Include'}", f"-L{library.parent}", "-lnepit", f"-Wl,-rpath,{library.parent}", "-lm")


def snapshot(library):
    """A copy that stays the same while the run lasts, under the names that the loader asks for, and its SHA-256."""
    content = library.read_bytes()
    folder = BUILD / "library"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("libnepit.so", "libnepit.so.0"):
        fresh = folder / (name + ".new")  # not over a file that another run may have mapped
        fresh.write_bytes(content)
        fresh.replace(folder / name)
    return folder / "libnepit.so", hashlib.sha256(content).hexdigest()


class Limit:
    """How fast the machine moves the bytes that a measure reads and writes."""

    def __init__(self):
        self.library = library = ctypes.CDLL(str(build_limit()))
        library.limit_pass.restype = library.limit_cached.restype = ctypes.c_double
        library.limit_cached.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
        library.limit_isa.restype = ctypes.c_char_p
        self.isa = library.limit_isa().decode()

    def passes(self, reads, writes, threads, around=False):
        """A function of a number of passes that gives the median nanoseconds of one. Arrays must be contiguous."""
        def pointers(arrays):
            return (len(arrays), (ctypes.c_void_p * len(arrays))(*[a.ctypes.data for a in arrays]),
                    (ctypes.c_size_t * len(arrays))(*[a.nbytes for a in arrays]))
        arguments = (*pointers(reads), *pointers(writes), threads)

        def measure(count):
            result = self.library.limit_pass(*arguments, count, int(around))
            if result < 0:
                raise MemoryError("limit_pass")
            return result
        measure.keep = (reads, writes)
        return measure

    def cached(self, array, repeats):
        return self.library.limit_cached(array.ctypes.data, array.nbytes, repeats)


class Array(ctypes.Structure):
    """nepit_array, and nepit_mutable_array, which has the same layout."""
    _fields_ = [("data", ctypes.c_void_p), ("rows", ctypes.c_size_t), ("cols", ctypes.c_size_t),
                ("row_stride", ctypes.c_ssize_t), ("col_stride", ctypes.c_ssize_t), ("dtype", ctypes.c_int32)]


class Execution(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("threads", ctypes.c_int32), ("monitor", ctypes.c_void_p),
                ("context", ctypes.c_void_p)]


def view(array, axis=-1):
    """The problems along an axis of a vector or a matrix, as a nepit_array; None is the absent array."""
    if array is None:
        return Array(None, 0, 0, 0, 1, F64)
    size = array.itemsize
    matrix = array if array.ndim == 2 else array[None]
    if axis == 0 and array.ndim == 2:
        matrix = matrix.T
    return Array(array.ctypes.data, *matrix.shape, matrix.strides[0] // size, matrix.strides[1] // size,
                 DTYPES[array.dtype.name])


class Nepit:
    """libnepit, called with arguments that are made beforehand: what is left is the cost of the call."""

    def __init__(self, path=LIBRARY):
        self.library = ctypes.CDLL(str(path))
        for name in ("nepit_version", "nepit_isa", "nepit_status_message"):
            getattr(self.library, name).restype = ctypes.c_char_p
        self.version = self.library.nepit_version().decode()
        self.isa = self.library.nepit_isa().decode()

    def call(self, name, arguments, outputs, threads=1):
        """A function without arguments that calls nepit_<name>.

        arguments: views, numbers (a float is a double, an int a size_t) and None (a NULL pointer), in the order of C;
        the execution and the outputs come after them. outputs: an array goes as a plain pointer, a pair ("array", a) as
        a nepit_mutable_array.
        """
        function = getattr(self.library, f"nepit_{name}")
        function.restype = ctypes.c_int32
        execution = Execution(ctypes.sizeof(Execution), threads, None, None)
        words = []
        for argument in arguments:
            if isinstance(argument, Array):
                words.append(argument)
            elif isinstance(argument, float):
                words.append(ctypes.c_double(argument))
            elif isinstance(argument, int):
                words.append(ctypes.c_size_t(argument))
            elif argument is None:
                words.append(ctypes.c_void_p(None))
            else:
                raise TypeError(argument)
        words.append(ctypes.byref(execution))
        for output in outputs:
            if isinstance(output, tuple):
                words.append(view(output[1]))
            else:
                words.append(ctypes.c_void_p(None if output is None else output.ctypes.data))
        results = [output[1] if isinstance(output, tuple) else output for output in outputs]
        results = [result for result in results if result is not None]
        returned = results[0] if len(results) == 1 else tuple(results)

        def run():
            status = function(*words)
            if status != 0:
                raise RuntimeError(f"nepit_{name}: {self.library.nepit_status_message(status).decode()}")
            return returned
        run.keep = (execution, results, arguments)
        return run

    def logits_comparison(self, cols, top=10, sketch_bits=0):
        """The address of a new comparison of logits, which lives as long as the process."""
        made = ctypes.c_void_p()
        words = [ctypes.c_size_t(word) for word in (cols, top, sketch_bits, 0)]
        if self.library.nepit_logits_comparison_create(*words, ctypes.byref(made)) != 0:
            raise MemoryError("nepit_logits_comparison_create")
        return made.value

    def null_call(self):
        """The least that any call through ctypes costs: nepit_isa, its result not decoded."""
        prototype = ctypes.CFUNCTYPE(ctypes.c_void_p)
        return prototype(("nepit_isa", self.library))


def header_functions():
    """The functions of nepit.h that do work: those that take an execution."""
    text = re.sub(r"/\*.*?\*/", "", HEADER.read_text(), flags=re.S)
    return [name for name, parameters in re.findall(r"NEPIT_API\s+nepit_status\s+nepit_(\w+)\(([^)]*)\)", text)
            if "nepit_execution" in parameters]
