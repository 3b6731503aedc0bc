#!/usr/bin/env python3
"""Reads Include/nepit.h: the one place in the tests that knows the header.

Clang parses the header, doc comments included, so "@param[in] weights [rows, cols]" is data here: `read()` gives
functions with directions, extents, intervals and statuses, records with their layout, typedefs and macros. A comment
that lacks a part its siblings have, or says something that the declaration contradicts, is an error with its line.

    header.py                       check the header and say what it holds
    header.py --contract FILE       write the description that Tests/CHarness reads
"""
import argparse
import dataclasses
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HEADER = ROOT / "Include" / "nepit.h"

NOTES = ("Values", "Accuracy", "Memory", "Reference", "Since")
ARRAYS = ("nepit_array", "nepit_mutable_array")
# How a parameter's C type reads in a contract. An array's data, and a pointer, has extents; a number has an interval.
KINDS = {
    "nepit_array": "array",
    "nepit_mutable_array": "mutable",
    "double": "number",
    "size_t": "count",
    "const nepit_execution *": "execution",
    "const double *": "doubles",
    "double *": "doubles",
    "const int32_t *": "int32s",
    "int32_t *": "int32s",
    "int64_t *": "int64s",
    "nepit_status": "status",
    "nepit_reduction": "choice",
    "nepit_kl_estimator": "choice",
    "unsigned char *": "bytes",
    "const unsigned char *": "bytes",
    "size_t *": "sizes",
}
EXTENTS = ("rows", "cols")
# A record of options is passed by its address; NULL means the defaults.
OPTIONS = re.compile(r"const (nepit_\w+_options) \*")
FIELDS = {"double": "double", "int64_t": "int64", "int32_t": "int32", "nepit_reduction": "int32",
          "nepit_divergence": "int32"}


class HeaderError(Exception):
    """The header breaks one of its own rules."""


@dataclass
class Interval:
    low: float
    low_closed: bool
    high: float
    high_closed: bool

    def __str__(self):
        return f"{'[' if self.low_closed else '('}{self.low!r}, {self.high!r}{']' if self.high_closed else ')'}"


@dataclass
class Parameter:
    name: str
    type: str
    kind: str
    direction: str = "value"                            # "in", "out", "in,out" or "value"
    extents: list = field(default_factory=list)         # of an array or pointer: ["rows", "cols"], ["rows / members"]
    optional: bool = False
    interval: Interval = None                           # of a number
    place: str = ""                                     # of an output: the input whose memory it may be
    record: str = ""                                    # of options: the type of the record
    text: str = ""
    pointee: str = ""                                   # of an object or record: its type
    elements: str = "any"                               # of an array: "any" or "floats"


@dataclass
class Function:
    name: str
    line: int
    section: str
    result: str
    parameters: list
    summary: str = ""
    returns: str = ""
    statuses: list = field(default_factory=list)        # ["NULL", "SHAPE", ...] without their prefix
    notes: dict = field(default_factory=dict)

    @property
    def allocates(self):
        return "Allocates" in self.notes.get("Memory", "")

    @property
    def is_measure(self):
        """Whether it works on arrays: the functions that the contract test calls with data."""
        return any(parameter.type in ARRAYS for parameter in self.parameters)

    @property
    def handles(self):
        """Whether it makes an object, or works on one."""
        return any(parameter.kind in ("object", "made") for parameter in self.parameters)

    @property
    def signature(self):
        parameters = ", ".join(declare(parameter.type, parameter.name) for parameter in self.parameters) or "void"
        return f"{self.result} ({parameters})"


@dataclass
class Record:
    name: str
    size: int
    alignment: int
    fields: list                                        # (name, type, offset, size)
    notes: dict = field(default_factory=dict)           # what the comment of each field says


