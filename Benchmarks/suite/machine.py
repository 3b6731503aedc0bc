"""What the figures were measured on, and with what."""

import ctypes
import os
import platform
import re
import subprocess
from pathlib import Path


def read(path):
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""


def processor():
    """Model, family and the count that this process may use."""
    fields = dict(re.findall(r"^([^\t:]+?)\s*: (.*)$", read("/proc/cpuinfo").split("\n\n")[0], re.M))
    name = fields.get("model name") or platform.processor() or platform.machine()
    detail = ", ".join(f"{key} {fields[key]}" for key in ("cpu family", "model") if key in fields)
    return f"{name} ({detail})" if detail else name


def slug():
    """The processor's name as a part of a file's name."""
    name = re.sub(r"\(R\)|\(TM\)|CPU|Processor|@.*|\(cpu family.*", "", processor(), flags=re.I)
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "unknown"


def caches():
    found = []
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        kind = {"Data": "d", "Instruction": "i"}.get(read(index / "type"), "")
        if kind != "i":
            found.append(f"L{read(index / 'level')}{kind} {read(index / 'size')}")
    return ", ".join(found)


def memory():
    match = re.search(r"MemTotal:\s+(\d+) kB", read("/proc/meminfo"))
    return f"{int(match[1]) / 2 ** 20:.1f} GiB" if match else "?"


def usable_processors():
    return sorted(os.sched_getaffinity(0))


def huge_page_mode():
    match = re.search(r"\[(\w+)\]", read("/sys/kernel/mm/transparent_hugepage/enabled"))
    return match[1] if match else "not in this kernel"


def huge_share(address, size):
    """The share of the memory at an address that is on huge pages, by the kernel's account of it."""
    total = huge = 0
    inside = False
    for line in read("/proc/self/smaps").splitlines():
        match = re.match(r"([0-9a-f]+)-([0-9a-f]+) ", line)
        if match:
            start, end = int(match[1], 16), int(match[2], 16)
            inside = start < address + size and address < end
        elif inside and line.startswith("Rss:"):
            total += int(line.split()[1])
        elif inside and line.startswith("AnonHugePages:"):
            huge += int(line.split()[1])
    return huge / total if total else 0.0


def malloc_huge_share(size=64 << 20):
    """The same of memory that malloc gives now."""
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    libc.malloc.argtypes = [ctypes.c_size_t]
    libc.free.argtypes = [ctypes.c_void_p]
    pointer = libc.malloc(size)
    ctypes.memset(pointer, 1, size)
    share = huge_share(pointer, size)
    libc.free(pointer)
    return share


def compiler_version(command):
    try:
        return subprocess.run([*command, "--version"], capture_output=True, text=True).stdout.splitlines()[0]
    except (OSError, IndexError):
        return " ".join(command)


def commit(root):
    """The commit that is measured, and whether files differ from it."""
    def git(*words):
        return subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True)
    try:
        head = git("rev-parse", "--short=12", "HEAD")
    except OSError:
        return "unknown"
    if head.returncode != 0:
        return "not committed yet"
    changed = git("status", "--porcelain", "--untracked-files=no").stdout.strip()
    return head.stdout.strip() + (" with local changes" if changed else "")


def versions():
    import importlib.metadata
    found = {}
    for name in ("numpy", "scipy", "torch", "jax", "jaxlib"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "absent"
    return found


def load():
    return f"{os.getloadavg()[0]:.2f}"
