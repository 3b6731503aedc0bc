"""Swift packages elsewhere."""

from conftest import run

MANIFEST = """\
// swift-tools-version: 6.1
import PackageDescription
let package = Package(
    name: "linked",
    targets: [
        .systemLibrary(name: "CNepit", pkgConfig: "nepit"),
        .executableTarget(name: "linked", dependencies: ["CNepit"]),
    ]
)
"""
MODULE_MAP = """\
module CNepit {
    header "shim.h"
    link "nepit"
}
"""
PROGRAM = """\
import CNepit
let p: [Double] = [0.5, 0.5]
var bits = 0.0
let status = nepit_entropy(nepit_vector_f64(p, 2), 2, nil, &bits)
print(status, bits)
"""


def test_a_package_that_depends_on_a_tagged_version(swift_package):
    """By URL and version: a dependency by path would be allowed unsafe flags, which no other package is."""
    assert swift_package.run("hello") == "1.0\n"


def test_a_package_that_links_the_installed_library(installed, tmp_path):
    for name, text in {
        "Package.swift": MANIFEST,
        "Sources/CNepit/module.modulemap": MODULE_MAP,
        "Sources/CNepit/shim.h": "#include <nepit.h>\n",
        "Sources/linked/main.swift": PROGRAM,
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    run("swift", "build", "-c", "release", "--package-path", tmp_path,
        env={"PKG_CONFIG_PATH": str(installed / "lib" / "pkgconfig")})
    program = tmp_path / ".build" / "release" / "linked"
    assert run(program, env={"LD_LIBRARY_PATH": str(installed / "lib")}).stdout == "0 1.0\n"