@dataclass
class Model:
    functions: list = field(default_factory=list)       # Function, exported
    inlines: list = field(default_factory=list)         # Function, static inline, without what comments say
    records: list = field(default_factory=list)
    objects: list = field(default_factory=list)         # types that are only declared
    typedefs: list = field(default_factory=list)        # (name, type)
    macros: list = field(default_factory=list)          # (name, value as text)
    version: str = ""


def declare(type_, name):
    return f"{type_}{'' if type_.endswith('*') else ' '}{name}"


# ------------------------------------------------------------------- clang


def clang(*arguments, source=None):
    command = [os.environ.get("CLANG", "clang"), "-std=c11", f"-I{HEADER.parent}", *arguments]
    done = subprocess.run(command, input=source, capture_output=True, text=True)
    if done.returncode:
        raise HeaderError(f"{' '.join(command)}\n{done.stderr}")
    return done.stdout


def syntax_tree(source):
    tree = clang("-fsyntax-only", "-Xclang", "-ast-dump=json", "-x", "c", "-", source=source)
    return json.loads(tree)["inner"]


def children(node, kind):
    return [child for child in node.get("inner", []) if child.get("kind") == kind]


def lines_of(comment):
    """The lines of a paragraph or command, as written but for the comment's stars."""
    if comment["kind"] == "TextComment":
        return [comment["text"]]
    # Clang splits a line's text at what could be markup; where a child is no plain text, its name stands for it.
    lines = []
    for child in comment.get("inner", []):
        lines += lines_of(child) if "inner" in child or "text" in child else [child.get("name", "")]
    return lines


def joined(lines):
    return " ".join(" ".join(lines).split())


# ---------------------------------------------------------------- comments


def interval_of(text):
    found = re.match(r"In ([\[(])([^,]+), ([^\])]+)([\])])\.", text)
    if not found:
        return None
    opening, low, high, closing = found.groups()
    return Interval(float(low), opening == "[", float(high), closing == "]")


def kind_of(type_, model):
    """The kind of a parameter's type, and what it points to where that is an object or a record; None if unknown."""
    pointee = type_.removeprefix("const ").rstrip("* ")
    stars = type_.count("*")
    if type_ in KINDS:
        return KINDS[type_], ""
    if pointee in model.objects and stars in (1, 2):
        return ("object", "made")[stars - 1], pointee
    if any(record.name == pointee for record in model.records) and stars == 1:
        return "summary", pointee
    return None, ""


def parameter_of(node, comment, where, model):
    name, type_ = node["name"], node["type"]["qualType"]
    options = OPTIONS.fullmatch(type_)
    kind, pointee = ("record", "") if options else kind_of(type_, model)
    if kind is None:
        raise HeaderError(f"{where}: {name} has the type {type_}, which header.py does not know")
    parameter = Parameter(name, type_, kind, pointee=pointee)
    parameter.text = joined(lines_of(comment))
    if type_ == "nepit_array" and "Labels:" in parameter.text:
        parameter.kind = "labels"
    if "of a floating-point type" in parameter.text:
        parameter.elements = "floats"
    place = re.search(r"in place of (\w+)", parameter.text)
    parameter.place = place.group(1) if place else ""
    parameter.optional = re.search(r"\boptional\b", parameter.text) is not None
    points = type_ in ARRAYS or type_.endswith("*")
    writable = type_ == "nepit_mutable_array" or points and type_ != "nepit_array" and not type_.startswith("const ")

    if points:
        if not comment.get("explicit"):
            raise HeaderError(f"{where}: {name} needs a direction, @param[in] or @param[out]")
        parameter.direction = comment["direction"]
        # An object is there before a call that changes it; a record's size is.
        both = kind in ("object", "summary")
        if parameter.direction != ("in,out" if writable and both else "out" if writable else "in"):
            raise HeaderError(f"{where}: {name} is [{parameter.direction}] but its type is {type_}")
    elif comment.get("explicit"):
        raise HeaderError(f"{where}: {name} is passed by value and has a direction")

    if parameter.kind == "execution":
        if not parameter.text.startswith("See Execution") or not parameter.optional:
            raise HeaderError(f'{where}: {name} should read "See Execution; optional."')
    elif options:
        parameter.record = options.group(1)
        if parameter.text != f"See {parameter.record}; optional.":
            raise HeaderError(f'{where}: {name} should read "See {parameter.record}; optional."')
    elif points:
        extents = re.match(r"\[([^\]]+)\]", parameter.text)
        if not extents:
            raise HeaderError(f"{where}: {name} needs its extents, such as [rows, cols]")
        parameter.extents = [" ".join(extent.split()) for extent in extents.group(1).split(",")]
        if len(parameter.extents) != (2 if type_ in ARRAYS else 1):
            raise HeaderError(f"{where}: {name} is {type_} and has {len(parameter.extents)} extents")
    elif name == "base":
        if not parameter.text.startswith("See Units"):
            raise HeaderError(f'{where}: base should begin with "See Units"')
        parameter.kind = "base"
    elif parameter.kind in ("number", "count", "choice"):
        parameter.interval = interval_of(parameter.text)
        if parameter.interval is None:
            raise HeaderError(f'{where}: {name} needs its interval, such as "In [0, inf)."')
    return parameter


