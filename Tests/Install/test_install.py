"""make install and uninstall, and programs that are built elsewhere against what they install."""

import os
import platform
import re
import shutil
import sys
from pathlib import Path

import pytest
from conftest import ROOT, VERSION, make_install, run

MAJOR = VERSION.split(".")[0]
MULTIARCH = f"lib/{platform.machine()}-linux-gnu"

C = """\
#include <nepit.h>
#include <stdio.h>
int main(void) {
    const double p[] = {0.5, 0.25, 0.25};
    double bits;
    if (nepit_entropy(nepit_vector_f64(p, 3), 2, NULL, &bits) != NEPIT_OK) return 1;
    printf("%s %.17g\\n", nepit_version(), bits);
    return 0;
}
"""
CPP = C.replace("<stdio.h>", "<cstdio>").replace("NULL", "nullptr").replace("printf", "std::printf")
OUTPUT = f"{VERSION} 1.5\n"

CMAKE = """\
cmake_minimum_required(VERSION 3.16)
project(elsewhere LANGUAGES C CXX)
find_package(Nepit {version} REQUIRED)
find_package(Nepit {version} REQUIRED)
add_executable(in_c program.c)
add_executable(in_cpp program.cpp)
target_link_libraries(in_c PRIVATE Nepit::nepit)
target_link_libraries(in_cpp PRIVATE Nepit::nepit)
"""

CMAKE_COMMAND = shutil.which("cmake", path=Path(sys.executable).parent)


def tree(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}


def layout(lib="lib", include="include"):
    return {
        f"{include}/nepit.h",
        f"{lib}/cmake/Nepit/NepitConfig.cmake",
        f"{lib}/cmake/Nepit/NepitConfigVersion.cmake",
        f"{lib}/libnepit.so",
        f"{lib}/libnepit.so.{MAJOR}",
        f"{lib}/libnepit.so.{VERSION}",
        f"{lib}/pkgconfig/nepit.pc",
    }


@pytest.fixture
def sources(tmp_path):
    (tmp_path / "program.c").write_text(C)
    (tmp_path / "program.cpp").write_text(CPP)
    return tmp_path


def test_installs_these_files_and_no_others(installed):
    assert tree(installed) == layout()


def test_library_is_the_built_one_and_stripped(installed):
    library = installed / "lib" / f"libnepit.so.{VERSION}"
    assert library.read_bytes() == (ROOT / "build" / "lib" / library.name).read_bytes()
    assert ".symtab" not in run("readelf", "--wide", "--sections", library).stdout
    assert f"[libnepit.so.{MAJOR}]" in run("readelf", "--wide", "--dynamic", library).stdout


def test_symbolic_links_are_relative(installed):
    assert os.readlink(installed / "lib" / "libnepit.so") == f"libnepit.so.{MAJOR}"
    assert os.readlink(installed / "lib" / f"libnepit.so.{MAJOR}") == f"libnepit.so.{VERSION}"


def test_names_no_place_and_leaves_nothing_to_fill_in(installed):
    for name in layout():
        if name.endswith((".pc", ".cmake")):
            text = (installed / name).read_text()
            assert "/opt" not in text and str(ROOT) not in text, name
            assert not re.search(r"@\w+@", text), name


def test_uninstall_removes_what_install_put(tmp_path):
    for more in ([], [f"LIBDIR=/usr/{MULTIARCH}"]):
        make_install(tmp_path, "/usr", *more)
        make_install(tmp_path, "/usr", *more)
        assert tree(tmp_path / "usr") == layout(lib=MULTIARCH if more else "lib")
        run("make", "-C", ROOT, "uninstall", f"DESTDIR={tmp_path}", "PREFIX=/usr", *more)
        assert tree(tmp_path) == set()


def test_refuses_a_prefix_that_pkg_config_cannot_say(tmp_path):
    done = run("make", "-C", ROOT, "install", f"DESTDIR={tmp_path}", "PREFIX=/opt/my programs", status=2)
    assert "no spaces" in done.stderr
    assert tree(tmp_path) == set()


