"""Threads, progress, Ctrl-C, and the short and long way to the same bits."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest
from measures import ONE, TWO
from places import ROOT

import nepit
from nepit import _calls, _library

SOURCE = str(ROOT / "bindings" / "python" / "src")


@pytest.fixture(scope="module")
def large():
    return np.random.default_rng(1).random(3_000_000)


@pytest.mark.parametrize("measure", ONE + TWO, ids=str)
def test_threads_and_the_way_do_not_matter(measure, random):
    n = _calls.LARGE + 1001
    arrays = [random.random(n) for _ in range(1 if measure in ONE else 2)]
    values = {measure(*arrays, threads=threads) for threads in (0, 1, 2, 5)}
    assert len(values) == 1
    small = [array[:100] for array in arrays]
    assert measure(*small) == measure(*small, threads=1) == measure(*small, progress=lambda share: None)
    table = [array[:6000].reshape(20, 300) for array in arrays]
    rows = measure(*table, axis=1)
    assert [measure(*(t[i] for t in table)) for i in range(20)] == list(rows)


def test_progress_is_told_from_nought_to_one(large):
    shares = []
    nepit.renyi_entropy(large, 0.7, progress=shares.append)
    assert shares and shares == sorted(shares) and 0 <= shares[0] and shares[-1] <= 1
    rows = large[:120_000].reshape(20, 30, 200)[:, 1:20]  # a call for each place on one of the axes
    shares.clear()
    nepit.entropy(rows, axis=2, progress=shares.append)
    assert shares == sorted(shares) and 0 <= shares[0] < 0.1 and shares[-1] <= 1 and len(shares) >= 19


def test_an_exception_of_the_callback_ends_the_call(large):
    class Stop(Exception):
        pass

    def stop(share):
        raise Stop(share)

    for n in (10, len(large)):
        with pytest.raises(Stop):
            nepit.renyi_entropy(large[:n], 0.7, progress=stop)
    assert nepit.entropy([1, 1], base=2) == 1.0


def test_progress_bar(large, capsys):
    pytest.importorskip("tqdm", reason="tqdm is not installed: the progress bar is NOT tested")
    nepit.renyi_entropy(large, 0.7, progress=True)
    assert "100%" in capsys.readouterr().err


def test_progress_without_tqdm(large, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    nepit.renyi_entropy(large, 0.7, progress=True)
    assert "100%\n" in capsys.readouterr().err


def test_many_threads_of_python_at_once(random):
    """The records of the short way are never those of two calls."""
    p = random.random((8, 50))
    want = nepit.entropy(p, axis=1)
    wrong = []

    def work(i):
        row, other = p[i].copy(), p[(i + 1) % 8].copy()
        divergence = nepit.kl_divergence(row, other)
        for _ in range(3000):
            if nepit.entropy(row) != want[i] or nepit.kl_divergence(row, other) != divergence:
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    switch = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(switch)
    assert not wrong


def test_others_run_during_a_call(large):
    """The call lets go of the interpreter."""
    ticks, done = [], threading.Event()

    def tick():
        while not done.is_set():
            ticks.append(time.perf_counter())
            time.sleep(0.001)

    thread = threading.Thread(target=tick)
    thread.start()
    start = time.perf_counter()
    for _ in range(5):
        nepit.renyi_entropy(large, 0.7, threads=1)
    end = time.perf_counter()
    done.set()
    thread.join()
    assert sum(start < t < end for t in ticks) >= 3


def test_no_leaks_of_memory(random):
    import gc
    import tracemalloc

    p = random.random((30, 40))

    def work():
        for _ in range(500):
            nepit.entropy(p, axis=1), nepit.kl_divergence(p, p[0], axis=1, gradient=True), nepit.entropy(p[0])
            nepit.renyi_entropy(p, 2, axis=0, progress=lambda share: None)
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        for _ in range(4):
            before = work()  # the interpreter's free lists fill
        assert work() - before < 500 * 24, "something is kept of each call"  # the smallest object has 24 bytes
    finally:
        tracemalloc.stop()


def test_nothing_waits_for_the_garbage_collector(random):
    """A cycle would keep the arrays of a call until the collector runs, which may be late."""
    import gc

    p = random.random((300, 400))
    work = [lambda: nepit.entropy(p, axis=1), lambda: nepit.kl_divergence(p, p[0], axis=1, gradient=True),
            lambda: nepit.renyi_entropy(p, 2, progress=lambda share: None),
            lambda: nepit.entropy(p[:, 1:].T, axis=None), lambda: nepit.entropy(p.tolist()),
            lambda: nepit.entropy(p.reshape(20, 15, 400)[:, :9], axis=2)]
    gc.disable()
    try:
        for call in work:
            call(), gc.collect()
            for _ in range(10):
                call()
            assert gc.collect() == 0
    finally:
        gc.enable()


def test_an_execution_frees_its_generator():
    import gc
    import weakref

    class Report:
        def __call__(self, share):
            pass

    report = Report()
    seen = weakref.ref(report)
    gc.disable()
    try:
        nepit.entropy(np.ones(100_000), progress=report)
        del report
        assert seen() is None
    finally:
        gc.enable()


INTERRUPTED = """
    import os, signal, subprocess, sys, time
    import numpy as np
    import nepit

    # A shell that runs this in the background has it ignore SIGINT.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # CLOCK_MONOTONIC is the same in both processes.
    INTERRUPT = ("import os, signal, sys, time; time.sleep(0.15); sent = time.monotonic();"
                 " os.kill(int(sys.argv[1]), signal.SIGINT); print(sent)")
    p = np.random.default_rng(0).random({n})
    q = p[::-1].copy()
    nepit.entropy(p[:10])
    took = []
    for _ in range(5):
        sender = None
        try:
            sender = subprocess.Popen([sys.executable, "-Sc", INTERRUPT, str(os.getpid())], stdout=subprocess.PIPE)
            while True:
                {call}
        except KeyboardInterrupt:
            now = time.monotonic()
            took.append(now - float(sender.communicate()[0]))
    assert nepit.entropy(np.ones(4), base=2) == 2.0
    print(*took)
