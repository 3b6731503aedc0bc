"""Many processes: those that multiprocessing makes by fork, in the middle of calls, and those that start anew."""

import multiprocessing
import os
import subprocess
import sys
import textwrap
import threading
import warnings

import numpy as np
import pytest
from places import ROOT

import nepit

SOURCE = str(ROOT / "bindings" / "python" / "src")


def results(seed):
    """What a process computes: by one thread and by several, a short way and a long one, with a monitor."""
    random = np.random.default_rng(seed)
    p, q = random.random((2, 40, 1000))
    divergence, gradient, _ = nepit.kl_divergence(p, q, axis=1, gradient=True, threads=3)
    long = nepit.renyi_divergence(p.ravel(), q.ravel(), 0.7, threads=2, progress=lambda share: None)
    return [nepit.entropy(p[0]), long, divergence.tobytes(), gradient.tobytes(), nepit.entropy(q, axis=0).tobytes()]


def keep_calling(done, wrong):
    want = results(0)
    while not done.is_set():
        if results(0) != want:
            wrong.append("a call while others fork")


def test_children_of_fork_in_the_middle_of_calls():
    want = [results(seed) for seed in range(24)]
    done, wrong = threading.Event(), []
    caller = threading.Thread(target=keep_calling, args=(done, wrong))
    caller.start()
    try:
        with warnings.catch_warnings():
            # Python warns of any fork with threads about. Nothing of Nepit's is in the way of one.
            warnings.simplefilter("ignore", DeprecationWarning)
            with multiprocessing.get_context("fork").Pool(4) as pool:
                assert pool.map(results, range(24), chunksize=1) == want
    finally:
        done.set()
        caller.join()
    assert not wrong


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_children_that_import_nepit_themselves(method):
    # In a process of its own: they import the main module again, which must not be pytest.
    code = textwrap.dedent("""
        import multiprocessing, sys
        sys.path.insert(0, {tests!r})
        from test_processes import results
        if __name__ == "__main__":
            want = [results(seed) for seed in range(6)]
            with multiprocessing.get_context({method!r}).Pool(2) as pool:
                assert pool.map(results, range(6), chunksize=1) == want
            print("same")
    """).format(tests=os.path.dirname(__file__), method=method)
    path = os.pathsep.join([SOURCE, os.path.dirname(__file__)])
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path}, capture_output=True,
                          text=True, timeout=120)
    assert done.stdout == "same\n", done.stderr


@pytest.mark.parametrize("threads", [1, 3])
def test_a_child_of_fork_can_fork(threads):
    """A child's child computes as its grandparent does."""
    p = np.random.default_rng(5).random(200_000)
    want = nepit.entropy(p, threads=threads)

    def descend(generations):
        same = nepit.entropy(p, threads=threads) == want
        if generations == 0:
            return same
        child = os.fork()
        if child == 0:
            os._exit(0 if descend(generations - 1) else 1)
        return os.waitpid(child, 0)[1] == 0 and same

    assert descend(3)
