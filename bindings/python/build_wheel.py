#!/usr/bin/env python3
"""Builds the wheel from build/lib/libnepit.so into build/wheel, and prints its path.

    build/venv/bin/python bindings/python/build_wheel.py
"""

import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
OUTPUT = HERE.parents[1] / "build" / "wheel"


def main() -> int:
    shutil.rmtree(OUTPUT, ignore_errors=True)
    built = subprocess.run([sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps",
                            "--no-build-isolation", "--wheel-dir", str(OUTPUT), str(HERE)])
    if built.returncode:
        return built.returncode
    (wheel,) = OUTPUT.glob("*.whl")
    print(wheel.relative_to(Path.cwd()) if wheel.is_relative_to(Path.cwd()) else wheel)
    return 0


if __name__ == "__main__":
    sys.exit(main())