def check_extents(function, where):
    counts = [parameter.name for parameter in function.parameters if parameter.kind == "count"]
    for parameter in function.parameters:
        for extent in parameter.extents:
            for term in extent.split(" / "):
                if term not in EXTENTS and term not in counts and not term.isdigit():
                    raise HeaderError(f"{where}: the extent {extent} of {parameter.name}: {term} is not known")
        if parameter.place and parameter.place not in [p.name for p in function.parameters if p.direction == "in"]:
            raise HeaderError(f"{where}: {parameter.name} is in place of {parameter.place}, which is no input")


def read_comment(function, node, where, model):
    """Fills in what the comment says, and demands each part that its siblings have."""
    comments = children(node, "FullComment")
    if not comments:
        raise HeaderError(f"{where}: no comment")
    described = {}
    tail = []
    for part in comments[0]["inner"]:
        if part["kind"] == "ParagraphComment" and not described and not tail:
            function.summary = function.summary or joined(lines_of(part))
        if part["kind"] == "ParamCommandComment":
            described[part["param"]] = part
        elif part["kind"] == "BlockCommandComment":
            if part["name"] != "return":
                raise HeaderError(f"{where}: @{part['name']} is not used in this header")
            tail = lines_of(part) or [""]
        elif tail:
            tail += [""] + lines_of(part)

    if not re.fullmatch(r"\S.*\.", function.summary):
        raise HeaderError(f"{where}: the first line should say the value and end with a full stop")
    declared = children(node, "ParmVarDecl")
    names = [parameter["name"] for parameter in declared]
    if list(described) != names:
        raise HeaderError(f"{where}: @param names {', '.join(described) or 'nothing'};"
                          f" the parameters are {', '.join(names) or 'none'}")
    if not tail and function.result != "void":
        raise HeaderError(f"{where}: no @return")
    if not tail:    # the notes are a paragraph of their own, or of the last parameter
        last = lines_of(described[names[-1]]) if names else []
        paragraphs = [part for part in comments[0]["inner"] if part["kind"] == "ParagraphComment"]
        tail = last[1:] + [line for part in paragraphs[1:] for line in lines_of(part)]
    function.parameters = [parameter_of(parameter, described[parameter["name"]], where, model)
                           for parameter in declared]

    note = None
    returns = []
    for line in tail:
        found = re.match(r"\s*(%s):\s+(\S.*)" % "|".join(NOTES), line)
        if found:
            note = found.group(1)
            function.notes[note] = found.group(2).strip()
        elif note and line.strip():
            function.notes[note] += " " + line.strip()
        elif not note:
            returns.append(line)
    function.returns = joined(returns)

    plain = function.section == "library" or function.handles and not function.is_measure
    needed = ("Since",) if plain else ("Accuracy", "Reference", "Since")
    for name in needed:
        if name not in function.notes:
            raise HeaderError(f'{where}: no "{name}:" line')
    if list(function.notes) != [name for name in NOTES if name in function.notes]:
        raise HeaderError(f"{where}: the notes should stand in the order {', '.join(NOTES)}")
    if not re.fullmatch(r"\d+\.\d+", function.notes["Since"]):
        raise HeaderError(f'{where}: "Since: {function.notes["Since"]}" is not a version')
    check_extents(function, where)


