"""The command line, as a shell runs it."""

import json
import math
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections import Counter

import numpy as np
import pytest
from places import ROOT

import nepit
from nepit.cli import counting

SOURCE = str(ROOT / "bindings" / "python" / "src")


def environment(**more):
    return {**os.environ, "PYTHONPATH": SOURCE, "COLUMNS": "120", **more}


def run(*arguments, stdin=b"", text=True, **more):
    done = subprocess.run([sys.executable, "-m", "nepit", *map(str, arguments)], input=stdin, capture_output=True,
                          env=environment(**more), timeout=120)
    done.stdout, done.stderr = done.stdout.decode("utf-8", "surrogateescape"), done.stderr.decode()
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture
def files(tmp_path, random):
    (tmp_path / "text.txt").write_bytes("to be or not to be\nthat is the question: größer\nto be\n".encode() * 30)
    (tmp_path / "other.txt").write_bytes(b"to see or not to see\nthat is another question\n" * 10)
    (tmp_path / "random.bin").write_bytes(random.bytes(100_001))
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "blank").write_bytes(b" \n\t \n")
    (tmp_path / "zeros").write_bytes(bytes(1000))
    return tmp_path


def one_line(done, status, *said):
    assert done.returncode == status, done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == 1 and lines[0].startswith("nepit: "), done.stderr
    for words in said:
        assert words in lines[0]


# --------------------------------------------------------------------------------------------------------- entropy


def test_entropy_of_bytes(files):
    names = [files / "text.txt", files / "random.bin", files / "zeros"]
    done = run("entropy", "--json", *names)
    assert done.returncode == 0 and not done.stderr
    result = json.loads(done.stdout)
    assert result["symbols"] == "bytes"
    pooled = np.zeros(256, int)
    for name, report in zip(names, result["files"]):
        counts = np.bincount(np.frombuffer(name.read_bytes(), np.uint8), minlength=256)
        pooled += counts
        assert report["file"] == str(name) and report["symbols"] == counts.sum()
        assert report["distinct"] == np.count_nonzero(counts)
        assert report["bits_per_symbol"] == nepit.entropy(counts, base=2)
        assert report["perplexity"] == nepit.perplexity(counts)
        assert report["share_of_8_bits"] == report["bits_per_symbol"] / 8
        most = math.log2(report["distinct"])
        assert report["share_of_maximum"] == (report["bits_per_symbol"] / most if most else None)
    assert result["total"]["symbols"] == pooled.sum()
    assert result["total"]["bits_per_symbol"] == nepit.entropy(pooled, base=2)


def test_entropy_of_words_and_lines(files):
    for symbols, split in [("words", bytes.split), ("lines", bytes.splitlines)]:
        done = run("entropy", "--json", "--symbols", symbols, files / "text.txt")
        (report,), total = json.loads(done.stdout)["files"], json.loads(done.stdout)["total"]
        counts = Counter(split((files / "text.txt").read_bytes()))
        assert total is None and "share_of_8_bits" not in report
        assert report["symbols"] == sum(counts.values()) and report["distinct"] == len(counts)
        assert report["bits_per_symbol"] == pytest.approx(nepit.entropy(list(counts.values()), base=2), rel=1e-14)


def test_the_table_is_aligned(files):
    done = run("entropy", files / "text.txt", files / "random.bin", files / "zeros")
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and len(lines) == 7 and len({len(line) for line in lines}) == 1
    assert " ".join(lines[0].split()) == "file bytes distinct bits/byte perplexity of log2(distinct) of 8 bits"
    assert set(lines[1]) == set(lines[5]) == {"-"} and lines[6].startswith("total ")
    assert "100,001" in lines[3] and re.search(r"7\.99\d\d", lines[3]) and "0.0000" in lines[4] and " - " in lines[4]
    assert len(run("entropy", files / "text.txt").stdout.splitlines()) == 3


