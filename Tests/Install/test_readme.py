"""The code in README.md does, as it stands, what README.md says."""

import os
import sys

import pytest
import readme
from conftest import ROOT, run


def compare(program, output):
    if program.output is not None:
        assert output == program.output, f"README.md, {program.name}, prints:\n{output}"


@pytest.mark.parametrize("language", ["c", "python", "swift"])
def test_has_a_program(language):
    found = readme.programs(language)
    assert found, f"README.md has no block of {language}"
    assert any(program.output for program in found), f"README.md does not show what its {language} prints"


@pytest.mark.parametrize("program", readme.programs("c"), ids=lambda program: program.name)
def test_c(program, pkg_config, installed, tmp_path):
    source, binary = tmp_path / "program.c", tmp_path / "program"
    source.write_text(program.source)
    run("cc", source, *pkg_config("--cflags", "--libs"), "-o", binary)
    compare(program, run(binary, env={"LD_LIBRARY_PATH": str(installed / "lib")}).stdout)


@pytest.mark.parametrize("program", readme.programs("python"), ids=lambda program: program.name)
def test_python(program, tmp_path):
    source = tmp_path / "program.py"
    source.write_text(program.source)
    path = os.pathsep.join(filter(None, [str(ROOT / "bindings" / "python"), os.environ.get("PYTHONPATH")]))
    compare(program, run(sys.executable, source, env={"PYTHONPATH": path}, cwd=tmp_path).stdout)


@pytest.mark.parametrize("program", readme.programs("swift"), ids=lambda program: program.name)
def test_swift(program, swift_package):
    compare(program, swift_package.run(program.name))