def resolve_statuses(functions, macros):
    """The statuses each @return names; "As nepit_x" is followed. Then: do they fit the parameters?"""
    known = {name[len("NEPIT_ERROR_"):] for name, _ in macros if name.startswith("NEPIT_ERROR_")}
    by_name = {function.name: function for function in functions}

    def statuses(function, seen=()):
        other = re.match(r"As (nepit_\w+)\.", function.returns)
        if not other:
            return re.findall(r"(?:NEPIT_ERROR|(?<=[ (]))_([A-Z]+)\b", function.returns)
        if other.group(1) in seen or other.group(1) not in by_name:
            raise HeaderError(f"{function.name}: @return {function.returns} leads nowhere")
        return statuses(by_name[other.group(1)], seen + (function.name,))

    for function in functions:
        if function.result != "nepit_status":
            continue
        where = f"nepit.h:{function.line}: {function.name}"
        function.statuses = statuses(function)
        kinds = {parameter.kind for parameter in function.parameters}
        expected = {"NULL", "SHAPE", "DTYPE"} if function.is_measure else set()
        if "base" in kinds:
            expected.add("BASE")
        if "labels" in kinds:
            expected.add("LABEL")
        if "record" in kinds:
            expected.add("SIZE")
        if kinds & {"execution", "number", "count", "choice", "record"}:    # a number of threads below 0 is a parameter too
            expected.add("PARAMETER")
        if "execution" in kinds:
            expected |= {"SIZE", "CANCELLED"}
        if function.allocates:
            expected.add("MEMORY")
        named = set(function.statuses)
        if function.handles:
            expected.add("NULL")
            if any(parameter.kind == "bytes" and parameter.direction == "in" for parameter in function.parameters):
                expected.add("FORMAT")
            if "summary" in kinds:
                expected.add("SIZE")
            # An object has a shape and numbers of its own that arguments can contradict; a size_t may be any.
            expected |= named & {"SHAPE", "PARAMETER"}
            counts = [parameter.interval for parameter in function.parameters if parameter.kind == "count"]
            if "execution" not in kinds and counts and all(interval.low == 0 and interval.high == float("inf")
                                                           for interval in counts):
                expected -= {"PARAMETER"}
        if named - known:
            raise HeaderError(f"{where}: @return names {', '.join(sorted(named - known))}, which is no status")
        if named != expected:
            raise HeaderError(f"{where}: @return and the parameters disagree about"
                              f" {', '.join(sorted(named ^ expected))}")


def check_order(function):
    """The house order: inputs and options, base, execution, outputs."""
    where = f"nepit.h:{function.line}: {function.name}"
    rank = {"base": 1, "execution": 2}
    ranks = [3 if parameter.direction == "out" else rank.get(parameter.kind, 0) for parameter in function.parameters]
    if ranks != sorted(ranks):
        raise HeaderError(f"{where}: the order is inputs and options, base, execution, outputs")


# ------------------------------------------------------------------- model


def check_objects(model):
    """What can be made can be saved, loaded, merged and destroyed."""
    names = {function.name for function in model.functions}
    for name in model.objects:
        for verb in ("create", "update", "merge", "save", "load", "destroy"):
            if f"{name}_{verb}" not in names:
                raise HeaderError(f"{name} is an object, and there is no {name}_{verb}")


