"""Puts the library that `make build` has built into the wheel, with its bill of materials, and says honestly where that
wheel runs."""

import importlib.util
import os
import re
import struct
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_MACHINES = {0x3E: "x86_64", 0xB7: "aarch64"}  # e_machine of ELF
_OLDEST = 17  # glibc 2.17 is the oldest that the tag has a name for and that anyone still runs


def platform_tag(library: bytes) -> str:
    """The platform tag of a shared library: its processor, and the newest glibc that one of its symbols needs."""
    (machine,) = struct.unpack_from("<H", library, 18)
    minors = [int(minor) for minor in re.findall(rb"\0GLIBC_2\.(\d+)(?:\.\d+)?(?=\0)", library)]
    return f"manylinux_2_{max([_OLDEST, *minors])}_{_MACHINES[machine]}"


def bill_of_materials(root: Path, library: Path, requirements: "list[str]") -> Path:
    """The file that says what is in the wheel, written beside it."""
    spec = importlib.util.spec_from_file_location("sbom", root / "packaging" / "sbom.py")
    sbom = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sbom)
    written = root / "build" / "sbom" / "nepit.cdx.json"
    written.parent.mkdir(parents=True, exist_ok=True)
    written.write_text(sbom.text(library, requirements))
    return written


class WheelHook(BuildHookInterface):
    """Adds library, header, bill of materials and tag to a wheel; an editable one finds the library in the checkout."""

    def initialize(self, version, build_data):
        if version == "editable":
            return
        root = Path(self.root).parents[1]
        library = Path(os.environ.get("NEPIT_LIBRARY") or root / "build" / "lib" / "libnepit.so")
        if not library.exists():
            raise FileNotFoundError(f"{library}: no such library; run make build first")
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform_tag(library.read_bytes())}"
        build_data["force_include"][str(library.resolve())] = "nepit/libnepit.so"
        build_data["force_include"][str(root / "Include" / "nepit.h")] = "nepit/nepit.h"
        build_data["sbom_files"].append(str(bill_of_materials(root, library, self.metadata.core.dependencies)))
