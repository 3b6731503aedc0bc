#!/usr/bin/env python3
"""The test that names the forgotten edit: what a function of nepit.h needs elsewhere, and does not have.

    completeness.py

One line for each missing thing, "nepit_foo: no vectors (Tests/Vectors/foo.txt)"; docs/adding-a-measure.md tells how
to make it. A gradient belongs to its measure: in Python it is the keyword gradient=, in the changelog the measure.
"""
import ast
import re
import sys
import unicodedata

import header
import python_table

ROOT = header.ROOT
PACKAGE = ROOT / "bindings" / "python" / "src" / "nepit"


def text_of(pattern):
    return "\n".join(path.read_text() for path in sorted(ROOT.glob(pattern)))


def plain(text):
    """Lower case without accents, words apart by single spaces: "Rényi_entropy" and "Renyi entropy" are one."""
    text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return " ".join(re.findall(r"[a-z0-9]+", text))


def python_functions():
    """name: the names of its parameters, of each public function of the package."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        if path == python_table.TABLE:
            continue
        for node in ast.parse(path.read_text(), str(path)).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                arguments = node.args
                every = arguments.posonlyargs + arguments.args + arguments.kwonlyargs
                found.setdefault(node.name, set()).update(argument.arg for argument in every)
    return found


def python_names(path=PACKAGE / "__init__.py"):
    """What `import nepit` offers: the names that __init__.py imports; of `from .x import *` those that x lists."""
    names = set()
    for node in ast.parse(path.read_text(), str(path)).body if path.exists() else ():
        if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
            inner = path.parent / node.module
            names |= listed(inner / "__init__.py" if inner.is_dir() else inner.with_suffix(".py"))
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names |= {alias.asname or alias.name for alias in node.names}
    return names


def listed(path):
    """The module's __all__."""
    for node in ast.parse(path.read_text(), str(path)).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", None) == "__all__":
            return set(ast.literal_eval(node.value))
    return set()


def table_rows():
    if not python_table.TABLE.exists():
        return set()
    return {row[0] for row in python_table.load(python_table.TABLE)["FUNCTIONS"]}


def missing(model):
    exports = text_of("Sources/NepitABI/**/*.swift")
    rows, functions, offered = table_rows(), python_functions(), python_names()
    calls = (ROOT / "Tests" / "CHarness" / "calls.h").read_text()
    pages = text_of("docs/measures/*.md")
    changes = plain(text_of("CHANGELOG.md"))
    package = text_of("bindings/python/src/nepit/**/*.py")
    swift_tests = text_of("Tests/NepitTests/**/*.swift")

    for function in model.functions:
        name = function.name
        stem = name.removeprefix("nepit_")
        is_gradient = stem.endswith("_gradient")
        measure = stem.removesuffix("_gradient")
        section = function.section

        if not re.search(rf'@_cdecl\("{name}"\)\s*@implementation', exports):
            yield f'{name}: no export (@_cdecl("{name}") @implementation in Sources/NepitABI)'
        if name not in rows:
            yield f"{name}: no row in the Python table (bindings/python/src/nepit/_library.py)"
        if section == "library":
            continue
        # Of an object's functions one computes; the others are a method each of its class.
        if (function.is_measure or not function.handles) and not (
                ROOT / "Tests" / "Vectors" / f"{stem}.txt").exists():
            yield f"{name}: no vectors (Tests/Vectors/{stem}.txt)"
        if f"CALL({name}," not in calls and function.result != "void":
            yield f"{name}: no direct call (Tests/CHarness/calls.h)"
        if function.handles:
            noun = measure.rpartition("_")[0]
            title = "".join(word.capitalize() for word in noun.split("_"))
            if not re.search(rf"\bc\.{name}\b", package) or f"class {title}" not in package:
                yield f"{name}: no method of a Python class {title}"
            measure = noun
        elif measure not in functions or section == "discrete" and measure not in offered:
            yield f"{name}: no Python function nepit.{measure}"
        elif is_gradient and "gradient" not in functions[measure]:
            yield f"{name}: the Python function {measure} has no keyword gradient="
        if not re.search(rf"\b{name}\b", pages):
            yield f"{name}: no page mentions it (docs/measures/{measure}.md)"
        if plain(measure) not in changes and not re.search(rf"\b{plain(name)}\b", changes):
            yield f"{name}: CHANGELOG.md does not mention {measure}"
        if not re.search(rf"\b(nepit_)?{stem}\b", swift_tests):
            yield f'{name}: no Swift test mentions "{stem}" (Tests/NepitTests)'

    known = {function.name.removeprefix("nepit_") for function in model.functions}
    for path in sorted((ROOT / "Tests" / "Vectors").glob("*.txt")):
        if path.stem not in known:
            yield f"Tests/Vectors/{path.name}: nepit.h has no nepit_{path.stem}"
    for name in sorted(set(re.findall(r'@_cdecl\("(\w+)"\)', exports))):
        if name.removeprefix("nepit_") not in known:
            yield f"Sources/NepitABI: nepit.h has no {name}"


def main():
    try:
        model = header.read()
    except header.HeaderError as error:
        sys.exit(f"completeness.py: {error}")
    lines = list(missing(model))
    for line in lines:
        print(line)
    if lines:
        sys.exit(f"completeness.py: {len(lines)} things are missing")
    print(f"completeness: {len(model.functions)} functions, and all that belongs to each")


if __name__ == "__main__":
    main()