def sections(text):
    """(line, name) of each "=== name ===" heading; what stands before the first is the library itself."""
    found = [(1, "library")]
    for number, line in enumerate(text.splitlines(), 1):
        heading = re.match(r"/\* =+ ([a-z]+) =+", line)
        if heading:
            found.append((number, heading.group(1)))
    return found


def macros_of():
    """The header's own macros with their values; the guard and the visibility attribute are no part of the ABI."""
    def defined(source):
        table = {}
        for line in clang("-dM", "-E", "-x", "c", "-", source=source).splitlines():
            name, _, value = line.removeprefix("#define ").partition(" ")
            table[name] = value
        return table
    own = defined('#include "nepit.h"\n')
    foreign = defined("#include <stddef.h>\n#include <stdint.h>\n")
    own = {name: value for name, value in own.items() if name not in foreign}
    for name in own:
        if not name.startswith("NEPIT_"):
            raise HeaderError(f"the macro {name} does not begin with NEPIT_")
    order = {name: place for place, name in enumerate(re.findall(r"#\s*define\s+(\w+)", HEADER.read_text()))}
    names = sorted(own, key=lambda name: order.get(name, len(order)))
    return [(name, re.sub(r"^\((.*)\)$", r"\1", own[name])) for name in names if name not in ("NEPIT_H", "NEPIT_API")]


def layouts(records):
    """Fills in sizes and offsets, asked of the compiler as enumerators."""
    probes = {}
    for record in records:
        probes[f"{record.name}__size"] = f"sizeof({record.name})"
        probes[f"{record.name}__alignment"] = f"_Alignof({record.name})"
        for name, *_ in record.fields:
            probes[f"{record.name}__at__{name}"] = f"offsetof({record.name}, {name})"
            probes[f"{record.name}__size__{name}"] = f"sizeof((({record.name} *)0)->{name})"
    body = ",\n".join(f"  {name} = (int){value}" for name, value in probes.items())
    values = {}
    for node in syntax_tree(f'#include "nepit.h"\nenum {{\n{body}\n}};\n'):
        for constant in children(node, "EnumConstantDecl"):
            values[constant["name"]] = int(children(constant, "ConstantExpr")[0]["value"])
    for record in records:
        record.size = values[f"{record.name}__size"]
        record.alignment = values[f"{record.name}__alignment"]
        record.fields = [(name, type_, values[f"{record.name}__at__{name}"], values[f"{record.name}__size__{name}"])
                         for name, type_ in record.fields]


def read():
    """The model of the header; HeaderError when it breaks a rule."""
    text = HEADER.read_text()
    headings = sections(text)
    model = Model()
    for node in syntax_tree('#include "nepit.h"\n'):
        name = node.get("name", "")
        if not name.startswith("nepit_"):
            continue
        if node["kind"] == "RecordDecl":
            if not node.get("completeDefinition"):
                model.objects.append(name)
                continue
            fields = [(entry["name"], entry["type"]["qualType"]) for entry in children(node, "FieldDecl")]
            notes = {entry["name"]: joined([line for comment in children(entry, "FullComment")
                                            for paragraph in comment["inner"] for line in lines_of(paragraph)])
                     for entry in children(node, "FieldDecl")}
            model.records.append(Record(name, 0, 0, fields, notes))
        elif node["kind"] == "TypedefDecl":
            if node["type"]["qualType"] != f"struct {name}":
                model.typedefs.append((name, node["type"]["qualType"]))
        elif node["kind"] == "FunctionDecl":
            line = text.count("\n", 0, node["loc"].get("offset", node["loc"].get("expansionLoc", {}).get("offset"))) + 1
            section = [title for start, title in headings if start <= line][-1]
            result = node["type"]["qualType"].partition("(")[0].strip()
            function = Function(name, line, section, result, [])
            where = f"nepit.h:{line}: {name}"
            if node.get("storageClass") == "static":
                if not children(node, "FullComment"):
                    raise HeaderError(f"{where}: no comment")
                function.parameters = [Parameter(p["name"], p["type"]["qualType"], "")
                                       for p in children(node, "ParmVarDecl")]
                model.inlines.append(function)
            else:
                if not any(attribute.get("visibility") == "default" for attribute in children(node, "VisibilityAttr")):
                    raise HeaderError(f"{where}: not marked NEPIT_API")
                read_comment(function, node, where, model)
                check_order(function)
                model.functions.append(function)
        else:
            raise HeaderError(f"{name}: header.py does not know what a {node['kind']} is")
    if not model.functions:
        raise HeaderError("no functions found")
    model.macros = macros_of()
    resolve_statuses(model.functions, model.macros)
    check_objects(model)
    layouts(model.records)
    values = dict(model.macros)
    model.version = ".".join(values[f"NEPIT_VERSION_{part}"] for part in ("MAJOR", "MINOR", "PATCH"))
    return model


