"""What the tests in this folder share: the tree, an installation that was moved, and a way to run commands."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEADER = (ROOT / "Include" / "nepit.h").read_text()
VERSION = ".".join(re.search(rf"NEPIT_VERSION_{part} (\d+)", HEADER)[1] for part in ("MAJOR", "MINOR", "PATCH"))


def run(*command, status=0, env=None, timeout=1500, **options):
    """Runs a command with no input, and shows all that it said if its status is another than expected."""
    # What make, and a virtual environment, leave for their children is no business of a program built elsewhere.
    clean = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "LD_LIBRARY_PATH")}
    options.setdefault("stdin", subprocess.DEVNULL)
    done = subprocess.run(
        [str(word) for word in command], text=True, capture_output=True, env=clean | (env or {}), timeout=timeout,
        **options,
    )
    assert done.returncode == status, (
        f"{' '.join(map(str, command))}\nended with status {done.returncode}, not {status}\n{done.stdout}{done.stderr}"
    )
    return done


def make_install(destdir, prefix, *more):
    return run("make", "-C", ROOT, "install", f"DESTDIR={destdir}", f"PREFIX={prefix}", *more)


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """The prefix of an installation that was made for one place and moved to another."""
    stage = tmp_path_factory.mktemp("stage")
    make_install(stage, "/opt/nepit")
    place = tmp_path_factory.mktemp("elsewhere") / "moved"
    shutil.move(stage / "opt" / "nepit", place)
    return place


@pytest.fixture(scope="session")
def pkg_config(installed):
    """The flags that pkg-config gives for the installation, as a list of words."""

    def flags(*options, path=installed / "lib" / "pkgconfig"):
        return run("pkg-config", *options, "nepit", env={"PKG_CONFIG_PATH": str(path)}).stdout.split()

    return flags


@pytest.fixture(scope="session")
def clone(tmp_path_factory):
    """A repository with the files of this tree as they are now, committed and tagged with the version."""
    place = tmp_path_factory.mktemp("clone") / "nepit"
    names = run("git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard").stdout.split("\0")
    for name in filter(None, names):
        source, copy = ROOT / name, place / name
        if os.path.lexists(source):
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, copy, follow_symlinks=False)
    who = ["-c", "user.name=Nepit", "-c", "user.email=nepit@localhost", "-c", "commit.gpgsign=false"]
    git = ["git", "-C", place, *who]
    run("git", "init", "--quiet", place)
    run(*git, "add", "--all", "--force")
    run(*git, "commit", "--quiet", "--message", "The tree as it is")
    run(*git, "tag", VERSION)
    return place


class SwiftPackage:
    """A package elsewhere that depends on the tagged version; its programs are built together, once for the session."""

    def __init__(self, place, url):
        self.place, self.url, self.programs = place, url, {}

    def add(self, name, source):
        folder = self.place / "Sources" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "main.swift").write_text(source)
        self.programs[name] = folder

    def build(self):
        targets = "".join(
            f'        .executableTarget(name: "{name}", dependencies: [.product(name: "Nepit", package: "nepit")]),\n'
            for name in self.programs
        )
        (self.place / "Package.swift").write_text(
            "// swift-tools-version: 6.1\n"
            "import PackageDescription\n"
            "let package = Package(\n"
            '    name: "elsewhere",\n'
            f'    dependencies: [.package(url: "{self.url}", from: "{VERSION}")],\n'
            f"    targets: [\n{targets}    ]\n"
            ")\n"
        )
        run("swift", "build", "-c", "release", "--package-path", self.place, "--disable-dependency-cache")

    def run(self, name):
        return run(self.place / ".build" / "release" / name).stdout


@pytest.fixture(scope="session")
def swift_package(clone, tmp_path_factory):
    import readme

    package = SwiftPackage(tmp_path_factory.mktemp("swift"), clone.as_uri())
    package.add("hello", "import Nepit\nlet p: [Double] = [0.5, 0.5]\nprint(entropy(of: p.span, in: .bits))\n")
    for program in readme.programs("swift"):
        package.add(program.name, program.source)
    package.build()
    return package


sys.path.insert(0, str(Path(__file__).parent))