def test_a_missing_tool_is_named_with_what_installs_it(tmp_path):
    """To a user who may not install anything, on a system where nothing is there."""
    (tmp_path / "bash").symlink_to(shutil.which("bash"))
    (tmp_path / "id").write_text("#!/bin/bash\necho 1000\n")
    (tmp_path / "id").chmod(0o755)
    need = ROOT / "packaging" / "need"
    done = run(tmp_path / "bash", need, "bash", "cc", "ffi", "venv", status=1, env={"PATH": str(tmp_path)})
    assert done.stderr == (
        "missing: cc ffi venv. Install with: sudo apt-get install gcc libc6-dev libffi-dev python3-venv\n"
    )
    done = run(tmp_path / "bash", need, "swift", "cc", status=1, env={"PATH": str(tmp_path)})
    assert done.stderr.startswith("missing: Swift 6.3 or newer")
    for name, version in {"old": "Swift version 6.2.4 (swift-6.2.4-RELEASE)", "new": "Swift version 6.10-dev"}.items():
        (tmp_path / name).write_text(f"#!/bin/bash\necho '{version}'\n")
        (tmp_path / name).chmod(0o755)
    run(need, "swift", status=1, env={"SWIFT": str(tmp_path / "old")})
    run(need, "swift", "python", "bash", env={"SWIFT": str(tmp_path / "new")})


@pytest.mark.parametrize("compiler, source", [("cc", "program.c"), ("c++", "program.cpp")])
def test_pkg_config(compiler, source, sources, installed, pkg_config):
    flags = pkg_config("--cflags", "--libs")
    run(compiler, sources / source, *flags, "-o", sources / "program")
    assert run(sources / "program", env={"LD_LIBRARY_PATH": str(installed / "lib")}).stdout == OUTPUT
    assert pkg_config("--modversion") == [VERSION]


def test_pkg_config_with_another_library_folder(sources, tmp_path, pkg_config):
    folders = f"LIBDIR=/opt/nepit/{MULTIARCH}", "INCLUDEDIR=/opt/nepit/include/nepit-0"
    make_install(tmp_path / "stage", "/opt/nepit", *folders)
    shutil.move(tmp_path / "stage" / "opt" / "nepit", tmp_path / "moved")
    lib = tmp_path / "moved" / MULTIARCH
    flags = pkg_config("--cflags", "--libs", path=lib / "pkgconfig")
    run("cc", sources / "program.c", *flags, "-o", sources / "program")
    assert run(sources / "program", env={"LD_LIBRARY_PATH": str(lib)}).stdout == OUTPUT


def test_pkg_config_in_the_system_s_place(tmp_path, pkg_config):
    """-I/usr/include would come before the compiler's own folders and break #include_next."""
    make_install(tmp_path, "/usr", f"LIBDIR=/usr/{MULTIARCH}")
    assert pkg_config("--cflags", "--libs", path=tmp_path / "usr" / MULTIARCH / "pkgconfig") == ["-lnepit"]


@pytest.mark.parametrize("lib", ["lib", MULTIARCH])
def test_cmake(lib, sources, tmp_path):
    make_install(tmp_path / "stage", "/opt/nepit", f"LIBDIR=/opt/nepit/{lib}")
    moved = tmp_path / "moved with spaces"
    shutil.move(tmp_path / "stage" / "opt" / "nepit", moved)
    (sources / "CMakeLists.txt").write_text(CMAKE.format(version="0.1"))
    build = sources / "build"
    where = f"-DNepit_DIR={moved / lib / 'cmake' / 'Nepit'}" if lib != "lib" else f"-DCMAKE_PREFIX_PATH={moved}"
    run(CMAKE_COMMAND, "-S", sources, "-B", build, where, "-DCMAKE_BUILD_TYPE=Release")
    run(CMAKE_COMMAND, "--build", build)
    assert run(build / "in_c").stdout == OUTPUT
    assert run(build / "in_cpp").stdout == OUTPUT


@pytest.mark.parametrize(
    "version, found",
    [("", True), ("0.1", True), (VERSION, True), (f"{VERSION} EXACT", True), ("0.1...0.9", True), ("0.99", False),
     ("1", False), ("0.0.1...<0.1", False)],
)
def test_cmake_version(version, found, sources, installed):
    (sources / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.19)\nproject(elsewhere LANGUAGES NONE)\n"
        f"find_package(Nepit {version} QUIET)\nmessage(STATUS \"found=${{Nepit_FOUND}}\")\n"
    )
    said = run(CMAKE_COMMAND, "-S", sources, "-B", sources / "build", f"-DCMAKE_PREFIX_PATH={installed}").stdout
    assert f"found={int(found)}" in said


def test_cmake_says_what_is_missing(sources, installed, tmp_path):
    shutil.copytree(installed, tmp_path / "broken", symlinks=True)
    (tmp_path / "broken" / "include" / "nepit.h").unlink()
    (sources / "CMakeLists.txt").write_text(CMAKE.format(version="0.1"))
    done = run(CMAKE_COMMAND, "-S", sources, "-B", sources / "build", f"-DCMAKE_PREFIX_PATH={tmp_path / 'broken'}",
               status=1)
    assert "nepit.h is missing" in done.stderr.replace("\n", "").replace("  ", " ")