# ---------------------------------------------------------------- contract


def bounds(interval):
    return [str(interval.low), "closed" if interval.low_closed else "open",
            str(interval.high), "closed" if interval.high_closed else "open"]


def fields_of(record):
    """A record's fields but its size: name, type, offset, and the interval in which it may lie."""
    for name, type_, offset, _ in record.fields:
        if name == "size":
            continue
        if type_ not in FIELDS:
            raise HeaderError(f"{record.name}.{name} has the type {type_}, which header.py does not know")
        interval = interval_of(record.notes[name]) or Interval(float("-inf"), True, float("inf"), True)
        if FIELDS[type_] != "int64" and interval_of(record.notes[name]) is None:
            raise HeaderError(f'{record.name}.{name} needs its interval, such as "In [0, inf)."')
        yield " ".join(["field", name, FIELDS[type_], str(offset), *bounds(interval)])


def contract(model):
    """The description as the C harness reads it: words on lines, no quoting, the order of the header."""
    records = {record.name: record for record in model.records}
    out = ["# What nepit.h says of each function. Written by Tests/ABI/header.py, read by Tests/CHarness."]
    for function in model.functions:
        result = "string" if "*" in function.result else "nothing" if function.result == "void" else "status"
        out.append(f"function {function.name} {function.section} {result}")
        if function.statuses:
            out.append("statuses " + " ".join(function.statuses))
        if function.allocates:
            out.append("allocates")
        for parameter in function.parameters:
            need = "optional" if parameter.optional else "needed"
            words = ["param", parameter.name, parameter.kind, parameter.direction.replace(",", ""), need]
            if parameter.pointee:
                words.append(parameter.pointee)
                words += [str(record.size) for record in model.records if record.name == parameter.pointee]
                out.append(" ".join(words))
                continue
            if parameter.kind == "array":
                words.append(parameter.elements)
            if parameter.interval:
                words += bounds(parameter.interval)
            for extent in parameter.extents:
                words.append(extent.replace(" ", ""))
            if parameter.record:
                words.append(str(records[parameter.record].size))
            out.append(" ".join(words))
            if parameter.place:
                out.append(f"place {[p.name for p in function.parameters].index(parameter.place)}")
            if parameter.record:
                out += fields_of(records[parameter.record])
        out.append("end")
    return "\n".join(out) + "\n"


def main():
    parser = argparse.ArgumentParser(description="Check nepit.h and describe it.")
    parser.add_argument("--contract", metavar="FILE", help="write the description for the C harness")
    parser.add_argument("--json", action="store_true", help="print the whole model")
    options = parser.parse_args()
    try:
        model = read()
    except HeaderError as error:
        sys.exit(f"header.py: {error}")
    if options.contract:
        path = Path(options.contract)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(contract(model))
    if options.json:
        print(json.dumps(dataclasses.asdict(model), indent=1))
    else:
        print(f"nepit.h {model.version}: {len(model.functions)} functions, {len(model.records)} records,"
              f" {len(model.macros)} macros, each comment complete")


if __name__ == "__main__":
    main()
