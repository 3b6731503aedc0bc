"""Every public function is documented, its example runs, and the names are those of the design."""

import doctest
import importlib
import inspect
import operator
import pkgutil
import re

import pytest
from places import ROOT

import nepit

FUNCTIONS = [name for name in nepit.__all__ if inspect.isfunction(getattr(nepit, name))]
LOSSES = [f"losses.{name}" for name in nepit.losses.__all__ if inspect.isfunction(getattr(nepit.losses, name))]
SECTIONS = ["Parameters", "Returns", "Raises", "References", "Examples"]

#: The names of the section `discrete`; a name is added here and in docs/ together.
NAMES = """
    entropy renyi_entropy tsallis_entropy min_entropy hartley_entropy collision_entropy perplexity hill_number
    binary_entropy
    cross_entropy kl_divergence jeffreys_divergence jensen_shannon_divergence jensen_shannon_distance
    generalized_jensen_shannon renyi_divergence tsallis_divergence alpha_divergence hellinger_distance
    squared_hellinger_distance bhattacharyya_coefficient bhattacharyya_distance chernoff_information chernoff_exponent
    total_variation pearson_chi2 neyman_chi2 population_stability_index
    entr rel_entr kl_div smooth_additive smooth_mix smooth_floor check_distribution
""".split()


def test_names():
    assert set(FUNCTIONS) == set(NAMES)
    others = {"NepitError", "__version__", "discrete", "losses", "DistributionCheck", "Finding"}
    assert set(nepit.__all__) - set(NAMES) == others
    assert all(getattr(nepit, name) is getattr(nepit.discrete, name) for name in NAMES)


def test_every_measure_of_the_header_has_its_function():
    from nepit import _library

    measures = {name.removeprefix("nepit_").removesuffix("_gradient") for name, result, _ in _library.FUNCTIONS
                if result == "nepit_status" and not name.startswith("nepit_logits_comparison")}
    known = set(NAMES) | set(nepit.losses.__all__)
    assert measures <= known, f"no Python function for {measures - known}"


def test_scipys_order_of_arguments():
    assert list(inspect.signature(nepit.entropy).parameters)[:5] == ["pk", "qk", "base", "axis", "keepdims"]


def function_named(name):
    return operator.attrgetter(name)(nepit)


@pytest.mark.parametrize("name", FUNCTIONS + LOSSES)
def test_docstrings(name):
    function = function_named(name)
    text = inspect.getdoc(function)
    assert "<options>" not in text and "<raises>" not in text
    headings = re.findall(r"^(\w+)\n-+$", text, re.M)
    assert headings == SECTIONS
    first, _ = text.split("\n\n", 1)
    assert first.endswith(".") and "\n" not in first
    assert max(map(len, text.splitlines())) <= 116
    told = re.search(r"^Parameters\n-+\n(.*?)\n\n(?=\w+\n-+$)", text, re.M | re.S).group(1)
    named = [n.strip() for line in re.findall(r"^(\w[\w, ]*?)(?: :.*)?$", told, re.M) for n in line.split(",")]
    assert sorted(named) == sorted(inspect.signature(function).parameters)
    assert re.search(r"\(\d{4}\)", text)
    assert re.search(rf">>> .*nepit\.{re.escape(name)}\(", text)


MODULES = ["nepit", *(module.name for module in pkgutil.walk_packages(nepit.__path__, "nepit.")
                      if module.name not in ("nepit.__main__", "nepit.torch"))]  # the latter in test_torch.py


@pytest.mark.parametrize("module", MODULES)
def test_examples_run(module):
    failed, attempted = doctest.testmod(importlib.import_module(module))
    assert not failed
    assert attempted or "discrete." not in module


def test_the_readme_runs():
    text = (ROOT / "bindings" / "python" / "README.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", text, re.S)
    assert blocks
    for block in blocks:
        exec(compile(block, "README.md", "exec"), {})


def test_types_are_declared():
    assert (ROOT / "bindings" / "python" / "src" / "nepit" / "py.typed").exists()
    for name in FUNCTIONS + LOSSES:
        signature = inspect.signature(function_named(name))
        assert signature.return_annotation is not inspect.Signature.empty
        assert all(p.annotation is not inspect.Parameter.empty for p in signature.parameters.values())


def test_lines_are_no_longer_than_120():
    for path in (ROOT / "bindings" / "python").rglob("*.py"):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            assert len(line) <= 120, f"{path}:{number}"
