"""What the library and the tests are made of: the bill of materials, and exact versions of what the tests use."""

import hashlib
import importlib.metadata
import json
import re
import sys
from pathlib import Path

import pytest
from conftest import ROOT, VERSION, run
from packaging.requirements import Requirement

LIBRARY = ROOT / "build" / "lib" / "libnepit.so"
# What every virtual environment begins with, and this repository's own package.
GIVEN = {"pip", "setuptools", "wheel", "nepit"}


def canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.fixture(scope="module")
def bill():
    return json.loads(run(sys.executable, ROOT / "packaging" / "sbom.py", LIBRARY).stdout)


def test_the_bill_is_of_this_library(bill):
    library = bill["metadata"]["component"]
    assert (library["name"], library["version"]) == ("libnepit.so", VERSION)
    assert library["hashes"] == [{"alg": "SHA-256", "content": hashlib.sha256(LIBRARY.read_bytes()).hexdigest()}]


def test_the_bill_names_what_is_inside_and_what_is_loaded(bill):
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", run("readelf", "--dynamic", "--wide", LIBRARY).stdout)
    names = {component["name"] for component in bill["components"]}
    assert needed and names == {"Swift standard library", *needed}
    refs = {component["bom-ref"] for component in [bill["metadata"]["component"], *bill["components"]]}
    assert {edge["ref"] for edge in bill["dependencies"]} <= refs
    assert set(bill["dependencies"][0]["dependsOn"]) == refs - {"libnepit.so"}


def test_what_the_tests_use_is_pinned():
    lines = (ROOT / "packaging" / "constraints.txt").read_text().splitlines()
    pins = [Requirement(line) for line in lines if not line.startswith("#")]
    assert all(re.fullmatch(r"==[\w.]+", str(pin.specifier)) for pin in pins)
    every = {canonical(pin.name) for pin in pins}
    wanted = {canonical(pin.name): str(pin.specifier)[2:] for pin in pins
              if pin.marker is None or pin.marker.evaluate()}
    found = {canonical(package.metadata["Name"]): package.version for package in importlib.metadata.distributions(
        path=[path for path in sys.path if Path(path).is_relative_to(sys.prefix)])}
    found = {name: version for name, version in found.items() if name not in GIVEN}
    wrong = [f"{name} {version}, pinned: {wanted.get(name, 'no')}" for name, version in sorted(found.items())
             if wanted.get(name) != version and (name not in every or name in wanted)]
    wrong += [f"{name} is pinned, but not there" for name in sorted(wanted.keys() - found.keys())]
    assert not wrong, "\n".join(wrong)
