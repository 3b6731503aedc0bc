#!/usr/bin/env python3
"""The software bill of materials of a built library: what is compiled into it, and what it needs to run.

    packaging/sbom.py build/lib/libnepit.so > libnepit.cdx.json

CycloneDX 1.6 in JSON. The wheel holds one with the Python package's needs as well (PEP 770: .dist-info/sboms/). It
has no date and no random number: the same library has the same bill.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "Tests" / "ABI"))
import elf  # noqa: E402


def component(name, version, role, license, **more):
    found = {"type": "library", "bom-ref": name.replace(" ", "-"), "name": name}
    if version:
        found["version"] = version
    if license:
        found["licenses"] = [{"expression": license}]
    return {**found, "description": role, **more}


def version():
    header = (ROOT / "Include" / "nepit.h").read_text()
    return ".".join(re.search(rf"NEPIT_VERSION_{part} (\d+)", header)[1] for part in ("MAJOR", "MINOR", "PATCH"))


def compiler():
    """The version of the Swift compiler, whose standard library's generics are compiled into the library."""
    said = subprocess.run([os.environ.get("SWIFT", "swift"), "--version"], check=True, capture_output=True, text=True)
    return re.search(r"Swift version (\S+)", said.stdout)[1]


def system_libraries(library):
    """{shared object: the newest version of its symbols that the library asks for}."""
    file = elf.Elf(library)
    newest = {name: (0,) for name in file.dynamic_strings(elf.DT_NEEDED)}
    for name, needed in file.versions().values():
        found = re.fullmatch(r"GLIBC_([\d.]+)", name)
        if needed and found:
            newest[needed] = max(newest.get(needed, (0,)), tuple(map(int, found[1].split("."))))
    return {name: ".".join(map(str, numbers)) for name, numbers in newest.items()}


def bill(library, requirements=None):
    """The bill of a library, or, given the requirements of the Python package, of the wheel around it."""
    swift, needs = compiler(), system_libraries(library)
    digest = hashlib.sha256(Path(library).read_bytes()).hexdigest()
    inside = component("libnepit.so", version(), "The shared library", "Apache-2.0",
                       hashes=[{"alg": "SHA-256", "content": digest}])
    parts = [component("Swift standard library", swift, "Generic code of it is compiled into libnepit.so",
                       "Apache-2.0 WITH Swift-exception")]
    parts += [component(name, None, f"Of the system (glibc {oldest} or newer), loaded when it runs",
                        "LGPL-2.1-or-later", properties=[{"name": "linkage", "value": "dynamic"}])
              for name, oldest in sorted(needs.items())]
    needed = [part["bom-ref"] for part in parts]
    edges = [{"ref": inside["bom-ref"], "dependsOn": needed}]
    main = inside
    if requirements is not None:
        main = component("nepit", version(), "The Python package", "Apache-2.0")
        packages = [component(re.match(r"[\w.-]+", text)[0], None, f"A Python package: {text}", None,
                              properties=[{"name": "linkage", "value": "dynamic"}]) for text in requirements]
        edges.insert(0, {"ref": main["bom-ref"],
                         "dependsOn": [inside["bom-ref"], *(package["bom-ref"] for package in packages)]})
        parts = [inside, *parts, *packages]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": main,
            "tools": {"components": [{"type": "application", "name": "swiftc", "version": swift}]},
        },
        "components": parts,
        "dependencies": edges,
    }


def text(library, requirements=None):
    return json.dumps(bill(library, requirements), indent=2) + "\n"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.stdout.write(text(sys.argv[1]))
