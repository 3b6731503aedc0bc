#!/usr/bin/env python3
"""Compares what bindings/python/src/nepit/_library.py says of the C API with nepit.h, without loading the library.

    python_table.py

The prototypes (types, names and order of the parameters), the ctypes types behind them, the layout of the records,
the constants, and the intervals in which numbers may lie.
"""
import ast
import ctypes
import sys

import header

TABLE = header.ROOT / "bindings" / "python" / "src" / "nepit" / "_library.py"

# The header's record, its name in the table.
RECORDS = {"nepit_array": "Array", "nepit_mutable_array": "MutableArray", "nepit_execution": "Execution",
           "nepit_softmax_options": "SoftmaxOptions", "nepit_gaussian_options": "GaussianOptions",
           "nepit_nll_options": "NllOptions",
           "nepit_gaussian_nll_options": "GaussianNllOptions", "nepit_poisson_nll_options": "PoissonNllOptions",
           "nepit_distillation_options": "DistillationOptions",
           "nepit_estimate": "Estimate", "nepit_logits_summary": "LogitsSummary"}
VALUES = {
    "nepit_status": ctypes.c_int32,
    "nepit_dtype": ctypes.c_int32,
    "nepit_reduction": ctypes.c_int32,
    "nepit_kl_estimator": ctypes.c_int32,
    "nepit_divergence": ctypes.c_int32,
    "int32_t": ctypes.c_int32,
    "int64_t": ctypes.c_int64,
    "size_t": ctypes.c_size_t,
    "ptrdiff_t": ctypes.c_ssize_t,
    "double": ctypes.c_double,
    "uint64_t": ctypes.c_uint64,
    "void": None,
}


def load(path):
    """The module's names as they stand before it looks for the library."""
    body = []
    for node in ast.parse(path.read_text(), str(path)).body:
        called = [call.func for call in ast.walk(node) if isinstance(call, ast.Call)]
        if isinstance(node, ast.Assign) and any(getattr(name, "id", None) == "_load" for name in called):
            break
        body.append(node)
    names = {"__name__": "_library", "__file__": str(path)}
    exec(compile(ast.Module(body, []), str(path), "exec"), names)
    return names


def fits(ctype, type_, table):
    """Whether a ctypes type passes what the header declares."""
    if type_ in VALUES:
        return ctype is VALUES[type_]
    if type_ in RECORDS:
        return ctype is table[RECORDS[type_]]
    if type_ == "const char *":
        return ctype is ctypes.c_char_p
    if not type_.endswith("*"):     # a callback: nepit_monitor
        return issubclass(ctype, ctypes._CFuncPtr)
    if ctype in (ctypes.c_void_p, ctypes.py_object):
        return True
    if ctype is ctypes.c_char_p:    # bytes, with zeros among them
        return type_ == "const unsigned char *"
    pointee = type_.removeprefix("const ").removesuffix("*").strip()
    return hasattr(ctype, "contents") and fits(ctype._type_, pointee, table)


def check_functions(model, table):
    rows = {name: (result, parameters) for name, result, parameters in table["FUNCTIONS"]}
    for function in model.functions:
        if function.name not in rows:
            yield f"{function.name}: no row"
            continue
        result, parameters = rows[function.name]
        said = f"{result} ({' '.join(parameters.split())})"
        if said != function.signature:
            yield f"{function.name}: {said}\n{'in the header':>{len(function.name)}}: {function.signature}"
    declared = [function.name for function in model.functions]
    for name in rows:
        if name not in declared:
            yield f"{name}: a row, and no such function"
    used = {parameter.type for function in model.functions for parameter in function.parameters}
    used |= {function.result for function in model.functions}
    for type_ in sorted(used):
        if type_ not in table["TYPES"]:
            yield f"TYPES has no {type_}"
        elif not fits(table["TYPES"][type_], type_, table):
            yield f"TYPES passes {type_} as {table['TYPES'][type_]}"


def check_records(model, table):
    for record in model.records:
        if record.name not in RECORDS:
            yield f"python_table.py does not know the record {record.name}"
            continue
        struct = table[RECORDS[record.name]]
        if ctypes.sizeof(struct) != record.size:
            yield f"{struct.__name__} has {ctypes.sizeof(struct)} bytes, {record.name} {record.size}"
        if [entry[0] for entry in struct._fields_] != [entry[0] for entry in record.fields]:
            yield f"{struct.__name__} and {record.name} have other fields"
            continue
        for (name, ctype, *_), (_, type_, offset, size) in zip(struct._fields_, record.fields):
            place = getattr(struct, name)
            if (place.offset, place.size) != (offset, size) or not fits(ctype, type_, table):
                yield (f"{struct.__name__}.{name} is {ctype.__name__} at {place.offset},"
                       f" in {record.name} it is {type_} at {offset}")


def check_constants(model, table):
    for name, value in model.macros:
        short = name.removeprefix("NEPIT_")
        if short in table and not short.startswith("VERSION") and table[short] != float(value):
            yield f"{short} is {table[short]}, {name} {value}"
    for name, _ in model.macros:
        short = name.removeprefix("NEPIT_")
        if (short == "OK" or short.startswith("ERROR_") or name in dtypes(model)) and short not in table:
            yield f"no {short} for {name}"
    if table["__version__"] != model.version:
        yield f"__version__ is {table['__version__']}, the header is of {model.version}"


def dtypes(model):
    names = [name for name, _ in model.macros]
    return names[names.index("NEPIT_F64"):names.index("NEPIT_U64") + 1]


def check_ranges(model, table):
    ranges = dict(table["RANGES"])
    used = set()
    numbers = [(function.name, parameter.name, parameter.interval) for function in model.functions
               for parameter in function.parameters if parameter.interval is not None]
    numbers += [(record.name, name, header.interval_of(text)) for record in model.records
                for name, text in record.notes.items() if header.interval_of(text) is not None]
    for owner, name, interval in numbers:
        keys = [key for key in (f"{owner} {name}", name) if key in ranges]
        if not keys:
            yield f"RANGES: nothing for {name} of {owner}"
            continue
        used.add(keys[0])
        text = ranges[keys[0]]
        said = header.interval_of(f"In {text}.")
        if said != interval:
            yield f"RANGES: {keys[0]} is {text}, the header says {interval} in {owner}"
    for key in ranges:
        if key not in used:
            yield f"RANGES: {key} is the range of no parameter"


def differences(model, table):
    for check in (check_functions, check_records, check_constants, check_ranges):
        yield from check(model, table)


def main():
    if not TABLE.exists():
        sys.exit(f"python_table.py: there is no {TABLE.relative_to(header.ROOT)}")
    try:
        model = header.read()
    except header.HeaderError as error:
        sys.exit(f"python_table.py: {error}")
    table = load(TABLE)
    found = list(differences(model, table))
    for line in found:
        print(line)
    if found:
        sys.exit(f"python_table.py: {len(found)} differences between {TABLE.name} and nepit.h")
    print(f"python table: {len(model.functions)} prototypes, {len(model.records)} records and the constants agree")


if __name__ == "__main__":
    main()
