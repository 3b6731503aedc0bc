#!/usr/bin/env python3
"""Writes Tests/Fuzz/corpus anew: of all that the runs so far have kept, the few inputs that reach the most.

    Tests/Fuzz/run.sh -max_total_time=600       # fills build/fuzz/corpus
    Tests/Fuzz/corpus.py

libFuzzer tells which branches each input takes; the one that adds most is taken, then the next, until COUNT are there.
An input that is committed because it once failed has a name that says so, and stays.
"""

import hashlib
import re
import subprocess
import sys
import tempfile
from pathlib import Path

COUNT = 64
ROOT = Path(__file__).resolve().parents[2]
CORPUS, FUZZ = ROOT / "Tests/Fuzz/corpus", ROOT / "build/fuzz"


def branches(folders):
    """The branches that each input takes, by its path."""
    with tempfile.TemporaryDirectory() as work:
        control = Path(work) / "control"
        (Path(work) / "merged").mkdir()
        subprocess.run([FUZZ / "fuzz", "-merge=1", f"-merge_control_file={control}", Path(work) / "merged", *folders],
                       cwd=ROOT, check=True, capture_output=True)
        lines = control.read_text().splitlines()
    files = lines[2:2 + int(lines[0])]
    return {Path(files[int(line.split()[1])]): set(line.split()[2:]) for line in lines if re.match("COV ", line)}


def main():
    taken = branches([FUZZ / "corpus", CORPUS])
    reached, chosen = set(), []
    while len(chosen) < COUNT:
        best = max(sorted(taken), key=lambda path: len(taken[path] - reached))
        if not taken[best] - reached:
            break
        reached |= taken[best]
        chosen.append(best.read_bytes())
    for path in CORPUS.glob("*"):
        if re.fullmatch("[0-9a-f]{40}", path.name):
            path.unlink()
    for content in chosen:
        (CORPUS / hashlib.sha1(content).hexdigest()).write_bytes(content)
    everything = set().union(*taken.values())
    print(f"{len(chosen)} inputs, {sum(map(len, chosen))} bytes: {len(reached)} of {len(everything)} branches")


if __name__ == "__main__":
    sys.exit(main())