"""


@pytest.mark.parametrize("call", [
    "nepit.renyi_divergence(p, q, 0.7, threads=1)",
    "nepit.chernoff_information(p, q)",
    "nepit.entropy(p.reshape(-1, 4), axis=1)",
    "nepit.renyi_divergence(p, q, 0.7, gradient=True, progress=lambda share: None)",
    "nepit.losses.softmax_cross_entropy(p.reshape(-1, 1000), np.zeros(len(p) // 1000, int), threads=1)",
])
def test_ctrl_c_ends_a_long_call_soon(call):
    """Within 0.1 s. The best of five counts, since the machine may be busy with other things; -rP shows them all."""
    code = textwrap.dedent(INTERRUPTED.format(n=12_000_000, call=call))
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": SOURCE}, capture_output=True,
                          text=True, timeout=120)
    assert done.returncode == 0 and not done.stderr, (done.stdout, done.stderr)
    took = [1000 * float(word) for word in done.stdout.split()]
    print("interrupted after", " ".join(f"{ms:.1f}" for ms in took), "ms")
    assert len(took) == 5 and 0 <= min(took) < 100


def test_a_handler_of_the_hosts_own_is_heeded(large):
    """Not only Ctrl-C: whatever a signal handler raises ends the call; one that raises nothing does not."""
    calls = []

    def handler(number, frame):
        calls.append(number)

    old = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        want = nepit.renyi_entropy(large, 0.7)
        time.sleep(0.02)
        assert calls
        assert want == nepit.renyi_entropy(large, 0.7)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)


def test_from_another_thread_there_is_no_monitor():
    records = []
    thread = threading.Thread(target=lambda: records.append(_library.execution(2)))
    thread.start()
    thread.join()
    assert not records[0].monitor and records[0].threads == 2
    assert _library.execution(2).monitor
