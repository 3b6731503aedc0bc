"""The same sources give the same library and wheel wherever they are built: once more, in another place."""

import hashlib
import shutil
import sys

from conftest import ROOT, VERSION, run


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_built_elsewhere(clone):
    place = clone.parent / "a place with a longer name"
    shutil.move(clone, place)
    run("make", "-C", place, "build")
    wheels = []
    for root in (ROOT, place):
        path = run(sys.executable, root / "bindings" / "python" / "build_wheel.py", cwd=root).stdout.strip()
        wheels.append(root / path)
    for name in (f"build/lib/libnepit.so.{VERSION}", f"build/debug/libnepit.so.{VERSION}"):
        here, there = digest(ROOT / name), digest(place / name)
        # A build upon an older one may keep line numbers of its debug information, and with them another build ID.
        assert here == there, f"{name} has other bytes; if it was not built at one go: make clean, and again"
        print(f"{here}  {name}")
    assert digest(wheels[0]) == digest(wheels[1])
    print(f"{digest(wheels[0])}  {wheels[0].relative_to(ROOT)}")
