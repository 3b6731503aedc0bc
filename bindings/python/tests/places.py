"""Where things are, and the seed of the random tests."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
SEED = int(os.environ.get("NEPIT_TEST_SEED", "20260801"))
