"""The programs in README.md: each fenced block of C, Python or Swift, and the text that it is to print."""

import re
from pathlib import Path
from typing import NamedTuple

README = Path(__file__).resolve().parents[2] / "README.md"
# A block, and the text block that follows with nothing but white space between.
BLOCK = re.compile(
    r"^```(?P<language>c|python|swift)\n(?P<source>.*?)^```\n(?:\s*^```text\n(?P<output>.*?)^```$)?", re.M | re.S
)


class Program(NamedTuple):
    name: str
    language: str
    source: str
    output: str | None


def programs(language):
    if not README.exists():
        return []
    text = README.read_text()
    found = []
    for block in BLOCK.finditer(text):
        if block["language"] == language:
            line = text.count("\n", 0, block.start()) + 1
            found.append(Program(f"readme_line_{line}", language, block["source"], block["output"]))
    return found