def test_names_that_would_upset_a_terminal(files):
    for name in ["größe 表.txt", "a\x1b[31m\nb", "x" * 200]:
        (files / name).write_bytes(b"abc")
        done = run("entropy", files / name, COLUMNS="90")
        assert done.returncode == 0 and "\x1b" not in done.stdout and len(done.stdout.splitlines()) == 3
        assert json.loads(run("entropy", "--json", files / name).stdout)["files"][0]["file"] == str(files / name)
    odd = os.fsencode(files) + b"/\xff\xfe"
    with open(odd, "wb") as file:
        file.write(b"abc")
    assert run("entropy", os.fsdecode(odd)).returncode == 0
    assert run("entropy", "--json", os.fsdecode(odd)).returncode == 0


def test_standard_input(files):
    data = (files / "text.txt").read_bytes()
    for symbols in ("bytes", "words", "lines"):
        piped = json.loads(run("entropy", "--json", "--symbols", symbols, "-", stdin=data).stdout)["files"][0]
        named = json.loads(run("entropy", "--json", "--symbols", symbols, files / "text.txt").stdout)["files"][0]
        assert {**piped, "file": ""} == {**named, "file": ""}
    one_line(run("entropy", "-", "-"), 2, "standard input (-) can be read only once")
    one_line(run("entropy", "-"), 1, "-: is empty")


# --------------------------------------------------------------------------------------------------------- compare


def test_compare(files):
    names = [files / "text.txt", files / "other.txt", files / "random.bin"]
    done = run("compare", "--json", *names)
    assert done.returncode == 0 and not done.stderr
    result = json.loads(done.stdout)
    counts = [np.bincount(np.frombuffer(name.read_bytes(), np.uint8), minlength=256) for name in names]
    assert [(pair["p"], pair["q"]) for pair in result["pairs"]] == [
        (str(names[i]), str(names[j])) for i, j in [(0, 1), (0, 2), (1, 2)]]
    for pair, (i, j) in zip(result["pairs"], [(0, 1), (0, 2), (1, 2)]):
        p, q = counts[i], counts[j]
        assert float(pair["kl_divergence"]) == nepit.kl_divergence(p, q, base=2)
        assert float(pair["kl_divergence_reverse"]) == nepit.kl_divergence(q, p, base=2)
        assert pair["jensen_shannon_divergence"] == nepit.jensen_shannon_divergence(p, q, base=2)
        assert pair["hellinger_distance"] == nepit.hellinger_distance(p, q)
        assert pair["total_variation"] == nepit.total_variation(p, q)
    assert result["pairs"][0]["kl_divergence"] == "inf"  # strict JSON has no number for it


def test_smoothing_makes_it_finite(files):
    table = run("compare", "--symbols", "words", files / "text.txt", files / "other.txt").stdout
    assert " inf " in table and "--smooth" in table and re.search(r"^Jensen-Shannon +0\.\d+ +bits$", table, re.M)
    done = run("compare", "--json", "--symbols", "words", "--smooth", "0.5", files / "text.txt", files / "other.txt")
    (pair,) = json.loads(done.stdout)["pairs"]
    one, two = (Counter((files / name).read_bytes().split()) for name in ("text.txt", "other.txt"))
    words = sorted(one | two)
    p, q = ([counts[word] + 0.5 for word in words] for counts in (one, two))
    assert pair["kl_divergence"] == pytest.approx(nepit.kl_divergence(p, q, base=2), rel=1e-12)
    assert " inf " not in run("compare", "--smooth", "1", files / "text.txt", files / "other.txt").stdout


def test_compare_tables(files):
    done = run("compare", files / "text.txt", files / "text.txt")
    assert done.returncode == 0 and re.search(r"^Kullback-Leibler p from q +0\.00000 +bits$", done.stdout, re.M)
    done = run("compare", files / "text.txt", files / "other.txt", files / "zeros", files / "random.bin")
    lines = done.stdout.splitlines()
    assert len({len(line) for line in lines[:8]}) == 1 and lines[8:10] == ["", lines[9]] and "--smooth" in lines[9]


@pytest.mark.parametrize("alpha", ["-1", "x", "nan", "inf"])
def test_smooth_takes_a_number(alpha, files):
    done = run("compare", f"--smooth={alpha}", files / "text.txt", files / "other.txt")
    assert done.returncode == 2 and "is no number that is at least 0" in done.stderr


# ------------------------------------------------------------------------------------------------------------ plots


