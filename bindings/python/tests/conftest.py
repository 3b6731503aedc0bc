"""What the tests share: where things are, a deterministic Hypothesis, and a loud word about what was skipped."""

import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from places import ROOT, SEED

sys.path.insert(0, str(ROOT / "Tests" / "Vectors"))

# The same examples on every run; a failure prints the example and the blob that repeats it.
settings.register_profile("nepit", derandomize=True, deadline=None, max_examples=60, print_blob=True,
                          suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("nepit")


def pytest_report_header(config):
    return library_line()


def library_line():
    from nepit import _library

    return f"libnepit {_library.__version__}: {_library.path} ({_library.isa()}), NEPIT_TEST_SEED={SEED}"


def pytest_terminal_summary(terminalreporter):
    # Said here as well, for -q --no-header leaves out the header.
    terminalreporter.write_line(library_line())
    skipped = terminalreporter.stats.get("skipped", [])
    if skipped:
        terminalreporter.write_sep("!", f"{len(skipped)} SKIPPED, see above", yellow=True)


@pytest.fixture
def random(request):
    """A generator of its own for each test; its seed is printed when the test fails."""
    seed = [SEED, *request.node.nodeid.encode()]
    print(f"seed: NEPIT_TEST_SEED={SEED}")
    return np.random.default_rng(seed)


@pytest.fixture
def calls(monkeypatch):
    """Records what goes through the long way: (function name, [(rows, cols, row stride, col stride, data), ...])."""
    from nepit import _calls

    seen = []
    original = _calls.Layout.records

    def records(layout, codes):
        made = original(layout, codes)
        seen.append((layout, [(r.rows, r.cols, r.row_stride, r.col_stride, r.data) for r in made]))
        return made

    monkeypatch.setattr(_calls.Layout, "records", records)
    return seen
