"""The programs of bindings/c print what they are to print, and file_entropy copes with what files are."""

import array
import fcntl
import math
import os
import random
import signal
import subprocess
import termios
import time
from collections import Counter

import pytest
from conftest import ROOT, run

FOLDER = ROOT / "bindings" / "c"
PROGRAMS = ROOT / "build" / "c"
NAMES = sorted(source.stem for source in FOLDER.glob("*.c"))
SAMPLES = [name for name in NAMES if name != "file_entropy"]
FILE_ENTROPY = PROGRAMS / "file_entropy"


def pending(pipe):
    """How many bytes wait in a pipe."""
    size = array.array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, size)
    return size[0]


def wait_until(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize("name", SAMPLES)
def test_prints_what_it_is_to_print(name):
    assert run(PROGRAMS / name).stdout == (FOLDER / "expected" / f"{name}.txt").read_text()


@pytest.mark.parametrize("name", SAMPLES)
def test_fits_one_screen(name):
    assert len((FOLDER / f"{name}.c").read_text().splitlines()) <= 45


def test_each_is_in_the_readme():
    readme = (FOLDER / "README.md").read_text()
    assert [name for name in NAMES if f"`{name}.c`" not in readme] == []


def test_rows_can_be_interrupted():
    """The pipe has room for one line of progress: at the second the program waits, and so is sure to be interrupted."""
    read, write = os.pipe()
    room = fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
    os.write(write, b"." * (room - len("  0 %\r")))
    with subprocess.Popen([PROGRAMS / "rows"], stdout=subprocess.PIPE, stderr=write, text=True) as program:
        os.close(write)
        wait_until(lambda: pending(read) == room)
        program.send_signal(signal.SIGINT)
        with open(read, newline="") as pipe:
            said = pipe.read()
        assert "columns" not in program.stdout.read()
    assert program.returncode == 1
    assert said.rpartition("\r")[2].startswith("rows: ")


# ------------------------------------------------------------ file_entropy


def shannon(data):
    """In bits, by the definition."""
    return math.fsum(-n / len(data) * math.log2(n / len(data)) for n in Counter(data).values())


def kl(p, q):
    p, q, m, n = Counter(p), Counter(q), len(p), len(q)
    return math.fsum(a / m * math.log2(a / m * n / q[s]) if q[s] else math.inf for s, a in p.items())


def js(p, q):
    p_counts, q_counts = Counter(p), Counter(q)
    middle = [(p_counts[s] / len(p) + q_counts[s] / len(q)) / 2 for s in range(256)]
    return math.fsum(-x * math.log2(x) for x in middle if x) - (shannon(p) + shannon(q)) / 2


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Of one byte, of exactly a buffer, of more; of one symbol, some, all."""
    place = tmp_path_factory.mktemp("files")
    generator = random.Random(20261123)
    contents = {
        "all": bytes(range(256)) * 1024 + b"x",
        "letters": bytes(generator.choices(b"etaoin shrdlu", range(13, 0, -1), k=300_001)),
        "buffer": bytes(generator.choices(range(256), range(1, 257), k=1 << 18)),
        "one": b"a" * 1000,
        "byte": b"\0",
    }
    for name, data in contents.items():
        (place / name).write_bytes(data)
    return place, contents


def tables(text):
    """The tables that are printed, each a list of lines, each a list of words."""
    return [[line.split() for line in part.splitlines()] for part in text.split("\n\n")]


def test_entropies_and_divergences(files):
    place, contents = files
    entropies, *divergences = tables(run(FILE_ENTROPY, *contents, cwd=place).stdout)
    for (name, data), line in zip(contents.items(), entropies[1:], strict=True):
        bits = shannon(data)
        assert float(line[1]) == pytest.approx(bits, abs=5.1e-7)
        assert float(line[2]) == pytest.approx(2**bits, abs=5.1e-5)
        assert float(line[3]) == pytest.approx(100 * bits / 8, abs=5.1e-3)
        assert line[5:] == [str(len(data)), name]
    for table, measure in zip(divergences, (kl, js), strict=True):
        for p, line in zip(contents.values(), table[2:], strict=True):
            for q, word in zip(contents.values(), line[1:], strict=True):
                assert float(word) == pytest.approx(measure(p, q), abs=5.1e-7)
                assert not word.startswith("-")


def test_one_file_has_no_divergences(files):
    place, _ = files
    assert len(tables(run(FILE_ENTROPY, "letters", cwd=place).stdout)) == 1


def test_reads_standard_input(files):
    place, contents = files
    with open(place / "letters") as letters:
        said = run(FILE_ENTROPY, "-", stdin=letters).stdout
    assert said.splitlines()[1].split()[1] == f"{shannon(contents['letters']):.6f}"


def test_reads_a_pipe_that_comes_in_pieces():
    read, write = os.pipe()
    with subprocess.Popen([FILE_ENTROPY, "-"], stdin=read, stdout=subprocess.PIPE, text=True) as program:
        os.close(read)
        for piece in (b"ab", b"cd"):
            os.write(write, piece)
            wait_until(lambda: pending(write) == 0)
        os.close(write)
        assert program.stdout.read().splitlines()[1].split()[1:3] == ["2.000000", "4.0000"]


def test_memory_does_not_grow_with_the_file(tmp_path):
    """512 MiB of holes, in an address space of 64 MiB."""
    with open(tmp_path / "large", "wb") as large:
        large.truncate(1 << 29)
    said = run("prlimit", f"--as={64 << 20}", FILE_ENTROPY, tmp_path / "large").stdout
    assert said.splitlines()[1].split()[1:6] == ["0.000000", "1.0000", "0.00", "%", str(1 << 29)]


@pytest.mark.parametrize(
    "argument, message",
    [
        ("absent", "absent: No such file or directory"),
        (".", ".: Is a directory"),
        ("empty", "empty: no bytes, so no distribution"),
        ("all/file", "all/file: Not a directory"),
        ("", ": No such file or directory"),
    ],
)
def test_says_in_one_line_what_is_wrong_and_goes_on(argument, message, files):
    place, _ = files
    (place / "empty").touch()
    done = run(FILE_ENTROPY, argument, "one", cwd=place, status=1)
    assert done.stderr == f"file_entropy: {message}\n"
    assert done.stdout.splitlines()[1].endswith(" one")


def test_a_file_it_may_not_read(tmp_path):
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "secret").chmod(0)
    # To root nothing is secret, unless it gives up the right to look.
    become = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
    done = run(*become, FILE_ENTROPY, "secret", cwd=tmp_path, status=1)
    assert done.stderr == "file_entropy: secret: Permission denied\n"
    assert done.stdout == ""


def test_usage():
    assert run(FILE_ENTROPY, status=2).stderr.startswith("usage: file_entropy FILE...\n")
    assert run(FILE_ENTROPY, "--help").stdout.startswith("usage: file_entropy FILE...\n")


def test_a_full_disk():
    with open("/dev/full", "w") as full:
        done = subprocess.run([FILE_ENTROPY, FILE_ENTROPY], stdout=full, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (1, "file_entropy: standard output: No space left on device\n")


def test_interruption():
    read, write = os.pipe()
    with subprocess.Popen([FILE_ENTROPY, "-"], stdin=read, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
        os.write(write, b"some")
        wait_until(lambda: pending(read) == 0)  # it has read: the handler stands by then
        program.send_signal(signal.SIGINT)
        out, err = program.communicate(timeout=10)
    os.close(read)
    os.close(write)
    assert (program.returncode, out, err) == (130, b"", b"file_entropy: interrupted\n")