@pytest.mark.parametrize("kind, magic", [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_plots(files, kind, magic):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed: plots are NOT tested")
    for command in ("entropy", "compare"):
        image = files / f"{command}.{kind}"
        done = run(command, files / "text.txt", files / "zeros", files / "random.bin", "--plot", image)
        assert done.returncode == 0 and not done.stderr and image.read_bytes().startswith(magic)


def test_plots_that_cannot_be(files):
    one_line(run("entropy", files / "text.txt", "--plot", files / "x.txt"), 2, "must end in .png, .svg or .pdf")
    pytest.importorskip("matplotlib", reason="matplotlib is not installed: plots are NOT tested")
    done = run("entropy", files / "text.txt", "--plot", files / "no" / "x.png")
    one_line(done, 1, "cannot be written", "No such file")
    code = ("import sys, importlib.util; find = importlib.util.find_spec\n"
            "importlib.util.find_spec = lambda name, *rest: None if name == 'matplotlib' else find(name, *rest)\n"
            "from nepit.cli import main; sys.exit(main(sys.argv[1:]))")
    done = subprocess.run([sys.executable, "-c", code, "entropy", str(files / "text.txt"), "--plot", "x.png"],
                          capture_output=True, text=True, env=environment())
    one_line(done, 2, "--plot needs matplotlib")


# --------------------------------------------------------------------------------------------------------- bad input


def test_bad_files(files):
    one_line(run("entropy", files / "none"), 1, "none: no such file")
    one_line(run("entropy", files), 1, f"{files}: is a directory")
    one_line(run("entropy", files / "empty"), 1, "empty: is empty, so there is nothing to measure")
    one_line(run("entropy", "--symbols", "words", files / "blank"), 1, "blank: has no words")
    one_line(run("compare", files / "text.txt", files / "none"), 1, "none: no such file")
    one_line(run("compare", files / "text.txt"), 2, "compare needs at least 2 files")


def test_good_files_are_reported_beside_bad_ones(files):
    done = run("entropy", files / "none", files / "text.txt", files / "empty")
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 2
    assert "text.txt" in done.stdout and "total" not in done.stdout
    done = run("compare", files / "none", files / "text.txt", files)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 2 and not done.stdout


def test_no_permission(files):
    if os.geteuid() == 0:
        pytest.skip("root may read everything: the lack of a permission is NOT tested")
    (files / "text.txt").chmod(0)
    one_line(run("entropy", files / "text.txt"), 1, "text.txt: permission denied")


def test_usage(files):
    for arguments in [(), ("nonsense",), ("entropy",), ("entropy", "--symbols", "letters", files / "text.txt")]:
        done = run(*arguments)
        assert done.returncode == 2 and done.stderr.startswith("usage: nepit") and not done.stdout
    for arguments in [("--help",), ("entropy", "--help"), ("compare", "--help")]:
        done = run(*arguments)
        assert done.returncode == 0 and done.stdout.startswith("usage: nepit") and not done.stderr
    assert "Exit status" in run("--help").stdout
    assert run("--version").stdout.startswith(f"nepit {nepit.__version__} (/")


def test_interrupted(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    process = subprocess.Popen([sys.executable, "-m", "nepit", "entropy", str(pipe)], stderr=subprocess.PIPE,
                               stdout=subprocess.PIPE, env=environment(), text=True)
    with open(pipe, "wb") as writer:  # opens when the reader has come
        writer.write(b"some bytes")
        writer.flush()
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        out, said = process.communicate(timeout=30)
    assert (process.returncode, out, said) == (130, "", "nepit: interrupted\n")


def test_broken_pipe_is_quiet(files):
    names = " ".join(["text.txt"] * 4000)
    done = subprocess.run(f"{sys.executable} -m nepit entropy {names} | head -n 1; echo ${{PIPESTATUS[0]}}", shell=True,
                          executable="/bin/bash", capture_output=True, text=True, env=environment(), cwd=files)
    assert done.stdout.splitlines()[-1] == "141" and not done.stderr


def test_output_that_cannot_be_written(files):
    if not os.path.exists("/dev/full"):
        pytest.skip("there is no /dev/full: a full disk is NOT tested")
    with open("/dev/full", "wb") as full:
        done = subprocess.run([sys.executable, "-m", "nepit", "entropy", str(files / "text.txt")], stdout=full,
                              stderr=subprocess.PIPE, env=environment(), text=True)
    one_line(done, 1, "No space left")


# --------------------------------------------------------------------------------------------------------- streaming


def test_a_file_larger_than_what_may_be_held(tmp_path):
    """One GiB, most of it a hole, read with 192 MiB of address space beyond what the imports take."""
    path = tmp_path / "large"
    with open(path, "wb") as file:
        file.truncate(1 << 30)
        file.seek(1 << 29)
        file.write(bytes(range(256)) * 4096)
        file.seek((1 << 30) + 1)
        file.write(b"\xff")
    code = ("import resource, sys; from nepit.cli import main\n"
            "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
            "resource.setrlimit(resource.RLIMIT_AS, (used + (192 << 20),) * 2)\n"
            "sys.exit(main(sys.argv[1:]))")
    done = subprocess.run([sys.executable, "-c", code, "entropy", "--json", str(path)], env=environment(),
                          capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    (report,) = json.loads(done.stdout)["files"]
    assert report["symbols"] == (1 << 30) + 2 and report["distinct"] == 256
    counts = np.full(256, 4096)
    counts[0] += (1 << 30) + 1 - (1 << 20)
    counts[255] += 1
    assert report["bits_per_symbol"] == nepit.entropy(counts, base=2)
    done = run("entropy", "--symbols", "words", path)
    one_line(done, 1, "has a word longer than 64 MiB")


class Blocks:
    """A file that gives its bytes in blocks of any sizes."""

    def __init__(self, data, sizes):
        self.data, self.sizes, self.at = data, sizes, 0

    def read(self, most):
        size = min(next(self.sizes, most), most) or 1
        block = self.data[self.at:self.at + size]
        self.at += len(block)
        return block

    def readinto(self, buffer):
        block = self.read(len(buffer))
        buffer[: len(block)] = block
        return len(block)


@pytest.mark.parametrize("block", [1, 2, 3, 7, 64, 10**6])
def test_symbols_across_the_borders_of_blocks(block, random):
    alphabet = [b"a", b"b", "é".encode(), b" ", b"\n", b"\r\n", b"\t", b"\r", b"\x85", "\u3000".encode(), b"\0", b"\v"]
    for length in (0, 1, 2, 50, 999):
        data = b"".join(alphabet[i] for i in random.integers(0, len(alphabet), length))
        sizes = iter(random.integers(1, block + 1, 10**4).tolist())
        told = []
        counts = counting._count_text(Blocks(data, sizes), "words", told.append)
        assert counts == Counter(data.split()) and sum(told) == len(data)
        counts = counting._count_text(Blocks(data, iter([block] * 10**4)), "lines", told.append)
        lines = data.replace(b"\r\n", b"\n").split(b"\n")
        assert counts == Counter(lines[:-1] + ([lines[-1]] if lines[-1] else []))
        counts = counting._count_bytes(Blocks(data, iter([block] * 10**4)), told.append)
        assert np.array_equal(counts, np.bincount(np.frombuffer(data, np.uint8), minlength=256))


def test_side_by_side():
    table = counting.side_by_side([Counter(b"a b a".split()), Counter(b"c b".split())])
    assert table.tolist() == [[2, 1, 0], [0, 1, 1]] and table.dtype == np.int64


def test_the_bar_is_for_those_who_watch(files):
    pytest.importorskip("tqdm", reason="tqdm is not installed: the progress bar is NOT tested")
    import fcntl
    import pty
    import struct
    import termios

    for watched in (True, False):
        leader, follower = pty.openpty()
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        process = subprocess.Popen([sys.executable, "-m", "nepit", "entropy", "-"], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=follower if watched else subprocess.PIPE,
                                   env=environment())
        os.close(follower)
        end, said = time.monotonic() + (20 if watched else 2), b""
        while time.monotonic() < end and not said:
            process.stdin.write(b"ab" * 100_000)
            process.stdin.flush()
            time.sleep(0.05)
            if watched and select.select([leader], [], [], 0)[0]:
                said = os.read(leader, 4096)
        out, err = process.communicate(timeout=30)
        os.close(leader)
        assert process.returncode == 0 and b"1.0000" in out and not err
        assert (b"B/s" in said) == watched
