"""The wheel: its name is honest, it holds what it should, and it works where there is no Swift."""

import hashlib
import importlib.util
import json
import os
import re
import subprocess
import sys
import venv
import zipfile

import pytest
from places import ROOT

PYTHON = ROOT / "bindings" / "python"


@pytest.fixture(scope="module")
def wheel():
    for needed in ("hatchling", "auditwheel"):
        pytest.importorskip(needed, reason=f"{needed} is not installed: the wheel is NOT tested")
    if not (ROOT / "build" / "lib" / "libnepit.so").exists():
        pytest.skip("build/lib/libnepit.so is not built: the wheel is NOT tested")
    env = {key: value for key, value in os.environ.items() if key != "NEPIT_LIBRARY"}
    command = [sys.executable, PYTHON / "build_wheel.py"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    path = ROOT / done.stdout.strip()
    assert path.parent == ROOT / "build" / "wheel" and path.exists()
    return path


def test_the_name_promises_an_old_enough_system(wheel):
    found = re.fullmatch(r"nepit-[\d.]+-py3-none-manylinux_2_(\d+)_(x86_64|aarch64)\.whl", wheel.name)
    assert found and int(found.group(1)) <= 17, wheel.name


def test_auditwheel_accepts_it(wheel):
    done = subprocess.run([sys.executable, "-m", "auditwheel", "show", wheel], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    tag = wheel.name.split("-", 4)[4].removesuffix(".whl")
    assert f'is consistent with the following platform tag: "{tag}"' in said, said


def test_contents(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    sources = {str(path.relative_to(PYTHON / "src")) for path in (PYTHON / "src" / "nepit").rglob("*.py")}
    assert sources | {"nepit/libnepit.so", "nepit/nepit.h", "nepit/py.typed"} == {
        name for name in names if name.startswith("nepit/")}
    assert any(name.endswith("/licenses/LICENSE") for name in names)
    read = zipfile.ZipFile(wheel).read
    assert read("nepit/libnepit.so") == (ROOT / "build" / "lib" / "libnepit.so").read_bytes()
    assert read("nepit/nepit.h") == (ROOT / "Include" / "nepit.h").read_bytes()


def test_bill_of_materials(wheel):
    archive = zipfile.ZipFile(wheel)
    (name,) = [name for name in archive.namelist() if ".dist-info/sboms/" in name]
    bill = json.loads(archive.read(name))
    parts = {part["name"]: part for part in bill["components"]}
    (metadata,) = [archive.read(name).decode() for name in archive.namelist() if name.endswith("/METADATA")]
    needed = re.findall(r"^Requires-Dist: ([\w.-]+)[^;\n]*$", metadata, re.M)
    assert bill["metadata"]["component"]["name"] == "nepit" and needed
    assert {"libnepit.so", "Swift standard library", "libc.so.6", "libm.so.6", *needed} == set(parts)
    library = hashlib.sha256(archive.read("nepit/libnepit.so")).hexdigest()
    assert parts["libnepit.so"]["hashes"] == [{"alg": "SHA-256", "content": library}]


def test_in_a_fresh_environment_without_swift(wheel, tmp_path):
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    env = {"PATH": "/nowhere", "HOME": str(tmp_path), **{key: os.environ[key] for key in os.environ if key.startswith(
        ("PIP_", "SSL_", "REQUESTS_", "http", "HTTP", "no_proxy", "NO_PROXY"))}}
    done = subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel], env=env,
                          cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    code = ("import nepit, shutil, sys; from nepit import _library\n"
            "assert shutil.which('swift') is None\n"
            "assert _library.path.startswith(sys.prefix), _library.path\n"
            "assert nepit.entropy([0.5, 0.25, 0.25], base=2) == 1.5\n"
            "assert nepit.kl_divergence([[1, 2], [3, 4]], [1, 1], axis=1).shape == (2,)\n")
    done = subprocess.run([python, "-c", code], env=env, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (tmp_path / "file").write_bytes(b"abab")
    done = subprocess.run([tmp_path / "venv" / "bin" / "nepit", "entropy", "file"], env=env, cwd=tmp_path,
                          capture_output=True, text=True)
    assert done.returncode == 0 and "1.0000" in done.stdout, done.stderr


def hook():
    pytest.importorskip("hatchling", reason="hatchling is not installed: the wheel's tag is NOT tested")
    spec = importlib.util.spec_from_file_location("hatch_build", PYTHON / "hatch_build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("needs, tag", [
    ((b"GLIBC_2.2.5",), "manylinux_2_17_x86_64"), ((b"GLIBC_2.17", b"GLIBC_2.3.4"), "manylinux_2_17_x86_64"),
    ((b"GLIBC_2.34", b"GLIBC_2.4"), "manylinux_2_34_x86_64")])
def test_the_tag_follows_what_the_library_needs(needs, tag):
    library = b"\x7fELF" + bytes(14) + b"\x3e\x00" + bytes(10) + b"\0" + b"\0".join(needs) + b"\0"
    assert hook().platform_tag(library) == tag
